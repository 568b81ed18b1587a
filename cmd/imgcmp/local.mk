bin_PROGRAMS += %D%/imgcmp
%C%_imgcmp_SOURCES = \
	%D%/imgcmp.c \
	%D%/imgcmp.h \
	%D%/verdict.c
%C%_imgcmp_LDADD = $(cmd_ldadd)
cmd_sources += $(%C%_imgcmp_SOURCES)
dist_man_MANS += %D%/imgcmp.1
