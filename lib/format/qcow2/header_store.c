/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header of an image in use, in the file.  A loss of power leaves a sector old or new, and a
 * header may take several: then nothing that the old first sector points to may be written over
 * before that sector itself is.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/qcow2.h"

/* Whoever has put something else there must not lose it as well. */
static bool fail_overwritten(struct img_err *err)
{
	return img_fail(err, IMG_E_CORRUPT,
			_("the header was overwritten while the image was in use"));
}

bool qcow2_header_patch(struct qcow2 *q, struct img_err *err)
{
	_Alignas(QCOW2_SECTOR) uint8_t sector[QCOW2_SECTOR];

	if (!img_store_read(q->map.file, 0, sector, sizeof(sector), err))
		return img_within(err, _("header"));
	if (img_get_be32(sector + QCOW2_HDR_MAGIC) != QCOW2_MAGIC ||
	    img_get_be32(sector + QCOW2_HDR_VERSION) != q->header.version)
		return fail_overwritten(err);
	qcow2_header_put_numbers(&q->header, sector);
	return img_store_write(q->map.file, 0, sector, sizeof(sector), err) ||
	       img_within(err, _("header"));
}

/* ---- The whole first cluster --------------------------------------------------------------------- */

struct rewriting {
	size_t len;			/* of each */
	uint8_t *old, *fresh;		/* as the file has it, and as it is to be */
};

/* Whether what the file has is a header still, and so safe to take apart. */
static bool is_header(const uint8_t *raw, size_t len)
{
	struct qcow2_header hdr;

	if (!qcow2_header_decode(raw, len, &hdr, NULL))
		return false;
	qcow2_header_clear(&hdr);
	return true;
}

/* The first byte behind the end mark of the extensions. */
static uint64_t end_of_extensions(const uint8_t *fresh, size_t len)
{
	const uint64_t name = img_get_be64(fresh + QCOW2_HDR_BACKING_OFF);

	if (name)
		return name;
	while (!fresh[len - 1])		/* the magic is not zero */
		len--;
	return img_round_up(len, QCOW2_EXT_ALIGN) + QCOW2_EXT_DATA;
}

/* Copies [from, from + n) of the same or another header to `to` and says that the name is there. */
static void put_name(uint8_t *raw, uint64_t to, const uint8_t *from, size_t n)
{
	memmove(raw + to, from, n);
	img_put_be64(raw + QCOW2_HDR_BACKING_OFF, to);
}

/*
 * The old name of the backing file must stay where it is until the first sector says that another
 * one holds.  Where new extensions need its place it moves behind all first; fresh is then that
 * header.  False: there is nothing to do, or no room for it.
 */
static bool move_old_name(const struct rewriting *rw)
{
	const uint64_t old_at = img_get_be64(rw->old + QCOW2_HDR_BACKING_OFF);
	const size_t n = img_get_be32(rw->old + QCOW2_HDR_BACKING_LEN);
	const uint64_t end = end_of_extensions(rw->fresh, rw->len);
	const size_t fresh_n = img_get_be32(rw->fresh + QCOW2_HDR_BACKING_LEN);
	const uint64_t to = img_max_u64(old_at + n, end + fresh_n);

	if (!old_at || old_at >= end || to + n > rw->len)
		return false;
	memcpy(rw->fresh, rw->old, rw->len);
	put_name(rw->fresh, to, rw->old + old_at, n);
	return true;
}

/* Leaves the old name and puts the new one beside it. */
static void keep_old_name(const struct rewriting *rw)
{
	const uint64_t old_at = img_get_be64(rw->old + QCOW2_HDR_BACKING_OFF);
	const size_t old_n = img_get_be32(rw->old + QCOW2_HDR_BACKING_LEN);
	const uint64_t at = end_of_extensions(rw->fresh, rw->len);
	const size_t n = img_get_be32(rw->fresh + QCOW2_HDR_BACKING_LEN);
	uint64_t to = at;

	if (!old_at || old_at < at)
		return;
	if (n == old_n && !memcmp(rw->fresh + at, rw->old + old_at, n))
		to = old_at;
	else if (at + n > old_at)
		to = old_at + old_n;
	if (to + n > rw->len)
		return;
	if (n) {
		put_name(rw->fresh, to, rw->fresh + at, n);
		memset(rw->fresh + at, 0, img_min_u64(n, to - at));
	}
	memcpy(rw->fresh + old_at, rw->old + old_at, old_n);
}

/* Makes the file go from old to fresh; the first sector, which points to the others, comes last. */
static bool write_changed(struct qcow2 *q, const struct rewriting *rw, struct img_err *err)
{
	for (size_t at = rw->len; at > 0;) {
		at -= QCOW2_SECTOR;
		if (!memcmp(rw->old + at, rw->fresh + at, QCOW2_SECTOR))
			continue;
		if (!img_store_write(q->map.file, at, rw->fresh + at, QCOW2_SECTOR, err) ||
		    !img_store_sync(q->map.file, err))
			return false;
	}
	return true;
}

static bool rewrite(struct qcow2 *q, const struct rewriting *rw, struct img_err *err)
{
	size_t got;

	if (!img_store_read_some(q->map.file, 0, rw->old, rw->len, &got, err))
		return false;
	if (!is_header(rw->old, rw->len))
		return fail_overwritten(err);
	if (!qcow2_header_encode(&q->header, rw->fresh, rw->len, err))
		return false;
	if (move_old_name(rw)) {
		if (!write_changed(q, rw, err))
			return false;
		memcpy(rw->old, rw->fresh, rw->len);
		if (!qcow2_header_encode(&q->header, rw->fresh, rw->len, err))
			return false;
	}
	keep_old_name(rw);
	return write_changed(q, rw, err);
}

bool qcow2_header_rewrite(struct qcow2 *q, struct img_err *err)
{
	const size_t len = qcow2_cluster_size(&q->geo);
	IMG_AUTO_FREE uint8_t *both = img_calloc(2, len, err);
	const struct rewriting rw = { .len = len, .old = both, .fresh = both + len };

	return both && (rewrite(q, &rw, err) || img_within(err, _("header")));
}
