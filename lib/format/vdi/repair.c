/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Repairing in place: fields of the header and entries of the block map of which only one thing can be
 * true, and then the number of allocated blocks.  Each write leaves an image that is no worse.
 *
 * Blocks of the file that no entry names are lost space only if they hold nothing but zeros: an
 * entry that was overwritten with "free" cannot be told from one that was never used.
 */
#include "format/vdi/repair.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "extent/extent.h"

enum {
	SUSPECTS_MOST	= 1 << 20,	/* so many are no slip of a few bits: left as they are */
	PUT_ENTRIES	= 1024,		/* entries that are written together */
	READ_BYTES	= 1 << 20,
};

bool vdi_repair_is_orphan(const struct vdi_repair *r, uint32_t block)
{
	return block < r->n_whole && !img_bits_get(&r->marks->used, block);
}

bool vdi_repair_is_disputed(const struct vdi_repair *r, uint32_t block)
{
	return block < r->n_whole && (!img_bits_get(&r->marks->used, block) ||
				      img_bits_get(&r->marks->twice, block));
}

/* ---- What there is --------------------------------------------------------------------------- */

static void note_used(struct vdi_repair *r, uint32_t entry)
{
	if (entry >= r->hdr.n_blocks)
		return;
	r->end = (uint32_t)img_max_u64(r->end, (uint64_t)entry + 1);
	if (entry < r->n_begun && img_bits_set(&r->marks->used, entry))
		img_bits_set(&r->marks->twice, entry);
}

static bool note_run(void *ctx, uint32_t first, uint32_t n, const uint8_t *raw, struct img_err *err)
{
	(void)first;
	(void)err;
	for (uint32_t i = 0; i < n; i++)
		note_used(ctx, img_get_le32(raw + i * VDI_ENTRY_LEN));
	return true;
}

/* Whether the part of the disk with that index is whole in the block that its entry names. */
static bool is_inside(const struct vdi_repair *r, uint32_t index, uint32_t entry)
{
	return entry < r->hdr.n_blocks &&
	       vdi_host(&r->hdr, entry) + vdi_block_len(&r->hdr, index) <= r->file_size;
}

static bool add_suspect(struct vdi_repair *r, const struct vdi_suspect *one, struct img_err *err)
{
	struct vdi_suspect *more = img_grow_by_one(r->suspects, r->n_suspects, &r->cap_suspects,
						   sizeof(*more), err);

	if (!more)
		return false;
	r->suspects = more;
	r->suspects[r->n_suspects++] = *one;
	r->n_outside += !one->doubled;
	return true;
}

/* While the suspects are listed. */
struct listing {
	struct vdi_repair *r;
	uint32_t before;
};

static bool list_entry(struct listing *list, uint32_t index, uint32_t entry, struct img_err *err)
{
	struct vdi_repair *r = list->r;
	struct vdi_suspect *last = r->n_suspects ? &r->suspects[r->n_suspects - 1] : NULL;
	const struct vdi_suspect one = {
		.index = index, .entry = entry, .before = list->before, .after = VDI_ENTRY_FREE,
		.doubled = entry < r->n_begun && img_bits_get(&r->marks->twice, entry),
		.place = VDI_NO_PLACE,
	};

	if (last && last->index + 1 == index)
		last->after = entry;
	list->before = entry;
	if (entry >= VDI_ENTRY_ZERO || index >= vdi_blocks_used(&r->hdr) ||
	    (is_inside(r, index, entry) && !one.doubled) || r->n_suspects > SUSPECTS_MOST)
		return true;
	return add_suspect(r, &one, err);
}

static bool list_run(void *ctx, uint32_t first, uint32_t n, const uint8_t *raw, struct img_err *err)
{
	for (uint32_t i = 0; i < n; i++)
		if (!list_entry(ctx, first + i, img_get_le32(raw + i * VDI_ENTRY_LEN), err))
			return false;
	return true;
}

