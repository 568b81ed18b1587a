/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading a stream by its markers, once, from front to back.
 *
 * What is on the disk in front of the last grain that came is taken for known: a stream is written
 * in the order of the disk.  A grain that comes late all the same is put aside, in a temporary file.
 * The tables that come behind their grains must say what the grains themselves did: only then is the
 * disk what another reader would see, who goes by the tables.
 *
 * One thread goes on in the stream.  What it found is in `entries` and `late`, which others read.
 */
#include "format/vmdk/told.h"

#include <inttypes.h>
#include <libdeflate.h>
#include <pthread.h>
#include <string.h>
#include "base/bytes.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/layout.h"
#include "format/vmdk/sparse.h"

/* A grain that came late, or a grain table. */
struct late { uint64_t host, aside; uint32_t len; };
struct table { uint64_t host; uint32_t sum; };

struct vmdk_told {
	struct img_store *file;			/* borrowed */
	struct vmdk_header hdr;
	/* Of the thread that goes on in the stream: */
	uint64_t next;				/* in the file: of the next marker */
	struct table *tables;			/* in the order of the file; owned */
	size_t n_tables, cap_tables;
	uint64_t gd_at;				/* in the file; 0: has not come */
	bool footer;				/* has come */
	struct img_store *aside;		/* late grains; owned; NULL: there are none */
	uint64_t aside_len;

	pthread_mutex_t lock;			/* guards all below */
	uint64_t known;				/* guest bytes in front of this are told of */
	bool ended;
	const struct img_finding_kind *bad;	/* why the stream ended before its end, or NULL */
	enum img_code loss;
	/* As the grain tables will be, where there are grains: the sector of each; owned. */
	uint32_t **entries;
	struct late *late;			/* in the order of the file; owned */
	size_t n_late, cap_late;
};

static uint64_t span_of(const struct vmdk_told *told)
{
	return told->hdr.grain * told->hdr.gt_entries;
}

/* ---- What came ------------------------------------------------------------------------------- */

/* The entry of a grain; NULL: its table has none yet.  With the lock. */
static uint32_t *entry_of(const struct vmdk_told *told, uint64_t at)
{
	uint32_t *table = told->entries[at / span_of(told)];

	return table ? &table[at % span_of(told) / told->hdr.grain] : NULL;
}

static bool stop(struct vmdk_told *told, const struct img_finding_kind *bad, enum img_code loss)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&told->lock);

	told->ended = true;
	told->bad = bad;
	told->loss = loss;
	return true;
}

static bool stop_cut(struct vmdk_told *told)
{
	return stop(told, &vmdk_found_stream_end, IMG_E_INCOMPLETE);
}

static bool stop_wrong(struct vmdk_told *told)
{
	return stop(told, &vmdk_found_stream_marker, IMG_E_CORRUPT);
}

/* Reads len bytes at `at`; *all is false: the stream ends in front of their end. */
static bool take(struct vmdk_told *told, uint64_t at, void *buf, size_t len, bool *all,
		 struct img_err *err)
{
	size_t got;

	if (!img_store_read_some(told->file, at, buf, len, &got, err))
		return false;
	*all = got == len;
	return true;
}

/* ---- Grains ---------------------------------------------------------------------------------- */

static bool put_aside(struct vmdk_told *told, uint64_t from, uint32_t len, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *buf = img_alloc_aligned(len, err);

	if (!buf || (!told->aside && !(told->aside = img_store_temporary(NULL, err))) ||
	    !img_store_read(told->file, from, buf, len, err) ||
	    !img_store_write(told->aside, told->aside_len, buf, len, err))
		return false;
	told->aside_len += len;
	return true;
}

static bool note_late(struct vmdk_told *told, uint64_t host, uint32_t len, struct img_err *err)
{
	const struct late one = { .host = host, .aside = told->aside_len, .len = len };
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&told->lock);
	struct late *v = img_grow_by_one(told->late, told->n_late, &told->cap_late, sizeof(*v),
					 err);

	if (!v)
		return false;
	told->late = v;
	v[told->n_late++] = one;
	return true;
}

