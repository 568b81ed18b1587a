/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing a new image: L2 tables get their places in front of the first data that need them, and
 * are written when the disk has gone past them; L1 table and header come at the end.
 */
#include <inttypes.h>
#include <string.h>
#include "base/bytes.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow1/new.h"

/* ---- Places ---------------------------------------------------------------------------------- */

/* Only the table of a stream can be too short. */
static bool grow_l1(struct qcow1_new *n, uint64_t wanted, struct img_err *err)
{
	const uint64_t cap = img_max_u64(wanted, 2 * n->cap_l1);
	uint64_t *l1;

	if (wanted <= n->cap_l1)
		return true;
	if (wanted >= QCOW1_L1_MAX)
		return img_fail(err, IMG_E_RANGE, _("the disk is too large for its tables"));
	l1 = img_grow(n->l1, cap, sizeof(*l1), err);
	if (!l1)
		return false;
	memset(l1 + n->cap_l1, 0, (cap - n->cap_l1) * sizeof(*l1));
	n->l1 = l1;
	n->cap_l1 = cap;
	return true;
}

/* Whole clusters at the end of the file. */
static uint64_t take(const struct qcow1 *q, uint64_t len)
{
	const uint32_t cluster = qcow1_cluster_size(&q->header);
	const uint64_t host = img_round_up(q->fresh->end, cluster);

	q->fresh->end = host + img_round_up(len, cluster);
	return host;
}

/* An L2 table needs no more than its bytes: packed clusters may follow at once. */
static uint64_t take_table(const struct qcow1 *q)
{
	const uint64_t host = img_round_up(q->fresh->end, qcow1_cluster_size(&q->header));

	q->fresh->end = host + qcow1_l2_bytes(&q->header);
	return host;
}

static bool take_tables(const struct qcow1 *q, const struct img_slot *slot, struct img_err *err)
{
	const uint64_t last = (slot->at + slot->len - 1) >> qcow1_l1_bits(&q->header);
	struct qcow1_new *n = q->fresh;

	if (!grow_l1(n, last + 1, err))
		return false;
	for (uint64_t i = slot->at >> qcow1_l1_bits(&q->header); i <= last; i++)
		if (!n->l1[i])
			n->l1[i] = take_table(q);
	return true;
}

static bool reserve(struct img_layer *ly, struct img_slot *slots, size_t count,
		    struct img_err *err)
{
	const struct qcow1 *q = ly->priv;
	struct qcow1_new *n = q->fresh;
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&n->lock);

	for (size_t i = 0; i < count; i++) {
		struct img_slot *slot = &slots[i];

		if (!take_tables(q, slot, err))
			return false;
		slot->store = ly->store;
		if (slot->flags & IMG_SLOT_COMPRESSED) {
			slot->host = n->end;
			n->end += slot->stored_len;
		} else {
			slot->host = take(q, slot->len);
		}
		img_store_expect(slot->store, slot->host + slot->stored_len);
	}
	return true;
}

/* The disk may end in the midst of its last cluster, which is enciphered whole. */
static bool store_end(struct img_layer *ly, const struct img_slot *slot, const uint8_t *bytes,
		      uint64_t done, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *buf = img_calloc(1, ly->unit, err);

	if (!buf)
		return false;
	memcpy(buf, bytes + done, slot->len - done);
	return qcow1_write_data(ly, slot->at + done, slot->host + done, buf, ly->unit, err);
}

static bool store(struct img_layer *ly, const struct img_slot *slot, const void *bytes,
		  struct img_err *err)
{
	const uint64_t whole = img_round_down(slot->len, ly->unit);

	if (!qcow1_is_encrypted(ly->priv))
		return img_store_write(slot->store, slot->host, bytes, slot->stored_len, err);
	return qcow1_write_data(ly, slot->at, slot->host, bytes, whole, err) &&
	       (whole == slot->len || store_end(ly, slot, bytes, whole, err));
}

/* ---- Tables ---------------------------------------------------------------------------------- */

