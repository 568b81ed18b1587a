/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See luks_options.h.  From the names that QEMU has to those in a header. */
#include "format/luks_options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
	const struct img_settings *set;
	const char *prefix;
};

static const char *text_of(const struct reading *r, const char *option)
{
	char name[IMG_LUKS_NAME_MAX];

	snprintf(name, sizeof(name), "%s%s", r->prefix, option);
	return img_settings_text(r->set, name);
}

static bool read_time(const struct reading *r, unsigned *ms, struct img_err *err)
{
	char name[IMG_LUKS_NAME_MAX];

	snprintf(name, sizeof(name), "%siter-time", r->prefix);
	const uint64_t time = img_settings_number(r->set, name);

	if (!time || time > UINT32_MAX)
		return img_fail(err, IMG_E_ARGUMENT, _("%s is %d to %" PRIu32 " milliseconds, not %"
				PRIu64), name, 1, UINT32_MAX, time);
	*ms = (unsigned)time;
	return true;
}

/* "aes-256": the name, and bits; in mode xts there are two keys. */
static bool read_cipher(const struct reading *r, struct img_luks_wish *out, struct img_err *err)
{
	const char *text = text_of(r, "cipher-alg"), *dash = strrchr(text, '-');
	const bool two_keys = !strcmp(text_of(r, "cipher-mode"), "xts");
	const size_t len = dash ? (size_t)(dash - text) : 0;
	char *end = NULL;
	const unsigned long bits = dash ? strtoul(dash + 1, &end, 10) : 0;

	if (!len || len >= sizeof(out->cipher) || !bits || *end || bits % 8 || bits > 4096)
		return img_fail(err, IMG_E_ARGUMENT, _("%scipher-alg is a cipher and the bits of its "
				"key, as aes-256, and not \"%s\""), r->prefix, text);
	memcpy(out->cipher, text, len);
	out->what.cipher = out->cipher;
	out->what.key_len = (uint32_t)(bits / 8) << two_keys;
	return true;
}

static bool read_mode(const struct reading *r, struct img_luks_wish *out, struct img_err *err)
{
	const char *mode = text_of(r, "cipher-mode"), *ivgen = text_of(r, "ivgen-alg");
	const char *hash = text_of(r, "ivgen-hash-alg");
	const bool essiv = !strcmp(ivgen, "essiv");
	int len;

	if (hash && !essiv)
		return img_fail(err, IMG_E_ARGUMENT, _("%sivgen-hash-alg needs %sivgen-alg=essiv"),
				r->prefix, r->prefix);
	if (!strcmp(mode, "ecb"))
		len = snprintf(out->mode, sizeof(out->mode), "ecb");
	else
		len = snprintf(out->mode, sizeof(out->mode), "%s-%s%s%s", mode, ivgen,
			       essiv ? ":" : "", essiv ? hash ? hash : "sha256" : "");
	out->what.mode = out->mode;
	return len < (int)sizeof(out->mode) ||
	       img_fail(err, IMG_E_ARGUMENT, _("there is no hash \"%s\""), hash);
}

static bool read_all(const struct img_settings *set, const char *prefix, struct img_luks_wish *out,
		     struct img_err *err)
{
	const struct reading r = { set, prefix };

	*out = (struct img_luks_wish){ .what.hash = text_of(&r, "hash-alg") };
	return read_cipher(&r, out, err) && read_mode(&r, out, err) &&
	       read_time(&r, &out->what.iter_ms, err);
}

void img_luks_wish_inside(struct img_luks_wish *wish)
{
	if (!strcmp(wish->mode, "ecb"))
		strcpy(wish->mode, "ecb-plain64");
}

bool img_luks_wish_make(const struct img_settings *set, const char *prefix,
			struct img_luks_wish *out, struct img_err *err)
{
	if (!read_all(set, prefix, out, err))
		return false;
	img_luks_wish_inside(out);
	return true;
}

/* ---- A file of its own --------------------------------------------------------------------------- */

static bool check_version(const struct img_luks_new *what, struct img_err *err)
{
	if (what->version == 2)
		return true;
	if (what->sector != 512)
		return img_fail(err, IMG_E_ARGUMENT, _("%s needs version=2"), "sector-size");
	if (what->label)
		return img_fail(err, IMG_E_ARGUMENT, _("%s needs version=2"), "label");
	return !what->pbkdf || !strcmp(what->pbkdf, "pbkdf2") ||
	       img_fail(err, IMG_E_ARGUMENT, _("%s needs version=2"), what->pbkdf);
}

/* Of choices that are numbers. */
static uint32_t number(const struct img_settings *set, const char *name)
{
	return (uint32_t)strtoul(img_settings_text(set, name), NULL, 10);
}

bool img_luks_wish_make_file(const struct img_settings *set, struct img_luks_wish *out,
			     struct img_err *err)
{
	if (!read_all(set, "", out, err))
		return false;
	out->what.version = number(set, "version");
	out->what.sector = number(set, "sector-size");
	out->what.pbkdf = img_settings_text(set, "pbkdf");
	out->what.uuid = img_settings_text(set, "uuid");
	out->what.label = img_settings_text(set, "label");
	return check_version(&out->what, err);
}

bool img_luks_wish_none(const struct img_settings *set, const char *prefix, struct img_err *err)
{
	static const struct img_option rows[] = { IMG_LUKS_OPTIONS("") };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char name[IMG_LUKS_NAME_MAX];

		snprintf(name, sizeof(name), "%s%s", prefix, rows[i].name);
		if (img_settings_given(set, name))
			return img_fail(err, IMG_E_ARGUMENT, _("%s needs %sformat=luks"), name,
					prefix);
	}
	return true;
}
