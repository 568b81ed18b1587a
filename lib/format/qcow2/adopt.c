/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making an image around data that lie in its file already, and what such an image knows of the file
 * that it was.  That is in a header extension of our own, which others leave as it is.
 */
#include <stdlib.h>
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/adopt.h"
#include "format/qcow2/wish.h"

/* ---- What may be asked for ----------------------------------------------------------------------- */

static bool check_options(const struct img_settings *set, const struct qcow2_header *hdr,
			  struct img_err *err)
{
	if (hdr->data_file || hdr->backing)
		return img_fail(err, IMG_E_ARGUMENT, _("an image around data that stay where they "
				"are has no other files"));
	if (strcmp(img_settings_text(set, "preallocation"), "off"))
		return img_fail(err, IMG_E_ARGUMENT, _("data that stay where they are take no "
				"preallocation"));
	return true;
}

static bool check_plain(const struct img_settings *set, struct img_err *err)
{
	return !img_settings_given(set, "encrypt.format") ||
	       img_fail(err, IMG_E_ARGUMENT, _("data that stay where they are cannot be encrypted"));
}

/* hdr is to be cleared even on failure. */
static bool make_header(const struct img_settings *set, uint64_t size, struct qcow2_header *hdr,
			struct img_err *err)
{
	const struct img_layer_create what = { .size = size, .settings = set };
	struct qcow2_wish wish = { 0 };
	const bool ok = check_plain(set, err) && qcow2_wish_make(&what, true, &wish, err) &&
			check_options(set, &wish.header, err);

	*hdr = wish.header;
	hdr->size = img_round_up(size, QCOW2_SECTOR);
	return ok;
}

static bool adopt_unit(const struct img_settings *set, uint64_t size, uint32_t *unit,
		       struct img_err *err)
{
	struct qcow2_header hdr;
	const bool ok = make_header(set, size, &hdr, err);

	if (ok)
		*unit = UINT32_C(1) << hdr.cluster_bits;
	qcow2_header_clear(&hdr);
	return ok;
}

/* ---- What the file was --------------------------------------------------------------------------- */

static bool put_note(const struct img_adoption *note, struct qcow2_bytes *extensions,
		     struct img_err *err)
{
	uint8_t *raw;

	if (!note)
		return true;
	raw = img_calloc(1, QCOW2_EXT_DATA + QCOW2_ADOPTED_LEN, err);
	if (!raw)
		return false;
	img_put_be32(raw + QCOW2_EXT_TYPE, QCOW2_EXT_ADOPTED);
	img_put_be32(raw + QCOW2_EXT_LEN, QCOW2_ADOPTED_LEN);
	img_put_be64(raw + QCOW2_EXT_DATA + QCOW2_ADOPTED_SIZE, note->size);
	img_put_be64(raw + QCOW2_EXT_DATA + QCOW2_ADOPTED_TIME, (uint64_t)note->time);
	extensions->raw = raw;
	extensions->len = QCOW2_EXT_DATA + QCOW2_ADOPTED_LEN;
	return true;
}

static bool adopted(const struct img_layer *ly, struct img_adoption *out)
{
	const struct qcow2 *q = ly->priv;
	const struct qcow2_bytes *ext = &q->header.more_extensions;
	size_t whole;

	/* Each was found to be whole when the header was decoded. */
	for (size_t at = 0; at + QCOW2_EXT_DATA <= ext->len; at += whole) {
		const uint8_t *raw = ext->raw + at;
		const uint32_t len = img_get_be32(raw + QCOW2_EXT_LEN);

		whole = QCOW2_EXT_DATA + img_round_up(len, QCOW2_EXT_ALIGN);
		if (img_get_be32(raw + QCOW2_EXT_TYPE) != QCOW2_EXT_ADOPTED ||
		    len != QCOW2_ADOPTED_LEN)
			continue;
		raw += QCOW2_EXT_DATA;
		out->size = img_get_be64(raw + QCOW2_ADOPTED_SIZE);
		out->time = (int64_t)img_get_be64(raw + QCOW2_ADOPTED_TIME);
		return img_round_up(out->size & INT64_MAX, QCOW2_SECTOR) == q->header.size;
	}
	return false;
}

/* ---- Laying it out ------------------------------------------------------------------------------- */

