/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables of neighbours lie behind each other, as a rule, and are read with one read then. */
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/pairs.h"

enum { BATCH_BYTES = 1 << 20 };

static size_t table_bytes(const struct vmdk_sparse *sp)
{
	return (size_t)sp->hdr.gt_entries * sp->hdr.entry_len;
}

bool vmdk_pairs_init(struct vmdk_pairs *pairs, const struct vmdk_sparse *sp, struct img_err *err)
{
	const size_t len = table_bytes(sp);
	const size_t cap = img_max_u64(img_min_u64(BATCH_BYTES / len, sp->hdr.n_gd), 1);

	*pairs = (struct vmdk_pairs){ .sp = sp, .cap = cap };
	pairs->v = img_calloc(cap, sizeof(*pairs->v), err);
	for (int i = 0; pairs->v && i < 2; i++)
		pairs->raw[i] = i && !sp->rgd ? NULL : img_alloc_aligned(cap * len, err);
	if (pairs->v && pairs->raw[0] && (pairs->raw[1] || !sp->rgd))
		return true;
	vmdk_pairs_clear(pairs);
	return false;
}

void vmdk_pairs_clear(struct vmdk_pairs *pairs)
{
	free(pairs->v);
	free(pairs->raw[0]);
	free(pairs->raw[1]);
	*pairs = (struct vmdk_pairs){ 0 };
}

/* ---- Entries --------------------------------------------------------------------------------- */

static bool fits(const struct vmdk_sparse *sp, uint64_t host, uint64_t len)
{
	return host <= sp->file_size && len <= sp->file_size - host;
}

struct vmdk_entry vmdk_pairs_directory(const struct vmdk_sparse *sp, const uint64_t *gd, size_t n,
				       uint64_t i)
{
	struct vmdk_entry entry = { .kind = VMDK_ENTRY_BAD, .bad = &vmdk_found_directory_cut };

	if (!gd || i >= n)
		return entry;
	entry = vmdk_directory_entry(&sp->hdr, gd[i]);
	if (entry.kind == VMDK_ENTRY_PLACE && !fits(sp, entry.host, vmdk_table_len(&sp->hdr, i)))
		return (struct vmdk_entry){ .kind = VMDK_ENTRY_BAD,
					    .bad = &vmdk_found_directory_outside };
	return entry;
}

uint64_t vmdk_pairs_raw(const struct vmdk_sparse *sp, const uint8_t *table, uint64_t i)
{
	return sp->hdr.entry_len == sizeof(uint32_t) ? img_get_le32(table + i * sizeof(uint32_t))
						     : img_get_le64(table + i * sizeof(uint64_t));
}

struct vmdk_entry vmdk_pairs_grain(const struct vmdk_sparse *sp, uint64_t raw, uint64_t grain)
{
	const struct vmdk_entry entry = vmdk_grain_entry(&sp->hdr, raw);
	const uint64_t len = sp->hdr.compressed ? VMDK_SECTOR : vmdk_grain_len(&sp->hdr, grain);

	if (entry.kind == VMDK_ENTRY_PLACE && !fits(sp, entry.host, len))
		return (struct vmdk_entry){ .kind = VMDK_ENTRY_BAD, .bad = &vmdk_found_grain_outside };
	return entry;
}

uint64_t vmdk_usual_place(const struct vmdk_sparse *sp, int side, uint64_t number)
{
	const uint64_t dir = side ? sp->hdr.rgd_at : sp->hdr.gd_at;

	return dir + img_round_up(sp->hdr.n_gd * sp->hdr.entry_len, VMDK_SECTOR) +
	       number * img_round_up(table_bytes(sp), VMDK_SECTOR);
}

bool vmdk_says_nothing(const struct vmdk_entry *entry)
{
	return entry->kind == VMDK_ENTRY_NOTHING || entry->kind == VMDK_ENTRY_BAD;
}

/* A grain that has its place keeps it. */
bool vmdk_is_behind(const struct vmdk_entry *first, const struct vmdk_entry *second)
{
	if (second->kind == VMDK_ENTRY_NOTHING)
		return first->kind == VMDK_ENTRY_ZEROS || first->kind == VMDK_ENTRY_PLACE;
	return second->kind == VMDK_ENTRY_ZEROS && first->kind == VMDK_ENTRY_PLACE;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static struct vmdk_entry *dir_of(struct vmdk_pair *pair, int which)
{
	return which ? &pair->second_dir : &pair->first_dir;
}

/* How many pairs from i on have tables, each right behind the one before. */
static size_t run_of(struct vmdk_pairs *pairs, size_t i, int which)
{
	const uint64_t host = dir_of(&pairs->v[i], which)->host;
	size_t n = 1;

	while (i + n < pairs->n && dir_of(&pairs->v[i + n], which)->kind == VMDK_ENTRY_PLACE &&
	       dir_of(&pairs->v[i + n], which)->host == host + n * table_bytes(pairs->sp))
		n++;
	return n;
}

/* Reads, or knows that there is a hole: the tables of a large disk are made of them. */
static bool read_bytes(struct img_store *file, uint64_t host, uint8_t *to, size_t len,
		       struct img_err *err)
{
	struct img_extent ex;

	if (!img_store_extent(file, host, host + len, &ex, err))
		return false;
	if (ex.kind != IMG_EXTENT_ZERO || ex.len < len)
		return img_store_read(file, host, to, len, err);
	memset(to, 0, len);
	return true;
}

static bool read_run(struct vmdk_pairs *pairs, size_t i, size_t n, int which, struct img_err *err)
{
	const size_t len = table_bytes(pairs->sp);
	const size_t wanted = (n - 1) * len + vmdk_table_len(&pairs->sp->hdr, pairs->from + i + n - 1);
	uint8_t *to = pairs->raw[which] + i * len;

	if (!read_bytes(pairs->sp->file, dir_of(&pairs->v[i], which)->host, to, wanted, err))
		return false;
	for (size_t j = i; j < i + n; j++)
		*(which ? &pairs->v[j].second : &pairs->v[j].first) = pairs->raw[which] + j * len;
	return true;
}

static bool read_side(struct vmdk_pairs *pairs, int which, struct img_err *err)
{
	size_t n;

	for (size_t i = 0; i < pairs->n; i += n) {
		n = 1;
		if (dir_of(&pairs->v[i], which)->kind != VMDK_ENTRY_PLACE)
			continue;
		n = run_of(pairs, i, which);
		if (!read_run(pairs, i, n, which, err))
			return false;
	}
	return true;
}

bool vmdk_pairs_read(struct vmdk_pairs *pairs, uint64_t from, struct img_err *err)
{
	const struct vmdk_sparse *sp = pairs->sp;

	pairs->from = from;
	pairs->n = img_min_u64(pairs->cap, sp->hdr.n_gd - from);
	for (size_t i = 0; i < pairs->n; i++)
		pairs->v[i] = (struct vmdk_pair){
			.first_dir = vmdk_pairs_directory(sp, sp->gd, sp->n_gd, from + i),
			.second_dir = vmdk_pairs_directory(sp, sp->rgd, sp->n_rgd, from + i),
		};
	return read_side(pairs, 0, err) && (!sp->rgd || read_side(pairs, 1, err));
}
