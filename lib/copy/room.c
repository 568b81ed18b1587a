/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Before the work begins: whether there is room for it, and what users should know. */
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include "base/err.h"
#include "base/num.h"
#include "copy/chain.h"

enum {
	ENTRIES = 32,		/* bytes of tables for one unit: more than any format has */
	TABLES = 256 << 10,	/* that are begun in any case */
};

uint64_t img_room_for(uint64_t bytes, uint64_t unit)
{
	return bytes && unit > 1 ? bytes + img_div_up(bytes, unit) * ENTRIES + TABLES : bytes;
}

bool img_room_look(const char *path, struct img_moved *moved, struct img_err *err)
{
	struct statvfs fs;
	struct stat st;

	moved->free = IMG_SIZE_UNKNOWN;
	if (img_path_is_uri(path))
		return true;
	if (stat(path, &st))
		return img_fail_os(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return true;
	if (statvfs(path, &fs))
		return img_fail_os(err, "%s", path);
	if (!img_mul_u64(fs.f_bavail, fs.f_frsize, &moved->free))
		moved->free = IMG_SIZE_UNKNOWN;
	return true;
}

bool img_room_check(const char *path, const struct img_moved *moved, struct img_err *err)
{
	return moved->space <= moved->free ||
	       img_fail(err, IMG_E_NOSPACE, _("%s: may grow by %" PRIu64 " bytes, and its file system "
			"has %" PRIu64), path, moved->space, moved->free);
}

void img_warn_of_oddities(const struct img *im, const struct img_job *job)
{
	for (size_t i = 0; job && job->warn && i < img_depth(im); i++) {
		const char *why = img_layer_oddity(im, i);
		struct img_err text = { 0 };

		if (!why)
			continue;
		img_fail(&text, IMG_E_CORRUPT, "%s: %s", img_layer_name(im, i), why);
		job->warn(job->ctx, text.text);
	}
}

static void warn_of_snapshots(const struct img_layer *ly, const struct img_job *job)
{
	struct img_err text = { 0 };

	img_fail(&text, IMG_E_DENIED, _("%s: has snapshots, which show what lies below, too, and would "
		 "show something else"), ly->store->name);
	if (job && job->warn)
		job->warn(job->ctx, text.text);
}

bool img_count_snapshots(const struct img *im, size_t n, const struct img_job *job, size_t *count,
			 struct img_err *err)
{
	*count = 0;
	for (size_t i = 0; i < n; i++) {
		struct img_layer *ly = &im->layers[i];
		struct img_snapshot *list;
		size_t more;

		if (!ly->format->snapshot)
			continue;
		if (!ly->format->snapshot->list(ly, false, &list, &more, err))
			return img_within_file(err, ly->store->name);
		img_snapshot_list_free(list, more);
		*count += more;
		if (more)
			warn_of_snapshots(ly, job);
	}
	return true;
}
