/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The qcow driver: probing, opening and closing, and the table that ties its files together. */
#include "base/bytes.h"
#include "base/mem.h"
#include "cipher/qcow_aes.h"
#include "format/qcow1/disk.h"
#include "format/qcow1/new.h"
#include "format/qcow1/salvage.h"

static int qcow1_probe(const struct img_peek *peek)
{
	if (peek->head_len < QCOW1_HDR_VERSION + 4 ||
	    img_get_be32(peek->head + QCOW1_HDR_MAGIC) != QCOW1_MAGIC)
		return 0;
	return img_get_be32(peek->head + QCOW1_HDR_VERSION) == QCOW1_VERSION ? 100 : 0;
}

void qcow1_free(struct qcow1 *q)
{
	if (!q)
		return;
	qcow1_disk_free(q->disk);
	qcow1_salvage_free(q->salvage);
	qcow1_new_free(q->fresh);
	qcow1_tables_clear(&q->tables);
	img_codec_pool_free(q->decoders);
	img_cipher_close(q->cipher);
	free(q);
}

static bool check_supported(const struct img_layer_open *how, struct img_err *err)
{
	if (how->snapshot)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("qcow images of version 1 have no snapshots"));
	return true;
}

static bool unlock(struct qcow1 *q, const struct img_layer_open *how, struct img_err *err)
{
	if (!qcow1_is_encrypted(q) || (how->flags & IMG_OPEN_NO_KEY))
		return true;
	q->cipher = img_qcow_aes_unlock(how->keys, err);
	return q->cipher;
}

static bool start(struct qcow1 *q, struct img_store *file, const struct img_layer_open *how,
		  struct img_err *err)
{
	const struct qcow1_header *hdr = &q->header;

	if (!check_supported(how, err) || !unlock(q, how, err) ||
	    !qcow1_tables_init(&q->tables, hdr, file, how->cache_size, err))
		return false;
	q->decoders = img_codec_pool_new(&img_codec_deflate, img_codec_deflate.level_default,
					 qcow1_cluster_size(hdr), err);
	return q->decoders && (!(how->flags & IMG_OPEN_WRITE) || qcow1_disk_start(q, err));
}

static void take(struct qcow1 *q, struct img_layer *ly)
{
	ly->priv = q;
	ly->size = q->header.size;
	ly->unit = qcow1_cluster_size(&q->header);
}

static bool qcow1_open(struct img_layer *ly, const struct img_layer_open *how, struct img_err *err)
{
	struct qcow1 *q = img_calloc(1, sizeof(*q), err);
	char *backing = NULL;

	if (!q)
		return false;
	if (!qcow1_header_read(ly->store, &q->header, &backing, err) ||
	    !start(q, ly->store, how, err)) {
		free(backing);
		qcow1_free(q);
		return false;
	}
	take(q, ly);
	ly->backing = backing;
	return true;
}

static bool qcow1_salvage(struct img_layer *ly, const struct img_layer_open *how,
			  struct img_err *err)
{
	struct qcow1 *q = img_calloc(1, sizeof(*q), err);
	struct qcow1_salvage *s = q ? qcow1_salvage_new(ly->store, how->size, how->cache_size,
							&ly->salvaged, err)
				    : NULL;

	if (!s) {
		qcow1_free(q);
		return false;
	}
	q->salvage = s;
	q->header = s->hdr;
	if (!start(q, s->overlay, how, err)) {
		qcow1_free(q);
		return false;
	}
	qcow1_l1_give(&q->tables, s->l1_file, s->n_l1);
	take(q, ly);
	ly->backing = s->backing;
	s->backing = NULL;
	return true;
}

static void qcow1_close(struct img_layer *ly)
{
	qcow1_free(ly->priv);
	ly->priv = NULL;
}

static bool qcow1_extent(struct img_layer *ly, uint64_t at, uint64_t limit, struct img_extent *out,
			 struct img_err *err)
{
	struct qcow1 *q = ly->priv;

	if (!qcow1_map_extent(&q->tables, at, limit, out, err))
		return false;
	if (q->salvage)
		qcow1_salvage_judge(q->salvage, out);
	return true;
}

/* A sector that is written in part deciphers to what never was there: nobody else writes meanwhile. */
static bool read_claimed(struct qcow1 *q, uint64_t at, void *buf, size_t len, struct img_err *err)
{
	const unsigned bits = q->header.cluster_bits;
	struct img_claim claim = { .first = at >> bits, .end = ((at + len - 1) >> bits) + 1 };

	pthread_mutex_lock(&q->tables.lock);
	img_claim(&q->disk->claims, &claim);
	pthread_mutex_unlock(&q->tables.lock);
	const bool ok = qcow1_read_packed(q, at, buf, len, err);

	pthread_mutex_lock(&q->tables.lock);
	img_unclaim(&q->disk->claims, &claim);
	pthread_mutex_unlock(&q->tables.lock);
	return ok;
}

static bool qcow1_read(struct img_layer *ly, uint64_t at, void *buf, size_t len,
		       struct img_err *err)
{
	struct qcow1 *q = ly->priv;

	if (q->disk && qcow1_is_encrypted(q))
		return read_claimed(q, at, buf, len, err);
	return qcow1_read_packed(q, at, buf, len, err);
}

static const char *qcow1_oddity(const struct img_layer *ly)
{
	return qcow1_is_encrypted(ly->priv) ? IMG_QCOW_AES_ODDITY : NULL;
}

const struct img_format img_format_qcow = {
	.name = "qcow",
	.extensions = "qcow",
	.caps = IMG_FMT_CREATE | IMG_FMT_BACKING | IMG_FMT_COMPRESS | IMG_FMT_RESIZE,
	.create_options = qcow1_create_options,
	.probe = qcow1_probe,
	.remains = qcow1_remains,
	.open = qcow1_open,
	.salvage = qcow1_salvage,
	.create = qcow1_create,
	.close = qcow1_close,
	.extent = qcow1_extent,
	.read = qcow1_read,
	.info = qcow1_info,
	.oddity = qcow1_oddity,
	.write = &qcow1_write_ops,
	.disk = &qcow1_disk_ops,
	.resize = qcow1_resize,
	.compact = qcow1_compact_round,
	.pack = qcow1_pack,
	.link = qcow1_link,
	.empty = qcow1_empty,
	.check = &qcow1_check_ops,
};
