/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Another size for the disk.  An L1 table that needs more entries goes behind all that is in use, and
 * what is behind the new end is not referred to any more; the gaps that both leave are closed
 * (compact.c), and the file is cut off behind what lies last.
 */
#include <inttypes.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/zero.h"
#include "format/qcow1/disk.h"
#include "format/qcow1/resize.h"

static bool check_wish(const struct qcow1_header *hdr, const struct img_layer_resize *how,
		       struct img_err *err)
{
	if (how->preallocation != IMG_PREALLOC_OFF)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("a qcow image has no space for what was not written yet"));
	if (how->size < QCOW1_DISK_MIN ||
	    img_div_up(how->size, UINT64_C(1) << qcow1_l1_bits(hdr)) >= QCOW1_L1_MAX)
		return img_fail(err, IMG_E_RANGE,
				_("a qcow image cannot hold a disk of %" PRIu64 " bytes"), how->size);
	return true;
}

/* ---- Tables ---------------------------------------------------------------------------------- */

/* Whole clusters from guest byte `end` on lose their entries in the L2 table in which that is. */
static bool clear_entries(struct qcow1 *q, const uint8_t *l1, uint64_t end, struct img_err *err)
{
	const struct qcow1_header *hdr = &q->header;
	const uint64_t first = img_round_up(end, qcow1_cluster_size(hdr));
	const uint64_t table = img_get_be64(l1 + (uint64_t)qcow1_l1_index(hdr, first) *
						 QCOW1_ENTRY_LEN);
	const uint64_t skip = (uint64_t)qcow1_l2_index(hdr, first) * QCOW1_ENTRY_LEN;

	return !skip || !table ||
	       img_store_zero(q->tables.file, table + skip, qcow1_l2_bytes(hdr) - skip, true, err);
}

bool qcow1_fill_up(struct img_store *file, uint32_t cluster, struct img_err *err)
{
	uint64_t size;

	return img_store_size(file, &size, err) &&
	       (size % cluster == 0 || img_store_resize(file, img_round_up(size, cluster), err));
}

/* l1: of the smaller of both sizes, which the header has; a longer table gets a place behind all. */
static bool close_gaps(struct qcow1 *q, uint8_t *l1, uint32_t n, bool longer,
		       const struct img_job *job, struct img_err *err)
{
	const uint32_t cluster = qcow1_cluster_size(&q->header);
	struct qcow1_compacting c = {
		.hdr = &q->header, .file = q->tables.file, .job = job, .l1 = l1, .n_l1 = n,
		.no_l1 = longer,
	};

	if (!qcow1_compact(&c, err))
		return false;
	if (longer)
		q->header.l1_off = img_round_up(c.end, cluster);
	return true;
}

bool qcow1_header_write(const struct qcow1 *q, struct img_err *err)
{
	uint8_t raw[QCOW1_HDR_LEN];

	qcow1_header_encode(&q->header, raw);
	return img_store_write(q->tables.file, 0, raw, sizeof(raw), err);
}

static bool change_tables(struct qcow1 *q, const struct img_layer_resize *how, struct img_err *err)
{
	const uint64_t end = img_min_u64(q->header.size, how->size);
	const uint32_t n_old = q->tables.n_l1, n = qcow1_l1_needed(&q->header, how->size);
	const uint32_t n_both = (uint32_t)img_min_u64(n_old, n);
	const bool gaps = n > n_old || end < q->header.size || how->compact;
	IMG_AUTO_FREE uint8_t *l1 = img_calloc((size_t)n + 1, QCOW1_ENTRY_LEN, err);

	if (!l1 || !img_store_read(q->tables.file, q->header.l1_off, l1,
				   (size_t)n_both * QCOW1_ENTRY_LEN, err) ||
	    !clear_entries(q, l1, end, err))
		return false;
	q->header.size = end;
	if (gaps && !close_gaps(q, l1, n_both, n > n_old, how->job, err))
		return false;
	q->header.size = how->size;
	return img_store_write(q->tables.file, q->header.l1_off, l1, (size_t)n * QCOW1_ENTRY_LEN,
			       err) &&
	       qcow1_header_write(q, err);
}

/* ---- All of it ------------------------------------------------------------------------------- */

/* The cluster in which the disk ends, or ended. */
struct tail {
	bool there;			/* it is in this file */
	bool left;			/* its packed bytes are not referred to any more */
};

