bin_PROGRAMS += %D%/imgconv
%C%_imgconv_SOURCES = \
	%D%/imgconv.c \
	%D%/imgconv.h \
	%D%/itself.c \
	%D%/options.c \
	%D%/range.c \
	%D%/replicate.c \
	%D%/report.c \
	%D%/tar.c \
	%D%/same.c \
	%D%/target.c
%C%_imgconv_LDADD = $(guest_ldadd)
cmd_sources += $(%C%_imgconv_SOURCES)
dist_man_MANS += %D%/imgconv.1
