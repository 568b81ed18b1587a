# What repair and salvage do about damage of all kinds. "make matrix" prints the whole of it, and
# keeps the images where a rule is broken in MATRIX_DIR; MATRIX_FLAGS="--layout v3" chooses.

MATRIX_DIR = matrix-failed
MATRIX_FLAGS =

shell_tests += %D%/matrix.sh
EXTRA_DIST += %D%/cell.py %D%/cow.py %D%/cow_damages.py %D%/cow_layouts.py %D%/cow_limits.py \
	%D%/cow_truth.py %D%/damages.py %D%/disk.py %D%/formats.py %D%/layouts.py \
	%D%/limits.py %D%/matrix.py %D%/qcow.py %D%/qcow2.py %D%/qcow_damages.py \
	%D%/qcow_layouts.py %D%/qcow_limits.py %D%/qcow_truth.py \
	%D%/readings.py %D%/table.py %D%/truth.py \
	%D%/vdi.py %D%/vdi_damages.py %D%/vdi_layouts.py %D%/vdi_limits.py %D%/vdi_truth.py \
	%D%/ways.py
matrix: all
	PATH='$(program_dirs)':"$$PATH" LD_LIBRARY_PATH='$(abs_top_builddir)/lib/.libs' \
		PYTHONDONTWRITEBYTECODE=1 \
		python3 $(srcdir)/%D%/matrix.py $(MATRIX_FLAGS) $(MATRIX_DIR)
.PHONY: matrix