/* A packed cluster ends with zeros mostly, and would get a place of its own. */
static bool is_clean(struct qcow1 *q, uint64_t at, size_t len, bool *clean, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *buf = img_alloc_aligned(len, err);

	if (!buf || !qcow1_read_packed(q, at, buf, len, err))
		return false;
	*clean = img_is_zero(buf, len);
	return true;
}

/* The rest of that cluster, if it has a place. */
static bool clean_tail(struct img_layer *ly, uint64_t end, uint64_t size, struct tail *tail,
		       struct img_err *err)
{
	struct qcow1 *q = ly->priv;
	const uint64_t rest = img_round_up(end, qcow1_cluster_size(&q->header)) - end;
	const uint64_t len = img_min_u64(rest, size - end);
	struct img_extent ex;
	bool clean = false;

	*tail = (struct tail){ 0 };
	if (!rest || !qcow1_map_extent(&q->tables, end - 1, end, &ex, err))
		return !rest;
	tail->there = ex.kind != IMG_EXTENT_HOLE;
	tail->left = ex.kind == IMG_EXTENT_ENCODED && !ex.encrypted;
	if (tail->left && !is_clean(q, end, len, &clean, err))
		return false;
	tail->left &= !clean;
	return !tail->there || clean || qcow1_disk_zero(ly, end, len, true, err);
}

static bool shrink(struct img_layer *ly, const struct img_layer_resize *how, struct img_err *err)
{
	struct tail tail;
	bool freed;

	return clean_tail(ly, how->size, ly->size, &tail, err) && qcow1_disk_flush(ly, &freed, err) &&
	       change_tables(ly->priv, how, err) && qcow1_disk_restart(ly->priv, err);
}

/* What is new; the tables are there.  Of a cluster that is in the file all hides what is below. */
static bool show_new(struct img_layer *ly, uint64_t old, struct tail *tail, struct img_err *err)
{
	const uint32_t cluster = qcow1_cluster_size(&((const struct qcow1 *)ly->priv)->header);
	bool freed;

	return clean_tail(ly, old, ly->size, tail, err) &&
	       img_below_hide(ly, tail->there ? img_round_up(old, cluster) : old, ly->size, err) &&
	       qcow1_disk_flush(ly, &freed, err);
}

static bool grow(struct img_layer *ly, const struct img_layer_resize *how, struct img_err *err)
{
	const struct img_layer_resize again = { .size = how->size, .compact = true, .job = how->job };
	const uint64_t old = ly->size;
	struct tail tail;

	if (!change_tables(ly->priv, how, err) || !qcow1_disk_restart(ly->priv, err))
		return false;
	ly->size = how->size;
	return show_new(ly, old, &tail, err) &&
	       (!tail.left || (change_tables(ly->priv, &again, err) &&
			       qcow1_disk_restart(ly->priv, err)));
}

bool qcow1_resize(struct img_layer *ly, const struct img_layer_resize *how, struct img_err *err)
{
	const struct qcow1 *q = ly->priv;

	if (!check_wish(&q->header, how, err))
		return false;
	if (how->size > ly->size)
		return grow(ly, how, err);
	if (!shrink(ly, how, err))
		return false;
	ly->size = how->size;
	return true;
}

/* ---- A shorter file for the same disk -------------------------------------------------------------- */

/* Over other layers zeros have to be said, so that clusters of them are kept. */
static bool shorten(struct qcow1 *q, const struct img_layer *ly, const struct img_layer_compact *how,
		    struct img_layer_compacted *out, struct img_err *err)
{
	const uint32_t n = q->tables.n_l1;
	IMG_AUTO_FREE uint8_t *l1 = img_calloc((size_t)n + 1, QCOW1_ENTRY_LEN, err);
	struct qcow1_compacting c = {
		.hdr = &q->header, .file = q->tables.file, .job = how->job, .l1 = l1, .n_l1 = n,
	};

	return l1 && img_store_read(c.file, q->header.l1_off, l1, (size_t)n * QCOW1_ENTRY_LEN, err) &&
	       (ly->below || qcow1_hollow(c.hdr, c.file, l1, how->hollow, err)) &&
	       qcow1_compact_some(&c, how->room, out, err) && qcow1_header_write(q, err);
}

bool qcow1_compact_round(struct img_layer *ly, const struct img_layer_compact *how,
			 struct img_layer_compacted *out, struct img_err *err)
{
	struct qcow1 *q = ly->priv;

	return shorten(q, ly, how, out, err) && qcow1_disk_restart(q, err);
}
