/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reference map beside qemu-img check, on images of QEMU with every feature and on broken ones. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "format/qcow2/refs.h"
#include "sample.h"
#include "unit/format/qcow2/writer.h"

#define IO " && qemu-io -c 'write -P 1 0 300k' -c 'write -P 2 1M 200k' image.qcow2"
#define LUKS "--object secret,id=s,data=abc"

/* Shell commands that make image.qcow2. */
static const char *const recipes[] = {
	"qemu-img create -f qcow2 image.qcow2 3M" IO,
	"qemu-img create -f qcow2 -o compat=0.10,cluster_size=512 image.qcow2 3M" IO,
	"qemu-img create -f qcow2 -o refcount_bits=1,cluster_size=1k image.qcow2 3M" IO,
	"qemu-img create -f qcow2 -o refcount_bits=64,preallocation=metadata image.qcow2 3M" IO,
	"qemu-img create -f qcow2 -o extended_l2=on image.qcow2 3M" IO
	" && qemu-io -c 'write -z 8k 2k' -c 'discard 64k 64k' image.qcow2",
	"qemu-img create -f qcow2 -o data_file=data.raw image.qcow2 3M" IO,
	"qemu-img create -f qcow2 -o cluster_size=2M image.qcow2 5G" IO,
	"qemu-img create -f qcow2 -o cluster_size=4k image.qcow2 3M" IO
	" && qemu-img snapshot -c one image.qcow2 && qemu-io -c 'write 50k 5k' -c 'write -z 90k 8k'"
	" image.qcow2 && qemu-img snapshot -c two image.qcow2 && qemu-img resize image.qcow2 9M"
	" && qemu-io -c 'write 8M 1k' image.qcow2",
	"qemu-img create -f qcow2 -o cluster_size=4k image.qcow2 3M"
	" && qemu-img bitmap --add image.qcow2 b && qemu-img bitmap --add -g 4k image.qcow2 c" IO
	" && qemu-img bitmap --add image.qcow2 a-long-name-for-a-bitmap",
	/* On a busy machine it cannot tell how fast it is, and gives up. */
	"for i in 1 2 3 4 5 6 7 8; do"
	" qemu-img create " LUKS " -f qcow2 -o encrypt.format=luks,encrypt.key-secret=s,"
	"encrypt.iter-time=10 image.qcow2 3M && exit 0; done; exit 1",
	"seq 1 90000 >text && qemu-img convert -c -f raw -O qcow2 -o cluster_size=4k text image.qcow2"
	" && qemu-img snapshot -c one image.qcow2 && qemu-io -c 'write 50k 5k' image.qcow2",
};

struct image {
	struct qcow2_header hdr;
	struct img_store *store;
};

static void make(const char *recipe)
{
	char command[1000];

	snprintf(command, sizeof(command), "rm -f image.qcow2; (%s) >make.log 2>&1", recipe);
	cr_assert_eq(system(command), 0, "%s", command);
}

static struct image open_image(void)
{
	static uint8_t head[2 << 20];
	struct img_err err = { 0 };
	struct image im;
	size_t got;

	im.store = img_store_file("image.qcow2", IMG_OPEN_WRITE | IMG_OPEN_NO_LOCK,
				  IMG_CACHE_UNSAFE, &err);
	cr_assert(im.store, "%s", err.text);
	cr_assert(img_store_read_some(im.store, 0, head, sizeof(head), &got, &err));
	cr_assert(qcow2_header_decode(head, got, &im.hdr, &err), "%s", err.text);
	return im;
}

static void close_image(struct image *im)
{
	qcow2_header_clear(&im->hdr);
	img_store_close(im->store);
}

static struct qcow2_refs *collect(const struct image *im, struct img_findings *damage)
{
	const struct qcow2_refs_how how = {
		.hdr = &im->hdr, .file = im->store, .with_refcounts = true, .damage = damage,
		.threads = 2,
	};
	struct img_err err = { 0 };
	struct qcow2_refs *refs = qcow2_refs_collect(&how, &err);

	cr_assert(refs, "%s", err.text);
	return refs;
}

/* What our code finds; free with img_findings_clear(). */
static struct img_findings find(struct image *im)
{
	struct img_findings found = { .most = 10 };
	struct img_err err = { 0 };
	struct qcow2_refs *refs = collect(im, &found);
	uint64_t used = 0;

	cr_assert_eq(found.n, 0, "%s", found.v->kind->text);
	cr_assert(qcow2_refs_compare(refs, &im->hdr, im->store, &found, &used, &err), "%s",
		  err.text);
	cr_assert(qcow2_copied_check(refs, &im->hdr, im->store, false, &found, &err));
	qcow2_refs_free(refs);
	return found;
}

/* What qemu-img finds. */
static void judge(const char *what, unsigned *leaks, unsigned *corruptions)
{
	char command[300];
	FILE *in;

	snprintf(command, sizeof(command), "qemu-img check --output=json %s 2>/dev/null |"
		 "jq -r '[.leaks//0, .corruptions//0] | join(\" \")'",
		 strstr(what, LUKS) ? LUKS " --image-opts driver=qcow2,file.filename=image.qcow2,"
				      "encrypt.key-secret=s" : "image.qcow2");
	in = popen(command, "r");
	cr_assert(in);
	cr_assert_eq(fscanf(in, "%u %u", leaks, corruptions), 2, "%s", what);
	pclose(in);
}

static void expect_agreement(const char *what)
{
	struct image im = open_image();
	struct img_findings found = find(&im);
	unsigned leaks, corruptions;

	judge(what, &leaks, &corruptions);
	cr_assert_eq(img_findings_total(&found, IMG_LEAK), leaks, "%s", what);
	cr_assert_eq(img_findings_total(&found, IMG_CORRUPT), corruptions, "%s", what);
	img_findings_clear(&found);
	close_image(&im);
}

