bin_PROGRAMS += %D%/imgova
%C%_imgova_SOURCES = \
	%D%/box.c \
	%D%/copy.c \
	%D%/create.c \
	%D%/extract.c \
	%D%/imgova.c \
	%D%/imgova.h \
	%D%/list.c \
	%D%/machine.c \
	%D%/usage.c \
	%D%/verify.c
%C%_imgova_LDADD = $(cmd_ldadd)
cmd_sources += $(%C%_imgova_SOURCES)
dist_man_MANS += %D%/imgova.1
