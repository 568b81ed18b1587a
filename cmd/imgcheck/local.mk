bin_PROGRAMS += %D%/imgcheck
%C%_imgcheck_SOURCES = \
	%D%/imgcheck.c \
	%D%/imgcheck.h \
	%D%/repair.c \
	%D%/report.c \
	%D%/salvage.c \
	%D%/salvage.h \
	%D%/salvage_map.c \
	%D%/salvage_report.c \
	%D%/sentences.c
%C%_imgcheck_LDADD = $(cmd_ldadd)
cmd_sources += $(%C%_imgcheck_SOURCES)
dist_man_MANS += %D%/imgcheck.1
