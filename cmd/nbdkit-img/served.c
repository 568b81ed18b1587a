/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See served.h. */
#include "nbdkit-img/served.h"

#include <errno.h>
#include "common/source.h"
#include "common/text.h"
#include "nbdkit-img/nbdkit.h"

/* ---- Opening --------------------------------------------------------------------------------- */

/* What the format stores together, or a page of the system's. */
static bool find_unit(struct img *im, uint64_t *unit, struct img_err *err)
{
	enum { PAGE = 4096 };
	struct img_node *report = img_node_root("info");
	const bool ok = img_info(im, false, report, err);

	if (!ok || !img_node_get_u64(report, "cluster-size", unit) || *unit < PAGE)
		*unit = PAGE;
	img_node_free(report);
	return ok;
}

static bool check(const struct served *sv, struct img *im, struct img_err *err)
{
	if (img_size(im) == IMG_SIZE_UNKNOWN)
		return img_fail(err, IMG_E_UNSUPPORTED, _("%s: a pipe cannot be served"),
				sv->how.path);
	return source_check_guess(im, sv->how.path, "format=raw", err);
}

static struct img *open_image(const struct served *sv, unsigned flags, struct img_err *err)
{
	struct img_open how = sv->how;
	struct img *im;

	how.flags |= flags;
	im = img_open(&how, err);
	if (im && !check(sv, im, err)) {
		img_close(im);
		return NULL;
	}
	return im;
}

/* What talks with a cluster has threads, which a server in the background would be without. */
static bool has_threads(const struct served *sv)
{
	return img_path_is_rbd(sv->how.path) || (sv->how.parent && img_path_is_rbd(sv->how.parent));
}

bool served_start(struct served *sv, struct img_err *err)
{
	sv->never_writable = sv->how.snapshot || (sv->how.flags & IMG_OPEN_FORCE_SHARE);
	sv->im = open_image(sv, 0, err);
	if (!sv->im || !find_unit(sv->im, &sv->unit, err))
		return false;
	if (has_threads(sv)) {
		img_close(sv->im);		/* the first client has it opened again */
		sv->im = NULL;
	}
	return true;
}

/* Whether trying again could not help either. */
static bool is_for_good(const struct img_err *err)
{
	return err->code == IMG_E_UNSUPPORTED || err->os_errno == EACCES ||
	       err->os_errno == EPERM || err->os_errno == EROFS;
}

/* The lock is held, and nobody uses the image.  Both cannot be open at once: one locks the other out. */
static bool open_for_writing(struct served *sv, struct img_err *err)
{
	img_close(sv->im);
	sv->im = open_image(sv, IMG_OPEN_WRITE, err);
	sv->writable = sv->im;
	if (!sv->im && is_for_good(err)) {
		nbdkit_debug("%s", err->text);
		sv->never_writable = true;
		sv->im = open_image(sv, 0, err);
	}
	return sv->im;
}

/* ---- Clients --------------------------------------------------------------------------------- */

/* Has the image open as such a client needs it; the lock is held. */
static bool be_ready(struct served *sv, bool reading, struct img_err *err)
{
	if (sv->im && (sv->writable || sv->never_writable || reading))
		return true;
	if (sv->clients)
		return img_fail(err, IMG_E_BUSY, _("%s: is not opened for writing while a client that "
						   "only reads is connected"), sv->how.path);
	if (!reading && !sv->never_writable)
		return open_for_writing(sv, err);
	sv->im = open_image(sv, 0, err);
	return sv->im;
}

struct img *served_enter(struct served *sv, bool reading, struct img_err *err)
{
	struct img *im = NULL;

	pthread_mutex_lock(&sv->lock);
	if (be_ready(sv, reading, err)) {
		sv->clients++;
		im = sv->im;
	}
	pthread_mutex_unlock(&sv->lock);
	return im;
}

bool served_leave(struct served *sv, struct img_err *err)
{
	bool ok;

	pthread_mutex_lock(&sv->lock);
	sv->clients--;
	ok = sv->clients || !sv->writable || img_flush(sv->im, err);
	pthread_mutex_unlock(&sv->lock);
	return ok;
}

bool served_end(struct served *sv, struct img_err *err)
{
	const bool ok = !sv->im || !sv->writable || img_finish(sv->im, err);

	img_close(sv->im);
	sv->im = NULL;
	return ok;
}
