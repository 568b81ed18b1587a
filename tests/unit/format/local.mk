unit_tests += %D%/test
%C%_test_LDADD = tests/unit/fake/libfake.la $(unit_ldadd)
%C%_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
%C%_test_SOURCES = %D%/raw/raw_test.c
