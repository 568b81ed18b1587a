/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The windows of a disk whose encryption changes.  Where the disk moves, a window goes where nothing is
 * that is still needed; where it stays, it goes to the journal first.  Either way a window can be done
 * again, and is, if it was cut off.  Of a window the pieces are worked on by all threads.
 */
#include "base/err.h"
#include "base/num.h"
#include "base/zero.h"
#include "cipher/cipher.h"
#include "copy/chain.h"
#include "copy/recrypt.h"
#include "store/journal.h"

enum { ZERO_GRAIN = 4096 };

struct window {
	struct img_recrypt_run *run;
	uint64_t start, end;		/* of the disk */
	struct img_recrypt_record rec;
};

/* ---- Pieces -------------------------------------------------------------------------------------- */

static bool look(void *ctx, uint64_t at, uint64_t limit, struct img_piece *out, struct img_err *err)
{
	(void)ctx, (void)err;
	*out = (struct img_piece){ .at = at, .len = limit - at, .kind = IMG_PIECE_BYTES };
	img_piece_cut(out);
	return true;
}

/* Bytes of the disk from `at` on as they are to be. */
static bool turn(struct img_recrypt_run *run, uint64_t at, uint8_t *buf, size_t len,
		 struct img_err *err)
{
	return img_store_read(run->file, run->hdr.from + at, buf, len, err) &&
	       (!run->old.cipher || img_cipher_decrypt(run->old.cipher, at, buf, buf, len, err)) &&
	       (!run->fresh.cipher || img_cipher_encrypt(run->fresh.cipher, at, buf, buf, len, err));
}

/* Zeros become holes where nothing hides what is zeros. */
static bool put_plain(struct img_store *st, uint64_t at, const uint8_t *buf, size_t len,
		      struct img_err *err)
{
	bool zero;

	for (size_t done = 0, n; done < len; done += n) {
		n = img_zero_run(buf + done, len - done, ZERO_GRAIN, &zero);
		if (!(zero ? img_store_zero(st, at + done, n, false, err)
			   : img_store_write(st, at + done, buf + done, n, err)))
			return false;
	}
	return true;
}

/* Into the file, but for its first bytes, which come last of all. */
static bool put(struct img_recrypt_run *run, uint64_t at, const uint8_t *buf, size_t len,
		struct img_err *err)
{
	const uint64_t to = run->hdr.to + at;
	const size_t skip = to < RECRYPT_BLOCK ? img_min_u64(RECRYPT_BLOCK - to, len) : 0;

	return run->fresh.cipher ? img_store_write(run->file, to, buf, len, err)
				 : put_plain(run->file, to + skip, buf + skip, len - skip, err);
}

static bool turn_piece(void *ctx, const struct img_piece *piece, const struct img_pour_bufs *bufs,
		       struct img_err *err)
{
	const struct window *w = ctx;

	return turn(w->run, piece->at, bufs->a, piece->len, err) &&
	       put(w->run, piece->at, bufs->a, piece->len, err);
}

static uint64_t kept_at(const struct window *w, uint64_t at)
{
	return img_recrypt_kept_at(&w->run->hdr, w->rec.next) + at - w->start;
}

static bool keep_piece(void *ctx, const struct img_piece *piece, const struct img_pour_bufs *bufs,
		       struct img_err *err)
{
	struct window *w = ctx;

	if (!turn(w->run, piece->at, bufs->a, piece->len, err))
		return false;
	w->rec.sums[(piece->at - w->start) / RECRYPT_PIECE] = img_journal_crc(bufs->a, piece->len);
	return img_store_write(w->run->journal, kept_at(w, piece->at), bufs->a, piece->len, err);
}

static bool copy_piece(void *ctx, const struct img_piece *piece, const struct img_pour_bufs *bufs,
		       struct img_err *err)
{
	const struct window *w = ctx;

	return img_store_read(w->run->journal, kept_at(w, piece->at), bufs->a, piece->len, err) &&
	       put(w->run, piece->at, bufs->a, piece->len, err);
}

static bool check_piece(void *ctx, const struct img_piece *piece, const struct img_pour_bufs *bufs,
			struct img_err *err)
{
	const struct window *w = ctx;

	if (!img_store_read(w->run->journal, kept_at(w, piece->at), bufs->a, piece->len, err))
		return false;
	return img_journal_crc(bufs->a, piece->len) ==
	       w->rec.sums[(piece->at - w->start) / RECRYPT_PIECE] ||
	       img_fail(err, IMG_E_CORRUPT, _("%s: a part of the disk in it is damaged"),
			w->run->journal->name);
}

typedef bool piece_work(void *ctx, const struct img_piece *piece, const struct img_pour_bufs *bufs,
			struct img_err *err);

