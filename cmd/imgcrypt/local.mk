bin_PROGRAMS += %D%/imgcrypt
%C%_imgcrypt_SOURCES = \
	%D%/copy.c \
	%D%/header.c \
	%D%/imgcrypt.c \
	%D%/imgcrypt.h \
	%D%/in_place.c \
	%D%/keys.c \
	%D%/list.c \
	%D%/usage.c
%C%_imgcrypt_LDADD = $(cmd_ldadd)
cmd_sources += $(%C%_imgcrypt_SOURCES)
dist_man_MANS += %D%/imgcrypt.1
