/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which member of an archive is the image, and its bytes: where they lie, or as a stream.
 *
 * An archive in which one can go back is read through first.  Of one that comes as a stream the first
 * member that may be meant is taken, and behind it nothing may follow that could be meant as well.
 */
#include <inttypes.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "image/image.h"
#include "store/archive.h"
#include "store/unpack.h"

/* ---- What may be meant --------------------------------------------------------------------------- */

struct choice {
	const char *wanted;	/* how->member, or NULL: what looks like an image */
	uint64_t n_files, n_meant;
	uint64_t file, meant;	/* number of the last of each */
	char names[256];	/* some of those that are meant; if none is, of all files */
};

static bool is_number(const char *wanted)
{
	return wanted && *wanted && strspn(wanted, "0123456789") == strlen(wanted);
}

/* "disk.vmdk.gz" is called as a VMDK is. */
static bool is_named_as_image(const char *name, struct img_err *err, bool *is)
{
	static const char *const packed[] = { ".gz", ".xz", ".zst", ".bz2", ".lz4", ".lz" };
	IMG_AUTO_FREE char *copy = img_strdup(name, err);

	if (!copy)
		return false;
	for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
		const size_t len = strlen(copy), n = strlen(packed[i]);

		if (len > n && !strcmp(copy + len - n, packed[i]))
			copy[len - n] = '\0';
	}
	*is = img_format_for_file(copy);
	return true;
}

/* The signature of a boot sector, or of a format. */
static bool begins_as_image(const uint8_t *head, size_t len)
{
	const struct img_peek peek = {
		.head = head, .head_len = img_min_u64(len, IMG_PEEK_BYTES), .size = IMG_SIZE_UNKNOWN,
	};
	const struct img_format *format;

	if (len >= 512 && head[510] == 0x55 && head[511] == 0xaa)
		return true;
	return len && img_probe(&peek, &format) > 0 && format != &img_format_raw;
}

static bool is_meant(struct img_archive *archive, const struct img_member *m, const char *wanted,
		     bool *is, struct img_err *err)
{
	const void *head;
	size_t len;

	*is = wanted && img_member_is(m, wanted);
	if (wanted || m->kind != IMG_MEMBER_FILE)
		return true;
	if (!img_archive_peek(archive, &head, &len, err))
		return false;
	*is = begins_as_image(head, len);
	return *is || is_named_as_image(m->name, err, is);
}

static void add_name(struct choice *c, const struct img_member *m)
{
	const size_t len = strlen(c->names);
	const int n = snprintf(c->names + len, sizeof(c->names) - len, "%s%" PRIu64 " \"%s\"",
			       len ? ", " : "", m->number, m->name);

	if (n < 0 || (size_t)n >= sizeof(c->names) - len) {
		c->names[len] = '\0';
		if (len && len + 6 < sizeof(c->names) && strcmp(c->names + len - 3, "..."))
			memcpy(c->names + len, ", ...", 6);
	}
}

static bool consider(struct choice *c, struct img_archive *archive, const struct img_member *m,
		     bool *meant, struct img_err *err)
{
	if (!is_meant(archive, m, c->wanted, meant, err))
		return false;
	if (*meant && !c->n_meant)
		c->names[0] = '\0';
	if (*meant) {
		c->n_meant++;
		c->meant = m->number;
	}
	if (m->kind == IMG_MEMBER_FILE) {
		c->n_files++;
		c->file = m->number;
	}
	if (*meant || (!c->n_meant && m->kind == IMG_MEMBER_FILE))
		add_name(c, m);
	return true;
}

/* Why not one member alone is meant. */
static bool fail_to_choose(const struct choice *c, const char *name, struct img_err *err)
{
	if (c->wanted && c->n_meant)
		return img_fail(err, IMG_E_AMBIGUOUS, _("%s: \"%s\" means several members (%s)"), name,
				c->wanted, c->names);
	if (c->wanted)
		return img_fail(err, IMG_E_AMBIGUOUS, _("%s: has no member \"%s\", but %s"), name,
				c->wanted, c->n_files ? c->names : _("no files at all"));
	if (c->n_meant)
		return img_fail(err, IMG_E_AMBIGUOUS, _("%s: holds several images (%s)"), name,
				c->names);
	if (c->n_files == 1)
		return img_fail(err, IMG_E_AMBIGUOUS,
				_("%s: holds one file (%s), which does not look like an image"), name,
				c->names);
	if (c->n_files)
		return img_fail(err, IMG_E_AMBIGUOUS,
				_("%s: holds several files (%s), of which none looks like an image"), name,
				c->names);
	return img_fail(err, IMG_E_NOT_THIS_FORMAT, _("%s: is an archive without a file in it"), name);
}

/* ---- The bytes of a member ----------------------------------------------------------------------- */

struct member_stream {
	struct img_producer producer;
	struct img_archive *archive;
	struct choice choice;		/* what may not follow */
	char *wanted;			/* behind choice; owned */
	bool whole;			/* all was looked at */
};

/* To the end of a stream, from that of the member: other choices may follow, and a checksum. */
static bool look_behind(struct member_stream *m, struct img_err *err)
{
	struct img_member next;
	bool end = m->whole || (m->producer.in.st->caps & IMG_STORE_SEEK), meant;

	while (!end)
		if (!img_archive_next(m->archive, &next, &end, err) ||
		    (!end && !consider(&m->choice, m->archive, &next, &meant, err)))
			return false;
	m->whole = true;
	return m->choice.n_meant <= 1 ||
	       fail_to_choose(&m->choice, m->producer.in.st->name, err);
}

static bool member_make(struct img_producer *producer, uint8_t *buf, size_t len, size_t *got,
			struct img_err *err)
{
	struct member_stream *m = (struct member_stream *)producer;

