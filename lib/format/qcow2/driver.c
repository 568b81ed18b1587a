/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The qcow2 driver: probing, opening and closing, and the table that ties its files together. */
#include <inttypes.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "cipher/qcow_aes.h"
#include "format/qcow2/adopt.h"
#include "format/qcow2/bitmap.h"
#include "format/qcow2/cache.h"
#include "format/qcow2/disk.h"
#include "format/qcow2/salvage.h"

enum {
	HEAD_BYTES = 64 << 10,		/* a first cluster of the usual size comes with one read */
};

static int qcow2_probe(const struct img_peek *peek)
{
	if (peek->head_len < QCOW2_HDR_VERSION + 4 ||
	    img_get_be32(peek->head + QCOW2_HDR_MAGIC) != QCOW2_MAGIC)
		return 0;
	/* Version 1 is another format. */
	return img_get_be32(peek->head + QCOW2_HDR_VERSION) >= 2 ? 100 : 0;
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* The bytes at the start that have to be decoded; more than HEAD_BYTES for large clusters. */
static size_t first_cluster_len(const uint8_t *head, size_t len)
{
	if (len < QCOW2_HDR_V2_LEN || img_get_be32(head + QCOW2_HDR_MAGIC) != QCOW2_MAGIC)
		return len;
	const uint32_t bits = img_get_be32(head + QCOW2_HDR_CLUSTER_BITS);
	return (size_t)1 << img_min_u64(bits, QCOW2_CLUSTER_BITS_MAX);
}

bool qcow2_header_read(struct img_store *st, struct qcow2_header *out, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *head = img_alloc_aligned(HEAD_BYTES, err);
	size_t got;

	if (!head || !img_store_read_some(st, 0, head, HEAD_BYTES, &got, err))
		return false;
	const size_t wanted = first_cluster_len(head, got);
	if (wanted > HEAD_BYTES && got == HEAD_BYTES) {
		free(head);
		head = img_alloc_aligned(wanted, err);
		if (!head || !img_store_read_some(st, 0, head, wanted, &got, err))
			return false;
	}
	return qcow2_header_decode(head, got, out, err);
}

static bool open_data_file(struct qcow2 *q, const struct img_layer_open *how, struct img_err *err)
{
	const struct img_reference ref = {
		.kind = IMG_REF_DATA,
		.name = q->header.data_file,
		.format = "raw",
	};
	uint64_t data_size;

	q->map.data = q->map.file;
	q->map.data_size = q->map.file_size;
	if (!q->geo.data_file)
		return true;
	if (!ref.name)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("the image keeps its data in another file, but does not name it"));
	if (!how->opener)
		return img_fail(err, IMG_E_DENIED, _("the data file \"%s\" may not be opened"),
				ref.name);
	if (!how->opener->open(how->opener, &ref, &q->data_file, err))
		return img_within(err, _("data file \"%s\""), ref.name);
	q->map.data = q->data_file;
	if (!img_store_size(q->data_file, &data_size, err))
		return false;
	q->map.data_size = data_size;
	return true;
}

/* Where the L1 table lies that is to be read, and the disk's size that goes with it. */
struct view {
	uint64_t l1_off, size;
	uint32_t l1_entries;
};

static bool validate_view(const struct qcow2 *q, const struct view *view, struct img_err *err)
{
	/* A snapshot's table obeys the same rules as the active one. */
	struct qcow2_header hdr = q->header;

	hdr.l1_off = view->l1_off;
	hdr.l1_entries = view->l1_entries;
	hdr.size = view->size;
	return qcow2_header_validate(&hdr, err);
}

static bool find_snapshot(const struct qcow2 *q, const char *wanted, struct view *view,
			  struct img_err *err)
{
	struct qcow2_snapshots list;

	if (!qcow2_snapshots_read(&q->header, q->map.file, q->map.file_size, &list, err))
		return false;
	const struct qcow2_snapshot *snap = qcow2_snapshots_get(&list, wanted, err);
	const bool found = snap;

	if (found)
		*view = (struct view){ snap->l1_off, snap->disk_size, snap->l1_entries };
	qcow2_snapshots_clear(&list);
	return found && (validate_view(q, view, err) || img_within(err, _("snapshot \"%s\""), wanted));
}

/* The entries that the disk needs, as many as the file has. */
static bool load_l1(struct qcow2 *q, const struct view *view, struct img_err *err)
{
	const uint64_t left = view->l1_off < q->map.file_size ? q->map.file_size - view->l1_off : 0;
	const size_t n = img_min_u64(qcow2_l1_needed(&q->geo, view->size), left / sizeof(uint64_t));

	q->map.l1 = img_calloc(img_max_u64(n, 1), sizeof(uint64_t), err);
	if (!q->map.l1)
		return false;
	if (n && !img_store_read(q->map.file, view->l1_off, q->map.l1, n * sizeof(uint64_t), err))
		return img_within(err, _("L1 table"));
	for (size_t i = 0; i < n; i++)
		q->map.l1[i] = img_get_be64(&q->map.l1[i]);
	q->map.n_l1 = n;
	return true;
}

