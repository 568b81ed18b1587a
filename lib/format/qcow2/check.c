/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is wrong with an image: the reference map beside what the image says, for as many clusters
 * at a time as memory suffices for.  Nothing here writes.
 */
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/bitmap.h"
#include "format/qcow2/repair.h"

struct check {
	struct qcow2_header hdr;
	struct img_store *file;
	uint64_t file_size;
	const struct img_checking *how;
	struct img_findings *out;
	struct qcow2_refs_stats stats;
	uint64_t used;			/* clusters of the file, up to the last that is in use */
};

static bool tell(struct check *c, const struct img_finding_kind *kind, uint64_t host,
		 uint64_t value, char *detail, struct img_err *err)
{
	const struct img_finding one = {
		.kind = kind, .n = 1, .host = host, .guest = IMG_NOWHERE,
		.expected = IMG_NOWHERE, .found = value, .detail = detail,
	};

	return img_findings_add(c->out, one, 0, err);
}

/* ---- The header ---------------------------------------------------------------------------------- */

static bool check_flags(struct check *c, struct img_err *err)
{
	const struct qcow2_header *hdr = &c->hdr;
	const uint64_t unknown = hdr->autoclear & ~(uint64_t)QCOW2_AUTOCLEAR_KNOWN;

	if ((hdr->incompatible & QCOW2_INCOMPATIBLE_DIRTY) &&
	    !tell(c, &qcow2_found_header_dirty, QCOW2_HDR_INCOMPATIBLE, hdr->incompatible, NULL, err))
		return false;
	if ((hdr->incompatible & QCOW2_INCOMPATIBLE_CORRUPT) &&
	    !tell(c, &qcow2_found_header_corrupt, QCOW2_HDR_INCOMPATIBLE, hdr->incompatible, NULL,
		  err))
		return false;
	return !unknown || tell(c, &qcow2_found_header_autoclear, QCOW2_HDR_AUTOCLEAR, unknown,
				NULL, err);
}

/* *usable: there is a header to go on from. */
static bool check_header(struct check *c, bool *usable, struct img_err *err)
{
	struct img_err why = { 0 };
	char *detail;

	*usable = qcow2_header_read(c->file, &c->hdr, &why);
	if (*usable)
		return check_flags(c, err);
	if (!img_code_is_damage(why.code)) {
		if (err)
			*err = why;
		return false;
	}
	detail = img_strdup(why.text, err);
	return detail && tell(c, &qcow2_found_header_broken, 0, IMG_NOWHERE, detail, err);
}

/* ---- References ---------------------------------------------------------------------------------- */

static uint64_t wrong_counts(const struct check *c)
{
	return img_findings_count(c->out, &qcow2_found_refcount_leak) +
	       img_findings_count(c->out, &qcow2_found_refcount_low);
}

/* Signs in the tables that entries are wrong, rather than counts. */
static bool check_suspects(struct check *c, const struct qcow2_refs *refs, struct img_err *err)
{
	const uint64_t memory = c->how->memory;

	return (!img_findings_count(c->out, &qcow2_found_refcount_leak) ||
		(qcow2_find_suspects(refs, &c->hdr, memory, c->out, err) &&
		 qcow2_find_lent(refs, &c->hdr, c->file, memory, c->out, err))) &&
	       (!img_findings_count(c->out, &qcow2_found_refcount_low) ||
		qcow2_find_twins(refs, &c->hdr, memory, c->out, err));
}

static bool check_window(struct check *c, uint64_t first, uint64_t *end, struct img_err *err)
{
	const struct qcow2_refs_how how = {
		.hdr = &c->hdr, .file = c->file, .with_refcounts = true, .damage = c->out,
		.first = first, .memory = c->how->memory, .threads = c->how->threads,
		.job = c->how->job,
	};
	struct qcow2_refs *refs = qcow2_refs_collect(&how, err);
	const uint64_t wrong = wrong_counts(c);
	uint64_t cluster;
	bool ok;

	if (!refs)
		return false;
	c->stats = *qcow2_refs_stats(refs);
	*end = qcow2_refs_end(refs);
	ok = qcow2_refs_compare(refs, &c->hdr, c->file, c->out, &c->used, err);
	/* All flags set, no cluster in use twice and no count wrong: nothing to look for. */
	if (ok && (c->stats.odd_flags || qcow2_refs_most(refs, &cluster) > 1 ||
		   wrong_counts(c) > wrong))
		ok = qcow2_copied_check(refs, &c->hdr, c->file, false, c->out, err);
	if (ok && wrong_counts(c) > wrong)
		ok = qcow2_find_orphans(refs, &c->hdr, c->file, false, c->out, err) &&
		     check_suspects(c, refs, err);
	qcow2_refs_free(refs);
	return ok;
}

