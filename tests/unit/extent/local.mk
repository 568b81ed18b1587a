unit_tests += %D%/test
%C%_test_LDADD = $(unit_ldadd)
%C%_test_SOURCES = \
	%D%/cut_test.c \
	%D%/join_test.c \
	%D%/same_test.c
