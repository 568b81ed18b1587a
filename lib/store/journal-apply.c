/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading a journal, and doing what it says.  It is read as a whole and found good, and each file to
 * be the one that is meant, before anything is changed.
 */
#include "store/journal.h"

#include <inttypes.h>
#include <string.h>
#include "base/bytes.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/zero.h"

/* A record, and where the bytes lie that it brings, with their checksums. */
struct step {
	struct img_journal_record rec;
	uint64_t from;
	size_t payload;
};

struct img_journal_reading {
	struct img_store *journal;	/* the caller's */
	struct img_journal_header header;
	struct img_journal_file *files;	/* owned; header.n_files of them */
	struct step *steps;		/* owned */
	size_t n_steps, cap;
	uint8_t *buf, *payload;		/* JOURNAL_PAYLOAD bytes each; owned */
};

/* ---- Reading ------------------------------------------------------------------------------------- */

static bool read_header(struct img_journal_reading *re, bool *whole, bool *foreign,
			struct img_err *err)
{
	uint64_t size;
	size_t got;

	if (!img_store_read_some(re->journal, 0, re->buf, JOURNAL_BLOCK, &got, err) ||
	    !img_store_size(re->journal, &size, err))
		return false;
	*foreign = !img_journal_is_one(re->buf, got);
	*whole = got == JOURNAL_BLOCK && img_journal_header_decode(re->buf, &re->header) &&
		 re->header.end <= size &&
		 re->header.end >= JOURNAL_BLOCK * (1 + (uint64_t)re->header.n_files);
	return true;
}

static bool read_files(struct img_journal_reading *re, uint32_t *chain, bool *whole,
		       struct img_err *err)
{
	re->files = img_calloc(re->header.n_files, sizeof(*re->files), err);
	if (!re->files)
		return false;
	for (uint32_t i = 0; i < re->header.n_files && *whole; i++) {
		if (!img_store_read(re->journal, JOURNAL_BLOCK * (1 + (uint64_t)i), re->buf,
				    JOURNAL_BLOCK, err))
			return false;
		*whole = img_journal_file_is_whole(re->buf, chain);
		if (*whole && !img_journal_file_decode(re->buf, &re->files[i], err))
			return img_within(err, "%s", re->journal->name);
	}
	return true;
}

/* Reads what is at `at`, and sets it to what is behind. */
static bool read_step(struct img_journal_reading *re, uint64_t *at, uint32_t *chain, bool *whole,
		      struct img_err *err)
{
	const uint64_t left = re->header.end - *at;
	uint8_t raw[JOURNAL_REC_BYTES];
	struct img_journal_record rec;
	struct step *steps;
	uint64_t len;

	*whole = false;
	if (left < sizeof(raw))
		return true;
	if (!img_store_read(re->journal, *at, raw, sizeof(raw), err))
		return false;
	len = img_journal_record_payload(raw);
	if (len > img_min_u64(left - sizeof(raw), JOURNAL_PAYLOAD))
		return true;
	if (!img_store_read(re->journal, *at + sizeof(raw), re->buf, len, err))
		return false;
	*whole = img_journal_record_is_whole(raw, re->buf, len, chain);
	if (!*whole)
		return true;
	if (!img_journal_record_decode(raw, re->files, re->header.n_files, &rec, err))
		return img_within(err, "%s", re->journal->name);
	steps = img_grow_by_one(re->steps, re->n_steps, &re->cap, sizeof(*steps), err);
	if (!steps)
		return false;
	re->steps = steps;
	steps[re->n_steps++] = (struct step){ .rec = rec, .from = *at + sizeof(raw), .payload = len };
	*at += sizeof(raw) + len;
	return true;
}

static bool read_all(struct img_journal_reading *re, bool *whole, bool *foreign, struct img_err *err)
{
	uint32_t chain = 0;
	uint64_t at;

	if (!read_header(re, whole, foreign, err))
		return false;
	if (*whole && !read_files(re, &chain, whole, err))
		return false;
	at = JOURNAL_BLOCK * (1 + (uint64_t)re->header.n_files);
	while (*whole && at < re->header.end)
		if (!read_step(re, &at, &chain, whole, err))
			return false;
	*whole = *whole && chain == re->header.chain;
	return true;
}

bool img_journal_read(struct img_store *journal, struct img_journal_reading **out, bool *foreign,
		      struct img_err *err)
{
	struct img_journal_reading *re = img_calloc(1, sizeof(*re), err);
	bool whole = false, ok;

