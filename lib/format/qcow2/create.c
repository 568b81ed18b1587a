/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new image: what it is to be, the way it is written, and the calls that go that way. */
#include "base/mem.h"
#include "format/qcow2/new.h"

void qcow2_new_free(struct qcow2_new *fresh)
{
	if (!fresh)
		return;
	qcow2_tables_free(&fresh->tables);
	qcow2_space_free(&fresh->space);
	qcow2_sequence_free(&fresh->sequence);
	free(fresh->twins);
	free(fresh);
}

static bool create_data_file(struct qcow2 *q, const struct img_opener *opener,
			     struct img_err *err)
{
	const struct img_reference ref = {
		.kind = IMG_REF_DATA, .name = q->header.data_file, .format = "raw",
	};

	return !ref.name || opener->create(opener, &ref, &q->data_file, err);
}

static bool copy_text(const char *from, char **to, struct img_err *err)
{
	if (from)
		*to = img_strdup(from, err);
	return !from || *to;
}

static bool fill_layer(struct img_layer *ly, const struct img_layer_create *what,
		       const struct qcow2_wish *wish, struct img_err *err)
{
	const struct qcow2 *q = ly->priv;

	ly->size = what->size;
	ly->unit = (uint32_t)qcow2_cluster_size(&q->geo);
	ly->codec = what->compressed ? wish->codec : NULL;
	ly->codec_level = wish->codec_level;
	ly->reads_as_zero = !q->header.backing;
	ly->encrypted = qcow2_is_encrypted(q);
	ly->takes_plain = !ly->encrypted;
	return copy_text(q->header.backing, &ly->backing, err) &&
	       copy_text(q->header.backing_format, &ly->backing_format, err);
}

static bool start(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	const bool can_seek = ly->store->caps & IMG_STORE_SEEK;
	struct qcow2_wish wish = { 0 };
	const bool ok = qcow2_wish_make(what, can_seek, &wish, err);

	/* The header is the layer's from now on, and freed with it. */
	q->header = wish.header;
	if (!ok)
		return false;
	qcow2_geometry_init(&q->geo, &q->header);
	q->fresh->preallocation = wish.preallocation;
	q->fresh->way = can_seek ? &qcow2_append_ops : &qcow2_sequence_ops;
	return fill_layer(ly, what, &wish, err) && create_data_file(q, what->opener, err) &&
	       (!can_seek || qcow2_append_start(ly, what, err)) &&
	       (!qcow2_is_encrypted(q) || qcow2_encrypt_new(ly, &wish, what->key, err));
}

static void give_up(struct img_layer *ly)
{
	struct qcow2 *q = ly->priv;

	if (q) {
		qcow2_new_free(q->fresh);
		img_luks_volume_close(&q->volume);
		qcow2_header_clear(&q->header);
		img_store_close(q->data_file);
	}
	free(q);
	free(ly->backing);
	free(ly->backing_format);
	ly->priv = ly->backing = ly->backing_format = NULL;
}

bool qcow2_create(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err)
{
	struct qcow2 *q = img_calloc(1, sizeof(*q), err);

	ly->priv = q;
	if (q)
		q->fresh = img_calloc(1, sizeof(*q->fresh), err);
	if (q && q->fresh && start(ly, what, err))
		return true;
	give_up(ly);
	return false;
}

/* ---- The calls -------------------------------------------------------------------------------- */

static const struct img_write_ops *way_of(const struct img_layer *ly)
{
	return ((const struct qcow2 *)ly->priv)->fresh->way;
}

/* Key slots are written with what is known when the header is out already. */
bool qcow2_sequential(const struct img_layer_create *what)
{
	return !what->compressed && what->size != IMG_SIZE_UNKNOWN &&
	       !img_settings_given(what->settings, "encrypt.format");
}

static bool pass_announce(struct img_layer *ly, uint64_t at, uint64_t len,
			  enum img_extent_kind kind, struct img_err *err)
{
	return !way_of(ly)->announce || way_of(ly)->announce(ly, at, len, kind, err);
}

static bool pass_begin(struct img_layer *ly, struct img_err *err)
{
	return !way_of(ly)->begin || way_of(ly)->begin(ly, err);
}

static bool pass_reserve(struct img_layer *ly, struct img_slot *slots, size_t n,
			 struct img_err *err)
{
	return way_of(ly)->reserve(ly, slots, n, err);
}

static bool pass_store(struct img_layer *ly, const struct img_slot *slot, const void *bytes,
		       struct img_err *err)
{
	if (qcow2_is_encrypted(ly->priv))
		return qcow2_store_encrypted(ly, slot, bytes, err);
	return img_store_write(slot->store, slot->host, bytes, slot->stored_len, err);
}

static bool pass_share(struct img_layer *ly, struct img_slot *slot, struct img_err *err)
{
	return qcow2_is_encrypted(ly->priv) || !way_of(ly)->share ||
	       way_of(ly)->share(ly, slot, err);
}

static bool pass_publish(struct img_layer *ly, const struct img_slot *slots, size_t n,
			 struct img_err *err)
{
	return !way_of(ly)->publish || way_of(ly)->publish(ly, slots, n, err);
}

static bool pass_zero(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
{
	return !way_of(ly)->zero || way_of(ly)->zero(ly, at, len, err);
}

static bool pass_finish(struct img_layer *ly, struct img_err *err)
{
	return way_of(ly)->finish(ly, err);
}

const struct img_write_ops qcow2_write_ops = {
	.announce = pass_announce,
	.begin = pass_begin,
	.reserve = pass_reserve,
	.store = pass_store,
	.share = pass_share,
	.publish = pass_publish,
	.zero = pass_zero,
	.finish = pass_finish,
};
