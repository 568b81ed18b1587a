# "make bench": the commands beside qemu-img and others, on disks made in BENCH_DIR, which gets
# results.md and results.json.  BENCH_FLAGS="-n 3 --only=check" chooses; --keep puts the figures into
# table.json, which later ones are compared with.  "make bench-trace TRACE=FILE": a recorded trace replayed
# by imgbench and by qemu-io, raw and qcow2.  "make bench-ceph": imgconv beside qemu-img and rbd on a cluster of
# its own, below TMPDIR (10 GiB).

BENCH_DIR = bench
BENCH_FLAGS =

EXTRA_DIST += \
	%D%/bench.py \
	%D%/ceph.py \
	%D%/ceph.sh \
	%D%/contender.py \
	%D%/heavy.py \
	%D%/inputs.sh \
	%D%/jobs.py \
	%D%/proofs.py \
	%D%/table.json \
	%D%/table.py \
	%D%/trace.py
bench: all
	bash $(srcdir)/%D%/inputs.sh $(BENCH_DIR)
	PATH='$(program_dirs)':"$$PATH" LD_LIBRARY_PATH='$(abs_top_builddir)/lib/.libs' \
		python3 -B $(srcdir)/%D%/bench.py $(BENCH_FLAGS) $(BENCH_DIR)
bench-trace: all
	PATH='$(program_dirs)':"$$PATH" LD_LIBRARY_PATH='$(abs_top_builddir)/lib/.libs' \
		python3 $(srcdir)/%D%/trace.py $(BENCH_FLAGS) $(TRACE) $(BENCH_DIR)
bench-ceph: all
	bash $(srcdir)/%D%/inputs.sh $(BENCH_DIR)
	PATH='$(program_dirs)':"$$PATH" LD_LIBRARY_PATH='$(abs_top_builddir)/lib/.libs' \
		srcdir='$(abs_top_srcdir)' bash $(srcdir)/%D%/ceph.sh $(BENCH_DIR) $(BENCH_FLAGS)
.PHONY: bench bench-trace bench-ceph
