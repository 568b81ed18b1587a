/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The windows of a disk whose encryption changes.  Where the disk moves, a window goes where nothing is
 * that is still needed; where it stays, it goes to the journal first.  Either way a window can be done
 * again, and is, if it was cut off.  Of a window the pieces are worked on by all threads.
 */
#include <string.h>
#include "base/err.h"
#include "base/job.h"
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
	const struct window *w = ctx;
	struct img_recrypt_part part;

	(void)err;
	*out = (struct img_piece){ .at = at, .len = limit - at, .kind = IMG_PIECE_BYTES };
	img_piece_cut(out);
	img_recrypt_next_part(w->run, at, at + out->len, &part);
	if (!part.len)
		out->kind = IMG_PIECE_NOTHING;
	return true;
}

/* Bytes of the disk as they are to be. */
static bool turn(struct img_recrypt_run *run, const struct img_recrypt_part *part, uint8_t *buf,
		 struct img_err *err)
{
	const size_t len = part->len;

	return img_store_read(run->file, run->hdr.from + part->at, buf, len, err) &&
	       (!run->old.cipher || img_cipher_decrypt(run->old.cipher, part->iv, buf, buf, len, err)) &&
	       (!run->fresh.cipher ||
		img_cipher_encrypt(run->fresh.cipher, part->at, buf, buf, len, err));
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

/* Into the file, but for the first bytes of one that is its disk, which come last of all. */
static bool put(struct img_recrypt_run *run, const struct img_recrypt_part *part, const uint8_t *buf,
		struct img_err *err)
{
	const uint64_t to = run->hdr.to + part->at;
	const size_t skip = to < RECRYPT_BLOCK && !run->hdr.inside
				    ? img_min_u64(RECRYPT_BLOCK - to, part->len) : 0;

	return run->fresh.cipher ? img_store_write(run->file, to + skip, buf + skip, part->len - skip, err)
				 : put_plain(run->file, to + skip, buf + skip, part->len - skip, err);
}

/* Each part of the piece, at its place in buf, is turned, put, or both. */
static bool each_part(const struct window *w, const struct img_piece *piece, uint8_t *buf, bool turns,
		      bool puts, struct img_err *err)
{
	const uint64_t end = piece->at + piece->len;
	struct img_recrypt_part part;

	for (uint64_t at = piece->at; at < end; at = part.at + part.len) {
		img_recrypt_next_part(w->run, at, end, &part);
		if (!part.len)
			break;
		uint8_t *bytes = buf + (part.at - piece->at);

		if ((turns && !turn(w->run, &part, bytes, err)) ||
		    (puts && !put(w->run, &part, bytes, err)))
			return false;
	}
	return true;
}

static bool turn_piece(void *ctx, const struct img_piece *piece, const struct img_pour_bufs *bufs,
		       struct img_err *err)
{
	return each_part(ctx, piece, bufs->a, true, true, err);
}

static uint64_t kept_at(const struct window *w, uint64_t at)
{
	return img_recrypt_kept_at(&w->run->hdr, w->rec.next) + at - w->start;
}

static bool keep_piece(void *ctx, const struct img_piece *piece, const struct img_pour_bufs *bufs,
		       struct img_err *err)
{
	struct window *w = ctx;

	/* What is none of the disk stays what it is, and is not kept. */
	memset(bufs->a, 0, piece->len);
	if (!each_part(w, piece, bufs->a, true, false, err))
		return false;
	w->rec.sums[(piece->at - w->start) / RECRYPT_PIECE] = img_journal_crc(bufs->a, piece->len);
	return img_store_write(w->run->journal, kept_at(w, piece->at), bufs->a, piece->len, err);
}

static bool copy_piece(void *ctx, const struct img_piece *piece, const struct img_pour_bufs *bufs,
		       struct img_err *err)
{
	const struct window *w = ctx;

	return img_store_read(w->run->journal, kept_at(w, piece->at), bufs->a, piece->len, err) &&
	       each_part(w, piece, bufs->a, false, true, err);
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

static bool load_map(const struct window *w, struct img_err *err)
{
	return !w->run->hdr.inside || img_recrypt_map_load(w->run, w->start, w->end, err);
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

	if (!img_job_goes_on(run->job, err))
		return false;
	if (!load_map(&w, err) ||
	    !(img_recrypt_is_kept(&run->hdr) ? replace_window : move_window)(&w, err) ||
	    !img_store_sync(run->file, err))
		return false;
	run->next++;
	return true;
}

bool img_recrypt_put_last(struct img_recrypt_run *run, const struct img_recrypt_head *head,
			  struct img_err *err)
{
	struct img_recrypt_record last = { .next = img_recrypt_windows(&run->hdr) };

	_Static_assert(sizeof(head->sums) <= sizeof(last.sums), "a head has room in a record");
	if (head)
		memcpy(last.sums, head->sums, sizeof(head->sums));
	return put_record(run, &last, err);
}

bool img_recrypt_windows_run(struct img_recrypt_run *run, struct img_err *err)
{
	const uint64_t last = img_recrypt_windows(&run->hdr);

	while (run->next < last)
		if (!do_window(run, err))
			return false;
	return img_recrypt_put_last(run, NULL, err);
}

bool img_recrypt_first(struct img_recrypt_run *run, uint8_t *raw, struct img_err *err)
{
	const struct img_recrypt_part first = { .len = RECRYPT_BLOCK };

	return turn(run, &first, raw, err);
}

/* ---- Going on ------------------------------------------------------------------------------------ */

static bool is_whole(struct img_recrypt_run *run, const struct img_recrypt_record *rec)
{
	struct window w = window_at(run, rec->next);

	w.rec = *rec;
	return load_map(&w, NULL) && each_piece(&w, check_piece, NULL, NULL);
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
