/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of a salvage share.  All that is rebuilt (header, L1 table, entries of L2 tables)
 * is written to an overlay of the file, which the driver then opens as it opens any image; beside
 * it is kept which guest bytes are so guessed or lost.
 */
#ifndef QCOW2_SALVAGE_H
#define QCOW2_SALVAGE_H

#include "format/qcow2/decoder.h"
#include "format/qcow2/refs.h"
#include "format/qcow2/salvage_mark.h"
#include "store/ranges.h"

#define QCOW2_SALVAGE_NOTES(X) \
	X(header, "qcow2.salvage.header", \
	  N_("the header was unusable; it was made anew from what it said and what was found")) \
	X(clusters, "qcow2.salvage.clusters", \
	  N_("the size of clusters, or of L2 entries, was found out from the tables")) \
	X(size, "qcow2.salvage.size", \
	  N_("the size of the disk is a guess")) \
	X(l1, "qcow2.salvage.l1", \
	  N_("the L1 table was not where the header says; another one was taken")) \
	X(l1_entry, "qcow2.salvage.l1-entry", \
	  N_("the L1 entry was damaged; it was guessed from another table or a bit of it")) \
	X(l2_placed, "qcow2.salvage.l2-placed", \
	  N_("nothing led to this L2 table; its place on the disk was guessed")) \
	X(l2_unplaced, "qcow2.salvage.l2-unplaced", \
	  N_("nothing leads to this L2 table, and nothing says where on the disk it belongs")) \
	X(l2_wiped, "qcow2.salvage.l2-wiped", \
	  N_("the L2 table was overwritten")) \
	X(l2_moved, "qcow2.salvage.l2-moved", \
	  N_("entries of the L2 table were moved by one place; they were moved back")) \
	X(l2_entry, "qcow2.salvage.l2-entry", \
	  N_("the L2 entry was damaged; it was guessed from what it could have been")) \
	X(snapshots, "qcow2.salvage.snapshots", \
	  N_("the snapshot table was not where the header says; it was found by its shape")) \
	X(reftable, "qcow2.salvage.reftable", \
	  N_("the refcount table could not be used")) \
	X(unplaced, "qcow2.salvage.unplaced", \
	  N_("the cluster is in use, but nothing says where on the disk it belongs"))

#define QCOW2_SALVAGE_NOTE(name, id, text) \
	extern const struct img_finding_kind qcow2_noted_##name;
QCOW2_SALVAGE_NOTES(QCOW2_SALVAGE_NOTE)
#undef QCOW2_SALVAGE_NOTE

/* Most partitions that are looked at. */
enum { QCOW2_SALVAGE_PARTS = 128 };

/* A cluster that looks like a table. */
struct qcow2_found {
	uint64_t host;
	bool l2, l1;			/* l1: all that it leads to are L2 tables */
	bool placed;			/* an entry of the L1 table leads here */
	bool snapshots;			/* one of a snapshot's does */
	bool free;			/* nothing leads here, and it leads to what nothing else does */
};

enum qcow2_l1_state {
	QCOW2_L1_CERTAIN,
	QCOW2_L1_GUESSED,
	QCOW2_L1_BAD,			/* cannot be right as it is */
};

struct qcow2_salvage {
	struct img_store *file;		/* borrowed */
	struct img_store *overlay;	/* owned */
	uint64_t file_size;
	struct img_salvaged *told;	/* borrowed */
	/* Of the header: what it says, or what was found out; owned. */
	struct qcow2_header hdr;
	struct qcow2_geometry geo;
	bool header_whole, header_lost, size_known, l1_known;
	struct qcow2_decoder decoder;
	struct qcow2_found *found;	/* by host; owned */
	size_t n_found, cap_found;
	uint64_t *l1;			/* as they will be; owned */
	uint8_t *l1_state;		/* enum qcow2_l1_state of each; owned */
	size_t n_l1;
	uint64_t l1_at, l1_room;	/* where it was found, and the bytes there; 0: nowhere */
	bool l1_whole;			/* an entry of 0 is believed to be a hole */
	struct qcow2_snapshots snapshots;	/* owned; none when their table is damaged */
	struct qcow2_refs *refs;	/* who refers to what in the overlay; owned */
	bool counts_known;		/* and what the refcounts say of it */
	struct img_rangeset guessed, lost;	/* guest bytes */
	struct img_rangeset nothing;	/* guest bytes that the disk itself calls unused; owned */
};

