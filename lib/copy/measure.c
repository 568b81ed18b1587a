/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How large an image would be: its driver makes it, in files that count and keep nothing.  Where the
 * bytes do not matter they are not read: the driver is told of them as the map of the source has them,
 * or as long as a sample of them became.
 */
#include <string.h>
#include "base/job.h"
#include "base/mem.h"
#include "base/num.h"
#include "copy/measure.h"

/* What a driver that can be given a whole run of a store is told of at once; a multiple of any grain. */
#define RUN_BYTES (UINT64_C(256) << 20)

struct measuring {
	const struct img_measure *what;
	const struct img_job *job;
	struct img *src;		/* that of what, or one that holds nothing */
	struct img_ranges data;		/* of src: whole grains that may hold data */
	uint64_t grain;
	struct img_measured *out;
};

/* ---- The source ---------------------------------------------------------------------------------- */

static bool add_chunk(struct measuring *m, const struct img_chunk *chunk, struct img_err *err)
{
	for (size_t i = 0; i < chunk->extents.n; i++)
		if (chunk->extents.v[i].kind == IMG_EXTENT_LOST)
			return img_fail_lost(m->src, &chunk->extents.v[i], err);
	return chunk->kind == IMG_CHUNK_ZERO ||
	       img_chunk_ranges(chunk, m->grain, &m->data, err);
}

static bool find_data(struct measuring *m, struct img_err *err)
{
	struct img_plan plan = {
		.src = m->src, .grain = m->grain, .window = RUN_BYTES,
		.of_bytes = m->what->zero_grain > 0,
	};
	struct img_chunk chunk = { 0 };
	bool ok;

	do {
		ok = img_job_goes_on(m->job, err) && img_plan_next(&plan, &chunk, err) &&
		     add_chunk(m, &chunk, err);
	} while (ok && chunk.len);
	img_chunk_free(&chunk);
	for (size_t i = 0; i < m->data.n; i++)
		m->out->data += m->data.v[i].len;
	return ok;
}

/* A disk that holds nothing, of a new image's size. */
static struct img *open_nothing(uint64_t size, struct img_err *err)
{
	const struct img_create what = { .path = "", .format = "raw", .size = size };
	struct img *im = img_create_counted(&what, err);

	if (im && img_finish(im, err))
		return im;
	img_close(im);
	return NULL;
}

/* ---- The target ---------------------------------------------------------------------------------- */

/* One slot on its way through the driver; what it would hold takes its room. */
static bool put_slot(struct img_layer *dst, struct img_slot *slot, struct img_err *err)
{
	const struct img_write_ops *ops = dst->format->write;

	return ops->reserve(dst, slot, 1, err) &&
	       (!(slot->flags & IMG_SLOT_LED) || ops->lead(dst, slot, err)) &&
	       img_store_preallocate(slot->store, slot->host, slot->stored_len,
				     IMG_PREALLOC_FALLOC, err) &&
	       ops->publish(dst, slot, 1, err);
}

static bool put_plain(struct img_layer *dst, const struct img_range *data, struct img_err *err)
{
	const uint64_t window = dst->takes_plain ? RUN_BYTES
						 : img_max_u64(dst->unit, IMG_MIN_WINDOW);
	const uint64_t end = data->at + data->len;
	uint64_t next;

	for (uint64_t at = data->at; at < end; at = next) {
		struct img_slot slot = { .at = at };

		next = img_min_u64(img_round_down(at, window) + window, end);
		slot.len = slot.stored_len = (uint32_t)(next - at);
		if (!put_slot(dst, &slot, err))
			return false;
	}
	return true;
}

/* Units as long as those of a grain in the sample. */
static bool put_like(struct img_layer *dst, uint64_t at, uint64_t end, const uint32_t *stored,
		     struct img_err *err)
{
	for (; at < end; at += dst->unit, stored++) {
		const uint32_t len = img_min_u64(dst->unit, end - at);
		const bool plain = *stored == IMG_SAMPLE_PLAIN;
		struct img_slot slot = {
			.at = at, .len = len, .stored_len = plain ? len : *stored,
			.flags = plain ? 0 : IMG_SLOT_COMPRESSED,
		};

		if (*stored ? !put_slot(dst, &slot, err)
			    : !dst->format->write->zero(dst, at, len, err))
			return false;
	}
	return true;
}

