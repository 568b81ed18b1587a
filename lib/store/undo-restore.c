/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bringing an image back from its undo file.  The undo file is read as a whole and found good, and
 * the target to be the image, before anything is written.
 */
#include "store/undo.h"

#include <inttypes.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"

/* A record to be put back. */
struct saved {
	uint64_t at, len;		/* in the image */
	uint64_t from;			/* place of the bytes in the undo file; 0: zeros */
};

struct restore {
	struct img_store *undo, *target;	/* the caller's */
	uint64_t undo_size, target_size;
	struct img_undo_header header;
	struct img_undo_seal seal;	/* end 0: damaged, nothing is known to be whole */
	struct saved *v;		/* owned */
	size_t n, cap;
	uint64_t end;			/* of the last record that was read */
	uint32_t chain;
	uint8_t *buf;			/* UNDO_CHUNK bytes; owned */
};

static bool read_start(struct restore *re, struct img_err *err)
{
	uint8_t raw[UNDO_HDR_BYTES];
	size_t got;

	if (!img_store_read_some(re->undo, 0, raw, sizeof(raw), &got, err))
		return false;
	if (!img_undo_header_decode(raw, got, &re->header, err))
		return img_within(err, "%s", re->undo->name);
	re->chain = img_undo_header_chain(raw);
	re->end = UNDO_RECORDS_AT;
	if (!img_store_read_some(re->undo, UNDO_SEAL_AT, raw, UNDO_SEAL_BYTES, &got, err))
		return false;
	/* It is durable before the first change: one that is missing leaves two stories. */
	if (got < UNDO_SEAL_BYTES) {
		img_fail(err, IMG_E_INCOMPLETE,
			 _("is an undo file that was not begun, or was cut off"));
		return img_within(err, "%s", re->undo->name);
	}
	if (!img_undo_seal_decode(raw, &re->seal))
		re->seal.end = 0;
	return true;
}

/* Reads what is behind end; *payload tells how much of it is in buf.  *whole: it is a record. */
static bool read_record(struct restore *re, uint8_t *raw, size_t *payload, bool *whole,
			struct img_err *err)
{
	uint64_t room;

	*whole = false;
	if (re->end > re->undo_size || re->undo_size - re->end < UNDO_REC_BYTES)
		return true;
	if (!img_store_read(re->undo, re->end, raw, UNDO_REC_BYTES, err))
		return false;
	room = img_min_u64(re->undo_size - re->end - UNDO_REC_BYTES, UNDO_CHUNK);
	if (img_undo_record_payload(raw) > room)
		return true;
	*payload = img_undo_record_payload(raw);
	if (!img_store_read(re->undo, re->end + UNDO_REC_BYTES, re->buf, *payload, err))
		return false;
	*whole = img_undo_record_is_whole(raw, re->buf, *payload, &re->chain);
	return true;
}

static bool add_record(struct restore *re, const uint8_t *raw, size_t payload, struct img_err *err)
{
	struct img_undo_record rec;
	struct saved *v;

	if (!img_undo_record_decode(raw, &re->header, &rec, err)) {
		img_within(err, _("%s: the record at offset %" PRIu64), re->undo->name, re->end);
		return false;
	}
	v = img_grow_by_one(re->v, re->n, &re->cap, sizeof(*v), err);
	if (!v)
		return false;
	re->v = v;
	v[re->n++] = (struct saved){
		.at = rec.at, .len = rec.len,
		.from = rec.kind == UNDO_KIND_BYTES ? re->end + UNDO_REC_BYTES : 0,
	};
	re->end += UNDO_REC_BYTES + payload;
	return true;
}

static bool fail_sealed(const struct restore *re, struct img_err *err)
{
	if (re->undo_size < re->seal.end)
		img_fail(err, IMG_E_INCOMPLETE,
			 _("the undo file was cut off at offset %" PRIu64 ", it had %" PRIu64
			   " bytes"), re->undo_size, re->seal.end);
	else
		img_fail(err, IMG_E_CORRUPT,
			 _("the undo file is damaged at offset %" PRIu64), re->end);
	return img_within(err, "%s", re->undo->name);
}

