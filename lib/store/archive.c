/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading archives through libarchive: what is in them, where that lies, and its bytes.  Which formats
 * may be looked for is said one by one: none that opens files by names in the archive (mtree), and no
 * filter that starts a program.
 */
#include "store/archive.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"
#include "store/archive-7zip.h"
#include "store/libarchive.h"

enum { INPUT_BYTES = 256 * 1024 };
enum { ISO_RECORD_BYTES = 33, MOST_RECORDS = 1 << 20 };
/* Bytes that may tell of one member: names and folders are kept in memory. */
enum { MOST_HEADER = 8 << 20 };

struct img_archive {
	enum img_archive_kind kind;
	struct img_libarchive la;
	struct archive *reader;
	struct img_pull in;
	bool owns;			/* the store of in */
	bool in_header;			/* what is read tells of members */
	uint64_t header_bytes;		/* of that, in one piece */
	uint8_t *input;
	struct img_err failed;		/* why libarchive got no more bytes */
	struct img_member member;	/* the current one; name is owned */
	bool sparse;			/* it has holes */
	const uint8_t *block;		/* of its bytes, what libarchive gave and nobody has taken: */
	size_t block_len;
	uint64_t block_at;		/* at this offset of the member */
	uint64_t done;			/* bytes of it that were taken */
	bool ended;			/* no more blocks come */
};

/* ---- What libarchive asks for -------------------------------------------------------------------- */

static la_ssize_t give(struct archive *reader, void *ctx, const void **bytes)
{
	struct img_archive *a = ctx;
	size_t got;

	if (!img_pull(&a->in, a->input, INPUT_BYTES, &got, &a->failed)) {
		a->la.set_error(reader, EIO, "%s", a->failed.text);
		return ARCHIVE_FATAL;
	}
	a->header_bytes += got;
	if (a->in_header && a->header_bytes > MOST_HEADER) {
		img_fail(&a->failed, IMG_E_RANGE, _("%s: takes more than the %d bytes that are read to tell "
			 "of a member"), a->in.st->name, MOST_HEADER);
		return ARCHIVE_FATAL;
	}
	*bytes = a->input;
	return (la_ssize_t)got;
}

static bool know_size(struct img_archive *a, uint64_t *size)
{
	return img_store_size(a->in.st, size, &a->failed);
}

static la_int64_t skip(struct archive *reader, void *ctx, la_int64_t wanted)
{
	struct img_archive *a = ctx;
	uint64_t size, n;

	(void)reader;
	if (wanted <= 0 || !know_size(a, &size))
		return 0;
	n = a->in.at < size ? img_min_u64((uint64_t)wanted, size - a->in.at) : 0;
	a->in.at += n;
	a->header_bytes = 0;
	return (la_int64_t)n;
}

static la_int64_t seek(struct archive *reader, void *ctx, la_int64_t offset, int whence)
{
	struct img_archive *a = ctx;
	uint64_t size, from;

	(void)reader;
	if (!know_size(a, &size))
		return ARCHIVE_FATAL;
	from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? a->in.at : size;
	if (offset < 0 ? -(uint64_t)offset > from : (uint64_t)offset > INT64_MAX - from)
		return ARCHIVE_FATAL;
	a->in.at = from + (uint64_t)offset;
	a->in.ended = false;
	a->header_bytes = 0;
	return (la_int64_t)a->in.at;
}

/* ---- Errors -------------------------------------------------------------------------------------- */

static const char *reason(const struct img_archive *a)
{
	const char *why = a->la.error_string(a->reader);

	return why ? why : _("it is damaged, or ends too early");
}

