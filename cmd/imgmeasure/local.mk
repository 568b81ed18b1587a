bin_PROGRAMS += %D%/imgmeasure
%C%_imgmeasure_SOURCES = \
	%D%/imgmeasure.c \
	%D%/imgmeasure.h \
	%D%/report.c
%C%_imgmeasure_LDADD = $(guest_ldadd)
cmd_sources += $(%C%_imgmeasure_SOURCES)
dist_man_MANS += %D%/imgmeasure.1
