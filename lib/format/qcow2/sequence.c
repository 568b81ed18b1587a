/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A new image for a pipe.  Every cluster is used once, so the announced runs alone say what all
 * tables hold; they are made and sent one cluster at a time.
 */
#include "format/qcow2/sequence.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/new.h"

static uint64_t cluster_size(const struct qcow2 *q)
{
	return qcow2_cluster_size(&q->geo);
}

/* Guest bytes of one L2 table. */
static uint64_t span_of(const struct qcow2 *q)
{
	return UINT64_C(1) << qcow2_l1_bits(&q->geo);
}

/* Counts in one refcount block. */
static uint64_t block_counts(const struct qcow2 *q)
{
	return cluster_size(q) * 8 >> q->header.refcount_order;
}

void qcow2_sequence_free(struct qcow2_sequence *seq)
{
	free(seq->runs.v);
}

static bool sequence_announce(struct img_layer *ly, uint64_t at, uint64_t len,
			      enum img_extent_kind kind, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	const struct qcow2_run run = { .at = at, .len = len, .kind = kind };

	/* Without anything below, what is not there reads as zeros. */
	if (kind == IMG_EXTENT_ZERO && !q->header.backing)
		return true;
	return qcow2_runs_add(&q->fresh->sequence.runs, &run, err);
}

/* ---- Where things will be --------------------------------------------------------------------- */

static uint64_t end_of(const struct qcow2_run *run)
{
	return run->at + run->len;
}

/* The first table from `from` on that some run needs; *run: where to look, moved along. */
static bool next_table(const struct qcow2 *q, size_t *run, uint64_t from, uint64_t *table)
{
	const uint64_t span = span_of(q);
	const struct qcow2_runs *runs = &q->fresh->sequence.runs;

	while (*run < runs->n && end_of(&runs->v[*run]) <= from * span)
		++*run;
	if (*run == runs->n)
		return false;
	*table = img_max_u64(from, runs->v[*run].at / span);
	return true;
}

static uint64_t count_tables(const struct qcow2 *q)
{
	uint64_t count = 0, table = 0;
	size_t run = 0;

	for (; next_table(q, &run, table, &table); table++)
		count++;
	return count;
}

static uint64_t count_data(const struct qcow2 *q)
{
	uint64_t clusters = 0;

	for (size_t i = 0; i < q->fresh->sequence.runs.n; i++)
		if (q->fresh->sequence.runs.v[i].kind == IMG_EXTENT_DATA)
			clusters += img_div_up(q->fresh->sequence.runs.v[i].len, cluster_size(q));
	return clusters;
}

/* The refcounts count themselves, too: they grow until they are enough. */
static void arrange(struct img_layer *ly)
{
	struct qcow2 *q = ly->priv;
	struct qcow2_order *o = &q->fresh->sequence.order;
	const uint64_t counts = block_counts(q);
	const uint64_t l1 = img_div_up(8 * qcow2_l1_needed(&q->geo, ly->size), cluster_size(q));
	const uint64_t tables = count_tables(q), data = count_data(q);
	uint64_t blocks = 0;

	o->refcount_table = 1;
	do {
		blocks = img_div_up(o->end, counts);
		o->refcount_blocks = 1 + img_max_u64(1, img_div_up(8 * blocks, cluster_size(q)));
		o->l1 = o->refcount_blocks + blocks;
		o->l2 = o->l1 + l1;
		o->data = o->l2 + tables;
		o->end = o->data + data;
	} while (blocks < img_div_up(o->end, counts));
}

/* ---- What stands in front of the data --------------------------------------------------------- */

static bool send(struct img_layer *ly, const uint8_t *bytes, size_t len, struct img_err *err)
{
	struct qcow2_sequence *seq = &((struct qcow2 *)ly->priv)->fresh->sequence;

	if (!img_store_write(ly->store, seq->written, bytes, len, err))
		return false;
	seq->written += len;
	return true;
}

