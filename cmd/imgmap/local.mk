bin_PROGRAMS += %D%/imgmap
%C%_imgmap_SOURCES = \
	%D%/human.c \
	%D%/imgmap.c \
	%D%/imgmap.h \
	%D%/programs.c
%C%_imgmap_LDADD = $(guest_ldadd)
cmd_sources += $(%C%_imgmap_SOURCES)
dist_man_MANS += %D%/imgmap.1
