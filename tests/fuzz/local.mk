# One target over all drivers: a libFuzzer program with --enable-fuzzing, else one that runs files.

check_PROGRAMS += %D%/image
%C%_image_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
%C%_image_LDADD = lib/libimg_internal.la
if FUZZING
%C%_image_SOURCES = %D%/fuzz.h %D%/image.c
%C%_image_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
else
%C%_image_SOURCES = %D%/fuzz.h %D%/image.c %D%/standalone.c
endif
shell_tests += %D%/smoke.sh
EXTRA_DIST += %D%/README
