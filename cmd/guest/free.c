/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See free.h: each partition is shown to the reader of its file system. */
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/text.h"
#include "guest/free_readers.h"
#include "guest/table.h"

static const struct {
	const char *type;
	free_reader *read;
} readers[] = {
	{ "ext2", free_read_ext }, { "ext3", free_read_ext }, { "ext4", free_read_ext },
	{ "vfat", free_read_fat }, { "ntfs", free_read_ntfs }, { "xfs", free_read_xfs },
	{ "btrfs", free_read_btrfs }, { "swap", free_read_swap },
};

/* ---- What a reader calls ------------------------------------------------------------------------- */

void *free_grow(void *v, size_t n, size_t *cap, size_t size)
{
	const size_t more = *cap ? 2 * *cap : 64;

	if (n < *cap)
		return v;
	v = reallocarray(v, more, size);
	if (v)
		*cap = more;
	return v;
}

int free_by_start(const void *a, const void *b)
{
	const struct img_span *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

bool free_place_add(struct free_place *place, uint64_t at, uint64_t len, struct img_err *err)
{
	struct free_space *to = place->space;
	struct img_span *last = to->n ? &to->spans[to->n - 1] : NULL;
	const uint64_t start = place->start + at;
	struct img_span *spans;

	if (last && last->start + last->len == start) {
		last->len += len;
		return true;
	}
	spans = free_grow(to->spans, to->n, &to->cap, sizeof(*spans));
	if (!spans)
		return out_of_memory(err);
	to->spans = spans;
	to->spans[to->n++] = (struct img_span){ .start = start, .len = len };
	return true;
}

bool free_place_read(struct free_place *place, uint64_t at, void *buf, size_t len,
		     struct img_err *err)
{
	struct img_err why = { 0 };

	memset(buf, 0, len);
	if (at > place->len || len > place->len - at) {
		place->why = N_("it reaches behind the end of its partition");
		return true;
	}
	if (img_read(place->im, place->start + at, buf, len, &why))
		return true;
	if (why.code != IMG_E_INCOMPLETE && why.code != IMG_E_CORRUPT) {
		*err = why;
		return false;
	}
	place->why = N_("what it says of itself cannot be read");
	return true;
}

bool free_place_get(struct free_place *place, uint64_t at, void *buf, size_t len)
{
	place->failed |= !free_place_read(place, at, buf, len, place->err);
	return !place->failed && !place->why;
}

bool free_place_put(struct free_place *place, uint64_t at, uint64_t len)
{
	place->failed |= !free_place_add(place, at, len, place->err);
	return !place->failed;
}

bool free_place_doubt(struct free_place *place, const char *why)
{
	place->why = why;
	return false;
}

bool free_place_starved(struct free_place *place)
{
	place->failed = true;
	return out_of_memory(place->err);
}

void *free_place_room(struct free_place *place, size_t n, size_t size)
{
	void *room = calloc(n, size);

	if (!room)
		free_place_starved(place);
	return room;
}

bool free_place_forced(struct free_place *place, const char *why)
{
	if (place->force)
		place->forced = true;
	else
		place->why = why;
	return place->force;
}

/* ---- One volume ---------------------------------------------------------------------------------- */

static free_reader *reader_of(const char *type)
{
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (!strcmp(readers[i].type, type))
			return readers[i].read;
	return NULL;
}

static uint64_t bytes_from(const struct free_space *space, size_t first)
{
	uint64_t bytes = 0;

	for (size_t i = first; i < space->n; i++)
		bytes += space->spans[i].len;
	return bytes;
}

static bool read_volume(struct img *im, bool force, struct free_space *space,
			struct free_volume *volume, struct img_err *err)
{
	free_reader *read = reader_of(volume->type);
	struct free_place place = {
		.im = im, .start = volume->start, .len = volume->len, .force = force,
		.space = space, .err = err,
	};
	const size_t first = space->n;

	if (!read)
		place.why = N_("what it does not use cannot be told here");
	else if (volume->start > img_size(im) || volume->len > img_size(im) - volume->start)
		place.why = N_("it reaches behind the end of the disk");
	else if (!read(&place, err))
		return false;
	if (place.why)
		space->n = first;
	volume->why = place.why;
	volume->forced = place.forced && !place.why;
	volume->free = bytes_from(space, first);
	space->bytes += volume->free;
	return true;
}

/* ---- All of them --------------------------------------------------------------------------------- */

static struct free_volume *add_volume(struct free_space *space, uint64_t start, uint64_t len,
				      const struct superblock *content)
{
	struct free_volume *volume = &space->volumes[space->n_volumes];

	if (!content->type[0])
		return NULL;
	*volume = (struct free_volume){ .start = start, .len = len };
	memcpy(volume->type, content->type, sizeof(volume->type));
	space->n_volumes++;
	return volume;
}

static int by_start(const void *a, const void *b)
{
	const struct free_volume *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static bool add_partitions(struct free_space *space, const struct table *table)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct partition *part = &table->parts[i];
		struct free_volume *volume;

		if (part->container)
			continue;
		volume = add_volume(space, part->start, part->len, &part->content);
		if (volume)
			volume->number = part->number;
	}
	if (space->n_volumes)
		qsort(space->volumes, space->n_volumes, sizeof(*space->volumes), by_start);
	return true;
}

