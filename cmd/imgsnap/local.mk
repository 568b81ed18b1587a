bin_PROGRAMS += %D%/imgsnap
%C%_imgsnap_SOURCES = \
	%D%/chain.c \
	%D%/chain.h \
	%D%/change.c \
	%D%/commit.c \
	%D%/diff.c \
	%D%/extract.c \
	%D%/imgsnap.c \
	%D%/imgsnap.h \
	%D%/list.c \
	%D%/overlay.c \
	%D%/patch.c \
	%D%/rebase.c \
	%D%/usage.c
%C%_imgsnap_LDADD = $(cmd_ldadd)
cmd_sources += $(%C%_imgsnap_SOURCES)
dist_man_MANS += %D%/imgsnap.1
