/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new image: what all types have in common, and the calls that go to the one that was chosen. */
#include <inttypes.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/new.h"

void vmdk_new_free(struct vmdk_new *fresh)
{
	if (!fresh)
		return;
	if (fresh->subformat)
		fresh->subformat->free(fresh->own);
	free(fresh);
}

/* ---- The image below ------------------------------------------------------------------------- */

static bool read_parent(const struct img_layer_create *what, struct vmdk_descriptor *parent,
			struct img_err *err)
{
	const struct img_reference ref = {
		.kind = IMG_REF_BACKING, .name = what->backing, .format = what->backing_format,
	};
	struct img_store *st;
	bool ok;

	if (!what->opener->open(what->opener, &ref, &st, err))
		return false;
	ok = vmdk_descriptor_of(st, parent, err) || img_within(err, "%s", what->backing);
	img_store_close(st);
	return ok;
}

/* The image knows what it stands on by a name, and by the identifier that its content has now. */
static bool name_parent(const struct img_layer_create *what, struct vmdk_descriptor *desc,
			struct img_err *err)
{
	struct vmdk_descriptor parent = { 0 };
	bool ok;

	if (!what->backing)
		return true;
	if (what->backing_format && strcmp(what->backing_format, "vmdk"))
		return img_fail(err, IMG_E_ARGUMENT, _("a VMDK image can only stand on another one"));
	if (!vmdk_descriptor_check_name(what->backing, err))
		return false;
	ok = read_parent(what, &parent, err);
	desc->parent_cid = parent.cid;
	vmdk_descriptor_clear(&parent);
	if (ok)
		desc->parent = img_strdup(what->backing, err);
	return ok && desc->parent;
}

static bool tell_backing(struct img_layer *ly, const struct img_layer_create *what,
			 struct img_err *err)
{
	if (!what->backing)
		return true;
	ly->backing = img_strdup(what->backing, err);
	ly->backing_format = img_strdup("vmdk", err);
	return ly->backing && ly->backing_format;
}

/* ---- Creating -------------------------------------------------------------------------------- */

static bool choose_size(const struct img_layer_create *what, uint64_t *size, struct img_err *err)
{
	*size = what->size;
	if (what->size == IMG_SIZE_UNKNOWN)
		return true;
	if (!what->size || what->size > INT64_MAX)
		return img_fail(err, IMG_E_RANGE, _("a VMDK image cannot hold a disk of %" PRIu64
				" bytes"), what->size);
	*size = img_round_up(what->size, VMDK_SECTOR);
	return true;
}

static bool start(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err)
{
	struct vmdk *v = ly->priv;

	v->has_desc = true;
	if (!vmdk_options_read(what->settings, &v->desc, v->fresh, err) ||
	    !name_parent(what, &v->desc, err) || !tell_backing(ly, what, err) ||
	    !choose_size(what, &ly->size, err))
		return false;
	return v->fresh->subformat->start(ly, what, err);
}

bool vmdk_create(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err)
{
	struct vmdk *v = img_calloc(1, sizeof(*v), err);

	ly->priv = v;
	if (v)
		v->fresh = img_calloc(1, sizeof(*v->fresh), err);
	if (v && v->fresh && start(ly, what, err))
		return true;
	vmdk_free(v);
	free(ly->backing);
	free(ly->backing_format);
	ly->priv = ly->backing = ly->backing_format = NULL;
	return false;
}

/* ---- The calls ------------------------------------------------------------------------------- */

bool vmdk_sequential(const struct img_layer_create *what)
{
	return what->size != IMG_SIZE_UNKNOWN &&
	       !strcmp(img_settings_text(what->settings, "subformat"),
		       vmdk_stream_optimized.create_type);
}

static const struct img_write_ops *way_of(const struct img_layer *ly)
{
	return ((const struct vmdk *)ly->priv)->fresh->subformat->write;
}

static bool pass_reserve(struct img_layer *ly, struct img_slot *slots, size_t n,
			 struct img_err *err)
{
	return way_of(ly)->reserve(ly, slots, n, err);
}

static bool pass_lead(struct img_layer *ly, const struct img_slot *slot, struct img_err *err)
{
	return way_of(ly)->lead(ly, slot, err);
}

static bool pass_store(struct img_layer *ly, const struct img_slot *slot, const void *bytes,
		       struct img_err *err)
{
	if (!way_of(ly)->store)
		return img_store_write(slot->store, slot->host, bytes, slot->stored_len, err);
	return way_of(ly)->store(ly, slot, bytes, err);
}

static bool pass_publish(struct img_layer *ly, const struct img_slot *slots, size_t n,
			 struct img_err *err)
{
	return !way_of(ly)->publish || way_of(ly)->publish(ly, slots, n, err);
}

static bool pass_zero(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
{
	return way_of(ly)->zero(ly, at, len, err);
}

static bool pass_finish(struct img_layer *ly, struct img_err *err)
{
	return way_of(ly)->finish(ly, err);
}

const struct img_write_ops vmdk_write_ops = {
	.reserve = pass_reserve,
	.lead = pass_lead,
	.store = pass_store,
	.publish = pass_publish,
	.zero = pass_zero,
	.finish = pass_finish,
};
