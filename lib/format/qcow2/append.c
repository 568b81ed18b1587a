/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A new image in a file that can seek.  The header is written last: until then the file is no
 * image that could be taken for a whole one.
 */
#include "base/mem.h"
#include "format/qcow2/new.h"

/* ---- Preallocation ---------------------------------------------------------------------------- */

/* Clusters for the whole disk in one row; a data file is such a row already. */
static bool take_row(struct img_layer *ly, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	struct qcow2_new *n = q->fresh;
	const uint64_t size = qcow2_cluster_size(&q->geo), clusters = img_div_up(ly->size, size);

	if (q->data_file || !clusters)
		return true;
	return qcow2_space_take(&n->space, clusters, &n->tables.mapped_host, err) &&
	       (n->space.sparse || img_store_zero(ly->store, n->tables.mapped_host,
						  clusters * size, true, err));
}

static bool set_space_aside(struct img_layer *ly, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	struct img_store *store = q->data_file ? q->data_file : ly->store;
	const uint64_t end = q->data_file ? qcow2_disk_size(ly)
					  : q->fresh->space.end << q->geo.cluster_bits;

	switch (q->fresh->preallocation) {
	case QCOW2_PREALLOC_FALLOC:
		return img_store_preallocate(store, 0, end, IMG_PREALLOC_FALLOC, err);
	case QCOW2_PREALLOC_FULL:
		return img_store_preallocate(store, 0, end, IMG_PREALLOC_FULL, err);
	case QCOW2_PREALLOC_OFF:
	case QCOW2_PREALLOC_METADATA:
		break;
	}
	return true;
}

static enum qcow2_hiding hiding(const struct qcow2_header *hdr)
{
	if (!hdr->backing)
		return QCOW2_HIDE_NOTHING;
	return hdr->version == 2 ? QCOW2_HIDE_BY_DATA : QCOW2_HIDE_BY_ENTRY;
}

/* Zeros in the file are zeros on the disk, unless it is enciphered. */
static enum qcow2_cluster_kind blank(const struct qcow2_header *hdr)
{
	if (hdr->backing)
		return QCOW2_CLUSTER_HOLE;
	return hdr->crypt == QCOW2_CRYPT_NONE ? QCOW2_CLUSTER_DATA : QCOW2_CLUSTER_ZERO;
}

bool qcow2_append_start(struct img_layer *ly, const struct img_layer_create *what,
			struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	struct qcow2_space *space = &q->fresh->space;
	struct qcow2_tables *tables = &q->fresh->tables;

	space->store = ly->store;
	space->cluster_bits = q->geo.cluster_bits;
	space->refcount_order = q->header.refcount_order;
	space->keep = what->dedup;
	space->sparse = (ly->store->caps & IMG_STORE_FRESH) || what->reads_as_zero;
	tables->geo = &q->geo;
	tables->hiding = hiding(&q->header);
	tables->blank = blank(&q->header);
	tables->space = space;
	if (!qcow2_space_init(space, err) || !qcow2_tables_init(tables, ly->size, err))
		return false;
	if (!q->fresh->preallocation)
		return true;
	return qcow2_tables_preallocate(tables, ly->size, err) && take_row(ly, err) &&
	       set_space_aside(ly, err);
}

/* ---- Reserve and publish ---------------------------------------------------------------------- */

/* Data goes behind all that is there. */
static bool take_slot(struct qcow2 *q, struct img_slot *slot, struct img_err *err)
{
	struct qcow2_space *space = &q->fresh->space;
	const uint64_t clusters = img_div_up(slot->len, qcow2_cluster_size(&q->geo));

	if (slot->flags & IMG_SLOT_COMPRESSED
		    ? !qcow2_space_pack(space, slot->stored_len, qcow2_compressed_end(&q->geo),
					&slot->host, err)
		    : !qcow2_space_take(space, clusters, &slot->host, err))
		return false;
	img_store_expect(slot->store, slot->host + slot->stored_len);
	return true;
}

static bool reserve_slot(struct img_layer *ly, struct img_slot *slot, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	struct qcow2_tables *tables = &q->fresh->tables;

	if (!qcow2_tables_place(tables, slot->at, slot->len, err))
		return false;
	slot->store = q->data_file ? q->data_file : ly->store;
	if (!q->data_file && !tables->mapped)
		return take_slot(q, slot, err);
	slot->host = tables->mapped_host + slot->at;
	return true;
}

static bool append_reserve(struct img_layer *ly, struct img_slot *slots, size_t count,
			   struct img_err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!reserve_slot(ly, &slots[i], err))
			return false;
	return true;
}