/* job: NULL or that of the run. */
static bool each_piece(struct window *w, piece_work *work, const struct img_job *job,
		       struct img_err *err)
{
	struct img_recrypt_run *run = w->run;
	struct img_pour pour = {
		.from = w->start, .to = w->end, .threads = run->what->threads, .look = look,
		.work = work, .ctx = w, .job = job, .total = run->hdr.len,
		.done = img_recrypt_done(&run->hdr, run->next),
	};

	_Static_assert(RECRYPT_PIECE == IMG_POUR_WINDOW, "sums are those of pieces");
	return img_pour_run(&pour, err);
}

/* ---- Windows ------------------------------------------------------------------------------------- */

static struct window window_at(struct img_recrypt_run *run, uint64_t next)
{
	struct window w = { .run = run, .rec.next = next };

	img_recrypt_window(&run->hdr, next, &w.start, &w.end);
	return w;
}

static bool put_record(struct img_recrypt_run *run, const struct img_recrypt_record *rec,
		       struct img_err *err)
{
	const uint64_t at = RECRYPT_RECORDS + rec->next % 2 * RECRYPT_BLOCK;
	uint8_t raw[RECRYPT_BLOCK];

	img_recrypt_record_encode(&run->hdr, rec, raw);
	return img_store_write(run->journal, at, raw, sizeof(raw), err) &&
	       img_store_sync(run->journal, err);
}

/* In the file the first bytes of a disk that moves up are the mark. */
static bool put_first(const struct window *w, struct img_err *err)
{
	const struct img_recrypt_run *run = w->run;
	uint8_t raw[RECRYPT_BLOCK];

	return w->start > 0 || run->hdr.from > 0 ||
	       (img_store_read(run->journal, RECRYPT_FIRST, raw, sizeof(raw), err) &&
		img_store_write(run->file, run->hdr.to, raw, sizeof(raw), err));
}

static bool move_window(struct window *w, struct img_err *err)
{
	return put_record(w->run, &w->rec, err) && each_piece(w, turn_piece, w->run->job, err) &&
	       put_first(w, err);
}

static bool replace_window(struct window *w, struct img_err *err)
{
	struct img_recrypt_run *run = w->run;
	const bool kept = run->kept;

	run->kept = false;
	return (kept || (each_piece(w, keep_piece, run->job, err) && put_record(run, &w->rec, err))) &&
	       each_piece(w, copy_piece, NULL, err);
}

static bool do_window(struct img_recrypt_run *run, struct img_err *err)
{
	struct window w = window_at(run, run->next);

	if (run->job && run->job->cancelled && run->job->cancelled(run->job->ctx))
		return img_fail(err, IMG_E_CANCELLED, _("cancelled"));
	if (!(img_recrypt_is_kept(&run->hdr) ? replace_window : move_window)(&w, err) ||
	    !img_store_sync(run->file, err))
		return false;
	run->next++;
	return true;
}

bool img_recrypt_windows_run(struct img_recrypt_run *run, struct img_err *err)
{
	const struct img_recrypt_record last = { .next = img_recrypt_windows(&run->hdr) };

	while (run->next < last.next)
		if (!do_window(run, err))
			return false;
	return put_record(run, &last, err);
}

bool img_recrypt_first(struct img_recrypt_run *run, uint8_t *raw, struct img_err *err)
{
	return turn(run, 0, raw, RECRYPT_BLOCK, err);
}

/* ---- Going on ------------------------------------------------------------------------------------ */

static bool is_whole(struct img_recrypt_run *run, const struct img_recrypt_record *rec)
{
	struct window w = window_at(run, rec->next);

	w.rec = *rec;
	return each_piece(&w, check_piece, NULL, NULL);
}

/* The record in front of the last one, whose window may not have got into the journal. */
static bool read_other(struct img_recrypt_run *run, uint64_t last, struct img_recrypt_record *rec,
		       struct img_err *err)
{
	const uint64_t at = RECRYPT_RECORDS + (last + 1) % 2 * RECRYPT_BLOCK;
	uint8_t raw[RECRYPT_BLOCK];

	if (!img_store_read(run->journal, at, raw, sizeof(raw), err))
		return false;
	return (img_recrypt_record_decode(&run->hdr, raw, rec) && rec->next + 1 == last &&
		is_whole(run, rec)) ||
	       img_fail(err, IMG_E_CORRUPT, _("%s: does not tell any more what is done"),
			run->journal->name);
}

bool img_recrypt_resume(struct img_recrypt_run *run, const struct img_recrypt_found *found,
			struct img_err *err)
{
	struct img_recrypt_record rec = found->last;

	run->next = rec.next;
	if (!found->any || !img_recrypt_is_kept(&run->hdr) || rec.next == img_recrypt_windows(&run->hdr))
		return true;
	run->kept = true;
	if (is_whole(run, &rec))
		return true;
	/* Nothing of the first one was done, then. */
	run->kept = rec.next > 0;
	if (run->kept && !read_other(run, rec.next, &rec, err))
		return false;
	run->next = rec.next;
	return true;
}
