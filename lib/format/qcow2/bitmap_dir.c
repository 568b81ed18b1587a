/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* §"Bitmap directory" from and to bytes.  Pure. */
#include <inttypes.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/bitmap.h"

/* ---- Decoding ------------------------------------------------------------------------------------ */

/* What the bytes of one entry are taken apart into, besides the bitmap itself. */
struct entry {
	const uint8_t *raw;
	size_t name_len, extra_len;
	uint64_t len;			/* with padding */
};

static bool measure(const uint8_t *raw, size_t left, struct entry *entry, struct img_err *err)
{
	if (left < QCOW2_BITMAP_EXTRA)
		return img_fail(err, IMG_E_CORRUPT, _("it ends inside its entry"));
	entry->raw = raw;
	entry->name_len = img_get_be16(raw + QCOW2_BITMAP_NAME_LEN);
	entry->extra_len = img_get_be32(raw + QCOW2_BITMAP_EXTRA_LEN);
	entry->len = img_round_up(QCOW2_BITMAP_EXTRA + (uint64_t)entry->extra_len + entry->name_len,
				  QCOW2_BITMAP_ALIGN);
	if (entry->len > left)
		return img_fail(err, IMG_E_CORRUPT, _("it ends inside its entry"));
	if (!entry->name_len || entry->name_len > QCOW2_BITMAP_NAME_MAX)
		return img_fail(err, IMG_E_CORRUPT, _("a name of %zu bytes"), entry->name_len);
	return true;
}

static bool validate(const struct qcow2_bitmap *bm, unsigned cluster_bits, struct img_err *err)
{
	if (!bm->table_off || bm->table_off & ((UINT64_C(1) << cluster_bits) - 1))
		return img_fail(err, IMG_E_CORRUPT, _("the table at 0x%" PRIx64
				" does not start a cluster"), bm->table_off);
	if (!bm->table_entries || bm->table_entries > QCOW2_BITMAP_TABLE_ENTRIES_MAX)
		return img_fail(err, IMG_E_CORRUPT, _("a table of %" PRIu32 " entries"),
				bm->table_entries);
	if (bm->granularity_bits > 63)
		return img_fail(err, IMG_E_CORRUPT, _("%u granularity bits are more than 63"),
				bm->granularity_bits);
	return true;
}

static bool take_texts(const struct entry *entry, struct qcow2_bitmap *out, struct img_err *err)
{
	const uint8_t *extra = entry->raw + QCOW2_BITMAP_EXTRA;
	const uint8_t *name = extra + entry->extra_len;

	if (memchr(name, '\0', entry->name_len))
		return img_fail(err, IMG_E_CORRUPT, _("a zero byte in its name"));
	out->name = img_calloc(entry->name_len + 1, 1, err);
	if (!out->name)
		return false;
	memcpy(out->name, name, entry->name_len);
	if (!entry->extra_len)
		return true;
	out->extra.raw = img_calloc(entry->extra_len, 1, err);
	if (!out->extra.raw)
		return false;
	memcpy(out->extra.raw, extra, entry->extra_len);
	out->extra.len = entry->extra_len;
	return true;
}

/* *used is the length of the entry at raw. */
static bool decode_entry(const uint8_t *raw, size_t left, unsigned cluster_bits,
			 struct qcow2_bitmap *out, uint64_t *used, struct img_err *err)
{
	struct entry entry = { 0 };
	struct qcow2_bitmap bm;

	if (!measure(raw, left, &entry, err))
		return false;
	bm = (struct qcow2_bitmap){
		.table_off = img_get_be64(raw + QCOW2_BITMAP_TABLE_OFF),
		.table_entries = img_get_be32(raw + QCOW2_BITMAP_TABLE_ENTRIES),
		.flags = img_get_be32(raw + QCOW2_BITMAP_FLAGS),
		.type = raw[QCOW2_BITMAP_TYPE],
		.granularity_bits = raw[QCOW2_BITMAP_GRANULARITY],
	};
	if (!validate(&bm, cluster_bits, err) || !take_texts(&entry, &bm, err)) {
		qcow2_bitmap_clear(&bm);
		return false;
	}
	*out = bm;
	*used = entry.len;
	return true;
}

static bool decode_all(const uint8_t *raw, size_t len, size_t n, unsigned cluster_bits,
		       struct qcow2_bitmap_list *list, struct img_err *err)
{
	uint64_t used;

