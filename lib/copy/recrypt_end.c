/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of a change of the encryption: what stands in front of the disk, and the journal goes. */
#include "base/mem.h"
#include "base/num.h"
#include "copy/recrypt.h"
#include "store/zeros.h"

enum { PIECE = 1 << 20 };

/* ---- The front of the file ----------------------------------------------------------------------- */

/* The new header, but for its first bytes. */
static bool put_header(struct img_recrypt_run *run, struct img_err *err)
{
	const uint64_t at = img_recrypt_new_at(&run->hdr), end = run->hdr.new_len;
	IMG_AUTO_FREE uint8_t *buf = img_alloc_aligned(PIECE, err);

	for (uint64_t done = RECRYPT_BLOCK; buf && done < end; done += PIECE) {
		const size_t len = img_min_u64(PIECE, end - done);

		if (!img_store_read(run->journal, at + done, buf, len, err) ||
		    !img_store_write(run->file, done, buf, len, err))
			return false;
	}
	return buf;
}

/* Bytes in clear, or old keys, were there: holes would leave them on the disk below. */
static bool overwrite_rest(struct img_recrypt_run *run, struct img_err *err)
{
	const uint64_t from = run->hdr.new_len;

	return img_store_write_zeros(run->file, from, run->hdr.to - from, err);
}

/* Whoever looks at the file knows it again from here on. */
static bool put_head(struct img_recrypt_run *run, struct img_err *err)
{
	const uint64_t at = run->hdr.new_len ? img_recrypt_new_at(&run->hdr) : RECRYPT_FIRST;
	uint8_t raw[RECRYPT_BLOCK];

	return img_store_read(run->journal, at, raw, sizeof(raw), err) &&
	       img_store_write(run->file, 0, raw, sizeof(raw), err) && img_store_sync(run->file, err);
}

bool img_recrypt_end_run(struct img_recrypt_run *run, struct img_err *err)
{
	if (run->hdr.inside)
		return img_recrypt_publish(run, err) && img_recrypt_wipe(run, err);
	if (run->hdr.new_len && (!put_header(run, err) || !overwrite_rest(run, err)))
		return false;
	return img_store_resize(run->file, run->hdr.after, err) && img_store_sync(run->file, err) &&
	       put_head(run, err) && img_recrypt_wipe(run, err);
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

	/* As long as its header is there it is found again, and wiped. */
	return wipe_other_record(run, err) &&
	       img_store_write_zeros(run->journal, from, end - from, err) &&
	       img_store_sync(run->journal, err) &&
	       img_store_write_zeros(run->journal, 0, RECRYPT_BLOCK, err) &&
	       img_beside_drop(run->beside, run->journal, err);
}
