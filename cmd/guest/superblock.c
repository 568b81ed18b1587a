/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See superblock.h: libblkid is shown both ends of a partition. */
#include <blkid.h>
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/text.h"
#include "guest/sketch.h"
#include "guest/superblock.h"

/* Everything that libblkid looks for lies within this much of either end. */
static const uint64_t end_len = 2 << 20;

static void name_type(blkid_probe probe, int answer, struct superblock *out)
{
	const char *type;

	/* Two that contradict each other: all that is certain is that something is there. */
	if (answer == -2)
		type = "ambiguous";
	else if (answer || blkid_probe_lookup_value(probe, "TYPE", &type, NULL))
		return;
	snprintf(out->type, sizeof(out->type), "%s", type);
}

static bool ask_blkid(const struct sketch *sk, uint64_t at, uint64_t len, struct superblock *out,
		      struct img_err *err)
{
	blkid_probe probe = blkid_new_probe();
	int answer;

	if (!probe)
		return out_of_memory(err);
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE);
	answer = blkid_probe_set_device(probe, sketch_fd(sk), (blkid_loff_t)at, (blkid_loff_t)len);
	if (!answer)
		answer = blkid_do_safeprobe(probe);
	name_type(probe, answer, out);
	blkid_free_probe(probe);
	return answer != -1 || img_fail(err, IMG_E_IO, _("libblkid gives no answer"));
}

static bool ask_size(struct sketch *sk, uint64_t at, uint64_t len, struct superblock *out,
		     struct img_err *err)
{
	const size_t there = len < SUPERBLOCK_HEAD ? (size_t)len : SUPERBLOCK_HEAD;
	uint8_t *head = calloc(1, SUPERBLOCK_HEAD);
	bool ok;

	if (!head)
		return out_of_memory(err);
	ok = sketch_read(sk, at, head, there, err);
	if (ok)
		out->size = superblock_size(out->type, head);
	free(head);
	return ok;
}

bool superblock_find(struct img *im, uint64_t at, uint64_t len, struct superblock *out,
		     struct img_err *err)
{
	struct superblock found = { .size = 0 };
	struct sketch *sk = sketch_new(im, err);
	bool ok = sk != NULL;

	/* What lies behind the end of a disk that is too short cannot be looked at. */
	if (ok && at < img_size(im)) {
		len = len < img_size(im) - at ? len : img_size(im) - at;
		ok = sketch_copy(sk, at, end_len, err) &&
		     sketch_copy(sk, at + len - (len < end_len ? len : end_len), end_len, err) &&
		     ask_blkid(sk, at, len, &found, err) && ask_size(sk, at, len, &found, err);
	}
	sketch_free(sk);
	if (ok)
		*out = found;
	return ok;
}
