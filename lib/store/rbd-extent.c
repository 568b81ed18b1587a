/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where data lie in an image on a cluster.  Asked is what changed since there was nothing, in the image and
 * in those that it is a clone of.  An object map answers that for many objects at once; without one each
 * object is asked, so that fewer of them are one question.
 */
#include "store/rbd.h"

#include <errno.h>
#include "base/mem.h"
#include "base/num.h"

/* Bytes that one question is about: a first answer is to come soon, and memory is to be bounded. */
#define WITH_MAP (UINT64_C(64) << 30)
#define WITHOUT_MAP (UINT64_C(1) << 30)

static int add_run(struct img_rbd_map *map, uint64_t at, size_t len)
{
	const uint64_t start = img_max_u64(at, map->start);
	const uint64_t end = img_min_u64(at + len, map->end);
	struct img_rbd_run *v;

	if (start >= end)
		return 0;
	if (map->n && start <= map->v[map->n - 1].end) {
		map->v[map->n - 1].end = img_max_u64(end, map->v[map->n - 1].end);
		return 0;
	}
	v = img_grow_by_one(map->v, map->n, &map->cap, sizeof(*v), NULL);
	if (!v)
		return -ENOMEM;
	map->v = v;
	v[map->n++] = (struct img_rbd_run){ .start = start, .end = end };
	return 0;
}

static int add_data(uint64_t at, size_t len, int exists, void *map)
{
	return exists ? add_run(map, at, len) : 0;
}

static int add_change(uint64_t at, size_t len, int exists, void *map)
{
	(void)exists;
	return add_run(map, at, len);
}

/* Whether an object map can be asked. */
static bool has_map(struct img_rbd *rbd)
{
	uint64_t features, flags;

	return rbd->lib.get_features(rbd->image, &features) >= 0 &&
	       rbd->lib.get_flags(rbd->image, &flags) >= 0 &&
	       (features & RBD_FEATURE_FAST_DIFF) && !(flags & RBD_FLAG_FAST_DIFF_INVALID);
}

bool img_rbd_map_ask(struct img_rbd *rbd, uint64_t at, uint64_t limit, struct img_rbd_map *map,
		     struct img_err *err)
{
	const bool whole_objects = has_map(rbd);
	const uint64_t window = whole_objects ? WITH_MAP : WITHOUT_MAP;

	map->start = at;
	map->end = at + img_min_u64(limit - at, window);
	map->n = 0;
	return img_rbd_fail(rbd, rbd->lib.diff_iterate2(rbd->image, NULL, at, map->end - at, 1,
						   whole_objects, add_data, map),
			    err, _("nobody tells where its data are"));
}

/* Object maps have been wrong about this in some versions, so that each object is asked. */
bool img_rbd_map_changes(struct img_rbd *rbd, const char *since, uint64_t at, uint64_t limit,
			 struct img_rbd_map *map, struct img_err *err)
{
	map->start = at;
	map->end = at + img_min_u64(limit - at, WITHOUT_MAP);
	map->n = 0;
	return img_rbd_fail(rbd, rbd->lib.diff_iterate2(rbd->image, since, at, map->end - at, 1, 0,
						   add_change, map),
			    err, _("nobody tells what has changed"));
}

void img_rbd_map_find(const struct img_rbd_map *map, uint64_t at, uint64_t limit, bool *data,
		      uint64_t *end)
{
	size_t low = 0, high = map->n;

	/* The first run that ends behind `at`. */
	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (map->v[middle].end <= at)
			low = middle + 1;
		else
			high = middle;
	}
	*data = low < map->n && map->v[low].start <= at;
	*end = img_min_u64(limit, low == map->n ? map->end
				  : *data ? map->v[low].end : map->v[low].start);
}
