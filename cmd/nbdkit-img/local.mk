# The plugin for nbdkit.  What is not ours in it, nbdkit_*, it finds in the server that loads it.
%C%_nbdkit_img_plugin_la_SOURCES = \
	%D%/nbdkit.h \
	%D%/plugin.c \
	%D%/served.c \
	%D%/served.h \
	%D%/settings.c \
	%D%/settings.h \
	%D%/tell.c \
	%D%/tell.h
cmd_sources += $(%C%_nbdkit_img_plugin_la_SOURCES)
EXTRA_DIST += %D%/README %D%/nbdkit-img-plugin.1

if HAVE_NBDKIT
nbdkitplugin_LTLIBRARIES += %D%/nbdkit-img-plugin.la
%C%_nbdkit_img_plugin_la_CPPFLAGS = $(AM_CPPFLAGS) $(NBDKIT_CFLAGS)
%C%_nbdkit_img_plugin_la_LIBADD = $(cmd_ldadd)
%C%_nbdkit_img_plugin_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-export-symbols-regex '^plugin_init$$'
# It is linked once more when it is installed, with the library where that is then.  Named by a variable,
# since automake leaves out a rule of its own where it sees another one.
nbdkit_img_install = install-nbdkitpluginLTLIBRARIES
$(nbdkit_img_install): install-libLTLIBRARIES
man_MANS += %D%/nbdkit-img-plugin.1
endif
