/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is wrong with an image: the whole block map, read in bulk, against the file and against
 * itself.  Nothing here writes, and the map that readers use is not used.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/vdi/repair.h"

struct check {
	struct vdi_header hdr;
	struct img_store *file;
	uint64_t file_size;
	uint64_t memory;		/* bytes for counting at most */
	struct img_findings *out;
	uint32_t n_whole;		/* blocks that begin inside the file */
	struct img_paged used;		/* a bit for each of them */
	uint32_t end;			/* behind the highest block that is in use */
	uint32_t previous;		/* entry of the block before, or free */
	uint64_t allocated, fragmented;
};

/* step: how far the next one of the same kind may be in the file, to be told with this one. */
static bool tell(struct check *c, const struct img_finding_kind *kind, uint64_t host,
		 uint64_t guest, uint64_t expected, uint64_t found, uint64_t step,
		 struct img_err *err)
{
	const struct img_finding one = {
		.kind = kind, .n = 1, .host = host, .guest = guest, .expected = expected,
		.found = found,
	};

	return img_findings_add(c->out, one, step, err);
}

/* ---- The header ------------------------------------------------------------------------------ */

static bool check_uuids(struct check *c, struct img_err *err)
{
	if (!img_uuid_is_nil(&c->hdr.uuid) && !img_uuid_is_nil(&c->hdr.modified))
		return true;
	return tell(c, &vdi_found_header_uuid, c->hdr.major ? VDI_HDR_UUID : VDI_V0_UUID,
		    IMG_NOWHERE, IMG_NOWHERE, IMG_NOWHERE, 0, err);
}

static bool check_alignment(struct check *c, struct img_err *err)
{
	const uint64_t first = vdi_host(&c->hdr, 0);

	if (first % VDI_SECTOR == 0 && vdi_stride(&c->hdr) % VDI_SECTOR == 0)
		return true;
	return tell(c, &vdi_found_header_unaligned, IMG_NOWHERE, IMG_NOWHERE, IMG_NOWHERE, first,
		    0, err);
}

/* As it is looked for in the file. */
static struct vdi_source source_of(const struct check *c)
{
	return (struct vdi_source){ .file = c->file, .size = c->file_size, .memory = c->memory };
}

/* What is unknown here is damage where all else tells what it was. */
static bool is_damage(const struct check *c, const struct img_err *why)
{
	const struct vdi_source from = source_of(c);
	uint8_t raw[VDI_DECODE_LEN];
	enum vdi_belief belief;

	return img_code_is_damage(why->code) ||
	       (why->code == IMG_E_UNSUPPORTED &&
		vdi_header_derive(&from, raw, &belief, NULL) &&
		belief == VDI_DERIVED);
}

/* *usable: there is a header to go on from. */
static bool check_header(struct check *c, bool *usable, struct img_err *err)
{
	struct img_err why = { 0 };
	struct img_finding one = {
		.kind = &vdi_found_header_broken, .n = 1, .host = 0, .guest = IMG_NOWHERE,
		.expected = IMG_NOWHERE, .found = IMG_NOWHERE,
	};

	*usable = vdi_header_read(c->file, &c->hdr, &why);
	if (*usable)
		return check_uuids(c, err) && check_alignment(c, err);
	if (!is_damage(c, &why))
		return img_fail(err, why.code, "%s", why.text);
	one.detail = img_strdup(why.text, err);
	return one.detail && img_findings_add(c->out, one, 0, err);
}

/* ---- The block map --------------------------------------------------------------------------- */

/* What is wrong with an entry that names a block, or NULL; len: bytes of the disk in it. */
static const struct img_finding_kind *damage_of(struct check *c, uint32_t entry, uint32_t len)
{
	if (vdi_entry_damage(&c->hdr, entry))
		return vdi_entry_damage(&c->hdr, entry);
	const bool twice = entry < c->n_whole && img_bits_set(&c->used, entry);
	c->end = (uint32_t)img_max_u64(c->end, entry + 1);
	if (vdi_host(&c->hdr, entry) + len > c->file_size)
		return &vdi_found_map_outside;
	return twice ? &vdi_found_map_doubled : NULL;
}

static void count_entry(struct check *c, uint32_t entry)
{
	c->allocated++;
	c->fragmented += c->previous < VDI_ENTRY_ZERO && entry != c->previous + 1;
}

static bool check_entry(struct check *c, uint32_t index, uint32_t entry, struct img_err *err)
{
	const uint64_t guest = (uint64_t)index * c->hdr.block_size;
	const bool on_disk = guest < c->hdr.size, named = entry < VDI_ENTRY_ZERO;
	const struct img_finding_kind *kind = NULL;

	if (named && on_disk)
		count_entry(c, entry);
	c->previous = entry;
	if (named)
		kind = damage_of(c, entry, on_disk ? vdi_block_len(&c->hdr, index) : 0);
	if (!kind && c->hdr.type == VDI_TYPE_FIXED && on_disk && entry != index)
		kind = &vdi_found_map_fixed;
	return !kind || tell(c, kind, vdi_entry_off(&c->hdr, index), on_disk ? guest : IMG_NOWHERE,
			     kind == &vdi_found_map_fixed ? index : IMG_NOWHERE, entry, 0, err);
}

