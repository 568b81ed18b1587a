/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing streamOptimized, front to back: the header, the grains in the order of the disk, behind
 * those of one grain table the table itself, at the end the directory and the footer that tells
 * where it is.  Where a grain lies is known when it is reserved, so a table is complete when the
 * first grain of another one is: whoever stores that grain writes the table in front of it.
 *
 * How the grains are compressed and framed is the copy engine's work.
 */
#include <inttypes.h>
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/level.h"
#include "format/vmdk/new.h"

enum {
	GRAIN = 64 << 10,
	TABLE_LEN = VMDK_GT_ENTRIES_MAX * sizeof(uint32_t),
	LED_LEN = VMDK_SECTOR + TABLE_LEN,	/* a table behind its marker */
	DESC_LEN = 20 * VMDK_SECTOR,		/* the rest of it is left to tools that add lines */
	HEAD_LEN = 64 << 10,			/* where VMware, too, begins with the grains */
	/* Measured: no larger than what QEMU makes with zlib at its default, in a third of its time. */
	LEVEL = 5,
};

#define TABLE_SPAN ((uint64_t)GRAIN * VMDK_GT_ENTRIES_MAX)
#define NO_TABLE UINT32_MAX

/* One grain table of the disk. */
struct table {
	uint8_t *raw;		/* as it goes to the file; owned; NULL: no grains, or written already */
	uint32_t sector;	/* of it in the file; 0: it has no grains */
	uint32_t before;	/* the table that was written in front of its first grain */
};

struct writer {
	char *name;		/* of the only extent, as the descriptor has it; owned */
	struct table *tables;	/* one for each entry of the directory; owned */
	size_t n_tables;
	uint32_t open;		/* the table of the last grain; NO_TABLE: there was none */
	uint64_t next;		/* in the file; what is reserved comes here */
};

static struct writer *writer_of(const struct img_layer *ly)
{
	return ((const struct vmdk *)ly->priv)->fresh->own;
}

/* ---- Markers --------------------------------------------------------------------------------- */

/* What stands in front of everything that is no grain: one sector. */
static void put_marker(uint8_t *raw, uint32_t type, uint64_t len)
{
	memset(raw, 0, VMDK_SECTOR);
	img_put_le64(raw + VMDK_MARK_VALUE, len / VMDK_SECTOR);
	img_put_le32(raw + VMDK_MARK_TYPE, type);
}

static void put_grain_marker(uint64_t at, uint32_t encoded_len, uint8_t *head)
{
	img_put_le64(head + VMDK_MARK_VALUE, at / VMDK_SECTOR);
	img_put_le32(head + VMDK_MARK_SIZE, encoded_len);
}

/* ---- Grains and their tables ----------------------------------------------------------------- */

/* Entries of tables are sectors of 32 bits. */
static bool take_room(struct writer *w, uint64_t len, struct img_err *err)
{
	if (w->next + len > UINT32_MAX * VMDK_SECTOR)
		return img_fail(err, IMG_E_RANGE,
				_("the file would get larger than 2 TiB, which tables can lead to"));
	w->next += len;
	return true;
}

/* The open table is complete, and gets its place. */
static bool place_open(struct writer *w, struct img_err *err)
{
	const uint64_t at = w->next + VMDK_SECTOR;

	if (w->open == NO_TABLE)
		return true;
	if (!take_room(w, LED_LEN, err))
		return false;
	w->tables[w->open].sector = (uint32_t)(at / VMDK_SECTOR);
	return true;
}

static bool open_table(struct writer *w, uint64_t index, struct img_err *err)
{
	if (index >= w->n_tables)
		return img_fail(err, IMG_E_RANGE, _("the disk is larger than %" PRIu64 " bytes, "
				"for which there is room in the grain directory"),
				w->n_tables * TABLE_SPAN);
	if (!place_open(w, err))
		return false;
	w->tables[index].before = w->open;
	w->tables[index].raw = img_calloc(1, TABLE_LEN, err);
	w->open = (uint32_t)index;
	return w->tables[index].raw;
}

static bool reserve_one(struct img_layer *ly, struct img_slot *slot, struct img_err *err)
{
	struct writer *w = writer_of(ly);
	const uint64_t index = slot->at / TABLE_SPAN;
	const size_t entry = slot->at % TABLE_SPAN / GRAIN;

	if (index != w->open) {
		if (w->open != NO_TABLE)
			slot->flags |= IMG_SLOT_LED;
		if (!open_table(w, index, err))
			return false;
	}
	slot->store = ly->store;
	slot->host = w->next;
	img_put_le32(w->tables[index].raw + entry * sizeof(uint32_t),
		     (uint32_t)(w->next / VMDK_SECTOR));
	return take_room(w, slot->stored_len, err);
}

