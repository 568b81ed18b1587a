/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What stands where in a qcow2 file: offsets, bits and limits, each under the section of the
 * specification (QEMU's docs/interop/qcow2) that defines it.  All numbers are big endian.
 */
#ifndef QCOW2_LAYOUT_H
#define QCOW2_LAYOUT_H

#include <stdint.h>

/* §"Header" */
#define QCOW2_MAGIC 0x514649fbu		/* "QFI\xfb" */

enum {
	QCOW2_HDR_MAGIC			= 0,
	QCOW2_HDR_VERSION		= 4,
	QCOW2_HDR_BACKING_OFF		= 8,
	QCOW2_HDR_BACKING_LEN		= 16,
	QCOW2_HDR_CLUSTER_BITS		= 20,
	QCOW2_HDR_SIZE			= 24,
	QCOW2_HDR_CRYPT			= 32,
	QCOW2_HDR_L1_ENTRIES		= 36,
	QCOW2_HDR_L1_OFF		= 40,
	QCOW2_HDR_REFTABLE_OFF		= 48,
	QCOW2_HDR_REFTABLE_CLUSTERS	= 56,
	QCOW2_HDR_SNAPSHOTS		= 60,
	QCOW2_HDR_SNAPSHOTS_OFF		= 64,
	QCOW2_HDR_V2_LEN		= 72,	/* version 2 ends here */
	QCOW2_HDR_INCOMPATIBLE		= 72,
	QCOW2_HDR_COMPATIBLE		= 80,
	QCOW2_HDR_AUTOCLEAR		= 88,
	QCOW2_HDR_REFCOUNT_ORDER	= 96,
	QCOW2_HDR_LEN			= 100,
	QCOW2_HDR_V3_LEN		= 104,	/* the least of version 3 */
	QCOW2_HDR_COMPRESSION		= 104,	/* one byte; §"Additional fields" */
	QCOW2_HDR_OUR_LEN		= 112,	/* what is written: with compression, padded */
};

enum {
	QCOW2_CRYPT_NONE = 0,
	QCOW2_CRYPT_AES  = 1,
	QCOW2_CRYPT_LUKS = 2,
};

enum {
	QCOW2_COMPRESSION_DEFLATE = 0,
	QCOW2_COMPRESSION_ZSTD	  = 1,
};

/* Incompatible features: who does not know a bit that is set must not open the image. */
#define QCOW2_INCOMPATIBLE_DIRTY	(UINT64_C(1) << 0)
#define QCOW2_INCOMPATIBLE_CORRUPT	(UINT64_C(1) << 1)
#define QCOW2_INCOMPATIBLE_DATA_FILE	(UINT64_C(1) << 2)
#define QCOW2_INCOMPATIBLE_COMPRESSION	(UINT64_C(1) << 3)
#define QCOW2_INCOMPATIBLE_EXTENDED_L2	(UINT64_C(1) << 4)
#define QCOW2_INCOMPATIBLE_KNOWN	UINT64_C(0x1f)
#define QCOW2_COMPATIBLE_LAZY_REFCOUNTS	(UINT64_C(1) << 0)
#define QCOW2_COMPATIBLE_KNOWN		UINT64_C(0x1)
#define QCOW2_AUTOCLEAR_BITMAPS		(UINT64_C(1) << 0)
#define QCOW2_AUTOCLEAR_DATA_FILE_RAW	(UINT64_C(1) << 1)
#define QCOW2_AUTOCLEAR_KNOWN		UINT64_C(0x3)	/* who writes clears the others */

/* §"Header extensions": type, length, data, padding to a multiple of 8 */
enum {
	QCOW2_EXT_TYPE	= 0,
	QCOW2_EXT_LEN	= 4,
	QCOW2_EXT_DATA	= 8,
	QCOW2_EXT_ALIGN	= 8,
};
#define QCOW2_EXT_END			0x00000000u
#define QCOW2_EXT_BACKING_FORMAT	0xe2792acau
#define QCOW2_EXT_FEATURE_NAMES		0x6803f857u
#define QCOW2_EXT_BITMAPS		0x23852875u
#define QCOW2_EXT_CRYPT			0x0537be77u
#define QCOW2_EXT_DATA_FILE		0x44415441u
#define QCOW2_EXT_ADOPTED		0x696d6741u	/* ours, "imgA": others ignore it */
#define QCOW2_EXT_RECRYPT		0x696d6752u	/* ours, "imgR": only while it is half done */

/* §"Feature name table" */
enum {
	QCOW2_FEATURE_TYPE	= 0,
	QCOW2_FEATURE_BIT	= 1,
	QCOW2_FEATURE_NAME	= 2,
	QCOW2_FEATURE_LEN	= 48,
	QCOW2_FEATURE_NAME_LEN	= QCOW2_FEATURE_LEN - QCOW2_FEATURE_NAME,
};
enum qcow2_feature_type {
	QCOW2_FEATURE_INCOMPATIBLE,
	QCOW2_FEATURE_COMPATIBLE,
	QCOW2_FEATURE_AUTOCLEAR,
};

/* §"Bitmaps extension" */
enum {
	QCOW2_BITMAPS_COUNT	= 0,
	QCOW2_BITMAPS_DIR_LEN	= 8,
	QCOW2_BITMAPS_DIR_OFF	= 16,
	QCOW2_BITMAPS_LEN	= 24,
};

/* §"Full disk encryption header pointer" */
enum {
	QCOW2_CRYPT_OFF		= 0,
	QCOW2_CRYPT_LEN		= 8,
	QCOW2_CRYPT_EXT_LEN	= 16,
};

/* Ours: struct img_adoption */
enum {
	QCOW2_ADOPTED_SIZE	= 0,
	QCOW2_ADOPTED_TIME	= 8,
	QCOW2_ADOPTED_LEN	= 16,
};

/* §"Cluster mapping" */
#define QCOW2_ENTRY_COPIED		(UINT64_C(1) << 63)
#define QCOW2_ENTRY_COMPRESSED		(UINT64_C(1) << 62)
#define QCOW2_ENTRY_ZERO		(UINT64_C(1) << 0)
#define QCOW2_ENTRY_HOST		UINT64_C(0x00fffffffffffe00)	/* bits 9 to 55 */
#define QCOW2_L1_RESERVED		UINT64_C(0x7f000000000001ff)
#define QCOW2_L2_RESERVED		UINT64_C(0x3f000000000001fe)	/* beside ENTRY_ZERO */
#define QCOW2_REFTABLE_RESERVED		UINT64_C(0x1ff)
#define QCOW2_HOST_END			(UINT64_C(1) << 56)	/* no cluster ends behind this */
#define QCOW2_SECTOR			512u	/* the grain of compressed lengths */

/* §"Extended L2 Entries" */
#define QCOW2_SUBCLUSTERS		32u

/* §"Snapshots" */
enum {
	QCOW2_SNAP_L1_OFF	= 0,
	QCOW2_SNAP_L1_ENTRIES	= 8,
	QCOW2_SNAP_ID_LEN	= 12,
	QCOW2_SNAP_NAME_LEN	= 14,
	QCOW2_SNAP_SECONDS	= 16,
	QCOW2_SNAP_NANOSECONDS	= 20,
	QCOW2_SNAP_CLOCK	= 24,
	QCOW2_SNAP_STATE_LEN32	= 32,
	QCOW2_SNAP_EXTRA_LEN	= 36,
	QCOW2_SNAP_EXTRA	= 40,
	QCOW2_SNAP_STATE_LEN	= 40,	/* from here on: if the extra data is long enough */
	QCOW2_SNAP_DISK_SIZE	= 48,
	QCOW2_SNAP_ICOUNT	= 56,
	QCOW2_SNAP_EXTRA_V3	= 16,	/* extra data that version 3 demands */
	QCOW2_SNAP_EXTRA_OURS	= 24,	/* of one that is made here: all of the above */
	QCOW2_SNAP_ALIGN	= 8,
};

/* §"Bitmap directory" */
enum {
	QCOW2_BITMAP_TABLE_OFF		= 0,
	QCOW2_BITMAP_TABLE_ENTRIES	= 8,
	QCOW2_BITMAP_FLAGS		= 12,
	QCOW2_BITMAP_TYPE		= 16,	/* one byte */
	QCOW2_BITMAP_GRANULARITY	= 17,	/* one byte */
	QCOW2_BITMAP_NAME_LEN		= 18,
	QCOW2_BITMAP_EXTRA_LEN		= 20,
	QCOW2_BITMAP_EXTRA		= 24,
	QCOW2_BITMAP_ALIGN		= 8,
};

/* Flags of an entry, and its type */
#define QCOW2_BITMAP_IN_USE		(UINT32_C(1) << 0)
#define QCOW2_BITMAP_AUTO		(UINT32_C(1) << 1)
#define QCOW2_BITMAP_EXTRA_COMPATIBLE	(UINT32_C(1) << 2)
#define QCOW2_BITMAP_FLAGS_KNOWN	UINT32_C(0x7)
#define QCOW2_BITMAP_TYPE_DIRTY		1

/* §"Bitmap table" */
#define QCOW2_BITMAP_ENTRY_ONES		(UINT64_C(1) << 0)	/* where there is no cluster */
#define QCOW2_BITMAP_ENTRY_RESERVED	UINT64_C(0xff000000000001fe)

/* Limits.  Those marked QEMU are not in the specification, but every known image keeps them. */
enum {
	QCOW2_CLUSTER_BITS_MIN		= 9,
	QCOW2_CLUSTER_BITS_MAX		= 21,			/* QEMU */
	QCOW2_CLUSTER_BITS_EXTENDED	= 14,
	QCOW2_REFCOUNT_ORDER_V2		= 4,
	QCOW2_REFCOUNT_ORDER_MAX	= 6,
	QCOW2_BACKING_MAX		= 1023,
	QCOW2_L1_BYTES_MAX		= 32 << 20,		/* QEMU */
	QCOW2_REFTABLE_BYTES_MAX	= 8 << 20,		/* QEMU */
	QCOW2_SNAPSHOTS_MAX		= 65536,		/* QEMU */
	QCOW2_SNAPSHOT_TABLE_MAX	= 64 << 20,		/* QEMU */
	QCOW2_LUKS_MAX			= 64 << 20,		/* ours; LUKS1 takes 2 MiB */
	QCOW2_BITMAPS_MAX		= 65535,		/* QEMU */
	QCOW2_BITMAP_DIR_MAX		= 64 << 20,		/* QEMU */
	QCOW2_BITMAP_TABLE_ENTRIES_MAX	= 128 << 20,		/* QEMU */
	QCOW2_BITMAP_BYTES_MAX		= 512 << 20,		/* QEMU */
	QCOW2_BITMAP_NAME_MAX		= 1023,			/* QEMU */
	QCOW2_BITMAP_GRANULARITY_MIN	= 9,			/* QEMU */
	QCOW2_BITMAP_GRANULARITY_MAX	= 31,			/* QEMU */
};

#endif
