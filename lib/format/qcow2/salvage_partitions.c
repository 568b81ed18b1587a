/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The partitions of the guest's disk, read through an L2 table that has no place yet: the first of
 * the disk, or the one with the backup of a GPT at its end.
 */
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/salvage.h"
#include "format/qcow2/shape.h"

struct table {
	struct qcow2_salvage *s;
	uint64_t start;			/* guest offset of its first byte */
	const uint8_t *raw;		/* borrowed */
};

/* len guest bytes that lie in one cluster; *got fewer: the table does not have them. */
static bool read_guest(const struct table *t, uint64_t guest, uint8_t *raw, size_t len,
		       size_t *got, struct img_err *err)
{
	const struct qcow2_shapes shapes = { .geo = t->s->geo };
	const uint64_t index = (guest - t->start) >> t->s->geo.cluster_bits;
	const uint64_t in = guest & (qcow2_cluster_size(&t->s->geo) - 1);
	struct qcow2_cluster cluster;

	*got = 0;
	if (guest < t->start || index >= UINT64_C(1) << t->s->geo.l2_bits ||
	    !qcow2_shapes_entry(&shapes, t->raw, index, &cluster))
		return true;
	return qcow2_salvage_read(t->s, &cluster, in, raw, len, got, err);
}

static bool read_gpt(const struct table *t, const struct qcow2_gpt *gpt,
		     struct qcow2_part parts[QCOW2_SALVAGE_PARTS], size_t *n, struct img_err *err)
{
	uint8_t raw[QCOW2_MARK_GPT_ENTRY];
	size_t got;

	*n = 0;
	for (uint32_t i = 0; i < gpt->n && *n < QCOW2_SALVAGE_PARTS; i++) {
		const uint64_t at = gpt->entries + (uint64_t)i * gpt->entry_len;

		if (!read_guest(t, at, raw, sizeof(raw), &got, err))
			return false;
		if (got == sizeof(raw) && qcow2_mark_gpt_entry(raw, &parts[*n]))
			(*n)++;
	}
	return true;
}

/* The MBR of a disk with GPT holds the whole disk as one partition, or other dummies. */
static bool read_parts(const struct table *t, uint64_t gpt_at,
		       struct qcow2_part parts[QCOW2_SALVAGE_PARTS], size_t *n, struct img_err *err)
{
	uint8_t sector[QCOW2_SECTOR];
	struct qcow2_gpt gpt;
	size_t got;

	if (!read_guest(t, gpt_at, sector, sizeof(sector), &got, err))
		return false;
	if (got == sizeof(sector) && qcow2_mark_gpt(sector, &gpt) && gpt.own == gpt_at)
		return read_gpt(t, &gpt, parts, n, err);
	if (!read_guest(t, 0, sector, sizeof(sector), &got, err))
		return false;
	(void)qcow2_mark_mbr(sector, got, parts, n);	/* of no disk with an MBR: none */
	return true;
}

bool qcow2_salvage_partitions(struct qcow2_salvage *s, uint64_t host, uint64_t start, uint64_t gpt_at,
			      struct qcow2_part parts[QCOW2_SALVAGE_PARTS], size_t *n,
			      struct img_err *err)
{
	const size_t len = qcow2_cluster_size(&s->geo);
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(len, err);
	const struct table t = { .s = s, .start = start, .raw = raw };

	*n = 0;
	return raw && img_store_read(s->file, host, raw, len, err) &&
	       read_parts(&t, gpt_at, parts, n, err);
}
