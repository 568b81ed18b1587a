/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of a check share.  Nothing here writes or uses the map that readers use. */
#ifndef VMDK_CHECK_H
#define VMDK_CHECK_H

#include "format/vmdk/pairs.h"
#include "format/vmdk/usage.h"
#include "format/vmdk/vmdk.h"

/* While an image is checked. */
struct vmdk_check {
	const struct img_checking *how;
	struct img_findings *out;
	struct vmdk_descriptor desc;		/* without extents when there is none */
	bool has_desc, stands_alone;
	bool has_grains;			/* a file of grains was looked at */
	bool is_part;				/* what the file holds of the disk another one says */
	uint64_t total, allocated, compressed, fragmented;	/* grains */
	uint64_t image_end;			/* of the only file of grains, or IMG_NOWHERE */
};

/* While one file of grains is. */
struct vmdk_file_check {
	struct vmdk_check *image;
	const char *name;			/* of an extent's file; NULL: the image's own */
	uint64_t start;				/* of its part of the disk, bytes */
	struct vmdk_sparse sp;
	struct vmdk_usage used;
	bool footer;				/* there is one */
	uint64_t overhead;			/* of the first grain, says the header; 0: unknown */
	bool first_pass;			/* what needs no memory is looked at once */
	bool damaged;				/* something is wrong with it */
	uint64_t lowest, end;			/* of the grains in the file */
	uint64_t previous;			/* end of the grain before in the file, or IMG_NOWHERE */
};

/* Adds a finding; kinds and steps as in img_findings_add(); guest counts from the file's part. */
bool vmdk_tell(struct vmdk_file_check *f, const struct img_finding_kind *kind, uint64_t host,
	       uint64_t guest, uint64_t expected, uint64_t found, uint64_t step,
	       struct img_err *err) IMG_MUST_CHECK;
/* Adds one about the file of an extent `name` (NULL: the image's own); why or NULL: its detail. */
bool vmdk_tell_broken(struct vmdk_check *c, const struct img_finding_kind *kind, const char *name,
		      const struct img_err *why, struct img_err *err) IMG_MUST_CHECK;

/* The text of the descriptor: c->desc, when it can be used (check_descriptor.c). */
bool vmdk_check_descriptor(struct vmdk_check *c, const uint8_t *text, size_t len,
			   struct img_err *err) IMG_MUST_CHECK;
/* The size that the header of a file gives beside that of its extent, both bytes. */
bool vmdk_check_size(struct vmdk_file_check *f, uint64_t described, struct img_err *err)
	IMG_MUST_CHECK;

/*
 * Opens the file of grains, without which f is of no use: *usable.  Clear f->sp then.
 * (check_file.c)
 */
bool vmdk_check_open(struct vmdk_file_check *f, struct img_store *file, bool *usable,
		     struct img_err *err) IMG_MUST_CHECK;
/* All that is in it. */
bool vmdk_check_file(struct vmdk_file_check *f, struct img_err *err) IMG_MUST_CHECK;
/* What the header says beside what readers need: f->footer, f->overhead. */
bool vmdk_check_more(struct vmdk_file_check *f, struct img_err *err) IMG_MUST_CHECK;
/* Marks all that is no grain, and tells what overlaps; the second one only the tables. */
bool vmdk_check_mark(struct vmdk_file_check *f, struct img_err *err) IMG_MUST_CHECK;
bool vmdk_check_mark_tables(struct vmdk_file_check *f, struct img_err *err) IMG_MUST_CHECK;
/* Marks what the marked tables lead to; tells what is wrong with them (check_tables.c). */
bool vmdk_check_tables(struct vmdk_file_check *f, struct img_err *err) IMG_MUST_CHECK;
/* The markers of a stream, one after the other; all grains are marked (check_stream.c). */
bool vmdk_check_stream(struct vmdk_file_check *f, struct img_err *err) IMG_MUST_CHECK;
/* The footer of a stream against its header; the file has one. */
bool vmdk_check_footer(struct vmdk_file_check *f, struct img_err *err) IMG_MUST_CHECK;

#endif
