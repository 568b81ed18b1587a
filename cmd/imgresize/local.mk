bin_PROGRAMS += %D%/imgresize
# What the unit tests of imgresize link, too.
imgresize_bricks = \
	%D%/advice.c \
	%D%/imgresize.h \
	%D%/size.c
%C%_imgresize_SOURCES = \
	$(imgresize_bricks) \
	%D%/imgresize.c \
	%D%/apply.c \
	%D%/grow.c \
	%D%/guard.c \
	%D%/plan.c \
	%D%/report.c \
	%D%/run.c \
	%D%/sentences.c \
	%D%/tail.c
%C%_imgresize_LDADD = $(guest_ldadd)
cmd_sources += $(%C%_imgresize_SOURCES)
dist_man_MANS += %D%/imgresize.1
