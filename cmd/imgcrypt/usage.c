/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which options belong to which verbs of imgcrypt. */
#include <string.h>
#include "common/belong.h"
#include "common/text.h"
#include "imgcrypt/imgcrypt.h"

static bool check_in_place(const struct options *opt, const char *verb, struct img_err *err)
{
	if (opt->in_place && (opt->target.format || opt->source.force_share))
		return img_fail(err, IMG_E_ARGUMENT, _("--in-place makes no new image, so it does not go "
				"with -O or --force-share"));
	if (opt->in_place && opt->target.options && !strcmp(verb, "decrypt"))
		return img_fail(err, IMG_E_ARGUMENT, _("decrypt --in-place makes a raw image, which has no "
				"options"));
	if (opt->journal && !opt->in_place && strcmp(verb, "list") != 0)
		return img_fail(err, IMG_E_ARGUMENT, _("--journal needs --in-place"));
	if (opt->dry_run && !opt->in_place)
		return img_fail(err, IMG_E_ARGUMENT, _("--dry-run needs --in-place"));
	if (opt->style != IMG_STYLE_HUMAN && !opt->in_place && strcmp(verb, "list") != 0)
		return img_fail(err, IMG_E_ARGUMENT, _("--output needs --in-place"));
	return opt->in_place || strcmp(verb, "reencrypt") != 0 ||
	       img_fail(err, IMG_E_ARGUMENT, _("reencrypt changes the image itself: it needs --in-place"));
}

bool crypt_check_usage(const struct options *opt, const char *verb, struct img_err *err)
{
	static const char new_key[] = " add-key change-key ", copy[] = " encrypt decrypt ";
	static const char in_place[] = " encrypt decrypt reencrypt ";
	const struct belonging all[] = {
		{ "--key-file", opt->secrets.given,
		  " test add-key change-key remove-key encrypt decrypt reencrypt " },
		{ "--new-key-file", opt->fresh.given, " add-key change-key encrypt reencrypt " },
		{ "--header", opt->source.header, in_place },
		{ "--target-format", opt->target.format, copy },
		{ "--options", opt->target.options, in_place },
		{ "--in-place", opt->in_place, in_place },
		{ "--dry-run", opt->dry_run, in_place },
		{ "--journal", opt->journal, " list encrypt decrypt reencrypt " },
		{ "--slot", opt->slot != IMG_KEY_ANY_SLOT, " test add-key change-key remove-key " },
		{ "--pbkdf", opt->pbkdf, new_key },
		{ "--hash", opt->hash, new_key },
		{ "--iter-time", opt->iter_time, new_key },
		{ "--iterations", opt->iterations, new_key },
		{ "--memory", opt->memory, new_key },
		{ "--threads", opt->threads, " add-key change-key encrypt decrypt reencrypt " },
		{ "--force", opt->force, " remove-key header-restore erase " },
		{ "--force-share", opt->source.force_share, " list test header-backup encrypt decrypt " },
		{ "--output", opt->style != IMG_STYLE_HUMAN, " list encrypt decrypt reencrypt " },
	};

	if (!belong_check(all, sizeof(all) / sizeof(*all), verb, err) ||
	    !check_in_place(opt, verb, err))
		return false;
	if (opt->iter_time && opt->iterations)
		return img_fail(err, IMG_E_ARGUMENT, _("--iter-time and --iterations exclude each other"));
	if (!strcmp(verb, "remove-key") && opt->slot != IMG_KEY_ANY_SLOT && opt->secrets.given)
		return img_fail(err, IMG_E_ARGUMENT,
				_("remove-key takes a key or the number of its slot, and not both"));
	return strcmp(verb, "erase") || opt->force ||
	       img_fail(err, IMG_E_ARGUMENT,
			_("erase makes the data unreadable for ever: it needs --force"));
}
