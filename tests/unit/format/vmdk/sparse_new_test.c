/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file of grains that is being made: where its tables lie, what they say, and its limits. */
#include <criterion/criterion.h>
#include <string.h>
#include "base/bytes.h"
#include "format/vmdk/layout.h"
#include "format/vmdk/sparse_new.h"

enum { GRAIN = 65536, SPAN = GRAIN * 512 };

static struct vmdk_sparse_new sp;
static struct img_err err;

static void start(uint64_t capacity, uint64_t desc_len)
{
	sp = (struct vmdk_sparse_new){
		.file = img_store_mem(NULL, 0, NULL), .fresh = true, .hdr.capacity = capacity,
	};
	cr_assert(sp.file);
	cr_assert(vmdk_sparse_new_start(&sp, desc_len, &err), "%s", err.text);
}

static void stop(void)
{
	vmdk_sparse_new_clear(&sp);
	img_store_close(sp.file);
}

static struct vmdk_header finish(const char *text)
{
	uint8_t raw[512];
	struct vmdk_header hdr;

	cr_assert(vmdk_sparse_new_finish(&sp, text, strlen(text), &err), "%s", err.text);
	cr_assert(img_store_read(sp.file, 0, raw, sizeof(raw), &err));
	cr_assert(vmdk_header_decode(raw, sizeof(raw), &hdr, &err), "%s", err.text);
	return hdr;
}

static uint32_t entry_at(uint64_t at, uint64_t i)
{
	uint8_t raw[4];

	cr_assert(img_store_read(sp.file, at + i * 4, raw, sizeof(raw), &err), "%s", err.text);
	return img_get_le32(raw);
}

/* What both directories say of a grain, which must be the same. */
static uint32_t grain(const struct vmdk_header *hdr, uint64_t i)
{
	const uint32_t first = entry_at(hdr->gd_at, i / 512), second = entry_at(hdr->rgd_at, i / 512);

	cr_assert_neq(first, second);
	cr_assert_eq(entry_at(first * VMDK_SECTOR, i % 512), entry_at(second * VMDK_SECTOR, i % 512));
	return entry_at(first * VMDK_SECTOR, i % 512);
}

Test(sparse_new, has_its_tables_in_front_of_the_grains)
{
	struct vmdk_header hdr;
	uint64_t host;

	start(3 * (uint64_t)SPAN + 512, 20 * 512);
	cr_assert(vmdk_sparse_new_take(&sp, 0, 3 * GRAIN - 512, &host, &err));
	cr_assert(vmdk_sparse_new_map(&sp, 2 * (uint64_t)SPAN - GRAIN, 3 * GRAIN - 512, host, &err));
	hdr = finish("text");
	cr_assert(hdr.rgd_at == 21 * 512 && hdr.gd_at == hdr.rgd_at + 512 + 4 * 2048);
	cr_assert(hdr.version == 1 && hdr.capacity == 3 * (uint64_t)SPAN + 512);
	cr_assert_eq(host, GRAIN);
	cr_assert_eq(grain(&hdr, 1022), 0);
	cr_assert_eq(grain(&hdr, 1023), 128);
	cr_assert_eq(grain(&hdr, 1024), 256);
	cr_assert_eq(grain(&hdr, 1025), 384);
	cr_assert_eq(grain(&hdr, 1026), 0);
	stop();
}

Test(sparse_new, places_all_grains_in_order_and_zeroed)
{
	static uint8_t used[8 * GRAIN];
	struct vmdk_header hdr;
	uint64_t host;
	uint8_t bytes[2];

	memset(used, 'u', sizeof(used));
	sp = (struct vmdk_sparse_new){
		.file = img_store_mem(used, sizeof(used), NULL), .hdr.capacity = 4 * GRAIN + 512,
	};
	cr_assert(vmdk_sparse_new_start(&sp, 20 * 512, &err), "%s", err.text);
	cr_assert(vmdk_sparse_new_place_all(&sp, &err), "%s", err.text);
	cr_assert(vmdk_sparse_new_take(&sp, 2 * GRAIN, 2 * GRAIN, &host, &err));
	cr_assert_eq(host, 3 * GRAIN);
	hdr = finish("text");
	for (uint64_t i = 0; i < 5; i++)
		cr_assert_eq(grain(&hdr, i), (i + 1) * 128);
	cr_assert_eq(grain(&hdr, 5), 0);
	cr_assert(img_store_read(sp.file, GRAIN, bytes, 1, &err));
	cr_assert(img_store_read(sp.file, 6 * GRAIN - 1, bytes + 1, 1, &err));
	cr_assert(!bytes[0] && !bytes[1]);
	stop();
}

