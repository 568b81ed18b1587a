/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What stands where in a qcow file of version 1: offsets, values and limits.  There is no
 * specification beside QEMU's block/qcow.c.  All numbers are big endian.
 */
#ifndef QCOW1_LAYOUT_H
#define QCOW1_LAYOUT_H

#include <stdint.h>

#define QCOW1_MAGIC UINT32_C(0x514649fb)	/* "QFI" and 0xfb; qcow2 has the same */
enum { QCOW1_VERSION = 1 };

enum {
	QCOW1_HDR_MAGIC		= 0,
	QCOW1_HDR_VERSION	= 4,
	QCOW1_HDR_BACKING_OFF	= 8,
	QCOW1_HDR_BACKING_LEN	= 16,
	QCOW1_HDR_MTIME		= 20,	/* of the backing file; nobody writes or reads it */
	QCOW1_HDR_SIZE		= 24,
	QCOW1_HDR_CLUSTER_BITS	= 32,
	QCOW1_HDR_L2_BITS	= 33,
	QCOW1_HDR_CRYPT		= 36,
	QCOW1_HDR_L1_OFF	= 40,
	QCOW1_HDR_LEN		= 48,
};

enum {
	QCOW1_CRYPT_NONE	= 0,
	QCOW1_CRYPT_AES		= 1,
};

/* Limits, all of QEMU. */
enum {
	QCOW1_CLUSTER_BITS_MIN	= 9,
	QCOW1_CLUSTER_BITS_MAX	= 16,
	QCOW1_L2_BITS_MIN	= 6,
	QCOW1_L2_BITS_MAX	= 13,
	QCOW1_NAME_MAX		= 1023,
	QCOW1_DISK_MIN		= 2,	/* bytes of the smallest disk that QEMU opens */
};
#define QCOW1_L1_MAX (UINT32_C(1) << 28)	/* entries, less one */

/*
 * Entries of both tables.  Zero: there is nothing.  An entry of an L2 table with the flag has the
 * number of compressed bytes, which is less than a cluster, in the bits below the flag.
 */
enum { QCOW1_ENTRY_LEN = 8, QCOW1_SECTOR = 512 };
#define QCOW1_FLAG_COMPRESSED (UINT64_C(1) << 63)

#endif
