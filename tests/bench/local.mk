# "make bench": the commands beside qemu-img, cp and nbdcopy, on disks made in BENCH_DIR.
# BENCH_FLAGS="-n 5 --only=info" chooses.

BENCH_DIR = bench
BENCH_FLAGS =

# The programs themselves: libtool's wrappers take longer to start than what is measured.
bench_dirs = $(subst $() ,:,$(strip \
	$(foreach p,$(bin_PROGRAMS),$(abs_top_builddir)/$(dir $(p)).libs)))

EXTRA_DIST += %D%/inputs.sh %D%/bench.py
bench: all
	bash $(srcdir)/%D%/inputs.sh $(BENCH_DIR)
	PATH='$(bench_dirs)':"$$PATH" LD_LIBRARY_PATH='$(abs_top_builddir)/lib/.libs' \
		python3 $(srcdir)/%D%/bench.py $(BENCH_FLAGS) $(BENCH_DIR)
.PHONY: bench