void vdi_repair_clear(struct vdi_repair *r)
{
	if (r->marks) {
		img_paged_clear(&r->marks->used);
		img_paged_clear(&r->marks->twice);
	}
	free(r->marks);
	free(r->suspects);
	r->marks = NULL;
	r->suspects = NULL;
	r->n_suspects = r->cap_suspects = r->n_outside = 0;
	r->end = r->n_orphans = 0;
}

static bool make_marks(struct vdi_repair *r, struct img_err *err)
{
	const uint64_t memory = r->how->memory / 2;

	r->marks = img_calloc(1, sizeof(*r->marks), err);
	return r->marks && img_bits_init(&r->marks->used, r->n_begun, memory, err) &&
	       img_bits_init(&r->marks->twice, r->n_begun, memory, err);
}

bool vdi_repair_knows(const struct vdi_repair *r, struct img_err *err)
{
	return img_paged_worked(&r->marks->used, err) && img_paged_worked(&r->marks->twice, err);
}

static bool look(struct vdi_repair *r, struct img_err *err)
{
	const uint64_t room = r->file_size > r->hdr.data_off ? r->file_size - r->hdr.data_off : 0;
	struct listing list = { .r = r, .before = VDI_ENTRY_FREE };
	const struct vdi_scan note = { .run = note_run, .ctx = r, .job = r->how->job };
	const struct vdi_scan collect = { .run = list_run, .ctx = &list, .job = r->how->job };
	const uint64_t stride = vdi_stride(&r->hdr);

	vdi_repair_clear(r);
	r->n_begun = (uint32_t)img_min_u64(r->hdr.n_blocks, img_div_up(room, stride));
	r->n_whole = (uint32_t)img_min_u64(r->hdr.n_blocks, room / stride);
	if (!make_marks(r, err) || !vdi_scan(&r->hdr, r->file, r->file_size, &note, err) ||
	    !vdi_scan(&r->hdr, r->file, r->file_size, &collect, err))
		return false;
	for (uint64_t i = img_bits_next_clear(&r->marks->used, 0, r->n_whole); i < r->n_whole;
	     i = img_bits_next_clear(&r->marks->used, i + 1, r->n_whole))
		r->n_orphans++;
	return vdi_repair_knows(r, err);
}

/* ---- Entries --------------------------------------------------------------------------------- */

static int by_index(const void *x, const void *y)
{
	const struct vdi_suspect *a = x, *b = y;

	return (a->index > b->index) - (a->index < b->index);
}

/* Writes entries that follow each other, from suspect i on; returns how many. */
static size_t put_run(const struct vdi_repair *r, size_t i, bool *ok, struct img_err *err)
{
	uint8_t raw[PUT_ENTRIES * VDI_ENTRY_LEN];
	const struct vdi_suspect *first = &r->suspects[i];
	size_t n = 0;

	while (n < PUT_ENTRIES && i + n < r->n_suspects && first[n].index == first->index + n &&
	       first[n].place != VDI_NO_PLACE) {
		img_put_le32(raw + n * VDI_ENTRY_LEN, first[n].place);
		n++;
	}
	*ok = !n || img_store_write(r->file, vdi_entry_off(&r->hdr, first->index), raw,
				    n * VDI_ENTRY_LEN, err);
	return img_max_u64(n, 1);
}

static bool put_entries(const struct vdi_repair *r, struct img_err *err)
{
	bool ok;

	if (r->n_suspects)
		qsort(r->suspects, r->n_suspects, sizeof(*r->suspects), by_index);
	for (size_t i = 0; i < r->n_suspects;) {
		i += put_run(r, i, &ok, err);
		if (!ok)
			return false;
	}
	return img_store_sync(r->file, err);
}

static bool has_decided(const struct vdi_repair *r)
{
	for (size_t i = 0; i < r->n_suspects; i++)
		if (r->suspects[i].place != VDI_NO_PLACE)
			return true;
	return false;
}

/* What one entry is certain of may tell about the next: until there is nothing more. */
bool vdi_repair_entries(struct vdi_repair *r, struct img_err *err)
{
	if (!look(r, err))
		return false;
	while (r->n_suspects && r->n_suspects <= SUSPECTS_MOST) {
		vdi_repair_decide(r);
		if (!vdi_repair_knows(r, err))
			return false;
		if (!has_decided(r))
			return true;
		if (!put_entries(r, err) || !look(r, err))
			return false;
	}
	return true;
}

