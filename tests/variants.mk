# Other builds of the same sources, each in a folder of its own below this one, with its own run of
# the tests. "make check CHECK_VARIANTS='asan tsan dist'" adds them to the normal check.

check-local: $(CHECK_VARIANTS:%=check-%)

# Units, drivers and commands again, compiled by clang, with memory errors and undefined behaviour
# made fatal. Of the tests beside qemu-img those that meet damage.
asan_tests = $(unit_tests) \
	$(filter-out tests/doc/% tests/interop/% tests/matrix/% tests/check-%,$(shell_tests)) \
	tests/interop/damaged.sh tests/interop/truncated.sh tests/interop/pipes.sh
check-asan: all
	$(call variant,asan,--enable-sanitize)
	SANITIZER=address $(MAKE) -C asan check CHECK_VARIANTS= TESTS='$(asan_tests)'

# The engine, disks in use and whole commands, with data races made fatal.  Samples of damage differ
# in what one thread finds, and there is no race in what never has a second thread.  The sanitizer keeps a
# file of its own in $TMPDIR, where room.sh counts blocks.
tsan_one_thread = imgamend/% imgbitmap/% imgcreate/% imginfo/% imgmap/% imgresize/% \
	imgbench/doubt.sh imgbench/matrix.sh imgbench/trace.sh imgbench/truncated.sh imgbench/usage.sh \
	imgcheck/memory.sh imgcheck/samples.sh imgcheck/several.sh imgcheck/small-memory.sh \
	imgconv/terminal.sh \
	imgconv/with-snapshots.sh imgcrypt/keys.sh imgcrypt/usage.sh imgsnap/usage.sh
tsan_programs = tests/unit/copy/test tests/disk/threads
tsan_tests = $(tsan_programs) \
	$(filter-out $(tsan_one_thread:%=tests/cmd/%) %/salvage-anchor.sh %/room.sh, \
		$(filter tests/cmd/img%,$(shell_tests))) \
	tests/interop/determinism.sh tests/interop/pipes.sh tests/interop/truncated.sh
check-tsan: all
	$(call variant,tsan,--enable-sanitize=thread)
	SANITIZER=thread $(MAKE) -C tsan check CHECK_VARIANTS= check_PROGRAMS='$(tsan_programs) tests/tools/play' \
		TESTS='$(tsan_tests)'

# The release archive: complete, buildable from a read-only tree, removed without a trace.  Nothing of
# it runs for long, so it is not optimized.
check-dist: all
	XZ_OPT=-1 $(MAKE) distcheck CHECK_VARIANTS= TESTS='%D%/check-symbols.sh' \
		DISTCHECK_CONFIGURE_FLAGS='CFLAGS=-O0'

# $(call variant,FOLDER,FLAGS): configures there, the first time.
variant = $(MKDIR_P) $(1) && cd $(1) && { test -e Makefile || \
	'$(abs_top_srcdir)'/configure -q --enable-werror CC=clang CFLAGS='-gline-tables-only -O1' $(2); }

clean-local:
	rm -rf asan tsan

.PHONY: check-asan check-tsan check-dist
