bin_PROGRAMS += %D%/imgcompress
%C%_imgcompress_SOURCES = \
	%D%/imgcompress.c \
	%D%/imgcompress.h \
	%D%/copy.c \
	%D%/replace.c \
	%D%/in_place.c \
	%D%/leftover.c \
	%D%/report.c \
	%D%/target.c \
	%D%/twin.c
%C%_imgcompress_LDADD = $(guest_ldadd)
cmd_sources += $(%C%_imgcompress_SOURCES)
dist_man_MANS += %D%/imgcompress.1
