# Bytes at offsets: files, streams, memory.

libimg_sources += \
	%D%/archive.c \
	%D%/archive.h \
	%D%/archive-7zip.c \
	%D%/archive-7zip.h \
	%D%/beside.c \
	%D%/beside.h \
	%D%/count.c \
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
	%D%/head-last.c \
	%D%/journal.h \
	%D%/journal-apply.c \
	%D%/journal-layout.c \
	%D%/journal-write.c \
	%D%/libarchive.c \
	%D%/libarchive.h \
	%D%/mem.c \
	%D%/overlay.c \
	%D%/overlay.h \
	%D%/pack.c \
	%D%/pack.h \
	%D%/paged.c \
	%D%/paged.h \
	%D%/produced.c \
	%D%/produced.h \
	%D%/publish.c \
	%D%/ranges.c \
	%D%/ranges.h \
	%D%/rbd-name.c \
	%D%/rbd-name.h \
	%D%/rbd-new.h \
	%D%/recrypt.h \
	%D%/recrypt-layout.c \
	%D%/scan.c \
	%D%/slice.c \
	%D%/spool.c \
	%D%/store.c \
	%D%/store.h \
	%D%/tail.c \
	%D%/undo.c \
	%D%/undo.h \
	%D%/undo-layout.c \
	%D%/undo-restore.c \
	%D%/undo-save.c \
	%D%/unpack.c \
	%D%/unpack.h \
	%D%/unpack-gzip.c \
	%D%/unpack-other.c \
	%D%/uri.c \
	%D%/zeros.h
if HAVE_LZMA
libimg_sources += %D%/unpack-xz.c
endif
if HAVE_NBD
libimg_sources += \
	%D%/nbd.c \
	%D%/nbd.h \
	%D%/nbd-conn.c
endif
# Messages of what is not built are translated, too.
libimg_instead = %D%/rbd-none.c
if HAVE_RBD
libimg_sources += \
	%D%/rbd.c \
	%D%/rbd.h \
	%D%/rbd-conn.c \
	%D%/rbd-extent.c \
	%D%/rbd-flight.c \
	%D%/rbd-leave.c \
	%D%/rbd-library.c \
	%D%/rbd-library.h \
	%D%/rbd-new.c \
	%D%/rbd-snap.c
else
libimg_sources += %D%/rbd-none.c
endif
