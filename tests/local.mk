# Tests. Unit tests are one Criterion program for each layer; scripts are found with the commands
# of this build first in PATH. Exit status 77 means skipped.

unit_tests =
shell_tests =

# Tests of code that runs in several threads, run once more under ThreadSanitizer.
thread_tests = tests/unit/store/test tests/unit/codec/test tests/unit/image/test tests/unit/copy/test

include $(top_srcdir)/tests/unit/local.mk
include $(top_srcdir)/tests/cmd/local.mk
include $(top_srcdir)/tests/conformance/local.mk
include $(top_srcdir)/tests/interop/local.mk
include $(top_srcdir)/tests/fault/local.mk
include $(top_srcdir)/tests/fuzz/local.mk
include $(top_srcdir)/tests/bench/local.mk
include $(top_srcdir)/tests/demo/local.mk

shell_tests += %D%/check-layers.sh %D%/check-symbols.sh %D%/check-sizes.sh

check_PROGRAMS += $(unit_tests)
TESTS = $(unit_tests) $(shell_tests)
EXTRA_DIST += %D%/functions.sh %D%/count.sh $(shell_tests)

TEST_EXTENSIONS = .sh
SH_LOG_COMPILER = bash
cmd_dirs = $(subst $() ,:,$(strip $(foreach p,$(bin_PROGRAMS),$(abs_top_builddir)/$(dir $(p)))))
AM_TESTS_ENVIRONMENT = \
	PATH='$(cmd_dirs)':"$$PATH"; \
	LC_ALL=C.UTF-8 srcdir='$(abs_top_srcdir)' builddir='$(abs_top_builddir)'; \
	export PATH LC_ALL srcdir builddir;

include $(top_srcdir)/tests/variants.mk
