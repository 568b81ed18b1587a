/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of a change of the encryption: what stands in front of the disk, and the journal goes. */
#include "base/mem.h"
#include "base/num.h"
#include "copy/recrypt.h"
#include "store/zeros.h"

/* ---- The front of the file ----------------------------------------------------------------------- */

/* Bytes in clear, or old keys, were there: holes would leave them on the disk below. */
static bool overwrite_rest(struct img_recrypt_run *run, struct img_err *err)
{
	const uint64_t from = run->hdr.new_len;

	return img_store_write_zeros(run->file, from, run->hdr.to - from, err);
}

/* Whoever looks at the file knows it again from here on. */
static bool put_head(struct img_recrypt_run *run, struct img_err *err)
{
	const bool disk = !run->hdr.new_len || run->hdr.apart;
	const uint64_t at = disk ? RECRYPT_FIRST : img_recrypt_new_at(&run->hdr);
	uint8_t raw[RECRYPT_BLOCK];

	return img_store_read(run->journal, at, raw, sizeof(raw), err) &&
	       img_store_write(run->file, 0, raw, sizeof(raw), err) && img_store_sync(run->file, err);
}

static bool end_header(struct img_recrypt_run *run, struct img_err *err)
{
	if (run->hdr.apart)
		return img_recrypt_apart_end(run, err);
	return !run->hdr.new_len ||
	       (img_recrypt_put_header(run, run->file, err) && overwrite_rest(run, err));
}

static bool end_whole(struct img_recrypt_run *run, struct img_err *err)
{
	return end_header(run, err) &&
	       (run->device || img_store_resize(run->file, run->hdr.after, err)) &&
	       img_store_sync(run->file, err) && put_head(run, err);
}

bool img_recrypt_end_run(struct img_recrypt_run *run, struct img_err *err)
{
	return (run->hdr.inside ? img_recrypt_publish : end_whole)(run, err) && img_recrypt_wipe(run, err);
}

/* ---- The journal --------------------------------------------------------------------------------- */

/* The record in front of the last one would say that there is work left. */
static bool wipe_other_record(struct img_recrypt_run *run, struct img_err *err)
{
	const uint64_t other = (img_recrypt_windows(&run->hdr) + 1) % 2;

	return img_store_write_zeros(run->journal, RECRYPT_RECORDS + other * RECRYPT_BLOCK, RECRYPT_BLOCK,
				     err) &&
	       img_store_sync(run->journal, err);
}

bool img_recrypt_wipe(struct img_recrypt_run *run, struct img_err *err)
{
	const uint64_t from = img_recrypt_wiped_from(&run->hdr), end = img_recrypt_end(&run->hdr);
	uint8_t raw[RECRYPT_BLOCK];

	img_recrypt_unfinished(raw);
	/* As long as its header is there it is found again, and wiped. */
	return wipe_other_record(run, err) &&
	       img_store_write_zeros(run->journal, from, end - from, err) &&
	       img_store_sync(run->journal, err) &&
	       img_store_write(run->journal, 0, raw, sizeof(raw), err) &&
	       img_beside_drop(run->beside, run->journal, err);
}
