/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Manifests: a hash of each file of an appliance. */
#include <ctype.h>
#include <string.h>
#include "base/mem.h"

enum { MOST_LINES = 8192 };

struct reading {
	struct img_manifest shown;
	char *text;			/* names are in it */
	struct img_manifest_line *lines;
	size_t cap;
};

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
	     : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_sum(const char *hex, struct img_manifest_line *line)
{
	for (line->len = 0; *hex; hex += 2, line->len++) {
		const int high = hex_value(hex[0]), low = high < 0 ? -1 : hex_value(hex[1]);

		if (low < 0 || line->len == sizeof(line->sum))
			return false;
		line->sum[line->len] = (uint8_t)(high << 4 | low);
	}
	return line->len > 0;
}

/* "SHA256" or "SHA-256" in front of the bracket. */
static bool read_hash(const char *text, size_t len, struct img_manifest_line *line)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '-')
			continue;
		if (!isalnum((unsigned char)text[i]) || n + 1 == sizeof(line->hash))
			return false;
		line->hash[n++] = (char)tolower((unsigned char)text[i]);
	}
	line->hash[n] = '\0';
	return n > 0;
}

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return text + strspn(text, " \t");
}

/* Changes text: the name gets its end in it. */
static bool read_line(char *text, struct img_manifest_line *line)
{
	char *open = strchr(text, '('), *equal = strrchr(text, '='), *close;

	if (!open || !equal || equal < open)
		return false;
	*equal = '\0';
	close = strrchr(open, ')');
	if (!close || *trim(close + 1))
		return false;
	*close = '\0';
	*open = '\0';
	line->name = open + 1;
	trim(text);
	return *line->name && read_hash(text, strlen(text), line) && read_sum(trim(equal + 1), line);
}

static bool add_line(struct reading *to, char *text, struct img_err *err)
{
	const size_t n = to->shown.n_lines;
	struct img_manifest_line *v;

	if (n == MOST_LINES)
		return img_fail(err, IMG_E_RANGE, _("the manifest has more than %d lines"), MOST_LINES);
	v = img_grow_by_one(to->lines, n, &to->cap, sizeof(*v), err);
	if (!v)
		return false;
	to->lines = v;
	to->shown.lines = v;
	if (!read_line(text, &v[n]))
		return img_fail(err, IMG_E_CORRUPT, _("line %zu of the manifest is not \"HASH(FILE)= SUM\""),
				n + 1);
	to->shown.n_lines++;
	return true;
}

static bool read_all(struct reading *to, struct img_err *err)
{
	char *rest = to->text, *line;

	while ((line = strsep(&rest, "\n"))) {
		line = trim(line);
		if (*line && !add_line(to, line, err))
			return false;
	}
	return true;
}

struct img_manifest *img_manifest_read(const void *bytes, size_t len, struct img_err *err)
{
	struct reading *to = img_calloc(1, sizeof(*to), err);

	if (!to)
		return NULL;
	to->text = img_calloc(len + 1, 1, err);
	if (to->text) {
		memcpy(to->text, bytes, len);
		if (memchr(to->text, '\0', len))
			img_fail(err, IMG_E_CORRUPT, _("the manifest is no text"));
		else if (read_all(to, err))
			return &to->shown;
	}
	img_manifest_free(&to->shown);
	return NULL;
}

void img_manifest_free(struct img_manifest *manifest)
{
	struct reading *all = (struct reading *)manifest;

	if (!all)
		return;
	free(all->lines);
	free(all->text);
	free(all);
}

void img_manifest_put(FILE *out, const char *hash, const char *name, const uint8_t *sum, size_t len)
{
	for (; *hash; hash++)
		fputc(toupper((unsigned char)*hash), out);
	fprintf(out, "(%s)= ", name);
	for (size_t i = 0; i < len; i++)
		fprintf(out, "%02x", sum[i]);
	fputc('\n', out);
}
