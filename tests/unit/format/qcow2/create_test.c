/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Empty images; and what happens when a write or an allocation fails. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "failing_malloc.h"
#include "unit/format/qcow2/writer.h"

static void make_empty(const char *options, uint64_t size, bool pipe)
{
	struct trial *t = trial_new(options);
	struct stat st;

	t->size = size;
	t->pipe = pipe;
	if (create_on(t, open_store(t))) {
		cr_assert(qcow2_write_ops.finish(&t->ly, &t->err), "%s", t->err.text);
		cr_assert(img_store_publish(t->ly.store, &t->err));
		cr_assert_eq(stat(t->image, &st), 0);
		cr_assert(pipe || st.st_blocks * 512 < 1 << 20, "%s", options);
		cr_assert_eq(system("qemu-img check image.qcow2 >check.log 2>&1"), 0,
			     "\"%s\" %zu", options, (size_t)size);
	} else {
		cr_assert(t->err.code == IMG_E_RANGE || pipe, "%s", t->err.text);
	}
	trial_free(t);
}

Test(qcow2_create, empty_images_of_any_size_are_clean, .timeout = 120)
{
	static const uint64_t sizes[] = { 0, 1, 512, 65536, UINT64_C(10) << 40, UINT64_C(1) << 50 };

	if (!have_qemu_img())
		cr_skip_test("no qemu-img");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		make_empty("", sizes[i], false);
		make_empty("compat=0.10,cluster_size=2M", sizes[i], true);
		make_empty("cluster_size=16k,extended_l2=on,refcount_bits=1", sizes[i], i % 2);
	}
}

static bool try_with_fault(const char *options, bool compressed, bool pipe, unsigned n)
{
	struct trial *t = trial_new(options);
	struct img_store *store = img_store_mem(NULL, 0, &t->err);
	char script[32];
	bool ok;

	t->size = 300000;
	t->compressed = compressed;
	t->pipe = pipe;
	snprintf(script, sizeof(script), "write:%u=ENOSPC", n);
	store = img_store_fault(store, script, &t->err);
	cr_assert(store, "%s", t->err.text);
	ok = create_on(t, pipe ? pipe_to(store) : store) && write_image(t);
	if (!ok) {
		cr_assert_eq(t->err.code, IMG_E_NOSPACE, "%s", t->err.text);
		/* create leaves nothing but the store */
		cr_assert(t->ly.priv || (!t->ly.backing && !t->ly.backing_format));
	}
	trial_free(t);
	return ok;
}

static void fail_each_write(const char *options, bool compressed, bool pipe)
{
	unsigned n = 1;

	while (!try_with_fault(options, compressed, pipe, n))
		cr_assert(n++ < 2000);
	cr_assert(n > 3, "only %u writes", n);
}

Test(qcow2_create, any_write_may_fail, .timeout = 120)
{
	fail_each_write("cluster_size=4k", false, false);
	fail_each_write("cluster_size=4k", true, false);
	fail_each_write("cluster_size=4k", false, true);
	fail_each_write("cluster_size=4k" BACKING, false, false);
	fail_each_write("cluster_size=4k,compat=0.10" BACKING, false, false);
	fail_each_write("cluster_size=4k,preallocation=metadata", false, false);
}

static bool try_without_memory(const char *options, bool pipe, unsigned n)
{
	struct trial *t = trial_new(options);
	struct img_store *store = img_store_mem(NULL, 0, &t->err);
	bool ok;

	t->size = 300000;
	t->pipe = pipe;
	store = pipe ? pipe_to(store) : store;
	fail_allocation(n);
	ok = create_on(t, store) && write_image(t);
	if (allocation_has_failed()) {
		cr_assert_not(ok, "\"%s\": allocation %u", options, n);
		cr_assert_eq(t->err.code, IMG_E_NOMEM, "%s", t->err.text);
	} else {
		cr_assert(ok, "\"%s\": %s", options, t->err.text);
	}
	trial_free(t);
	return ok;
}

static void fail_each_allocation(const char *options, bool pipe)
{
	unsigned n = 1;

	while (!try_without_memory(options, pipe, n))
		cr_assert(n++ < 500);
	cr_assert(n > 10, "only %u allocations", n);
}

Test(qcow2_create, any_allocation_may_fail, .timeout = 120)
{
	fail_each_allocation("cluster_size=4k" BACKING, false);
	fail_each_allocation("cluster_size=4k", true);
}