	list->v = img_calloc(img_max_u64(n, 1), sizeof(*list->v), err);
	if (!list->v)
		return false;
	list->cap = n;
	while (list->n < n) {
		if (!decode_entry(raw, len, cluster_bits, &list->v[list->n], &used, err))
			return img_within(err, _("bitmap %zu"), list->n);
		list->n++;
		raw += used;
		len -= used;
	}
	if (len)
		return img_fail(err, IMG_E_CORRUPT, _("%zu bytes behind the last of %zu bitmaps"),
				len, n);
	return true;
}

bool qcow2_bitmap_dir_decode(const uint8_t *raw, size_t len, size_t n, unsigned cluster_bits,
			     struct qcow2_bitmap_list *out, struct img_err *err)
{
	struct qcow2_bitmap_list list = { 0 };

	if (n > len / QCOW2_BITMAP_EXTRA)
		return img_fail(err, IMG_E_CORRUPT, _("%zu bytes cannot hold %zu bitmaps"), len, n);
	if (!decode_all(raw, len, n, cluster_bits, &list, err)) {
		qcow2_bitmap_list_clear(&list);
		return false;
	}
	*out = list;
	return true;
}

/* ---- Encoding ------------------------------------------------------------------------------------ */

static uint64_t entry_len(const struct qcow2_bitmap *bm)
{
	return img_round_up(QCOW2_BITMAP_EXTRA + bm->extra.len + strlen(bm->name),
			    QCOW2_BITMAP_ALIGN);
}

uint64_t qcow2_bitmap_dir_len(const struct qcow2_bitmap_list *list)
{
	uint64_t len = 0;

	for (size_t i = 0; i < list->n; i++)
		len += entry_len(&list->v[i]);
	return len;
}

static void encode_entry(const struct qcow2_bitmap *bm, bool in_use, uint8_t *raw)
{
	const size_t name_len = strlen(bm->name);
	const bool recording = bm->flags & QCOW2_BITMAP_AUTO;

	memset(raw, 0, entry_len(bm));
	img_put_be64(raw + QCOW2_BITMAP_TABLE_OFF, bm->table_off);
	img_put_be32(raw + QCOW2_BITMAP_TABLE_ENTRIES, bm->table_entries);
	img_put_be32(raw + QCOW2_BITMAP_FLAGS,
		     bm->flags | (in_use && recording ? QCOW2_BITMAP_IN_USE : 0));
	raw[QCOW2_BITMAP_TYPE] = bm->type;
	raw[QCOW2_BITMAP_GRANULARITY] = (uint8_t)bm->granularity_bits;
	img_put_be16(raw + QCOW2_BITMAP_NAME_LEN, (uint16_t)name_len);
	img_put_be32(raw + QCOW2_BITMAP_EXTRA_LEN, (uint32_t)bm->extra.len);
	raw += QCOW2_BITMAP_EXTRA;
	if (bm->extra.len)
		memcpy(raw, bm->extra.raw, bm->extra.len);
	memcpy(raw + bm->extra.len, bm->name, name_len);
}

void qcow2_bitmap_dir_encode(const struct qcow2_bitmap_list *list, bool in_use, uint8_t *raw)
{
	for (size_t i = 0; i < list->n; i++) {
		encode_entry(&list->v[i], in_use, raw);
		raw += entry_len(&list->v[i]);
	}
}

/* ---- Lists --------------------------------------------------------------------------------------- */

void qcow2_bitmap_clear(struct qcow2_bitmap *bm)
{
	free(bm->name);
	free(bm->extra.raw);
	free(bm->bits);
	*bm = (struct qcow2_bitmap){ 0 };
}

void qcow2_bitmap_list_clear(struct qcow2_bitmap_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		qcow2_bitmap_clear(&list->v[i]);
	free(list->v);
	*list = (struct qcow2_bitmap_list){ 0 };
}

const char *qcow2_bitmap_unusable(const struct qcow2_bitmap *bm)
{
	if (bm->flags & QCOW2_BITMAP_IN_USE)
		return N_("it is inconsistent: who recorded in it was cut off");
	if (bm->type != QCOW2_BITMAP_TYPE_DIRTY)
		return N_("its type is not known here");
	if (bm->flags & ~QCOW2_BITMAP_FLAGS_KNOWN)
		return N_("it has flags that are not known here");
	if (bm->extra.len && !(bm->flags & QCOW2_BITMAP_EXTRA_COMPATIBLE))
		return N_("it has data that are not known here");
	if (bm->granularity_bits < QCOW2_BITMAP_GRANULARITY_MIN ||
	    bm->granularity_bits > QCOW2_BITMAP_GRANULARITY_MAX)
		return N_("its granularity is not supported");
	return NULL;
}