static bool write_table(struct img_layer *ly, const uint64_t *entries, uint64_t fallback,
			uint64_t host, struct img_err *err)
{
	const struct qcow1_header *hdr = &((const struct qcow1 *)ly->priv)->header;
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(qcow1_l2_bytes(hdr), err);

	if (!raw)
		return false;
	for (size_t i = 0; i < qcow1_l2_entries(hdr); i++)
		img_put_be64(raw + i * QCOW1_ENTRY_LEN, entries ? entries[i] : fallback);
	return img_store_write(ly->store, host, raw, qcow1_l2_bytes(hdr), err);
}

/* Keeps the table that is being filled until the end.  One that hides all takes no memory. */
static bool keep_hiding(const struct qcow1_header *hdr, struct qcow1_new *n, struct img_err *err)
{
	const size_t count = qcow1_l2_entries(hdr);
	struct qcow1_hiding *v = img_grow_by_one(n->hidings, n->n_hidings, &n->cap_hidings,
						 sizeof(*v), err);
	uint64_t *entries = NULL;
	size_t same = 0;

	if (!v)
		return false;
	n->hidings = v;
	while (same < count && n->entries[same] == n->zero_entry)
		same++;
	if (same < count) {
		entries = img_calloc(count, sizeof(*entries), err);
		if (!entries)
			return false;
		memcpy(entries, n->entries, count * sizeof(*entries));
	}
	v[n->n_hidings++] = (struct qcow1_hiding){ .index = n->index, .entries = entries };
	return true;
}

static uint64_t table_host(struct qcow1_new *n, uint32_t index)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&n->lock);

	return index < n->cap_l1 ? n->l1[index] : 0;
}

/* The disk has gone past the table: all slots that it will ever have were reserved by now. */
static bool put_away(struct img_layer *ly, struct img_err *err)
{
	const struct qcow1 *q = ly->priv;
	struct qcow1_new *n = q->fresh;
	uint64_t host;

	if (!n->any)
		return true;
	host = table_host(n, n->index);
	if (host ? !write_table(ly, n->entries, 0, host, err) : !keep_hiding(&q->header, n, err))
		return false;
	memset(n->entries, 0, qcow1_l2_bytes(&q->header));
	n->any = false;
	return true;
}

/* Where the entry of the cluster at `at` is filled in; NULL: failed. */
static uint64_t *entry_at(struct img_layer *ly, uint64_t at, struct img_err *err)
{
	const struct qcow1 *q = ly->priv;
	struct qcow1_new *n = q->fresh;
	const uint32_t index = qcow1_l1_index(&q->header, at);

	if (index != n->index && !put_away(ly, err))
		return NULL;
	n->index = index;
	n->any = true;
	return &n->entries[qcow1_l2_index(&q->header, at)];
}

static bool publish_slot(struct img_layer *ly, const struct img_slot *slot, struct img_err *err)
{
	const struct qcow1_header *hdr = &((const struct qcow1 *)ly->priv)->header;
	const uint32_t cluster = qcow1_cluster_size(hdr);

	for (uint64_t done = 0; done < slot->len; done += cluster) {
		uint64_t *entry = entry_at(ly, slot->at + done, err);

		if (!entry)
			return false;
		*entry = slot->flags & IMG_SLOT_COMPRESSED
			? qcow1_entry_packed(hdr, slot->host, slot->stored_len)
			: slot->host + done;
	}
	return true;
}

/* The disk ends with a sector, whose rest must not be what a device held. */
static bool zero_rest(struct img_layer *ly, const struct img_slot *slot, struct img_err *err)
{
	const struct qcow1 *q = ly->priv;
	const uint64_t rest = -(uint64_t)slot->len & (ly->unit - 1);

	return (slot->flags & IMG_SLOT_COMPRESSED) || q->fresh->fresh || qcow1_is_encrypted(q) ||
	       !rest || img_store_zero(ly->store, slot->host + slot->len, rest, false, err);
}

static bool publish(struct img_layer *ly, const struct img_slot *slots, size_t count,
		    struct img_err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!publish_slot(ly, &slots[i], err) || !zero_rest(ly, &slots[i], err))
			return false;
	return true;
}

