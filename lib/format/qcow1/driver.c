/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The qcow driver: probing, opening and closing, and the table that ties its files together. */
#include "base/bytes.h"
#include "base/mem.h"
#include "format/qcow1/disk.h"
#include "format/qcow1/new.h"

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
	qcow1_new_free(q->fresh);
	qcow1_tables_clear(&q->tables);
	img_codec_pool_free(q->decoders);
	free(q);
}

static bool check_supported(const struct qcow1_header *hdr, const struct img_layer_open *how,
			    struct img_err *err)
{
	if (how->snapshot)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("qcow images of version 1 have no snapshots"));
	if (hdr->crypt != QCOW1_CRYPT_NONE)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("the image is encrypted, and encrypted data cannot be read yet"));
	return true;
}

static bool start(struct qcow1 *q, struct img_layer *ly, const struct img_layer_open *how,
		  struct img_err *err)
{
	const struct qcow1_header *hdr = &q->header;

	if (!check_supported(hdr, how, err) ||
	    !qcow1_tables_init(&q->tables, hdr, ly->store, how->cache_size, err))
		return false;
	q->decoders = img_codec_pool_new(&img_codec_deflate, img_codec_deflate.level_default,
					 qcow1_cluster_size(hdr), err);
	return q->decoders && (!(how->flags & IMG_OPEN_WRITE) || qcow1_disk_start(q, err));
}

static bool qcow1_open(struct img_layer *ly, const struct img_layer_open *how, struct img_err *err)
{
	struct qcow1 *q = img_calloc(1, sizeof(*q), err);
	char *backing = NULL;

	if (!q)
		return false;
	if (!qcow1_header_read(ly->store, &q->header, &backing, err) || !start(q, ly, how, err)) {
		free(backing);
		qcow1_free(q);
		return false;
	}
	ly->priv = q;
	ly->size = q->header.size;
	ly->unit = qcow1_cluster_size(&q->header);
	ly->backing = backing;
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
	return qcow1_map_extent(&((struct qcow1 *)ly->priv)->tables, at, limit, out, err);
}

static bool qcow1_read(struct img_layer *ly, uint64_t at, void *buf, size_t len,
		       struct img_err *err)
{
	return qcow1_read_packed(ly->priv, at, buf, len, err);
}

const struct img_format img_format_qcow = {
	.name = "qcow",
	.extensions = "qcow",
	.caps = IMG_FMT_CREATE | IMG_FMT_BACKING | IMG_FMT_COMPRESS,
	.create_options = qcow1_create_options,
	.probe = qcow1_probe,
	.open = qcow1_open,
	.create = qcow1_create,
	.close = qcow1_close,
	.extent = qcow1_extent,
	.read = qcow1_read,
	.info = qcow1_info,
	.write = &qcow1_write_ops,
	.disk = &qcow1_disk_ops,
	.check = &qcow1_check_ops,
};