/* What a target is told of. */
struct outline {
	const struct img_ranges *data;		/* whole grains; between them are zeros */
	const struct img_sample *sample;	/* how long they become; NULL: they are plain */
	uint64_t grain, all;			/* grains of data */
	uint64_t index;				/* of the next one */
};

static bool put_sampled(struct img_layer *dst, struct outline *o, const struct img_range *data,
			struct img_err *err)
{
	const uint64_t end = data->at + data->len;

	for (uint64_t at = data->at; at < end; at += o->grain)
		if (!put_like(dst, at, img_min_u64(end, at + o->grain),
			      img_sample_of(o->sample, o->index++, o->all), err))
			return false;
	return true;
}

/* The whole disk. */
static bool put_all(const struct measuring *m, struct img *dst, const struct img_ranges *data,
		    const struct img_sample *sample, struct img_err *err)
{
	struct img_layer *ly = &dst->layers[0];
	struct outline o = {
		.data = data, .sample = sample, .grain = m->grain,
		.all = img_sample_grains(data, m->grain),
	};
	uint64_t done = 0;

	for (size_t i = 0; i <= data->n; i++) {
		const struct img_range *next = i < data->n ? &data->v[i] : NULL;
		const uint64_t end = next ? next->at : img_size(m->src);

		if (!img_job_goes_on(m->job, err))
			return false;
		if (end > done && !ly->format->write->zero(ly, done, end - done, err))
			return false;
		if (next && (sample ? !put_sampled(ly, &o, next, err) : !put_plain(ly, next, err)))
			return false;
		done = next ? next->at + next->len : end;
	}
	return true;
}

/* ---- What comes out ------------------------------------------------------------------------------ */

static bool add_file(struct img_store *st, uint64_t *length, uint64_t *blocks, struct img_err *err)
{
	uint64_t bytes;

	if (!img_store_size(st, &bytes, err))
		return false;
	*length += bytes;
	*blocks += img_store_counted(st);
	return true;
}

/* Of all files of a new image, which is ended by that. */
static bool count_files(struct img *dst, uint64_t *length, uint64_t *blocks, struct img_err *err)
{
	*length = *blocks = 0;
	if (!img_finish(dst, err) || !add_file(dst->layers[0].store, length, blocks, err))
		return false;
	for (size_t i = 0; i < dst->target->n_extra; i++)
		if (!add_file(dst->target->extra[i], length, blocks, err))
			return false;
	return true;
}

static struct img *open_target(const struct measuring *m, struct img_err *err)
{
	struct img_create what = *m->what->target;

	what.size = img_size(m->src);
	what.source = m->what->src;
	return img_create_counted(&what, err);
}

/* The whole disk is data that do not get smaller, and larger where they cannot be plain. */
static bool put_full(const struct measuring *m, struct img *dst, struct img_err *err)
{
	const struct img_layer *ly = &dst->layers[0];
	struct img_range whole = { .len = img_size(m->src) };
	const struct img_ranges all = { .v = &whole, .n = whole.len > 0 };
	struct img_sample worst = { .n = 1, .units = m->grain / ly->unit };
	bool ok;

	if (!ly->framing.always)
		return put_all(m, dst, &all, NULL, err);
	worst.stored = img_calloc(worst.units, sizeof(*worst.stored), err);
	for (size_t i = 0; worst.stored && i < worst.units; i++)
		worst.stored[i] = (uint32_t)img_framed_max(&ly->framing, ly->unit);
	ok = worst.stored && put_all(m, dst, &all, &worst, err);
	img_sample_free(&worst);
	return ok;
}

/* A disk may be larger than what its image can hold. */
static bool count_full(const struct measuring *m, struct img_err *err)
{
	struct img *dst = open_target(m, err);
	struct img_err why = { 0 };
	uint64_t blocks;
	const bool ok = dst && put_full(m, dst, &why) &&
			count_files(dst, &m->out->full, &blocks, &why);

	img_close(dst);
	if (why.code == IMG_E_RANGE)
		m->out->full = IMG_SIZE_UNKNOWN;
	else if (!ok && dst && err)
		*err = why;
	return ok || why.code == IMG_E_RANGE;
}

