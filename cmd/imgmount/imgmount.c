/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgmount: the disk that an image holds as a file, for programs that know files alone. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/ceph.h"
#include "common/exit.h"
#include "common/text.h"
#include "imgmount/imgmount.h"

#define AT(member) offsetof(struct options, member)

static const struct cli_option rows[] = {
	SOURCE_ROW_FORMAT(AT(source.format)),
	{ 'w', "rw", NULL, cli_set_flag, AT(write), N_("let the disk and its partitions be written") },
	{ 't', "cache", CLI_CACHES, cli_set_cache, AT(source.cache),
	  N_("cache mode (default writeback)") },
	{ 0, "foreground", NULL, cli_set_flag, AT(foreground),
	  N_("stay in the foreground until the folder is unmounted") },
	{ 0, "allow-other", NULL, cli_set_flag, AT(allow_other),
	  N_("let other users in, as far as they may use the image") },
	SOURCE_ROW_PARENT(AT(source.parent)),
	SOURCE_ROW_MISMATCH(AT(source.mismatch)),
	SOURCE_ROW_FORCE_SHARE(AT(source.force_share)),
	SOURCE_ROW_UNTRUSTED(AT(source.gate)),
	SOURCE_ROW_TRUSTED(AT(source.gate)),
	SOURCE_ROW_HEADER(AT(source.header)),
	SECRET_ROWS(AT(secrets)),
	CEPH_ROWS,
	{ .name = NULL },
};

const struct cli imgmount_cli = {
	.name = "imgmount", .operands = N_("FILE FOLDER"),
	.summary = N_("Shows the disk that an image holds, its partitions and its snapshots as raw files."),
	.options = rows, .failed = CMD_FAILED,
};

/* As the name is without the current folder, which a process in the background leaves. */
static bool make_absolute(const char *path, char **out, struct img_err *err)
{
	const bool is_absolute = *path == '/' || img_path_is_uri(path);
	char *folder = is_absolute ? strdup("") : get_current_dir_name();
	const bool ok = folder && asprintf(out, "%s%s%s", folder, *folder ? "/" : "", path) >= 0;

	free(folder);
	return ok || img_fail_os(err, "%s", path);
}

static bool open_image(struct mount *mount, const char *path, struct img_err *err)
{
	const struct source_options *how = &mount->source;

	if (!make_absolute(path, &mount->path, err) ||
	    (how->parent && !make_absolute(how->parent, &mount->parent, err)))
		return false;
	mount->source.parent = mount->parent;
	mount->im = mount->opt->write
		    ? source_open_to_change(&imgmount_cli, how, mount->path, IMG_OPEN_WRITE, err)
		    : source_open(&imgmount_cli, how, mount->path, 0, err);
	if (!mount->im)
		return false;
	return img_size(mount->im) != IMG_SIZE_UNKNOWN ||
	       img_fail(err, IMG_E_UNSUPPORTED, _("%s: a pipe cannot be shown"), path);
}

/* FUSE would hide a file, too. */
static bool check_folder(const char *folder, struct img_err *err)
{
	struct stat st;

	if (!stat(folder, &st)) {
		if (S_ISDIR(st.st_mode))
			return true;
		errno = ENOTDIR;
	}
	return img_fail_os(err, _("%s: cannot be mounted on"), folder);
}

/* What was written by then stays, also when showing it has failed. */
static bool finish(struct mount *mount, bool ok, struct img_err *err)
{
	struct img_err why = { 0 };

	if (!mount->im || !mount->opt->write || img_finish(mount->im, &why))
		return ok;
	if (ok)
		*err = why;
	return false;
}

static bool show(const struct options *opt, const char *path, const char *folder,
		 struct img_err *err)
{
	struct mount mount = {
		.opt = opt, .source = opt->source, .lock = PTHREAD_MUTEX_INITIALIZER, .ready = -1,
	};
	bool ok = check_folder(folder, err) &&
		  (opt->foreground || background_begin(&mount.ready, err)) && open_image(&mount, path, err) &&
		  files_find(&mount, err) && session_run(&mount, folder, err);

	ok = finish(&mount, ok, err);
	if (!ok && mount.background)
		session_complain(&mount, err);
	files_free(&mount);
	img_close(mount.im);
	free(mount.parent);
	free(mount.path);
	return ok;
}

int main(int argc, char **argv)
{
	struct options opt = { .source = { .secrets = &opt.secrets, .cache_size = IMG_CACHE_SIZE } };
	struct img_err err = { 0 };
	char **names;
	bool ok;

	cli_need_operands(&imgmount_cli, cli_parse(&imgmount_cli, argc, argv, &opt, &names), 2, 2);
	ok = show(&opt, names[0], names[1], &err);
	secret_clear(&opt.secrets);
	return cli_end(&imgmount_cli, ok ? NULL : &err, CMD_DONE);
}
