/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The size that users ask for: SIZE, +N, -N, or what the partitions need. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include "common/text.h"
#include "imgresize/imgresize.h"

const char *wish_take_less(int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++) {
		const char *text = argv[i];

		if (text[0] != '-' || !isdigit((unsigned char)text[1]))
			continue;
		memmove(argv + i, argv + i + 1, (size_t)(*argc - i) * sizeof(*argv));
		--*argc;
		return text;
	}
	return NULL;
}

bool wish_parse(const char *text, struct wish *out, struct img_err *err)
{
	struct wish wish = {
		.kind = *text == '+' ? WISH_MORE : *text == '-' ? WISH_LESS : WISH_ABSOLUTE,
	};

	if (!img_size_parse(text + (wish.kind != WISH_ABSOLUTE), &wish.amount, err))
		return false;
	*out = wish;
	return true;
}

static bool to_last(const struct plan *plan, uint64_t *size, struct img_err *err)
{
	if (!plan->need)
		return img_fail(err, IMG_E_ARGUMENT,
				_("has no partition table and no file system that tells its size"));
	*size = plan->need;
	return true;
}

static bool unrounded(const struct wish *wish, const struct plan *plan, uint64_t *size,
		      struct img_err *err)
{
	switch (wish->kind) {
	case WISH_TO_LAST_PARTITION:
		return to_last(plan, size, err);
	case WISH_MORE:
		return !__builtin_add_overflow(plan->old_size, wish->amount, size) ||
		       img_fail(err, IMG_E_RANGE, _("no disk is that large"));
	case WISH_LESS:
		if (wish->amount >= plan->old_size)
			return img_fail(err, IMG_E_RANGE, _("the disk has no more than %" PRIu64
							 " bytes"), plan->old_size);
		*size = plan->old_size - wish->amount;
		return true;
	default:
		*size = wish->amount;
		return *size || img_fail(err, IMG_E_RANGE, _("a disk of no bytes is none"));
	}
}

bool wish_size(const struct wish *wish, const struct plan *plan, uint64_t *size,
	       struct img_err *err)
{
	const uint64_t sector = plan->table.sector;
	uint64_t bytes = 0;

	if (!unrounded(wish, plan, &bytes, err))
		return false;
	if (bytes > INT64_MAX - sector)
		return img_fail(err, IMG_E_RANGE, _("no disk is that large"));
	*size = (bytes + sector - 1) / sector * sector;
	return true;
}
