/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tar archive of new images and small files.  A member is written behind a header that is made when
 * its length is known; so nothing is moved.  Into a pipe goes what is whole: member by member, unless
 * there is room in front that is filled later, and of a member whose length is known all as it comes.
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
	struct img_store *st;		/* the file, or a temporary one: what the pipe has not got yet */
	struct img_store *pipe;		/* or NULL; also standard output that is a file */
	struct img_hash *hash;		/* or NULL */
	char *path;
	uint64_t time;
	uint64_t end;			/* where the next header comes */
	uint64_t sent;			/* so much of it is in the pipe */
	size_t n_rooms;			/* members that are to be filled */
	bool straight;			/* the last member goes into the pipe as it comes */
	bool hash_later;		/* what is written now is hashed when it is there */
	struct member *members;
	size_t n, cap;
};

/* ---- Making it ----------------------------------------------------------------------------------- */

/* A file that the shell has opened can often not be read again. */
static bool open_output(struct img_bundle *b, const struct img_bundle_new *how, struct img_err *err)
{
	b->st = how->filter ? img_open_new_packed(how->path, how->cache, how->filter, err)
			    : img_open_new_store(how->path, how->cache, err);
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
	b->path = img_strdup(how->path, err);
	if (how->hash && b->path)
		b->hash = img_hash_open(how->hash, err);
	if (b->path && (b->hash || !how->hash) && open_output(b, how, err))
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
	free(b->path);
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

/* Where the last member goes, and what is at that offset of the archive. */
static struct img_store *way_of(const struct img_bundle *b, uint64_t *at)
{
	*at -= b->straight ? 0 : b->sent;
	return b->straight ? b->pipe : b->st;
}

static bool put(const struct img_bundle *b, uint64_t at, const void *bytes, size_t len,
		struct img_err *err)
{
	struct img_store *way = way_of(b, &at);

	return img_store_write(way, at, bytes, len, err);
}

static bool put_header(struct img_bundle *b, struct member *m, uint64_t size, struct img_err *err)
{
	uint8_t header[TAR_BLOCK];

	m->shown.size = size;
	tar_header(m->name, size, b->time, header);
	return put(b, m->at, header, sizeof(header), err);
}

/* What fills up the last block of a member that has its header. */
static bool put_end(struct img_bundle *b, const struct member *m, struct img_err *err)
{
	const uint64_t end = m->at + TAR_BLOCK + m->shown.size;
	const uint8_t zeros[TAR_BLOCK] = { 0 };

	b->end = img_round_up(end, TAR_BLOCK);
	return b->end == end || put(b, end, zeros, b->end - end, err);
}

/* What is whole goes into the pipe, and takes no space any more. */
static bool send(struct img_bundle *b, struct img_err *err)
{
	const uint64_t from = b->sent;

	if (!b->pipe || b->n_rooms || from == b->end)
		return true;
	b->sent = b->end;
	return img_pour(b->st, b->pipe, from, err) && img_store_resize(b->st, 0, err);
}

/* The sum of what was added to the hash. */
static bool take_sum(struct img_bundle *b, struct member *m, struct img_err *err)
{
	if (!b->hash)
		return true;
	m->shown.sum_len = img_hash_size(b->hash);
	return img_hash_finish(b->hash, m->shown.sum, err);
}

static bool fill(struct img_bundle *b, struct member *m, const void *bytes, struct img_err *err)
{
	return put(b, m->at + TAR_BLOCK, bytes, m->shown.size, err) &&
	       (!b->hash || img_hash_add(b->hash, bytes, m->shown.size, err)) && take_sum(b, m, err);
}

bool img_bundle_fill(struct img_bundle *b, size_t member, const void *bytes, struct img_err *err)
{
	b->n_rooms--;
	return fill(b, &b->members[member], bytes, err);
}

bool img_bundle_add(struct img_bundle *b, const char *name, const void *bytes, size_t len,
		    struct img_err *err)
{
	struct member *m = new_member(b, name, err);

	if (!m || !put_header(b, m, len, err) || !put_end(b, m, err))
		return false;
	b->n_rooms += !bytes;
	return (!bytes || fill(b, m, bytes, err)) && send(b, err);
}

static struct img *create_image(struct img_bundle *b, const struct member *m,
				const struct img_create *what, struct img_hash *hash, struct img_err *err)
{
	uint64_t at = m->at + TAR_BLOCK;
	struct img_store *way = way_of(b, &at), *tail = img_store_tail(way, at, hash, err);

	struct img *im = tail ? img_create_inside(tail, what, err) : NULL;

	if (im)
		im->target->outer = b->pipe;
	return im;
}

/* Nobody has to wait for the length of a raw disk. */
static bool begin_straight(struct img_bundle *b, struct member *m, const struct img_create *what,
			   struct img_err *err)
{
	b->straight = b->pipe && !b->n_rooms && what->size != IMG_SIZE_UNKNOWN &&
		      img_format_named(what->format) == &img_format_raw;
	return !b->straight || (send(b, err) && put_header(b, m, what->size, err));
}

struct img *img_bundle_image(struct img_bundle *b, const struct img_create *what, struct img_err *err)
{
	/* When the archive gets its name no source is open any more, so no lock of one is in its way. */
	const bool apart = !strcmp(b->path, "-") || img_check_source(what->source, b->path, err);
	struct member *m = apart ? new_member(b, what->path, err) : NULL;
	struct img_err why = { 0 };
	struct img *im;

	if (!m || !begin_straight(b, m, what, err))
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

static bool end_straight(struct img_bundle *b, const struct member *m, struct img_err *err)
{
	const bool ok = put_end(b, m, err);

	b->straight = false;
	b->sent = b->end;
	return ok;
}

bool img_bundle_end(struct img_bundle *b, struct img_err *err)
{
	struct member *m = &b->members[b->n - 1];
	const uint64_t begin = m->at + TAR_BLOCK - b->sent;
	uint64_t end;

	if (b->straight)
		return take_sum(b, m, err) && end_straight(b, m, err);
	return img_store_size(b->st, &end, err) && catch_up(b, begin, end, err) &&
	       take_sum(b, m, err) && put_header(b, m, end - begin, err) && put_end(b, m, err) &&
	       send(b, err);
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

	if (!put(b, b->end, zeros, sizeof(zeros), err))
		return false;
	b->end += sizeof(zeros);
	return send(b, err) && img_store_publish(b->pipe ? b->pipe : b->st, err);
}
