# Every registered driver against its samples in testdata/.

if HAVE_CRITERION
unit_tests += %D%/test
%C%_test_LDADD = tests/unit/fake/libfake.la $(unit_ldadd)
%C%_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
%C%_test_SOURCES = %D%/samples.h %D%/samples.c %D%/reading_test.c %D%/damage_test.c \
	%D%/writing_test.c
endif
