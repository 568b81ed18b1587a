/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The image becomes its compressed copy: that is written beside it, compared with it, and takes its
 * name.  Until then the image stays as it is, whatever happens.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/memory.h"
#include "common/text.h"
#include "imgcompress/imgcompress.h"

/* ---- What is replaced ---------------------------------------------------------------------------- */

static bool refuse(struct img_err *err, const char *sentence)
{
	return img_fail(err, IMG_E_DENIED, _("is not replaced: %s; give the compressed image a name "
			"of its own"), sentence);
}

static bool check_file(const char *path, struct stat *st, struct img_err *err)
{
	if (img_path_is_uri(path))
		return refuse(err, _("it is no regular file"));
	if (stat(path, st))
		return img_fail_os(err, "%s", path);
	if (!S_ISREG(st->st_mode))
		return refuse(err, _("it is no regular file"));
	if (access(path, W_OK))
		return refuse(err, _("it may not be written to"));
	if (geteuid() && geteuid() != st->st_uid)
		return refuse(err, _("it belongs to somebody else, and the copy would not"));
	return st->st_nlink == 1 || refuse(err, _("it has other names, which would keep the old one"));
}

/* What of the image its disk does not hold: what imginfo tells of that, or NULL. */
static const char *beyond_the_disk(const struct img *im, const struct img_node *info)
{
	const struct img_node *own = img_node_find(info, "format-specific");

	if (img_depth(im) > 1)
		return _("it stands on another image, and the copy would not");
	if (img_node_find(info, "snapshots") || img_node_find(info, "snapshots-damage"))
		return _("it has snapshots, which a copy of the disk does not hold");
	if (img_node_find(own, "bitmaps") || img_node_find(own, "bitmaps-damage"))
		return _("it has bitmaps, which a copy of the disk does not hold");
	return NULL;
}

/* What would be another image whatever was done. */
static const char *impossible(const struct img_node *info)
{
	const struct img_node *own = img_node_find(info, "format-specific");
	const char *type = img_node_get_text(own, "create-type");

	if (img_node_find(own, "encryption"))
		return _("it is encrypted, and a compressed image cannot be");
	if (type && strcmp(type, "streamOptimized") != 0)
		return _("a compressed VMDK image is of another kind, to which virtual machines "
			 "cannot write");
	return NULL;
}

/*
 * Whether the image can be replaced; *whole: with more than its disk, which of formats with snapshots
 * can be copied.
 */
static bool check_image(struct img *im, bool *whole, struct img_err *err)
{
	struct img_node *info = img_node_root("info");
	const char *beyond = NULL, *never = NULL;
	const bool ok = info ? img_info(im, false, info, err)
			     : out_of_memory(err);

	if (ok) {
		beyond = beyond_the_disk(im, info);
		never = impossible(info);
	}
	img_node_free(info);
	*whole = beyond;
	if (beyond && !(img_format_caps(img_layer_format(im, 0)) & IMG_FMT_SNAPSHOT))
		never = never ? never : beyond;
	return ok && (!never || refuse(err, never));
}

static bool check_format(const struct img_format *format, const struct img_format *source,
			 struct img_err *err)
{
	if (format == source)
		return true;
	return img_fail(err, IMG_E_DENIED, _("is not replaced: it is %s, and would be %s; give the "
			"compressed image a name of its own"), img_format_name(source),
			img_format_name(format));
}

/* ---- The exchange -------------------------------------------------------------------------------- */

bool replace_compare(const struct options *opt, struct img *src, struct img *copy,
		     struct img_err *err)
{
	const struct img_compare what = { .a = src, .b = copy, .threads = opt->threads };
	struct img_compare_stats stats;
	struct progress progress;
	const bool ok = img_compare_run(&what, progress_start(&progress, &imgcompress_cli,
							      progress_unless(opt->quiet,
									      &opt->progress),
							      "compare"), &stats, err);

	progress_end(&progress, ok);
	return ok && (stats.same || img_fail(err, IMG_E_IO, _("the compressed image does not hold the "
					     "same disk; the system has written or read something else")));
}

