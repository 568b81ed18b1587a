/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changing what an image is without copying it.  All checks come first; then what may change under
 * either header; then the header, which decides.
 */
#include "format/qcow2/amend.h"

#include <string.h>

#include "base/job.h"
#include "base/mem.h"
#include "base/num.h"

const struct img_option qcow2_amend_options[] = {
	{ "compat", IMG_OPT_CHOICE, "0.10|v2|1.1|v3", NULL,
	  N_("version of the format: 0.10 (v2) or 1.1 (v3)") },
	{ "refcount_bits", IMG_OPT_NUMBER, NULL, NULL,
	  N_("width of a reference count: 1, 2, 4, 8, 16, 32 or 64") },
	{ "lazy_refcounts", IMG_OPT_FLAG, NULL, NULL,
	  N_("let users of the image postpone updates of reference counts") },
	{ "backing_file", IMG_OPT_TEXT, NULL, NULL,
	  N_("name of the backing file in the image; empty: none") },
	{ "backing_fmt", IMG_OPT_TEXT, NULL, NULL,
	  N_("format of the backing file; empty: not said") },
	{ "data_file", IMG_OPT_TEXT, NULL, NULL, N_("name of the data file in the image") },
	{ "data_file_raw", IMG_OPT_FLAG, NULL, NULL,
	  N_("keep the data file readable as a raw image") },
	{ NULL, IMG_OPT_TEXT, NULL, NULL, NULL },
};

struct amendment {
	const struct img_settings *set;
	const struct img_layer_link *link;	/* what it is to stand on; NULL: the options say it */
	const struct img_job *job;
	struct qcow2_header to;		/* the three names are its own; all else is borrowed */
	bool down, up, raw;		/* what has to be done besides the header */
};

static bool refuse(struct img_err *err, const char *sentence)
{
	return img_fail(err, IMG_E_ARGUMENT, "%s", sentence);
}

/* ---- What is wanted ------------------------------------------------------------------------------ */

/* *out is NULL for none. */
static bool copy_name(const char *text, char **out, struct img_err *err)
{
	*out = NULL;
	if (!text || !*text)
		return true;
	*out = img_strdup(text, err);
	return *out;
}

/* The text of an option, or what the image says now. */
static bool take_name(const struct amendment *a, const char *option, const char *now, char **out,
		      struct img_err *err)
{
	return copy_name(img_settings_given(a->set, option) ? img_settings_text(a->set, option)
							    : now, out, err);
}

static bool take_names(struct amendment *a, const struct qcow2_header *now, struct img_err *err)
{
	struct qcow2_header *to = &a->to;

	to->backing = to->backing_format = to->data_file = NULL;
	if (!take_name(a, "data_file", now->data_file, &to->data_file, err))
		return false;
	if (a->link)
		return copy_name(a->link->backing, &to->backing, err) &&
		       copy_name(a->link->backing_format, &to->backing_format, err);
	if (!take_name(a, "backing_file", now->backing, &to->backing, err))
		return false;
	/* Nobody's format means nothing. */
	if (!to->backing && !img_settings_given(a->set, "backing_fmt"))
		return true;
	return take_name(a, "backing_fmt", now->backing_format, &to->backing_format, err);
}

static void take_flag(const struct amendment *a, const char *option, uint64_t bit, uint64_t *bits)
{
	if (!img_settings_given(a->set, option))
		return;
	*bits = img_settings_flag(a->set, option) ? *bits | bit : *bits & ~bit;
}

