bin_PROGRAMS += %D%/imgsnap
%C%_imgsnap_SOURCES = \
	%D%/change.c \
	%D%/imgsnap.c \
	%D%/imgsnap.h \
	%D%/list.c
%C%_imgsnap_LDADD = $(cmd_ldadd)
cmd_sources += $(%C%_imgsnap_SOURCES)
dist_man_MANS += %D%/imgsnap.1
