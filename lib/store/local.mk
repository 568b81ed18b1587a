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
	%D%/overlay.c \
	%D%/ranges.c \
	%D%/ranges.h \
	%D%/slice.c \
	%D%/spool.c \
	%D%/store.c \
	%D%/store.h \
	%D%/undo.c \
	%D%/undo.h \
	%D%/undo-layout.c \
	%D%/undo-name.c \
	%D%/undo-restore.c \
	%D%/undo-save.c \
	%D%/zeros.h
