/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a snapshot has in the place of an L2 table, and entries of it that became empty, while the
 * snapshot has them still: the cluster is counted for both.
 */
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "format/qcow2/salvage_heal.h"

/* The entry of the snapshot leads to what is counted once more than anything leads there. */
static bool is_missed(const struct qcow2_healing *h, const uint8_t *entry)
{
	struct qcow2_cluster cluster;

	return qcow2_heal_decode(h, entry, &cluster) && cluster.allocated &&
	       cluster.host < h->s->file_size &&
	       qcow2_salvage_is_missed(h->s, cluster.host >> h->s->geo.cluster_bits);
}

static bool is_empty(const struct qcow2_sick *t, size_t i)
{
	return !img_get_be64(t->raw + i * t->step);
}

static bool take(struct qcow2_healing *h, const struct qcow2_sick *t, const uint8_t *lender,
		 struct img_err *err)
{
	for (size_t i = 0; i < t->n; i++) {
		if (!is_empty(t, i) || !is_missed(h, lender + i * t->step))
			continue;
		memcpy(t->raw + i * t->step, lender + i * t->step, t->step);
		if (!qcow2_heal_write(h, t, i, err))
			return false;
	}
	return true;
}

bool qcow2_heal_lender(const struct qcow2_healing *h, const struct qcow2_sick *t, uint8_t **raw,
		       struct img_err *err)
{
	const size_t len = t->n * t->step, index = t->guest >> qcow2_l1_bits(&h->s->geo);
	uint64_t lender;
	size_t got;

	*raw = NULL;
	if (!qcow2_salvage_donor(h->s, index, t->host, &lender, err))
		return false;
	if (!lender)
		return true;
	IMG_AUTO_FREE uint8_t *table = img_alloc_aligned(len, err);

	if (!table || !img_store_read_some(h->s->file, lender, table, len, &got, err))
		return false;
	if (got == len) {
		*raw = table;
		table = NULL;
	}
	return true;
}

bool qcow2_heal_from_snapshots(struct qcow2_healing *h, const struct qcow2_sick *t,
			       struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *lender = NULL;

	if (!h->s->counts_known || !h->s->snapshots.n)
		return true;
	return qcow2_heal_lender(h, t, &lender, err) && (!lender || take(h, t, lender, err));
}
