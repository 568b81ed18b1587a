/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One round of a file that is packed and compressed in place: all that refers to what moved follows. */
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/level.h"
#include "format/qcow1/disk.h"
#include "format/qcow1/pack.h"
#include "format/qcow1/resize.h"

/* ---- Whether it can be ----------------------------------------------------------------------------- */

static bool check(const struct qcow1 *q, const struct img_layer_pack *how, struct img_packing *p,
		  struct img_err *err)
{
	if (qcow1_is_encrypted(q))
		return img_fail(err, IMG_E_UNSUPPORTED, _("it is encrypted, and what is encrypted "
				"cannot be compressed"));
	if (how->codec && strcmp(how->codec, "deflate") != 0 && strcmp(how->codec, "zlib") != 0)
		return img_fail(err, IMG_E_ARGUMENT, _("%s images are compressed with deflate alone"),
				img_format_qcow.name);
	return img_level_of(how->level, p->codec, p->codec->level_default, &p->level, err);
}

/* ---- Tables ---------------------------------------------------------------------------------------- */

static uint64_t moved(const struct qcow1_window *w, uint64_t host)
{
	const struct img_pack_unit *one = img_pack_units_find(&w->units, host);

	return one ? host - one->host + one->now : host;
}

/* The entry of an L2 table, as it is from now on. */
static uint64_t entry_moved(const struct qcow1_window *w, uint64_t entry)
{
	const struct qcow1_cluster c = qcow1_entry_decode(w->hdr, entry);
	const struct img_pack_unit *one =
		c.kind == QCOW1_HOLE ? NULL : img_pack_units_find(&w->units, c.host);

	if (!one)
		return entry;
	if (one->recoded)
		return qcow1_entry_packed(w->hdr, one->now, one->now_len);
	return c.kind == QCOW1_PLAIN ? one->now : qcow1_entry_packed(w->hdr, one->now, c.stored_len);
}

/* table: where it lies by now. */
static bool change_l2(const struct qcow1_window *w, uint64_t table, uint8_t *raw, struct img_err *err)
{
	const uint32_t len = qcow1_l2_bytes(w->hdr);
	bool changed = false;

	if (!img_store_read(w->file, table, raw, len, err))
		return false;
	for (uint32_t off = 0; off < len; off += QCOW1_ENTRY_LEN) {
		const uint64_t entry = img_get_be64(raw + off), now = entry_moved(w, entry);

		changed |= now != entry;
		img_put_be64(raw + off, now);
	}
	return !changed || img_store_write(w->file, table, raw, len, err);
}

/* All bytes are where they will be. */
static bool follow(const struct qcow1_window *w, uint8_t *l1, struct qcow1_header *hdr,
		   struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(qcow1_l2_bytes(hdr), err);
	const uint64_t l1_off = moved(w, hdr->l1_off);
	const uint64_t name = hdr->backing_off ? moved(w, hdr->backing_off) : 0;

	if (!raw)
		return false;
	for (uint32_t i = 0; i < w->n_l1; i++) {
		uint8_t *entry = l1 + (size_t)i * QCOW1_ENTRY_LEN;
		const uint64_t table = moved(w, img_get_be64(entry));

		if (table && !change_l2(w, table, raw, err))
			return false;
		img_put_be64(entry, table);
	}
	hdr->l1_off = l1_off;
	hdr->backing_off = name;
	return img_store_write(w->file, l1_off, l1, (size_t)w->n_l1 * QCOW1_ENTRY_LEN, err);
}

/* ---- A round --------------------------------------------------------------------------------------- */

static void tell(const struct qcow1_window *w, const struct img_packing *p,
		 struct img_layer_packed *out)
{
	const bool over = w->to == w->size;

	*out = (struct img_layer_packed){
		.from = over ? 0 : p->at, .end = over ? 0 : w->size, .seen = w->to,
	};
	img_pack_count(p, out);
}

static bool run_window(struct img_layer *ly, struct qcow1_window *w, uint8_t *l1,
		       struct img_packing *p, const struct img_layer_compact *how, struct img_err *err)
{
	struct qcow1 *q = ly->priv;
	uint64_t before;

	if (!img_store_size(w->file, &before, err) ||
	    !img_store_read(w->file, w->hdr->l1_off, l1, (size_t)w->n_l1 * QCOW1_ENTRY_LEN, err) ||
	    (!ly->below && !qcow1_hollow(w->hdr, w->file, l1, how->hollow, err)) ||
	    !qcow1_fill_up(w->file, qcow1_cluster_size(w->hdr), err) ||
	    !img_store_size(w->file, &w->size, err) || !qcow1_window_open(w, how->room, err) ||
	    !img_pack(p, err))
		return false;
	return (!img_pack_units_changed(&w->units) ||
		(follow(w, l1, &q->header, err) && qcow1_header_write(q, err))) &&
	       /* Nothing has moved up. */
	       (w->size == before || img_store_resize(w->file, before, err)) &&
	       qcow1_disk_restart(q, err);
}

bool qcow1_pack(struct img_layer *ly, const struct img_layer_pack *how, struct img_layer_packed *out,
		struct img_err *err)
{
	struct qcow1 *q = ly->priv;
	const uint32_t n = q->tables.n_l1;
	IMG_AUTO_FREE uint8_t *l1 = img_calloc((size_t)n + 1, QCOW1_ENTRY_LEN, err);
	struct qcow1_window w = {
		.hdr = &q->header, .file = q->tables.file, .job = how->compact.job, .l1 = l1, .n_l1 = n,
		.from = how->from,
	};
	struct img_packing p = {
		.file = w.file, .units = &w.units, .codec = qcow1_codec(w.hdr),
		.size = qcow1_cluster_size(w.hdr), .at = w.from,
		.reach = UINT64_C(1) << (63 - w.hdr->cluster_bits), .recode = how->recode,
		.threads = how->threads, .job = how->compact.job,
	};
	bool ok;

	if (!l1 || !check(q, how, &p, err))
		return false;
	if (!how->compact.room)
		return true;
	ok = run_window(ly, &w, l1, &p, &how->compact, err);
	if (ok)
		tell(&w, &p, out);
	img_pack_units_clear(&w.units);
	return ok;
}
