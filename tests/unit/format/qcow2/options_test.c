/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which options a new image takes, and which do not go together. */
#include <criterion/criterion.h>

#include "unit/format/qcow2/writer.h"

static bool refused(const char *options, bool compressed, bool pipe, bool unknown)
{
	struct trial *t = trial_new(options);
	bool ok;

	t->compressed = compressed;
	t->pipe = pipe;
	t->size_unknown = unknown;
	ok = create_on(t, open_store(t));
	if (!ok)
		cr_assert(t->err.code == IMG_E_ARGUMENT || t->err.code == IMG_E_UNSUPPORTED ||
			  t->err.code == IMG_E_RANGE, "%s", options);
	trial_free(t);
	return !ok;
}

Test(qcow2_options, what_does_not_go_together_is_refused)
{
	static const char *const wrong[] = {
		"cluster_size=256", "cluster_size=4M", "cluster_size=3k", "cluster_size=0",
		"refcount_bits=0", "refcount_bits=3", "refcount_bits=128",
		"compat=0.10,refcount_bits=8", "compat=v2,extended_l2=on",
		"compat=0.10,lazy_refcounts=on", "compat=0.10,data_file=d",
		"compat=0.10,compression_type=zstd", "extended_l2=on,cluster_size=8k",
		"data_file_raw=on", "data_file=d,data_file_raw=on" BACKING,
		"preallocation=metadata" BACKING, "preallocation=full" BACKING,
		"backing_fmt=raw", "backing_file=", "data_file=",
		"compression_level=13", "compression_level=-1",
		"compression_type=zstd,compression_level=23",
		"compression_type=zstd,deflate_window=12", "deflate_window=12,compression_level=10",
	};

	EACH(wrong, options)
		cr_assert(refused(options, false, false, false), "%s", options);
	cr_assert(refused("preallocation=metadata", true, false, false));
	cr_assert(refused("data_file=d", true, false, false));
	cr_assert(refused("preallocation=metadata", false, false, true));
	cr_assert(refused("", true, true, false));
	cr_assert(refused("preallocation=metadata", false, true, false));
	cr_assert(refused("data_file=d", false, true, false));
	cr_assert_not(refused("preallocation=metadata,extended_l2=on" BACKING, false, false, false));
}

Test(qcow2_options, too_large_a_disk_is_refused)
{
	struct trial *t = trial_new("cluster_size=512");

	t->size = UINT64_C(1) << 40;
	cr_assert_not(create_on(t, open_store(t)));
	cr_assert_eq(t->err.code, IMG_E_RANGE);
	trial_free(t);
}