/* libarchive has no code for what ends too early, but words. */
static enum img_code class_of(const char *why)
{
	static const char *const ends[] = {
		"truncated", "no progress is possible", "remaining data is less",
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (strcasestr(why, ends[i]))
			return IMG_E_INCOMPLETE;
	return IMG_E_CORRUPT;
}

/* Fails with what libarchive says, or with why it got no bytes. */
static bool fail_with_reason(struct img_archive *a, struct img_err *err)
{
	const char *why = reason(a);

	if (a->failed.code != IMG_OK) {
		if (err)
			*err = a->failed;
		return false;
	}
	if (a->kind == IMG_ARCHIVE_COMPRESSED || !a->member.name)
		return img_fail(err, class_of(why),
				_("%s: cannot be unpacked at offset %" PRIu64 ": %s"), a->in.st->name,
				a->done, why);
	return img_fail(err, class_of(why),
			_("%s: member %" PRIu64 ", \"%s\": cannot be unpacked at offset %" PRIu64 ": %s"),
			a->in.st->name, a->member.number, a->member.name, a->done, why);
}

/* The same of what follows the current member. */
static bool fail_behind(struct img_archive *a, struct img_err *err)
{
	if (a->failed.code != IMG_OK || a->kind == IMG_ARCHIVE_COMPRESSED)
		return fail_with_reason(a, err);
	if (!a->member.number)
		return img_fail(err, class_of(reason(a)), _("%s: its first member cannot be read: %s"),
				a->in.st->name, reason(a));
	return img_fail(err, class_of(reason(a)),
			_("%s: cannot be read behind member %" PRIu64 ": %s"), a->in.st->name,
			a->member.number, reason(a));
}

/* Warnings about a header are about owners, times and the like. */
static bool is_good(int result)
{
	return result == ARCHIVE_OK || result == ARCHIVE_WARN;
}

/* ---- Blocks -------------------------------------------------------------------------------------- */

static bool check_block(struct img_archive *a, struct img_err *err)
{
	if (a->block_at >= a->done && a->block_at <= INT64_MAX - a->block_len)
		return true;
	return img_fail(err, IMG_E_CORRUPT,
			_("%s: member %" PRIu64 ", \"%s\": has bytes at offset %" PRIu64 ", behind which "
			  "others were already"),
			a->in.st->name, a->member.number, a->member.name, a->block_at);
}

/* Makes sure that there is a block at hand, or that the member has ended. */
static bool need_block(struct img_archive *a, struct img_err *err)
{
	while (!a->block_len && !a->ended) {
		const void *bytes = NULL;
		la_int64_t at = (la_int64_t)a->done;
		int result = a->la.data_block(a->reader, &bytes, &a->block_len, &at);

		a->block = bytes;
		a->block_at = (uint64_t)at;
		a->ended = result == ARCHIVE_EOF;
		if (a->ended)
			a->block_len = 0;
		else if (result != ARCHIVE_OK)	/* a wrong checksum is but a warning of it */
			return fail_with_reason(a, err);
		else if (!check_block(a, err))
			return false;
	}
	return true;
}

/* How far the member goes from a->done on without a byte: up to the next block, or to its end. */
static uint64_t hole_len(const struct img_archive *a)
{
	if (a->block_len)
		return a->block_at - a->done;
	return a->sparse && a->done < a->member.size ? a->member.size - a->done : 0;
}

static size_t take(struct img_archive *a, uint8_t *buf, size_t len)
{
	const uint64_t hole = hole_len(a);
	size_t n;

	if (hole) {
		n = img_min_u64(len, hole);
		memset(buf, 0, n);
	} else if (!a->block_len) {
		return 0;
	} else {
		n = img_min_u64(len, a->block_len);
		memcpy(buf, a->block, n);
		a->block += n;
		a->block_at += n;
		a->block_len -= n;
	}
	a->done += n;
	return n;
}

bool img_archive_peek(struct img_archive *a, const void **bytes, size_t *len, struct img_err *err)
{
	*bytes = NULL;
	*len = 0;
	if (a->member.kind != IMG_MEMBER_FILE || a->member.encrypted)
		return true;
	if (!need_block(a, err))
		return false;
	if (!hole_len(a)) {
		*bytes = a->block;
		*len = a->block_len;
	}
	return true;
}

/* A member that has fewer bytes than were promised ended with the file; one that has more lies. */
static bool check_end(const struct img_archive *a, struct img_err *err)
{
	const struct img_member *m = &a->member;

	if (m->size == IMG_SIZE_UNKNOWN || a->done == m->size)
		return true;
	if (a->done > m->size)
		return img_fail(err, IMG_E_CORRUPT,
				_("%s: member %" PRIu64 ", \"%s\": has %" PRIu64 " bytes, and should have "
				  "%" PRIu64), a->in.st->name, m->number, m->name, a->done, m->size);
	return img_fail(err, IMG_E_INCOMPLETE,
			_("%s: member %" PRIu64 ", \"%s\": has %" PRIu64 " bytes of the %" PRIu64
			  " that it should have"), a->in.st->name, m->number, m->name, a->done, m->size);
}

bool img_archive_read(struct img_archive *a, void *buf, size_t len, size_t *got, struct img_err *err)
{
	size_t done = 0, n = 1;

	if (a->member.encrypted)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("%s: member %" PRIu64 ", \"%s\": is encrypted, and no key of an archive "
				  "can be used here"), a->in.st->name, a->member.number, a->member.name);
	while (done < len && n && a->member.kind == IMG_MEMBER_FILE) {
		if (!need_block(a, err))
			return false;
		n = take(a, (uint8_t *)buf + done, len - done);
		done += n;
	}
	*got = done;
	return n || check_end(a, err);
}

