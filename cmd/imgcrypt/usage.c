/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which options belong to which verbs of imgcrypt. */
#include <string.h>
#include "common/belong.h"
#include "common/text.h"
#include "imgcrypt/imgcrypt.h"

bool crypt_check_usage(const struct options *opt, const char *verb, struct img_err *err)
{
	static const char new_key[] = " add-key change-key ", copy[] = " encrypt decrypt ";
	const struct belonging all[] = {
		{ "--key-file", opt->secrets.given,
		  " test add-key change-key remove-key encrypt decrypt " },
		{ "--new-key-file", opt->fresh.given, " add-key change-key encrypt " },
		{ "--header", opt->source.header, copy },
		{ "--target-format", opt->target.format, copy },
		{ "--options", opt->target.options, copy },
		{ "--slot", opt->slot != IMG_KEY_ANY_SLOT, " test add-key change-key remove-key " },
		{ "--pbkdf", opt->pbkdf, new_key },
		{ "--hash", opt->hash, new_key },
		{ "--iter-time", opt->iter_time, new_key },
		{ "--iterations", opt->iterations, new_key },
		{ "--memory", opt->memory, new_key },
		{ "--threads", opt->threads, " add-key change-key encrypt decrypt " },
		{ "--force", opt->force, " remove-key header-restore erase " },
		{ "--force-share", opt->source.force_share, " list test header-backup encrypt decrypt " },
		{ "--output", opt->style != IMG_STYLE_HUMAN, " list " },
	};

	if (!belong_check(all, sizeof(all) / sizeof(*all), verb, err))
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