/* n 64-bit numbers from first on in steps of one cluster, and zeros up to the cluster's end. */
static bool send_offsets(struct img_layer *ly, uint8_t *raw, uint64_t first, uint64_t end,
			 struct img_err *err)
{
	const struct qcow2 *q = ly->priv;

	while (first < end) {
		memset(raw, 0, cluster_size(q));
		for (size_t i = 0; i < cluster_size(q) / 8 && first < end; i++)
			img_put_be64(raw + 8 * i, first++ << q->geo.cluster_bits);
		if (!send(ly, raw, cluster_size(q), err))
			return false;
	}
	return true;
}

static bool send_header(struct img_layer *ly, uint8_t *raw, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	const struct qcow2_order *o = &q->fresh->sequence.order;
	struct qcow2_header *hdr = &q->header;

	hdr->size = qcow2_disk_size(ly);
	hdr->l1_entries = (uint32_t)qcow2_l1_needed(&q->geo, hdr->size);
	hdr->l1_off = hdr->l1_entries ? o->l1 << q->geo.cluster_bits : 0;
	hdr->reftable_off = o->refcount_table << q->geo.cluster_bits;
	hdr->reftable_clusters = (uint32_t)(o->refcount_blocks - o->refcount_table);
	return qcow2_header_encode(hdr, raw, cluster_size(q), err) &&
	       send(ly, raw, cluster_size(q), err);
}

/* One reference for each cluster of the file. */
static bool send_blocks(struct img_layer *ly, uint8_t *raw, struct img_err *err)
{
	const struct qcow2 *q = ly->priv;
	const uint64_t counts = block_counts(q);
	uint64_t cluster = 0;

	while (cluster < q->fresh->sequence.order.end) {
		memset(raw, 0, cluster_size(q));
		for (size_t i = 0; i < counts && cluster < q->fresh->sequence.order.end; i++, cluster++)
			qcow2_refcount_put(raw, q->header.refcount_order, i, 1);
		if (!send(ly, raw, cluster_size(q), err))
			return false;
	}
	return true;
}

static bool send_l1(struct img_layer *ly, uint8_t *raw, struct img_err *err)
{
	const struct qcow2 *q = ly->priv;
	const struct qcow2_order *o = &q->fresh->sequence.order;
	const uint64_t per_cluster = cluster_size(q) / 8;
	uint64_t host = o->l2 << q->geo.cluster_bits, table = 0;
	size_t run = 0;
	bool more = next_table(q, &run, 0, &table);

	for (uint64_t first = 0; first < (o->l2 - o->l1) * per_cluster; first += per_cluster) {
		memset(raw, 0, cluster_size(q));
		for (; more && table < first + per_cluster;
		     more = next_table(q, &run, table + 1, &table)) {
			img_put_be64(raw + 8 * (table - first), qcow2_l1_encode(host, true));
			host += cluster_size(q);
		}
		if (!send(ly, raw, cluster_size(q), err))
			return false;
	}
	return true;
}

/* The part of run that lies in the table; *host is where the next data cluster is. */
static void put_run(const struct qcow2 *q, uint8_t *raw, uint64_t table,
		    const struct qcow2_run *run, uint64_t *host)
{
	const uint64_t guest = table * span_of(q);
	const uint64_t from = img_max_u64(guest, run->at);
	const uint64_t to = img_min_u64(guest + span_of(q), end_of(run));
	const uint64_t end = img_div_up(to - guest, cluster_size(q));
	struct qcow2_cluster cluster = { .kind = QCOW2_CLUSTER_ZERO };

	for (uint64_t i = (from - guest) >> q->geo.cluster_bits; i < end; i++) {
		if (run->kind == IMG_EXTENT_DATA) {
			cluster = (struct qcow2_cluster){
				.kind = QCOW2_CLUSTER_DATA, .allocated = true, .copied = true,
				.host = *host,
			};
			*host += cluster_size(q);
		}
		qcow2_l2_encode(&q->geo, &cluster, raw + i * q->geo.l2_entry_len);
	}
}

