bin_PROGRAMS += %D%/imgamend
%C%_imgamend_SOURCES = \
	%D%/imgamend.c
%C%_imgamend_LDADD = $(cmd_ldadd)
cmd_sources += $(%C%_imgamend_SOURCES)
dist_man_MANS += %D%/imgamend.1
