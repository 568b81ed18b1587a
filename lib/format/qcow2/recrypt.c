/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The encryption of an image changes in place: its first and its last step, each of which gets into the
 * file at once.  In between the clusters of the disk are enciphered where they are, by who knows the keys.
 */
#include "format/qcow2/recrypt.h"
#include "format/qcow2/resize.h"

#include "base/mem.h"
#include "base/num.h"

enum { PIECE = 1 << 20 };

static uint64_t clusters_of(const struct qcow2 *q, uint64_t len)
{
	return img_div_up(len, qcow2_cluster_size(&q->geo));
}

/* The disk is not in use any more, nor are its tables.  trim: the file ends where the image does. */
static bool end_disk(struct img_layer *ly, bool trim, struct img_err *err)
{
	struct qcow2 *q = ly->priv;

	if (!qcow2_disk_finish(ly, err) || (trim && !qcow2_trim(q, err)))
		return false;
	qcow2_bitmaps_free(q);
	qcow2_disk_free(q);
	return true;
}

/* ---- Marking ------------------------------------------------------------------------------------- */

static bool copy_key(struct img_store *from, uint64_t len, struct img_store *to, uint64_t at,
		     struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *buf = img_alloc_aligned(PIECE, err);

	for (uint64_t done = 0; buf && done < len; done += PIECE) {
		const size_t n = img_min_u64(PIECE, len - done);

		if (!img_store_read(from, done, buf, n, err) ||
		    !img_store_write(to, at + done, buf, n, err))
			return false;
	}
	return buf;
}

static bool place_key(struct qcow2 *q, struct img_recrypt_mark *mark, struct img_store *key,
		      struct img_err *err)
{
	return qcow2_disk_take(q, clusters_of(q, mark->key_len), &mark->key_at, err) &&
	       copy_key(key, mark->key_len, q->map.file, mark->key_at, err);
}

/* The last cluster may be cut short, and is enciphered as a whole. */
static bool end_with_cluster(struct qcow2 *q, uint64_t before, struct img_err *err)
{
	const uint64_t whole = img_round_up(before, qcow2_cluster_size(&q->geo));
	uint64_t size;

	return img_store_size(q->map.file, &size, err) &&
	       (size >= whole || img_store_resize(q->map.file, whole, err));
}

static bool mark(struct img_layer *ly, struct img_recrypt_mark *mark, struct img_store *key,
		 struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	const uint64_t before = q->map.file_size;

	mark->key_at = 0;
	return (!key || place_key(q, mark, key, err)) && end_disk(ly, false, err) &&
	       end_with_cluster(q, before, err) && qcow2_recrypt_put_mark(&q->header, mark, err) &&
	       qcow2_header_rewrite(q, err);
}

/* ---- Unmarking ----------------------------------------------------------------------------------- */

/* The first cluster, as much of it as the file has; the caller frees it. */
static uint8_t *read_first(struct img_store *st, size_t *len, struct img_err *err)
{
	const size_t most = (size_t)1 << QCOW2_CLUSTER_BITS_MAX;
	uint8_t *raw = img_alloc_aligned(most, err);

	if (!raw || img_store_read_some(st, 0, raw, most, len, err))
		return raw;
	free(raw);
	return NULL;
}

static bool put_first(struct img_store *st, const struct qcow2_header *hdr, struct img_err *err)
{
	const size_t len = (size_t)1 << hdr->cluster_bits;
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(len, err);

	return raw && qcow2_header_encode(hdr, raw, len, err) && img_store_write(st, 0, raw, len, err);
}

static bool unmark(struct img_store *st, struct img_recrypt_mark *out, struct img_err *err)
{
	size_t len;
	IMG_AUTO_FREE uint8_t *raw = read_first(st, &len, err);
	struct qcow2_header hdr;
	bool ok;

	if (!raw || !qcow2_recrypt_take_mark(raw, len, &hdr, out, err))
		return false;
	ok = put_first(st, &hdr, err);
	qcow2_header_clear(&hdr);
	return ok;
}

/* ---- Publishing ---------------------------------------------------------------------------------- */

static bool publish(struct img_layer *ly, const struct img_recrypt_mark *mark, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	struct qcow2_header *hdr = &q->header;

	if (hdr->crypt_len)
		qcow2_disk_release(q, hdr->crypt_off, clusters_of(q, hdr->crypt_len));
	if (!end_disk(ly, true, err))
		return false;
	hdr->crypt = mark->key_len ? QCOW2_CRYPT_LUKS : QCOW2_CRYPT_NONE;
	hdr->crypt_off = mark->key_at;
	hdr->crypt_len = mark->key_len;
	return qcow2_header_rewrite(q, err);
}

const struct img_recrypt_ops qcow2_recrypt_ops = {
	.look = qcow2_recrypt_look,
	.visit = qcow2_recrypt_visit,
	.unpack = qcow2_recrypt_unpack,
	.mark = mark,
	.unmark = unmark,
	.publish = publish,
};
