/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where things lie in VMDK files.  All numbers are little-endian; places are sectors from the start
 * of the file.  §: VMware's "Virtual Disk Format 5.0".  What that leaves out (COWD, seSparse) is
 * described in the README.
 */
#ifndef VMDK_LAYOUT_H
#define VMDK_LAYOUT_H

#include <stdint.h>

#define VMDK_SECTOR UINT64_C(512)

/* §"Hosted Sparse Extents": the header, one sector; a footer is the same. */
enum {
	VMDK_HDR_MAGIC       = 0,
	VMDK_HDR_VERSION     = 4,
	VMDK_HDR_FLAGS       = 8,
	VMDK_HDR_CAPACITY    = 12,	/* u64, sectors */
	VMDK_HDR_GRAIN       = 20,	/* u64, sectors */
	VMDK_HDR_DESC_AT     = 28,	/* u64; 0: no descriptor inside */
	VMDK_HDR_DESC_LEN    = 36,	/* u64, sectors */
	VMDK_HDR_GT_ENTRIES  = 44,	/* u32 */
	VMDK_HDR_RGD_AT      = 48,	/* u64 */
	VMDK_HDR_GD_AT       = 56,	/* u64 */
	VMDK_HDR_OVERHEAD    = 64,	/* u64, sectors in front of the first grain */
	VMDK_HDR_UNCLEAN     = 72,	/* u8 */
	VMDK_HDR_LINE_ENDS   = 73,	/* "\n \r\n" */
	VMDK_HDR_COMPRESSION = 77,	/* u16 */
	VMDK_HDR_LEN         = 512,
};

#define VMDK_MAGIC "KDMV"
#define VMDK_GD_AT_END UINT64_MAX	/* the footer knows where the directory is */

enum {
	VMDK_FLAG_LINE_ENDS  = 1 << 0,	/* VMDK_HDR_LINE_ENDS is set */
	VMDK_FLAG_REDUNDANT  = 1 << 1,	/* there is a second directory */
	VMDK_FLAG_ZERO_GRAIN = 1 << 2,	/* entry 1: the grain reads as zeros */
	VMDK_FLAG_COMPRESSED = 1 << 16,
	VMDK_FLAG_MARKERS    = 1 << 17,

	VMDK_COMPRESSION_DEFLATE = 1,
	VMDK_VERSION_MAX = 3,
	VMDK_GT_ENTRIES_MAX = 512,
	VMDK_GRAIN_SECTORS_MAX = 1 << 21,
	VMDK_ENTRY_ZERO = 1,
};

/* §"Stream-Optimized Compressed Sparse Extents": what stands in front of a grain or a table. */
enum {
	VMDK_MARK_VALUE = 0,		/* u64: sector on the disk, or length of what follows */
	VMDK_MARK_SIZE  = 8,		/* u32: bytes of the compressed grain; 0: no grain */
	VMDK_MARK_TYPE  = 12,		/* u32, when the size is 0 */
	VMDK_MARK_GRAIN_LEN = 12,	/* a grain's bytes begin here */

	VMDK_MARK_END_OF_STREAM = 0,
	VMDK_MARK_GRAIN_TABLE = 1,
	VMDK_MARK_GRAIN_DIRECTORY = 2,
	VMDK_MARK_FOOTER = 3,
};

/* COWD, the redo logs of ESX. */
enum {
	VMDK_COWD_VERSION  = 4,
	VMDK_COWD_FLAGS    = 8,
	VMDK_COWD_CAPACITY = 12,	/* u32, sectors */
	VMDK_COWD_GRAIN    = 16,	/* u32, sectors */
	VMDK_COWD_GD_AT    = 20,	/* u32 */
	VMDK_COWD_GD_LEN   = 24,	/* u32, entries */
	VMDK_COWD_HEAD_LEN = 32,	/* what is looked at of 2048 bytes */
	VMDK_COWD_GT_ENTRIES = 4096,
};

#define VMDK_COWD_MAGIC "COWD"

/* seSparse: two headers of one sector each, all numbers u64. */
enum {
	VMDK_SE_MAGIC       = 0,
	VMDK_SE_VERSION     = 8,
	VMDK_SE_CAPACITY    = 16,	/* sectors */
	VMDK_SE_GRAIN       = 24,	/* sectors */
	VMDK_SE_GT_LEN      = 32,	/* sectors */
	VMDK_SE_FLAGS       = 40,
	VMDK_SE_VOLATILE_AT = 80,
	VMDK_SE_GD_AT       = 128,
	VMDK_SE_GD_LEN      = 136,	/* sectors */
	VMDK_SE_GTS_AT      = 144,
	VMDK_SE_GRAINS_AT   = 192,
	VMDK_SE_HEAD_LEN    = 512,

	VMDK_SE_VOL_MAGIC   = 0,
	VMDK_SE_VOL_REPLAY  = 24,	/* not 0: the journal has to be replayed first */

	VMDK_SE_ENTRY_LEN = 8,
};

#define VMDK_SE_MAGIC_VALUE     UINT64_C(0xcafebabe)
#define VMDK_SE_VOL_MAGIC_VALUE UINT64_C(0xcafecafe)
#define VMDK_SE_VERSION_VALUE   UINT64_C(0x200000001)

/* seSparse entries: the kind in the uppermost four bits. */
#define VMDK_SE_KIND_MASK  (UINT64_C(15) << 60)
#define VMDK_SE_TABLE      (UINT64_C(1) << 60)	/* directory: the low half is the table's number */
#define VMDK_SE_UNMAPPED   (UINT64_C(1) << 60)
#define VMDK_SE_ZERO       (UINT64_C(2) << 60)
#define VMDK_SE_DATA       (UINT64_C(3) << 60)

#endif
