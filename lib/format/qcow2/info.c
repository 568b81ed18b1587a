/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What imginfo tells about a qcow2 image beyond what every format has. */
#include "base/err.h"
#include "format/qcow2/bitmap.h"

static void add_text(struct img_node *to, const char *key, const char *label, const char *value)
{
	img_node_text(to, key, value);
	img_node_label(to, label);
}

static void add_flag(struct img_node *to, const char *key, const char *label, bool value)
{
	img_node_flag(to, key, value);
	img_node_label(to, label);
}

static void add_u64(struct img_node *to, const char *key, const char *label, uint64_t value,
		    enum img_unit unit)
{
	img_node_u64(to, key, value, unit);
	img_node_label(to, label);
}

static const char *crypt_name(uint32_t crypt)
{
	switch (crypt) {
	case QCOW2_CRYPT_AES:
		return "aes";
	case QCOW2_CRYPT_LUKS:
		return "luks";
	default:
		return "none";
	}
}

static void add_features(const struct qcow2_header *hdr, struct img_node *to)
{
	add_flag(to, "lazy-refcounts", _("lazy refcounts"),
		 hdr->compatible & QCOW2_COMPATIBLE_LAZY_REFCOUNTS);
	add_flag(to, "extended-l2", _("extended L2"),
		 hdr->incompatible & QCOW2_INCOMPATIBLE_EXTENDED_L2);
	add_flag(to, "dirty", _("dirty"), hdr->incompatible & QCOW2_INCOMPATIBLE_DIRTY);
	add_flag(to, "corrupt", _("corrupt"), hdr->incompatible & QCOW2_INCOMPATIBLE_CORRUPT);
	if (hdr->crypt != QCOW2_CRYPT_NONE)
		add_text(to, "encryption", _("encryption"), crypt_name(hdr->crypt));
	if (hdr->data_file) {
		add_text(to, "data-file", _("data file"), hdr->data_file);
		add_flag(to, "data-file-raw", _("data file raw"),
			 hdr->autoclear & QCOW2_AUTOCLEAR_DATA_FILE_RAW);
	}
}

/* A header that cannot be used is something to tell, too. */
static void add_luks(const struct qcow2 *q, struct img_node *to)
{
	struct img_err why = { 0 };

	if (q->header.crypt != QCOW2_CRYPT_LUKS)
		return;
	struct img_node *luks = img_node_map(to, "luks");
	img_node_label(to, "LUKS");
	if (!img_luks_report(q->map.file, q->header.crypt_off, luks, &why))
		add_text(to, "luks-damage", _("encryption header"), why.text);
}

static void add_bitmap(const struct qcow2_bitmap *bm, bool lost, struct img_node *to)
{
	add_text(to, "name", _("name"), bm->name);
	add_u64(to, "granularity", _("granularity"), UINT64_C(1) << bm->granularity_bits,
		IMG_UNIT_BYTES);
	struct img_node *flags = img_node_list(to, "flags");
	img_node_label(to, _("flags"));
	if (lost || (bm->flags & QCOW2_BITMAP_IN_USE))
		img_node_text(flags, "flag", "in-use");
	if (bm->flags & QCOW2_BITMAP_AUTO)
		img_node_text(flags, "flag", "auto");
}

/* What the file says.  Damage is something to tell here, too. */
static void add_bitmaps(const struct qcow2 *q, struct img_node *to)
{
	const bool lost = !(q->header.autoclear & QCOW2_AUTOCLEAR_BITMAPS);
	struct qcow2_bitmap_list list;
	struct img_err why = { 0 };

	if (!q->header.n_bitmaps)
		return;
	if (!qcow2_bitmap_dir_load(q, &list, &why)) {
		add_text(to, "bitmaps-damage", _("bitmaps"), why.text);
		return;
	}
	struct img_node *nodes = img_node_list(to, "bitmaps");
	img_node_label(to, _("bitmaps"));
	for (size_t i = 0; i < list.n; i++)
		add_bitmap(&list.v[i], lost, img_node_map(nodes, "bitmap"));
	qcow2_bitmap_list_clear(&list);
}

static void add_snapshot(const struct qcow2_snapshot *snap, struct img_node *to)
{
	const struct img_snapshot told = {
		.id = snap->id, .name = snap->name, .seconds = snap->seconds,
		.nanoseconds = snap->nanoseconds, .clock = snap->clock, .state_len = snap->state_len,
		.disk_size = snap->disk_size,
	};

	img_snapshot_tell(&told, to);
}

/* A table that cannot be read is something to tell, not a reason to tell nothing. */
static void add_snapshots(const struct qcow2 *q, struct img_node *to)
{
	struct qcow2_snapshots list;
	struct img_err why = { 0 };

	if (!q->header.n_snapshots)
		return;
	if (!qcow2_snapshots_read(&q->header, q->map.file, q->map.file_size, &list, &why)) {
		add_text(to, "snapshots-damage", _("snapshots"), why.text);
		return;
	}
	struct img_node *nodes = img_node_list(to, "snapshots");
	img_node_label(to, _("snapshots"));
	for (size_t i = 0; i < list.n; i++)
		add_snapshot(&list.v[i], img_node_map(nodes, "snapshot"));
	qcow2_snapshots_clear(&list);
}

/* That the file ends too early; where it cannot be found out, others will tell. */
static void add_missing(const struct qcow2 *q, struct img_node *to)
{
	struct img_err why = { 0 };
	uint64_t bytes;

	if (qcow2_missing(q, &bytes, &why) && bytes)
		add_u64(to, "missing-at-least", _("missing at the end of the file, at least"), bytes,
			IMG_UNIT_BYTES);
}

bool qcow2_info(struct img_layer *ly, struct img_node *report, struct img_err *err)
{
	const struct qcow2 *q = ly->priv;
	const struct qcow2_header *hdr = &q->header;

	(void)err;	/* a report remembers its own failures */
	add_u64(report, "cluster-size", _("cluster size"), qcow2_cluster_size(&q->geo),
		IMG_UNIT_BYTES);
	struct img_node *own = img_node_map(report, "format-specific");
	img_node_label(report, _("format specific"));
	add_text(own, "compat", _("compat"), hdr->version >= 3 ? "1.1" : "0.10");
	add_text(own, "compression-type", _("compression type"),
		 hdr->compression == QCOW2_COMPRESSION_ZSTD ? "zstd" : "zlib");
	add_u64(own, "refcount-bits", _("refcount bits"), UINT64_C(1) << hdr->refcount_order,
		IMG_UNIT_NONE);
	add_features(hdr, own);
	add_luks(q, own);
	add_bitmaps(q, own);
	add_snapshots(q, report);
	add_missing(q, report);
	return true;
}
