unit_tests += %D%/test
%C%_test_LDADD = $(unit_ldadd)
%C%_test_SOURCES = \
	%D%/luks1_layout_test.c