static bool reserve(struct img_layer *ly, struct img_slot *slots, size_t n, struct img_err *err)
{
	for (size_t i = 0; i < n; i++)
		if (!reserve_one(ly, &slots[i], err))
			return false;
	return true;
}

static void put_table(const struct table *table, uint8_t *raw)
{
	put_marker(raw, VMDK_MARK_GRAIN_TABLE, TABLE_LEN);
	memcpy(raw + VMDK_SECTOR, table->raw, TABLE_LEN);
}

/* The table in front of slot is nobody else's any more: its memory goes. */
static bool lead(struct img_layer *ly, const struct img_slot *slot, struct img_err *err)
{
	struct table *tables = writer_of(ly)->tables;
	struct table *table = &tables[tables[slot->at / TABLE_SPAN].before];
	uint8_t raw[LED_LEN];

	put_table(table, raw);
	free(table->raw);
	table->raw = NULL;
	return img_store_write(ly->store, slot->host - LED_LEN, raw, sizeof(raw), err);
}

/* What reads as zeros is not there. */
static bool zero(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
{
	(void)ly, (void)at, (void)len, (void)err;
	return true;
}

/* ---- Both ends ------------------------------------------------------------------------------- */

static struct vmdk_header header_of(const struct img_layer *ly)
{
	return (struct vmdk_header){
		.kind = VMDK_KIND_HOSTED, .version = VMDK_VERSION_MAX,
		.flags = VMDK_FLAG_LINE_ENDS | VMDK_FLAG_COMPRESSED | VMDK_FLAG_MARKERS,
		.capacity = img_round_up(ly->size, VMDK_SECTOR), .grain = GRAIN,
		.gt_entries = VMDK_GT_ENTRIES_MAX, .gd_at_end = true, .overhead = HEAD_LEN,
		.compressed = true, .markers = true, .desc_at = VMDK_SECTOR, .desc_len = DESC_LEN,
	};
}

static bool describe(const struct img_layer *ly, struct vmdk_descriptor *desc, uint8_t *raw,
		     struct img_err *err)
{
	char *text;
	size_t len;

	if (!vmdk_descriptor_add(desc, VMDK_EXTENT_SPARSE, img_round_up(ly->size, VMDK_SECTOR),
				 writer_of(ly)->name, err) ||
	    !vmdk_descriptor_text(desc, &text, &len, err))
		return false;
	if (len <= DESC_LEN)
		memcpy(raw, text, len);
	free(text);
	return len <= DESC_LEN || img_fail(err, IMG_E_RANGE, _("the descriptor is too long"));
}

static bool write_head(struct img_layer *ly, struct img_err *err)
{
	struct vmdk *v = ly->priv;
	const struct vmdk_header hdr = header_of(ly);
	IMG_AUTO_FREE uint8_t *raw = img_calloc(1, HEAD_LEN, err);

	if (!raw)
		return false;
	vmdk_header_encode(&hdr, raw);
	return describe(ly, &v->desc, raw + VMDK_SECTOR, err) &&
	       img_store_write(ly->store, 0, raw, HEAD_LEN, err);
}

/* Behind the last table; returns the bytes that this takes. */
static size_t put_tail(const struct img_layer *ly, uint8_t *raw)
{
	const struct writer *w = writer_of(ly);
	const size_t n = img_div_up(ly->size, TABLE_SPAN);
	const size_t gd_len = img_round_up(n * sizeof(uint32_t), VMDK_SECTOR);
	struct vmdk_header footer = header_of(ly);
	uint8_t *to = raw;

	put_marker(to, VMDK_MARK_GRAIN_DIRECTORY, gd_len);
	to += VMDK_SECTOR;
	for (size_t i = 0; i < n; i++)
		img_put_le32(to + i * sizeof(uint32_t), w->tables[i].sector);
	to += gd_len;
	put_marker(to, VMDK_MARK_FOOTER, VMDK_HDR_LEN);
	to += VMDK_SECTOR;
	footer.gd_at_end = false;
	footer.gd_at = w->next + VMDK_SECTOR;
	vmdk_header_encode(&footer, to);
	to += VMDK_HDR_LEN;
	put_marker(to, VMDK_MARK_END_OF_STREAM, 0);
	return to + VMDK_SECTOR - raw;
}

static bool write_tail(struct img_layer *ly, struct img_err *err)
{
	struct writer *w = writer_of(ly);
	const uint64_t table_at = w->next;
	const size_t n = img_div_up(ly->size, TABLE_SPAN);
	IMG_AUTO_FREE uint8_t *raw = img_calloc(1, LED_LEN + n * sizeof(uint32_t) +
						5 * VMDK_SECTOR, err);
	size_t len = 0;

	if (!raw || !place_open(w, err))
		return false;
	if (w->open != NO_TABLE) {
		put_table(&w->tables[w->open], raw);
		len = LED_LEN;
	}
	len += put_tail(ly, raw + len);
	return img_store_write(ly->store, table_at, raw, len, err);
}

static bool is_pipe(const struct img_layer *ly)
{
	return !(ly->store->caps & IMG_STORE_SEEK);
}

/* A file that holds nothing of a disk means a descriptor alone. */
static bool check_size(uint64_t size, struct img_err *err)
{
	return size || img_fail(err, IMG_E_RANGE,
				_("a streamOptimized image cannot hold a disk without a byte"));
}

/* Until the header is there a file is no image; a pipe has had it. */
static bool finish(struct img_layer *ly, struct img_err *err)
{
	return check_size(ly->size, err) && write_tail(ly, err) && (is_pipe(ly) || write_head(ly, err));
}

/* ---- Starting -------------------------------------------------------------------------------- */

/* The directory of a disk whose size is not known has room for the largest one. */
static bool make_writer(struct img_layer *ly, struct img_err *err)
{
	struct vmdk *v = ly->priv;
	struct writer *w = img_calloc(1, sizeof(*w), err);
	const uint64_t n = ly->size == IMG_SIZE_UNKNOWN ? VMDK_GD_ENTRIES_MAX
							: img_div_up(ly->size, TABLE_SPAN);

	v->fresh->own = w;
	if (!w)
		return false;
	w->open = NO_TABLE;
	w->next = HEAD_LEN;
	if (n > VMDK_GD_ENTRIES_MAX)
		return img_fail(err, IMG_E_RANGE,
				_("the disk needs a grain directory of %" PRIu64 " entries"), n);
	w->n_tables = n;
	w->tables = img_calloc(img_max_u64(n, 1), sizeof(*w->tables), err);
	return w->tables;
}

/*
 * Readers that find the descriptor in the stream need no name, but libvmdk goes by it.  What comes
 * out of a pipe is called as VMware's own exports are.
 */
static bool name_extent(struct writer *w, const struct img_layer_create *what, struct img_err *err)
{
	const char *name = vmdk_own_name(what, "generated-stream.vmdk");

	if (!vmdk_descriptor_check_name(name, err))
		return false;
	w->name = img_strdup(name, err);
	return w->name;
}

static bool start(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err)
{
	if (what->backing)
		return img_fail(err, IMG_E_ARGUMENT,
				_("a streamOptimized image cannot stand on another one"));
	if (!check_size(ly->size, err) ||
	    !img_settings_level(what->settings, &img_codec_zlib, LEVEL, &ly->codec_level, err) ||
	    !make_writer(ly, err) ||
	    !name_extent(writer_of(ly), what, err))
		return false;
	ly->codec = &img_codec_zlib;
	ly->framing = (struct img_framing){
		.always = true, .head = VMDK_MARK_GRAIN_LEN, .align = VMDK_SECTOR,
		.fill = put_grain_marker,
	};
	ly->unit = GRAIN;
	ly->reads_as_zero = true;
	return !is_pipe(ly) || write_head(ly, err);
}

static void free_writer(void *own)
{
	struct writer *w = own;

	if (!w)
		return;
	for (size_t i = 0; w->open != NO_TABLE && i <= w->open; i++)
		free(w->tables[i].raw);
	free(w->name);
	free(w->tables);
	free(w);
}

static const struct img_write_ops write_ops = {
	.reserve = reserve,
	.lead = lead,
	.zero = zero,
	.finish = finish,
};

const struct vmdk_subformat vmdk_stream_optimized = {
	.create_type = "streamOptimized",
	/* vSphere refuses hardware that is older than 9 or so, and IDE disks in most guests. */
	.adapter = "lsilogic",
	.hw_version = 10,
	.start = start,
	.write = &write_ops,
	.free = free_writer,
};