static bool check_empty_tables(struct check *c, struct img_err *err)
{
	return !c->stats.empty_tables || !img_findings_count(c->out, &qcow2_found_refcount_leak) ||
	       tell(c, &qcow2_found_l2_empty, c->stats.empty_table, c->stats.empty_tables, NULL, err);
}

static bool check_references(struct check *c, struct img_err *err)
{
	const uint64_t clusters = img_div_up(c->file_size, UINT64_C(1) << c->hdr.cluster_bits);
	uint64_t end = 0;

	do {
		if (!check_window(c, end, &end, err))
			return false;
	} while (end < clusters);
	if (!check_empty_tables(c, err))
		return false;
	if (c->used < clusters)
		return tell(c, &qcow2_found_header_behind, c->used << c->hdr.cluster_bits,
			    c->file_size, NULL, err);
	return true;
}

/* ---- Bitmaps ------------------------------------------------------------------------------------- */

static bool check_bitmap_list(struct check *c, const struct qcow2_bitmap_list *list,
			      struct img_err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		char *name;

		if (!qcow2_bitmap_unusable(&list->v[i]))
			continue;
		name = img_strdup(list->v[i].name, err);
		if (!name || !tell(c, &qcow2_found_bitmap_in_use, IMG_NOWHERE, list->v[i].flags,
				   name, err))
			return false;
	}
	return true;
}

/* Whether what keeps the directory from being read was found among the references. */
static bool bitmaps_are_told(const struct check *c)
{
	return img_findings_count(c->out, &qcow2_found_bitmap_directory) ||
	       img_findings_count(c->out, &qcow2_found_bitmap_table);
}

static bool check_bitmaps(struct check *c, struct img_err *err)
{
	struct qcow2 q = { .header = c->hdr, .map = { .file = c->file } };
	struct qcow2_bitmap_list list;
	struct img_err why = { 0 };
	bool ok;

	if (!c->hdr.n_bitmaps || !(c->hdr.autoclear & QCOW2_AUTOCLEAR_BITMAPS))
		return true;
	q.map.file_size = c->file_size;
	qcow2_geometry_init(&q.geo, &c->hdr);
	if (qcow2_bitmap_dir_load(&q, &list, &why)) {
		ok = check_bitmap_list(c, &list, err);
		qcow2_bitmap_list_clear(&list);
		return ok;
	}
	if (!img_code_is_damage(why.code)) {
		if (err)
			*err = why;
		return false;
	}
	if (bitmaps_are_told(c))
		return true;
	char *detail = img_strdup(why.text, err);
	return detail && tell(c, &qcow2_found_bitmap_directory, c->hdr.bitmap_dir_off, IMG_NOWHERE,
			      detail, err);
}

/* ---- All of it ----------------------------------------------------------------------------------- */

static void put_numbers(const struct check *c, struct img_check_result *result)
{
	result->total = img_div_up(c->hdr.size, UINT64_C(1) << c->hdr.cluster_bits);
	result->allocated = c->stats.allocated;
	result->compressed = c->stats.compressed;
	result->fragmented = c->stats.fragmented;
	result->image_end = c->used << c->hdr.cluster_bits;
}

bool qcow2_check(struct img_layer *ly, const struct img_checking *how, struct img_findings *out,
		 struct img_check_result *result, struct img_err *err)
{
	struct check c = { .file = ly->store, .how = how, .out = out };
	bool usable = false;
	bool ok = img_store_size(c.file, &c.file_size, err) && check_header(&c, &usable, err);

	if (ok && usable) {
		ly->stands_alone = !c.hdr.backing &&
				   !(c.hdr.incompatible & QCOW2_INCOMPATIBLE_DATA_FILE);
		ok = check_references(&c, err) && check_bitmaps(&c, err) &&
		     qcow2_crypt_check(&c.hdr, c.file, out, err);
		put_numbers(&c, result);
		img_findings_sort(out, qcow2_finding_kinds);
	}
	qcow2_header_clear(&c.hdr);
	return ok;
}

const struct img_check_ops qcow2_check_ops = {
	.kinds = qcow2_finding_kinds,
	.check = qcow2_check,
	.repair = qcow2_repair,
};
