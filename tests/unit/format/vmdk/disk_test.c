/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing in place: marks, both copies of the tables, what lies below, and what is damaged. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "base/bytes.h"
#include "format/vmdk/disk.h"
#include "format/vmdk/sparse_new.h"
#include "../in_place.h"

enum { G = 65536, GRAINS = 1024, CID_DIGITS = 8 };

#define LINE "RW 131072 SPARSE \"x\"\n"

static struct img_layer ly;
static struct img_err err;

/* An image of GRAINS grains whose grain 1 is full of '1'; its header is *hdr. */
static struct img_store *make(bool zeroed_grain, const char *text, struct vmdk_header *hdr)
{
	static uint8_t ones[G];
	struct vmdk_sparse_new sp = {
		.file = img_store_mem(NULL, 0, NULL), .fresh = true, .zeroed_grain = zeroed_grain,
		.hdr.capacity = (uint64_t)GRAINS * G,
	};
	uint64_t host = 0;

	memset(ones, '1', sizeof(ones));
	cr_assert(vmdk_sparse_new_start(&sp, 20 * VMDK_SECTOR, &err));
	cr_assert(vmdk_sparse_new_take(&sp, 0, G, &host, &err));
	cr_assert(img_store_write(sp.file, host, ones, G, &err));
	cr_assert(vmdk_sparse_new_map(&sp, G, G, host, &err));
	cr_assert(vmdk_sparse_new_finish(&sp, text, strlen(text), &err));
	*hdr = sp.hdr;
	vmdk_sparse_new_clear(&sp);
	return sp.file;
}

/* On failure the store is closed. */
static bool open_for_writing(struct img_store *st)
{
	const struct img_layer_open how = { .flags = IMG_OPEN_WRITE, .cache_size = 1 << 20 };

	err = (struct img_err){ 0 };
	ly = (struct img_layer){ .format = &img_format_vmdk, .store = st };
	if (img_format_vmdk.open(&ly, &how, &err))
		return true;
	img_store_close(st);
	return false;
}

static void start(bool zeroed_grain, struct vmdk_header *hdr)
{
	cr_assert(open_for_writing(make(zeroed_grain, "version=1\nCID=0badcafe\n" LINE, hdr)), "%s",
		  err.text);
}

static void stop(void)
{
	img_format_vmdk.close(&ly);
	img_store_close(ly.store);
	free(ly.backing);
	free(ly.backing_format);
}

static uint32_t u32_at(struct img_store *st, uint64_t at)
{
	uint8_t raw[4];

	cr_assert(img_store_read(st, at, raw, sizeof(raw), &err), "%s", err.text);
	return img_get_le32(raw);
}

/* Where in the file the entry of a grain is. */
static uint64_t entry_at(struct img_store *st, uint64_t directory, uint64_t grain)
{
	return u32_at(st, directory + grain / 512 * 4) * VMDK_SECTOR + grain % 512 * 4;
}

static void put_entry(struct img_store *st, uint64_t directory, uint64_t grain, uint32_t value)
{
	uint8_t raw[4];

	img_put_le32(raw, value);
	cr_assert(img_store_write(st, entry_at(st, directory, grain), raw, sizeof(raw), &err));
}

/* What both copies say in the file, which must be the same. */
static uint32_t entry(const struct vmdk_header *hdr, uint64_t grain)
{
	const uint32_t first = u32_at(ly.store, entry_at(ly.store, hdr->gd_at, grain));

	cr_assert_eq(first, u32_at(ly.store, entry_at(ly.store, hdr->rgd_at, grain)));
	return first;
}

static uint8_t byte_at(uint64_t at)
{
	uint8_t byte;

	cr_assert(img_store_read(ly.store, at, &byte, 1, &err), "%s", err.text);
	return byte;
}

static struct img_extent extent(uint64_t at)
{
	struct img_extent ex;

	cr_assert(img_format_vmdk.extent(&ly, at, ly.size, &ex, &err), "%s", err.text);
	return ex;
}

static bool has_cid(const char *digits)
{
	char text[CID_DIGITS + 1] = { 0 };

	cr_assert(img_store_read(ly.store, 512 + strlen("version=1\nCID="), text, CID_DIGITS, &err));
	return !strcmp(text, digits);
}