/* Whoever wrote to one of them in place would change the other: plain ones have to be told. */
static bool note_twin(struct qcow2_new *fresh, uint64_t guest, struct img_err *err)
{
	uint64_t *v = img_grow_by_one(fresh->twins, fresh->n_twins, &fresh->cap_twins, sizeof(*v), err);

	if (!v)
		return false;
	fresh->twins = v;
	v[fresh->n_twins++] = guest;
	return true;
}

static bool append_share(struct img_layer *ly, struct img_slot *slot, struct img_err *err)
{
	struct qcow2_new *fresh = ((struct qcow2 *)ly->priv)->fresh;

	if (!qcow2_space_share(&fresh->space, slot->host, slot->stored_len))
		return true;
	slot->store = ly->store;
	slot->flags |= IMG_SLOT_SHARED;
	return qcow2_tables_place(&fresh->tables, slot->at, slot->len, err) &&
	       ((slot->flags & IMG_SLOT_COMPRESSED) || note_twin(fresh, slot->twin, err));
}

/* What a device held behind the end of the disk must not show when the disk is made larger. */
static bool zero_rest(struct img_layer *ly, const struct img_slot *slot, struct img_err *err)
{
	const struct qcow2 *q = ly->priv;
	const uint64_t rest = -(uint64_t)slot->len & (qcow2_cluster_size(&q->geo) - 1);

	return q->fresh->space.sparse || q->data_file || qcow2_is_encrypted(q) || !rest ||
	       img_store_zero(ly->store, slot->host + slot->len, rest, false, err);
}

static bool publish_slot(struct img_layer *ly, const struct img_slot *slot, struct img_err *err)
{
	struct qcow2_tables *tables = &((struct qcow2 *)ly->priv)->fresh->tables;

	if (slot->flags & IMG_SLOT_COMPRESSED)
		return qcow2_tables_map_compressed(tables, slot->at, slot->host, slot->stored_len,
						   err);
	if (slot->flags & IMG_SLOT_SHARED)
		return qcow2_tables_map_shared(tables, slot->at, slot->host, err);
	return qcow2_tables_map(tables, slot->at, slot->len, slot->host, err) &&
	       zero_rest(ly, slot, err);
}

static bool append_publish(struct img_layer *ly, const struct img_slot *slots, size_t count,
			   struct img_err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!publish_slot(ly, &slots[i], err))
			return false;
	return true;
}

static bool append_zero(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
{
	return qcow2_tables_zero(&((struct qcow2 *)ly->priv)->fresh->tables, at, len, err);
}

/* ---- Finish ----------------------------------------------------------------------------------- */

static bool set_length(struct img_store *store, uint64_t bytes, struct img_err *err)
{
	/* A device has the length that it has. */
	return !(store->caps & IMG_STORE_RESIZE) || img_store_resize(store, bytes, err);
}

static bool set_lengths(struct img_layer *ly, struct img_err *err)
{
	const struct qcow2 *q = ly->priv;

	return set_length(ly->store, q->fresh->space.end << q->geo.cluster_bits, err) &&
	       (!q->data_file || set_length(q->data_file, qcow2_disk_size(ly), err));
}

static bool write_header(struct img_layer *ly, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	const size_t len = qcow2_cluster_size(&q->geo);
	IMG_AUTO_FREE uint8_t *raw = img_calloc(1, len, err);

	q->header.size = qcow2_disk_size(ly);
	q->header.l1_entries = (uint32_t)qcow2_l1_needed(&q->geo, q->header.size);
	return raw && qcow2_header_encode(&q->header, raw, len, err) &&
	       qcow2_space_write(&q->fresh->space, 0, raw, len, err);
}

static bool tell_twins(struct qcow2_new *fresh, struct img_err *err)
{
	for (size_t i = 0; i < fresh->n_twins; i++)
		if (!qcow2_tables_note_shared(&fresh->tables, fresh->twins[i], err))
			return false;
	return true;
}

static bool append_finish(struct img_layer *ly, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	struct qcow2_new *n = q->fresh;

	return qcow2_tables_finish(&n->tables, ly->size, &q->header.l1_off, err) &&
	       tell_twins(n, err) &&
	       qcow2_space_finish(&n->space, &q->header.reftable_off, &q->header.reftable_clusters,
				  err) &&
	       set_lengths(ly, err) && write_header(ly, err);
}

const struct img_write_ops qcow2_append_ops = {
	.reserve = append_reserve,
	.share = append_share,
	.publish = append_publish,
	.zero = append_zero,
	.finish = append_finish,
};
