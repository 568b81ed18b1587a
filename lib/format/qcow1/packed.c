/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compressed clusters: neighbours that lie close together in the file come with one read, and each
 * is decoded straight to where it is wanted.
 */
#include <inttypes.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow1/qcow1.h"

enum {
	CLUSTERS_MAX = 256,		/* looked up at once */
	SPAN_BYTES = 1 << 20,		/* read at once, at most */
	GAP_BYTES = 16 << 10,		/* reading over this much costs less than another read */
};

/* A request, and where it stands. */
struct decoding {
	struct qcow1 *q;
	void *cx;
	uint64_t at;			/* guest */
	uint8_t *buf;
	size_t len;
	uint8_t *cluster;		/* room for one, made when it is first needed; owned */
};

/* Decodes to where a whole cluster is wanted, else to d->cluster and from there. */
static bool decode(struct decoding *d, const uint8_t *stored, size_t stored_len,
		   struct img_err *err)
{
	const uint32_t size = qcow1_cluster_size(&d->q->header);
	const size_t skip = d->at & (size - 1), len = img_min_u64(size - skip, d->len);
	const bool whole = len == size;

	if (!whole && !d->cluster)
		d->cluster = img_alloc_aligned(size, err);
	if (!whole && !d->cluster)
		return false;
	if (!img_codec_deflate.decode(d->cx, stored, stored_len, whole ? d->buf : d->cluster, size,
				      err))
		return img_within(err, _("compressed cluster at guest offset 0x%" PRIx64),
				  d->at - skip);
	if (!whole)
		memcpy(d->buf, d->cluster + skip, len);
	d->at += len;
	d->buf += len;
	d->len -= len;
	return true;
}

/* How many of the clusters come with one read of [*start, *end) of the file. */
static size_t group(const struct qcow1_cluster *clusters, size_t n, uint64_t *start, uint64_t *end)
{
	size_t i = 1;

	*start = clusters[0].host;
	*end = *start + clusters[0].stored_len;
	for (; i < n; i++) {
		const uint64_t next = clusters[i].host;

		if (next < *start || next > *end + GAP_BYTES ||
		    next + clusters[i].stored_len - *start > SPAN_BYTES)
			break;
		*end = img_max_u64(*end, next + clusters[i].stored_len);
	}
	return i;
}

static bool read_group(struct decoding *d, const struct qcow1_cluster *clusters, size_t n,
		       uint64_t start, uint64_t end, struct img_err *err)
{
	const struct qcow1_tables *t = &d->q->tables;
	IMG_AUTO_FREE uint8_t *bytes = NULL;

	if (end > t->file_size)
		return img_fail(err, IMG_E_INCOMPLETE,
				_("compressed clusters lie behind the end of the file"));
	bytes = img_alloc_aligned(end - start, err);
	if (!bytes || !img_store_read(t->file, start, bytes, end - start, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!decode(d, bytes + (clusters[i].host - start), clusters[i].stored_len, err))
			return false;
	return true;
}

static bool read_plain(struct decoding *d, const struct img_extent *ex, struct img_err *err)
{
	if (ex->kind == IMG_EXTENT_DATA)
		return img_store_read(ex->store, ex->host, d->buf, ex->len, err);
	if (ex->encrypted)
		return qcow1_read_encrypted(d->q, d->at, ex->host, d->buf, ex->len, err);
	return img_fail(err, IMG_E_CORRUPT, _("the tables contradict themselves"));
}

/* What is not packed: encrypted, or written since the extent was asked for. */
static bool read_others(struct decoding *d, struct img_err *err)
{
	struct img_extent ex;

	if (!qcow1_map_extent(&d->q->tables, d->at, d->at + d->len, &ex, err) ||
	    !read_plain(d, &ex, err))
		return false;
	d->at += ex.len;
	d->buf += ex.len;
	d->len -= ex.len;
	return true;
}

static bool read_all(struct decoding *d, struct img_err *err)
{
	const struct qcow1_header *hdr = &d->q->header;
	struct qcow1_cluster clusters[CLUSTERS_MAX];
	uint64_t start, end;
	size_t n;

	while (d->len) {
		const uint64_t skip = d->at & (qcow1_cluster_size(hdr) - 1);
		const uint64_t wanted = img_div_up(skip + d->len, qcow1_cluster_size(hdr));

		if (!qcow1_map_packed(&d->q->tables, d->at, clusters,
				      img_min_u64(wanted, CLUSTERS_MAX), &n, err))
			return false;
		if (!n && !read_others(d, err))
			return false;
		for (size_t done = 0; done < n;) {
			const size_t some = group(clusters + done, n - done, &start, &end);

			if (!read_group(d, clusters + done, some, start, end, err))
				return false;
			done += some;
		}
	}
	return true;
}

bool qcow1_read_packed(struct qcow1 *q, uint64_t at, void *buf, size_t len, struct img_err *err)
{
	struct decoding d = { .q = q, .at = at, .buf = buf, .len = len };
	bool ok;

	d.cx = img_codec_pool_get(q->decoders, err);
	if (!d.cx)
		return false;
	ok = read_all(&d, err);
	img_codec_pool_put(q->decoders, d.cx);
	free(d.cluster);
	return ok;
}

/* Readers of this format have a window of 4 KiB: no more than a small cluster needs. */
const struct img_codec *qcow1_codec(const struct qcow1_header *hdr)
{
	return qcow1_cluster_size(hdr) <= 4096 ? &img_codec_deflate : &img_codec_deflate12;
}

bool qcow1_pack_zeros(const struct qcow1_header *hdr, uint8_t **out, size_t *len,
		      struct img_err *err)
{
	const struct img_codec *codec = &img_codec_deflate12;
	const size_t size = qcow1_cluster_size(hdr);
	IMG_AUTO_FREE uint8_t *zeros = img_calloc(1, size, err);
	uint8_t *packed = zeros ? img_calloc(1, size, err) : NULL;
	void *cx = packed ? codec->open(codec->level_default, size, err) : NULL;
	const bool ok = cx && codec->encode(cx, zeros, size, packed, size - 1, len, err);

	if (cx)
		codec->close(cx);
	if (!ok) {
		free(packed);
		return false;
	}
	*out = packed;
	return true;
}
