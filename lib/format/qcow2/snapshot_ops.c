/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listing, making, applying, removing and renaming snapshots: what each of them changes. */
#include "format/qcow2/snapshot.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/amend.h"

/* ---- Listing ------------------------------------------------------------------------------------- */

/* Takes over the texts. */
static void tell(struct qcow2_snapshot *from, struct img_snapshot *to)
{
	*to = (struct img_snapshot){
		.id = from->id, .name = from->name, .seconds = from->seconds,
		.nanoseconds = from->nanoseconds, .clock = from->clock, .icount = from->icount,
		.state_len = from->state_len, .disk_size = from->disk_size,
		.exclusive = IMG_SNAPSHOT_UNKNOWN, .shared = IMG_SNAPSHOT_UNKNOWN,
	};
	from->id = from->name = NULL;
}

static void forget(struct img_snapshot *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].id);
		free(v[i].name);
	}
	free(v);
}

static bool list(struct img_layer *ly, bool sizes, struct img_snapshot **out, size_t *n,
		 struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	struct qcow2_snapshots found;
	struct img_snapshot *v = NULL;
	bool ok = true;

	*out = NULL;
	*n = 0;
	if (!qcow2_snapshots_read(&q->header, q->map.file, q->map.file_size, &found, err))
		return false;
	if (found.n) {
		v = img_calloc(found.n, sizeof(*v), err);
		for (size_t i = 0; v && i < found.n; i++)
			tell(&found.v[i], &v[i]);
		ok = v && (!sizes || qcow2_snapshot_sizes(q, &found, v, err));
	}
	if (ok) {
		*out = v;
		*n = found.n;
	} else {
		forget(v, v ? found.n : 0);
	}
	qcow2_snapshots_clear(&found);
	return ok;
}

/* ---- Making -------------------------------------------------------------------------------------- */

/* What the disk is becomes a snapshot, as far as that is to be done while it is in use. */
static bool add_current(struct qcow2_snapshot_change *change, const struct img_snapshot_new *what,
			struct img_err *err)
{
	struct qcow2_snapshot *snap;

	if (!qcow2_snapshots_add(&change->list, what, &snap, err))
		return false;
	snap->disk_size = change->ly->size;
	snap->l1_entries = change->q->header.l1_entries;
	return qcow2_snapshot_take_l1(change, snap->l1_entries, &snap->l1_off, err);
}

/* The L1 table of the last snapshot of the list, which add_current() made. */
static bool copy_current(struct qcow2_snapshot_change *change, struct img_err *err)
{
	const struct qcow2_snapshot *snap = &change->list.v[change->list.n - 1];

	return qcow2_snapshot_copy_l1(change, change->q->header.l1_off, snap->l1_entries,
				      snap->l1_off, err);
}

static bool create(struct img_layer *ly, const struct img_snapshot_new *what, struct img_err *err)
{
	struct qcow2_snapshot_change change;
	const bool ok = qcow2_snapshot_begin(&change, ly, err) &&
			add_current(&change, what, err) &&
			qcow2_snapshot_settle_disk(&change, err) && copy_current(&change, err) &&
			qcow2_snapshot_commit(&change, err);

	qcow2_snapshot_end(&change);
	return ok;
}

/* ---- Applying ------------------------------------------------------------------------------------ */

/* Of version 2 nobody knows which snapshots would lose their size with that of the disk. */
static bool check_size(const struct qcow2 *q, const struct qcow2_snapshot *snap, struct img_err *err)
{
	if (snap->disk_size == q->header.size)
		return true;
	if (q->header.version < 3)
		return img_fail(err, IMG_E_UNSUPPORTED, _("the snapshot shows a disk of another size, "
				"which needs version 3; \"imgamend -o compat=1.1\" makes it that"));
	return qcow2_upgrade_check(q, err);
}

static bool check_apply(const struct qcow2 *q, const struct qcow2_snapshot *snap,
			struct img_err *err)
{
	struct qcow2_header hdr = q->header;

	/* They would have to record all that differs. */
	if (q->header.n_bitmaps)
		return img_fail(err, IMG_E_UNSUPPORTED, _("the image has bitmaps, which would not tell "
				"what changes; \"imgbitmap --remove\" removes them"));
	hdr.l1_off = snap->l1_off;
	hdr.l1_entries = snap->l1_entries;
	hdr.size = snap->disk_size;
	return check_size(q, snap, err) && qcow2_header_validate(&hdr, err);
}

static bool read_l1(struct qcow2 *q, uint64_t off, uint32_t n, uint8_t **raw, struct img_err *err)
{
	*raw = img_alloc_aligned(img_max_u64(n, 1) * 8, err);
	return *raw && (!n || img_store_read(q->map.file, off, *raw, (size_t)n * 8, err));
}

/* Whether two tables lead to the same, and nowhere else. */
static bool lead_alike(const uint8_t *a, uint32_t n_a, const uint8_t *b, uint32_t n_b)
{
	for (size_t i = 0; i < img_max_u64(n_a, n_b); i++) {
		const uint64_t x = i < n_a ? img_get_be64(a + i * 8) : 0;
		const uint64_t y = i < n_b ? img_get_be64(b + i * 8) : 0;

		if ((x ^ y) & ~QCOW2_ENTRY_COPIED)
			return false;
	}
	return true;
}

