/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the rules of targets look at: an image in a few words. */
#ifndef CMD_IMGCHECK_FACTS_H
#define CMD_IMGCHECK_FACTS_H

#include "libimg.h"

struct facts {
	/* As the library calls it; or "vhd" or "vhdx", which it takes for raw (foreign.c). */
	const char *format;
	bool foreign;			/* it is one of these: imgconv does not read it */
	uint64_t size;			/* of the disk, bytes; IMG_SIZE_UNKNOWN */
	bool stands_on_other;
	struct {
		const char *type;	/* createType; NULL: nothing says it */
		size_t n_extents;
		bool sparse, flat, cowd, sesparse;	/* an extent of this kind is there */
		bool compressed, footer;
		unsigned versions;	/* of hosted sparse extents: bit n for version n */
		uint64_t least_grain;	/* bytes, of the extents that have grains; 0: none has */
		bool described;		/* there is a descriptor, whose database says: */
		uint64_t hardware;	/* the version of the virtual hardware; 0: not said */
		const char *adapter;	/* NULL: not said */
		bool tools;		/* a version of the guest tools is there */
	} vmdk;
	struct {
		bool no_uuid;		/* its UUID, or that of its content, is zero */
	} vdi;
	struct {
		bool encrypted, snapshots;
		bool features;		/* incompatible ones: more than readers of version 2 know */
	} qcow;
	struct {
		bool fixed;
	} vhd;
	/* Of the check; borrowed, or NULL: the format has nothing that could be checked. */
	const struct img_check_result *found;
	/* Why the image cannot be opened: nothing but format and found is known then. */
	struct img_err unread;
	struct img_node *info;		/* holds the texts; owned */
};

/*
 * Opens the image without those below it.  found as in facts, and must outlive them.  IMG_E_NOMEM;
 * when there is no found, all that img_open() fails with.  Clear *out even on failure.
 */
bool facts_collect(const struct img_check *how, const struct img_check_result *found,
		   struct facts *out, struct img_err *err) IMG_MUST_CHECK;
void facts_clear(struct facts *facts);
/* Whether the check found something of the kind with that id. */
bool facts_found(const struct facts *facts, const char *id);

/* foreign.c: whether the open raw image is one of a format that the library has no driver for. */
bool facts_recognize_foreign(struct img *im, struct facts *facts, struct img_err *err)
	IMG_MUST_CHECK;

#endif
