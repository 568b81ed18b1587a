/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The markers of a stream, for who goes from one to the next, and whether a grain is behind one. */
#ifndef VMDK_MARKER_H
#define VMDK_MARKER_H

#include "format/vmdk/sparse.h"

enum vmdk_marker_kind {
	VMDK_MARKER_NONE,		/* something else, or the file ends inside */
	VMDK_MARKER_GRAIN, VMDK_MARKER_TABLE, VMDK_MARKER_DIRECTORY, VMDK_MARKER_FOOTER,
	VMDK_MARKER_END,
};

struct vmdk_marker {
	enum vmdk_marker_kind kind;
	uint64_t at, end;		/* bytes of the file, with what the marker is for */
	uint64_t host, len;		/* GRAIN: the compressed bytes */
	uint64_t guest;			/* GRAIN: byte of the disk */
};

/*
 * What stands at `at`, as far as hdr, capacity and file_size of sp go.  That a grain can be decoded
 * is not looked at.  IMG_E_IO.
 */
bool vmdk_marker_read(const struct vmdk_sparse *sp, uint64_t at, struct vmdk_marker *out,
		      struct img_err *err) IMG_MUST_CHECK;

/* What it takes to look whether a grain can be decoded. */
struct vmdk_unpacker {
	void *cx;
	uint8_t *stored, *grain;	/* room for one each; owned */
};

/* For grains of so many bytes.  IMG_E_UNSUPPORTED: too many; IMG_E_NOMEM. */
bool vmdk_unpacker_init(struct vmdk_unpacker *u, uint64_t grain, struct img_err *err)
	IMG_MUST_CHECK;
/* Accepts one that is all zero, or that could not be made. */
void vmdk_unpacker_clear(struct vmdk_unpacker *u);
/* *yes: behind the marker, of kind GRAIN, is a grain indeed.  IMG_E_IO. */
bool vmdk_unpacks(struct vmdk_unpacker *u, const struct vmdk_sparse *sp,
		  const struct vmdk_marker *m, bool *yes, struct img_err *err) IMG_MUST_CHECK;

#endif