/* Whether a snapshot shows what the disk is, by the same tables. */
static bool is_kept(struct qcow2_snapshot_change *change, bool *kept, struct img_err *err)
{
	const struct qcow2_header *hdr = &change->q->header;
	uint64_t left = change->q->map.file_size;
	IMG_AUTO_FREE uint8_t *now = NULL;

	*kept = false;
	if (!read_l1(change->q, hdr->l1_off, hdr->l1_entries, &now, err))
		return false;
	for (size_t i = 0; i < change->list.n && !*kept; i++) {
		const struct qcow2_snapshot *snap = &change->list.v[i];
		IMG_AUTO_FREE uint8_t *then = NULL;

		if (snap->disk_size != hdr->size || snap->l1_entries > QCOW2_L1_BYTES_MAX / 8)
			continue;
		/* Tables that lie in each other are not read for ever; that is refused later. */
		if ((uint64_t)snap->l1_entries * 8 > left)
			break;
		left -= (uint64_t)snap->l1_entries * 8;
		if (!read_l1(change->q, snap->l1_off, snap->l1_entries, &then, err))
			return false;
		*kept = lead_alike(now, hdr->l1_entries, then, snap->l1_entries);
	}
	return true;
}

/* The disk's own table becomes a copy of that of the snapshot. */
static bool switch_disk(struct qcow2_snapshot_change *change, const struct qcow2_snapshot *to,
			uint64_t l1_off, struct img_err *err)
{
	struct qcow2 *q = change->q;

	if (!qcow2_snapshot_copy_l1(change, to->l1_off, to->l1_entries, l1_off, err))
		return false;
	q->header.l1_off = l1_off;
	q->header.l1_entries = to->l1_entries;
	q->header.size = to->disk_size;
	return qcow2_snapshot_commit(change, err);
}

static bool apply_found(struct qcow2_snapshot_change *change, const char *which,
			const struct img_snapshot_new *keep, bool *kept, struct img_err *err)
{
	const struct qcow2_snapshot *to = qcow2_snapshots_get(&change->list, which, err);
	const size_t number = to ? (size_t)(to - change->list.v) : 0;
	bool there = true;
	uint64_t l1_off;

	if (!to || !check_apply(change->q, to, err) || (keep && !is_kept(change, &there, err)) ||
	    !qcow2_snapshot_take_l1(change, to->l1_entries, &l1_off, err) ||
	    (!there && !add_current(change, keep, err)))
		return false;
	/* The list may have moved, and the id of what was added may be the name that was asked for. */
	to = &change->list.v[number];
	*kept = !there;
	return qcow2_snapshot_settle_disk(change, err) && (there || copy_current(change, err)) &&
	       switch_disk(change, to, l1_off, err);
}

static bool apply(struct img_layer *ly, const char *which, const struct img_snapshot_new *keep,
		  bool *kept, struct img_err *err)
{
	struct qcow2_snapshot_change change;
	const bool ok = qcow2_snapshot_begin(&change, ly, err) &&
			apply_found(&change, which, keep, kept, err);

	qcow2_snapshot_end(&change);
	if (ok)
		ly->size = change.q->header.size;
	return ok;
}

/* ---- Removing and renaming ----------------------------------------------------------------------- */

static bool remove_found(struct qcow2_snapshot_change *change, const char *which,
			 struct img_err *err)
{
	const struct qcow2_snapshot *snap = qcow2_snapshots_get(&change->list, which, err);

	if (!snap)
		return false;
	qcow2_snapshots_drop(&change->list, snap);
	return qcow2_snapshot_settle_disk(change, err) && qcow2_snapshot_commit(change, err);
}

static bool remove_snapshot(struct img_layer *ly, const char *which, struct img_err *err)
{
	struct qcow2_snapshot_change change;
	const bool ok = qcow2_snapshot_begin(&change, ly, err) &&
			remove_found(&change, which, err);

	qcow2_snapshot_end(&change);
	return ok;
}

static bool rename_found(struct qcow2_snapshot_change *change, const char *which, const char *name,
			 struct img_err *err)
{
	const struct qcow2_snapshot *found = qcow2_snapshots_get(&change->list, which, err);
	char *text = found ? img_strdup(name, err) : NULL;

	if (!text)
		return false;
	struct qcow2_snapshot *snap = &change->list.v[found - change->list.v];

	if (strcmp(snap->name, name) && !qcow2_snapshots_check_name(&change->list, name, err)) {
		free(text);
		return false;
	}
	free(snap->name);
	snap->name = text;
	return qcow2_snapshot_settle_disk(change, err) && qcow2_snapshot_commit(change, err);
}

static bool rename_snapshot(struct img_layer *ly, const char *which, const char *name,
			    struct img_err *err)
{
	struct qcow2_snapshot_change change;
	const bool ok = qcow2_snapshot_begin(&change, ly, err) &&
			rename_found(&change, which, name, err);

	qcow2_snapshot_end(&change);
	return ok;
}

const struct img_snapshot_ops qcow2_snapshot_ops = {
	.list = list,
	.create = create,
	.apply = apply,
	.remove = remove_snapshot,
	.rename = rename_snapshot,
};
