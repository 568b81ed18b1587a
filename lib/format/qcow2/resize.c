/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Another size for the disk of an image: what is refused, and the order of the steps. */
#include <inttypes.h>

#include "base/num.h"
#include "format/qcow2/amend.h"
#include "format/qcow2/resize.h"

/*
 * Snapshots keep the size that they had.  In version 2 nobody goes back to one of another size but by
 * giving the disk that size first, and none has to tell its size: it is that of the disk then.
 */
static bool check_snapshots(const struct qcow2 *q, struct img_err *err)
{
	if (!q->header.n_snapshots)
		return true;
	if (q->header.version < 3)
		return img_fail(err, IMG_E_UNSUPPORTED, _("snapshots in a version 2 image have the "
				"size of the disk; \"imgamend -o compat=1.1\" makes it version 3"));
	return qcow2_upgrade_check(q, err);
}

bool qcow2_consistent(const struct qcow2 *q, struct img_err *err)
{
	return !q->disk->contradiction ||
	       img_fail(err, IMG_E_CORRUPT, _("the image contradicts itself"));
}

static bool check(const struct img_layer *ly, struct img_err *err)
{
	const struct qcow2 *q = ly->priv;

	return qcow2_consistent(q, err) && check_snapshots(q, err);
}

/* What is set aside is known to read as zeros by its entry alone. */
static bool check_preallocation(const struct qcow2 *q, enum img_preallocation how,
				struct img_err *err)
{
	return how == IMG_PREALLOC_OFF || !qcow2_is_encrypted(q) || q->header.version >= 3 ||
	       img_fail(err, IMG_E_UNSUPPORTED,
			_("space for an encrypted disk can be set aside in version 3 only"));
}

static bool set_size(struct img_layer *ly, uint64_t size, struct img_err *err)
{
	struct qcow2 *q = ly->priv;

	if (!qcow2_bitmaps_resize(q, size, err))
		return false;
	ly->size = size;
	return true;
}

static bool grow(struct img_layer *ly, const struct img_layer_resize *how, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	const uint64_t old = ly->size;

	return qcow2_l1_extend(q, qcow2_l1_needed(&q->geo, how->size), err) &&
	       set_size(ly, how->size, err) && qcow2_enlarge(ly, old, how->preallocation, err);
}

/* The file is as short as it can be without moving anything, or by doing that. */
static bool shorten_file(struct img_layer *ly, const struct img_layer_resize *how,
			 struct img_err *err)
{
	struct qcow2 *q = ly->priv;

	return qcow2_disk_finish(ly, err) && qcow2_trim(q, err) &&
	       (!how->compact || qcow2_compact(ly, how->job, err));
}

bool qcow2_empty(struct img_layer *ly, struct img_err *err)
{
	const struct img_layer_resize how = { .size = ly->size };
	struct qcow2 *q = ly->priv;

	return check(ly, err) && qcow2_l1_take_whole(q, err) && qcow2_drop_guest(q, err) &&
	       qcow2_header_patch(q, err) && shorten_file(ly, &how, err) &&
	       qcow2_header_patch(q, err);
}

bool qcow2_resize(struct img_layer *ly, const struct img_layer_resize *how, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	const bool shrinks = how->size < ly->size;

	if (!check(ly, err) || !check_preallocation(q, how->preallocation, err) ||
	    !qcow2_l1_take_whole(q, err))
		return false;
	if (shrinks ? !qcow2_cut_guest(ly, how->size, err) || !set_size(ly, how->size, err)
		    : !grow(ly, how, err))
		return false;
	return qcow2_header_patch(q, err) &&
	       ((!shrinks && !how->compact) ||
		(shorten_file(ly, how, err) && qcow2_header_patch(q, err)));
}
