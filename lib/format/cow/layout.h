/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What stands where in a cow file.  Three versions of User-Mode Linux (arch/um/drivers/cow_user.c)
 * and one of QEMU (block/cow.c, until 2.2) share a magic number and differ in everything else.
 */
#ifndef COW_LAYOUT_H
#define COW_LAYOUT_H

#include <stdint.h>

#define COW_MAGIC UINT32_C(0x4f4f4f4d)	/* "OOOM"; in version 1 in the order of its machine */

/* The same in all of them. */
enum {
	COW_HDR_MAGIC	= 0,
	COW_HDR_VERSION	= 4,
};

/* Whose layout it is; rows of cow_layouts[]. */
enum cow_kind {
	COW_UML1,	/* numbers in the order of the machine that made it */
	COW_UML2,	/* from here on they are big endian */
	COW_UML3,
	COW_UML3_WIDE,	/* made by a 64-bit program before 2006: fields aligned, time of 64 bits */
	COW_QEMU,	/* version 2, another one */
	COW_QEMU_32,	/* by a 32-bit program, which aligned less */
};

struct cow_layout {
	const char *name;
	uint32_t version;
	unsigned name_off, name_len;	/* of the backing file, a zero byte included */
	unsigned time_off, time_len;	/* 4 or 8 bytes */
	unsigned size_off, sector_off;
	unsigned align_off, format_off;	/* 0: there are none */
	unsigned len;			/* of the header */
};

extern const struct cow_layout cow_layouts[];	/* header.c */

enum {
	COW_SECTOR		= 512,
	COW_SECTOR_MAX		= 64 << 10,
	COW_NAME_MAX		= 4096,		/* with a zero byte */
	COW_DECODE_LEN		= 4136,		/* as much of the file as any header takes */
	COW_ALIGN		= 4096,		/* what is made; as uml_mkcow does it */
	COW_ALIGN_MAX		= 1 << 30,
};
#define COW_SIZE_MAX (UINT64_C(1) << 50)	/* ours: the bitmap of such a disk has 256 GiB */

#endif
