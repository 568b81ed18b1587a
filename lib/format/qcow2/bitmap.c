/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What becomes of an image's bitmaps while it is open.
 *
 * Before the first guest byte changes the file says of all bitmaps that record that they are in
 * use, so that a writer that is cut off leaves them inconsistent.  What has changed in memory goes
 * to new clusters; when these and the new directory are durable one write of the header switches
 * to them, and then only the old clusters are given up.
 */
#include "format/qcow2/bitmap.h"

#include "base/lock.h"
#include "base/mem.h"

bool qcow2_bitmap_pass_on(const struct img_err *why, struct img_err *err)
{
	if (err)
		*err = *why;
	return false;
}

/* ---- Life ---------------------------------------------------------------------------------------- */

bool qcow2_bitmaps_get(struct qcow2 *q, struct img_err *err)
{
	struct qcow2_bitmaps *set;

	if (q->bitmaps)
		return true;
	set = img_calloc(1, sizeof(*set), err);
	if (!set)
		return false;
	if (!qcow2_bitmap_dir_load(q, &set->list, err)) {
		free(set);
		return false;
	}
	pthread_mutex_init(&set->beginning, NULL);
	set->lost = set->list.n && !(q->header.autoclear & QCOW2_AUTOCLEAR_BITMAPS);
	for (size_t i = 0; set->lost && i < set->list.n; i++)
		set->list.v[i].flags |= QCOW2_BITMAP_IN_USE;
	q->bitmaps = set;
	return true;
}

void qcow2_bitmaps_free(struct qcow2 *q)
{
	struct qcow2_bitmaps *set = q->bitmaps;

	if (!set)
		return;
	qcow2_bitmap_list_clear(&set->list);
	pthread_mutex_destroy(&set->beginning);
	free(set->remains);
	free(set);
	q->bitmaps = NULL;
}

void qcow2_bitmaps_begin_change(struct qcow2 *q)
{
	struct qcow2_bitmaps *set = q->bitmaps;

	set->changed = true;
	if (!set->lost)
		return;
	set->lost = false;
	qcow2_bitmap_list_clear(&set->list);
	q->header.n_bitmaps = 0;
}

bool qcow2_bitmaps_abandon(struct qcow2_bitmaps *set, const struct qcow2_bitmap *bm,
			   struct img_err *err)
{
	struct qcow2_bitmap_remains *v;

	if (!bm->table_off)
		return true;
	v = img_grow_by_one(set->remains, set->n_remains, &set->cap_remains, sizeof(*v), err);
	if (!v)
		return false;
	set->remains = v;
	v[set->n_remains++] = (struct qcow2_bitmap_remains){ bm->table_off, bm->table_entries };
	return true;
}

/* ---- Starting ------------------------------------------------------------------------------------ */

/* The directory cannot be read: nobody is to take its bitmaps for good after we have written. */
static bool give_up_all(struct qcow2 *q, struct img_err *err)
{
	q->header.n_bitmaps = 0;
	if (!(q->header.autoclear & QCOW2_AUTOCLEAR_BITMAPS))
		return true;
	q->header.autoclear &= ~QCOW2_AUTOCLEAR_BITMAPS;
	return qcow2_header_patch(q, err) && img_store_sync(q->map.file, err);
}

bool qcow2_bitmaps_start(struct qcow2 *q, struct img_err *err)
{
	struct img_err why = { 0 };

	if (!qcow2_bitmaps_get(q, &why)) {
		if (!img_code_is_damage(why.code))
			return qcow2_bitmap_pass_on(&why, err);
		return give_up_all(q, err) && qcow2_bitmaps_get(q, err);
	}
	const struct qcow2_bitmap_list *list = &q->bitmaps->list;
	for (size_t i = 0; i < list->n; i++) {
		struct qcow2_bitmap *bm = &list->v[i];

		/* One that is damaged cannot record; begin() sees to that. */
		if ((bm->flags & QCOW2_BITMAP_AUTO) && !qcow2_bitmap_unusable(bm) &&
		    !qcow2_bitmap_load(q, bm, &why) && !img_code_is_damage(why.code))
			return qcow2_bitmap_pass_on(&why, err);
	}
	return true;
}

/* ---- Recording ----------------------------------------------------------------------------------- */

static bool any_records(const struct qcow2_bitmap_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].flags & QCOW2_BITMAP_AUTO)
			return true;
	return false;
}

/* What the file has is not always what is in memory: bitmaps may have come and gone there. */
static bool flag_file(struct qcow2 *q, struct img_err *err)
{
	struct qcow2_bitmaps *set = q->bitmaps;
	struct qcow2_bitmap_list list;

	if (set->lost)
		return true;
	if (!qcow2_bitmap_dir_load(q, &list, err))
		return false;
	const bool any = any_records(&list);
	const bool ok = !any || qcow2_bitmap_dir_flag(q, &list, true, err);
	qcow2_bitmap_list_clear(&list);
	set->in_use = any;
	return ok;
}

