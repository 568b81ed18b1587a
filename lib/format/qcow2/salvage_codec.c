/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How clusters are compressed, where the header does not say it for certain: as most of those can be
 * decoded that tables lead to.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "format/qcow2/salvage.h"

enum { SAMPLES_MOST = 64 };	/* clusters that are tried */

struct sampling {
	struct qcow2_salvage *s;
	struct qcow2_cluster v[SAMPLES_MOST];
	size_t n;
};

static void take_samples(struct sampling *t, const uint8_t *raw, size_t len)
{
	const struct qcow2_geometry *geo = &t->s->geo;
	const struct img_finding_kind *why;

	for (size_t at = 0; at < len && t->n < SAMPLES_MOST; at += geo->l2_entry_len) {
		struct qcow2_cluster *one = &t->v[t->n];

		t->n += qcow2_l2_decode(geo, img_get_be64(raw + at), 0, one, &why) &&
			one->kind == QCOW2_CLUSTER_COMPRESSED && one->host < t->s->file_size;
	}
}

static bool collect(struct sampling *t, struct img_err *err)
{
	struct qcow2_salvage *s = t->s;
	const size_t len = qcow2_cluster_size(&s->geo);
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(len, err);
	size_t got;

	for (size_t i = 0; raw && i < s->n_found && t->n < SAMPLES_MOST; i++) {
		if (!s->found[i].l2)
			continue;
		if (!img_store_read_some(s->file, s->found[i].host, raw, len, &got, err))
			return false;
		take_samples(t, raw, got - got % s->geo.l2_entry_len);
	}
	return raw;
}

/* *n: so many of them can be decoded that way. */
static bool count(struct sampling *t, unsigned compression, size_t *n, struct img_err *err)
{
	const struct qcow2_header hdr = {
		.compression = compression, .cluster_bits = t->s->hdr.cluster_bits,
	};
	struct qcow2_decoder decoder;
	bool ok = qcow2_decoder_open(&decoder, &hdr, t->s->file, err), does;

	*n = 0;
	for (size_t i = 0; ok && i < t->n; i++) {
		ok = qcow2_decoder_try(&decoder, &t->v[i], &does, err);
		*n += ok && does;
	}
	qcow2_decoder_close(&decoder);
	return ok;
}

bool qcow2_salvage_codec(struct qcow2_salvage *s, struct img_err *err)
{
	struct sampling t = { .s = s };
	size_t deflate, zstd;

	/* Version 2 knows one way alone. */
	if (s->header_whole || s->hdr.version < 3)
		return true;
	if (!collect(&t, err) || !count(&t, QCOW2_COMPRESSION_DEFLATE, &deflate, err) ||
	    !count(&t, QCOW2_COMPRESSION_ZSTD, &zstd, err))
		return false;
	if (zstd > deflate) {
		s->hdr.compression = QCOW2_COMPRESSION_ZSTD;
		s->hdr.incompatible |= QCOW2_INCOMPATIBLE_COMPRESSION;
	} else if (deflate > zstd) {
		s->hdr.compression = QCOW2_COMPRESSION_DEFLATE;
		s->hdr.incompatible &= ~QCOW2_INCOMPATIBLE_COMPRESSION;
	}
	return true;
}