/* ---- Members ------------------------------------------------------------------------------------- */

/*
 * Formats whose members lie in the file as they are, in one piece and without a checksum.  Of a stored
 * member of a zip the checksum would never be looked at, and in iso9660 a file may have several pieces.
 */
static bool keeps_members_whole(int format)
{
	switch (format & ARCHIVE_FORMAT_BASE_MASK) {
	case ARCHIVE_FORMAT_TAR:
	case ARCHIVE_FORMAT_CPIO:
		return true;
	default:
		return false;
	}
}

/*
 * Where libarchive has got to is where the bytes of the member are, in such formats.  It promises that
 * nowhere, so the first block is compared with what lies there.
 */
static bool locate(struct img_archive *a, struct img_err *err)
{
	struct img_member *m = &a->member;
	IMG_AUTO_FREE uint8_t *there = NULL;
	size_t got;

	if (!(a->in.st->caps & IMG_STORE_SEEK) || !keeps_members_whole(a->la.format(a->reader)) ||
	    m->kind != IMG_MEMBER_FILE || m->encrypted || a->sparse || m->size == IMG_SIZE_UNKNOWN)
		return true;
	m->at = (uint64_t)a->la.filter_bytes(a->reader, 0);
	if (!need_block(a, err))
		return false;
	if (!a->block_len) {
		m->in_place = m->size == 0;
		return true;
	}
	there = img_alloc_aligned(a->block_len, err);
	if (!there || !img_store_read_some(a->in.st, m->at, there, a->block_len, &got, err))
		return false;
	m->in_place = a->block_at == 0 && got == a->block_len && !memcmp(there, a->block, got);
	return true;
}

static enum img_member_kind kind_of(const struct img_archive *a, struct archive_entry *entry)
{
	if (a->la.hardlink(entry))
		return IMG_MEMBER_OTHER;
	switch (a->la.filetype(entry)) {
	case AE_IFREG:
		return IMG_MEMBER_FILE;
	case AE_IFDIR:
		return IMG_MEMBER_DIRECTORY;
	default:
		return IMG_MEMBER_OTHER;
	}
}

/* Names are shown: nothing in them may move the cursor of a terminal. */
static char *printable(const char *name, struct img_err *err)
{
	char *copy = img_strdup(name ? name : "", err);

	for (char *c = copy; c && *c; c++)
		if ((unsigned char)*c < ' ' || *c == '\x7f')
			*c = '?';
	return copy;
}

static bool take_header(struct img_archive *a, struct archive_entry *entry, struct img_err *err)
{
	struct img_member *m = &a->member;
	const char *name = a->la.pathname(entry);
	const uint64_t number = m->number + 1;

	free((char *)m->name);
	*m = (struct img_member){
		.number = number, .kind = kind_of(a, entry), .size = IMG_SIZE_UNKNOWN,
		.encrypted = a->la.is_encrypted(entry),
		.name = printable(name ? name : a->la.pathname_utf8(entry), err),
	};
	if (a->la.size_is_set(entry) && a->la.size(entry) >= 0)
		m->size = (uint64_t)a->la.size(entry);
	a->sparse = a->la.sparse_count(entry) > 0;
	a->block_len = 0;
	a->done = 0;
	a->ended = false;
	return m->name;
}

/*
 * Behind the end of the archive to that of its stream, where the checksum of a compression is; and whoever
 * writes into a pipe is not to find it closed.
 */
static bool drain(struct img_archive *a, struct img_err *err)
{
	size_t got;

	while (!(a->in.st->caps & IMG_STORE_SEEK) && !a->in.ended)
		if (!img_pull(&a->in, a->input, INPUT_BYTES, &got, err))
			return false;
	return true;
}

/* Folders of iso9660 can be made so that libarchive goes around in them without an end. */
static bool check_count(struct img_archive *a, struct img_err *err)
{
	uint64_t size, most;

	if ((a->la.format(a->reader) & ARCHIVE_FORMAT_BASE_MASK) != ARCHIVE_FORMAT_ISO9660)
		return true;
	if (!img_store_size(a->in.st, &size, err))
		return false;
	most = img_min_u64(size / ISO_RECORD_BYTES, MOST_RECORDS);
	return a->member.number <= most ||
	       img_fail(err, IMG_E_CORRUPT, _("%s: has more than the %" PRIu64 " members that there is "
			"room for"), a->in.st->name, most);
}

/* What libarchive would do first itself, so that what tells of the next member can be counted. */
static bool skip_rest(struct img_archive *a, struct img_err *err)
{
	const int result = a->member.number ? a->la.data_skip(a->reader) : ARCHIVE_OK;

	return is_good(result) || fail_behind(a, err);
}

