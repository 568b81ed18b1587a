unit_tests += %D%/test
%C%_test_LDADD = tests/unit/fake/libfake.la $(unit_ldadd)
%C%_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
%C%_test_SOURCES = \
	%D%/best_test.c \
	%D%/compact_room_test.c \
	%D%/compact_test.c \
	%D%/compare_test.c \
	%D%/dedup_test.c \
	%D%/diff_test.c \
	%D%/engine_test.c \
	%D%/far_test.c \
	%D%/inplace_test.c \
	%D%/late_test.c \
	%D%/measure_sample_test.c \
	%D%/measure_test.c \
	%D%/packed_test.c \
	%D%/patch_rbd_test.c \
	%D%/patch_test.c \
	%D%/plan_test.c \
	%D%/pour_test.c \
	%D%/recrypt_test.c \
	%D%/turns_test.c \
	%D%/work_test.c
