unit_tests += %D%/test
%C%_test_LDADD = $(unit_ldadd) -lpthread
%C%_test_SOURCES = \
	%D%/archive-7zip_test.c \
	%D%/archive_test.c \
	%D%/count_test.c \
	%D%/fault_test.c \
	%D%/fd_test.c \
	%D%/fdio_test.c \
	%D%/file_test.c \
	%D%/file-copy_test.c \
	%D%/file-direct_test.c \
	%D%/file-extent_test.c \
	%D%/file-lock_test.c \
	%D%/file-new_test.c \
	%D%/file-zero_test.c \
	%D%/file-ahead_test.c \
	%D%/head-last_test.c \
	%D%/mem_test.c \
	%D%/pack_test.c \
	%D%/paged_test.c \
	%D%/produced_test.c \
	%D%/ranges_test.c \
	%D%/recrypt-layout_test.c \
	%D%/scratch.h \
	%D%/overlay_test.c \
	%D%/rbd-name_test.c \
	%D%/scan_test.c \
	%D%/slice_test.c \
	%D%/spool_test.c \
	%D%/store_test.c \
	%D%/tar.h \
	%D%/unpack_test.c \
	%D%/undo_image.h \
	%D%/undo_test.c \
	%D%/tail_test.c \
	%D%/undo-crash_test.c \
	%D%/undo-damage_test.c \
	%D%/uri_test.c
if HAVE_NBD
%C%_test_SOURCES += \
	%D%/nbd_fake.c \
	%D%/nbd_fake.h \
	%D%/nbd_test.c \
	%D%/nbd-conn_test.c
endif
if HAVE_RBD
%C%_test_SOURCES += \
	%D%/rbd-flight_test.c \
	%D%/rbd-leave_test.c
endif
