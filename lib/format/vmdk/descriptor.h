/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The descriptor of a VMDK image: a short text, in a file of its own or inside the first extent. */
#ifndef VMDK_DESCRIPTOR_H
#define VMDK_DESCRIPTOR_H

#include <stdio.h>
#include "libimg.h"

enum { VMDK_DESCRIPTOR_MAX = 1 << 20 };	/* bytes; thousands of extents need less */

#define VMDK_NO_PARENT UINT32_C(0xffffffff)

enum vmdk_extent_type {
	VMDK_EXTENT_FLAT,	/* FLAT, VMFS: the disk's bytes as they are */
	VMDK_EXTENT_SPARSE,	/* SPARSE, VMFSSPARSE, SESPARSE: the file says which of them it is */
	VMDK_EXTENT_ZERO,
};

struct vmdk_extent_line {
	enum vmdk_extent_type type;
	uint64_t len;		/* bytes of the disk, more than 0 */
	char *name;		/* of its file; NULL for ZERO */
	uint64_t at;		/* FLAT: bytes of the file in front of it */
	bool read_only;		/* RDONLY */
};

/* Owned texts may be NULL: the descriptor does not say. */
struct vmdk_descriptor {
	uint32_t cid, parent_cid;
	char *create_type, *parent, *adapter, *hw_version, *tools_version;
	struct vmdk_extent_line *extents;	/* owned */
	size_t n_extents, cap_extents;
	uint64_t size;				/* bytes of the disk: the sum of the extents */
};

/*
 * Reads the text at the start of raw; it ends at a NUL byte or after len bytes.  What is in it more
 * than once counts the first time.  *out is to be cleared even on failure.
 * IMG_E_CORRUPT, IMG_E_UNSUPPORTED (a version, a raw device, an unknown type), IMG_E_NOMEM.
 */
bool vmdk_descriptor_parse(const uint8_t *raw, size_t len, struct vmdk_descriptor *out,
			   struct img_err *err) IMG_MUST_CHECK;
void vmdk_descriptor_clear(struct vmdk_descriptor *desc);
/*
 * The inverse: all of a descriptor whose texts are there (but for parent), and whose names a
 * descriptor can hold.  *text is owned by the caller and ends with a NUL behind len.  IMG_E_NOMEM.
 */
bool vmdk_descriptor_text(const struct vmdk_descriptor *desc, char **text, size_t *len,
			  struct img_err *err) IMG_MUST_CHECK;
/*
 * Adds the extent that is next on the disk; name may be NULL and is copied.  IMG_E_NOMEM;
 * IMG_E_ARGUMENT: a descriptor cannot hold the name.
 */
bool vmdk_descriptor_add(struct vmdk_descriptor *desc, enum vmdk_extent_type type, uint64_t len,
			 const char *name, struct img_err *err) IMG_MUST_CHECK;
/* Whether a descriptor can hold the name: it has no quotation mark and no line end. */
bool vmdk_descriptor_check_name(const char *name, struct img_err *err) IMG_MUST_CHECK;

/* One line "RW 6144 FLAT "name" 0"; line is a text of its own and is changed. */
bool vmdk_extent_line_parse(char *line, struct vmdk_extent_line *out, struct img_err *err)
	IMG_MUST_CHECK;
/* The inverse, of a line RW, with its end. */
void vmdk_extent_line_put(FILE *to, const struct vmdk_extent_line *line);
/* Whether a line is one of an extent: it starts with how that may be accessed. */
bool vmdk_is_extent_line(const char *line);

/* Whether the first bytes of a file are those of a descriptor.  Pure. */
bool vmdk_is_descriptor(const uint8_t *head, size_t len);

#endif