static bool make_map(struct qcow2 *q, const struct view *view, struct img_err *err)
{
	if (!load_l1(q, view, err))
		return false;
	const struct qcow2_cache_how cache = {
		.store = q->map.file,
		.table_len = qcow2_cluster_size(&q->geo),
		.limit = q->cache_size,
		.barrier = qcow2_disk_barrier,
		.ctx = q,
	};
	q->map.cache = qcow2_cache_new(&cache, err);
	return q->map.cache;
}

/* A codec that was not built in is missed only when a compressed cluster is read. */
static bool make_decoders(struct qcow2 *q, struct img_err *err)
{
	const bool zstd = q->header.compression == QCOW2_COMPRESSION_ZSTD;

	q->codec = img_codec_named(zstd ? "zstd" : "deflate");
	if (!q->codec)
		return true;
	q->decoders = img_codec_pool_new(q->codec, q->codec->level_default,
					 qcow2_cluster_size(&q->geo), err);
	return q->decoders;
}

/* Who left the image dirty has not counted all that it uses; this comes before all that counts. */
static bool recover(struct qcow2 *q, const struct img_layer_open *how, struct img_err *err)
{
	const uint64_t dirty = q->header.incompatible & QCOW2_INCOMPATIBLE_DIRTY;
	uint64_t file_size;

	/* What cannot be written anyway is refused later, and stays as it is. */
	if (!dirty || !(how->flags & IMG_OPEN_WRITE) || how->snapshot ||
	    (q->header.incompatible & QCOW2_INCOMPATIBLE_CORRUPT))
		return true;
	if (!qcow2_rebuild_refcounts(q, q->header.refcount_order, err))
		return img_within(err, _("the image was not closed properly"));
	if (!img_store_size(q->map.file, &file_size, err))
		return false;
	q->map.file_size = file_size;
	return true;
}

static bool open_parts(struct qcow2 *q, struct img_layer *ly, const struct img_layer_open *how,
		       struct img_err *err)
{
	struct view view;
	uint64_t file_size;

	q->map.file = ly->store;
	q->cache_size = how->cache_size;
	if (!qcow2_header_read(ly->store, &q->header, err) || !img_store_size(ly->store, &file_size, err))
		return false;
	q->map.file_size = file_size;
	qcow2_geometry_init(&q->geo, &q->header);
	if (!recover(q, how, err))
		return false;
	view = (struct view){ q->header.l1_off, q->header.size, q->header.l1_entries };
	if (how->snapshot && !find_snapshot(q, how->snapshot, &view, err))
		return false;
	if (!open_data_file(q, how, err) || !make_map(q, &view, err) ||
	    !make_decoders(q, err))
		return false;
	ly->data_files = &q->data_file;
	ly->n_data_files = q->data_file != NULL;
	ly->size = view.size;
	ly->unit = (uint32_t)qcow2_cluster_size(&q->geo);
	return true;
}

static void qcow2_free(struct qcow2 *q)
{
	if (!q)
		return;
	qcow2_bitmaps_free(q);
	qcow2_disk_free(q);
	qcow2_new_free(q->fresh);
	qcow2_cache_free(q->map.cache);
	free(q->map.l1);
	img_codec_pool_free(q->decoders);
	img_luks_volume_close(&q->volume);
	if (q->data_file)
		img_store_close(q->data_file);
	qcow2_salvage_free(q->salvage);
	qcow2_header_clear(&q->header);
	free(q);
}

/* What the image says of the layer below, for the layer's owner. */
static bool tell_backing(const struct qcow2_header *hdr, struct img_layer *ly, struct img_err *err)
{
	char *format = NULL;

	if (!hdr->backing)
		return true;
	if (hdr->backing_format && !(format = img_strdup(hdr->backing_format, err)))
		return false;
	ly->backing = img_strdup(hdr->backing, err);
	if (!ly->backing) {
		free(format);
		return false;
	}
	ly->backing_format = format;
	return true;
}

static bool unlock(struct qcow2 *q, const struct img_layer_open *how, struct img_err *err)
{
	return !qcow2_is_encrypted(q) || (how->flags & IMG_OPEN_NO_KEY) ||
	       qcow2_unlock(q, how->keys, err);
}

static bool start_writing(struct img_layer *ly, const struct img_layer_open *how,
			  struct img_err *err)
{
	if (how->snapshot)
		return img_fail(err, IMG_E_UNSUPPORTED, _("a snapshot can only be read"));
	return qcow2_disk_start(ly, err);
}

