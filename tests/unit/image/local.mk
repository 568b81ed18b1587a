unit_tests += %D%/test
%C%_test_LDADD = tests/unit/fake/libfake.la $(unit_ldadd)
%C%_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
%C%_test_SOURCES = \
	%D%/at_once_test.c \
	%D%/below_test.c \
	%D%/bundle_test.c \
	%D%/create_test.c \
	%D%/disk_test.c \
	%D%/doubt_test.c \
	%D%/files_test.c \
	%D%/gate_test.c \
	%D%/key_header_test.c \
	%D%/left_out_test.c \
	%D%/mismatch_test.c \
	%D%/open_test.c \
	%D%/pass_test.c \
	%D%/read_test.c \
	%D%/resize_test.c \
	%D%/replicate_test.c \
	%D%/repair_files_test.c \
	%D%/snapshot_test.c \
	%D%/unpack_test.c
