libimg_sources += \
	%D%/codec.h \
	%D%/deflate.c \
	%D%/deflate.h \
	%D%/deflate12.c \
	%D%/digest.c \
	%D%/named.c \
	%D%/pool.c
if HAVE_ZSTD
libimg_sources += %D%/zstd.c
endif
