unit_tests += %D%/test
%C%_test_LDADD = $(unit_ldadd) $(ZSTD_LIBS)
%C%_test_CFLAGS = $(AM_CFLAGS) $(ZSTD_CFLAGS)
%C%_test_SOURCES = \
	%D%/codec_test.c \
	%D%/deflate_test.c \
	%D%/digest_test.c \
	%D%/pool_test.c \
	%D%/zlib_test.c
if HAVE_ZSTD
%C%_test_SOURCES += %D%/zstd_test.c
endif
