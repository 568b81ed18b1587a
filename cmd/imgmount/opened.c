/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files that somebody has opened.  The disk and its partitions are windows on the one image that is
 * mounted; a snapshot is an image of its own, opened as long as somebody looks at it.
 */
#include <stdlib.h>
#include "common/memory.h"
#include "common/text.h"
#include "imgmount/imgmount.h"

/*
 * Our own lock would be in the way when the image is being written.  What a snapshot shows stays where
 * it is as long as the snapshot is there.
 */
static struct img *open_snapshot(const struct mount *mount, const char *id, struct img_err *err)
{
	struct source_options how = mount->source;

	how.snapshot = id;
	return source_open_again(&how, mount->path, mount->opt->write ? IMG_OPEN_NO_LOCK : 0, err);
}

static void add(struct mount *mount, struct opened *op)
{
	pthread_mutex_lock(&mount->lock);
	op->next = mount->opened;
	op->link = &mount->opened;
	if (op->next)
		op->next->link = &op->next;
	mount->opened = op;
	pthread_mutex_unlock(&mount->lock);
}

static void take_out(struct mount *mount, struct opened *op)
{
	pthread_mutex_lock(&mount->lock);
	*op->link = op->next;
	if (op->next)
		op->next->link = op->link;
	pthread_mutex_unlock(&mount->lock);
}

struct opened *opened_new(struct mount *mount, const struct shown *file, bool write,
			  struct img_err *err)
{
	struct opened *op = calloc(1, sizeof(*op));

	if (!op) {
		out_of_memory(err);
		return NULL;
	}
	add(mount, op);
	op->file = file;
	op->write = write;
	op->im = file->snapshot ? open_snapshot(mount, file->snapshot, err) : mount->im;
	if (op->im && img_size(op->im) >= file->len)
		return op;
	if (op->im)
		img_fail(err, IMG_E_CORRUPT, _("the snapshot is shorter than the image says"));
	opened_free(mount, op);
	return NULL;
}

void opened_free(struct mount *mount, struct opened *op)
{
	take_out(mount, op);
	if (op->im != mount->im)
		img_close(op->im);
	free(op);
}

void opened_free_all(struct mount *mount)
{
	while (mount->opened)
		opened_free(mount, mount->opened);
}

static bool is_data(const struct img_extent *ex)
{
	return ex->kind != IMG_EXTENT_HOLE && ex->kind != IMG_EXTENT_ZERO;
}

bool opened_seek(const struct opened *op, uint64_t at, bool data, uint64_t *found,
		 struct img_err *err)
{
	const uint64_t start = op->file->start, end = start + op->file->len;
	struct img_extent ex = { .start = start + at };

	while (ex.start < end) {
		if (!img_extent_of_bytes(op->im, ex.start, end, &ex, err))
			return false;
		if (is_data(&ex) == data)
			break;
		ex.start += ex.len;
	}
	*found = ex.start - start;
	return true;
}
