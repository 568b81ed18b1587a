/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See rbd-name.h. */
#include "store/rbd-name.h"

#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "base/mem.h"

static const char prefix[] = "rbd:";

bool img_path_is_rbd(const char *path)
{
	return !strncmp(path, prefix, strlen(prefix));
}

/*
 * A copy of what stands in front of the first of `ends` that counts, or in front of the end, with *text
 * moved there.  NULL: memory is out.
 */
static char *cut(const char **text, const char *ends, struct img_err *err)
{
	const char *from = *text;
	char *part = img_calloc(strlen(from) + 1, 1, err);
	size_t len = 0;

	if (!part)
		return NULL;
	for (; *from && !strchr(ends, *from); from++) {
		if (from[0] == '\\' && from[1])
			from++;
		part[len++] = *from;
	}
	*text = from;
	return part;
}

/* Goes past the character if it comes next. */
static bool skip(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

static bool cut_place(const char **text, struct img_rbd_name *out, struct img_err *err)
{
	if (!(out->pool = cut(text, "/:", err)))
		return false;
	if (!skip(text, '/'))
		return img_fail(err, IMG_E_ARGUMENT, _("names a pool, but no image in it"));
	if (!(out->image = cut(text, "/@:", err)))
		return false;
	if (skip(text, '/')) {
		out->space = out->image;
		if (!(out->image = cut(text, "@:", err)))
			return false;
	}
	if (skip(text, '@') && !(out->snapshot = cut(text, ":", err)))
		return false;
	return (*out->pool && *out->image && (!out->snapshot || *out->snapshot)) ||
	       img_fail(err, IMG_E_ARGUMENT, _("has an empty part"));
}

static void clear_setting(struct img_rbd_setting *setting)
{
	free(setting->name);
	free(setting->value);
}

/* Puts value in the place of what was there. */
static void replace(char **place, struct img_rbd_setting *setting)
{
	free(*place);
	*place = setting->value;
	setting->value = NULL;
}

/* Takes *setting over if it is kept. */
static bool keep(struct img_rbd_name *out, struct img_rbd_setting *setting, struct img_err *err)
{
	struct img_rbd_setting *v;

	if (!strcmp(setting->name, "id")) {
		replace(&out->id, setting);
		return true;
	}
	if (!strcmp(setting->name, "conf")) {
		replace(&out->conf, setting);
		return true;
	}
	v = img_grow_by_one(out->settings, out->n_settings, &out->cap, sizeof(*v), err);
	if (!v)
		return false;
	out->settings = v;
	v[out->n_settings++] = *setting;
	*setting = (struct img_rbd_setting){ NULL, NULL };
	return true;
}

static bool cut_setting(const char **text, struct img_rbd_name *out, struct img_err *err)
{
	struct img_rbd_setting setting = { .name = cut(text, "=:", err) };
	bool ok = setting.name;

	if (ok && !skip(text, '='))
		ok = img_fail(err, IMG_E_ARGUMENT, _("\"%s\" has no value"), setting.name);
	ok = ok && (setting.value = cut(text, ":", err)) && keep(out, &setting, err);
	clear_setting(&setting);
	return ok;
}

bool img_rbd_name_parse(const char *text, struct img_rbd_name *out, struct img_err *err)
{
	const char *at = text + strlen(prefix);
	bool ok;

	*out = (struct img_rbd_name){ 0 };
	ok = cut_place(&at, out, err);
	while (ok && skip(&at, ':'))
		ok = cut_setting(&at, out, err);
	return ok;
}

void img_rbd_name_clear(struct img_rbd_name *name)
{
	for (size_t i = 0; i < name->n_settings; i++)
		clear_setting(&name->settings[i]);
	free(name->settings);
	free(name->pool);
	free(name->space);
	free(name->image);
	free(name->snapshot);
	free(name->id);
	free(name->conf);
	*name = (struct img_rbd_name){ 0 };
}

/* ---- Images beside it ---------------------------------------------------------------------------- */

/* What has a meaning between and behind the parts of a name. */
static const char special[] = "\\/@:";

/* The first of `ends` that counts, or the end. */
static const char *end_of_part(const char *at, const char *ends)
{
	for (; *at && !strchr(ends, *at); at++)
		if (at[0] == '\\' && at[1])
			at++;
	return at;
}

const char *img_rbd_name_find(const char *text, size_t *len)
{
	const char *from = end_of_part(text + strlen(prefix), "/:");
	const char *to;

	(void)skip(&from, '/');
	to = end_of_part(from, "/@:");
	if (*to == '/') {
		from = to + 1;
		to = end_of_part(from, "@:");
	}
	*len = (size_t)(to - from);
	return from;
}

static const char *settings_of(const char *text)
{
	return end_of_part(text + strlen(prefix), ":");
}

char *img_rbd_name_beside(const char *text, const char *image, struct img_err *err)
{
	size_t len;
	const char *from = img_rbd_name_find(text, &len), *settings = settings_of(text);
	char *name = img_calloc((size_t)(from - text) + 2 * strlen(image) + strlen(settings) + 1, 1, err);
	char *to = name;

	if (!name)
		return NULL;
	memcpy(to, text, (size_t)(from - text));
	for (to += from - text; *image; *to++ = *image++)
		if (strchr(special, *image))
			*to++ = '\\';
	memcpy(to, settings, strlen(settings));
	return name;
}

char *img_rbd_name_append(const char *text, const char *suffix, struct img_err *err)
{
	size_t len;
	const char *from = img_rbd_name_find(text, &len);

	return img_format_text(err, "%.*s%s%s", (int)(from + len - text), text, suffix, settings_of(text));
}

/* ---- Arguments of Ceph's programs ---------------------------------------------------------------- */

static const char blanks[] = " \t\n";

static size_t word_length(const char *text)
{
	return strcspn(text, blanks);
}

/* Where the value of an argument that starts the text begins, or NULL: it is another one. */
static const char *value_of(const char *text, const char *argument)
{
	const size_t len = strlen(argument);

	if (strncmp(text, argument, len) != 0)
		return NULL;
	if (text[len] == '=')
		return text + len + 1;
	return word_length(text) == len ? text + len + strspn(text + len, blanks) : NULL;
}

/* How Ceph's programs spell an argument, and what its value starts with when it is meant. */
struct spelling {
	const char *argument, *start;
};

static const char *meant_by(const char *text, const struct spelling *spelling)
{
	const char *value = value_of(text, spelling->argument);
	const size_t len = strlen(spelling->start);

	return value && !strncmp(value, spelling->start, len) ? value + len : NULL;
}

/* A copy of the last value that counts, as for Ceph's programs.  NULL: none, or memory is out (err). */
static char *last_of(const char *args, const struct spelling *spellings, size_t n, struct img_err *err)
{
	const char *found = NULL, *value;

	for (args += strspn(args, blanks); *args; args += word_length(args), args += strspn(args, blanks))
		for (size_t i = 0; i < n; i++)
			if ((value = meant_by(args, &spellings[i])))
				found = value;
	return found ? img_format_text(err, "%.*s", (int)word_length(found), found) : NULL;
}

char *img_rbd_id_of_args(const char *args, struct img_err *err)
{
	static const struct spelling ids[] = {
		{ "--id", "" }, { "--user", "" }, { "-i", "" }, { "--name", "client." }, { "-n", "client." },
	};

	return last_of(args, ids, sizeof(ids) / sizeof(*ids), err);
}

char *img_rbd_conf_of_args(const char *args, struct img_err *err)
{
	static const struct spelling confs[] = { { "--conf", "" }, { "-c", "" } };

	return last_of(args, confs, sizeof(confs) / sizeof(*confs), err);
}
