bin_PROGRAMS += %D%/imgcreate
%C%_imgcreate_SOURCES = \
	%D%/imgcreate.c
%C%_imgcreate_LDADD = $(cmd_ldadd)
cmd_sources += $(%C%_imgcreate_SOURCES)
dist_man_MANS += %D%/imgcreate.1
