/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* raw: lengths to the byte, holes, and what becomes of zeros. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "format/format.h"
#include "unit/fake/fake.h"

#define SEEKABLE (IMG_STORE_SEEK | IMG_STORE_WRITE | IMG_STORE_RESIZE)

static void open_on(struct img_layer *ly, struct fake_store *fs)
{
	const struct img_layer_open how = { 0 };
	struct img_err err = { 0 };

	*ly = (struct img_layer){ .format = &img_format_raw, .store = &fs->head };
	cr_assert(ly->format->open(ly, &how, &err), "%s", err.text);
}

/* in_place: the store has all its room already, full of 0xff. */
static void create_on(struct img_layer *ly, uint64_t size, unsigned caps, const char *options,
		      bool in_place, bool reads_as_zero)
{
	struct img_settings *set = img_settings_parse(img_format_raw.create_options, options, NULL);
	struct fake_store *fs = fake_store_new(in_place ? size : 0, size + 4096, caps);
	const struct img_layer_create what = {
		.size = size, .settings = set, .in_place = in_place,
		.reads_as_zero = reads_as_zero,
	};
	struct img_err err = { 0 };

	memset(fs->bytes, 0xff, in_place ? size : 0);
	*ly = (struct img_layer){ .format = &img_format_raw, .store = &fs->head };
	cr_assert(ly->format->create(ly, &what, &err), "%s", err.text);
	img_settings_free(set);
}

static void close_layer(struct img_layer *ly)
{
	ly->format->close(ly);
	img_store_close(ly->store);
}

static void write_at(struct img_layer *ly, uint64_t at, const char *text)
{
	struct img_slot slot = { .at = at, .len = (uint32_t)strlen(text) };
	struct img_err err = { 0 };

	slot.stored_len = slot.len;
	cr_assert(ly->format->write->reserve(ly, &slot, 1, &err));
	cr_assert(slot.store == ly->store && slot.host == at);
	cr_assert(img_store_write(slot.store, slot.host, text, slot.len, &err), "%s", err.text);
	cr_assert(ly->format->write->publish(ly, &slot, 1, &err), "%s", err.text);
}

Test(raw, keeps_any_length_exactly)
{
	static const uint64_t lengths[] = { 0, 1, 511, 512, 513, 65537 };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct img_layer ly;

		open_on(&ly, fake_store_new(lengths[i], lengths[i], IMG_STORE_SEEK));
		cr_assert_eq(ly.size, lengths[i]);
		close_layer(&ly);
	}
}

Test(raw, has_no_length_while_it_streams)
{
	struct img_layer ly;

	open_on(&ly, fake_store_new(10, 10, 0));
	cr_assert_eq(ly.size, IMG_SIZE_UNKNOWN);
	close_layer(&ly);
}

Test(raw, has_no_snapshots)
{
	const struct img_layer_open how = { .snapshot = "before" };
	struct fake_store *fs = fake_store_new(10, 10, IMG_STORE_SEEK);
	struct img_layer ly = { .format = &img_format_raw, .store = &fs->head };
	struct img_err err = { 0 };

	cr_assert_not(ly.format->open(&ly, &how, &err));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED);
	img_store_close(&fs->head);
}

Test(raw, host_bytes_are_guest_bytes)
{
	struct img_extent ex = { 0 };
	struct img_layer ly;

	open_on(&ly, fake_store_new(8192, 8192, IMG_STORE_SEEK));
	cr_assert(ly.format->extent(&ly, 1000, 5000, &ex, NULL));
	cr_assert(ex.kind == IMG_EXTENT_DATA && ex.store == ly.store);
	cr_assert(ex.start == 1000 && ex.len == 4000 && ex.host == 1000 && ex.host_len == 4000);
	close_layer(&ly);
}

Test(raw, a_new_file_has_gaps_and_its_full_length)
{
	struct img_layer ly;

	create_on(&ly, 10000, SEEKABLE | IMG_STORE_FRESH, NULL, false, false);
	cr_assert_eq(((struct fake_store *)ly.store)->len, 10000);
	write_at(&ly, 100, "data");
	cr_assert(ly.format->write->zero(&ly, 104, 9896, NULL));
	cr_assert_eq(ly.store->counts.written_bytes, 4);
	cr_assert_eq(ly.store->counts.zeroed_bytes, 0);
	cr_assert(ly.format->write->finish(&ly, NULL));
	cr_assert_eq(((struct fake_store *)ly.store)->len, 10000);
	close_layer(&ly);
}

/* Bytes that are not 0xff afterwards: what was written as zeros. */
static size_t zeroed_in_place(bool reads_as_zero)
{
	struct img_layer ly;
	const uint8_t *bytes;
	size_t n = 0;

	create_on(&ly, 8192, SEEKABLE, NULL, true, reads_as_zero);
	bytes = ((struct fake_store *)ly.store)->bytes;
	cr_assert(ly.format->write->zero(&ly, 0, 5000, NULL));
	write_at(&ly, 5000, "data");
	cr_assert(ly.format->write->zero(&ly, 5004, 96, NULL));
	cr_assert(ly.format->write->finish(&ly, NULL));
	cr_assert_eq(((struct fake_store *)ly.store)->len, 8192);
	for (size_t i = 0; i < 8192; i++)
		n += bytes[i] == 0;
	close_layer(&ly);
	return n;
}

Test(raw, zeros_are_written_over_what_was_there)
{
	cr_assert_eq(zeroed_in_place(false), 5096);
	cr_assert_eq(zeroed_in_place(true), 0);
}

Test(raw, full_preallocation_leaves_no_gap)
{
	struct img_layer ly;

	create_on(&ly, 10000, SEEKABLE | IMG_STORE_FRESH, "preallocation=full", false, false);
	write_at(&ly, 5000, "data");
	cr_assert_eq(((struct fake_store *)ly.store)->writes, 2);
	cr_assert(ly.format->write->finish(&ly, NULL));
	cr_assert_eq(((struct fake_store *)ly.store)->writes, 3);
	cr_assert_eq(((struct fake_store *)ly.store)->len, 10000);
	close_layer(&ly);
}

Test(raw, refuses_what_it_cannot_hold)
{
	struct img_settings *set = img_settings_parse(img_format_raw.create_options, NULL, NULL);
	const struct img_layer_create refused[] = {
		{ .settings = set, .compressed = true },
		{ .settings = set, .backing = "base.raw" },
		{ .settings = set, .in_place = true, .size = 11 },
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct fake_store *fs = fake_store_new(10, 100, SEEKABLE);
		struct img_layer ly = { .format = &img_format_raw, .store = &fs->head };
		struct img_err err = { 0 };

		cr_assert_not(ly.format->create(&ly, &refused[i], &err));
		cr_assert_eq(err.code, i < 2 ? IMG_E_UNSUPPORTED : IMG_E_RANGE);
		img_store_close(&fs->head);
	}
	img_settings_free(set);
}
