bin_PROGRAMS += %D%/imgresize
%C%_imgresize_SOURCES = \
	%D%/imgresize.c \
	%D%/imgresize.h \
	%D%/advice.c \
	%D%/apply.c \
	%D%/grow.c \
	%D%/guard.c \
	%D%/plan.c \
	%D%/report.c \
	%D%/run.c \
	%D%/sentences.c \
	%D%/size.c \
	%D%/tail.c
%C%_imgresize_LDADD = $(guest_ldadd)
cmd_sources += $(%C%_imgresize_SOURCES)
dist_man_MANS += %D%/imgresize.1
