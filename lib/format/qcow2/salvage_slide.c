/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Entries of an L2 table that were moved one place up, so that one is there twice and the last one
 * has gone, or is behind the end of the disk.  Where the one that is there twice is empty, only what
 * a snapshot has in the same entries can tell.
 */
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/salvage_heal.h"

/* So many entries that a snapshot has one place lower are no accident. */
enum { MOVED_FEW = 4 };

/* Index of the first of two entries that lead to the same cluster, which is once too many; n: none. */
static size_t first_twin(const struct qcow2_healing *h, const struct qcow2_sick *t)
{
	struct qcow2_cluster cluster;

	for (size_t i = 0; i + 1 < t->n; i++) {
		const uint8_t *raw = t->raw + i * t->step;

		if (!memcmp(raw, raw + t->step, t->step) && qcow2_heal_decode(h, raw, &cluster) &&
		    cluster.allocated && !qcow2_heal_is_counted(h, cluster.host))
			return i;
	}
	return t->n;
}

/* Entry i leads somewhere, and entry k of the snapshot's table leads there, too. */
static bool leads_alike(const struct qcow2_healing *h, const struct qcow2_sick *t, size_t i,
			const uint8_t *lender, size_t k)
{
	const uint8_t *mine = t->raw + i * t->step, *other = lender + k * t->step;
	struct qcow2_cluster cluster;

	return !((img_get_be64(mine) ^ img_get_be64(other)) & ~QCOW2_ENTRY_COPIED) &&
	       qcow2_heal_decode(h, mine, &cluster) && cluster.allocated;
}

/*
 * By the snapshot's table, the first entry that was moved; n: none was.  No cluster belongs to two
 * places of a disk, so that a few entries are enough.
 */
static size_t first_moved(const struct qcow2_healing *h, const struct qcow2_sick *t,
			  const uint8_t *lender)
{
	size_t in_place = 0, first = t->n, n = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (leads_alike(h, t, i, lender, i))
			in_place = i + 1;
		if (i + 1 == t->n || !leads_alike(h, t, i + 1, lender, i))
			continue;
		first = img_min_u64(first, i);
		n++;
	}
	return n >= MOVED_FEW && in_place <= first ? in_place : t->n;
}

/* *from: the entry that is one too many; n: none is. */
static bool find_surplus(const struct qcow2_healing *h, const struct qcow2_sick *t, size_t *from,
			 struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *lender = NULL;
	const size_t twin = first_twin(h, t);

	*from = twin < t->n ? twin + 1 : t->n;
	if (twin < t->n || !h->s->snapshots.n)
		return true;
	if (!qcow2_heal_lender(h, t, &lender, err))
		return false;
	*from = lender ? first_moved(h, t, lender) : t->n;
	return true;
}

static size_t end_of_entries(const struct qcow2_sick *t)
{
	size_t n = t->n;

	while (n && !img_get_be64(t->raw + (n - 1) * t->step))
		n--;
	return n;
}

/* Entries of the table that are for the disk. */
static size_t n_wanted(const struct qcow2_healing *h, const struct qcow2_sick *t)
{
	const uint64_t left = t->guest < h->s->hdr.size ? h->s->hdr.size - t->guest : 0;

	return img_min_u64(t->n, img_div_up(left, qcow2_cluster_size(&h->s->geo)));
}

/* Makes *entry lead to the stream at host, whatever its length is; *is false: there is none. */
static bool try_stream(struct qcow2_healing *h, uint64_t host, uint8_t *entry, bool *is,
		       struct img_err *err)
{
	struct qcow2_cluster cluster = {
		.kind = QCOW2_CLUSTER_COMPRESSED, .allocated = true, .host = host,
	};

	*is = false;
	for (uint32_t end = QCOW2_SECTOR; !*is && end <= qcow2_cluster_size(&h->s->geo);
	     end += QCOW2_SECTOR) {
		cluster.stored_len = end - (uint32_t)(host % QCOW2_SECTOR);
		if (!qcow2_decoder_try(&h->s->decoder, &cluster, is, err))
			return false;
	}
	if (*is)
		qcow2_l2_encode(&h->s->geo, &cluster, entry);
	return true;
}