/* ---- What a write leaves --------------------------------------------------------------------- */

Test(disk, a_grain_gets_its_place_and_both_tables_say_so)
{
	struct vmdk_header hdr;
	struct img_extent ex;

	start(false, &hdr);
	cr_assert(vmdk_disk_write(&ly, 600 * G + 512, "abc", 3, &err), "%s", err.text);
	cr_assert_eq(entry(&hdr, 600), 0, "no table is written before a flush");
	ex = extent(600 * G);
	cr_assert(ex.kind == IMG_EXTENT_DATA && ex.len == G, "but readers see it");
	in_place_flush(&ly);
	cr_assert_eq(entry(&hdr, 600) * VMDK_SECTOR, ex.host);
	cr_assert(byte_at(ex.host + 512) == 'a' && !byte_at(ex.host + 515) && !byte_at(ex.host + G - 1));
	cr_assert(vmdk_disk_write(&ly, G, "2", 1, &err));
	cr_assert(byte_at(extent(G).host) == '2' && byte_at(extent(G).host + 1) == '1');
	stop();
}

Test(disk, the_file_says_that_it_is_open_until_it_is_closed)
{
	struct vmdk_header hdr;

	start(false, &hdr);
	cr_assert(!byte_at(VMDK_HDR_UNCLEAN) && has_cid("0badcafe"), "nothing was changed yet");
	cr_assert(vmdk_disk_write(&ly, 0, "x", 1, &err));
	cr_assert(byte_at(VMDK_HDR_UNCLEAN) && !has_cid("0badcafe"));
	in_place_flush(&ly);
	cr_assert(byte_at(VMDK_HDR_UNCLEAN));
	cr_assert(vmdk_disk_ops.finish(&ly, &err));
	cr_assert_not(byte_at(VMDK_HDR_UNCLEAN));
	stop();
}

Test(disk, zeros_where_nothing_is_change_nothing)
{
	struct vmdk_header hdr;

	start(true, &hdr);
	cr_assert(vmdk_disk_zero(&ly, 5 * G, 2 * G, false, &err));
	cr_assert(vmdk_disk_discard(&ly, 5 * G, 2 * G, &err));
	in_place_flush(&ly);
	cr_assert(entry(&hdr, 5) == 0 && extent(5 * G).kind == IMG_EXTENT_HOLE);
	cr_assert(vmdk_disk_zero(&ly, G + 10, 10, false, &err));
	cr_assert(byte_at(extent(G).host + 9) == '1' && !byte_at(extent(G).host + 10));
	cr_assert(byte_at(extent(G).host + 20) == '1');
	stop();
}

/* ---- What lies below ------------------------------------------------------------------------- */

Test(disk, the_rest_of_a_new_grain_comes_from_below)
{
	struct vmdk_header hdr;
	uint64_t host;

	start(false, &hdr);
	ly.below = &in_place_below;
	cr_assert(vmdk_disk_write(&ly, 7 * G + 100, "abc", 3, &err), "%s", err.text);
	host = extent(7 * G).host;
	cr_assert(byte_at(host) == '#' && byte_at(host + 99) == '#' && byte_at(host + 100) == 'a');
	cr_assert(byte_at(host + 103) == '#' && byte_at(host + G - 1) == '#');
	stop();
}

Test(disk, zeros_hide_what_is_below_by_an_entry_or_by_a_grain)
{
	struct vmdk_header hdr;
	uint64_t host;

	start(true, &hdr);
	ly.below = &in_place_below;
	cr_assert(vmdk_disk_zero(&ly, 3 * G, G, false, &err));
	in_place_flush(&ly);
	cr_assert(entry(&hdr, 3) == VMDK_ENTRY_ZERO && extent(3 * G).kind == IMG_EXTENT_ZERO);
	cr_assert(vmdk_disk_write(&ly, 3 * G + 1, "x", 1, &err));
	host = extent(3 * G).host;
	cr_assert(!byte_at(host) && byte_at(host + 1) == 'x' && !byte_at(host + 2));
	stop();
	start(false, &hdr);
	ly.below = &in_place_below;
	cr_assert(vmdk_disk_zero(&ly, 3 * G, G, false, &err));
	cr_assert(extent(3 * G).kind == IMG_EXTENT_DATA && !byte_at(extent(3 * G).host));
	stop();
}