/* The first change of guest bytes; others wait. */
static bool begin(struct qcow2 *q, struct img_err *err)
{
	struct qcow2_bitmaps *set = q->bitmaps;
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&set->beginning);

	if (set->begun)
		return true;
	if (!flag_file(q, err))
		return false;
	for (size_t i = 0; i < set->list.n; i++) {
		struct qcow2_bitmap *bm = &set->list.v[i];

		if ((bm->flags & QCOW2_BITMAP_AUTO) && !bm->bits)
			bm->flags |= QCOW2_BITMAP_IN_USE;
	}
	set->begun = true;
	return true;
}

bool qcow2_bitmaps_mark(struct qcow2 *q, uint64_t at, uint64_t len, struct img_err *err)
{
	struct qcow2_bitmaps *set = q->bitmaps;

	if (!set->begun && !begin(q, err))
		return false;
	for (size_t i = 0; i < set->list.n; i++) {
		struct qcow2_bitmap *bm = &set->list.v[i];

		if ((bm->flags & QCOW2_BITMAP_AUTO) && bm->bits && qcow2_bitmap_set(bm, at, len))
			__atomic_store_n(&bm->changed, true, __ATOMIC_RELAXED);
	}
	return true;
}

/* ---- Finishing ----------------------------------------------------------------------------------- */

/* What the header says of bitmaps. */
struct pointer {
	uint32_t n;
	uint64_t off, len, autoclear;
};

static struct pointer pointer_of(const struct qcow2_header *hdr)
{
	return (struct pointer){ hdr->n_bitmaps, hdr->bitmap_dir_off, hdr->bitmap_dir_len,
				 hdr->autoclear };
}

static void set_pointer(struct qcow2_header *hdr, struct pointer to)
{
	hdr->n_bitmaps = to.n;
	hdr->bitmap_dir_off = to.off;
	hdr->bitmap_dir_len = to.len;
	hdr->autoclear = to.autoclear;
}

static bool store_bits(struct qcow2 *q, struct img_err *err)
{
	struct qcow2_bitmaps *set = q->bitmaps;

	for (size_t i = 0; i < set->list.n; i++) {
		struct qcow2_bitmap *bm = &set->list.v[i];
		const struct qcow2_bitmap old = *bm;

		if (!bm->changed)
			continue;
		if (!qcow2_bitmap_store(q, bm, err))
			return false;
		bm->changed = false;
		if (!qcow2_bitmaps_abandon(set, &old, err))
			return false;
	}
	return true;
}

/* Makes the header point to what was stored. */
static bool switch_over(struct qcow2 *q, struct pointer to, struct img_err *err)
{
	const struct pointer old = pointer_of(&q->header);

	if (!img_store_sync(q->map.file, err))
		return false;
	set_pointer(&q->header, to);
	if (qcow2_header_rewrite(q, err))
		return true;
	set_pointer(&q->header, old);
	return false;
}

static uint64_t clusters_of(const struct qcow2 *q, uint64_t len)
{
	return (len + qcow2_cluster_size(&q->geo) - 1) >> q->geo.cluster_bits;
}

static void release_remains(struct qcow2 *q, struct pointer old)
{
	struct qcow2_bitmaps *set = q->bitmaps;

	for (size_t i = 0; i < set->n_remains; i++)
		qcow2_bitmap_release(q, set->remains[i].table_off, set->remains[i].table_entries);
	set->n_remains = 0;
	if (old.n)
		qcow2_disk_release(q, old.off, clusters_of(q, old.len));
}

static bool store(struct qcow2 *q, struct img_err *err)
{
	struct qcow2_bitmaps *set = q->bitmaps;
	const struct pointer old = pointer_of(&q->header);
	struct pointer to = { .autoclear = old.autoclear & ~QCOW2_AUTOCLEAR_BITMAPS };

	if (!store_bits(q, err))
		return false;
	if (set->list.n) {
		to.n = (uint32_t)set->list.n;
		to.len = qcow2_bitmap_dir_len(&set->list);
		to.autoclear |= QCOW2_AUTOCLEAR_BITMAPS;
		if (!qcow2_bitmap_dir_store(q, &set->list, &to.off, err))
			return false;
	}
	if (!switch_over(q, to, err))
		return false;
	set->changed = set->in_use = false;
	release_remains(q, old);
	return true;
}

bool qcow2_bitmaps_finish(struct qcow2 *q, struct img_err *err)
{
	struct qcow2_bitmaps *set = q->bitmaps;

	if (!set)
		return true;
	for (size_t i = 0; i < set->list.n; i++)
		set->changed |= set->list.v[i].changed;
	if (set->changed)
		return store(q, err);
	if (!set->in_use)
		return true;
	if (!qcow2_bitmap_dir_flag(q, &set->list, false, err))
		return false;
	set->in_use = false;
	return true;
}
