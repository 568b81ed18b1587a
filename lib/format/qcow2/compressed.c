/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading compressed clusters: neighbours that lie close together in the file come with one read,
 * and each is decoded straight to where it is wanted.
 */
#include <inttypes.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/qcow2.h"

enum {
	UNITS_MAX = 64,			/* clusters looked up at once */
	GROUP_BYTES = 2 << 20,		/* read at once, unless a single cluster is larger */
	GAP_BYTES = 64 << 10,		/* reading over this much costs less than another read */
};

/* A request, and where it stands. */
struct decoding {
	struct qcow2 *q;
	void *cx;
	uint64_t at;			/* guest */
	uint8_t *buf;
	size_t len;
	uint8_t *bounce;		/* a cluster, made when it is first needed; owned */
};

/* Bytes of the file that clusters need. */
struct span {
	uint64_t start, end;
};

static struct span span_of(const struct qcow2_cluster *cluster)
{
	return (struct span){ cluster->host, cluster->host + cluster->stored_len };
}

/* Lets span cover next too, if that is worth it. */
static bool widen(struct span *span, struct span next)
{
	const struct span both = { img_min_u64(span->start, next.start),
				   img_max_u64(span->end, next.end) };
	const uint64_t payload = span->end - span->start + (next.end - next.start);

	if (both.end - both.start > img_min_u64(GROUP_BYTES, payload + GAP_BYTES))
		return false;
	*span = both;
	return true;
}

static size_t group(const struct qcow2_cluster *clusters, size_t n, struct span *span)
{
	size_t i = 1;

	*span = span_of(&clusters[0]);
	while (i < n && widen(span, span_of(&clusters[i])))
		i++;
	return i;
}

static bool decode_stored(struct decoding *d, const struct qcow2_cluster *cluster,
			  const uint8_t *stored, uint8_t *out, struct img_err *err)
{
	const uint64_t have = d->q->map.file_size - cluster->host;
	const size_t stored_len = img_min_u64(cluster->stored_len, have);

	if (d->q->codec->decode(d->cx, stored, stored_len, out, qcow2_cluster_size(&d->q->geo), err))
		return true;
	/* What a cut stream decodes to says nothing about the image. */
	if (stored_len < cluster->stored_len)
		img_fail(err, IMG_E_INCOMPLETE, _("the file ends inside the compressed bytes"));
	return img_within(err, _("compressed cluster at guest offset 0x%" PRIx64),
			  img_round_down(d->at, qcow2_cluster_size(&d->q->geo)));
}

static bool decode_part(struct decoding *d, const struct qcow2_cluster *cluster,
			const uint8_t *stored, size_t skip, size_t len, struct img_err *err)
{
	if (!d->bounce)
		d->bounce = img_alloc_aligned(qcow2_cluster_size(&d->q->geo), err);
	if (!d->bounce || !decode_stored(d, cluster, stored, d->bounce, err))
		return false;
	memcpy(d->buf, d->bounce + skip, len);
	return true;
}

/* The part of one cluster that is wanted. */
static bool decode_cluster(struct decoding *d, const struct qcow2_cluster *cluster,
			   const uint8_t *stored, struct img_err *err)
{
	const size_t size = qcow2_cluster_size(&d->q->geo);
	const size_t skip = d->at & (size - 1);
	const size_t len = img_min_u64(size - skip, d->len);

	if (len == size ? !decode_stored(d, cluster, stored, d->buf, err)
			: !decode_part(d, cluster, stored, skip, len, err))
		return false;
	d->at += len;
	d->buf += len;
	d->len -= len;
	return true;
}

static bool read_group(struct decoding *d, const struct qcow2_cluster *clusters, size_t n,
		       struct span span, struct img_err *err)
{
	const struct qcow2_map *map = &d->q->map;

	span.end = img_min_u64(span.end, map->file_size);
	if (span.start >= span.end)
		return img_fail(err, IMG_E_INCOMPLETE,
				_("compressed clusters lie behind the end of the file"));
	IMG_AUTO_FREE uint8_t *bytes = img_alloc_aligned(span.end - span.start, err);
	if (!bytes ||
	    !img_store_read(map->file, span.start, bytes, span.end - span.start, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (clusters[i].host >= map->file_size)
			return img_fail(err, IMG_E_INCOMPLETE,
					_("compressed clusters lie behind the end of the file"));
		if (!decode_cluster(d, &clusters[i], bytes + (clusters[i].host - span.start), err))
			return false;
	}
	return true;
}

static bool read_all(struct decoding *d, struct img_err *err)
{
	const uint64_t size = qcow2_cluster_size(&d->q->geo);
	struct qcow2_cluster clusters[UNITS_MAX];
	struct span span;
	size_t n;

	while (d->len) {
		const uint64_t wanted = img_div_up((d->at & (size - 1)) + d->len, size);

		if (!qcow2_map_compressed(d->q, d->at, clusters, img_min_u64(wanted, UNITS_MAX), &n,
					  err))
			return false;
		if (!n)
			break;
		for (size_t done = 0; done < n;) {
			const size_t some = group(clusters + done, n - done, &span);

			if (!read_group(d, clusters + done, some, span, err))
				return false;
			done += some;
		}
	}
	return true;
}

bool qcow2_read_compressed(struct qcow2 *q, uint64_t at, uint8_t *buf, size_t len, size_t *got,
			   struct img_err *err)
{
	struct decoding d = { .q = q, .at = at, .buf = buf, .len = len };

	if (!q->decoders)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("its clusters are compressed with zstd, which was not built in"));
	d.cx = img_codec_pool_get(q->decoders, err);
	if (!d.cx)
		return false;
	const bool ok = read_all(&d, err);
	img_codec_pool_put(q->decoders, d.cx);
	free(d.bounce);
	*got = len - d.len;
	return ok;
}

/* ---- As they are stored ----------------------------------------------------------------------- */

/*
 * Entries say in which sector a cluster ends.  Where the next one begins in that sector it ends in front
 * of it: in an image whose clusters were packed behind each other nothing is taken for more than it is.
 */
static uint32_t length_of(const struct qcow2_cluster *cluster, const struct qcow2_cluster *next)
{
	const struct span span = span_of(cluster);

	if (next && next->host < span.end && next->host > span.start &&
	    next->host >= span.end - QCOW2_SECTOR)
		return (uint32_t)(next->host - span.start);
	return cluster->stored_len;
}

bool qcow2_packed(struct img_layer *ly, uint64_t at, struct img_packed *out, size_t max, size_t *n,
		  struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	struct qcow2_cluster clusters[UNITS_MAX + 1];
	size_t found;

	*n = 0;
	if (!q->decoders || q->disk || q->header.crypt != QCOW2_CRYPT_NONE)
		return true;
	max = img_min_u64(max, UNITS_MAX);
	if (!qcow2_map_compressed(q, at, clusters, max + 1, &found, err))
		return false;
	for (size_t i = 0; i < img_min_u64(found, max); i++) {
		const struct qcow2_cluster *cluster = &clusters[i];
		const struct qcow2_cluster *next = i + 1 < found ? cluster + 1 : NULL;

		if (span_of(cluster).end > q->map.file_size)
			break;
		out[(*n)++] = (struct img_packed){
			.at = at, .len = ly->unit, .codec = q->codec, .store = q->map.file,
			.host = cluster->host, .stored_len = length_of(cluster, next),
		};
		at += ly->unit;
	}
	return true;
}
