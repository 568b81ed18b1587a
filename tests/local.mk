# Tests. Unit tests are one Criterion program for each layer; scripts are found with the commands
# of this build first in PATH. Exit status 77 means skipped.

unit_tests =
shell_tests =

# First what takes longest, so that nothing is left to run alone at the end.
include $(top_srcdir)/tests/disk/local.mk
include $(top_srcdir)/tests/unit/local.mk
include $(top_srcdir)/tests/cmd/local.mk
include $(top_srcdir)/tests/conformance/local.mk
include $(top_srcdir)/tests/interop/local.mk
include $(top_srcdir)/tests/fault/local.mk
include $(top_srcdir)/tests/doc/local.mk
include $(top_srcdir)/tests/tools/local.mk
include $(top_srcdir)/tests/fuzz/local.mk
include $(top_srcdir)/tests/bench/local.mk
include $(top_srcdir)/tests/matrix/local.mk
include $(top_srcdir)/tests/demo/local.mk

shell_tests += %D%/check-layers.sh %D%/check-symbols.sh %D%/check-sizes.sh

check_PROGRAMS += $(unit_tests)
TESTS = $(unit_tests) $(shell_tests)
EXTRA_DIST += %D%/lsan.supp %D%/ceph.sh %D%/functions.sh %D%/count.sh %D%/run.sh $(shell_tests)

TEST_EXTENSIONS = .sh
LOG_COMPILER = bash '$(abs_top_srcdir)/%D%/run.sh'
SH_LOG_COMPILER = $(LOG_COMPILER) bash

# The programs themselves: libtool's scripts around them take eight times as long to start, and
# tests start programs by the thousand.  And AddressSanitizer is not to map its shadow of each large buffer
# anew, which was a quarter of all that the kernel did.
program_dirs = $(subst $() ,:,$(strip \
	$(foreach p,$(bin_PROGRAMS),$(abs_top_builddir)/$(dir $(p)).libs)))
AM_TESTS_ENVIRONMENT = \
	PATH='$(program_dirs)$(python_dir:%=:%)':"$$PATH"; \
	LD_LIBRARY_PATH='$(abs_top_builddir)/lib/.libs'; \
	LSAN_OPTIONS='suppressions=$(abs_top_srcdir)/tests/lsan.supp:print_suppressions=0'; \
	ASAN_OPTIONS=clear_shadow_mmap_threshold=1073741824; \
	export LSAN_OPTIONS ASAN_OPTIONS; \
	LC_ALL=C.UTF-8 srcdir='$(abs_top_srcdir)' builddir='$(abs_top_builddir)'; \
	export PATH LD_LIBRARY_PATH LC_ALL srcdir builddir;

include $(top_srcdir)/tests/variants.mk