Test(sparse_new, has_them_behind_when_the_size_comes_late)
{
	struct vmdk_header hdr;
	uint64_t host;

	start(IMG_SIZE_UNKNOWN, 20 * 512);
	cr_assert(vmdk_sparse_new_take(&sp, 0, GRAIN, &host, &err));
	cr_assert(vmdk_sparse_new_map(&sp, 5 * GRAIN, GRAIN, host, &err));
	sp.hdr.capacity = 6 * GRAIN;
	hdr = finish("text");
	cr_assert(host == GRAIN && hdr.rgd_at == 2 * GRAIN);
	cr_assert_eq(grain(&hdr, 5), 128);
	stop();
}

Test(sparse_new, zeros_are_entries_or_grains_at_the_end)
{
	struct vmdk_header hdr;
	uint64_t host, size;

	start(SPAN, 0);
	cr_assert(vmdk_sparse_new_zero(&sp, GRAIN, 2 * GRAIN, &err));
	cr_assert(vmdk_sparse_new_take(&sp, 0, GRAIN, &host, &err));
	cr_assert(vmdk_sparse_new_map(&sp, 4 * GRAIN, GRAIN, host, &err));
	hdr = finish("");
	cr_assert(grain(&hdr, 1) == 256 && grain(&hdr, 2) == 384 && grain(&hdr, 4) == 128);
	cr_assert(img_store_size(sp.file, &size, &err) && size == 4 * GRAIN);
	cr_assert(hdr.desc_len == 0 && hdr.rgd_at == 512);
	stop();
}

Test(sparse_new, zeros_are_entries_in_version_2)
{
	struct vmdk_header hdr;

	start(SPAN, 0);
	vmdk_sparse_new_clear(&sp);
	sp.zeroed_grain = true;
	cr_assert(vmdk_sparse_new_start(&sp, 0, &err));
	cr_assert(vmdk_sparse_new_zero(&sp, GRAIN, 2 * GRAIN, &err));
	hdr = finish("");
	cr_assert(hdr.version == 2 && (hdr.flags & VMDK_FLAG_ZERO_GRAIN));
	cr_assert(grain(&hdr, 1) == 1 && grain(&hdr, 2) == 1 && grain(&hdr, 3) == 0);
	stop();
}

/* A device holds anything; what is not written must read as zeros all the same. */
Test(sparse_new, leaves_nothing_of_what_a_device_held)
{
	static uint8_t old[8 * GRAIN];
	uint8_t rest;
	struct vmdk_header hdr;
	uint64_t host;

	memset(old, 0xff, sizeof(old));
	start(SPAN, 0);
	cr_assert(img_store_write(sp.file, 0, old, sizeof(old), &err));
	sp.fresh = false;
	cr_assert(vmdk_sparse_new_take(&sp, 0, 512, &host, &err));
	cr_assert(vmdk_sparse_new_map(&sp, SPAN - GRAIN, 512, host, &err));
	cr_assert(vmdk_sparse_new_zero(&sp, 0, GRAIN, &err));
	hdr = finish("");
	cr_assert(grain(&hdr, 511) == 128 && grain(&hdr, 0) == 256 && grain(&hdr, 1) == 0);
	for (uint64_t at = host + 512; at < host + 2 * GRAIN; at++)
		cr_assert(img_store_read(sp.file, at, &rest, 1, &err) && !rest);
	stop();
}

Test(sparse_new, names_no_place_that_an_entry_cannot)
{
	uint64_t host;

	start(SPAN, 0);
	sp.next = (UINT32_MAX - UINT64_C(127)) * VMDK_SECTOR;
	cr_assert(!vmdk_sparse_new_take(&sp, 0, GRAIN, &host, &err));
	cr_assert_eq(err.code, IMG_E_RANGE);
	stop();
}

Test(sparse_new, is_no_larger_than_what_can_be_read)
{
	const uint64_t most = (uint64_t)VMDK_GD_ENTRIES_MAX * SPAN;

	start(most, 0);
	vmdk_sparse_new_clear(&sp);
	sp.hdr.capacity = most + 512;
	cr_assert(!vmdk_sparse_new_start(&sp, 0, &err));
	cr_assert_eq(err.code, IMG_E_RANGE);
	sp.hdr.capacity = IMG_SIZE_UNKNOWN;
	cr_assert(vmdk_sparse_new_start(&sp, 0, &err));
	cr_assert(!vmdk_sparse_new_map(&sp, most, GRAIN, GRAIN, &err));
	cr_assert_eq(err.code, IMG_E_RANGE);
	stop();
}

Test(sparse_new, refuses_a_descriptor_without_room)
{
	start(SPAN, 512);
	cr_assert(!vmdk_sparse_new_finish(&sp, "", 513, &err));
	cr_assert_eq(err.code, IMG_E_RANGE);
	stop();
}
