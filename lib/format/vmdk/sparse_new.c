/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hosted sparse file that is being made: places, tables, and what is written at the end. */
#include "format/vmdk/sparse_new.h"

#include <inttypes.h>
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/layout.h"

enum {
	GRAIN = 64 << 10,
	ENTRY = sizeof(uint32_t),
	TABLE = VMDK_GT_ENTRIES_MAX * ENTRY,	/* bytes */
	BUFFER = 1 << 20,			/* of what is written at once */
};

#define SPAN ((uint64_t)GRAIN * VMDK_GT_ENTRIES_MAX)	/* guest bytes behind one table */

static uint64_t directory_len(uint64_t n)
{
	return img_round_up(n * ENTRY, VMDK_SECTOR);
}

/* A file that was made by others may have shorter tables; each begins at a sector. */
static uint64_t table_len(const struct vmdk_header *hdr)
{
	return img_round_up((uint64_t)hdr->gt_entries * ENTRY, VMDK_SECTOR);
}

/* Of a directory with the tables behind it. */
static uint64_t tables_len(const struct vmdk_header *hdr)
{
	return directory_len(hdr->n_gd) + hdr->n_gd * table_len(hdr);
}

uint64_t vmdk_sparse_new_place(struct vmdk_sparse_new *sp, uint64_t start)
{
	struct vmdk_header *hdr = &sp->hdr;
	const uint64_t one = tables_len(hdr);

	hdr->gd_at_end = false;
	hdr->rgd_at = hdr->flags & VMDK_FLAG_REDUNDANT ? start : 0;
	hdr->gd_at = hdr->rgd_at ? start + one : start;
	return hdr->gd_at + one;
}

static bool knows_size(const struct vmdk_sparse_new *sp)
{
	return sp->hdr.capacity != IMG_SIZE_UNKNOWN;
}

static bool count_tables(struct vmdk_header *hdr, struct img_err *err)
{
	hdr->n_gd = img_div_up(hdr->capacity, SPAN);
	return hdr->n_gd <= VMDK_GD_ENTRIES_MAX ||
	       img_fail(err, IMG_E_RANGE, _("the disk is larger than the %" PRIu64 " bytes that one "
			"file of grains can hold"), VMDK_GD_ENTRIES_MAX * SPAN);
}

bool vmdk_sparse_new_start(struct vmdk_sparse_new *sp, uint64_t desc_len, struct img_err *err)
{
	struct vmdk_header *hdr = &sp->hdr;

	hdr->kind = VMDK_KIND_HOSTED;
	hdr->version = sp->zeroed_grain ? 2 : 1;
	hdr->flags = VMDK_FLAG_LINE_ENDS | VMDK_FLAG_REDUNDANT |
		     (sp->zeroed_grain ? VMDK_FLAG_ZERO_GRAIN : 0);
	hdr->grain = GRAIN;
	hdr->gt_entries = VMDK_GT_ENTRIES_MAX;
	hdr->entry_len = ENTRY;
	hdr->desc_at = desc_len ? VMDK_SECTOR : 0;
	hdr->desc_len = desc_len;
	sp->next = VMDK_SECTOR + desc_len;
	if (knows_size(sp)) {
		if (!count_tables(hdr, err))
			return false;
		sp->next = vmdk_sparse_new_place(sp, sp->next);
	}
	sp->next = hdr->overhead = img_round_up(sp->next, GRAIN);
	return true;
}

void vmdk_sparse_new_clear(struct vmdk_sparse_new *sp)
{
	for (size_t i = 0; i < sp->n_tables; i++)
		free(sp->tables[i]);
	free(sp->tables);
	sp->tables = NULL;
	sp->n_tables = 0;
}

/* ---- Grains ---------------------------------------------------------------------------------- */

/* Places behind all others. */
static bool append(struct vmdk_sparse_new *sp, uint64_t len, uint64_t *host, struct img_err *err)
{
	const uint64_t end = sp->next + img_round_up(len, GRAIN);

	if (end / VMDK_SECTOR > UINT32_MAX)
		return img_fail(err, IMG_E_RANGE, _("the image is larger than 2 TiB, which no "
				"entry of a grain table can name"));
	*host = sp->next;
	sp->next = end;
	return true;
}

bool vmdk_sparse_new_take(struct vmdk_sparse_new *sp, uint64_t at, uint64_t len, uint64_t *host,
			  struct img_err *err)
{
	if (!sp->first)
		return append(sp, len, host, err);
	*host = sp->first + at;
	return true;
}

