/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An image that is written in place: what can be, its start and its end. */
#include "format/vmdk/disk.h"

#include <inttypes.h>
#include "base/mem.h"
#include "base/num.h"

/* ---- The start ------------------------------------------------------------------------------- */

static bool check_flat(const struct vmdk_part *part, struct img_err *err)
{
	uint64_t end;

	if (img_add_u64(part->at, part->len, &end) && end <= part->file_size)
		return true;
	return img_fail(err, IMG_E_INCOMPLETE, _("a damaged image cannot be written: %s"),
			_(vmdk_found_flat_cut.text));
}

static bool start_sparse(struct vmdk_part *part, struct img_err *err)
{
	if (part->sparse.hdr.capacity < part->len)
		return img_fail(err, IMG_E_CORRUPT, _("a damaged image cannot be written: %s"),
				_(vmdk_found_header_size.text));
	return vmdk_live_load(&part->sparse, err);
}

static bool start_part(struct vmdk_part *part, struct img_err *err)
{
	switch (part->type) {
	case VMDK_EXTENT_FLAT:
		return check_flat(part, err);
	case VMDK_EXTENT_SPARSE:
		return start_sparse(part, err);
	case VMDK_EXTENT_ZERO:
		break;
	}
	return img_fail(err, IMG_E_UNSUPPORTED,
			_("an image with an extent of type ZERO can only be read"));
}

static bool check_lines(const struct vmdk_descriptor *desc, struct img_err *err)
{
	for (size_t i = 0; i < desc->n_extents; i++)
		if (desc->extents[i].read_only)
			return img_fail(err, IMG_E_DENIED, _("extent %zu is only for reading, as its "
					"line in the descriptor says"), i + 1);
	return true;
}

bool vmdk_disk_start(struct vmdk *v, struct img_err *err)
{
	struct vmdk_disk *disk = img_calloc(1, sizeof(*disk), err);

	if (!disk)
		return false;
	v->disk = disk;
	pthread_mutex_init(&disk->lock, NULL);
	pthread_mutex_init(&disk->marking, NULL);
	img_claims_init(&disk->claims, &disk->lock);
	disk->touched = img_calloc(v->n_parts, sizeof(*disk->touched), err);
	if (!disk->touched || !check_lines(&v->desc, err))
		return false;
	for (size_t i = 0; i < v->n_parts; i++)
		if (!start_part(&v->parts[i], err))
			return v->parts[i].name &&
			       img_within(err, _("extent \"%s\""), v->parts[i].name);
	return true;
}

void vmdk_disk_free(struct vmdk_disk *disk)
{
	if (!disk)
		return;
	img_claims_clear(&disk->claims);
	pthread_mutex_destroy(&disk->marking);
	pthread_mutex_destroy(&disk->lock);
	free(disk->touched);
	free(disk);
}

void vmdk_disk_touch(const struct vmdk *v, const struct vmdk_part *part)
{
	atomic_store_explicit(&v->disk->touched[part - v->parts], true, memory_order_release);
}

/* ---- The end --------------------------------------------------------------------------------- */

/* A flush has written the tables, and the second copies of them are to be durable, too. */
static bool finish(struct img_layer *ly, struct img_err *err)
{
	struct vmdk *v = ly->priv;

	return vmdk_disk_sync(v, ly->store, err) && vmdk_disk_unmark(v, err) &&
	       vmdk_disk_sync(v, ly->store, err);
}

const struct img_disk_ops vmdk_disk_ops = {
	.write = vmdk_disk_write,
	.zero = vmdk_disk_zero,
	.discard = vmdk_disk_discard,
	.flush = vmdk_disk_flush,
	.finish = finish,
};
