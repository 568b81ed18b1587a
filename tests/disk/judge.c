/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Judging images. */
#include "disk/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/refs.h"
#include "unit/fake/files.h"

#define PIECE (64 * 1024)

char *judge_content(struct img *im, const struct guest *guest, enum guest_when when)
{
	static uint8_t buf[PIECE];
	struct img_err err = { 0 };
	uint64_t wrong;

	if (img_size(im) != guest->size)
		return img_format_text(NULL, "the disk has %" PRIu64 " bytes", img_size(im));
	for (uint64_t at = 0; at < guest->size; at += PIECE) {
		const size_t len = img_min_u64(PIECE, guest->size - at);

		if (!img_read(im, at, buf, len, &err))
			return strdup(err.text);
		if (!guest_allows(guest, when, at, buf, len, &wrong))
			return guest_complaint(guest, when, wrong, buf + (wrong - at));
	}
	return NULL;
}

/* ---- Reference counts ---------------------------------------------------------------------------- */

static char *describe_damage(const struct qcow2_refs_damage *damage)
{
	const struct qcow2_damage *worst = qcow2_refs_worst(damage);

	return worst ? img_format_text(NULL, "%" PRIu64 " times, first at 0x%" PRIx64 ": %s",
				       worst->n, worst->at, worst->why) : NULL;
}

static char *describe_counts(const struct qcow2_refs_diff *diff, enum judge_leaks leaks)
{
	if (diff->broken_table)
		return strdup("the refcount table is broken");
	if (diff->corruptions)
		return img_format_text(NULL, "%" PRIu64 " clusters count as free or less used than "
				       "they are, the first is %" PRIu64, diff->corruptions,
				       diff->first_corruption);
	if (diff->leaks && leaks == JUDGE_NO_LEAKS)
		return img_format_text(NULL, "%" PRIu64 " clusters have leaked, the first is %"
				       PRIu64, diff->leaks, diff->first_leak);
	return NULL;
}

static char *describe_flags(const struct qcow2_copied *copied)
{
	return copied->n ? img_format_text(NULL, "%" PRIu64 " COPIED flags are wrong, the first is "
					   "at 0x%" PRIx64, copied->n, copied->first) : NULL;
}

/* Flags may contradict the references where counts that are too high agree with them. */
static char *compare(struct qcow2_refs *refs, const struct qcow2_header *hdr,
		     struct img_store *file, enum judge_leaks leaks, struct img_err *err)
{
	struct qcow2_refs_diff diff;
	struct qcow2_copied copied;
	char *complaint;

	if (!qcow2_refs_compare(refs, hdr, file, &diff, err))
		return strdup(err->text);
	complaint = describe_counts(&diff, leaks);
	if (complaint || diff.leaks)
		return complaint;
	if (!qcow2_copied_check(refs, hdr, file, false, &copied, err))
		return strdup(err->text);
	return describe_flags(&copied);
}

char *judge_counts(const struct img *im, enum judge_leaks leaks)
{
	const struct img_layer *ly = &im->layers[0];
	struct qcow2_refs_damage damage = { 0 };
	struct img_err err = { 0 };

	if (ly->format != &img_format_qcow2)
		return NULL;
	const struct qcow2_header *hdr = &((const struct qcow2 *)ly->priv)->header;
	const bool dirty = hdr->incompatible & QCOW2_INCOMPATIBLE_DIRTY;
	if ((hdr->incompatible & QCOW2_INCOMPATIBLE_CORRUPT) || (dirty && leaks == JUDGE_NO_LEAKS))
		return strdup("the image is marked as damaged");
	struct qcow2_refs *refs = qcow2_refs_collect(hdr, ly->store, true, &damage, &err);
	if (!refs)
		return strdup(err.text);
	char *complaint = describe_damage(&damage);
	if (!complaint && !dirty)
		complaint = compare(refs, hdr, ly->store, leaks, &err);
	qcow2_refs_free(refs);
	return complaint;
}

/* ---- qemu-img ------------------------------------------------------------------------------------ */

char *judge_by_qemu(const struct prepared *prep, uint8_t *const *bytes, const uint64_t *lens)
{
	/* Exit status 3: leaks; 127: there is no qemu-img. */
	const char *command = prep->layout->lazy
		? "qemu-img check -r all image >verdict 2>&1"
		: "qemu-img check image >verdict 2>&1; s=$?; [ $s = 3 ] || [ $s = 127 ] || exit $s";
	char *verdict;
	size_t len;

	if (strcmp(prep->layout->format, "qcow2"))
		return NULL;
	files_write("image", bytes[0], lens[0]);
	if (prep->n_files > 1)
		files_write("data", bytes[1], lens[1]);
	if (!system(command))
		return NULL;
	verdict = (char *)files_read("verdict", &len);
	verdict[len] = '\0';
	return verdict;
}