	if (!re)
		return false;
	re->journal = journal;
	re->buf = img_alloc_aligned(JOURNAL_PAYLOAD, err);
	re->payload = re->buf ? img_alloc_aligned(JOURNAL_PAYLOAD, err) : NULL;
	ok = re->payload && read_all(re, &whole, foreign, err);
	if (!ok || !whole) {
		img_journal_reading_free(re);
		re = NULL;
	}
	if (ok)
		*out = re;
	return ok;
}

void img_journal_reading_free(struct img_journal_reading *re)
{
	if (!re)
		return;
	free(re->files);
	free(re->steps);
	free(re->buf);
	free(re->payload);
	free(re);
}

size_t img_journal_files(const struct img_journal_reading *re)
{
	return re->header.n_files;
}

const struct img_journal_file *img_journal_file_at(const struct img_journal_reading *re, size_t i)
{
	return &re->files[i];
}

/* ---- Whether it is the file ---------------------------------------------------------------------- */

static bool fail_other(const struct img_journal_reading *re, const struct img_store *st,
		       struct img_err *err)
{
	img_fail(err, IMG_E_ARGUMENT, _("is not the file for which %s was written; move that away "
		 "if it is not needed"), re->journal->name);
	return img_within(err, "%s", st->name);
}

static bool check_head(const struct img_journal_reading *re, const struct img_journal_file *file,
		       struct img_store *st, bool *same, struct img_err *err)
{
	size_t got;

	if (!img_store_read_some(st, 0, re->buf, JOURNAL_HEAD, &got, err))
		return false;
	for (size_t i = 0; i < got; i++)
		if (re->buf[i] != file->head_before[i] && re->buf[i] != file->head_after[i])
			*same = false;
	return true;
}

static bool check_samples(const struct img_journal_reading *re, const struct img_journal_file *file,
			  struct img_store *st, bool *same, struct img_err *err)
{
	for (size_t i = 0; *same && file->before > 0 && i < JOURNAL_SAMPLES; i++) {
		size_t len, got;
		const uint64_t at = img_journal_sample_at(file->before, i, &len);

		if (!(file->taken >> i & 1))
			continue;
		if (!img_store_read_some(st, at, re->buf, len, &got, err))
			return false;
		*same = got == len && img_journal_crc(re->buf, len) == file->samples[i];
	}
	return true;
}

/*
 * Whether what is in re->buf, len bytes at `at`, was there before, is to be there, or is what a file
 * that is made longer has in between; *where: of the first sector of which that is not true.
 */
static bool check_sectors(const struct img_journal_reading *re, const struct img_journal_file *file,
			  uint64_t at, size_t len, uint64_t *where)
{
	const uint8_t *sums = re->payload + len;

	for (size_t done = 0, part; done < len; done += part, sums += 4) {
		const uint8_t *found = re->buf + done;

		part = img_journal_sector_part(at + done, len - done);
		if (img_journal_crc(found, part) != img_get_be32(sums) &&
		    memcmp(found, re->payload + done, part) &&
		    !(at + done + part > file->cut && img_is_zero(found, part))) {
			*where = at + done;
			return false;
		}
	}
	return true;
}

static bool fail_written(const struct img_journal_reading *re, const struct img_store *st, uint64_t at,
			 struct img_err *err)
{
	img_fail(err, IMG_E_ARGUMENT, _("byte %" PRIu64 " was changed by somebody else after a change had "
		 "been interrupted; move %s away to keep that, and check the image"), at,
		 re->journal->name);
	return img_within(err, "%s", st->name);
}

static bool check_step(const struct img_journal_reading *re, const struct step *step,
		       struct img_store *st, struct img_err *err)
{
	const struct img_journal_file *file = &re->files[step->rec.file];
	const size_t len = step->rec.len;
	uint64_t where;

	if (step->rec.kind != JOURNAL_BYTES)
		return true;
	if (!img_store_read(re->journal, step->from, re->payload, step->payload, err) ||
	    !img_store_read_padded(st, step->rec.at, re->buf, len, err))
		return false;
	return check_sectors(re, file, step->rec.at, len, &where) || fail_written(re, st, where, err);
}

static bool check_steps(const struct img_journal_reading *re, size_t i, struct img_store *st,
			struct img_err *err)
{
	for (size_t s = 0; s < re->n_steps; s++)
		if (re->steps[s].rec.file == i && !check_step(re, &re->steps[s], st, err))
			return false;
	return true;
}

