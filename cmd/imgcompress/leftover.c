/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The copy that is to replace an image has a name for a while, until it has that of the image.  It tells
 * who works on it, so that what a killed run has left is known by that, and goes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "common/memory.h"
#include "common/text.h"
#include "imgcompress/imgcompress.h"

/* What this host's copies of that image begin with; the caller frees it. */
static char *make_prefix(const char *image, struct img_err *err)
{
	struct utsname host;
	char *prefix = NULL;

	if (uname(&host))
		img_fail_os(err, _("cannot find out the name of the host"));
	else if (asprintf(&prefix, "%s.imgcompress-%s-", image, host.nodename) < 0)
		out_of_memory(err);
	else
		return prefix;
	return NULL;
}

char *leftover_name(const char *path, struct img_err *err)
{
	char *prefix = make_prefix(path, err), *name = NULL;

	if (prefix && asprintf(&name, "%s%ld.part", prefix, (long)getpid()) < 0) {
		out_of_memory(err);
		name = NULL;
	}
	free(prefix);
	return name;
}

/* The journal is that of a copy with snapshots, which is compressed in place. */
static bool is_end(const char *end)
{
	return !strcmp(end, ".part") || !strcmp(end, ".part.journal");
}

/* The process of such a name; 0: it is none. */
static pid_t owner_of(const char *name, const char *prefix)
{
	const size_t len = strlen(prefix);
	char *end;
	long pid;

	if (strncmp(name, prefix, len) != 0 || name[len] < '1' || name[len] > '9')
		return 0;
	errno = 0;
	pid = strtol(name + len, &end, 10);
	return errno || (pid_t)pid != pid || !is_end(end) ? 0 : (pid_t)pid;
}

static bool is_dead(pid_t pid)
{
	return kill(pid, 0) && errno == ESRCH;
}

static void remove_from(const struct options *opt, DIR *folder, const char *prefix)
{
	struct dirent *entry;

	while ((entry = readdir(folder))) {
		const pid_t owner = owner_of(entry->d_name, prefix);

		/* One that cannot go is harmless, and so is one that another run was faster with. */
		if (owner && is_dead(owner) && !unlinkat(dirfd(folder), entry->d_name, 0) &&
		    !opt->quiet)
			fprintf(stderr, _("%s: %s: removed; a run that was killed has left it\n"),
				imgcompress_cli.name, entry->d_name);
	}
}

bool leftover_remove(const struct options *opt, const char *path, struct img_err *err)
{
	char *folder_of = strdup(path), *name_of = strdup(path), *prefix = NULL;
	DIR *folder = NULL;

	if (!folder_of || !name_of)
		out_of_memory(err);
	else if ((prefix = make_prefix(basename(name_of), err)) &&
		 !(folder = opendir(dirname(folder_of))))
		img_fail_os(err, "%s", path);
	if (folder) {
		remove_from(opt, folder, prefix);
		(void)closedir(folder);	/* was only read */
	}
	free(prefix);
	free(name_of);
	free(folder_of);
	return folder;
}
