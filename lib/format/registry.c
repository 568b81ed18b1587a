/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of drivers, and finding one by name, by file name or by the bytes of a file. */
#include <string.h>
#include <strings.h>
#include "format/format.h"
#include "store/rbd-name.h"

static const struct img_format *const formats[] = {
#define IMG_FORMAT(name) &img_format_##name,
#include "format/formats.def"
#undef IMG_FORMAT
};

#define N_FORMATS (sizeof(formats) / sizeof(formats[0]))

size_t img_format_count(void)
{
	return N_FORMATS;
}

const struct img_format *img_format_at(size_t index)
{
	return index < N_FORMATS ? formats[index] : NULL;
}

const struct img_format *img_format_named(const char *name)
{
	for (size_t i = 0; i < N_FORMATS; i++)
		if (!strcmp(formats[i]->name, name))
			return formats[i];
	return NULL;
}

/* Whether the list "qcow2|qc2" holds these len bytes of text, in any case. */
static bool lists(const char *list, const char *text, size_t len)
{
	while (list && *list) {
		const size_t n = strcspn(list, "|");

		if (n == len && !strncasecmp(list, text, n))
			return true;
		list += n + (list[n] == '|');
	}
	return false;
}

const struct img_format *img_format_for_file(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash : path, *dot;
	size_t len = strlen(name);

	if (img_path_is_rbd(path))
		name = img_rbd_name_find(path, &len);
	dot = memrchr(name, '.', len);
	for (size_t i = 0; dot && i < N_FORMATS; i++)
		if (lists(formats[i]->extensions, dot + 1, (size_t)(name + len - dot - 1)))
			return formats[i];
	return NULL;
}

const char *img_format_name(const struct img_format *format)
{
	return format->name;
}

unsigned img_format_caps(const struct img_format *format)
{
	return format->caps;
}

const struct img_option *img_format_options(const struct img_format *format)
{
	return format->create_options;
}

const struct img_option *img_format_amend_options(const struct img_format *format)
{
	return format->amend_options;
}

int img_probe(const struct img_peek *peek, const struct img_format **format)
{
	int best = 0;

	*format = &img_format_raw;
	for (size_t i = 0; i < N_FORMATS; i++) {
		const int vote = formats[i]->probe(peek);

		if (vote > best) {
			best = vote;
			*format = formats[i];
		}
	}
	return best;
}