static bool compare(const struct options *opt, struct img *src, const char *path,
		    struct img_err *err)
{
	const struct source_options how = { .gate = opt->source.gate };
	struct img *copy = source_open_again(&how, path, 0, err);
	const bool ok = copy && replace_compare(opt, src, copy, err);

	img_close(copy);
	return ok;
}

static bool sync_folder(const char *path, struct img_err *err)
{
	char *copy = strdup(path);
	const int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	const bool ok = fd >= 0 && !fsync(fd);

	if (!ok)
		img_fail_os(err, "%s", path);
	if (fd >= 0)
		(void)close(fd);	/* was only synced */
	free(copy);
	return ok;
}

static bool was_touched(const char *path, const struct stat *before)
{
	struct stat now;

	return stat(path, &now) || now.st_ino != before->st_ino || now.st_size != before->st_size ||
	       now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

/* Gives the copy what belongs to the name, and the name. */
static bool exchange(const char *path, const char *copy, const struct stat *st, struct img_err *err)
{
	if (was_touched(path, st))
		return img_fail(err, IMG_E_BUSY, _("has changed meanwhile, and is not replaced"));
	if (chown(copy, st->st_uid, st->st_gid))
		return img_fail_os(err, _("%s: cannot have the owner and the group of the image"), copy);
	if (chmod(copy, st->st_mode & 07777) || rename(copy, path))
		return img_fail_os(err, "%s", copy);
	return sync_folder(path, err);
}

static void say_nothing_gained(const struct options *opt, const char *path)
{
	if (!opt->quiet)
		fprintf(stderr, _("%s: %s: stays as it is: compressed anew it gets no smaller\n"),
			imgcompress_cli.name, path);
}

/* out->target is the copy, which has its name by now and loses it unless it becomes the image. */
static bool settle(const struct options *opt, struct img *src, const char *path,
		   const struct stat *st, bool whole, struct outcome *out, struct img_err *err)
{
	const bool smaller = out->target_bytes < out->source_bytes;
	const bool ok = !smaller || (compare(opt, src, out->target, err) &&
				     (!whole || twin_check(opt, src, path, out->target, err)) &&
				     exchange(path, out->target, st, err));

	if (!smaller) {
		say_nothing_gained(opt, path);
		out->target_bytes = out->source_bytes;
	}
	if (!ok || !smaller)
		(void)unlink(out->target);	/* after a failure there is another one to tell */
	return ok;
}

static bool replace(struct options *opt, struct img *src, const char *path, const struct stat *st,
		    struct outcome *out, struct img_err *err)
{
	const struct img_format *source = img_layer_format(src, 0);
	const struct img_format *format = target_choose(opt, source, NULL, err);
	char *name;
	bool whole, ok;

	if (!img_is_file(src))
		return refuse(err, _("the image is in it, packed or in an archive"));
	if (!format || !check_format(format, source, err) || !check_image(src, &whole, err))
		return false;
	name = leftover_name(path, err);
	if (!name || !leftover_remove(opt, path, err)) {
		free(name);
		return false;
	}
	out->target = name;
	ok = (whole ? twin_write(opt, src, out, err) : copy_write(opt, format, src, out, err)) &&
	     settle(opt, src, path, st, whole, out, err);
	out->target = out->source;
	free(name);
	return ok;
}

bool compress_replace(struct options *opt, const char *name, struct img_err *err)
{
	struct outcome out = { .source = name, .target = name };
	char *path = img_path_is_uri(name) ? strdup(name) : realpath(name, NULL);
	struct img *src = NULL;
	struct stat st;
	bool ok;

	/* The only copy of a disk must be on the storage before the other one goes. */
	if (opt->cache == IMG_CACHE_DEFAULT)
		opt->cache = IMG_CACHE_WRITEBACK;
	ok = path ? check_file(path, &st, err) || img_within(err, "%s", name) : img_fail_os(err, "%s", name);
	if (ok)
		src = copy_open_source(opt, name, &out, err);
	ok = src && (replace(opt, src, path, &st, &out, err) || img_within(err, "%s", name));
	ok = ok && copy_report(opt, &out, err);
	free_space_clear(&out.unused);
	img_close(src);
	free(path);
	return ok;
}
