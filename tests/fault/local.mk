# Whole copies with faults put into them.

if HAVE_CRITERION
unit_tests += %D%/fault_test
%C%_fault_test_LDADD = $(unit_ldadd)
%C%_fault_test_SOURCES = %D%/fault_test.c
endif