/* Damaged ones are no reason not to copy the disk, so they are none here. */
static bool count_bitmaps(const struct measuring *m, const struct img *dst, struct img_err *err)
{
	const struct img_layer *to = &dst->layers[0];
	struct img_err why = { 0 };
	struct img_bitmap *list;
	size_t n;

	if (!m->src->layers[0].format->bitmap || !to->format->bitmap)
		return true;
	if (!img_bitmap_list(m->src, &list, &n, &why)) {
		const bool damaged = why.code == IMG_E_CORRUPT || why.code == IMG_E_INCOMPLETE;

		if (!damaged && err)
			*err = why;
		return damaged;
	}
	m->out->bitmaps = to->format->bitmap->room(to, list, n);
	img_bitmap_list_free(list, n);
	return true;
}

/* ---- The ways to measure ------------------------------------------------------------------------- */

static bool copy_all(const struct measuring *m, const struct img_copy *how, struct img_err *err)
{
	struct img_copy_stats stats;

	m->out->exactness = IMG_EXACT;
	m->out->sampled = img_work_encodes(how) ? m->out->data : 0;
	return img_copy_run(how, m->job, &stats, err);
}

static bool copy_sample(const struct measuring *m, const struct img_copy *how, uint64_t n,
			struct img_err *err)
{
	struct img_sample sample;
	const bool ok = img_sample_take(how, &m->data, n, m->job, &sample, err) &&
			put_all(m, how->dst, &m->data, &sample, err);

	m->out->exactness = IMG_ESTIMATED;
	m->out->sampled = n * m->grain;
	m->out->error = (uint64_t)sample.error;
	img_sample_free(&sample);
	return ok;
}

static bool put_map(const struct measuring *m, const struct img_copy *how, struct img_err *err)
{
	m->out->exactness = how->zero_grain && m->data.n ? IMG_AT_MOST : IMG_EXACT;
	return put_all(m, how->dst, &m->data, NULL, err);
}

static bool put_source(const struct measuring *m, const struct img_copy *how, struct img_err *err)
{
	const uint64_t most = m->what->sample ? m->what->sample : IMG_MEASURE_SAMPLE;
	const uint64_t n = img_max_u64(most / m->grain, 2);

	/* What it stands on has to be compared. */
	if (how->dst->target->backing_path)
		return copy_all(m, how, err);
	if (!img_work_encodes(how))
		return m->what->read ? copy_all(m, how, err) : put_map(m, how, err);
	if (n >= img_sample_grains(&m->data, m->grain))
		return copy_all(m, how, err);
	return copy_sample(m, how, n, err);
}

static bool measure(struct measuring *m, struct img *dst, struct img_err *err)
{
	const struct img_measure *what = m->what;
	const struct img_copy how = {
		.src = m->src, .dst = dst, .threads = what->threads,
		.zero_grain = what->zero_grain, .compress = what->target->compressed,
	};

	m->grain = img_max_u64(dst->layers[0].unit, what->zero_grain);
	return find_data(m, err) && put_source(m, &how, err) && count_bitmaps(m, dst, err) &&
	       count_files(dst, &m->out->length, &m->out->blocks, err) && count_full(m, err);
}

bool img_measure_run(const struct img_measure *what, const struct img_job *job,
		     struct img_measured *out, struct img_err *err)
{
	struct measuring m = { .what = what, .job = job, .out = out, .src = what->src };
	struct img *dst = NULL;
	bool ok;

	*out = (struct img_measured){ .bitmaps = IMG_SIZE_UNKNOWN };
	if (m.src && (img_is_stream(m.src) || m.src->passing))
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("what comes through a pipe is measured when it has come"));
	if (!m.src)
		m.src = open_nothing(what->target->size, err);
	if (m.src)
		dst = open_target(&m, err);
	ok = dst && measure(&m, dst, err);
	img_close(dst);
	if (!what->src)
		img_close(m.src);
	free(m.data.v);
	return ok;
}
