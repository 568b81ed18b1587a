bin_PROGRAMS += %D%/imginfo
%C%_imginfo_SOURCES = \
	%D%/formats.c \
	%D%/imginfo.c \
	%D%/imginfo.h
%C%_imginfo_LDADD = $(cmd_ldadd)
cmd_sources += $(%C%_imginfo_SOURCES)
dist_man_MANS += %D%/imginfo.1