static bool check_file(const struct img_journal_reading *re, size_t i, struct img_store *st,
		       struct img_err *err)
{
	const struct img_journal_file *file = &re->files[i];
	uint64_t size;
	bool same;

	if (file->kind == JOURNAL_CREATE)
		return true;
	if (!img_store_size(st, &size, err))
		return false;
	same = size >= file->cut && size <= img_max_u64(file->before, file->after);
	return (!same || check_head(re, file, st, &same, err)) &&
	       check_samples(re, file, st, &same, err) && (same || fail_other(re, st, err)) &&
	       check_steps(re, i, st, err);
}

/* ---- Doing it ------------------------------------------------------------------------------------ */

static bool do_step(const struct img_journal_reading *re, const struct step *step, bool keep_space,
		    struct img_store *st, struct img_err *err)
{
	const struct img_journal_record *rec = &step->rec;

	switch (rec->kind) {
	case JOURNAL_BYTES:
		return img_store_read(re->journal, step->from, re->buf, rec->len, err) &&
		       img_store_write(st, rec->at, re->buf, rec->len, err);
	case JOURNAL_ZEROS:
		return img_store_zero(st, rec->at, rec->len, keep_space, err);
	case JOURNAL_FALLOC:
		return img_store_preallocate(st, rec->at, rec->len, IMG_PREALLOC_FALLOC, err);
	case JOURNAL_FULL:
		return img_store_preallocate(st, rec->at, rec->len, IMG_PREALLOC_FULL, err);
	}
	return false;
}

/* Cuts off what is not to be seen any more before anything can come in its place. */
static bool set_length(const struct img_journal_file *file, struct img_store *st, struct img_err *err)
{
	uint64_t size;

	if (!img_store_size(st, &size, err))
		return false;
	if (file->cut < file->before && size > file->cut && !img_store_resize(st, file->cut, err))
		return false;
	if (!img_store_size(st, &size, err))
		return false;
	return size == file->after || img_store_resize(st, file->after, err);
}

static bool do_steps(const struct img_journal_reading *re, size_t i, struct img_store *st,
		     struct img_err *err)
{
	bool keep_space = false;

	if (!set_length(&re->files[i], st, err))
		return false;
	for (size_t s = 0; s < re->n_steps; s++) {
		const struct step *step = &re->steps[s];

		if (step->rec.file != i)
			continue;
		keep_space |= step->rec.kind >= JOURNAL_FALLOC;
		if (!do_step(re, step, keep_space, st, err))
			return false;
	}
	return true;
}

bool img_journal_apply_to(const struct img_journal_reading *re, size_t i, struct img_store *st,
			  struct img_err *err)
{
	return check_file(re, i, st, err) && do_steps(re, i, st, err);
}

static bool apply_file(const struct img_journal_reading *re, size_t i, struct img_store *st,
		       struct img_err *err)
{
	if (re->files[i].kind == JOURNAL_REMOVE)
		return true;
	if (!do_steps(re, i, st, err))
		return false;
	return re->files[i].kind == JOURNAL_CREATE ? img_store_publish(st, err)
						   : img_store_sync(st, err);
}

static bool open_and_check(const struct img_journal_reading *re,
			   const struct img_journal_access *access, size_t i, struct img_store **st,
			   struct img_err *err)
{
	const struct img_journal_file *file = &re->files[i];

	if (file->kind == JOURNAL_REMOVE)
		return true;
	return access->open(access->ctx, i, file, st, err) && check_file(re, i, *st, err);
}

bool img_journal_apply(const struct img_journal_reading *re, const struct img_journal_access *access,
		       struct img_err *err)
{
	const size_t n = re->header.n_files;
	struct img_store **stores = img_calloc(n, sizeof(*stores), err);
	bool ok = stores != NULL;

	for (size_t i = 0; ok && i < n; i++)
		ok = open_and_check(re, access, i, &stores[i], err);
	for (size_t i = 0; ok && i < n; i++)
		ok = apply_file(re, i, stores[i], err);
	for (size_t i = 0; stores && i < n; i++)
		if (stores[i])
			access->close(access->ctx, i, stores[i]);
	free(stores);
	for (size_t i = 0; ok && i < n; i++)
		ok = re->files[i].kind != JOURNAL_REMOVE ||
		     access->remove(access->ctx, i, &re->files[i], err);
	return ok;
}
