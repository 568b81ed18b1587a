/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A request that writes guest bytes, cut into pieces that are written the same way: over a cluster
 * that is ours alone; into a cluster of ours whose entry has to change; or into new ones.
 *
 * Order: a new cluster reads as zeros until its bytes arrive.  Where the guest read zeros before,
 * its entry may therefore reach the disk at any time.  Where it read anything else the entry is
 * late: behind the bytes.
 */
#ifndef QCOW2_WRITE_H
#define QCOW2_WRITE_H

#include "base/num.h"
#include "format/qcow2/disk.h"

enum qcow2_place_kind {
	PLACE_OURS,			/* bytes can be written over */
	PLACE_CHANGE,			/* the cluster is ours, but shows too few bytes of it */
	PLACE_NEW,
};

/* Guest bytes [at, at + len), len > 0, in one L2 table, that are written the same way. */
struct qcow2_place {
	enum qcow2_place_kind kind;
	uint64_t at, len;
	uint64_t host;			/* OURS: where at lies; CHANGE: where its cluster starts */
};

/* Bytes over clusters that are ours: they wait for what continues them in the file. */
struct qcow2_held {
	uint64_t host;
	const uint8_t *buf;
	size_t len;			/* 0: none */
};

/* What is still to be written. */
struct qcow2_request {
	struct img_layer *ly;
	struct qcow2 *q;
	uint64_t at;			/* guest */
	const uint8_t *buf;
	size_t len;
	struct qcow2_held *held;	/* what was passed over; of the whole request */
};

/* What goes to the disk for a piece: guest bytes [from, end), of which the request has a part. */
struct qcow2_filling {
	uint64_t from, end;
	uint8_t *bytes;			/* owned; NULL: it is the request's bytes, no more */
	bool late;
};

/* The end of the disk is inside of a cluster, or at its end. */
static inline uint64_t qcow2_end_of_cluster(const struct qcow2 *q, uint64_t at)
{
	return img_round_down(at, qcow2_cluster_size(&q->geo)) + qcow2_cluster_size(&q->geo);
}

/* ---- place.c: with the lock held ------------------------------------------------------------- */

/* The longest piece from rq->at on that is written the same way. */
bool qcow2_look(struct qcow2_request *rq, struct qcow2_place *out, struct img_err *err)
	IMG_MUST_CHECK;
/* The entry of guest byte at as it is now: a hole where there is no table. */
bool qcow2_entry_now(struct qcow2 *q, uint64_t at, struct qcow2_cluster *out, struct img_err *err)
	IMG_MUST_CHECK;
/* The subclusters, as a map, that bytes [from, end) of a cluster touch.  Pure. */
uint32_t qcow2_touched(const struct qcow2_geometry *geo, uint64_t from, uint64_t end);
/*
 * The store that holds guest bytes has been written up to end: a data file grows as it is written,
 * and any file may end inside of its last cluster.
 */
void qcow2_note_reach(struct qcow2 *q, uint64_t end);

/* ---- fill.c: without the lock ---------------------------------------------------------------- */

/* Where a filling may end at most: a data file is not longer than the disk. */
uint64_t qcow2_fill_end(const struct qcow2_request *rq, uint64_t end);
/* Makes f->bytes, if the filling is more than the request's own bytes; freed by the caller. */
bool qcow2_fill_bytes(struct qcow2_request *rq, const struct qcow2_place *place,
		      struct qcow2_filling *f, struct img_err *err) IMG_MUST_CHECK;
/* To host, where f->from lies. */
bool qcow2_write_filling(struct qcow2_request *rq, const struct qcow2_place *place,
			 const struct qcow2_filling *f, uint64_t host, struct img_err *err)
	IMG_MUST_CHECK;

/* Appends the request's next len bytes, if host and they continue what is held; false: not. */
bool qcow2_hold_more(struct qcow2_request *rq, uint64_t host, size_t len);
/* Writes what is held; nothing is afterwards. */
bool qcow2_write_held(struct qcow2_request *rq, struct img_err *err) IMG_MUST_CHECK;

/* ---- write_change.c, write_new.c: with the lock held, which is let go for the bytes ---------- */

/* The clusters of the piece are claimed.  A piece for new clusters may become shorter. */
bool qcow2_write_change(struct qcow2_request *rq, const struct qcow2_place *place,
			struct img_err *err) IMG_MUST_CHECK;
bool qcow2_write_new(struct qcow2_request *rq, struct qcow2_place *place, struct img_err *err)
	IMG_MUST_CHECK;

#endif