	img_archive_stop_by(m->archive, producer->in.stop);
	return img_archive_read(m->archive, buf, len, got, err) && (*got || look_behind(m, err));
}

static void member_close(struct img_producer *producer)
{
	struct member_stream *m = (struct member_stream *)producer;

	img_archive_close(m->archive);
	img_store_close(producer->in.st);
	free(m->wanted);
	free(m);
}

static const struct img_producer_ops member_ops = { .make = member_make, .close = member_close };

/* One that an archive has got to. */
struct found {
	struct img_store *st;		/* the archive's */
	struct img_archive *archive;
	struct img_member member;
	struct choice choice;
	uint64_t most;
};

/* On failure archive and its store stay the caller's. */
static struct img_store *stream_member(const struct found *f, const char *shown_as, struct img_err *err)
{
	struct member_stream *m = img_calloc(1, sizeof(*m), err);
	struct img_store *st = NULL;

	if (!m)
		return NULL;
	m->producer.ops = &member_ops;
	m->choice = f->choice;
	m->wanted = f->choice.wanted ? img_strdup(f->choice.wanted, err) : NULL;
	m->choice.wanted = m->wanted;
	if (m->wanted || !f->choice.wanted)
		st = img_store_produced(&m->producer, shown_as, f->most, err);
	if (!st) {
		member_close(&m->producer);
		return NULL;
	}
	m->archive = f->archive;
	m->producer.in.st = f->st;
	return st;
}

static bool check_member(const struct found *f, struct img_err *err)
{
	const struct img_member *m = &f->member;

	if (m->kind != IMG_MEMBER_FILE)
		return img_fail(err, IMG_E_ARGUMENT, _("%s: member %" PRIu64 ", \"%s\", is no file"),
				f->st->name, m->number, m->name);
	return m->in_place || m->size == IMG_SIZE_UNKNOWN || m->size <= f->most ||
	       img_fail(err, IMG_E_RANGE, _("%s: member %" PRIu64 ", \"%s\", has %" PRIu64 " bytes, and %"
			PRIu64 " are allowed"), f->st->name, m->number, m->name, m->size, f->most);
}

/* The archive is closed, or belongs to the result. */
static struct img_store *use_member(const struct found *f, struct img_err *err)
{
	IMG_AUTO_FREE char *shown_as = NULL;
	struct img_store *st = NULL;

	if (check_member(f, err))
		shown_as = img_member_shown_as(f->st, &f->member, err);
	if (shown_as && !f->member.in_place) {
		st = stream_member(f, shown_as, err);
		if (st)
			return st;
	} else if (shown_as) {
		st = img_store_part(f->st, f->member.at, f->member.size, shown_as, err);
	}
	img_archive_close(f->archive);
	return st;
}

/* ---- Choosing ------------------------------------------------------------------------------------ */

static struct img_archive *begin(struct img_store *st, struct img_err *err)
{
	const struct img_pull in = { .st = st };

	return img_archive_read_from(&in, IMG_ARCHIVE_MEMBERS, false, err);
}

static bool read_through(struct choice *c, struct img_archive *archive, struct img_err *err)
{
	struct img_member m;
	bool end = false, meant;

	while (!end)
		if (!img_archive_next(archive, &m, &end, err) ||
		    (!end && !consider(c, archive, &m, &meant, err)))
			return false;
	return true;
}

/* The number of the one member that is meant. */
static bool choose(struct img_store *st, const char *wanted, uint64_t *number, struct img_err *err)
{
	struct img_archive *archive = begin(st, err);
	struct choice c = { .wanted = wanted };
	const bool ok = archive && read_through(&c, archive, err);

	img_archive_close(archive);
	if (!ok)
		return false;
	*number = c.n_meant ? c.meant : c.file;
	return c.n_meant == 1 || (!c.n_meant && !wanted && c.n_files == 1) ||
	       fail_to_choose(&c, st->name, err);
}

/* To the first member that may be meant. */
static bool go_to(struct found *f, struct img_err *err)
{
	bool end, meant = false;

	while (!meant) {
		if (!img_archive_next(f->archive, &f->member, &end, err))
			return false;
		if (end)
			return fail_to_choose(&f->choice, f->st->name, err);
		if (!consider(&f->choice, f->archive, &f->member, &meant, err))
			return false;
	}
	return true;
}

static struct img_store *find_member(struct found *f, struct img_err *err)
{
	char text[24];
	uint64_t number;

	if ((f->st->caps & IMG_STORE_SEEK) && !is_number(f->choice.wanted)) {
		if (!choose(f->st, f->choice.wanted, &number, err))
			return NULL;
		(void)snprintf(text, sizeof(text), "%" PRIu64, number);	/* it fits */
		f->choice.wanted = text;
	}
	f->archive = begin(f->st, err);
	if (!f->archive)
		return NULL;
	if (go_to(f, err))
		return use_member(f, err);
	img_archive_close(f->archive);
	return NULL;
}

struct img_store *img_open_member(struct img_store *st, const struct img_open *how, struct img_err *err)
{
	struct found f = {
		.st = st, .choice.wanted = how->member,
		.most = how->max_size ? how->max_size : IMG_MAX_UNPACKED,
	};
	struct img_store *member = find_member(&f, err);

	if (!member)
		img_store_close(st);
	return member;
}

/* ---- For those who want to see the members ------------------------------------------------------- */

struct img_archive *img_archive_open(const struct img_open *how, struct img_err *err)
{
	struct img_store *st = img_open_packed(how, err);
	const struct img_pull in = { .st = st };
	struct img_archive *archive;

	if (!st)
		return NULL;
	archive = img_archive_read_from(&in, IMG_ARCHIVE_MEMBERS, true, err);
	if (!archive)
		img_store_close(st);
	return archive;
}
