# "make demo": the main job on a real disk, told step by step.

EXTRA_DIST += %D%/demo.sh
demo: all
	$(AM_TESTS_ENVIRONMENT) bash $(srcdir)/%D%/demo.sh
.PHONY: demo