static bool add_whole_disk(struct img *im, struct free_space *space, struct img_err *err)
{
	struct superblock content;

	if (!superblock_find(im, 0, img_size(im), &content, err))
		return false;
	(void)add_volume(space, 0, img_size(im), &content);	/* or there is nothing */
	return true;
}

static bool list_volumes(struct img *im, const struct table *table, struct free_space *space,
			 struct img_err *err)
{
	space->volumes = calloc(table->n + 1, sizeof(*space->volumes));
	if (!space->volumes)
		return out_of_memory(err);
	return table->kind == TABLE_NONE ? add_whole_disk(im, space, err)
					 : add_partitions(space, table);
}

/* Of two that share bytes neither can say what is free. */
static void find_overlaps(struct free_space *space)
{
	uint64_t end = 0;

	for (size_t i = 0; i < space->n_volumes; i++) {
		struct free_volume *volume = &space->volumes[i];

		if (volume->start < end)
			volume[0].why = volume[-1].why = N_("it overlaps another partition");
		if (volume->start + volume->len > end)
			end = volume->start + volume->len;
	}
}

static bool is_swap(const struct free_volume *volume)
{
	return !strcmp(volume->type, "swap");
}

/* Those of one of both sorts. */
static bool read_volumes(struct img *im, bool force, bool swap, struct free_space *space,
			 struct img_err *err)
{
	for (size_t i = 0; i < space->n_volumes; i++)
		if (is_swap(&space->volumes[i]) == swap && !space->volumes[i].why &&
		    !read_volume(im, force, space, &space->volumes[i], err))
			return false;
	return true;
}

/*
 * Swap space has no mark for being in use.  Where the file systems beside it were left in order, so was
 * the system that had it.
 */
static void judge_swap(struct free_space *space)
{
	bool in_order = true;

	for (size_t i = 0; i < space->n_volumes; i++) {
		const struct free_volume *volume = &space->volumes[i];

		if (volume->forced || (volume->why && reader_of(volume->type)))
			in_order = false;
	}
	for (size_t i = 0; !in_order && i < space->n_volumes; i++)
		if (is_swap(&space->volumes[i]))
			space->volumes[i].why = N_("a file system beside it was not left in order");
}

static bool read_all(struct img *im, bool force, struct free_space *space, struct img_err *err)
{
	find_overlaps(space);
	if (!read_volumes(im, force, false, space, err))
		return false;
	if (!force)
		judge_swap(space);
	if (!read_volumes(im, force, true, space, err))
		return false;
	if (space->n)
		qsort(space->spans, space->n, sizeof(*space->spans), free_by_start);
	return true;
}

bool free_space_find(struct img *im, bool force, struct free_space *out, struct img_err *err)
{
	struct sketch *sk = sketch_new(im, err);
	struct table table = { .n = 0 };
	bool ok;

	*out = (struct free_space){ .n = 0 };
	ok = sk && table_read(sk, im, &table, err) && list_volumes(im, &table, out, err) &&
	     read_all(im, force, out, err);
	table_free(&table);
	sketch_free(sk);
	return ok;
}

void free_space_clear(struct free_space *space)
{
	free(space->spans);
	free(space->volumes);
	*space = (struct free_space){ .n = 0 };
}