/* ---- salvage.c ------------------------------------------------------------------------------- */

/*
 * Rebuilds what is in file, as far as that is possible, and tells of it.  size: guest bytes, or 0.
 * Errors: IMG_E_NOT_THIS_FORMAT (nothing of an image was found), IMG_E_IO, IMG_E_NOMEM, IMG_E_RANGE.
 */
struct qcow2_salvage *qcow2_salvage_new(struct img_store *file, uint64_t size,
					struct img_salvaged *told, struct img_err *err);
/* Accepts NULL. */
void qcow2_salvage_free(struct qcow2_salvage *s);
/* Shortens ex to what is certain, guessed or lost alike, and says so in it. */
void qcow2_salvage_judge(const struct qcow2_salvage *s, struct img_extent *ex);

/* For the steps: a note about one thing at a place; step as in img_findings_add(). */
bool qcow2_salvage_note(struct qcow2_salvage *s, const struct img_finding_kind *kind, uint64_t host,
			uint64_t guest, uint64_t step, struct img_err *err) IMG_MUST_CHECK;
/*
 * len bytes of a cluster from `in` on, which lie in it; *got fewer: the file does not have them, or
 * what it has cannot be decoded.
 */
bool qcow2_salvage_read(struct qcow2_salvage *s, const struct qcow2_cluster *cluster, uint64_t in,
			uint8_t *raw, size_t len, size_t *got, struct img_err *err) IMG_MUST_CHECK;
/* The table at host, if one is there that looks like it; NULL: none. */
struct qcow2_found *qcow2_salvage_find(const struct qcow2_salvage *s, uint64_t host);
/* Index of the first table at host or behind it. */
size_t qcow2_salvage_lower(const struct qcow2_salvage *s, uint64_t host);
/* The cluster is in use as far as that is known, and nothing refers to it. */
bool qcow2_salvage_is_orphan(const struct qcow2_salvage *s, uint64_t cluster);
/* The refcounts say that more refers to the cluster than does. */
bool qcow2_salvage_is_missed(const struct qcow2_salvage *s, uint64_t cluster);

/* ---- salvage_width.c ------------------------------------------------------------------------- */

/* What the tables themselves say of the sizes that the header should tell. */
struct qcow2_widths {
	unsigned cluster_bits;		/* 0: nothing was found that says it */
	bool subclusters;
	size_t evidence;		/* pairs of entries that say so */
};

bool qcow2_salvage_widths(struct img_store *file, uint64_t file_size, struct qcow2_widths *out,
			  struct img_err *err) IMG_MUST_CHECK;

/* ---- The steps in order, a file for each ---------------------------------------------------- */

/* s->hdr and what is known of it. */
bool qcow2_salvage_header(struct qcow2_salvage *s, struct img_err *err) IMG_MUST_CHECK;
/* s->found. */
bool qcow2_salvage_scan(struct qcow2_salvage *s, struct img_err *err) IMG_MUST_CHECK;
/* How clusters are compressed, in s->hdr; after the scan. */
bool qcow2_salvage_codec(struct qcow2_salvage *s, struct img_err *err) IMG_MUST_CHECK;
/* s->snapshots. */
bool qcow2_salvage_snapshots(struct qcow2_salvage *s, struct img_err *err) IMG_MUST_CHECK;
/* The refcount table, when the header does not say where it is. */
bool qcow2_salvage_reftable(struct qcow2_salvage *s, struct img_err *err) IMG_MUST_CHECK;
/* s->l1, from the place that the header names or from a better one. */
bool qcow2_salvage_l1(struct qcow2_salvage *s, struct img_err *err) IMG_MUST_CHECK;
/* *host: another L2 table for the same entry of L1, that of the latest snapshot; 0: there is none. */
bool qcow2_salvage_donor(const struct qcow2_salvage *s, size_t index, uint64_t not, uint64_t *host,
			 struct img_err *err) IMG_MUST_CHECK;
