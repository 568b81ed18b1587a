/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* L2 tables of an image that is written: making them, and changing their entries. */
#include <inttypes.h>
#include <string.h>
#include "base/bytes.h"
#include "base/err.h"
#include "base/num.h"
#include "format/qcow2/disk.h"

/* ---- Maps of subclusters --------------------------------------------------------------------- */

void qcow2_cluster_set_maps(struct qcow2_cluster *cluster, uint32_t data_map, uint32_t zero_map)
{
	cluster->data_map = cluster->zero_map = 0;
	if (data_map == UINT32_MAX) {
		cluster->kind = QCOW2_CLUSTER_DATA;
	} else if (zero_map == UINT32_MAX) {
		cluster->kind = QCOW2_CLUSTER_ZERO;
	} else if (!data_map && !zero_map) {
		cluster->kind = QCOW2_CLUSTER_HOLE;
	} else {
		cluster->kind = QCOW2_CLUSTER_MIXED;
		cluster->data_map = data_map;
		cluster->zero_map = zero_map;
	}
}

uint32_t qcow2_cluster_data_map(const struct qcow2_cluster *cluster)
{
	return cluster->kind == QCOW2_CLUSTER_DATA ? UINT32_MAX : cluster->data_map;
}

uint32_t qcow2_cluster_zero_map(const struct qcow2_cluster *cluster)
{
	return cluster->kind == QCOW2_CLUSTER_ZERO ? UINT32_MAX : cluster->zero_map;
}

/* ---- Entries --------------------------------------------------------------------------------- */

static size_t offset_of(const struct qcow2 *q, uint64_t at)
{
	const uint64_t index = at >> q->geo.cluster_bits & ((UINT64_C(1) << q->geo.l2_bits) - 1);

	return index * q->geo.l2_entry_len;
}

/* What the decoder, which knows nothing of the guest's offset, cannot see. */
static bool check_place(struct qcow2 *q, uint64_t at, const struct qcow2_cluster *cluster,
			struct img_err *err)
{
	const uint64_t start = img_round_down(at, qcow2_cluster_size(&q->geo));

	if (!cluster->allocated)
		return true;
	if (q->geo.data_file && cluster->host != start)
		return qcow2_contradiction(q->disk, err, _("guest offset 0x%" PRIx64 ": its place in "
					   "the data file differs from its place on the disk"), start);
	if (!q->geo.data_file && cluster->host >> q->geo.cluster_bits >= q->disk->end)
		return img_fail(err, IMG_E_INCOMPLETE, _("guest offset 0x%" PRIx64 ": its cluster "
				"lies behind the end of the file"), start);
	return true;
}

bool qcow2_l2_get(struct qcow2 *q, const struct qcow2_table *table, bool shared, uint64_t at,
		  struct qcow2_cluster *out, struct img_err *err)
{
	const uint8_t *raw = table->raw + offset_of(q, at);
	const uint64_t bitmap = q->geo.subclusters ? img_get_be64(raw + 8) : 0;
	const struct img_finding_kind *why;

	if (!qcow2_l2_decode(&q->geo, img_get_be64(raw), bitmap, out, &why))
		return qcow2_contradiction(q->disk, err, _("guest offset 0x%" PRIx64 ": %s"), at,
					   _(why->text));
	/* Nobody else can have a cluster of the data file. */
	out->copied = q->geo.data_file ? out->allocated : out->copied && !shared;
	return check_place(q, at, out, err);
}

void qcow2_l2_put(struct qcow2 *q, struct qcow2_table *table, uint64_t at,
		  const struct qcow2_cluster *cluster, bool late)
{
	const size_t off = offset_of(q, at);

	qcow2_l2_encode(&q->geo, cluster, table->raw + off);
	qcow2_cache_changed(q->map.cache, table, off, q->geo.l2_entry_len, late);
}

/* ---- Tables ---------------------------------------------------------------------------------- */

static size_t l1_index_of(const struct qcow2 *q, uint64_t at)
{
	return (size_t)(at >> qcow2_l1_bits(&q->geo));
}

/* Where the L2 table lies, 0: there is none; and whether a snapshot has it too. */
static bool look_at_l1(struct qcow2 *q, size_t l1_index, uint64_t *host, bool *shared,
		       struct img_err *err)
{
	const struct img_finding_kind *why;

