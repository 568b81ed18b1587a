unit_tests += %D%/test
%C%_test_LDADD = $(unit_ldadd)
%C%_test_LDFLAGS = $(AM_LDFLAGS) $(failing_malloc_ldflags)
%C%_test_CPPFLAGS = $(AM_CPPFLAGS) $(failing_malloc_cppflags)
%C%_test_SOURCES = \
	$(failing_malloc_sources) \
	%D%/node_test.c \
	%D%/number_test.c \
	%D%/read_test.c \
	%D%/tree.c \
	%D%/tree.h \
	%D%/write_test.c
