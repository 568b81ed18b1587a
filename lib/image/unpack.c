/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a file holds that may be compressed, or an archive, or one in the other.
 *
 * A file is looked into by its first bytes alone, whatever its name is, and a disk comes first: what
 * begins as an image of any format is that image, what has partitions is raw, and a CD is a disk although
 * it is an archive, too; so iso9660, binary cpio, tar without a signature, and what compress(1) made, are
 * looked for only where a member was named.
 */
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "image/image.h"
#include "store/unpack.h"

/* A compressed image in an archive that is compressed, and no more of that than anybody has seen. */
enum { MOST_STEPS = 6, TAR_MAGIC = 257 };

struct unpacking {
	const struct img_open *how;
	const char *member;	/* still to be looked for, or NULL */
	struct img_store *st;
	uint8_t head[IMG_PEEK_BYTES];
	size_t len;
	unsigned steps;
};

static bool look(struct unpacking *u, struct img_err *err)
{
	return (u->st->caps & IMG_STORE_SEEK)
		       ? img_store_read_some(u->st, 0, u->head, sizeof(u->head), &u->len, err)
		       : img_store_peek(u->st, u->head, sizeof(u->head), &u->len, err);
}

static bool starts(const uint8_t *head, size_t len, size_t at, const char *magic, size_t n)
{
	return len >= at + n && !memcmp(head + at, magic, n);
}

static bool starts_7zip(const uint8_t *head, size_t len)
{
	return starts(head, len, 0, "7z\xbc\xaf\x27\x1c", 6);
}

/* One whose numbers are digits. */
static bool starts_cpio(const uint8_t *head, size_t len)
{
	return starts(head, len, 0, "070701", 6) || starts(head, len, 0, "070702", 6) ||
	       starts(head, len, 0, "070707", 6);
}

static bool starts_archive(const uint8_t *head, size_t len)
{
	return starts(head, len, TAR_MAGIC, "ustar", 5) || starts(head, len, 0, "PK\3\4", 4) ||
	       starts_7zip(head, len) || starts_cpio(head, len);
}

/*
 * A partition table whose entries can be ones; of compressed bytes one in 65536 has the signature alone.
 * A guest may have written anything in front of it.
 */
static bool has_partitions(const uint8_t *head, size_t len)
{
	uint8_t types = 0;

	if (len < 512 || head[510] != 0x55 || head[511] != 0xaa)
		return false;
	for (const uint8_t *entry = head + 446; entry < head + 510; entry += 16) {
		if (entry[0] & 0x7f)
			return false;
		types |= entry[4];
	}
	return types;
}

bool img_looks_packed(const uint8_t *head, size_t len)
{
	return !has_partitions(head, len) && (starts_archive(head, len) || img_packing_of(head, len, false));
}

/* What looks packed may be an image whose header comes last, and whose first block is compressed. */
static bool is_image(struct unpacking *u, bool *is, struct img_err *err)
{
	const struct img_format *format;
	bool wait;

	if (!img_needs_end(u->st, &wait, err) || (wait && !img_put_spool(&u->st, u->how, err)) ||
	    !img_look_at(u->st, &format, err))
		return false;
	*is = format != &img_format_raw;
	return true;
}

static bool is_7zip(const struct unpacking *u)
{
	return starts_7zip(u->head, u->len);
}

static bool is_archive(const struct unpacking *u)
{
	return starts_archive(u->head, u->len);
}

/* Of what is compressed without an archive in it, that is member 1. */
static bool is_only_member(const struct unpacking *u)
{
	return u->steps > 0 && u->member && !strcmp(u->member, "1") && !is_archive(u);
}

static bool unpack(struct unpacking *u, const struct img_packing *packing, struct img_err *err)
{
	const uint64_t most = u->how->max_size ? u->how->max_size : IMG_MAX_UNPACKED;
	struct img_store *st = img_store_unpacked(u->st, packing, most, err);

	if (st)
		u->st = st;
	return st;
}

/* Takes a member of u->st, whatever comes of it. */
static bool enter(struct unpacking *u, struct img_err *err)
{
	struct img_open how = *u->how;

	how.member = u->member;
	if (is_7zip(u) && !(u->st->caps & IMG_STORE_SEEK) && !img_put_spool(&u->st, u->how, err))
		return false;
	u->st = img_open_member(u->st, &how, err);
	u->member = NULL;
	return u->st;
}

/* One step further in; *more: there was one. */
static bool step(struct unpacking *u, bool *more, struct img_err *err)
{
	const struct img_packing *packing;
	bool image = false;

	if (!look(u, err))
		return false;
	*more = u->member || img_looks_packed(u->head, u->len);
	if (*more && !u->member && !is_image(u, &image, err))
		return false;
	*more &= !image;
	if (!*more)
		return true;
	packing = img_packing_of(u->head, u->len, u->member);
	if (packing)
		return unpack(u, packing, err);
	*more = !is_only_member(u);
	return !*more || enter(u, err);
}

static bool go_in(struct unpacking *u, struct img_err *err)
{
	bool more = true;

	while (more) {
		if (u->steps == MOST_STEPS)
			return img_fail(err, IMG_E_UNSUPPORTED, _("%s: is packed more than %d times"),
					u->st->name, MOST_STEPS);
		if (!step(u, &more, err))
			return false;
		u->steps += more;
		if (more && (u->how->flags & IMG_OPEN_WRITE))
			return img_fail(err, IMG_E_UNSUPPORTED, _("%s: is an archive or compressed, and "
					"cannot be written in place"), u->st->name);
	}
	return true;
}

/* As far as an archive. */
static bool go_to_archive(struct unpacking *u, struct img_err *err)
{
	const struct img_packing *packing;

	if (!look(u, err))
		return false;
	for (; u->steps < MOST_STEPS && (packing = img_packing_of(u->head, u->len, true)); u->steps++)
		if (!unpack(u, packing, err) || !look(u, err))
			return false;
	return !is_7zip(u) || (u->st->caps & IMG_STORE_SEEK) || img_put_spool(&u->st, u->how, err);
}

struct img_store *img_open_packed(const struct img_open *how, struct img_err *err)
{
	struct unpacking u = { .how = how, .st = img_open_path(how, err) };

	if (!u.st || go_to_archive(&u, err))
		return u.st;
	img_store_close(u.st);
	return NULL;
}

struct img_store *img_unpack(struct img_store *st, const struct img_open *how, struct img_err *err)
{
	struct unpacking u = { .how = how, .member = how->member, .st = st };
	const bool plain = !how->member && how->format && !strcmp(how->format, img_format_raw.name);
	bool ok = plain || go_in(&u, err);

	/* Nobody can go back in a stream, and most have to. */
	if (ok && u.steps && !(u.st->caps & IMG_STORE_SEEK) && !(how->flags & IMG_OPEN_ONCE))
		ok = img_put_spool(&u.st, how, err);
	if (ok)
		return u.st;
	img_store_close(u.st);
	return NULL;
}
