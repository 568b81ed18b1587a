unit_tests += %D%/test
%C%_test_LDADD = $(unit_ldadd)
%C%_test_SOURCES = \
	%D%/number_test.c \
	%D%/tree.c \
	%D%/tree.h \
	%D%/utf8_test.c \
	%D%/write_test.c
