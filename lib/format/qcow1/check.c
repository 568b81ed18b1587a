/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is wrong with an image, and the little that can be mended without a guess. */
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow1/survey.h"

static bool tell_header(struct img_findings *out, const struct img_finding_kind *kind,
			const char *text, struct img_err *err)
{
	struct img_finding one = {
		.kind = kind, .n = 1, .host = 0, .guest = IMG_NOWHERE, .expected = IMG_NOWHERE,
		.found = IMG_NOWHERE,
	};

	if (text)
		one.detail = img_strdup(text, err);
	return (one.detail || !text) && img_findings_add(out, one, 0, err);
}

/* *usable: there is a header to go on from. */
static bool check_header(struct img_layer *ly, struct qcow1_header *hdr, struct img_findings *out,
			 bool *usable, struct img_err *err)
{
	struct img_err why = { 0 };
	char *backing = NULL;

	*usable = qcow1_header_read(ly->store, hdr, &backing, &why);
	if (*usable) {
		ly->stands_alone = !backing;
		free(backing);
		return hdr->size >= QCOW1_DISK_MIN ||
		       tell_header(out, &qcow1_found_header_small, NULL, err);
	}
	if (img_code_is_damage(why.code))
		return tell_header(out, &qcow1_found_header_broken, why.text, err);
	if (err)
		*err = why;
	return false;
}

static void put_numbers(const struct qcow1_survey *s, struct img_check_result *result)
{
	result->total = img_div_up(s->hdr->size, qcow1_cluster_size(s->hdr));
	result->allocated = s->clusters;
	result->compressed = s->packed;
	result->fragmented = s->fragmented;
	result->image_end = s->end;
}

static bool qcow1_check(struct img_layer *ly, const struct img_checking *how,
			struct img_findings *out, struct img_check_result *result,
			struct img_err *err)
{
	struct qcow1_header hdr;
	struct qcow1_survey s = {
		.hdr = &hdr, .file = ly->store, .job = how->job, .out = out, .memory = how->memory,
	};
	bool usable, ok;

	if (!img_store_size(s.file, &s.file_size, err) ||
	    !check_header(ly, &hdr, out, &usable, err))
		return false;
	if (!usable)
		return true;
	ok = qcow1_survey_run(&s, err) && qcow1_survey_leaks(&s, err);
	qcow1_survey_clear(&s);
	if (!ok)
		return false;
	put_numbers(&s, result);
	img_findings_sort(out, qcow1_finding_kinds);
	return true;
}

/* ---- Repair ---------------------------------------------------------------------------------- */

/* ctx: where the last byte that is not zero ends. */
static bool see_bytes(void *ctx, uint64_t at, const uint8_t *bytes, size_t len, struct img_err *err)
{
	uint64_t *end = ctx;

	(void)err;
	while (len && !bytes[len - 1])
		len--;
	if (len)
		*end = at + len;
	return true;
}

/*
 * Behind the last cluster that is in use or holds anything the file is cut off.  There are no counts:
 * data that nothing refers to may have lost the table or the entry that did.
 */
static bool cut_zeros(struct qcow1_survey *s, struct img_err *err)
{
	const uint32_t cluster = qcow1_cluster_size(s->hdr);
	uint64_t end = s->end;
	const struct img_store_scan scan = { .run = see_bytes, .ctx = &end };

	return img_store_scan(s->file, img_min_u64(s->end, s->file_size), s->file_size, QCOW1_SECTOR,
			      &scan, err) &&
	       (img_round_up(end, cluster) >= s->file_size ||
		img_store_resize(s->file, img_round_up(end, cluster), err));
}

/* Only where every reference is understood. */
static bool qcow1_repair(struct img_layer *ly, const struct img_checking *how,
			 enum img_repair_level level, struct img_err *err)
{
	struct qcow1_header hdr;
	struct img_findings found = { 0 };
	struct qcow1_survey s = {
		.hdr = &hdr, .file = ly->store, .job = how->job, .out = &found,
		.memory = how->memory,
	};
	bool usable, ok = true;

	(void)level;
	if (!img_store_size(s.file, &s.file_size, err) ||
	    !check_header(ly, &hdr, &found, &usable, err))
		return false;
	if (usable && (s.file->caps & IMG_STORE_RESIZE))
		ok = qcow1_survey_run(&s, err) &&
		     (img_findings_total(&found, IMG_CORRUPT) || cut_zeros(&s, err));
	qcow1_survey_clear(&s);
	img_findings_clear(&found);
	return ok;
}

const struct img_check_ops qcow1_check_ops = {
	.kinds = qcow1_finding_kinds,
	.check = qcow1_check,
	.repair = qcow1_repair,
};