static bool read_records(struct restore *re, struct img_err *err)
{
	bool met_seal = re->seal.end == 0, whole = true;

	while (whole) {
		uint8_t raw[UNDO_REC_BYTES];
		size_t payload = 0;

		met_seal |= re->end == re->seal.end && re->chain == re->seal.chain;
		if (!read_record(re, raw, &payload, &whole, err) ||
		    (whole && !add_record(re, raw, payload, err)))
			return false;
	}
	/* What is not whole behind the seal was being written at a crash: it is not needed. */
	return met_seal || fail_sealed(re, err);
}

static int by_place(const void *a, const void *b)
{
	const struct saved *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

/* Puts the records in the order of the image; two of one block cannot both be the original. */
static bool sort_records(struct restore *re, struct img_err *err)
{
	if (re->n > 1)
		qsort(re->v, re->n, sizeof(*re->v), by_place);
	for (size_t i = 1; i < re->n; i++) {
		if (re->v[i].at >= re->v[i - 1].at + re->v[i - 1].len)
			continue;
		img_fail(err, IMG_E_CORRUPT, _("holds the bytes at offset %" PRIu64 " twice"),
			 re->v[i].at);
		return img_within(err, "%s", re->undo->name);
	}
	return true;
}

/* Whether all of [from, to) was saved. */
static bool is_saved(const struct restore *re, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < re->n && from < to && re->v[i].at <= from; i++)
		from = img_max_u64(from, re->v[i].at + re->v[i].len);
	return from >= to;
}

static bool check_sample(struct restore *re, size_t i, struct img_err *err)
{
	size_t len, got;
	const uint64_t at = img_undo_sample_at(&re->header, i, &len);

	if (is_saved(re, at, at + len))
		return true;
	if (!img_store_read_some(re->target, at, re->buf, len, &got, err))
		return false;
	if (got == len && img_undo_sample_crc(re->buf, len) == re->header.samples[i])
		return true;
	img_fail(err, IMG_E_ARGUMENT,
		 _("is not the image that the undo file is for: it differs at offset %" PRIu64
		   ", where nothing was changed"), at);
	return img_within(err, "%s", re->target->name);
}

/* What was not saved must be there as it was. */
static bool check_target(struct restore *re, struct img_err *err)
{
	const uint64_t original = re->header.original;

	if (!img_store_size(re->target, &re->target_size, err))
		return false;
	if (re->target_size != original &&
	    (!(re->target->caps & IMG_STORE_RESIZE) ||
	     !is_saved(re, re->target_size, original))) {
		img_fail(err, IMG_E_ARGUMENT,
			 _("is not the image that the undo file is for: it has %" PRIu64
			   " bytes, that had %" PRIu64), re->target_size, original);
		return img_within(err, "%s", re->target->name);
	}
	for (size_t i = 0; original > 0 && i < UNDO_SAMPLES; i++)
		if (!check_sample(re, i, err))
			return false;
	return true;
}

static bool put_back(struct restore *re, const struct saved *saved, struct img_err *err)
{
	if (saved->from == 0)
		return img_store_zero(re->target, saved->at, saved->len, false, err);
	return img_store_read(re->undo, saved->from, re->buf, saved->len, err) &&
	       img_store_write(re->target, saved->at, re->buf, saved->len, err);
}

/*
 * A target that is too short grows as its end, all of which was saved, is written.  A crash on the
 * way leaves what was saved in any state, and a length of no less than before: as changes do, so it
 * can be done again.
 */
static bool put_all_back(struct restore *re, struct img_err *err)
{
	const uint64_t original = re->header.original;

	for (size_t i = 0; i < re->n; i++)
		if (!put_back(re, &re->v[i], err))
			return false;
	if (re->target_size > original && !img_store_resize(re->target, original, err))
		return false;
	return img_store_sync(re->target, err);
}

bool img_undo_restore(struct img_store *undo, struct img_store *target, struct img_err *err)
{
	struct restore re = { .undo = undo, .target = target };
	bool done;

	re.buf = img_alloc_aligned(UNDO_CHUNK, err);
	done = re.buf && img_store_size(undo, &re.undo_size, err) && read_start(&re, err) &&
	       read_records(&re, err) && sort_records(&re, err) && check_target(&re, err) &&
	       put_all_back(&re, err);
	free(re.v);
	free(re.buf);
	return done;
}
