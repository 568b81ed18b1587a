/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The LUKS header of an image whose encryption changes in place is a file of its own: made or opened
 * before, of no use to anybody meanwhile, and in the end another one, or empty.
 */
#include <errno.h>
#include <string.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"
#include "copy/recrypt.h"
#include "store/zeros.h"

enum { PIECE = 1 << 20 };

/* ---- Opening ------------------------------------------------------------------------------------- */

static bool make(struct img_recrypt_run *run, struct img_err *err)
{
	run->header_name = img_beside_new(run->what->header, err);
	run->header = run->header_name ? img_beside_create(run->header_name, err) : NULL;
	return run->header && img_beside_sync(run->header_name, run->header, err);
}

/* A file that holds anything may be the header of something else. */
static bool check_empty(const struct img_recrypt_run *run, struct img_err *err)
{
	uint64_t size;

	if (!img_store_size(run->header, &size, err))
		return false;
	return !size || img_fail(err, IMG_E_ARGUMENT, _("%s: exists already, and must be a new file"),
				 run->what->header);
}

/* What was decrypted has left an empty one. */
static bool check_any(const struct img_recrypt_run *run, struct img_err *err)
{
	uint64_t size;

	if (!img_store_size(run->header, &size, err))
		return false;
	return size || img_fail(err, IMG_E_ARGUMENT, _("it is not encrypted"));
}

bool img_recrypt_apart_open(struct img_recrypt_run *run, struct img_err *err)
{
	const unsigned flags = run->what->dry_run ? 0 : IMG_OPEN_WRITE;
	struct img_err why = { 0 };

	run->header = img_store_file(run->what->header, flags, IMG_CACHE_WRITEBACK, &why);
	return run->header || img_fail(err, why.code, "%s", why.text);
}

bool img_recrypt_apart_begin(struct img_recrypt_run *run, struct img_err *err)
{
	struct img_err why = { 0 };

	if (run->what->kind != IMG_RECRYPT_ENCRYPT)
		return img_recrypt_apart_open(run, err) && check_any(run, err);
	run->header = img_store_file(run->what->header, run->what->dry_run ? 0 : IMG_OPEN_WRITE,
				     IMG_CACHE_WRITEBACK, &why);
	if (run->header)
		return check_empty(run, err);
	if (why.os_errno != ENOENT)
		return img_fail(err, why.code, "%s", why.text);
	return run->what->dry_run || make(run, err);
}

/* ---- Meanwhile ----------------------------------------------------------------------------------- */

bool img_recrypt_apart_mark(struct img_recrypt_run *run, struct img_err *err)
{
	uint8_t raw[RECRYPT_BLOCK];

	img_recrypt_mark(run->hdr.id, raw);
	return img_store_write(run->header, 0, raw, sizeof(raw), err) && img_store_sync(run->header, err);
}

static bool sum_journal(const struct img_recrypt_run *run, uint64_t at, struct img_recrypt_head *out,
			struct img_err *err)
{
	uint8_t raw[RECRYPT_BLOCK];

	if (!img_store_read(run->journal, at, raw, sizeof(raw), err))
		return false;
	img_recrypt_head_sum(raw, out);
	return true;
}

bool img_recrypt_apart_check(const struct img_recrypt_run *run, struct img_err *err)
{
	const struct img_recrypt_header *hdr = &run->hdr;
	struct img_recrypt_head is, of[4];
	uint8_t raw[RECRYPT_BLOCK] = { 0 };
	size_t n = 0, got;

	img_recrypt_head_sum(raw, &of[n++]);
	img_recrypt_mark(hdr->id, raw);
	img_recrypt_head_sum(raw, &of[n++]);
	if ((hdr->old_len && !sum_journal(run, RECRYPT_HEADERS, &of[n++], err)) ||
	    (hdr->new_len && !sum_journal(run, img_recrypt_new_at(hdr), &of[n++], err)))
		return false;
	memset(raw, 0, sizeof(raw));
	if (!img_store_read_some(run->header, 0, raw, sizeof(raw), &got, err))
		return false;
	img_recrypt_head_sum(raw, &is);
	return img_recrypt_head_is_mix(&is, of, n) ||
	       img_fail(err, IMG_E_ARGUMENT, _("%s: is not the header that it was begun with"),
			run->what->header);
}

/* ---- In the end ---------------------------------------------------------------------------------- */

bool img_recrypt_put_header(struct img_recrypt_run *run, struct img_store *to, struct img_err *err)
{
	const uint64_t at = img_recrypt_new_at(&run->hdr), end = run->hdr.new_len;
	IMG_AUTO_FREE uint8_t *buf = img_alloc_aligned(PIECE, err);

	for (uint64_t done = RECRYPT_BLOCK; buf && done < end; done += PIECE) {
		const size_t len = img_min_u64(PIECE, end - done);

		if (!img_store_read(run->journal, at + done, buf, len, err) ||
		    !img_store_write(to, done, buf, len, err))
			return false;
	}
	return buf;
}

/* Key material of before is overwritten, and where a file can have an end it ends with its header. */
static bool cut(const struct img_recrypt_run *run, uint64_t keep, struct img_err *err)
{
	const uint64_t end = img_max_u64(run->hdr.old_len, keep);

	return img_store_write_zeros(run->header, keep, end - keep, err) &&
	       img_store_sync(run->header, err) &&
	       (!(run->header->caps & IMG_STORE_RESIZE) || img_store_resize(run->header, keep, err)) &&
	       img_store_sync(run->header, err);
}

bool img_recrypt_apart_end(struct img_recrypt_run *run, struct img_err *err)
{
	uint8_t raw[RECRYPT_BLOCK];

	if (!run->hdr.new_len)
		return cut(run, 0, err);
	return img_recrypt_put_header(run, run->header, err) && cut(run, run->hdr.new_len, err) &&
	       img_store_read(run->journal, img_recrypt_new_at(&run->hdr), raw, sizeof(raw), err) &&
	       img_store_write(run->header, 0, raw, sizeof(raw), err) &&
	       img_store_sync(run->header, err);
}
