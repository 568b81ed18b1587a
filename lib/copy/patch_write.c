/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes as they are found, into a patch. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "copy/patch.h"
#include "libimg-diff.h"

/* Small pieces go out together. */
enum { GATHERED = 64 << 10 };

struct writer {
	struct img *old;
	struct img_store *store;
	uint64_t at;			/* of the store: bytes below this are written */
	uint32_t chain;
	struct patch_totals totals;
	size_t n;
	uint8_t gathered[GATHERED];
};

static bool flush(struct writer *wr, struct img_err *err)
{
	const size_t n = wr->n;

	wr->n = 0;
	wr->at += n;
	return !n || img_store_write(wr->store, wr->at - n, wr->gathered, n, err);
}

static bool put(struct writer *wr, const uint8_t *bytes, size_t len, struct img_err *err)
{
	if (len > GATHERED - wr->n && !flush(wr, err))
		return false;
	if (len <= GATHERED) {
		memcpy(wr->gathered + wr->n, bytes, len);
		wr->n += len;
		return true;
	}
	wr->at += len;
	return img_store_write(wr->store, wr->at - len, bytes, len, err);
}

static bool put_record(struct writer *wr, const struct patch_record *rec, const uint8_t *bytes,
		       struct img_err *err)
{
	uint8_t raw[PATCH_REC_BYTES];

	wr->chain = patch_record_encode(rec, wr->chain, bytes, raw);
	return put(wr, raw, sizeof(raw), err) && (!bytes || put(wr, bytes, rec->len, err));
}

static bool changed(void *ctx, const struct img_change *change, struct img_err *err)
{
	struct writer *wr = ctx;
	const struct patch_record rec = {
		.kind = change->zero ? PATCH_ZERO : PATCH_DATA, .at = change->at, .len = change->len,
	};

	return patch_totals_add(&wr->totals, &rec, wr->old, err) &&
	       put_record(wr, &rec, change->bytes, err);
}

static bool put_header(struct writer *wr, const struct img_diff *what, struct img_err *err)
{
	const struct patch_header header = {
		.old_size = img_size(what->a), .new_size = img_size(what->b),
	};
	uint8_t raw[PATCH_HDR_BYTES];

	wr->chain = patch_header_encode(&header, raw);
	return put(wr, raw, sizeof(raw), err);
}

static bool put_end(struct writer *wr, struct img_err *err)
{
	const struct patch_record rec = {
		.kind = PATCH_END, .at = wr->totals.records, .len = PATCH_END_BYTES,
	};
	uint8_t raw[PATCH_END_BYTES];

	patch_end_encode(&wr->totals, raw);
	return put_record(wr, &rec, raw, err) && flush(wr, err);
}

static bool write_all(struct writer *wr, const struct img_diff *what, const struct img_job *job,
		      struct img_err *err)
{
	struct img_diff diff = *what;

	diff.with_bytes = true;
	diff.changed = changed;
	diff.ctx = wr;
	return put_header(wr, what, err) && img_diff_run(&diff, job, err) && put_end(wr, err) &&
	       img_store_publish(wr->store, err);
}

bool img_patch_write(const struct img_diff *what, const char *path, const struct img_job *job,
		     struct img_patch_stats *stats, struct img_err *err)
{
	struct writer wr = {
		.old = what->a, .store = img_open_new_store(path, IMG_CACHE_WRITEBACK, err),
	};
	const bool ok = wr.store && write_all(&wr, what, job, err);

	img_store_close(wr.store);
	if (ok)
		*stats = (struct img_patch_stats){
			.old_size = img_size(what->a), .new_size = img_size(what->b),
			.records = wr.totals.records, .data = wr.totals.data,
			.zero = wr.totals.zero,
		};
	return ok;
}