/* The entry of a grain is set once, when its bytes are there. */
static bool set_entry(struct vmdk_told *told, uint64_t at, uint64_t host, struct img_err *err)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&told->lock);
	uint32_t **table = &told->entries[at / span_of(told)];

	if (!*table)
		*table = img_calloc(told->hdr.gt_entries, sizeof(**table), err);
	if (!*table)
		return false;
	*entry_of(told, at) = (uint32_t)(host / VMDK_SECTOR);
	told->known = img_max_u64(told->known,
				  img_min_u64(at + told->hdr.grain, told->hdr.capacity));
	return true;
}

static bool came_before(struct vmdk_told *told, uint64_t at)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&told->lock);
	const uint32_t *entry = entry_of(told, at);

	return entry && *entry;
}

static bool is_place(const struct vmdk_told *told, uint64_t sector, uint32_t len)
{
	const uint64_t grain = told->hdr.grain;

	return sector < told->hdr.capacity / VMDK_SECTOR && sector * VMDK_SECTOR % grain == 0 &&
	       len <= vmdk_packed_max(grain) && told->next / VMDK_SECTOR <= UINT32_MAX;
}

static bool take_grain(struct vmdk_told *told, uint64_t sector, uint32_t len, struct img_err *err)
{
	const uint64_t at = sector * VMDK_SECTOR, from = told->next + VMDK_MARK_GRAIN_LEN;
	uint8_t last;
	bool all;

	if (!is_place(told, sector, len) || came_before(told, at))
		return stop_wrong(told);
	if (!take(told, from + len - 1, &last, 1, &all, err))
		return false;
	if (!all)
		return stop_cut(told);
	if (at < told->known &&
	    (!note_late(told, told->next, len, err) || !put_aside(told, from, len, err)))
		return false;
	if (!set_entry(told, at, told->next, err))
		return false;
	told->next = img_round_up(from + len, VMDK_SECTOR);
	return true;
}

/* ---- Tables ---------------------------------------------------------------------------------- */

/* Of a table as the file has it.  An entry that says zeros is as good as none. */
static uint32_t sum_of_raw(uint8_t *raw, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (img_get_le32(raw + i * sizeof(uint32_t)) == VMDK_ENTRY_ZERO)
			img_put_le32(raw + i * sizeof(uint32_t), 0);
	return libdeflate_crc32(0, raw, n * sizeof(uint32_t));
}

/* Of the table that the grains make. */
static uint32_t sum_of_came(const struct vmdk_told *told, uint64_t i)
{
	uint8_t raw[VMDK_GT_ENTRIES_MAX * sizeof(uint32_t)] = { 0 };
	const size_t n = told->hdr.gt_entries;

	for (size_t k = 0; told->entries[i] && k < n; k++)
		img_put_le32(raw + k * sizeof(uint32_t), told->entries[i][k]);
	return libdeflate_crc32(0, raw, n * sizeof(uint32_t));
}

static bool take_table(struct vmdk_told *told, uint64_t sectors, struct img_err *err)
{
	uint8_t raw[VMDK_GT_ENTRIES_MAX * sizeof(uint32_t)];
	const size_t len = told->hdr.gt_entries * sizeof(uint32_t);
	const uint64_t at = told->next + VMDK_SECTOR;
	struct table *v;
	bool all;

	if (sectors != img_div_up(len, VMDK_SECTOR))
		return stop_wrong(told);
	if (!take(told, at, raw, len, &all, err))
		return false;
	if (!all)
		return stop_cut(told);
	v = img_grow_by_one(told->tables, told->n_tables, &told->cap_tables, sizeof(*v), err);
	if (!v)
		return false;
	told->tables = v;
	v[told->n_tables++] = (struct table){ at, sum_of_raw(raw, told->hdr.gt_entries) };
	told->next = at + sectors * VMDK_SECTOR;
	return true;
}

static int by_host(const void *key, const void *element)
{
	const uint64_t a = *(const uint64_t *)key, b = *(const uint64_t *)element;

	return a < b ? -1 : a > b;
}