static int next_header(struct img_archive *a, struct archive_entry **entry)
{
	int result;

	a->in_header = a->kind == IMG_ARCHIVE_MEMBERS;
	a->header_bytes = 0;
	result = a->la.next_header(a->reader, entry);
	a->in_header = false;
	return result;
}

bool img_archive_next(struct img_archive *a, struct img_member *out, bool *end, struct img_err *err)
{
	struct archive_entry *entry;
	int result;

	if (!skip_rest(a, err))
		return false;
	result = next_header(a, &entry);
	*end = result == ARCHIVE_EOF;
	if (*end)
		return drain(a, err);
	if (!is_good(result))
		return fail_behind(a, err);
	if (!take_header(a, entry, err) || !check_count(a, err) || !locate(a, err))
		return false;
	*out = a->member;
	return true;
}

/* ---- Opening ------------------------------------------------------------------------------------- */

static void look_for(struct img_archive *a)
{
	if (a->kind == IMG_ARCHIVE_MEMBERS) {
		a->la.add_tar(a->reader);
		a->la.add_zip(a->reader);
		a->la.add_7zip(a->reader);
		a->la.add_iso9660(a->reader);
		a->la.add_cpio(a->reader);
		return;
	}
	a->la.add_bzip2(a->reader);
	a->la.add_compress(a->reader);
	a->la.add_lz4(a->reader);
	a->la.add_lzip(a->reader);
	a->la.add_xz(a->reader);
	a->la.add_zstd(a->reader);
	a->la.add_raw(a->reader);
}

static bool open_reader(struct img_archive *a, struct img_err *err)
{
	a->reader = a->la.read_new();
	a->input = img_alloc_aligned(INPUT_BYTES, err);
	if (!a->input)
		return false;
	if (!a->reader)
		return img_fail_nomem(err, sizeof(*a));
	look_for(a);
	a->la.set_read(a->reader, give);
	a->la.set_data(a->reader, a);
	if (a->in.st->caps & IMG_STORE_SEEK) {
		a->la.set_skip(a->reader, skip);
		a->la.set_seek(a->reader, seek);
	}
	if (is_good(a->la.open(a->reader)))
		return true;
	if (a->failed.code != IMG_OK || a->kind == IMG_ARCHIVE_COMPRESSED)
		return fail_with_reason(a, err);
	return img_fail(err, IMG_E_NOT_THIS_FORMAT, _("%s: is no archive of a known kind"),
			a->in.st->name);
}

static bool check_list(const struct img_archive *a, struct img_err *err)
{
	return a->kind != IMG_ARCHIVE_MEMBERS || !(a->in.st->caps & IMG_STORE_SEEK) ||
	       img_7zip_check_list(a->in.st, err);
}

struct img_archive *img_archive_read_from(const struct img_pull *in, enum img_archive_kind kind,
					  bool owns, struct img_err *err)
{
	struct img_archive *a = img_calloc(1, sizeof(*a), err);

	if (!a)
		return NULL;
	a->kind = kind;
	a->in = *in;
	if (check_list(a, err) && img_libarchive_load(&a->la, err) && open_reader(a, err)) {
		a->owns = owns;
		return a;
	}
	img_archive_close(a);
	return NULL;
}

void img_archive_stop_by(struct img_archive *a, const _Atomic bool *stop)
{
	a->in.stop = stop;
}

void img_archive_close(struct img_archive *a)
{
	if (!a)
		return;
	if (a->reader)
		a->la.read_free(a->reader);
	free(a->input);
	free((char *)a->member.name);
	if (a->owns)
		img_store_close(a->in.st);
	img_libarchive_unload(&a->la);
	free(a);
}

/* ---- Which member is meant ----------------------------------------------------------------------- */

static const char *without_dot(const char *name)
{
	return !strncmp(name, "./", 2) ? name + 2 : name;
}

bool img_member_is(const struct img_member *member, const char *wanted)
{
	const char *name = without_dot(member->name);
	char *end;
	uint64_t number;

	if (*wanted && strspn(wanted, "0123456789") == strlen(wanted)) {
		number = strtoull(wanted, &end, 10);
		return number == member->number;
	}
	wanted = without_dot(wanted);
	return !strcmp(wanted, name) || !fnmatch(wanted, name, 0);
}

/* Its own name alone: what is in front of the last "/" would look like a folder of this machine. */
char *img_member_shown_as(const struct img_store *st, const struct img_member *member,
			  struct img_err *err)
{
	const char *slash = strrchr(member->name, '/');

	return img_format_text(err, "%s: %s", st->name, slash ? slash + 1 : member->name);
}
