/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The units of a file that is packed: a list that is collected in any order, and searched then. */
#include <stdlib.h>

#include "base/mem.h"
#include "format/packing.h"

static int compare(const void *a, const void *b)
{
	const struct img_pack_unit *x = a, *y = b;

	if (x->host != y->host)
		return x->host < y->host ? -1 : 1;
	return (y->len > x->len) - (y->len < x->len);
}

void img_pack_units_unite(struct img_pack_units *units)
{
	size_t n = 0;

	if (units->n)
		qsort(units->v, units->n, sizeof(*units->v), compare);
	for (size_t i = 0; i < units->n; i++)
		if (!n || units->v[n - 1].host != units->v[i].host)
			units->v[n++] = units->v[i];
	units->n = n;
}

bool img_pack_units_add(struct img_pack_units *units, struct img_pack_unit one, struct img_err *err)
{
	struct img_pack_unit *v = img_grow_by_one(units->v, units->n, &units->cap, sizeof(*v), err);

	if (!v)
		return false;
	units->v = v;
	v[units->n++] = one;
	return true;
}

/* However often the same is seen: most of what is sorted is new, or half of the room is free again. */
static bool make_room(struct img_pack_units *units, struct img_err *err)
{
	const size_t more = 2 * units->cap + 64;
	struct img_pack_unit *v;

	if (units->n < units->cap)
		return true;
	img_pack_units_unite(units);
	if (units->n < units->cap / 2)
		return true;
	v = img_grow(units->v, more, sizeof(*v), err);
	if (!v)
		return false;
	units->v = v;
	units->cap = more;
	return true;
}

bool img_pack_units_see(struct img_pack_units *units, struct img_pack_unit one, struct img_err *err)
{
	return make_room(units, err) && img_pack_units_add(units, one, err);
}

const struct img_pack_unit *img_pack_units_find(const struct img_pack_units *units, uint64_t host)
{
	size_t low = 0, high = units->n;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (units->v[middle].host <= host)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || host - units->v[low - 1].host >= units->v[low - 1].len)
		return NULL;
	return &units->v[low - 1];
}

bool img_pack_units_changed(const struct img_pack_units *units)
{
	for (size_t i = 0; i < units->n; i++)
		if (units->v[i].now != units->v[i].host || units->v[i].recoded)
			return true;
	return false;
}

void img_pack_units_clear(struct img_pack_units *units)
{
	free(units->v);
	*units = (struct img_pack_units){ 0 };
}