/* Places tables in s->l1 where snapshots have them, or those that they went on from; after s->refs. */
bool qcow2_salvage_match(struct qcow2_salvage *s, struct img_err *err) IMG_MUST_CHECK;
/* Gives tables that nothing leads to a place in s->l1; after s->refs. */
bool qcow2_salvage_place(struct qcow2_salvage *s, struct img_err *err) IMG_MUST_CHECK;
/* For placing: nothing is known of entry i of s->l1. */
bool qcow2_salvage_is_slot(const struct qcow2_salvage *s, size_t i);
/* Makes s->l1 at least n entries long; IMG_E_RANGE: no L1 table can be. */
bool qcow2_salvage_room(struct qcow2_salvage *s, size_t n, struct img_err *err) IMG_MUST_CHECK;
/* Gives the table that slot as a guess, and tells it. */
bool qcow2_salvage_put(struct qcow2_salvage *s, struct qcow2_found *one, size_t index,
		       struct img_err *err) IMG_MUST_CHECK;
/* Moves entries of s->l1 that lead to one table twice; after s->refs, and before others are placed. */
bool qcow2_salvage_twins(struct qcow2_salvage *s, struct img_err *err) IMG_MUST_CHECK;
#define QCOW2_NO_SLOT SIZE_MAX
/*
 * slots[i]: of the L1 table, where the guest bytes say that the L2 table at hosts[i] belongs, whatever
 * leads there; QCOW2_NO_SLOT: they do not say.
 */
bool qcow2_salvage_claims(struct qcow2_salvage *s, const uint64_t *hosts, size_t n, size_t *slots,
			  struct img_err *err) IMG_MUST_CHECK;
/* Places those tables whose guest bytes say where they belong. */
bool qcow2_salvage_anchor(struct qcow2_salvage *s, struct img_err *err) IMG_MUST_CHECK;
/*
 * The partitions of the disk, to parts, by the L2 table at host, which stands for the guest's bytes
 * from start on: those of the GPT whose header is at gpt_at, or of the MBR.  All of [0, *n) make
 * sense.
 */
bool qcow2_salvage_partitions(struct qcow2_salvage *s, uint64_t host, uint64_t start, uint64_t gpt_at,
			      struct qcow2_part parts[QCOW2_SALVAGE_PARTS], size_t *n,
			      struct img_err *err) IMG_MUST_CHECK;
/* To s->nothing: what is free of the file system at guest byte start, if it is ext. */
bool qcow2_salvage_free_blocks(struct qcow2_salvage *s, uint64_t start, struct img_err *err)
	IMG_MUST_CHECK;
/* To s->nothing: what is in none of parts, which are sorted. */
bool qcow2_salvage_between(struct qcow2_salvage *s, struct qcow2_part *parts, size_t n,
			   struct img_err *err) IMG_MUST_CHECK;
/* Whether all that slot stands for is in s->nothing. */
bool qcow2_salvage_is_nothing(const struct qcow2_salvage *s, size_t slot);
/*
 * Makes the table at host, for entry index of L1, anew in the overlay, where it was overwritten:
 * from a snapshot, or from clusters that fill it exactly.  *made: that was possible.
 */
bool qcow2_salvage_remake(struct qcow2_salvage *s, size_t index, uint64_t host, bool *made,
			  struct img_err *err) IMG_MUST_CHECK;
/* Heals entries of L2 tables in the overlay; after s->refs. */
bool qcow2_salvage_l2(struct qcow2_salvage *s, struct img_err *err) IMG_MUST_CHECK;

#endif