bool qcow2_restart(struct img_layer *ly, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	const struct view view = { q->header.l1_off, q->header.size, q->header.l1_entries };
	uint64_t file_size;

	qcow2_cache_free(q->map.cache);
	free(q->map.l1);
	q->map.cache = NULL;
	q->map.l1 = NULL;
	if (!img_store_size(ly->store, &file_size, err))
		return false;
	q->map.file_size = file_size;
	if (!q->data_file)
		q->map.data_size = file_size;
	return make_map(q, &view, err) && qcow2_disk_start(ly, err);
}

static bool qcow2_open(struct img_layer *ly, const struct img_layer_open *how, struct img_err *err)
{
	struct qcow2 *q = img_calloc(1, sizeof(*q), err);

	if (!q)
		return false;
	if (!open_parts(q, ly, how, err) || !unlock(q, how, err) ||
	    !tell_backing(&q->header, ly, err)) {
		qcow2_free(q);
		return false;
	}
	ly->priv = q;
	if (!(how->flags & IMG_OPEN_WRITE) || start_writing(ly, how, err))
		return true;
	qcow2_free(q);
	ly->priv = NULL;
	free(ly->backing);
	free(ly->backing_format);
	ly->backing = ly->backing_format = NULL;
	return false;
}

/* What was rebuilt is in an overlay; data are still read from the file itself. */
static bool qcow2_salvage(struct img_layer *ly, const struct img_layer_open *how,
			  struct img_err *err)
{
	struct img_store *file = ly->store;
	struct qcow2_salvage *s = qcow2_salvage_new(file, how->size, &ly->salvaged, err);

	if (!s)
		return false;
	ly->store = s->overlay;
	const bool ok = qcow2_open(ly, how, err);

	ly->store = file;
	if (!ok) {
		qcow2_salvage_free(s);
		return false;
	}
	struct qcow2 *q = ly->priv;

	q->salvage = s;
	q->map.file_size = s->file_size;
	if (!q->data_file) {
		q->map.data = file;
		q->map.data_size = s->file_size;
	}
	return true;
}

/* ---- The rest of the table ------------------------------------------------------------------- */

static void qcow2_close(struct img_layer *ly)
{
	qcow2_free(ly->priv);
	ly->priv = NULL;
}

static bool qcow2_extent(struct img_layer *ly, uint64_t at, uint64_t limit, struct img_extent *out,
			 struct img_err *err)
{
	struct qcow2 *q = ly->priv;

	if (!qcow2_map_extent(q, at, limit, out, err))
		return false;
	if (q->salvage)
		qcow2_salvage_judge(q->salvage, out);
	return true;
}

static bool qcow2_read(struct img_layer *ly, uint64_t at, void *buf, size_t len,
		       struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	size_t got;

	if (qcow2_is_encrypted(q))
		return q->disk ? qcow2_read_claimed(ly, at, buf, len, err)
			       : qcow2_old_read(ly, at, buf, len, err);
	if (!qcow2_read_compressed(q, at, buf, len, &got, err))
		return false;
	return got == len || qcow2_old_read(ly, at + got, (uint8_t *)buf + got, len - got, err);
}

static const char *qcow2_oddity(const struct img_layer *ly)
{
	const struct qcow2 *q = ly->priv;

	return q->header.crypt == QCOW2_CRYPT_AES ? IMG_QCOW_AES_ODDITY : NULL;
}

const struct img_format img_format_qcow2 = {
	.name = "qcow2",
	.extensions = "qcow2|qc2",
	.tells_missing = true,
	.caps = IMG_FMT_CREATE | IMG_FMT_BACKING | IMG_FMT_COMPRESS | IMG_FMT_SEQUENTIAL |
		IMG_FMT_SNAPSHOT | IMG_FMT_RESIZE,
	.create_options = qcow2_create_options,
	.probe = qcow2_probe,
	.remains = qcow2_remains,
	.open = qcow2_open,
	.salvage = qcow2_salvage,
	.create = qcow2_create,
	.sequential = qcow2_sequential,
	.close = qcow2_close,
	.extent = qcow2_extent,
	.read = qcow2_read,
	.packed = qcow2_packed,
	.info = qcow2_info,
	.oddity = qcow2_oddity,
	.write = &qcow2_write_ops,
	.disk = &qcow2_disk_ops,
	.amend_options = qcow2_amend_options,
	.amend = qcow2_amend,
	.resize = qcow2_resize,
	.compact = qcow2_compact_round,
	.pack = qcow2_pack,
	.link = qcow2_link,
	.empty = qcow2_empty,
	.visit_used = qcow2_visit_used,
	.bitmap = &qcow2_bitmap_ops,
	.snapshot = &qcow2_snapshot_ops,
	.key_area = qcow2_key_area,
	.check = &qcow2_check_ops,
	.adopt = &qcow2_adopt_ops,
	.recrypt = &qcow2_recrypt_ops,
};