static bool zero(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
{
	const struct qcow1 *q = ly->priv;

	if (!q->fresh->zero_entry)
		return true;
	for (uint64_t done = 0; done < len; done += ly->unit) {
		uint64_t *entry = entry_at(ly, at + done, err);

		if (!entry)
			return false;
		*entry = q->fresh->zero_entry;
	}
	return true;
}

/* ---- The end --------------------------------------------------------------------------------- */

static bool write_hidings(struct img_layer *ly, struct img_err *err)
{
	const struct qcow1 *q = ly->priv;
	struct qcow1_new *n = q->fresh;

	for (size_t i = 0; i < n->n_hidings; i++) {
		const struct qcow1_hiding *one = &n->hidings[i];

		if (!grow_l1(n, one->index + UINT64_C(1), err))
			return false;
		n->l1[one->index] = take_table(q);
		if (!write_table(ly, one->entries, n->zero_entry, n->l1[one->index], err))
			return false;
	}
	return true;
}

/* Entries [first, first + count) of the L1 table; false in *any: they are all zero. */
static void encode_l1(const uint64_t *l1, size_t count, uint8_t *raw, bool *any)
{
	*any = false;
	for (size_t i = 0; i < count; i++) {
		img_put_be64(raw + i * QCOW1_ENTRY_LEN, l1[i]);
		*any |= l1[i] != 0;
	}
}

static bool write_l1(struct img_layer *ly, uint32_t count, struct img_err *err)
{
	const struct qcow1 *q = ly->priv;
	const struct qcow1_new *n = q->fresh;
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(QCOW1_PIECE_ENTRIES * QCOW1_ENTRY_LEN, err);

	if (!raw)
		return false;
	for (uint32_t i = 0; i < count; i += QCOW1_PIECE_ENTRIES) {
		const size_t some = img_min_u64(QCOW1_PIECE_ENTRIES, count - i);
		bool any;

		encode_l1(n->l1 + i, some, raw, &any);
		if ((any || !n->fresh) &&
		    !img_store_write(ly->store, q->header.l1_off + (uint64_t)i * QCOW1_ENTRY_LEN,
				     raw, some * QCOW1_ENTRY_LEN, err))
			return false;
	}
	return true;
}

static bool set_length(struct img_store *st, uint64_t end, struct img_err *err)
{
	uint64_t length;

	if (!(st->caps & IMG_STORE_RESIZE))
		return true;
	return img_store_size(st, &length, err) &&
	       (length >= end || img_store_resize(st, end, err));
}

/* Until the header is there the file is no image. */
static bool write_head(struct img_layer *ly, struct img_err *err)
{
	const struct qcow1 *q = ly->priv;
	const struct qcow1_header *hdr = &q->header;
	uint8_t raw[QCOW1_HDR_LEN];

	qcow1_header_encode(hdr, raw);
	return (!hdr->backing_off || img_store_write(ly->store, hdr->backing_off, q->fresh->backing,
						     hdr->backing_len, err)) &&
	       img_store_write(ly->store, 0, raw, sizeof(raw), err);
}

static bool finish(struct img_layer *ly, struct img_err *err)
{
	struct qcow1 *q = ly->priv;
	struct qcow1_header *hdr = &q->header;
	struct qcow1_new *n = q->fresh;
	const uint64_t needed = img_div_up(ly->size, UINT64_C(1) << qcow1_l1_bits(hdr));

	/* QEMU sees whole sectors alone, and no part of one at the end. */
	hdr->size = img_round_up(ly->size, QCOW1_SECTOR);
	if (!put_away(ly, err) || !write_hidings(ly, err) || !grow_l1(n, needed, err))
		return false;
	if (!hdr->l1_off) {
		hdr->l1_off = img_round_up(n->end, QCOW1_ENTRY_LEN);
		n->end = hdr->l1_off + needed * QCOW1_ENTRY_LEN;
	}
	return set_length(ly->store, n->end, err) && write_l1(ly, (uint32_t)needed, err) &&
	       write_head(ly, err);
}

const struct img_write_ops qcow1_write_ops = {
	.reserve = reserve,
	.store = store,
	.publish = publish,
	.zero = zero,
	.finish = finish,
};
