/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"
#include "store/pack.h"
#include "store/unpack.h"

enum { LEN = 700001 };

static uint8_t bytes[LEN], found[LEN + 1];

/* Writes bytes through the filter into to, which stays open. */
static void pack(struct img_store *to, const char *filter)
{
	struct img_store *st;

	fill_pattern(bytes, 0, LEN);
	ok(st = img_store_packed(img_store_hold(to), filter, &err));
	ok(img_store_write(st, 0, bytes, 1000, &err));
	fails(img_store_write(st, 0, bytes, 1000, &err), IMG_E_UNSUPPORTED);
	ok(img_store_write(st, 1000, bytes + 1000, LEN - 1000, &err));
	ok(img_store_publish(st, &err));
	img_store_close(st);
}

Test(pack, comes_out_as_it_was)
{
	static const char *const filters[] = { "gzip", "xz", "zstd", "lz4" };

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		struct img_store *to, *st;
		const struct img_packing *packing;
		uint8_t head[IMG_PACKING_BYTES];
		size_t got;

		ok(to = img_store_mem(NULL, 0, &err));
		pack(to, filters[i]);
		ok(img_store_read(to, 0, head, sizeof(head), &err));
		packing = img_packing_of(head, sizeof(head), false);
		cr_assert(packing && !strcmp(img_packing_name(packing), filters[i]));
		ok(st = img_store_unpacked(to, packing, UINT64_MAX, &err));
		ok(img_store_read_some(st, 0, found, LEN + 1, &got, &err));
		cr_assert(got == LEN && is_pattern(found, 0, LEN), "%s", filters[i]);
		img_store_close(st);
	}
}

Test(pack, what_cannot_be_written_is_said)
{
	struct img_store *to, *fault, *st;

	ok(to = img_store_mem(NULL, 0, &err));
	cr_assert(!img_store_packed(to, "bzip9", &err) && err.code == IMG_E_ARGUMENT);
	ok(fault = img_store_fault(to, "write:1=ENOSPC", &err));
	ok(st = img_store_packed(fault, "gzip", &err));
	for (size_t i = 0; i < LEN; i++)
		bytes[i] = (uint8_t)(i * i >> 7);
	if (img_store_write(st, 0, bytes, LEN, &err))
		fails(img_store_publish(st, &err), IMG_E_NOSPACE);
	cr_assert_eq(err.code, IMG_E_NOSPACE, "%s", err.text);
	img_store_close(st);
}
