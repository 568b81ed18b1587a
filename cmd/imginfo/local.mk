# imginfo, once it has sources:
#	bin_PROGRAMS += %D%/imginfo
#	%C%_imginfo_SOURCES = %D%/imginfo.c
#	%C%_imginfo_LDADD = $(cmd_ldadd)
#	cmd_sources += $(%C%_imginfo_SOURCES)
#	dist_man_MANS += %D%/imginfo.1