/* Makes room for n pointers to tables. */
static bool reach(struct vmdk_sparse_new *sp, size_t n, struct img_err *err)
{
	uint8_t **v;

	if (n <= sp->n_tables)
		return true;
	n = img_max_u64(n, 2 * sp->n_tables);
	v = img_grow(sp->tables, n, sizeof(*v), err);
	if (!v)
		return false;
	memset(v + sp->n_tables, 0, (n - sp->n_tables) * sizeof(*v));
	sp->tables = v;
	sp->n_tables = n;
	return true;
}

/* The entry of the grain with that number on the disk; NULL: no memory. */
static uint8_t *entry_of(struct vmdk_sparse_new *sp, uint64_t grain, struct img_err *err)
{
	const uint64_t i = grain / VMDK_GT_ENTRIES_MAX;

	if (i >= VMDK_GD_ENTRIES_MAX) {
		img_fail(err, IMG_E_RANGE, _("the disk is larger than the %" PRIu64 " bytes that one "
			 "file of grains can hold"), VMDK_GD_ENTRIES_MAX * SPAN);
		return NULL;
	}
	if (!reach(sp, i + 1, err))
		return NULL;
	if (!sp->tables[i])
		sp->tables[i] = img_calloc(1, TABLE, err);
	return sp->tables[i] ? sp->tables[i] + grain % VMDK_GT_ENTRIES_MAX * ENTRY : NULL;
}

/* step: bytes of the file from one grain to the next. */
static bool set_entries(struct vmdk_sparse_new *sp, uint64_t at, uint64_t len, uint64_t host,
			uint64_t step, struct img_err *err)
{
	const uint64_t first = at / GRAIN, n = img_div_up(len, GRAIN);

	for (uint64_t i = 0; i < n; i++) {
		uint8_t *entry = entry_of(sp, first + i, err);

		if (!entry)
			return false;
		img_put_le32(entry, (uint32_t)((host + i * step) / VMDK_SECTOR));
	}
	return true;
}

/* A device may hold anything where the last grain of the disk goes on. */
static bool zero_rest(struct vmdk_sparse_new *sp, uint64_t len, uint64_t host, struct img_err *err)
{
	const uint64_t rest = img_round_up(len, GRAIN) - len;

	return sp->fresh || !rest || img_store_zero(sp->file, host + len, rest, false, err);
}

bool vmdk_sparse_new_map(struct vmdk_sparse_new *sp, uint64_t at, uint64_t len, uint64_t host,
			 struct img_err *err)
{
	return set_entries(sp, at, len, host, GRAIN, err) && zero_rest(sp, len, host, err);
}

bool vmdk_sparse_new_place_all(struct vmdk_sparse_new *sp, struct img_err *err)
{
	const uint64_t len = sp->hdr.capacity;

	return append(sp, len, &sp->first, err) &&
	       set_entries(sp, 0, len, sp->first, GRAIN, err) &&
	       (sp->fresh ||
		img_store_zero(sp->file, sp->first, img_round_up(len, GRAIN), false, err));
}

/* Where a format without such entries needs grains of zeros, they get their places at the end. */
bool vmdk_sparse_new_zero(struct vmdk_sparse_new *sp, uint64_t at, uint64_t len,
			  struct img_err *err)
{
	return set_entries(sp, at, len, VMDK_ENTRY_ZERO * VMDK_SECTOR, 0, err);
}

/* ---- The end --------------------------------------------------------------------------------- */

static bool place_zero_grain(struct vmdk_sparse_new *sp, uint8_t *entry, struct img_err *err)
{
	uint64_t host = 0;

	if (!append(sp, GRAIN, &host, err))
		return false;
	img_put_le32(entry, (uint32_t)(host / VMDK_SECTOR));
	return sp->fresh || img_store_zero(sp->file, host, GRAIN, false, err);
}

static bool place_zeros(struct vmdk_sparse_new *sp, struct img_err *err)
{
	for (size_t i = 0; i < sp->n_tables && !sp->zeroed_grain; i++) {
		for (size_t at = 0; sp->tables[i] && at < TABLE; at += ENTRY) {
			uint8_t *entry = sp->tables[i] + at;

			if (img_get_le32(entry) == VMDK_ENTRY_ZERO &&
			    !place_zero_grain(sp, entry, err))
				return false;
		}
	}
	return true;
}

/* Entry i of the directory is the i-th table behind it. */
static bool write_directory(struct vmdk_sparse_new *sp, uint64_t at, uint8_t *buf,
			    struct img_err *err)
{
	const uint64_t n = sp->hdr.n_gd, tables = at + directory_len(n), each = table_len(&sp->hdr);

