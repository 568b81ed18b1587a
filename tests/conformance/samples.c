/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding the samples in the folders of the drivers, and unpacking those that are packed. */
#include "samples.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "unit/fake/files.h"
#include "unit/fake/key.h"

static const char *const prefixes[] = {
	[GOOD] = "good-", [BAD] = "bad-", [UNSUPPORTED] = "unsupported-",
};

static bool ends_with(const char *text, const char *end)
{
	const size_t len = strlen(text), n = strlen(end);

	return len >= n && !strcmp(text + len - n, end);
}

/* Unpacks into the current folder, which is a temporary one. */
static void unpack(struct sample *sample)
{
	char *command = img_format_text(NULL, "xz -dc '%s' > unpacked", sample->path);

	cr_assert_not(system(command), "%s", command);
	free(command);
	free(sample->path);
	sample->path = strdup("unpacked");
}

static void run_on(const struct img_format *format, enum verdict verdict, const char *folder,
		   const char *file, void (*what)(const struct sample *sample))
{
	struct sample sample = {
		.format = format, .verdict = verdict,
		.name = img_format_text(NULL, "%s/%s", format->name, file),
		.path = img_format_text(NULL, "%s/%s", folder, file),
	};
	const bool packed = ends_with(file, ".xz");

	if (packed) {
		files_enter();
		unpack(&sample);
	}
	what(&sample);
	if (packed)
		files_leave();
	free(sample.name);
	free(sample.path);
}

static size_t each_of(const struct img_format *format, enum verdict verdict,
		      void (*what)(const struct sample *sample))
{
	const char *srcdir = getenv("srcdir");
	struct dirent **names = NULL;
	char *folder = img_format_text(NULL, "%s/testdata/%s", srcdir ? srcdir : ".",
				       format->name);
	size_t n = 0;
	int found;

	found = scandir(folder, &names, NULL, alphasort);
	for (int i = 0; i < found; i++) {
		const char *name = names[i]->d_name;

		if (!strncmp(name, prefixes[verdict], strlen(prefixes[verdict]))) {
			run_on(format, verdict, folder, name, what);
			n++;
		}
		free(names[i]);
	}
	free(names);
	free(folder);
	return n;
}

size_t samples_each(const struct img_format *format, enum verdict verdict,
		    void (*what)(const struct sample *sample))
{
	size_t n = 0;

	for (size_t i = 0; i < img_format_count(); i++)
		if (!format || format == img_format_at(i))
			n += each_of(img_format_at(i), verdict, what);
	return n;
}

struct img *samples_open(const struct sample *sample, struct img_err *err)
{
	const struct img_open how = {
		.path = sample->path, .format = sample->format->name, .gate = &img_gate_local,
		.keys = fake_keys(),
	};

	*err = (struct img_err){ 0 };
	return img_open(&how, err);
}

uint8_t *samples_bytes(const struct sample *sample, size_t *len)
{
	uint8_t *bytes = files_read(sample->path, len);

	cr_assert(bytes, "%s", sample->name);
	return bytes;
}