/* Whether the entry of the directory leads to a table that says what came. */
static bool agrees(const struct vmdk_told *told, uint64_t i, uint32_t sector)
{
	const uint64_t host = sector * VMDK_SECTOR;
	const struct table *table;

	if (!sector)
		return !told->entries[i];
	table = told->n_tables ? bsearch(&host, told->tables, told->n_tables, sizeof(*table),
					 by_host) : NULL;
	return table && table->sum == sum_of_came(told, i);
}

/* Only this thread changes entries, so it reads them without the lock. */
static bool take_directory(struct vmdk_told *told, uint64_t sectors, struct img_err *err)
{
	const size_t len = told->hdr.n_gd * sizeof(uint32_t);
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(len, err);
	const uint64_t at = told->next + VMDK_SECTOR;
	bool all;

	if (!raw)
		return false;
	if (sectors < img_div_up(len, VMDK_SECTOR) || sectors > UINT32_MAX)
		return stop_wrong(told);
	if (!take(told, at, raw, len, &all, err))
		return false;
	if (!all)
		return stop_cut(told);
	for (uint64_t i = 0; i < told->hdr.n_gd; i++)
		if (!agrees(told, i, img_get_le32(raw + i * sizeof(uint32_t))))
			return stop(told, &vmdk_found_stream_unlisted, IMG_E_CORRUPT);
	told->gd_at = at;
	told->next = at + sectors * VMDK_SECTOR;
	return true;
}

static bool take_footer(struct vmdk_told *told, uint64_t sectors, struct img_err *err)
{
	uint8_t raw[VMDK_HDR_LEN];
	struct vmdk_header footer;
	bool all;

	if (sectors != VMDK_HDR_LEN / VMDK_SECTOR)
		return stop_wrong(told);
	if (!take(told, told->next + VMDK_SECTOR, raw, sizeof(raw), &all, err))
		return false;
	if (!all)
		return stop_cut(told);
	if (!vmdk_header_decode(raw, sizeof(raw), &footer, NULL) || footer.gd_at_end ||
	    !told->gd_at || footer.gd_at != told->gd_at ||
	    footer.capacity != told->hdr.capacity || footer.grain != told->hdr.grain)
		return stop_wrong(told);
	told->footer = true;
	told->next += VMDK_SECTOR + VMDK_HDR_LEN;
	return true;
}

/* ---- The markers ----------------------------------------------------------------------------- */

/* All of the disk is known; what nothing was said of is a hole. */
static bool take_end(struct vmdk_told *told)
{
	if (!told->footer)
		return stop_cut(told);
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&told->lock);

	told->known = told->hdr.capacity;
	told->ended = true;
	return true;
}

/* Goes on by one marker. */
static bool go_on(struct vmdk_told *told, struct img_err *err)
{
	uint8_t raw[VMDK_MARK_TYPE + sizeof(uint32_t)];
	bool all;

	if (!take(told, told->next, raw, sizeof(raw), &all, err))
		return false;
	if (!all)
		return stop_cut(told);

	const uint64_t value = img_get_le64(raw + VMDK_MARK_VALUE);
	const uint32_t size = img_get_le32(raw + VMDK_MARK_SIZE);

	if (size)
		return take_grain(told, value, size, err);
	switch (img_get_le32(raw + VMDK_MARK_TYPE)) {
	case VMDK_MARK_END_OF_STREAM:
		return value ? stop_wrong(told) : take_end(told);
	case VMDK_MARK_GRAIN_TABLE:
		return take_table(told, value, err);
	case VMDK_MARK_GRAIN_DIRECTORY:
		return take_directory(told, value, err);
	case VMDK_MARK_FOOTER:
		return take_footer(told, value, err);
	default:
		return stop_wrong(told);
	}
}

/* Whether enough has come to tell what is at `at`. */
static bool is_known(struct vmdk_told *told, uint64_t at)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&told->lock);

	return told->ended || at < told->known;
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* The end of the hole at `at`, as far as is known.  With the lock. */
static uint64_t hole_end(const struct vmdk_told *told, uint64_t at, uint64_t limit)
{
	limit = img_min_u64(limit, told->known);
	while (at < limit) {
		const uint32_t *entry = entry_of(told, at);
		const uint64_t step = entry ? told->hdr.grain : span_of(told);

		if (entry && *entry)
			return at;
		at = img_round_down(at, step) + step;
	}
	return limit;
}

