/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An image that is copied as it is, with all that it holds beside its disk.  Everything stays at its
 * place in the file: so no table has to change, and what is shared stays so.
 */
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/mem.h"
#include "image/image.h"

struct replica {
	struct img_store *from, *to;
	const struct img_job *job;
	uint64_t at;			/* bytes of the file below this are done */
	uint64_t size;			/* of the file */
};

static bool copy_run(void *ctx, uint64_t at, uint64_t len, struct img_err *err)
{
	struct replica *rep = ctx;

	/* A new file has zeros there already. */
	if (at > rep->at && !(rep->to->caps & IMG_STORE_SEEK) &&
	    !img_store_zero(rep->to, rep->at, at - rep->at, false, err))
		return false;
	if (!img_copy_bytes(rep->to, at, rep->from, at, len, rep->job, err))
		return false;
	rep->at = at + len;
	if (rep->job && rep->job->progress)
		rep->job->progress(rep->job->ctx, rep->at, rep->size);
	return true;
}

/* False also when that cannot be found out. */
static bool stat_folder(const char *path, struct stat *st)
{
	IMG_AUTO_FREE char *copy = img_strdup(path, NULL);

	return copy && !stat(dirname(copy), st);
}

/* A name that is found from the one is found from the other. */
static bool is_beside(const char *path, const char *other)
{
	struct stat a, b;

	return strcmp(path, "-") != 0 && stat_folder(path, &a) && stat_folder(other, &b) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static bool check_source(const struct img *src, const char *path, struct img_err *err)
{
	const struct img_layer *ly = &src->layers[0];

	if (!ly->format->visit_used)
		return img_fail(err, IMG_E_UNSUPPORTED, _("%s images have no snapshots"),
				ly->format->name);
	if ((ly->backing || ly->below_id) && !is_beside(path, ly->store->name))
		return img_fail(err, IMG_E_UNSUPPORTED, _("stands on another image, which a copy "
				"in another folder may not find"));
	if (ly->n_data_files)
		return img_fail(err, IMG_E_UNSUPPORTED, _("keeps its data in another file, which a "
				"copy would share with it"));
	return true;
}

static bool copy(struct replica *rep, struct img_layer *ly, struct img_err *err)
{
	const struct img_used used = { .run = copy_run, .ctx = rep };

	if (!img_store_size(rep->from, &rep->size, err) ||
	    !ly->format->visit_used(ly, &used, rep->job, err))
		return false;
	/* What ends in a hole has to end there all the same. */
	return (!(rep->to->caps & IMG_STORE_RESIZE) || img_store_resize(rep->to, rep->at, err)) &&
	       img_store_publish(rep->to, err);
}

bool img_replicate(struct img *src, const char *path, enum img_cache cache,
		   const struct img_job *job, struct img_err *err)
{
	struct img_layer *ly = &src->layers[0];
	struct replica rep = { .from = ly->store, .job = job };

	if (!check_source(src, path, err))
		return img_within_file(err, ly->store->name);
	rep.to = img_open_new_store(path, cache, err);
	const bool ok = rep.to && copy(&rep, ly, err);

	img_store_close(rep.to);
	if (ok)
		img_pending_forget(path);
	return ok;
}
