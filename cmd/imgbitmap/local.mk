bin_PROGRAMS += %D%/imgbitmap
%C%_imgbitmap_SOURCES = \
	%D%/change.c \
	%D%/extents.c \
	%D%/imgbitmap.c \
	%D%/imgbitmap.h \
	%D%/list.c
%C%_imgbitmap_LDADD = $(cmd_ldadd)
cmd_sources += $(%C%_imgbitmap_SOURCES)
dist_man_MANS += %D%/imgbitmap.1