/* ---- The number of allocated blocks ---------------------------------------------------------- */

/* *zero: the block has no other bytes. */
static bool is_block_zero(const struct vdi_repair *r, uint32_t block, bool *zero,
			  struct img_err *err)
{
	const uint64_t end = vdi_host(&r->hdr, block) + r->hdr.block_size;
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(READ_BYTES, err);
	uint64_t at = vdi_host(&r->hdr, block);
	size_t got = 1;

	*zero = raw;
	for (; *zero && got && at < end; at += got) {
		if (!img_store_read_some(r->file, at, raw, img_min_u64(READ_BYTES, end - at), &got,
					 err))
			return false;
		*zero = img_is_zero(raw, got);
	}
	return raw;
}

/* Every part of the disk is known to have its block, or none. */
static bool is_sound(const struct vdi_repair *r)
{
	return !r->n_suspects && vdi_entries_there(&r->hdr, r->file_size) == r->hdr.n_blocks;
}

/* Blocks from the end that are counted although nothing is in them are given back. */
static bool drop_zeros(const struct vdi_repair *r, uint32_t *n, struct img_err *err)
{
	bool zero = true;

	while (zero && *n > r->end && r->hdr.type != VDI_TYPE_FIXED) {
		if (!is_block_zero(r, *n - 1, &zero, err))
			return false;
		*n -= zero;
	}
	return true;
}

static bool put_count(struct vdi_repair *r, uint32_t n, struct img_err *err)
{
	uint8_t raw[4];

	if (n == r->hdr.n_allocated)
		return true;
	img_put_le32(raw, n);
	r->hdr.n_allocated = n;
	return img_store_write(r->file, r->hdr.major ? VDI_HDR_ALLOCATED : VDI_V0_ALLOCATED, raw,
			       sizeof(raw), err) &&
	       img_store_sync(r->file, err);
}

/*
 * Nothing that the file has is left out of the count as long as it may be somebody's.  A count of
 * more than that stays beside damage: it says that the file was longer.
 */
static bool mend_count(struct vdi_repair *r, enum img_repair_level level, struct img_err *err)
{
	const uint32_t most = (uint32_t)img_max_u64(r->end, r->n_begun), old = r->hdr.n_allocated;
	const bool wrong = old < r->end || old > r->hdr.n_blocks;
	uint32_t n = (uint32_t)img_min_u64(old, most);

	if (wrong ? level != IMG_REPAIR_ALL : !is_sound(r))
		return true;
	if (wrong)
		n = is_sound(r) && r->hdr.type != VDI_TYPE_FIXED && old < r->end ? r->end : most;
	return (!is_sound(r) || drop_zeros(r, &n, err)) && put_count(r, n, err);
}

/* By a header that can be read. */
static bool repair_map(struct vdi_repair *r, enum img_repair_level level, struct img_err *err)
{
	struct img_err why = { 0 };

	if (!vdi_header_read(r->file, &r->hdr, &why))
		return img_code_is_damage(why.code) || img_fail(err, why.code, "%s", why.text);
	return (level == IMG_REPAIR_ALL ? vdi_repair_entries(r, err) : look(r, err)) &&
	       mend_count(r, level, err);
}

/* Without a header nothing is certain, and a repair that goes by a wrong one would be damage. */
bool vdi_repair(struct img_layer *ly, const struct img_checking *how, enum img_repair_level level,
		struct img_err *err)
{
	struct vdi_repair r = { .how = how, .file = ly->store };
	enum vdi_belief belief = VDI_BELIEVED;
	bool ok;

	ok = img_store_size(r.file, &r.file_size, err) &&
	     (level != IMG_REPAIR_ALL || vdi_repair_header(&r, &belief, err)) &&
	     (belief == VDI_DOUBTED || repair_map(&r, level, err));
	vdi_repair_clear(&r);
	return ok;
}