static bool take_numbers(struct amendment *a, struct img_err *err)
{
	struct qcow2_header *to = &a->to;
	const char *compat = img_settings_text(a->set, "compat");

	if (compat)
		to->version = !strcmp(compat, "0.10") || !strcmp(compat, "v2") ? 2 : 3;
	/* What version 2 has no words for, and nobody misses. */
	if (to->version == 2) {
		to->refcount_order = QCOW2_REFCOUNT_ORDER_V2;
		to->compatible = 0;
	}
	if (img_settings_given(a->set, "refcount_bits")) {
		const uint64_t bits = img_settings_number(a->set, "refcount_bits");

		if (!img_is_pow2(bits) || bits > 1u << QCOW2_REFCOUNT_ORDER_MAX)
			return refuse(err, _("the width of reference counts must be a power of two "
					     "up to 64"));
		to->refcount_order = (unsigned)__builtin_ctzll(bits);
	}
	take_flag(a, "lazy_refcounts", QCOW2_COMPATIBLE_LAZY_REFCOUNTS, &to->compatible);
	take_flag(a, "data_file_raw", QCOW2_AUTOCLEAR_DATA_FILE_RAW, &to->autoclear);
	return true;
}

/* ---- Whether it can be had ----------------------------------------------------------------------- */

static bool check_version(const struct qcow2_header *to, struct img_err *err)
{
	if (to->version > 2)
		return true;
	if (to->refcount_order != QCOW2_REFCOUNT_ORDER_V2)
		return refuse(err, _("version 2 images have reference counts of 16 bits; "
				     "other widths need compat=1.1"));
	if (to->compatible & QCOW2_COMPATIBLE_LAZY_REFCOUNTS)
		return refuse(err, _("lazy_refcounts needs compat=1.1"));
	if (to->incompatible & QCOW2_INCOMPATIBLE_EXTENDED_L2)
		return refuse(err, _("extended_l2 needs compat=1.1"));
	if (to->incompatible & QCOW2_INCOMPATIBLE_DATA_FILE)
		return refuse(err, _("an external data file needs compat=1.1"));
	if (to->compression != QCOW2_COMPRESSION_DEFLATE)
		return refuse(err, _("compression_type=zstd needs compat=1.1"));
	if (to->n_bitmaps)
		return refuse(err, _("bitmaps need compat=1.1"));
	return true;
}

static bool check_files(const struct qcow2_header *to, struct img_err *err)
{
	const bool raw = to->autoclear & QCOW2_AUTOCLEAR_DATA_FILE_RAW;

	if (!(to->incompatible & QCOW2_INCOMPATIBLE_DATA_FILE) != !to->data_file)
		return refuse(err, _("an image cannot get or lose a data file; its name alone can "
				     "change"));
	if (raw && !to->data_file)
		return refuse(err, _("data_file_raw needs data_file"));
	if (raw && to->backing)
		return refuse(err, _("a raw data file cannot stand on a backing file"));
	if (to->backing_format && !to->backing)
		return refuse(err, _("backing_fmt needs backing_file"));
	return true;
}

/* Whether the first cluster has room for it. */
static bool check_room(const struct qcow2_header *to, struct img_err *err)
{
	const size_t len = (size_t)1 << to->cluster_bits;
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(len, err);

	return raw && qcow2_header_encode(to, raw, len, err);
}

static bool check_content(struct qcow2 *q, const struct amendment *a, struct img_err *err)
{
	const bool above = q->header.backing || a->to.backing;

	if ((a->down || a->to.refcount_order != q->header.refcount_order) &&
	    !qcow2_rebuild_check(q, a->to.refcount_order, err))
		return false;
	if (a->down)
		return qcow2_downgrade_check(q, above, err);
	return !a->up || qcow2_upgrade_check(q, err);
}

static bool plan(struct qcow2 *q, struct amendment *a, struct img_err *err)
{
	const struct qcow2_header *now = &q->header;
	const uint64_t raw_bit = QCOW2_AUTOCLEAR_DATA_FILE_RAW;

	if (!take_names(a, now, err) || !take_numbers(a, err) || !check_version(&a->to, err) ||
	    !check_files(&a->to, err) || !check_room(&a->to, err))
		return false;
	a->down = a->to.version < now->version;
	a->up = a->to.version > now->version;
	a->raw = (a->to.autoclear & raw_bit) && !(now->autoclear & raw_bit);
	return check_content(q, a, err);
}