bool vmdk_told_extent(struct vmdk_told *told, uint64_t at, uint64_t limit, struct img_extent *out,
		      struct img_err *err)
{
	const uint64_t grain_end = img_round_down(at, told->hdr.grain) + told->hdr.grain;

	while (!is_known(told, at))
		if (!go_on(told, err))
			return false;
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&told->lock);
	const uint32_t *entry = entry_of(told, at);

	*out = (struct img_extent){ .start = at, .len = limit - at, .kind = IMG_EXTENT_HOLE };
	if (at >= told->known) {
		out->kind = IMG_EXTENT_LOST;
		out->loss = told->loss;
		out->why = told->bad->text;
	} else if (entry && *entry) {
		out->kind = IMG_EXTENT_ENCODED;
		out->len = img_min_u64(limit, grain_end) - at;
		out->store = told->file;
		out->host = *entry * VMDK_SECTOR;
	} else {
		out->len = hole_end(told, at, limit) - at;
	}
	return true;
}

/* Of a grain that came late; NULL: it did not.  With the lock. */
static const struct late *late_at(const struct vmdk_told *told, uint64_t host)
{
	return told->n_late ? bsearch(&host, told->late, told->n_late, sizeof(*told->late), by_host)
			    : NULL;
}

bool vmdk_told_find(struct vmdk_told *told, uint64_t at, struct vmdk_packed *out,
		    struct img_err *err)
{
	uint8_t raw[VMDK_MARK_GRAIN_LEN];
	uint64_t host;

	{
		IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&told->lock);
		const struct late *late;

		host = *entry_of(told, at) * VMDK_SECTOR;
		late = late_at(told, host);
		if (late) {
			*out = (struct vmdk_packed){
				.store = told->aside, .host = late->aside, .len = late->len,
			};
			return true;
		}
	}
	if (!img_store_read(told->file, host, raw, sizeof(raw), err))
		return false;
	*out = (struct vmdk_packed){
		.store = told->file, .host = host + sizeof(raw),
		.len = img_get_le32(raw + VMDK_MARK_SIZE),
	};
	return true;
}

bool vmdk_told_conclude(struct vmdk_told *told, struct img_err *err)
{
	while (!told->ended)
		if (!go_on(told, err))
			return false;
	return !told->bad || img_fail(err, told->loss, "%s", _(told->bad->text));
}

void vmdk_told_late(const struct vmdk_told *told, uint64_t at, struct img_extent *out)
{
	uint64_t step;

	*out = (struct img_extent){ .start = at };
	for (; told->n_late && at < told->hdr.capacity; at = img_round_down(at, step) + step) {
		const uint32_t *entry = entry_of(told, at);
		const struct late *late = entry ? late_at(told, *entry * VMDK_SECTOR) : NULL;

		step = entry ? told->hdr.grain : span_of(told);
		if (!late)
			continue;
		*out = (struct img_extent){
			.start = at, .len = img_min_u64(step, told->hdr.capacity - at),
			.kind = IMG_EXTENT_ENCODED, .store = told->aside, .host = late->aside,
			.host_len = late->len,
		};
		return;
	}
}

struct vmdk_told *vmdk_told_new(struct img_store *file, const struct vmdk_header *hdr,
				struct img_err *err)
{
	struct vmdk_told *told = img_calloc(1, sizeof(*told), err);

	if (!told)
		return NULL;
	pthread_mutex_init(&told->lock, NULL);
	told->file = file;
	told->hdr = *hdr;
	told->next = hdr->overhead;
	told->entries = img_calloc(img_max_u64(hdr->n_gd, 1), sizeof(*told->entries), err);
	if (told->entries)
		return told;
	vmdk_told_free(told);
	return NULL;
}

void vmdk_told_free(struct vmdk_told *told)
{
	if (!told)
		return;
	for (uint64_t i = 0; told->entries && i < told->hdr.n_gd; i++)
		free(told->entries[i]);
	free(told->entries);
	free(told->tables);
	free(told->late);
	img_store_close(told->aside);
	pthread_mutex_destroy(&told->lock);
	free(told);
}
