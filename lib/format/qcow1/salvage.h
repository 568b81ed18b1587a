/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of a salvage share.  The L1 table is rebuilt beside the file; entries of L2 tables
 * that are rebuilt go to an overlay of the file; beside them is kept which guest bytes are so guessed
 * or lost.
 */
#ifndef QCOW1_SALVAGE_H
#define QCOW1_SALVAGE_H

#include "base/bytes.h"
#include "format/qcow1/qcow1.h"
#include "store/paged.h"
#include "store/ranges.h"

#define QCOW1_SALVAGE_NOTES(X) \
	X(header, "qcow.salvage.header", \
	  N_("the header was unusable; it was made anew from what it said and what was found")) \
	X(size, "qcow.salvage.size", \
	  N_("the size of the disk is a guess")) \
	X(backing, "qcow.salvage.backing", \
	  N_("whether the image stands on another file is not known; if it does, what is from there " \
	     "is not here")) \
	X(l1, "qcow.salvage.l1", \
	  N_("the L1 table was not where the header says; another one was taken, or none was found")) \
	X(l1_moved, "qcow.salvage.l1-moved", \
	  N_("entries of the L1 table were moved by one place; they were moved back")) \
	X(l1_over, "qcow.salvage.l1-over", \
	  N_("the L1 entry led beside the beginning of an L2 table, or over what others have; where " \
	     "the table begins is a guess")) \
	X(l2_placed, "qcow.salvage.l2-placed", \
	  N_("nothing led to this L2 table; its place on the disk was guessed")) \
	X(l2_unplaced, "qcow.salvage.l2-unplaced", \
	  N_("nothing leads to this L2 table, and nothing says where on the disk it belongs")) \
	X(l2_wiped, "qcow.salvage.l2-wiped", \
	  N_("the L2 table was overwritten")) \
	X(l2_entry, "qcow.salvage.l2-entry", \
	  N_("the L2 entry was damaged; it was guessed from the clusters around it")) \
	X(doubled, "qcow.salvage.doubled", \
	  N_("another part of the disk has the same bytes of the file; one of them is wrong")) \
	X(unplaced, "qcow.salvage.unplaced", \
	  N_("the cluster is in the file, but nothing says where on the disk it belongs"))

#define QCOW1_SALVAGE_NOTE(name, id, text) \
	extern const struct img_finding_kind qcow1_noted_##name;
QCOW1_SALVAGE_NOTES(QCOW1_SALVAGE_NOTE)
#undef QCOW1_SALVAGE_NOTE

/* In the L1 table of a salvage: what was there led nowhere. */
#define QCOW1_L1_LOST UINT64_C(1)

/* What is known of the file while the image is rebuilt; each has a part of the memory. */
struct qcow1_work {
	struct img_paged sectors;	/* of the file, that look like parts of tables; rising */
	struct img_paged l1;		/* the table as it will be, in l1_file */
	struct img_paged taken, packed;	/* a bit for each cluster: as a whole, or some of it */
};

struct qcow1_salvage {
	struct img_store *file;		/* borrowed */
	struct img_store *overlay;	/* owned */
	uint64_t file_size;
	struct img_salvaged *told;	/* borrowed */
	struct qcow1_header hdr;	/* what it says, or what was found out */
	char *backing;			/* as in the image; owned until it is taken */
	bool backing_lost;		/* what shows through where nothing is, is a guess */
	bool size_known;
	bool l1_guessed;		/* where the L1 table begins */
	uint64_t memory;		/* bytes for counting at most */
	struct qcow1_work *work;	/* owned; NULL once all is rebuilt */
	size_t n_sectors;
	struct img_store *l1_file;	/* the L1 table as it is to be; owned */
	uint32_t n_l1;
	uint32_t l1_twin;		/* the first entry that was as the one before; 0: none was */
	struct img_rangeset guessed, lost;	/* guest bytes; owned */
};

/* ---- salvage.c ------------------------------------------------------------------------------- */

/* What one of the tables of s->work may take. */
static inline uint64_t qcow1_work_memory(const struct qcow1_salvage *s)
{
	return s->memory / 8;
}

/* Sector number i that looks like a part of a table. */
static inline uint64_t qcow1_sector(const struct qcow1_salvage *s, size_t i)
{
	return img_get_be64(img_paged_at(&s->work->sectors, i * UINT64_C(8), false));
}

/* Entry i of the L1 table. */
static inline uint64_t qcow1_l1_at(const struct qcow1_salvage *s, uint32_t i)
{
	return img_get_be64(img_paged_at(&s->work->l1, i * (uint64_t)QCOW1_ENTRY_LEN, false));
}

static inline void qcow1_l1_put(struct qcow1_salvage *s, uint32_t i, uint64_t entry)
{
	img_put_be64(img_paged_at(&s->work->l1, i * (uint64_t)QCOW1_ENTRY_LEN, true), entry);
}

/*
 * Rebuilds what is in file, as far as that is possible, and tells of it.  size: guest bytes, or 0;
 * memory: bytes for counting at most.
 * Errors: IMG_E_NOT_THIS_FORMAT (nothing of an image was found), IMG_E_IO, IMG_E_NOMEM, IMG_E_RANGE.
 */
struct qcow1_salvage *qcow1_salvage_new(struct img_store *file, uint64_t size, uint64_t memory,
					struct img_salvaged *told, struct img_err *err);
