/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What stands where in a cloop file: offsets, values and limits, as cloop.h of the kernel module and
 * create_compressed_fs have them.  Numbers are big endian, but for the index of version 1.0.
 */
#ifndef CLOOP_LAYOUT_H
#define CLOOP_LAYOUT_H

#include <stdint.h>

/* In front of the blocks, or behind all else. */
enum {
	CLOOP_HDR_SCRIPT	= 0,	/* a shell script, padded with NUL */
	CLOOP_HDR_VERSION	= 11,	/* "V2.0"; readers look for nothing else of the script */
	CLOOP_HDR_BLOCK_SIZE	= 128,
	CLOOP_HDR_BLOCKS	= 132,
	CLOOP_HDR_LEN		= 136,
};

enum {
	CLOOP_SCRIPT_LEN	= 128,
	CLOOP_VERSION_LEN	= 4,
	CLOOP_DECODE_LEN	= 144,	/* the header, and the first entry of an index behind it */
};

/*
 * The index has an entry for each block, and one more for where the last one ends: offsets from the
 * start of the file.  Version 4.0 has the compressor of the block in the top bits.
 */
enum {
	CLOOP_ENTRY_LEN		= 8,
	CLOOP_ENTRY_LEN_0	= 4,	/* before version 1.0 */
	CLOOP_ENTRY_SHIFT	= 60,	/* of the compressor */
};
#define CLOOP_ENTRY_HOST	((UINT64_C(1) << CLOOP_ENTRY_SHIFT) - 1)

enum cloop_compressor {
	CLOOP_ZLIB	= 0,		/* the only one before version 4.0 */
	CLOOP_NONE	= 1,
	CLOOP_XZ	= 2,
	CLOOP_LZ4	= 3,
	CLOOP_LZO	= 4,
	CLOOP_COMPRESSORS,
};

/* Limits: blocks are whole sectors, and no larger than QEMU reads them. */
enum { CLOOP_SECTOR = 512, CLOOP_BLOCK_SIZE_MAX = 64 << 20 };

#endif
