/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images in files that can seek. */
#include <criterion/criterion.h>

#include "base/num.h"
#include "unit/format/qcow2/writer.h"

static const char *const seekable_options[] = {
	"preallocation=metadata",
	"preallocation=falloc,cluster_size=512",
	"preallocation=full,compat=0.10",
	"preallocation=metadata,extended_l2=on,cluster_size=16k",
	"preallocation=metadata,extended_l2=on,cluster_size=16k" BACKING,
	"data_file=data.raw",
	"data_file=data.raw,cluster_size=4k" BACKING,
	"data_file=data.raw,data_file_raw=on,cluster_size=1k",
	"data_file=data.raw,preallocation=falloc",
};

static const char *const compressed_options[] = {
	"",
	"compat=0.10,cluster_size=4k",
	"compression_type=zstd",
	"cluster_size=512,compression_level=12",
	"cluster_size=512,refcount_bits=1",
	"cluster_size=1k,refcount_bits=2,compression_level=1",
	"cluster_size=16k,extended_l2=on,compression_type=zstd" BACKING,
	"deflate_window=12,cluster_size=2M,compression_level=9",
	"compat=0.10,cluster_size=8k" BACKING,
};

Test(qcow2_append, plain_images_are_clean_and_true, .timeout = 120)
{
	if (!have_qemu_img())
		cr_skip_test("no qemu-img");
	EACH(plain_options, options)
		round_trip(trial_new(options));
}

Test(qcow2_append, tables_may_be_prepared_and_data_lie_elsewhere, .timeout = 120)
{
	if (!have_qemu_img())
		cr_skip_test("no qemu-img");
	EACH(seekable_options, options)
		round_trip(trial_new(options));
}

Test(qcow2_append, compressed_images_are_clean_and_true, .timeout = 120)
{
	if (!have_qemu_img())
		cr_skip_test("no qemu-img");
	EACH(compressed_options, options) {
		struct trial *t = trial_new(options);

		t->compressed = true;
		round_trip(t);
	}
}

Test(qcow2_append, old_bytes_of_the_target_never_show, .timeout = 120)
{
	if (!have_qemu_img())
		cr_skip_test("no qemu-img");
	EACH(plain_options, options) {
		struct trial *t = trial_new(options);

		t->dirty = true;
		round_trip(t);
	}
	EACH(compressed_options, options) {
		struct trial *t = trial_new(options);

		t->dirty = t->compressed = true;
		round_trip(t);
	}
}

Test(qcow2_append, the_size_may_come_last, .timeout = 120)
{
	if (!have_qemu_img())
		cr_skip_test("no qemu-img");
	EACH(plain_options, options) {
		struct trial *t = trial_new(options);

		t->size_unknown = true;
		round_trip(t);
	}
}

Test(qcow2_append, raw_data_file_is_the_disk)
{
	struct trial *t = trial_new("data_file=data.raw,data_file_raw=on");

	cr_assert(create_on(t, open_store(t)), "%s", t->err.text);
	cr_assert(write_image(t), "%s", t->err.text);
	cr_assert(img_store_publish(((struct qcow2 *)t->ly.priv)->data_file, &t->err));
	compare_with(t, "data.raw", img_round_up(t->size, 512));
	trial_free(t);
}
