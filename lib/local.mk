# libimg: compiled once, linked twice. Unit tests see every function in libimg_internal.la; what
# is installed, libimg.la, shows only what libimg.map names.

libimg_headers = \
	%D%/libimg.h \
	%D%/libimg-archive.h \
	%D%/libimg-bitmap.h \
	%D%/libimg-bundle.h \
	%D%/libimg-chain.h \
	%D%/libimg-check.h \
	%D%/libimg-compact.h \
	%D%/libimg-compare.h \
	%D%/libimg-crypt.h \
	%D%/libimg-diff.h \
	%D%/libimg-hash.h \
	%D%/libimg-inplace.h \
	%D%/libimg-keys.h \
	%D%/libimg-measure.h \
	%D%/libimg-recrypt.h \
	%D%/libimg-ovf.h \
	%D%/libimg-report.h \
	%D%/libimg-snapshot.h
libimg_sources = $(libimg_headers)

include $(top_srcdir)/lib/base/local.mk
include $(top_srcdir)/lib/store/local.mk
include $(top_srcdir)/lib/codec/local.mk
include $(top_srcdir)/lib/cipher/local.mk
include $(top_srcdir)/lib/extent/local.mk
include $(top_srcdir)/lib/report/local.mk
include $(top_srcdir)/lib/ovf/local.mk
include $(top_srcdir)/lib/format/local.mk
include $(top_srcdir)/lib/image/local.mk
include $(top_srcdir)/lib/copy/local.mk

noinst_LTLIBRARIES += %D%/libimg_internal.la
%C%_libimg_internal_la_SOURCES = $(libimg_sources)
%C%_libimg_internal_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden \
	$(ZLIB_CFLAGS) $(LIBDEFLATE_CFLAGS) $(ZSTD_CFLAGS) $(JSON_C_CFLAGS) \
	$(LIBXML2_CFLAGS) $(LIBCRYPTO_CFLAGS) $(LIBARGON2_CFLAGS) \
	$(LIBARCHIVE_CFLAGS) $(LZ4_CFLAGS) $(LZMA_CFLAGS) $(LZO_CFLAGS) $(NBD_CFLAGS)
%C%_libimg_internal_la_LIBADD = \
	$(LIBDEFLATE_LIBS) $(JSON_C_LIBS)

lib_LTLIBRARIES += %D%/libimg.la
%C%_libimg_la_SOURCES =
%C%_libimg_la_LIBADD = %D%/libimg_internal.la
%C%_libimg_la_LDFLAGS = $(AM_LDFLAGS) $(STRICT_LDFLAGS) -version-info $(LIBIMG_VERSION) \
	-Wl,--version-script=$(top_srcdir)/lib/libimg.map
EXTRA_%C%_libimg_la_DEPENDENCIES = %D%/libimg.map

include_HEADERS = $(libimg_headers)
pkgconfig_DATA = %D%/libimg.pc
EXTRA_DIST += %D%/libimg.map
