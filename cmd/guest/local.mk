# What lies on a disk: partitions and file systems.  Linked into the commands that look at them.
noinst_LTLIBRARIES += %D%/libguest.la
%C%_libguest_la_SOURCES = \
	%D%/bytes.h \
	%D%/free.c \
	%D%/free.h \
	%D%/free_btrfs.c \
	%D%/free_btrfs.h \
	%D%/free_btrfs_tree.c \
	%D%/crc32c.h \
	%D%/free_ext.c \
	%D%/free_fat.c \
	%D%/free_ntfs.c \
	%D%/free_ntfs_log.c \
	%D%/free_ntfs.h \
	%D%/free_readers.h \
	%D%/free_swap.c \
	%D%/free_xfs.c \
	%D%/free_xfs_log.c \
	%D%/free_xfs.h \
	%D%/gpt.c \
	%D%/gpt.h \
	%D%/leave_out.c \
	%D%/leave_out.h \
	%D%/partitions.c \
	%D%/partitions.h \
	%D%/sketch.c \
	%D%/sketch.h \
	%D%/superblock.c \
	%D%/superblock.h \
	%D%/superblock_size.c \
	%D%/table.c \
	%D%/table.h
%C%_libguest_la_CPPFLAGS = $(AM_CPPFLAGS) $(FDISK_CFLAGS) $(BLKID_CFLAGS) $(EXT2FS_CFLAGS) \
	$(LIBDEFLATE_CFLAGS)
guest_ldadd = %D%/libguest.la $(cmd_ldadd) $(FDISK_LIBS) $(BLKID_LIBS) $(EXT2FS_LIBS) $(LIBDEFLATE_LIBS)
cmd_sources += $(%C%_libguest_la_SOURCES)
