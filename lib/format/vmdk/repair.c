/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Repairing an image, file by file: what is wrong with an extent can be seen in its own file.
 * Nothing is freed, and lost space stays lost: it may be all that is left of something.
 */
#include "format/vmdk/repair.h"

static bool repair_file(struct vmdk_check *c, struct img_store *file, struct img_err *err)
{
	struct vmdk_file_check f = { .image = c };
	bool usable, ok;

	if (!vmdk_check_open(&f, file, &usable, err))
		return false;
	if (!usable)
		return true;
	ok = f.sp.hdr.kind != VMDK_KIND_HOSTED ||
	     (vmdk_check_more(&f, err) && (!f.sp.rgd || vmdk_repair_tables(&f, err)) &&
	      (!f.sp.hdr.markers || vmdk_repair_markers(&f, err)));
	vmdk_sparse_clear(&f.sp);
	return ok;
}

/* How many errors a check finds now. */
static bool count_errors(struct img_layer *ly, const struct img_checking *how, uint64_t *n,
			 struct img_err *err)
{
	struct img_findings found = { .most = 0 };
	struct img_check_result numbers;
	const bool ok = vmdk_check_ops.check(ly, how, &found, &numbers, err);

	*n = img_findings_total(&found, IMG_CORRUPT) + img_findings_total(&found, IMG_FATAL);
	img_findings_clear(&found);
	return ok;
}

/* A file in which nothing is wrong counts as closed; one with errors stays marked. */
static bool clear_unclean(struct img_layer *ly, const struct img_checking *how, struct img_err *err)
{
	uint8_t raw[VMDK_HEAD_BYTES];
	struct vmdk_header hdr;
	uint64_t errors;
	size_t got;

	if (!img_store_read_some(ly->store, 0, raw, sizeof(raw), &got, err))
		return false;
	if (!vmdk_header_decode(raw, got, &hdr, NULL) || !hdr.unclean)
		return true;
	if (!count_errors(ly, how, &errors, err))
		return false;
	return errors || (img_store_sync(ly->store, err) &&
			  img_store_write(ly->store, VMDK_HDR_UNCLEAN, "", 1, err));
}

static bool is_hosted(struct img_store *file, bool *hosted, struct img_err *err)
{
	uint8_t head[VMDK_HEAD_BYTES];
	size_t got;

	if (!img_store_read_some(file, 0, head, sizeof(head), &got, err))
		return false;
	*hosted = vmdk_kind_of(head, got) == VMDK_KIND_HOSTED;
	return true;
}

/* The file in the store of ly, if it is one of hosted grains. */
static bool repair_grains(struct img_layer *ly, const struct img_checking *how, struct img_err *err)
{
	struct img_findings unused = { .most = 0 };
	struct vmdk_check c = { .how = how, .out = &unused };
	bool hosted, ok;

	if (!is_hosted(ly->store, &hosted, err))
		return false;
	if (!hosted)
		return true;
	ok = vmdk_repair_stream(ly->store, err) && repair_file(&c, ly->store, err) &&
	     clear_unclean(ly, how, err);
	img_findings_clear(&unused);
	return ok;
}

/* What cannot be read is told by a check, and cannot be repaired. */
static bool repair_extent(struct img_layer *ly, const struct img_checking *how, const char *name,
			  struct img_err *err)
{
	const struct img_reference ref = { .kind = IMG_REF_EXTENT, .name = name };
	struct img_layer part = { .format = ly->format };
	struct img_err why = { 0 };
	bool ok;

	if (!how->opener->open(how->opener, &ref, &part.store, &why))
		return img_code_is_damage(why.code) || why.code == IMG_E_IO ||
		       img_fail(err, why.code, "%s", why.text);
	ok = repair_grains(&part, how, err) || img_within(err, _("extent \"%s\""), name);
	img_store_close(part.store);
	return ok;
}

/* An extent that may only be read belongs to others, too. */
static bool is_repairable(const struct vmdk_extent_line *line)
{
	return line->type == VMDK_EXTENT_SPARSE && !line->read_only;
}

static bool repair_extents(struct img_layer *ly, const struct img_checking *how,
			   struct img_err *err)
{
	struct vmdk_descriptor desc;
	bool ok = true;

	if (vmdk_descriptor_of(ly->store, &desc, NULL))
		for (size_t i = 0; ok && how->opener && i < desc.n_extents; i++)
			ok = !is_repairable(&desc.extents[i]) ||
			     repair_extent(ly, how, desc.extents[i].name, err);
	vmdk_descriptor_clear(&desc);
	return ok;
}

bool vmdk_repair(struct img_layer *ly, const struct img_checking *how, enum img_repair_level level,
		 struct img_err *err)
{
	uint8_t head[VMDK_HEAD_BYTES];
	size_t got;

	if (level != IMG_REPAIR_ALL)
		return true;
	if (!img_store_read_some(ly->store, 0, head, sizeof(head), &got, err))
		return false;
	return vmdk_is_descriptor(head, got) ? repair_extents(ly, how, err)
					     : repair_grains(ly, how, err);
}