Test(disk, a_grain_gets_its_place_once)
{
	struct vmdk_header hdr;

	start(false, &hdr);
	in_place_meet(&ly, 7 * G);
	stop();
}

/* ---- What is found at the start -------------------------------------------------------------- */

Test(disk, a_copy_that_says_more_is_taken_over)
{
	struct vmdk_header hdr;
	struct img_store *st = make(false, "CID=1\n" LINE, &hdr);
	const uint32_t place = u32_at(st, entry_at(st, hdr.gd_at, 1));

	put_entry(st, hdr.gd_at, 1, 0);
	cr_assert(open_for_writing(st), "%s", err.text);
	cr_assert_eq(extent(G).kind, IMG_EXTENT_DATA);
	in_place_flush(&ly);
	cr_assert_eq(entry(&hdr, 1), place);
	cr_assert(vmdk_disk_write(&ly, 2 * G, "x", 1, &err));
	cr_assert_neq(extent(2 * G).host, extent(G).host);
	stop();
}

/* Entries of grain 2, in both copies, that make an image one that must not be written. */
static const struct { uint32_t entry; enum img_code code; } damages[] = {
	{ 128, IMG_E_CORRUPT },		/* the place of grain 1 */
	{ 100, IMG_E_CORRUPT },		/* a part of it */
	{ 1, IMG_E_CORRUPT },		/* the descriptor */
	{ 22, IMG_E_CORRUPT },		/* tables */
	{ 256, IMG_E_INCOMPLETE },	/* behind the end of the file */
	{ 200, IMG_E_INCOMPLETE },	/* reaches behind it */
};

Test(disk, a_damaged_image_is_refused)
{
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct vmdk_header hdr;
		struct img_store *st = make(false, LINE, &hdr);

		put_entry(st, hdr.gd_at, 2, damages[i].entry);
		put_entry(st, hdr.rgd_at, 2, damages[i].entry);
		cr_assert(!open_for_writing(st), "entry %u", damages[i].entry);
		cr_assert_eq(err.code, damages[i].code, "entry %u: %s", damages[i].entry, err.text);
	}
}

Test(disk, what_cannot_be_written_is_refused)
{
	static const uint8_t none[4];
	struct vmdk_header hdr;
	struct img_store *st = make(false, "RDONLY 131072 SPARSE \"x\"\n", &hdr);

	cr_assert(!open_for_writing(st) && err.code == IMG_E_DENIED);
	st = make(false, LINE, &hdr);
	cr_assert(img_store_write(st, hdr.gd_at + 4, none, sizeof(none), &err));
	cr_assert(!open_for_writing(st) && err.code == IMG_E_UNSUPPORTED);
	st = make(false, LINE, &hdr);
	cr_assert(img_store_write(st, VMDK_HDR_COMPRESSION, "\1", 1, &err));
	cr_assert(!open_for_writing(st) && err.code == IMG_E_UNSUPPORTED);
}

/* ---- The content identifier ------------------------------------------------------------------ */

Test(disk, the_cid_is_found_wherever_it_stands)
{
	static const struct { const char *text; size_t at, n; } texts[] = {
		{ "CID=0badcafe\n", 4, 8 }, { "a=1\n cid = \"1f\"\n", 12, 2 },
		{ "parentCID=12345678\nCID=9", 23, 1 }, { "version=1\r\nCID=abc\r\n", 15, 3 },
		{ "CIDX=1\n", 0, 0 }, { "CID\n", 0, 0 }, { "CID=\nCID=7\n", 9, 1 }, { "", 0, 0 },
		{ "#CID=1\n", 0, 0 },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t at, n;

		vmdk_cid_find((const uint8_t *)texts[i].text, strlen(texts[i].text), &at, &n);
		cr_assert(n == texts[i].n && (!n || at == texts[i].at), "%s: %zu at %zu",
			  texts[i].text, n, at);
	}
}
