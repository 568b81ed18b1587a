/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes as they are found, into a patch. */
#include "copy/patch.h"

struct writer {
	const struct img_diff *what;
	const struct img_patch_new *how;
	struct patch_sink sink;
	uint32_t chain;
	struct patch_totals totals;
};

static bool put_record(struct writer *wr, const struct patch_record *rec, const uint8_t *bytes,
		       struct img_err *err)
{
	uint8_t raw[PATCH_REC_BYTES];

	wr->chain = patch_record_encode(rec, wr->chain, bytes, raw);
	return patch_sink_put(&wr->sink, raw, sizeof(raw), err) &&
	       (!bytes || patch_sink_put(&wr->sink, bytes, rec->len, err));
}

static bool is_rbd(const struct writer *wr)
{
	return wr->how->format == IMG_PATCH_RBD;
}

static bool changed(void *ctx, const struct img_change *change, struct img_err *err)
{
	struct writer *wr = ctx;
	const struct patch_record rec = {
		.kind = change->zero ? PATCH_ZERO : PATCH_DATA, .at = change->at, .len = change->len,
	};

	if (!patch_totals_add(&wr->totals, &rec, is_rbd(wr) ? NULL : wr->what->a, err))
		return false;
	return is_rbd(wr) ? patch_rbd_put_change(&wr->sink, change, err)
			  : put_record(wr, &rec, change->bytes, err);
}

static bool put_header(struct writer *wr, struct img_err *err)
{
	const struct patch_header header = {
		.old_size = img_size(wr->what->a), .new_size = img_size(wr->what->b),
	};
	uint8_t raw[PATCH_HDR_BYTES];

	if (is_rbd(wr))
		return patch_rbd_put_start(&wr->sink, wr->how, header.new_size, err);
	wr->chain = patch_header_encode(&header, raw);
	return patch_sink_put(&wr->sink, raw, sizeof(raw), err);
}

static bool put_end(struct writer *wr, struct img_err *err)
{
	const struct patch_record rec = {
		.kind = PATCH_END, .at = wr->totals.records, .len = PATCH_END_BYTES,
	};
	uint8_t raw[PATCH_END_BYTES];

	if (is_rbd(wr))
		return patch_rbd_put_end(&wr->sink, err);
	patch_end_encode(&wr->totals, raw);
	return put_record(wr, &rec, raw, err);
}

static bool write_all(struct writer *wr, const struct img_job *job, struct img_err *err)
{
	struct img_diff diff = *wr->what;

	diff.with_bytes = true;
	diff.changed = changed;
	diff.ctx = wr;
	return put_header(wr, err) && img_diff_run(&diff, job, err) && put_end(wr, err) &&
	       patch_sink_flush(&wr->sink, err) && img_store_publish(wr->sink.store, err);
}

bool img_patch_write(const struct img_diff *what, const struct img_patch_new *how,
		     const struct img_job *job, struct img_patch_stats *stats, struct img_err *err)
{
	struct writer wr = {
		.what = what, .how = how,
		.sink.store = img_open_new_store(how->path, IMG_CACHE_WRITEBACK, err),
	};
	const bool ok = wr.sink.store && write_all(&wr, job, err);

	img_store_close(wr.sink.store);
	if (ok)
		*stats = (struct img_patch_stats){
			.old_size = img_size(what->a), .new_size = img_size(what->b),
			.records = wr.totals.records, .data = wr.totals.data,
			.zero = wr.totals.zero,
		};
	return ok;
}