/* ---- Numbers in the file -------------------------------------------------------------------------- */

static uint64_t get(const struct image *im, uint64_t at)
{
	uint8_t raw[8];
	struct img_err err = { 0 };

	cr_assert(img_store_read(im->store, at, raw, 8, &err));
	return img_get_be64(raw);
}

static void put(const struct image *im, uint64_t at, uint64_t value)
{
	uint8_t raw[8];
	struct img_err err = { 0 };

	img_put_be64(raw, value);
	cr_assert(img_store_write(im->store, at, raw, 8, &err));
}

/* Of a cluster in the first block, whose counts are 16 bits wide. */
static void put_refcount(const struct image *im, uint64_t cluster, uint16_t count)
{
	const uint64_t block = get(im, im->hdr.reftable_off);
	uint8_t raw[2];
	struct img_err err = { 0 };

	cr_assert_eq(im->hdr.refcount_order, 4);
	img_put_be16(raw, count);
	cr_assert(img_store_write(im->store, block + cluster * 2, raw, 2, &err));
}

static void flip_copied(const struct image *im, uint64_t at)
{
	put(im, at, get(im, at) ^ QCOW2_ENTRY_COPIED);
}

static uint64_t first_l2(const struct image *im)
{
	return get(im, im->hdr.l1_off) & QCOW2_ENTRY_HOST;
}

Test(refs_judge, whole_images)
{
	struct trial *t = trial_new("");

	if (!have_qemu_img())
		cr_skip_test("no qemu-img");
	for (size_t i = 0; i < sizeof(recipes) / sizeof(*recipes); i++) {
		make(recipes[i]);
		expect_agreement(recipes[i]);
	}
	trial_free(t);
}

Test(refs_judge, our_own_images)
{
	if (!have_qemu_img())
		cr_skip_test("no qemu-img");
	EACH(plain_options, options) {
		struct trial *t = trial_new(options);

		cr_assert(create_on(t, open_store(t)) && write_image(t), "%s", t->err.text);
		cr_assert(img_store_publish(t->ly.store, &t->err));
		close_layer(t);
		expect_agreement(options);
		trial_free(t);
	}
}

static const struct img_finding *first(const struct img_findings *found,
				       const struct img_finding_kind *kind)
{
	for (size_t i = 0; i < found->n; i++)
		if (found->v[i].kind == kind)
			return &found->v[i];
	return NULL;
}

/* Counts too high, too low, and without a block; nothing here has a COPIED flag. */
Test(refs_judge, wrong_counts)
{
	struct trial *t = trial_new("");
	struct img_findings found;
	struct image im;

	if (!have_qemu_img())
		cr_skip_test("no qemu-img");
	make(recipes[0]);
	im = open_image();
	put_refcount(&im, 0, 0);
	put_refcount(&im, im.hdr.l1_off >> im.hdr.cluster_bits, 3);
	put_refcount(&im, im.hdr.reftable_off >> im.hdr.cluster_bits, 5);
	expect_agreement("counts");
	found = find(&im);
	cr_assert_eq(img_findings_count(&found, &qcow2_found_refcount_leak), 2);
	cr_assert_eq(first(&found, &qcow2_found_refcount_leak)->host, im.hdr.reftable_off);
	cr_assert_eq(first(&found, &qcow2_found_refcount_leak)->found, 5);
	cr_assert_eq(img_findings_count(&found, &qcow2_found_refcount_low), 1);
	cr_assert_eq(first(&found, &qcow2_found_refcount_low)->host, 0);
	img_findings_clear(&found);

	/* All that is in use has lost its counts. */
	put(&im, im.hdr.reftable_off, 0);
	found = find(&im);
	cr_assert_eq(img_findings_count(&found, &qcow2_found_refcount_leak), 0);
	cr_assert_gt(img_findings_count(&found, &qcow2_found_refcount_low), 10);
	img_findings_clear(&found);
	close_image(&im);
	trial_free(t);
}

Test(refs_judge, wrong_flags)
{
	struct trial *t = trial_new("");
	struct img_findings found;
	struct img_err err = { 0 };
	struct image im;

	if (!have_qemu_img())
		cr_skip_test("no qemu-img");
	make(recipes[7]);	/* with snapshots */
	im = open_image();
	expect_agreement("before");
	flip_copied(&im, im.hdr.l1_off);
	flip_copied(&im, first_l2(&im) + 8);
	flip_copied(&im, first_l2(&im) + 13 * 8);
	flip_copied(&im, first_l2(&im) + 70 * 8);
	expect_agreement("flags");
	found = find(&im);
	cr_assert_eq(img_findings_count(&found, &qcow2_found_l1_copied), 1);
	cr_assert_eq(first(&found, &qcow2_found_l1_copied)->host, im.hdr.l1_off);
	cr_assert_eq(img_findings_count(&found, &qcow2_found_l2_copied), 3);
	cr_assert_eq(first(&found, &qcow2_found_l2_copied)->guest, UINT64_C(1) << im.hdr.cluster_bits);
	img_findings_clear(&found);

	struct qcow2_refs *refs = collect(&im, &found);
	cr_assert(qcow2_copied_check(refs, &im.hdr, im.store, true, &found, &err));
	cr_assert_eq(img_findings_total(&found, IMG_CORRUPT), 4);
	qcow2_refs_free(refs);
	img_findings_clear(&found);
	found = find(&im);
	cr_assert_eq(found.n, 0);
	img_findings_clear(&found);
	expect_agreement("repaired");
	close_image(&im);
	trial_free(t);
}
