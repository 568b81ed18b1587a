# "make bench": the commands beside qemu-img, cp and nbdcopy, on disks made in BENCH_DIR.
# BENCH_FLAGS="-n 5 --only=info" chooses.  "make bench-trace TRACE=FILE": a recorded trace replayed
# by imgbench and by qemu-io, raw and qcow2.

BENCH_DIR = bench
BENCH_FLAGS =

EXTRA_DIST += %D%/inputs.sh %D%/bench.py %D%/trace.py
bench: all
	bash $(srcdir)/%D%/inputs.sh $(BENCH_DIR)
	PATH='$(program_dirs)':"$$PATH" LD_LIBRARY_PATH='$(abs_top_builddir)/lib/.libs' \
		python3 $(srcdir)/%D%/bench.py $(BENCH_FLAGS) $(BENCH_DIR)
bench-trace: all
	PATH='$(program_dirs)':"$$PATH" LD_LIBRARY_PATH='$(abs_top_builddir)/lib/.libs' \
		python3 $(srcdir)/%D%/trace.py $(BENCH_FLAGS) $(TRACE) $(BENCH_DIR)
.PHONY: bench bench-trace
