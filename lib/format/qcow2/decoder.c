/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See decoder.h. */
#include "format/qcow2/decoder.h"

#include "base/mem.h"

bool qcow2_decoder_open(struct qcow2_decoder *d, const struct qcow2_header *hdr,
			struct img_store *file, struct img_err *err)
{
	const bool zstd = hdr->compression == QCOW2_COMPRESSION_ZSTD;
	const size_t size = (size_t)1 << hdr->cluster_bits;

	*d = (struct qcow2_decoder){
		.file = file, .size = size, .codec = img_codec_named(zstd ? "zstd" : "deflate"),
	};
	d->stored = img_alloc_aligned(2 * size, err);
	d->plain = img_alloc_aligned(size, err);
	if (!d->stored || !d->plain)
		return false;
	if (d->codec)
		d->cx = d->codec->open(d->codec->level_default, size, err);
	return !d->codec || d->cx;
}

void qcow2_decoder_close(struct qcow2_decoder *d)
{
	if (d->cx)
		d->codec->close(d->cx);
	free(d->stored);
	free(d->plain);
}

bool qcow2_decoder_try(struct qcow2_decoder *d, const struct qcow2_cluster *cluster, bool *does,
		       struct img_err *err)
{
	size_t got;

	*does = false;
	if (!d->codec || cluster->stored_len > 2 * d->size)
		return true;
	if (!img_store_read_some(d->file, cluster->host, d->stored, cluster->stored_len, &got, err))
		return false;
	*does = got && d->codec->decode(d->cx, d->stored, got, d->plain, d->size, NULL);
	return true;
}