/* Accepts NULL. */
void qcow1_salvage_free(struct qcow1_salvage *s);
/* Shortens ex to what is certain, guessed or lost alike, and says so in it. */
void qcow1_salvage_judge(const struct qcow1_salvage *s, struct img_extent *ex);
/* For the steps: a note about one thing at a place; step as in img_findings_add(). */
bool qcow1_salvage_note(struct qcow1_salvage *s, const struct img_finding_kind *kind, uint64_t host,
			uint64_t guest, uint64_t step, struct img_err *err) IMG_MUST_CHECK;

/* ---- salvage_shape.c ------------------------------------------------------------------------- */

/* What the bytes of a table are made of. */
struct qcow1_shape {
	unsigned good;			/* entries that lead somewhere in the file */
	unsigned bad;			/* that cannot be right */
};

/* The entry is no hole, and leads to what can be a cluster and is in the file, at least in part. */
bool qcow1_is_sane(const struct qcow1_header *hdr, uint64_t entry, uint64_t file_size);
struct qcow1_shape qcow1_measure_shape(const struct qcow1_header *hdr, const uint8_t *raw,
				       uint32_t n, uint64_t file_size);
/* s->sectors. */
bool qcow1_salvage_scan(struct qcow1_salvage *s, struct img_err *err) IMG_MUST_CHECK;
/*
 * Sizes of clusters and tables that go best with s->sectors, hdr's own when these do, to hdr.
 * *pairs: entries that lie one behind the other under them.
 */
bool qcow1_measure_widths(const struct qcow1_salvage *s, struct qcow1_header *hdr, size_t *pairs,
			  struct img_err *err) IMG_MUST_CHECK;

/* ---- The steps in order, a file for each ---------------------------------------------------- */

/* salvage_header.c: s->hdr and what is known of it, after the scan. */
bool qcow1_salvage_header(struct qcow1_salvage *s, uint64_t size, struct img_err *err)
	IMG_MUST_CHECK;
/* salvage_find.c: s->hdr.l1_off, and s->l1 as it is there without what cannot be right. */
bool qcow1_salvage_find_l1(struct qcow1_salvage *s, struct img_err *err) IMG_MUST_CHECK;
/* salvage_over.c: takes what s->l1 leads to; entries that lead beside a table are set right. */
bool qcow1_salvage_settle(struct qcow1_salvage *s, struct img_err *err) IMG_MUST_CHECK;
/* salvage_l1.c: gives tables that nothing leads to a place in s->l1. */
bool qcow1_salvage_place(struct qcow1_salvage *s, struct img_err *err) IMG_MUST_CHECK;
/* salvage_l2.c: the entries of all tables. */
bool qcow1_salvage_l2(struct qcow1_salvage *s, struct img_err *err) IMG_MUST_CHECK;

/* ---- salvage_use.c --------------------------------------------------------------------------- */

/* Which clusters of the file are used. */
bool qcow1_use_start(struct qcow1_salvage *s, struct img_err *err) IMG_MUST_CHECK;
bool qcow1_is_taken(const struct qcow1_salvage *s, uint64_t host);
/* Nobody has any of these clusters as a whole; host: in the file. */
bool qcow1_is_free(const struct qcow1_salvage *s, uint64_t host, uint64_t len);
/* Nothing has any of it. */
bool qcow1_is_orphan(const struct qcow1_salvage *s, uint64_t host);
/* False: somebody has one of them already; nothing is taken then. */
bool qcow1_take(struct qcow1_salvage *s, uint64_t host, uint64_t len);
/* Takes nothing any more.  IMG_E_NOMEM. */
bool qcow1_untake(struct qcow1_salvage *s, struct img_err *err) IMG_MUST_CHECK;
/* What the L1 table lies in, which others may be in, too. */
void qcow1_take_l1(struct qcow1_salvage *s);
/* The clusters that the entries of a table lead to. */
void qcow1_take_entries(struct qcow1_salvage *s, const uint8_t *raw);
/* Reads the table at host, of which the file may have a part; the rest is zeros. */
bool qcow1_read_table(struct qcow1_salvage *s, uint64_t host, uint8_t *raw, struct img_err *err)
	IMG_MUST_CHECK;

/* Clusters of the file, and which of them have more than one user; packed bytes are none. */
struct qcow1_uses {
	const struct qcow1_salvage *s;	/* borrowed */
	struct img_paged seen, twice;
};

/* On failure, too, qcow1_uses_clear() frees what there is. */
bool qcow1_uses_start(struct qcow1_uses *uses, const struct qcow1_salvage *s, struct img_err *err)
	IMG_MUST_CHECK;
void qcow1_uses_clear(struct qcow1_uses *uses);
/* False: what was said of clusters since the beginning may be wrong.  IMG_E_IO, IMG_E_NOMEM. */
bool qcow1_uses_knows(const struct qcow1_uses *uses, struct img_err *err) IMG_MUST_CHECK;
/* host: in the file. */
void qcow1_uses_add(struct qcow1_uses *uses, uint64_t host, uint64_t len);
/* What n entries of a table lead to. */
void qcow1_uses_add_entries(struct qcow1_uses *uses, const uint8_t *raw, uint32_t n);
/* One of the clusters at least. */
bool qcow1_uses_is_twice(struct qcow1_uses *uses, uint64_t host, uint64_t len);

/* remains.c; as in struct img_format. */
bool qcow1_remains(const uint8_t *head, size_t len);

#endif