	for (uint64_t first = 0; first < n; first += BUFFER / ENTRY) {
		const size_t count = img_min_u64(n - first, BUFFER / ENTRY);

		for (size_t i = 0; i < count; i++)
			img_put_le32(buf + i * ENTRY,
				     (uint32_t)((tables + (first + i) * each) / VMDK_SECTOR));
		if (!img_store_write(sp->file, at + first * ENTRY, buf, count * ENTRY, err))
			return false;
	}
	return true;
}

static const uint8_t *table_at(const struct vmdk_sparse_new *sp, uint64_t i)
{
	return i < sp->n_tables ? sp->tables[i] : NULL;
}

/* Tables from first on that hold something, as far as they lie in one piece; returns how many. */
static size_t collect(const struct vmdk_sparse_new *sp, uint64_t first, uint8_t *buf)
{
	const uint64_t each = table_len(&sp->hdr);
	size_t n = 0;

	for (; n < BUFFER / each && first + n < sp->hdr.n_gd && table_at(sp, first + n); n++)
		memcpy(buf + n * each, table_at(sp, first + n), each);
	return n;
}

/* What no table was made for is a gap in the file, which reads as zeros. */
static bool write_tables(struct vmdk_sparse_new *sp, uint64_t at, uint8_t *buf,
			 struct img_err *err)
{
	const uint64_t each = table_len(&sp->hdr);
	size_t n;

	for (uint64_t i = 0; i < sp->hdr.n_gd && i < sp->n_tables; i += img_max_u64(n, 1)) {
		n = collect(sp, i, buf);
		if (n && !img_store_write(sp->file, at + i * each, buf, n * each, err))
			return false;
	}
	return true;
}

static bool write_one(struct vmdk_sparse_new *sp, uint64_t at, uint8_t *buf, struct img_err *err)
{
	return write_directory(sp, at, buf, err) &&
	       write_tables(sp, at + directory_len(sp->hdr.n_gd), buf, err);
}

bool vmdk_sparse_new_write(struct vmdk_sparse_new *sp, struct img_err *err)
{
	const struct vmdk_header *hdr = &sp->hdr;
	const uint64_t start = hdr->rgd_at ? hdr->rgd_at : hdr->gd_at;
	const uint64_t end = hdr->gd_at + tables_len(hdr);
	IMG_AUTO_FREE uint8_t *buf = img_alloc_aligned(BUFFER, err);

	if (!buf || (!sp->fresh && !img_store_zero(sp->file, start, end - start, false, err)))
		return false;
	return (!hdr->rgd_at || write_one(sp, hdr->rgd_at, buf, err)) &&
	       write_one(sp, hdr->gd_at, buf, err);
}

/* Behind the grains are the tables when the size was not known in time. */
static bool finish_places(struct vmdk_sparse_new *sp, bool known, struct img_err *err)
{
	uint64_t end = sp->next, length;

	if (!known) {
		if (!count_tables(&sp->hdr, err))
			return false;
		end = vmdk_sparse_new_place(sp, sp->next);
		if (end / VMDK_SECTOR > UINT32_MAX)
			return img_fail(err, IMG_E_RANGE, _("the image is larger than 2 TiB, which "
					"no entry of a grain table can name"));
	}
	if (!(sp->file->caps & IMG_STORE_RESIZE))
		return true;
	return img_store_size(sp->file, &length, err) &&
	       (length >= end || img_store_resize(sp->file, end, err));
}

static bool write_descriptor(struct vmdk_sparse_new *sp, const char *text, size_t len,
			     struct img_err *err)
{
	const struct vmdk_header *hdr = &sp->hdr;
	IMG_AUTO_FREE uint8_t *raw = NULL;

	if (!hdr->desc_len)
		return true;
	if (len > hdr->desc_len)
		return img_fail(err, IMG_E_RANGE, _("the descriptor needs %zu bytes, and there is "
				"room for %" PRIu64), len, hdr->desc_len);
	raw = img_calloc(1, hdr->desc_len, err);
	if (!raw)
		return false;
	memcpy(raw, text, len);
	return img_store_write(sp->file, hdr->desc_at, raw, hdr->desc_len, err);
}

bool vmdk_sparse_new_finish(struct vmdk_sparse_new *sp, const char *text, size_t len,
			    struct img_err *err)
{
	uint8_t raw[VMDK_HDR_LEN];

	if (!place_zeros(sp, err) || !finish_places(sp, sp->hdr.gd_at, err) ||
	    !vmdk_sparse_new_write(sp, err) || !write_descriptor(sp, text, len, err))
		return false;
	vmdk_header_encode(&sp->hdr, raw);
	return img_store_write(sp->file, 0, raw, sizeof(raw), err);
}
