unit_tests += %D%/test
%C%_test_LDADD = $(unit_ldadd)
%C%_test_LDFLAGS = $(AM_LDFLAGS) $(failing_malloc_ldflags)
%C%_test_CPPFLAGS = $(AM_CPPFLAGS) $(failing_malloc_cppflags)
%C%_test_SOURCES = \
	$(failing_malloc_sources) \
	%D%/deadline_test.c \
	%D%/err_test.c \
	%D%/hash_test.c \
	%D%/lazy_test.c \
	%D%/mem_test.c \
	%D%/num_test.c \
	%D%/parallel_test.c \
	%D%/secret_test.c \
	%D%/shelf_test.c \
	%D%/utf8_test.c \
	%D%/uuid_test.c \
	%D%/xml_test.c \
	%D%/zero_test.c
