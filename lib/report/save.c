/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A report in a file of its own, which has its name when all of it is there. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/err.h"
#include "report/report.h"
#include "store/store.h"

/* ---- Where it can be only as it is --------------------------------------------------------------- */

static bool is_open_as(int fd, const struct stat *there)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_dev == there->st_dev && st.st_ino == there->st_ino;
}

/* A pipe or a device; or /dev/stdout, for which the shell has opened a file that others go on with. */
static bool must_stay(const char *path)
{
	struct stat st;

	return !stat(path, &st) && (!S_ISREG(st.st_mode) || is_open_as(STDOUT_FILENO, &st) ||
				    is_open_as(STDERR_FILENO, &st));
}

static bool write_there(const struct img_node *root, enum img_style style, const char *path,
			struct img_err *err)
{
	FILE *to = fopen(path, "we");
	bool ok = to && img_report_write(root, style, to, err);

	if (!to || (fclose(to) && ok))
		ok = img_fail_os(err, _("%s: cannot be written"), path);
	return ok;
}

/* ---- A new file ---------------------------------------------------------------------------------- */

/* For free(). */
static char *text_of(const struct img_node *root, enum img_style style, size_t *len, struct img_err *err)
{
	char *text = NULL;
	FILE *to = open_memstream(&text, len);
	bool ok = to && img_report_write(root, style, to, err);

	if (!to || (fclose(to) && ok))
		ok = img_fail(err, IMG_E_NOMEM, _("out of memory"));
	if (ok)
		return text;
	free(text);
	return NULL;
}

static bool write_new(const char *text, size_t len, const char *path, struct img_err *err)
{
	struct img_store *st = img_store_file_new(path, IMG_CACHE_WRITEBACK, err);
	const bool ok = st && img_store_write(st, 0, text, len, err) && img_store_publish(st, err);

	img_store_close(st);
	return ok;
}

bool img_report_save(const struct img_node *root, enum img_style style, const char *path,
		     struct img_err *err)
{
	size_t len = 0;
	char *text;
	bool ok;

	if (must_stay(path))
		return write_there(root, style, path, err);
	text = text_of(root, style, &len, err);
	ok = text && write_new(text, len, path, err);
	free(text);
	return ok;
}