/* Streams lie one behind the other, each starts in the sector where the one before it ends. */
static bool next_stream(struct qcow2_healing *h, const struct qcow2_cluster *last, uint8_t *entry,
			bool *is, struct img_err *err)
{
	const uint64_t end = last->host + last->stored_len;

	*is = false;
	for (uint64_t at = img_max_u64(end - QCOW2_SECTOR, last->host) + 1; !*is && at <= end; at++)
		if (at < qcow2_compressed_end(&h->s->geo) && !try_stream(h, at, entry, is, err))
			return false;
	return true;
}

/* *is: something that nothing leads to goes on behind the last entry; entry: as it was. */
static bool find_next(struct qcow2_healing *h, const struct qcow2_sick *t, uint8_t *entry, bool *is,
		      struct img_err *err)
{
	const uint64_t size = qcow2_cluster_size(&h->s->geo);
	struct qcow2_cluster last;

	*is = false;
	memset(entry, 0, t->step);
	if (!qcow2_heal_decode(h, t->raw + (t->n - 1) * t->step, &last) || !last.allocated)
		return true;
	if (last.kind == QCOW2_CLUSTER_COMPRESSED)
		return next_stream(h, &last, entry, is, err);
	*is = qcow2_heal_is_standard(h, &last) && qcow2_heal_is_free(h, last.host + size);
	if (*is) {
		last.host += size;
		qcow2_l2_encode(&h->s->geo, &last, entry);
	}
	return true;
}

/* Of a table of which one entry is there twice. */
static bool look_at_twin(struct qcow2_healing *h, const struct qcow2_sick *t, size_t twin,
			 enum qcow2_slide *out, struct img_err *err)
{
	const size_t end = end_of_entries(t);
	uint8_t next[16];
	bool goes_on;

	/* The cluster behind it is free: one of the two is that. */
	const uint64_t host = qcow2_heal_host(h, t, twin);

	if (host && qcow2_heal_is_free(h, host + qcow2_cluster_size(&h->s->geo)))
		return true;
	/* That of all places just the first entry is there twice is no accident of one entry. */
	*out = !twin || end > n_wanted(h, t) ? QCOW2_SLIDE_SURE : QCOW2_SLIDE_MAYBE;
	if (end < t->n || *out == QCOW2_SLIDE_SURE)
		return true;
	if (!find_next(h, t, next, &goes_on, err))
		return false;
	*out = goes_on ? QCOW2_SLIDE_SURE : QCOW2_SLIDE_MAYBE;
	return true;
}

bool qcow2_slide_look(struct qcow2_healing *h, const struct qcow2_sick *t, enum qcow2_slide *out,
		      struct img_err *err)
{
	const size_t twin = first_twin(h, t);
	size_t from;

	*out = QCOW2_SLIDE_NONE;
	if (twin < t->n)
		return look_at_twin(h, t, twin, out, err);
	if (!find_surplus(h, t, &from, err))
		return false;
	*out = from < t->n ? QCOW2_SLIDE_SURE : QCOW2_SLIDE_NONE;
	return true;
}

bool qcow2_slide_undo(struct qcow2_healing *h, const struct qcow2_sick *t, struct img_err *err)
{
	uint8_t next[16] = { 0 };
	bool goes_on = false;
	size_t from;

	if (!find_surplus(h, t, &from, err))
		return false;
	if (end_of_entries(t) == t->n && n_wanted(h, t) == t->n &&
	    !find_next(h, t, next, &goes_on, err))
		return false;
	memmove(t->raw + from * t->step, t->raw + (from + 1) * t->step, (t->n - from - 1) * t->step);
	memcpy(t->raw + (t->n - 1) * t->step, next, t->step);
	return img_store_write(h->s->overlay, t->host, t->raw, t->n * t->step, err) &&
	       img_rangeset_include(&h->s->guessed, t->guest,
				    (uint64_t)t->n << h->s->geo.cluster_bits, err) &&
	       qcow2_salvage_note(h->s, &qcow2_noted_l2_moved, t->host, t->guest, 0, err);
}
