/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The image that imgconv writes. */
#include "common/room.h"
#include "imgconv/imgconv.h"

struct img *target_create(const struct options *opt, const struct img_format *format,
			  const char *path, struct img_bundle *bundle, struct img *src,
			  struct img_err *err)
{
	struct img_create what = {
		.path = path, .size = img_size(src), .source = src,
		.compressed = opt->compress,
		.in_place = !bundle && (opt->in_place || target_must_stay(path)),
		.flags = opt->range.len ? IMG_OPEN_SHARE_WRITE : 0,
		.reads_as_zero = opt->reads_as_zero, .cache = opt->cache,
		.keys = secret_keys(opt->source.secrets), .encrypted = opt->new_secrets.given,
		.filter = bundle ? NULL : opt->filter,
		.key = bundle ? secret_first(opt->target.secrets) : NULL,
	};
	struct room_question room = {
		.target = &what, .src = src, .zero_grain = target_zero_grain(opt->sparse),
	};
	struct img *im = NULL;

	what.fits = room_suffices;
	what.fits_ctx = &room;
	if (target_prepare(&imgconv_cli, &opt->target, format, !opt->sparse, &what, err))
		im = bundle ? img_bundle_image(bundle, &what, err)
			    : target_new(&what, opt->target.secrets, err);
	target_unprepare(&what);
	if (im)
		source_warn(&imgconv_cli, im);
	return im;
}
