# Whole copies with faults put into them.

if HAVE_CRITERION
unit_tests += %D%/fault_test
%C%_fault_test_LDADD = tests/unit/fake/libfake.la $(unit_ldadd)
%C%_fault_test_LDFLAGS = $(AM_LDFLAGS) $(failing_malloc_ldflags)
%C%_fault_test_CPPFLAGS = $(AM_CPPFLAGS) $(failing_malloc_cppflags) -I$(top_srcdir)/tests
%C%_fault_test_SOURCES = %D%/fault_test.c $(failing_malloc_sources)
endif
