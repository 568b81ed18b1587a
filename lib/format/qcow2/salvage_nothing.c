/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the guest's disk has nothing, by what it says itself: between its partitions, and in free
 * blocks of ext2, ext3 and ext4.  No L2 table is needed there.
 */
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/salvage.h"
#include "format/qcow2/shape.h"

enum { RUN_MIN = 1 << 20 };		/* shorter ones are too many */

/* The cluster that has the guest byte; *is false: none. */
static bool find_cluster(const struct qcow2_salvage *s, uint64_t guest, struct qcow2_cluster *out,
			 bool *is, struct img_err *err)
{
	const struct qcow2_shapes shapes = { .geo = s->geo };
	const uint64_t slot = guest >> qcow2_l1_bits(&s->geo);
	const uint64_t index = guest >> s->geo.cluster_bits & ((UINT64_C(1) << s->geo.l2_bits) - 1);
	const uint64_t table = slot < s->n_l1 && !qcow2_salvage_is_slot(s, slot) ?
			       s->l1[slot] & QCOW2_ENTRY_HOST : 0;
	uint8_t entry[16] = { 0 };
	size_t got;

	*is = false;
	if (!table)
		return true;
	if (!img_store_read_some(s->file, table + index * s->geo.l2_entry_len, entry,
				 s->geo.l2_entry_len, &got, err))
		return false;
	*is = got == s->geo.l2_entry_len && qcow2_shapes_entry(&shapes, entry, 0, out);
	return true;
}

/* *all false: some of it is not there. */
static bool read_guest(struct qcow2_salvage *s, uint64_t guest, uint8_t *raw, size_t len,
		       bool *all, struct img_err *err)
{
	const uint64_t cluster_size = qcow2_cluster_size(&s->geo);
	struct qcow2_cluster cluster;
	size_t got;

	*all = true;
	for (size_t piece; *all && len; guest += piece, raw += piece, len -= piece) {
		const uint64_t in = guest & (cluster_size - 1);

		piece = img_min_u64(len, cluster_size - in);
		got = 0;
		if (!find_cluster(s, guest, &cluster, all, err) ||
		    (*all && !qcow2_salvage_read(s, &cluster, in, raw, piece, &got, err)))
			return false;
		*all = *all && got == piece;
	}
	return true;
}

/* Free runs of a bitmap that are long enough to matter; a byte of it is free or is not. */
static bool add_runs(struct qcow2_salvage *s, uint64_t start, uint64_t unit, const uint8_t *bitmap,
		     size_t n, struct img_err *err)
{
	for (size_t i = 0, end; i < n; i = end + 1) {
		for (end = i; end < n && !bitmap[end];)
			end++;
		if ((end - i) * unit >= RUN_MIN &&
		    !img_rangeset_include(&s->nothing, start + i * unit, (end - i) * unit, err))
			return false;
	}
	return true;
}

/*
 * start: guest offset of the file system.  Without a bitmap, or with one in a table that has no place
 * yet, what is in use is taken to start the group, as copies of the superblock do.
 */
static bool add_group(struct qcow2_salvage *s, uint64_t start, const struct qcow2_ext *ext,
		      const struct qcow2_ext_group *group, struct img_err *err)
{
	const uint64_t unit = 8 * ext->block;
	uint8_t bitmap[QCOW2_EXT_BLOCK_MAX];
	bool all = false;

	if (group->used && group->bitmap &&
	    !read_guest(s, start + group->bitmap, bitmap, ext->block, &all, err))
		return false;
	if (all)
		return add_runs(s, start + group->start, unit, bitmap,
				img_min_u64(group->len / unit, ext->block), err);
	return group->used == group->len ||
	       img_rangeset_include(&s->nothing, start + group->start + group->used,
				    group->len - group->used, err);
}

static bool add_groups(struct qcow2_salvage *s, uint64_t start, const struct qcow2_ext *ext,
		       struct img_err *err)
{
	uint8_t raw[QCOW2_EXT_DESCRIPTOR];
	struct qcow2_ext_group group;
	bool all;

	for (uint64_t i = 0; i < ext->n_groups; i++) {
		const uint64_t at = start + ext->descriptors + i * ext->descriptor_len;

		if (!read_guest(s, at, raw, ext->descriptor_len, &all, err))
			return false;
		if (all && qcow2_mark_ext_group(ext, i, raw, &group) &&
		    !add_group(s, start, ext, &group, err))
			return false;
	}
	return true;
}

bool qcow2_salvage_free_blocks(struct qcow2_salvage *s, uint64_t start, struct img_err *err)
{
	uint8_t raw[QCOW2_EXT_BYTES];
	struct qcow2_ext ext;
	bool all;

	if (!read_guest(s, start + QCOW2_EXT_AT, raw, sizeof(raw), &all, err))
		return false;
	if (!all || !qcow2_mark_ext(raw, &ext) || !ext.descriptors)
		return true;
	return add_groups(s, start, &ext, err);
}

static int by_start(const void *x, const void *y)
{
	const struct qcow2_part *a = x, *b = y;

	return (a->start > b->start) - (a->start < b->start);
}

bool qcow2_salvage_between(struct qcow2_salvage *s, struct qcow2_part *parts, size_t n,
			   struct img_err *err)
{
	const uint64_t size = (uint64_t)s->n_l1 << qcow2_l1_bits(&s->geo);
	uint64_t end = 0;

	if (!n)
		return true;
	qsort(parts, n, sizeof(*parts), by_start);
	for (size_t i = 0; i < n; i++) {
		if (parts[i].start > end &&
		    !img_rangeset_include(&s->nothing, end, parts[i].start - end, err))
			return false;
		end = img_max_u64(end, parts[i].start + parts[i].len);
	}
	return end >= size || img_rangeset_include(&s->nothing, end, size - end, err);
}

bool qcow2_salvage_is_nothing(const struct qcow2_salvage *s, size_t slot)
{
	const unsigned bits = qcow2_l1_bits(&s->geo);
	const uint64_t start = (uint64_t)slot << bits;
	struct img_stretch gap;

	return !img_rangeset_gap(&s->nothing, start, start + (UINT64_C(1) << bits), &gap);
}