static void adopt_free(void *laid)
{
	struct qcow2_adopted *a = laid;

	if (!a)
		return;
	qcow2_header_clear(&a->header);
	free(a->l2_of);
	free(a->block_of);
	free(a->l2_index);
	free(a->block_index);
	free(a);
}

static bool write_header(const struct qcow2_adopted *a, struct img_store *st, struct img_err *err)
{
	const size_t len = qcow2_cluster_size(&a->geo);
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(len, err);

	return raw && qcow2_header_encode(&a->header, raw, len, err) &&
	       img_store_write(st, 0, raw, len, err);
}

static bool lay(struct qcow2_adopted *a, struct img_store *st, const struct img_adopting *how,
		struct img_err *err)
{
	const struct img_placement *where = how->where;

	if (!make_header(how->settings, where->size, &a->header, err) ||
	    !put_note(how->note, &a->header.more_extensions, err))
		return false;
	qcow2_geometry_init(&a->geo, &a->header);
	assert(qcow2_cluster_size(&a->geo) == where->unit);
	a->start = where->hosts;
	if (!qcow2_adopted_plan(a, where, err))
		return false;
	return img_store_resize(st, (a->start + qcow2_adopted_clusters(a)) * where->unit, err) &&
	       qcow2_adopted_write(a, where, st, err) && write_header(a, st, err);
}

static bool adopt_lay(struct img_store *st, const struct img_adopting *how, void **laid,
		      struct img_err *err)
{
	struct qcow2_adopted *a = img_calloc(1, sizeof(*a), err);

	if (a && lay(a, st, how, err)) {
		*laid = a;
		return true;
	}
	adopt_free(a);
	return false;
}

typedef bool put_entries(const struct qcow2_adopted *a, const struct img_placement *where,
			 struct img_store *st, uint64_t first, uint64_t end, struct img_err *err);

static bool put_ranges(const struct qcow2_adopted *a, const struct img_placement *where,
		       struct img_store *st, const struct img_rangeset *set, put_entries *put,
		       struct img_err *err)
{
	for (size_t i = 0; i < set->n; i++)
		if (!put(a, where, st, set->v[i].start, set->v[i].end, err))
			return false;
	return true;
}

static bool adopt_moved(void *laid, struct img_store *st, const struct img_placement *where,
			const struct img_rangeset *guests, const struct img_rangeset *hosts,
			struct img_err *err)
{
	return put_ranges(laid, where, st, guests, qcow2_adopted_put_l2, err) &&
	       put_ranges(laid, where, st, hosts, qcow2_adopted_put_counts, err);
}

/* ---- What would be lost -------------------------------------------------------------------------- */

static bool sole(const struct img_layer *ly, struct img_err *err)
{
	const struct qcow2_header *hdr = &((const struct qcow2 *)ly->priv)->header;

	if (hdr->incompatible & QCOW2_INCOMPATIBLE_CORRUPT)
		return img_fail(err, IMG_E_CORRUPT, _("the image is marked as damaged; imgcheck -r "
				"repairs it"));
	if (hdr->backing)
		return img_fail(err, IMG_E_UNSUPPORTED, _("the image stands on a backing file; "
				"imgconv can copy both into one image"));
	if (hdr->data_file)
		return img_fail(err, IMG_E_UNSUPPORTED, _("the data lie in another file, \"%s\"; "
				"imgconv can copy them"), hdr->data_file);
	if (hdr->crypt)
		return img_fail(err, IMG_E_UNSUPPORTED, _("the image is encrypted; imgconv can copy "
				"it"));
	if (hdr->n_snapshots)
		return img_fail(err, IMG_E_UNSUPPORTED, _("the image holds snapshots, which would be "
				"lost; imgconv -l copies one, imgconv without -l the disk alone"));
	if (hdr->n_bitmaps)
		return img_fail(err, IMG_E_UNSUPPORTED, _("the image holds bitmaps, which would be "
				"lost; imgbitmap --remove takes them away"));
	return true;
}

const struct img_adopt_ops qcow2_adopt_ops = {
	.unit_option = "cluster_size",
	.unit = adopt_unit,
	.lay = adopt_lay,
	.moved = adopt_moved,
	.free = adopt_free,
	.sole = sole,
	.adopted = adopted,
};
