/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the user of an image may do with its bitmaps; all of it in memory, see bitmap.c. */
#include <inttypes.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/bitmap.h"

enum {
	DEFAULT_MIN = 4 << 10,		/* of a granularity that is the cluster size otherwise */
	DEFAULT_MAX = 64 << 10,
};

static struct qcow2_bitmap *find(const struct qcow2_bitmaps *set, const char *name)
{
	for (size_t i = 0; i < set->list.n; i++)
		if (!strcmp(set->list.v[i].name, name))
			return &set->list.v[i];
	return NULL;
}

/* The bitmap of that name, or NULL. */
static struct qcow2_bitmap *need(struct qcow2 *q, const char *name, struct img_err *err)
{
	struct qcow2_bitmap *bm;

	if (!qcow2_bitmaps_get(q, err))
		return NULL;
	bm = find(q->bitmaps, name);
	if (!bm)
		img_fail(err, IMG_E_ARGUMENT, _("there is no bitmap \"%s\""), name);
	return bm;
}

/* The same, if it can be relied on; need_bits: in memory. */
static struct qcow2_bitmap *need_usable(struct qcow2 *q, const char *name, bool need_bits,
					struct img_err *err)
{
	struct qcow2_bitmap *bm = need(q, name, err);
	const char *why = bm ? qcow2_bitmap_unusable(bm) : NULL;

	if (why) {
		img_fail(err, IMG_E_CORRUPT, _("bitmap \"%s\" cannot be used: %s"), name, _(why));
		return NULL;
	}
	return bm && need_bits && !qcow2_bitmap_load(q, bm, err) ? NULL : bm;
}

/* ---- Looking ------------------------------------------------------------------------------------- */

/* Bits that were read for counting alone do not stay in memory. */
static bool count(struct qcow2 *q, struct qcow2_bitmap *bm, struct img_bitmap *out,
		  struct img_err *err)
{
	const bool in_memory = bm->bits;
	struct img_err why = { 0 };

	if (qcow2_bitmap_load(q, bm, &why)) {
		out->dirty = qcow2_bitmap_count(bm, q->header.size);
	} else if (img_code_is_damage(why.code)) {
		out->unusable = N_("its content is damaged");
	} else {
		return qcow2_bitmap_pass_on(&why, err);
	}
	if (!in_memory) {
		free(bm->bits);
		bm->bits = NULL;
	}
	return true;
}

static bool describe(struct qcow2 *q, struct qcow2_bitmap *bm, struct img_bitmap *out,
		     struct img_err *err)
{
	*out = (struct img_bitmap){
		.name = img_strdup(bm->name, err),
		.granularity = UINT64_C(1) << bm->granularity_bits,
		.enabled = bm->flags & QCOW2_BITMAP_AUTO,
		.in_use = bm->flags & QCOW2_BITMAP_IN_USE,
		.unusable = qcow2_bitmap_unusable(bm),
	};
	return out->name && (out->unusable || count(q, bm, out, err));
}

static bool list(struct img_layer *ly, struct img_bitmap **out, size_t *n, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	struct img_bitmap *v;
	size_t done = 0;
	bool ok = true;

	if (!qcow2_bitmaps_get(q, err))
		return false;
	const struct qcow2_bitmap_list *all = &q->bitmaps->list;
	v = img_calloc(img_max_u64(all->n, 1), sizeof(*v), err);
	if (!v)
		return false;
	while (ok && done < all->n) {
		ok = describe(q, &all->v[done], &v[done], err);
		done++;
	}
	if (ok) {
		*out = v;
		*n = done;
		return true;
	}
	while (done > 0)
		free(v[--done].name);
	free(v);
	return false;
}

static bool next(struct img_layer *ly, const char *name, struct img_bitmap_run *out,
		 struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	const struct qcow2_bitmap *bm = need_usable(q, name, true, err);

	if (!bm)
		return false;
	qcow2_bitmap_next(bm, q->header.size, out->start, &out->start, &out->len);
	return true;
}

/* ---- Changing ------------------------------------------------------------------------------------ */

static bool check_new(const struct qcow2 *q, const char *name, uint64_t granularity,
		      struct img_err *err)
{
	if (q->header.version < 3)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("an image of version 2 can have no bitmaps"));
	if (!q->header.size)
		return img_fail(err, IMG_E_RANGE, _("a disk of no bytes cannot have bitmaps"));
	if (!*name || strlen(name) > QCOW2_BITMAP_NAME_MAX)
		return img_fail(err, IMG_E_ARGUMENT,
				_("the name of a bitmap has between 1 and %d bytes"),
				QCOW2_BITMAP_NAME_MAX);
	if (!img_is_pow2(granularity) ||
	    granularity < UINT64_C(1) << QCOW2_BITMAP_GRANULARITY_MIN ||
	    granularity > UINT64_C(1) << QCOW2_BITMAP_GRANULARITY_MAX)
		return img_fail(err, IMG_E_ARGUMENT, _("a granularity of %" PRIu64 " bytes is not a "
				"power of two between 512 and 2 GiB"), granularity);
	if (find(q->bitmaps, name))
		return img_fail(err, IMG_E_ARGUMENT, _("there is a bitmap \"%s\" already"), name);
	if (q->bitmaps->list.n >= QCOW2_BITMAPS_MAX)
		return img_fail(err, IMG_E_RANGE, _("there are %d bitmaps already"),
				QCOW2_BITMAPS_MAX);
	return true;
}

