/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a part of the file holds, unit by unit: the header, tables, clusters, and a name. */
#include <inttypes.h>

#include "base/bytes.h"
#include "base/job.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow1/pack.h"
#include "format/qcow1/survey.h"

/* What is free costs nothing.  The first cluster may hold the end of what was packed before. */
static bool choose_end(struct qcow1_window *w, uint64_t most, struct img_err *err)
{
	const unsigned bits = w->hdr->cluster_bits;
	const uint64_t clusters = img_max_u64(most >> bits, 1);
	struct img_findings found = { .most = 1 };
	struct qcow1_survey s = {
		.hdr = w->hdr, .file = w->file, .file_size = w->size, .job = w->job, .out = &found,
		.memory = UINT64_MAX,
	};
	bool ok = qcow1_survey_run(&s, err);

	if (ok && found.n)
		ok = img_fail(err, IMG_E_CORRUPT, "%s", _(found.v[0].kind->text));
	w->to = w->from >> bits << bits;
	for (uint64_t n = 0; ok && w->to < w->size && n <= clusters; w->to += UINT64_C(1) << bits)
		n += qcow1_survey_uses(&s, w->to >> bits);
	qcow1_survey_clear(&s);
	img_findings_clear(&found);
	return ok;
}

/* ---- What there is -------------------------------------------------------------------------------- */

static bool see(struct qcow1_window *w, enum img_pack_kind kind, uint64_t host, uint64_t len,
		uint32_t align, struct img_err *err)
{
	const struct img_pack_unit one = {
		.kind = kind, .host = host, .now = host, .len = (uint32_t)len, .align = align,
	};

	/* A compressed cluster may reach into what lies behind the window. */
	return !len || host < w->from || host >= w->to + qcow1_cluster_size(w->hdr) ||
	       img_pack_units_see(&w->units, one, err);
}

static bool see_head(struct qcow1_window *w, struct img_err *err)
{
	const struct qcow1_header *hdr = w->hdr;
	const uint64_t name = hdr->backing_off ? hdr->backing_len : 0;

	return see(w, IMG_PACK_FIXED, 0, QCOW1_HDR_LEN, 1, err) &&
	       see(w, IMG_PACK_AS_IT_IS, hdr->backing_off, name, QCOW1_ENTRY_LEN, err) &&
	       see(w, IMG_PACK_AS_IT_IS, hdr->l1_off, (uint64_t)w->n_l1 * QCOW1_ENTRY_LEN,
		   QCOW1_ENTRY_LEN, err);
}

/* What begins where a part of the head does would be taken for that. */
static bool is_head(const struct qcow1_header *hdr, uint64_t host)
{
	return !host || host == hdr->l1_off || host == hdr->backing_off;
}

static bool see_cluster(struct qcow1_window *w, uint64_t entry, struct img_err *err)
{
	const struct qcow1_cluster c = qcow1_entry_decode(w->hdr, entry);

	if (c.kind == QCOW1_HOLE)
		return true;
	if (is_head(w->hdr, c.host))
		return img_fail(err, IMG_E_CORRUPT, _("a cluster lies over the head of the image, at offset "
				"0x%" PRIx64 " of the file"), c.host);
	if (c.kind == QCOW1_PACKED)
		return see(w, IMG_PACK_PACKED, c.host, c.stored_len, 1, err);
	return see(w, IMG_PACK_PLAIN, c.host, c.stored_len, qcow1_cluster_size(w->hdr), err);
}

static bool see_table(struct qcow1_window *w, uint64_t table, uint8_t *raw, struct img_err *err)
{
	const uint32_t len = qcow1_l2_bytes(w->hdr);

	if (!see(w, IMG_PACK_AS_IT_IS, table, len, qcow1_cluster_size(w->hdr), err) ||
	    !img_store_read(w->file, table, raw, len, err))
		return false;
	for (uint32_t off = 0; off < len; off += QCOW1_ENTRY_LEN)
		if (!see_cluster(w, img_get_be64(raw + off), err))
			return false;
	return true;
}

static bool see_all(struct qcow1_window *w, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(qcow1_l2_bytes(w->hdr), err);

	if (!raw || !see_head(w, err))
		return false;
	for (uint32_t i = 0; i < w->n_l1; i++) {
		const uint64_t table = img_get_be64(w->l1 + (size_t)i * QCOW1_ENTRY_LEN);

		if (!img_job_goes_on(w->job, err))
			return false;
		if (table && !see_table(w, table, raw, err))
			return false;
	}
	return true;
}

/* ---- What lies over each other --------------------------------------------------------------------- */

static bool check_overlaps(const struct img_pack_units *units, struct img_err *err)
{
	for (size_t i = 1; i < units->n; i++) {
		const struct img_pack_unit *last = &units->v[i - 1], *one = &units->v[i];

		if (one->host < last->host + last->len)
			return img_fail(err, IMG_E_CORRUPT, _("what lies at offset 0x%" PRIx64 " of the "
					"file goes on over what lies at 0x%" PRIx64), last->host,
					one->host);
	}
	return true;
}

/* Those behind the window were wanted for what reaches into them. */
static void cut(struct qcow1_window *w)
{
	while (w->units.n && w->units.v[w->units.n - 1].host >= w->to)
		w->units.n--;
}

bool qcow1_window_open(struct qcow1_window *w, uint64_t most, struct img_err *err)
{
	if (!choose_end(w, most, err) || !see_all(w, err))
		return false;
	img_pack_units_unite(&w->units);
	if (!check_overlaps(&w->units, err))
		return false;
	cut(w);
	return true;
}
