# Bytes at offsets: files, streams, memory.

libimg_sources += \
	%D%/fault.c \
	%D%/fd.c \
	%D%/fdio.c \
	%D%/fdio.h \
	%D%/file.c \
	%D%/file.h \
	%D%/file-ahead.c \
	%D%/file-copy.c \
	%D%/file-direct.c \
	%D%/file-extent.c \
	%D%/file-lock.c \
	%D%/file-new.c \
	%D%/file-zero.c \
	%D%/mem.c \
	%D%/slice.c \
	%D%/spool.c \
	%D%/store.c \
	%D%/store.h \
	%D%/zeros.h
