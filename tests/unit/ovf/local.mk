unit_tests += %D%/test
%C%_test_LDADD = $(unit_ldadd)
%C%_test_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS)
%C%_test_SOURCES = \
	%D%/box_test.c \
	%D%/document_test.c \
	%D%/domain_test.c \
	%D%/manifest_test.c \
	%D%/read_test.c \
	%D%/schema_test.c \
	%D%/tar_test.c \
	%D%/write_test.c