static bool check_run(void *ctx, uint32_t first, uint32_t n, const uint8_t *raw,
		      struct img_err *err)
{
	for (uint32_t i = 0; i < n; i++)
		if (!check_entry(ctx, first + i, img_get_le32(raw + i * VDI_ENTRY_LEN), err))
			return false;
	return true;
}

static bool check_map(struct check *c, const struct img_job *job, struct img_err *err)
{
	const struct vdi_scan scan = { .run = check_run, .ctx = c, .job = job };
	const uint32_t n = vdi_entries_there(&c->hdr, c->file_size);

	if (!vdi_scan(&c->hdr, c->file, c->file_size, &scan, err))
		return false;
	return n == c->hdr.n_blocks ||
	       tell(c, &vdi_found_map_cut, c->file_size, (uint64_t)n * c->hdr.block_size,
		    c->hdr.n_blocks, n, 0, err);
}

/* ---- Blocks ---------------------------------------------------------------------------------- */

static bool check_leaks(struct check *c, struct img_err *err)
{
	const uint32_t n = (uint32_t)img_min_u64(c->n_whole, c->hdr.n_allocated);

	for (uint64_t i = img_bits_next_clear(&c->used, 0, n); i < n;
	     i = img_bits_next_clear(&c->used, i + 1, n))
		if (!tell(c, &vdi_found_block_leak, vdi_host(&c->hdr, (uint32_t)i), IMG_NOWHERE,
			  IMG_NOWHERE, IMG_NOWHERE, vdi_stride(&c->hdr), err))
			return false;
	return true;
}

/* VirtualBox puts a new block behind as many as are said to be allocated. */
static bool check_count(struct check *c, struct img_err *err)
{
	const uint32_t n = c->hdr.n_allocated, most = (uint32_t)img_max_u64(c->end, c->n_whole);
	const struct img_finding_kind *kind = n < c->end || n > c->hdr.n_blocks
		? &vdi_found_header_count : &vdi_found_header_high;

	if (n >= c->end && n <= most)
		return true;
	return tell(c, kind, c->hdr.major ? VDI_HDR_ALLOCATED : VDI_V0_ALLOCATED, IMG_NOWHERE,
		    n < c->end ? c->end : most, n, 0, err);
}

static bool check_end(struct check *c, struct img_err *err)
{
	const uint64_t blocks = img_max_u64(c->end, img_min_u64(c->hdr.n_allocated, c->n_whole));
	const uint64_t end = c->hdr.data_off + blocks * vdi_stride(&c->hdr);

	return c->file_size <= end || tell(c, &vdi_found_header_behind, end, IMG_NOWHERE,
					   IMG_NOWHERE, c->file_size, 0, err);
}

static bool check_blocks(struct check *c, const struct img_job *job, struct img_err *err)
{
	const uint64_t room = c->file_size > c->hdr.data_off ? c->file_size - c->hdr.data_off : 0;
	bool ok;

	c->n_whole = (uint32_t)img_min_u64(c->hdr.n_blocks,
					   img_div_up(room, vdi_stride(&c->hdr)));
	c->previous = VDI_ENTRY_FREE;
	ok = img_bits_init(&c->used, c->n_whole, c->memory, err) && check_map(c, job, err) &&
	     check_leaks(c, err) && check_count(c, err) && check_end(c, err) &&
	     img_paged_worked(&c->used, err);
	img_paged_clear(&c->used);
	return ok;
}

/* Fields that a repair would change. */
static const unsigned fields[] = {
	VDI_HDR_MAP_OFF, VDI_HDR_DATA_OFF, VDI_HDR_BLOCK_SIZE, VDI_HDR_BLOCK_EXTRA, VDI_HDR_BLOCKS,
};

/* A header may be legal and wrong: then the rest does not go with it. */
static bool check_fields(struct check *c, struct img_err *err)
{
	const struct vdi_source from = source_of(c);
	uint8_t raw[VDI_DECODE_LEN], now[VDI_DECODE_LEN];
	enum vdi_belief belief;

	if (!vdi_header_derive(&from, raw, &belief, err))
		return false;
	if (belief != VDI_DERIVED)
		return true;
	if (!img_store_read(c->file, 0, now, sizeof(now), err))
		return false;
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		const uint32_t want = img_get_le32(raw + fields[i]);
		const uint32_t is = img_get_le32(now + fields[i]);

		if (want != is && !tell(c, &vdi_found_header_field, fields[i], IMG_NOWHERE, want, is,
					0, err))
			return false;
	}
	return true;
}

static bool vdi_check(struct img_layer *ly, const struct img_checking *how,
		      struct img_findings *out, struct img_check_result *result,
		      struct img_err *err)
{
	struct check c = { .file = ly->store, .out = out, .memory = how->memory };
	bool usable;

	if (!img_store_size(c.file, &c.file_size, err) || !check_header(&c, &usable, err))
		return false;
	if (!usable)
		return true;
	if (!check_blocks(&c, how->job, err) || !check_fields(&c, err))
		return false;
	result->total = vdi_blocks_used(&c.hdr);
	result->allocated = c.allocated;
	result->compressed = 0;
	result->fragmented = c.fragmented;
	result->image_end = c.hdr.data_off + c.end * vdi_stride(&c.hdr);
	img_findings_sort(out, vdi_finding_kinds);
	return true;
}

const struct img_check_ops vdi_check_ops = {
	.kinds = vdi_finding_kinds,
	.check = vdi_check,
	.repair = vdi_repair,
};
