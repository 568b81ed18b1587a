libimg_sources += \
	%D%/codec.h \
	%D%/deflate.c \
	%D%/deflate.h \
	%D%/deflate12.c \
	%D%/digest.c \
	%D%/named.c \
	%D%/pool.c
libimg_sources += %D%/isal.h
if HAVE_ISAL
libimg_sources += %D%/isal.c
else
libimg_sources += %D%/isal_none.c
endif
if HAVE_ZSTD
libimg_sources += %D%/zstd.c
endif
if HAVE_LZ4
libimg_sources += %D%/lz4.c
endif
if HAVE_LZMA
libimg_sources += %D%/xz.c
endif
if HAVE_LZO
libimg_sources += %D%/lzo.c
endif
