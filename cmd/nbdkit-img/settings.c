/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See settings.h. */
#include <stdlib.h>
#include <string.h>
#include "common/cli.h"
#include "common/memory.h"
#include "common/secret.h"
#include "common/text.h"
#include "nbdkit-img/nbdkit.h"
#include "nbdkit-img/settings.h"

/* Of the one image that is served. */
static struct secrets secrets;

struct setting {
	const char *key;
	bool (*take)(struct img_open *how, const char *value, struct img_err *err);
};

/* What is named must be found from "/", too, which nbdkit goes to when it leaves the terminal. */
static bool take_path(const char **field, const char *value, struct img_err *err)
{
	char *path = img_path_is_uri(value) ? strdup(value) : nbdkit_absolute_path(value);

	*field = path ? nbdkit_strdup_intern(path) : NULL;
	free(path);
	return *field || out_of_memory(err);
}

static bool take_file(struct img_open *how, const char *value, struct img_err *err)
{
	return take_path(&how->path, value, err);
}

static bool take_parent(struct img_open *how, const char *value, struct img_err *err)
{
	return take_path(&how->parent, value, err);
}

static bool take_header(struct img_open *how, const char *value, struct img_err *err)
{
	return take_path(&how->header, value, err);
}

static bool take_key_file(struct img_open *how, const char *value, struct img_err *err)
{
	how->keys = secret_keys(&secrets);
	return secret_set_file(NULL, &secrets, value, err);
}

static bool take_key_fd(struct img_open *how, const char *value, struct img_err *err)
{
	how->keys = secret_keys(&secrets);
	return secret_set_fd(NULL, &secrets, value, err);
}

static bool take_format(struct img_open *how, const char *value, struct img_err *err)
{
	(void)err;
	how->format = value;
	return true;
}

static bool take_snapshot(struct img_open *how, const char *value, struct img_err *err)
{
	(void)err;
	how->snapshot = value;
	return true;
}

static bool take_cache(struct img_open *how, const char *value, struct img_err *err)
{
	return cli_set_cache(NULL, &how->cache, value, err);
}

static bool take_cache_size(struct img_open *how, const char *value, struct img_err *err)
{
	return cli_set_amount(NULL, &how->cache_size, value, err);
}

static bool take_bool(const char *value, bool *out, struct img_err *err)
{
	const int answer = nbdkit_parse_bool(value);

	*out = answer > 0;
	return answer >= 0 || img_fail(err, IMG_E_ARGUMENT, _("\"%s\" is neither true nor false"),
				       value);
}

static bool take_flag(struct img_open *how, unsigned flag, const char *value, struct img_err *err)
{
	bool on;

	if (!take_bool(value, &on, err))
		return false;
	how->flags = on ? how->flags | flag : how->flags & ~flag;
	return true;
}

static bool take_force_share(struct img_open *how, const char *value, struct img_err *err)
{
	return take_flag(how, IMG_OPEN_FORCE_SHARE, value, err);
}

static bool take_allow_mismatch(struct img_open *how, const char *value, struct img_err *err)
{
	return take_flag(how, IMG_OPEN_MISMATCH, value, err);
}

static bool take_gate(struct img_open *how, const struct img_gate *gate, const char *value,
		      struct img_err *err)
{
	bool on;

	if (!take_bool(value, &on, err))
		return false;
	if (on && how->gate != &img_gate_local && how->gate != gate)
		return img_fail(err, IMG_E_ARGUMENT,
				_("trusted and untrusted contradict each other"));
	if (on)
		how->gate = gate;
	return true;
}

static bool take_trusted(struct img_open *how, const char *value, struct img_err *err)
{
	return take_gate(how, &img_gate_anywhere, value, err);
}

static bool take_untrusted(struct img_open *how, const char *value, struct img_err *err)
{
	return take_gate(how, &img_gate_deny, value, err);
}

static const struct setting settings[] = {
	{ "file", take_file },
	{ "format", take_format },
	{ "snapshot", take_snapshot },
	{ "parent", take_parent },
	{ "header", take_header },
	{ "key-file", take_key_file },
	{ "key-fd", take_key_fd },
	{ "cache", take_cache },
	{ "cache-size", take_cache_size },
	{ "force-share", take_force_share },
	{ "allow-mismatch", take_allow_mismatch },
	{ "trusted", take_trusted },
	{ "untrusted", take_untrusted },
};

bool settings_take(struct img_open *how, const char *key, const char *value, struct img_err *err)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (!strcmp(settings[i].key, key))
			return settings[i].take(how, value, err) || img_within(err, "%s", key);
	}
	return img_fail(err, IMG_E_ARGUMENT, _("there is no parameter \"%s\""), key);
}

bool settings_check(const struct img_open *how, struct img_err *err)
{
	return how->path ||
	       img_fail(err, IMG_E_ARGUMENT, _("no image is named: nbdkit img FILE"));
}

void settings_clear(void)
{
	secret_clear(&secrets);
}
