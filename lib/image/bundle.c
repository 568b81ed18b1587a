/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tar archive of new images and small files.  A member is written behind a header that is made when
 * its length is known; so nothing is moved, and the archive itself is a file until it is whole.
 */
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "image/image.h"
#include "ovf/tar.h"

enum { HASH_BYTES = 1 << 20 };	/* read at once */

struct member {
	struct img_bundle_member shown;
	char *name;
	uint64_t at;			/* of its header */
};

struct img_bundle {
	struct img_store *st;		/* the file, or a temporary one in front of the pipe */
	struct img_store *pipe;		/* or NULL; also standard output that is a file */
	struct img_hash *hash;		/* or NULL */
	uint64_t time;
	uint64_t end;			/* where the next header comes */
	bool hash_later;		/* what is written now is hashed when it is there */
	struct member *members;
	size_t n, cap;
};

/* ---- Making it ----------------------------------------------------------------------------------- */

/* A file that the shell has opened can often not be read again. */
static bool open_output(struct img_bundle *b, const struct img_bundle_new *how, struct img_err *err)
{
	b->st = img_open_new_store(how->path, how->cache, err);
	if (!b->st || ((b->st->caps & IMG_STORE_SEEK) && strcmp(how->path, "-")))
		return b->st;
	b->pipe = b->st;
	b->st = img_store_temporary(NULL, err);
	return b->st;
}

struct img_bundle *img_bundle_create(const struct img_bundle_new *how, struct img_err *err)
{
	struct img_bundle *b = img_calloc(1, sizeof(*b), err);

	if (!b)
		return NULL;
	b->time = how->time < 0 ? 0 : (uint64_t)how->time;
	if (how->hash)
		b->hash = img_hash_open(how->hash, err);
	if ((b->hash || !how->hash) && open_output(b, how, err))
		return b;
	img_bundle_close(b);
	return NULL;
}

void img_bundle_close(struct img_bundle *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n; i++)
		free(b->members[i].name);
	free(b->members);
	img_hash_close(b->hash);
	img_store_close(b->st);
	img_store_close(b->pipe);
	free(b);
}

/* ---- Members ------------------------------------------------------------------------------------- */

static struct member *new_member(struct img_bundle *b, const char *name, struct img_err *err)
{
	struct member *v;

	if (strlen(name) > TAR_NAME_MOST) {
		img_fail(err, IMG_E_RANGE, _("the name \"%s\" is longer than the %d bytes that an "
					     "archive has for it"), name, TAR_NAME_MOST);
		return NULL;
	}
	v = img_grow_by_one(b->members, b->n, &b->cap, sizeof(*v), err);
	if (!v)
		return NULL;
	b->members = v;
	v[b->n] = (struct member){ .name = img_strdup(name, err), .at = b->end };
	v[b->n].shown.name = v[b->n].name;
	return v[b->n].name ? &v[b->n++] : NULL;
}

/* The header, and what fills up the last block, of a member that is size bytes long. */
static bool frame(struct img_bundle *b, struct member *m, uint64_t size, struct img_err *err)
{
	const uint64_t begin = m->at + TAR_BLOCK, fill = img_round_up(size, TAR_BLOCK) - size;
	const uint8_t zeros[TAR_BLOCK] = { 0 };
	uint8_t header[TAR_BLOCK];

	m->shown.size = size;
	b->end = begin + size + fill;
	tar_header(m->name, size, b->time, header);
	return img_store_write(b->st, m->at, header, sizeof(header), err) &&
	       (!fill || img_store_write(b->st, begin + size, zeros, fill, err));
}

/* The sum of what was added to the hash. */
static bool take_sum(struct img_bundle *b, struct member *m, struct img_err *err)
{
	if (!b->hash)
		return true;
	m->shown.sum_len = img_hash_size(b->hash);
	return img_hash_finish(b->hash, m->shown.sum, err);
}

bool img_bundle_fill(struct img_bundle *b, size_t member, const void *bytes, struct img_err *err)
{
	struct member *m = &b->members[member];

	return img_store_write(b->st, m->at + TAR_BLOCK, bytes, m->shown.size, err) &&
	       (!b->hash || img_hash_add(b->hash, bytes, m->shown.size, err)) && take_sum(b, m, err);
}

bool img_bundle_add(struct img_bundle *b, const char *name, const void *bytes, size_t len,
		    struct img_err *err)
{
	struct member *m = new_member(b, name, err);

	return m && frame(b, m, len, err) && (!bytes || img_bundle_fill(b, b->n - 1, bytes, err));
}

static struct img *create_image(struct img_bundle *b, const struct member *m,
				const struct img_create *what, struct img_hash *hash, struct img_err *err)
{
	struct img_store *tail = img_store_tail(b->st, m->at + TAR_BLOCK, hash, err);

	return tail ? img_create_inside(tail, what, err) : NULL;
}

struct img *img_bundle_image(struct img_bundle *b, const struct img_create *what, struct img_err *err)
{
	struct member *m = new_member(b, what->path, err);
	struct img_err why = { 0 };
	struct img *im;

	if (!m)
		return NULL;
	im = create_image(b, m, what, b->hash, &why);
	b->hash_later = !im && b->hash && why.code == IMG_E_UNSUPPORTED;
	if (b->hash_later)
		return create_image(b, m, what, NULL, err);
	if (!im && err)
		*err = why;
	return im;
}

/* What was not hashed on its way. */
static bool catch_up(struct img_bundle *b, uint64_t at, uint64_t end, struct img_err *err)
{
	IMG_AUTO_FREE void *buf = b->hash_later ? img_alloc_aligned(HASH_BYTES, err) : NULL;

	if (!b->hash_later)
		return true;
	b->hash_later = false;
	while (buf && at < end) {
		const size_t len = img_min_u64(HASH_BYTES, end - at);

		if (!img_store_read(b->st, at, buf, len, err) || !img_hash_add(b->hash, buf, len, err))
			return false;
		at += len;
	}
	return buf;
}

bool img_bundle_end(struct img_bundle *b, struct img_err *err)
{
	struct member *m = &b->members[b->n - 1];
	const uint64_t begin = m->at + TAR_BLOCK;
	uint64_t end;

	return img_store_size(b->st, &end, err) && catch_up(b, begin, end, err) &&
	       take_sum(b, m, err) && frame(b, m, end - begin, err);
}

size_t img_bundle_count(const struct img_bundle *b)
{
	return b->n;
}

void img_bundle_member(const struct img_bundle *b, size_t member, struct img_bundle_member *out)
{
	*out = b->members[member].shown;
}

/* ---- The end ------------------------------------------------------------------------------------- */

bool img_bundle_finish(struct img_bundle *b, struct img_err *err)
{
	const uint8_t zeros[TAR_END_BLOCKS * TAR_BLOCK] = { 0 };

	if (!img_store_write(b->st, b->end, zeros, sizeof(zeros), err))
		return false;
	if (b->pipe)
		return img_pour(b->st, b->pipe, err) && img_store_publish(b->pipe, err);
	return img_store_publish(b->st, err);
}
