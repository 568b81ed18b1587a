/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The L1 table gets longer or shorter: in place, or in other clusters where there is no room. */
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/resize.h"

static uint64_t clusters_of(const struct qcow2 *q, uint64_t n_entries)
{
	return img_div_up(n_entries * sizeof(uint64_t), qcow2_cluster_size(&q->geo));
}

/* Room in memory for n entries; those that come are 0. */
static bool make_room(struct qcow2 *q, size_t n, struct img_err *err)
{
	struct qcow2_map *map = &q->map;
	uint64_t *entries = img_grow(map->l1, img_max_u64(n, 1), sizeof(*entries), err);
	bool *changed;

	if (!entries)
		return false;
	map->l1 = entries;
	changed = img_grow(q->disk->l1_changed, n + 1, sizeof(*changed), err);
	if (!changed)
		return false;
	q->disk->l1_changed = changed;
	for (size_t i = map->n_l1; i < n; i++) {
		entries[i] = 0;
		changed[i + 1] = false;
	}
	map->n_l1 = n;
	return true;
}

/* The tables behind the end of the disk, which hold the state of a machine, are tables too. */
static bool take_entries(struct qcow2 *q, size_t from, struct img_err *err)
{
	uint64_t *entries = q->map.l1;

	for (size_t i = from; i < q->map.n_l1; i++) {
		const struct img_finding_kind *why;
		uint64_t host;

		entries[i] = img_get_be64(&entries[i]);
		if (!qcow2_l1_decode(&q->geo, entries[i], &host, &why))
			return img_fail(err, IMG_E_CORRUPT, _("L1 entry %zu: %s"), i, _(why->text));
		if (host && !qcow2_guard_add(q, host, qcow2_cluster_size(&q->geo), err))
			return false;
	}
	return true;
}

bool qcow2_l1_take_whole(struct qcow2 *q, struct img_err *err)
{
	const size_t from = q->map.n_l1, n = q->header.l1_entries;
	const uint64_t at = q->header.l1_off + from * sizeof(uint64_t);

	if (from >= n)
		return true;
	if (at + (n - from) * sizeof(uint64_t) > q->map.file_size)
		return img_fail(err, IMG_E_INCOMPLETE, _("the file ends inside the L1 table"));
	if (!make_room(q, n, err) ||
	    !img_store_read(q->map.file, at, q->map.l1 + from, (n - from) * sizeof(uint64_t), err))
		return false;
	return take_entries(q, from, err);
}

/* What the file has of the table is as it is in memory after the next flush. */
static void write_whole(struct qcow2 *q, size_t from)
{
	for (size_t i = from; i < q->map.n_l1; i++)
		qcow2_l1_changed(q, i, false);
}

static bool move(struct qcow2 *q, uint64_t n, struct img_err *err)
{
	const uint64_t old = q->header.l1_off, n_old = clusters_of(q, q->header.l1_entries);
	uint64_t host;

	if (!qcow2_disk_take(q, clusters_of(q, n), &host, err))
		return false;
	q->header.l1_off = host;
	write_whole(q, 0);
	if (n_old)
		qcow2_disk_release(q, old, n_old);
	return true;
}

bool qcow2_l1_extend(struct qcow2 *q, uint64_t n, struct img_err *err)
{
	const size_t old = q->map.n_l1;

	if (n <= q->header.l1_entries)
		return true;
	if (n > QCOW2_L1_BYTES_MAX / sizeof(uint64_t))
		return img_fail(err, IMG_E_RANGE, _("an L1 table of %" PRIu64 " entries would be "
				"larger than 32 MiB; larger clusters need fewer"), n);
	if (!make_room(q, n, err))
		return false;
	if (clusters_of(q, n) == clusters_of(q, q->header.l1_entries))
		write_whole(q, old);
	else if (!move(q, n, err))
		return false;
	q->header.l1_entries = (uint32_t)n;
	return true;
}

void qcow2_l1_shorten(struct qcow2 *q, uint64_t n)
{
	const uint64_t first = clusters_of(q, n), end = clusters_of(q, q->header.l1_entries);

	if (first < end)
		qcow2_disk_release(q, q->header.l1_off + (first << q->geo.cluster_bits),
				   end - first);
	q->map.n_l1 = n;
	q->header.l1_entries = (uint32_t)n;
	if (!n)
		q->header.l1_off = 0;
}
