# Targets: libFuzzer programs with --enable-fuzzing, else such that run files.

fuzz_targets = %D%/archive %D%/image %D%/luks %D%/once %D%/patch %D%/repair
fuzz_targets += %D%/ovf
check_PROGRAMS += $(fuzz_targets)
if FUZZING
fuzz_sources = %D%/fuzz.h
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
else
fuzz_sources = %D%/fuzz.h %D%/standalone.c
fuzz_ldflags = $(AM_LDFLAGS)
endif

%C%_image_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
%C%_image_LDADD = lib/libimg_internal.la
%C%_image_LDFLAGS = $(fuzz_ldflags)
%C%_image_SOURCES = $(fuzz_sources) %D%/image.c

%C%_archive_CPPFLAGS = $(%C%_image_CPPFLAGS)
%C%_archive_LDADD = $(%C%_image_LDADD)
%C%_archive_LDFLAGS = $(fuzz_ldflags)
%C%_archive_SOURCES = $(fuzz_sources) %D%/archive.c

%C%_luks_CPPFLAGS = $(%C%_image_CPPFLAGS)
%C%_luks_LDADD = $(%C%_image_LDADD)
%C%_luks_LDFLAGS = $(fuzz_ldflags)
%C%_luks_SOURCES = $(fuzz_sources) %D%/luks.c

%C%_once_CPPFLAGS = $(%C%_image_CPPFLAGS)
%C%_once_LDADD = $(%C%_image_LDADD)
%C%_once_LDFLAGS = $(fuzz_ldflags)
%C%_once_SOURCES = $(fuzz_sources) %D%/once.c

%C%_ovf_CPPFLAGS = $(%C%_image_CPPFLAGS)
# libxml2 stays loaded: what it keeps for itself would be lost with each time that it goes.
%C%_ovf_LDADD = $(%C%_image_LDADD) $(LIBXML2_LIBS)
%C%_ovf_LDFLAGS = $(fuzz_ldflags) -Wl,--no-as-needed
%C%_ovf_SOURCES = $(fuzz_sources) %D%/ovf.c

%C%_patch_CPPFLAGS = $(%C%_image_CPPFLAGS)
%C%_patch_LDADD = $(%C%_image_LDADD) $(ZLIB_LIBS)
%C%_patch_LDFLAGS = $(fuzz_ldflags)
%C%_patch_SOURCES = $(fuzz_sources) %D%/patch.c

%C%_repair_CPPFLAGS = $(%C%_image_CPPFLAGS)
%C%_repair_LDADD = $(%C%_image_LDADD)
%C%_repair_LDFLAGS = $(fuzz_ldflags)
%C%_repair_SOURCES = $(fuzz_sources) %D%/readable.h %D%/readable.c %D%/repair.c

shell_tests += %D%/smoke.sh %D%/smoke-luks.sh %D%/smoke-once.sh %D%/smoke-patch.sh \
	%D%/smoke-repair.sh
shell_tests += %D%/smoke-archive.sh
shell_tests += %D%/smoke-ovf.sh
EXTRA_DIST += %D%/README
