/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a new image is to be encrypted with LUKS: options that are named as in QEMU. */
#ifndef IMG_FORMAT_LUKS_OPTIONS_H
#define IMG_FORMAT_LUKS_OPTIONS_H

#include "base/err.h"
#include "cipher/luks.h"
#include "format/format.h"

/* Rows of a table of creation options; prefix stands in front of each name. */
#define IMG_LUKS_OPTIONS(prefix) \
	{ prefix "cipher-alg", IMG_OPT_TEXT, NULL, "aes-256", \
	  N_("cipher and bits of its key, as aes-128") }, \
	{ prefix "cipher-mode", IMG_OPT_CHOICE, "xts|cbc|ctr|ecb", "xts", \
	  N_("how sectors are enciphered") }, \
	{ prefix "ivgen-alg", IMG_OPT_CHOICE, "plain64|plain|essiv", "plain64", \
	  N_("how the number of a sector gets into it") }, \
	{ prefix "ivgen-hash-alg", IMG_OPT_TEXT, NULL, NULL, \
	  N_("hash of essiv; sha256 if not given") }, \
	{ prefix "hash-alg", IMG_OPT_TEXT, NULL, "sha256", \
	  N_("hash that makes a key of the passphrase") }, \
	{ prefix "iter-time", IMG_OPT_NUMBER, NULL, "2000", \
	  N_("milliseconds that it shall take to try a passphrase") }

enum { IMG_LUKS_NAME_MAX = 64 };

/* What is asked for; `what` points into the rest, and to the texts of the settings. */
struct img_luks_wish {
	struct img_luks_new what;
	char cipher[IMG_LUKS_NAME_MAX], mode[IMG_LUKS_NAME_MAX];
};

/*
 * Fills out, which must stay where it is, with what options of those rows say of a header inside an image.
 * Whether the cipher is there img_luks_format() finds out.  IMG_E_ARGUMENT.
 */
bool img_luks_wish_make(const struct img_settings *set, const char *prefix,
			struct img_luks_wish *out, struct img_err *err) IMG_MUST_CHECK;
/* The same with all options of the format luks: of a header that is a file, or in front of one. */
bool img_luks_wish_make_file(const struct img_settings *set, struct img_luks_wish *out,
			     struct img_err *err) IMG_MUST_CHECK;
/*
 * The header is to be inside an image after all: QEMU, who reads it there, wants a name of IVs also of modes
 * that have none; cryptsetup, who does not, refuses it.
 */
void img_luks_wish_inside(struct img_luks_wish *wish);
/* None of the options of those rows is given, as there is to be no LUKS.  IMG_E_ARGUMENT. */
bool img_luks_wish_none(const struct img_settings *set, const char *prefix, struct img_err *err)
	IMG_MUST_CHECK;

#endif