/* ---- Doing it ------------------------------------------------------------------------------------ */

/* What the disk's own functions do; no guest sees a difference. */
static bool prepare(struct img_layer *ly, const struct amendment *a, struct img_err *err)
{
	const struct qcow2 *q = ly->priv;

	if (a->raw && !qcow2_data_file_complete(ly->priv, a->job, err))
		return img_within(err, _("data file"));
	if (a->down && (q->header.backing || a->to.backing) &&
	    !qcow2_downgrade_store_zeros(ly, a->job, err))
		return false;
	return true;
}

/* The header as it is to be, with what changed on the way to it. */
static bool put_header(struct qcow2 *q, struct amendment *a, struct img_err *err)
{
	const struct qcow2_header old = q->header;
	struct qcow2_header to = a->to;

	/* Since the plan was made the disk ended: bitmaps were written, tables have moved. */
	to.l1_off = old.l1_off;
	to.l1_entries = old.l1_entries;
	to.reftable_off = old.reftable_off;
	to.reftable_clusters = old.reftable_clusters;
	to.refcount_order = old.refcount_order;
	to.n_bitmaps = old.n_bitmaps;
	to.bitmap_dir_off = old.bitmap_dir_off;
	to.bitmap_dir_len = old.bitmap_dir_len;
	to.autoclear = (to.autoclear & QCOW2_AUTOCLEAR_DATA_FILE_RAW) |
		       (old.autoclear & QCOW2_AUTOCLEAR_BITMAPS);
	q->header = to;
	if (!qcow2_header_rewrite(q, err)) {
		q->header = old;
		return false;
	}
	/* Freed by the caller now in place of the new ones. */
	a->to.backing = old.backing;
	a->to.backing_format = old.backing_format;
	a->to.data_file = old.data_file;
	qcow2_geometry_init(&q->geo, &q->header);
	return true;
}

static bool settle_counts(struct qcow2 *q, const struct amendment *a, bool freed,
			  struct img_err *err)
{
	const unsigned order = a->to.refcount_order;

	return (!freed && order == q->header.refcount_order) ||
	       qcow2_rebuild_refcounts(q, order, err);
}

static bool carry_out(struct img_layer *ly, struct amendment *a, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	bool freed = false;

	if (!plan(q, a, err) || !img_job_goes_on(a->job, err) || !prepare(ly, a, err) ||
	    !qcow2_disk_finish(ly, err))
		return false;
	qcow2_bitmaps_free(q);
	qcow2_disk_free(q);
	if (a->down && !qcow2_downgrade_tables(q, &freed, err))
		return false;
	/* Version 2 knows one width alone. */
	if (a->up)
		return put_header(q, a, err) && settle_counts(q, a, freed, err);
	return img_job_goes_on(a->job, err) && settle_counts(q, a, freed, err) && put_header(q, a, err);
}

static bool amend(struct img_layer *ly, struct amendment *a, struct img_err *err)
{
	const struct qcow2 *q = ly->priv;
	bool ok;

	a->to = q->header;
	ok = carry_out(ly, a, err);
	free(a->to.backing);
	free(a->to.backing_format);
	free(a->to.data_file);
	return ok;
}

bool qcow2_amend(struct img_layer *ly, const struct img_settings *set, const struct img_job *job,
		 struct img_err *err)
{
	struct amendment a = { .set = set, .job = job };

	return amend(ly, &a, err);
}

bool qcow2_link(struct img_layer *ly, const struct img_layer_link *to, struct img_err *err)
{
	struct img_settings *none = img_settings_parse(qcow2_amend_options, NULL, err);
	struct amendment a = { .set = none, .link = to };
	const bool ok = none && amend(ly, &a, err);

	img_settings_free(none);
	return ok;
}
