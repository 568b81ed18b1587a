bin_PROGRAMS += %D%/imgcheck
# What the unit tests of imgcheck link, too.
imgcheck_bricks = \
	%D%/facts.c \
	%D%/facts.h \
	%D%/foreign.c \
	%D%/rules_cloud.c \
	%D%/rules_virtualbox.c \
	%D%/rules_vmware.c \
	%D%/targets.c \
	%D%/targets.h
%C%_imgcheck_SOURCES = \
	$(imgcheck_bricks) \
	%D%/imgcheck.c \
	%D%/imgcheck.h \
	%D%/reasons.c \
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
