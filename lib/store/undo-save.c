/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing an undo file.  What was saved is remembered only when it is durable. */
#include "store/undo.h"

#include "base/mem.h"
#include "base/num.h"
#include "base/zero.h"

static bool take_samples(struct img_undo_save *save, struct img_err *err)
{
	struct img_undo_header *header = &save->header;

	for (size_t i = 0; header->original > 0 && i < UNDO_SAMPLES; i++) {
		size_t len;
		const uint64_t at = img_undo_sample_at(header, i, &len);

		if (!img_store_read(save->parent, at, save->buf, len, err))
			return false;
		header->samples[i] = img_undo_sample_crc(save->buf, len);
	}
	return true;
}

static bool write_seal(struct img_undo_save *save, struct img_err *err)
{
	const struct img_undo_seal seal = { .end = save->end, .chain = save->chain };
	uint8_t raw[UNDO_SEAL_BYTES];

	img_undo_seal_encode(&seal, raw);
	return img_store_write(save->file, UNDO_SEAL_AT, raw, sizeof(raw), err);
}

bool img_undo_begin(struct img_undo_save *save, struct img_store *file, struct img_err *err)
{
	uint8_t raw[UNDO_HDR_BYTES];

	save->header = (struct img_undo_header){ .block = UNDO_BLOCK };
	if (!save->buf)
		save->buf = img_alloc_aligned(UNDO_CHUNK, err);
	if (!save->buf || !img_store_size(save->parent, &save->header.original, err) ||
	    !take_samples(save, err))
		return false;
	img_undo_header_encode(&save->header, raw);
	save->file = file;
	save->end = UNDO_RECORDS_AT;
	save->chain = img_undo_header_chain(raw);
	return img_store_write(file, 0, raw, sizeof(raw), err) && write_seal(save, err) &&
	       img_store_sync(file, err);
}

/* A save under way: where its next record goes. */
struct batch {
	uint64_t end;
	uint32_t chain;
};

static bool put_record(struct img_undo_save *save, struct batch *batch,
		       const struct img_undo_record *rec, const uint8_t *bytes,
		       struct img_err *err)
{
	const size_t len = rec->kind == UNDO_KIND_BYTES ? rec->len : 0;
	uint8_t raw[UNDO_REC_BYTES];
	const uint32_t chain = img_undo_record_encode(rec, batch->chain, bytes, raw);

	if (!img_store_write(save->file, batch->end, raw, sizeof(raw), err) ||
	    !img_store_write(save->file, batch->end + sizeof(raw), bytes, len, err))
		return false;
	batch->end += sizeof(raw) + len;
	batch->chain = chain;
	return true;
}

static bool put_read(struct img_undo_save *save, struct batch *batch, uint64_t at, size_t len,
		     struct img_err *err)
{
	if (!img_store_read(save->parent, at, save->buf, len, err))
		return false;
	for (size_t done = 0; done < len; ) {
		bool zeros;
		const size_t run = img_zero_run(save->buf + done, len - done, UNDO_BLOCK,
						&zeros);
		const struct img_undo_record rec = {
			.kind = zeros ? UNDO_KIND_ZEROS : UNDO_KIND_BYTES,
			.at = at + done, .len = run,
		};

		if (!put_record(save, batch, &rec, save->buf + done, err))
			return false;
		done += run;
	}
	return true;
}

/* How many bytes from `at` on are known to be zeros without reading them: whole blocks. */
static uint64_t hole_at(struct img_store *parent, uint64_t at, uint64_t end)
{
	struct img_extent ex;

	/* Who cannot tell is asked for the bytes. */
	if (!(parent->caps & IMG_STORE_EXTENTS) ||
	    !img_store_extent(parent, at, end, &ex, NULL) || ex.kind != IMG_EXTENT_ZERO)
		return 0;
	return ex.len >= end - at ? end - at : img_round_down(ex.len, UNDO_BLOCK);
}

static bool put_gap(struct img_undo_save *save, struct batch *batch, const struct img_stretch *gap,
		    struct img_err *err)
{
	for (uint64_t at = gap->start; at < gap->end; ) {
		uint64_t len = hole_at(save->parent, at, gap->end);
		const struct img_undo_record hole = { UNDO_KIND_ZEROS, at, len };

		if (len > 0) {
			if (!put_record(save, batch, &hole, NULL, err))
				return false;
		} else {
			len = img_min_u64(gap->end - at, UNDO_CHUNK);
			if (!put_read(save, batch, at, len, err))
				return false;
		}
		at += len;
	}
	return true;
}

bool img_undo_save(struct img_undo_save *save, uint64_t at, uint64_t len, struct img_err *err)
{
	const uint64_t original = save->header.original;
	const uint64_t start = img_round_down(img_min_u64(at, original), UNDO_BLOCK);
	const uint64_t end = img_min_u64(img_round_up(at + len, UNDO_BLOCK), original);
	struct batch batch = { save->end, save->chain };
	struct img_stretch gap = { 0 };

	if (at >= original || !img_rangeset_gap(&save->saved, start, end, &gap))
		return true;
	/* Nothing may go wrong any more when all is durable: no block may be saved twice. */
	if (!img_rangeset_reserve(&save->saved, err) || !write_seal(save, err))
		return false;
	do {
		if (!put_gap(save, &batch, &gap, err))
			return false;
	} while (img_rangeset_gap(&save->saved, gap.end, end, &gap));
	if (!img_store_sync(save->file, err))
		return false;
	img_rangeset_add(&save->saved, start, end);
	save->end = batch.end;
	save->chain = batch.chain;
	return true;
}

void img_undo_seal(struct img_undo_save *save)
{
	if (!write_seal(save, NULL) || !img_store_sync(save->file, NULL))
		return;		/* the file is as after a crash then */
}