static bool create(struct img_layer *ly, const char *name, uint64_t granularity, bool enabled,
		   struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	struct qcow2_bitmap fresh = {
		.type = QCOW2_BITMAP_TYPE_DIRTY, .changed = true,
		.flags = enabled ? QCOW2_BITMAP_AUTO : 0,
	}, *v;

	if (!granularity)
		granularity = img_min_u64(img_max_u64(qcow2_cluster_size(&q->geo), DEFAULT_MIN),
					  DEFAULT_MAX);
	if (!qcow2_bitmaps_get(q, err) || !check_new(q, name, granularity, err))
		return false;
	qcow2_bitmaps_begin_change(q);
	fresh.granularity_bits = (unsigned)__builtin_ctzll(granularity);
	struct qcow2_bitmap_list *all = &q->bitmaps->list;
	v = img_grow_by_one(all->v, all->n, &all->cap, sizeof(*v), err);
	if (!v)
		return false;
	all->v = v;
	fresh.name = img_strdup(name, err);
	if (!fresh.name || !qcow2_bitmap_make_bits(q, &fresh, err)) {
		qcow2_bitmap_clear(&fresh);
		return false;
	}
	v[all->n++] = fresh;
	return true;
}

static bool remove_bitmap(struct img_layer *ly, const char *name, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	struct qcow2_bitmap *bm = need(q, name, err);
	struct qcow2_bitmap_list *all;

	if (!bm)
		return false;
	const bool lost = q->bitmaps->lost;
	qcow2_bitmaps_begin_change(q);
	if (lost)
		return true;
	if (!qcow2_bitmaps_abandon(q->bitmaps, bm, err))
		return false;
	all = &q->bitmaps->list;
	qcow2_bitmap_clear(bm);
	all->n--;
	memmove(bm, bm + 1, (size_t)(all->v + all->n - bm) * sizeof(*bm));
	return true;
}

static bool clear(struct img_layer *ly, const char *name, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	struct qcow2_bitmap *bm = need_usable(q, name, false, err);

	if (!bm || !qcow2_bitmap_make_bits(q, bm, err))
		return false;
	bm->changed = true;
	return true;
}

static bool enable(struct img_layer *ly, const char *name, bool enabled, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	/* From now on writes are recorded in its bits. */
	struct qcow2_bitmap *bm = need_usable(q, name, enabled, err);

	if (!bm)
		return false;
	qcow2_bitmaps_begin_change(q);
	if (enabled)
		bm->flags |= QCOW2_BITMAP_AUTO;
	else
		bm->flags &= ~QCOW2_BITMAP_AUTO;
	return true;
}

static bool mark(struct img_layer *ly, const char *name, uint64_t at, uint64_t len,
		 struct img_err *err)
{
	struct qcow2_bitmap *bm = need_usable(ly->priv, name, true, err);

	if (!bm)
		return false;
	bm->changed |= qcow2_bitmap_set(bm, at, len);
	return true;
}

static uint64_t room(const struct img_layer *fresh, const struct img_bitmap *bitmaps, size_t n)
{
	const struct qcow2 *q = fresh->priv;
	const uint64_t cluster = qcow2_cluster_size(&q->geo);
	uint64_t sum = 0, dir = 0;

	for (size_t i = 0; i < n; i++) {
		struct qcow2_bitmap bm = {
			.name = bitmaps[i].name,
			.granularity_bits = (unsigned)__builtin_ctzll(bitmaps[i].granularity),
		};
		const struct qcow2_bitmap_list alone = { .v = &bm, .n = 1 };
		const uint64_t clusters = img_div_up(qcow2_bitmap_bytes(&bm, fresh->size), cluster);

		if (bitmaps[i].unusable)
			continue;
		sum += clusters * cluster + img_round_up(clusters * sizeof(uint64_t), cluster);
		dir += qcow2_bitmap_dir_len(&alone);
	}
	return sum + img_round_up(dir, cluster);
}

const struct img_bitmap_ops qcow2_bitmap_ops = {
	.list = list,
	.create = create,
	.remove = remove_bitmap,
	.clear = clear,
	.enable = enable,
	.mark = mark,
	.next = next,
	.room = room,
};
