bin_PROGRAMS += %D%/imgresize
%C%_imgresize_SOURCES = \
	%D%/imgresize.c \
	%D%/imgresize.h \
	%D%/advice.c \
	%D%/apply.c \
	%D%/bytes.h \
	%D%/gpt.c \
	%D%/gpt.h \
	%D%/grow.c \
	%D%/guard.c \
	%D%/partitions.c \
	%D%/partitions.h \
	%D%/plan.c \
	%D%/report.c \
	%D%/run.c \
	%D%/sentences.c \
	%D%/size.c \
	%D%/sketch.c \
	%D%/sketch.h \
	%D%/superblock.c \
	%D%/superblock.h \
	%D%/superblock_size.c \
	%D%/table.c \
	%D%/table.h \
	%D%/tail.c
%C%_imgresize_CPPFLAGS = $(AM_CPPFLAGS) $(FDISK_CFLAGS) $(BLKID_CFLAGS) $(ZLIB_CFLAGS)
%C%_imgresize_LDADD = $(cmd_ldadd) $(FDISK_LIBS) $(BLKID_LIBS) $(ZLIB_LIBS)
cmd_sources += $(%C%_imgresize_SOURCES)
dist_man_MANS += %D%/imgresize.1