static bool send_l2(struct img_layer *ly, uint8_t *raw, struct img_err *err)
{
	const struct qcow2 *q = ly->priv;
	const struct qcow2_runs *runs = &q->fresh->sequence.runs;
	const uint64_t span = span_of(q);
	uint64_t host = q->fresh->sequence.order.data << q->geo.cluster_bits;
	uint64_t table = 0;

	for (size_t run = 0; next_table(q, &run, table, &table); table++) {
		memset(raw, 0, cluster_size(q));
		for (size_t i = run; i < runs->n && runs->v[i].at < (table + 1) * span; i++)
			put_run(q, raw, table, &runs->v[i], &host);
		if (!send(ly, raw, cluster_size(q), err))
			return false;
	}
	return true;
}

static bool sequence_begin(struct img_layer *ly, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	struct qcow2_sequence *seq = &q->fresh->sequence;
	const struct qcow2_order *o = &seq->order;
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(cluster_size(q), err);

	if (!raw)
		return false;
	if (ly->size == IMG_SIZE_UNKNOWN)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("the size of the disk must be known before it goes to a pipe"));
	arrange(ly);
	seq->begun = true;
	seq->run_host = o->data << q->geo.cluster_bits;
	return send_header(ly, raw, err) &&
	       send_offsets(ly, raw, o->refcount_blocks, o->l1, err) &&
	       send_blocks(ly, raw, err) && send_l1(ly, raw, err) && send_l2(ly, raw, err);
}

/* ---- Data ------------------------------------------------------------------------------------- */

static bool fail_changed(struct img_err *err)
{
	return img_fail(err, IMG_E_IO, _("the disk changed while it was being copied"));
}

/* The data run that holds slot, which is the one that the data have reached or a later one. */
static const struct qcow2_run *find_run(struct qcow2 *q, const struct img_slot *slot)
{
	struct qcow2_sequence *seq = &q->fresh->sequence;

	for (; seq->run < seq->runs.n; seq->run++) {
		const struct qcow2_run *run = &seq->runs.v[seq->run];

		if (slot->at < end_of(run))
			return run->kind == IMG_EXTENT_DATA && slot->at >= run->at ? run : NULL;
		if (run->kind == IMG_EXTENT_DATA)
			seq->run_host += img_round_up(run->len, cluster_size(q));
	}
	return NULL;
}

/* What is stored must be what was announced: a pipe takes nothing but the next byte. */
static bool sequence_reserve(struct img_layer *ly, struct img_slot *slots, size_t count,
			     struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	struct qcow2_sequence *seq = &q->fresh->sequence;

	for (size_t i = 0; i < count; i++) {
		struct img_slot *slot = &slots[i];
		const struct qcow2_run *run = find_run(q, slot);

		if (!run || slot->len > end_of(run) - slot->at ||
		    seq->run_host + (slot->at - run->at) != seq->written)
			return fail_changed(err);
		slot->store = ly->store;
		slot->host = seq->written;
		seq->written += slot->stored_len;
	}
	return true;
}

static bool sequence_finish(struct img_layer *ly, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	struct qcow2_sequence *seq = &q->fresh->sequence;
	uint64_t end;

	/* An empty image: nothing was announced. */
	if (!seq->begun && !sequence_begin(ly, err))
		return false;
	end = seq->order.end << q->geo.cluster_bits;
	/* The disk may end in the midst of the last cluster, and only there. */
	if (end - seq->written >= cluster_size(q))
		return fail_changed(err);
	return end == seq->written ||
	       img_store_zero(ly->store, seq->written, end - seq->written, false, err);
}

const struct img_write_ops qcow2_sequence_ops = {
	.announce = sequence_announce,
	.begin = sequence_begin,
	.reserve = sequence_reserve,	/* publish and zero: the tables are out already */
	.finish = sequence_finish,
};
