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

/* The first that is worse than a leak, or as bad. */
static char *describe(const struct img_findings *found, enum judge_leaks leaks)
{
	for (size_t i = 0; i < found->n; i++) {
		const struct img_finding *f = &found->v[i];

		if (f->kind->severity < (leaks == JUDGE_NO_LEAKS ? IMG_LEAK : IMG_CORRUPT))
			continue;
		return img_format_text(NULL, "%" PRIu64 " times at 0x%" PRIx64 ": %s (%" PRIu64
				       " instead of %" PRIu64 ") %s", f->n, f->host, f->kind->text,
				       f->found, f->expected, f->detail ? f->detail : "");
	}
	return NULL;
}

/* Flags may contradict the references where counts that are too high agree with them. */
static bool compare(struct qcow2_refs *refs, const struct qcow2_header *hdr,
		    struct img_store *file, struct img_findings *found, struct img_err *err)
{
	uint64_t used = 0;

	return qcow2_refs_compare(refs, hdr, file, found, &used, err) &&
	       (img_findings_total(found, IMG_LEAK) ||
		qcow2_copied_check(refs, hdr, file, false, found, err));
}

/* Gives the file that is open beside the image, whatever its name. */
struct beside {
	struct img_opener opener;	/* first */
	struct img_store *file;		/* borrowed */
};

static bool open_beside(const struct img_opener *self, const struct img_reference *ref,
			struct img_store **out, struct img_err *err)
{
	(void)ref;
	*out = img_store_overlay(((const struct beside *)self)->file, err);
	return *out;
}

/* What the driver's own check says. */
static char *judge_by_check(const struct img_layer *open, enum judge_leaks leaks)
{
	const struct beside beside = {
		.opener = { .open = open_beside },
		.file = open->n_data_files ? open->data_files[0] : NULL,
	};
	const struct img_checking how = {
		.threads = 1, .memory = IMG_CHECK_MEMORY,
		.opener = beside.file ? &beside.opener : NULL,
	};
	struct img_layer ly = { .format = open->format, .store = open->store };
	struct img_findings found = { .most = 10 };
	struct img_check_result result;
	struct img_err err = { 0 };

	if (!ly.format->check->check(&ly, &how, &found, &result, &err))
		return strdup(err.text);
	char *complaint = describe(&found, leaks);
	img_findings_clear(&found);
	return complaint;
}

char *judge_counts(const struct img *im, enum judge_leaks leaks)
{
	const struct img_layer *ly = &im->layers[0];
	struct img_findings found = { .most = 10 };
	struct img_err err = { 0 };

	/* qcow cannot say what is free: what was packed and is written again is lost space. */
	if (ly->format == &img_format_qcow)
		leaks = JUDGE_LEAKS_ALLOWED;
	if (ly->format != &img_format_qcow2)
		return ly->format->check ? judge_by_check(ly, leaks) : NULL;
	const struct qcow2_header *hdr = &((const struct qcow2 *)ly->priv)->header;
	const struct qcow2_refs_how how = {
		.hdr = hdr, .file = ly->store, .with_refcounts = true, .damage = &found,
	};
	const bool dirty = hdr->incompatible & QCOW2_INCOMPATIBLE_DIRTY;
	if ((hdr->incompatible & QCOW2_INCOMPATIBLE_CORRUPT) || (dirty && leaks == JUDGE_NO_LEAKS))
		return strdup("the image is marked as damaged");
	struct qcow2_refs *refs = qcow2_refs_collect(&how, &err);
	if (!refs || (!dirty && !compare(refs, hdr, ly->store, &found, &err)))
		return strdup(err.text);
	char *complaint = describe(&found, leaks);
	qcow2_refs_free(refs);
	img_findings_clear(&found);
	return complaint;
}

/* ---- qemu-img ------------------------------------------------------------------------------------ */

/* Exit status 3: leaks; 127: there is no qemu-img. */
#define JUDGED " >verdict 2>&1; s=$?; [ $s = 3 ] || [ $s = 127 ] || exit $s"

static const char *command_for(const struct layout *layout)
{
	if (layout->lazy)
		return "qemu-img check -r all image >verdict 2>&1";
	if (layout->key)
		return "qemu-img check --object secret,id=key,file=key --image-opts "
		       "driver=qcow2,encrypt.key-secret=key,file.filename=image" JUDGED;
	return "qemu-img check image" JUDGED;
}

char *judge_by_qemu(const struct prepared *prep, uint8_t *const *bytes, const uint64_t *lens)
{
	char *verdict;
	size_t len;

	if (strcmp(prep->layout->format, "qcow2") && strcmp(prep->layout->format, "vmdk"))
		return NULL;
	files_write("image", bytes[0], lens[0]);
	if (prep->layout->key)
		files_write("key", prep->layout->key, strlen(prep->layout->key));
	if (prep->n_files > 1)
		files_write(prep->layout->data_file, bytes[1], lens[1]);
	if (!system(command_for(prep->layout)))
		return NULL;
	verdict = (char *)files_read("verdict", &len);
	verdict[len] = '\0';
	return verdict;
}
