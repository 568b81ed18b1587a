%C%_imgmount_SOURCES = \
	%D%/background.c \
	%D%/files.c \
	%D%/fuse3.h \
	%D%/imgmount.c \
	%D%/imgmount.h \
	%D%/opened.c \
	%D%/requests.c \
	%D%/session.c
cmd_sources += $(%C%_imgmount_SOURCES)
EXTRA_DIST += %D%/imgmount.1

if HAVE_FUSE
bin_PROGRAMS += %D%/imgmount
%C%_imgmount_CPPFLAGS = $(AM_CPPFLAGS) $(FUSE_CFLAGS)
%C%_imgmount_LDADD = $(guest_ldadd) $(FUSE_LIBS)
man_MANS += %D%/imgmount.1
endif