	if (l1_index >= q->map.n_l1)
		return img_fail(err, IMG_E_INCOMPLETE, _("the file ends inside the L1 table"));
	if (!qcow2_l1_decode(&q->geo, q->map.l1[l1_index], host, &why))
		return qcow2_contradiction(q->disk, err, _("L1 entry %zu: %s"), l1_index, _(why->text));
	if (*host && *host + qcow2_cluster_size(&q->geo) > q->map.file_size)
		return img_fail(err, IMG_E_INCOMPLETE,
				_("L1 entry %zu: the file ends before the end of the L2 table"),
				l1_index);
	*shared = *host && !(q->map.l1[l1_index] & QCOW2_ENTRY_COPIED);
	return true;
}

/* Reading may let the lock go, and another thread put another table in the place of this one. */
static bool get_current(struct qcow2 *q, size_t l1_index, struct qcow2_table **out, bool *shared,
			struct img_err *err)
{
	struct qcow2_table *table;
	uint64_t host, now;

	for (;;) {
		if (!look_at_l1(q, l1_index, &host, shared, err))
			return false;
		*out = NULL;
		if (!host)
			return true;
		if (!qcow2_cache_get(q->map.cache, host, 1, q->map.file_size, &table, err))
			return img_within(err, _("L2 table %zu"), l1_index);
		const bool ok = look_at_l1(q, l1_index, &now, shared, err);

		if (ok && now == host) {
			*out = table;
			return true;
		}
		qcow2_cache_put(q->map.cache, table);
		if (!ok)
			return false;
	}
}

bool qcow2_l2_for_look(struct qcow2 *q, uint64_t at, struct qcow2_table **out, bool *shared,
		       struct img_err *err)
{
	return get_current(q, l1_index_of(q, at), out, shared, err);
}

/*
 * What a snapshot has too is not ours alone, whatever the entries say, and the copy is going to be
 * believed.  With a data file, where there can be no snapshots, the flag has another meaning.
 */
static void clear_copied(const struct qcow2 *q, struct qcow2_table *table)
{
	if (q->geo.data_file)
		return;
	for (size_t at = 0; at < qcow2_cluster_size(&q->geo); at += q->geo.l2_entry_len)
		table->raw[at] &= (uint8_t)~(QCOW2_ENTRY_COPIED >> 56);
}

/*
 * Puts fresh, which is all zeros, in the place of old (NULL: there was none), whose content it takes
 * over.  A copy must be durable before L1 points to it; one that starts empty is so already.
 */
static void install(struct qcow2 *q, size_t l1_index, struct qcow2_table *fresh,
		    const struct qcow2_table *old)
{
	const uint64_t cluster = qcow2_cluster_size(&q->geo);

	if (old) {
		memcpy(fresh->raw, old->raw, cluster);
		clear_copied(q, fresh);
		qcow2_cache_changed(q->map.cache, fresh, 0, cluster, old->late);
		qcow2_drop(q, old->host, cluster);
	}
	q->map.l1[l1_index] = qcow2_l1_encode(fresh->host, true);
	qcow2_l1_changed(q, l1_index, old != NULL);
}

/* Everything that lets the lock go comes before the look that decides. */
static bool replace(struct qcow2 *q, size_t l1_index, struct qcow2_table *fresh,
		    struct qcow2_table **out, struct img_err *err)
{
	struct qcow2_table *now;
	bool shared;

	if (!get_current(q, l1_index, &now, &shared, err))
		return false;
	if (now && !shared) {
		/* Another thread was faster. */
		qcow2_drop(q, fresh->host, qcow2_cluster_size(&q->geo));
		qcow2_cache_put(q->map.cache, fresh);
		*out = now;
		return true;
	}
	install(q, l1_index, fresh, now);
	if (now)
		qcow2_cache_put(q->map.cache, now);
	*out = fresh;
	return true;
}

bool qcow2_l2_for_change(struct qcow2 *q, uint64_t at, struct qcow2_table **out,
			 struct img_err *err)
{
	const size_t l1_index = l1_index_of(q, at);
	struct qcow2_table *now, *fresh;
	uint64_t host;
	bool shared;

	if (!get_current(q, l1_index, &now, &shared, err))
		return false;
	if (now && !shared) {
		*out = now;
		return true;
	}
	if (now)
		qcow2_cache_put(q->map.cache, now);
	if (!qcow2_take_tables(q, 1, &host, err))
		return false;
	if (!qcow2_cache_make(q->map.cache, host, &fresh, err)) {
		qcow2_drop(q, host, qcow2_cluster_size(&q->geo));
		return false;
	}
	if (replace(q, l1_index, fresh, out, err))
		return true;
	qcow2_drop(q, host, qcow2_cluster_size(&q->geo));
	qcow2_cache_put(q->map.cache, fresh);
	return false;
}
