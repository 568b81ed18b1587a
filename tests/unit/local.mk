# A layer's unit tests are one program; a new test file is one more line in its folder's local.mk.

unit_ldadd = $(unit_main) lib/libimg_internal.la $(CRITERION_LIBS) $(ZLIB_LIBS)

# For a program whose tests let memory run out; see failing_malloc.h.
failing_malloc_sources = %D%/failing_malloc.c %D%/failing_malloc.h
failing_malloc_ldflags = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=posix_memalign \
	-Wl,--wrap=strdup,--wrap=strndup,--wrap=vasprintf
failing_malloc_cppflags = -I$(top_srcdir)/tests/unit

if HAVE_CRITERION
include $(top_srcdir)/tests/unit/fake/local.mk
include $(top_srcdir)/tests/unit/base/local.mk
include $(top_srcdir)/tests/unit/store/local.mk
include $(top_srcdir)/tests/unit/codec/local.mk
include $(top_srcdir)/tests/unit/cipher/local.mk
include $(top_srcdir)/tests/unit/extent/local.mk
include $(top_srcdir)/tests/unit/report/local.mk
include $(top_srcdir)/tests/unit/ovf/local.mk
include $(top_srcdir)/tests/unit/format/local.mk
include $(top_srcdir)/tests/unit/image/local.mk
include $(top_srcdir)/tests/unit/copy/local.mk
include $(top_srcdir)/tests/unit/cmd/local.mk
else
shell_tests += %D%/missing.sh
endif
EXTRA_DIST += %D%/missing.sh
