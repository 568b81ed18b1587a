/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is found without a header; whole files with all kinds of damage are in salvage-vmdk.sh. */
#include <stdlib.h>
#include "sample.h"
#include "base/num.h"
#include "format/vmdk/salvage.h"

Test(vmdk_salvage, the_shape_of_a_directory)
{
	uint8_t raw[1024] = { 0 };

	for (uint32_t i = 0; i < 10; i++)
		img_put_le32(raw + i * 4, 8 + i * 4);
	cr_assert_eq(vmdk_shape_directory(raw, 512, 7), 10);
	cr_assert_eq(vmdk_shape_directory(raw, 512, 6), 0, "not right in front of its tables");
	img_put_le32(raw + 508, 1);
	cr_assert_eq(vmdk_shape_directory(raw, 512, 7), 0, "something behind it");
	for (uint32_t i = 0; i < 130; i++)
		img_put_le32(raw + i * 4, 9 + i * 4);
	cr_assert_eq(vmdk_shape_directory(raw, 1024, 7), 130);
	cr_assert_eq(vmdk_shape_directory(raw, 0, 7), 0);
}

static void open_salvaged(const struct sample *s, uint64_t size, struct img_layer *ly)
{
	const struct img_layer_open how = {
		.flags = IMG_OPEN_SALVAGE, .size = size, .cache_size = 1 << 20,
	};
	struct img_err err = { 0 };

	*ly = (struct img_layer){ .format = &img_format_vmdk };
	cr_assert(ly->store = img_store_mem(s->bytes, s->len, &err));
	cr_assert(ly->format->salvage(ly, &how, &err), "%s", err.text);
}

static void close_salvaged(struct img_layer *ly)
{
	ly->format->close(ly);
	img_findings_clear(&ly->salvaged.notes);
	img_store_close(ly->store);
}

static struct img_extent extent_at(struct img_layer *ly, uint64_t grain)
{
	struct img_extent ex;
	struct img_err err = { 0 };

	cr_assert(ly->format->extent(ly, grain * SAMPLE_GRAIN * 512, ly->size, &ex, &err));
	return ex;
}

Test(vmdk_salvage, a_header_with_and_without_a_size)
{
	const uint64_t size = SAMPLE_CAPACITY * 512;
	struct img_layer ly;
	struct sample s;

	sample_start(&s);
	memset(s.bytes, 0xaa, 512);
	open_salvaged(&s, size, &ly);
	cr_assert_eq(ly.size, size);
	cr_assert_not(ly.salvaged.size_guessed);
	cr_assert_eq(extent_at(&ly, 599).host, (SAMPLE_DATA + 5 * SAMPLE_GRAIN) * 512);
	cr_assert_not(extent_at(&ly, 599).guessed);
	close_salvaged(&ly);
	open_salvaged(&s, 0, &ly);
	cr_assert_eq(ly.size, 1024 * SAMPLE_GRAIN * 512);
	cr_assert(ly.salvaged.size_guessed);
	cr_assert_eq(extent_at(&ly, 599).host, (SAMPLE_DATA + 5 * SAMPLE_GRAIN) * 512);
	cr_assert(extent_at(&ly, 599).guessed);
	close_salvaged(&ly);
}

Test(vmdk_salvage, tables_that_both_directories_lost)
{
	struct img_layer ly;
	struct sample s;

	sample_start(&s);
	memset(s.bytes + SAMPLE_GD * 512, 0, 8);
	memset(s.bytes + SAMPLE_RGD * 512, 0, 8);
	memset(s.bytes + SAMPLE_GT * 512, 0xff, 4 * 512);
	open_salvaged(&s, 0, &ly);
	cr_assert_eq(extent_at(&ly, 9).host, (SAMPLE_DATA + 3 * SAMPLE_GRAIN) * 512);
	cr_assert(extent_at(&ly, 9).guessed);
	close_salvaged(&ly);
}

Test(vmdk_salvage, holes_of_a_second_table_beside_a_first_of_noise)
{
	struct img_layer ly;
	struct sample s;

	sample_start(&s);
	memset(s.bytes + SAMPLE_GT * 512, 0xff, 4 * 512);
	open_salvaged(&s, 0, &ly);
	cr_assert_eq(extent_at(&ly, 9).kind, IMG_EXTENT_DATA);
	cr_assert_eq(extent_at(&ly, 10).kind, IMG_EXTENT_HOLE);
	close_salvaged(&ly);
}

Test(vmdk_salvage, nothing_is_left)
{
	const struct img_layer_open how = { .flags = IMG_OPEN_SALVAGE, .cache_size = 1 << 20 };
	struct img_layer ly = { .format = &img_format_vmdk };
	struct img_err err = { 0 };
	struct sample s;

	sample_start(&s);
	memset(s.bytes, 0, SAMPLE_DATA * 512);
	cr_assert(ly.store = img_store_mem(s.bytes, s.len, &err));
	cr_assert_not(ly.format->salvage(&ly, &how, &err));
	cr_assert_neq(err.code, IMG_OK);
	cr_assert_null(ly.priv);
	img_findings_clear(&ly.salvaged.notes);
	img_store_close(ly.store);
}

/* Writes n entries of a directory at a sector, whose tables lie behind it; returns their end. */
static uint64_t put_directory(struct img_store *file, uint64_t sector, uint32_t n)
{
	const size_t len = img_round_up(n * sizeof(uint32_t), VMDK_SECTOR);
	const uint64_t first = sector + len / VMDK_SECTOR;
	struct img_err err = { 0 };
	uint8_t *raw = calloc(1, len);

	cr_assert(raw);
	for (uint32_t i = 0; i < n; i++)
		img_put_le32(raw + i * sizeof(uint32_t), (uint32_t)first + i * 4);
	cr_assert(img_store_write(file, sector * VMDK_SECTOR, raw, len, &err), "%s", err.text);
	free(raw);
	return first + n * 4;
}

/* That of a disk of 64 TiB is 8 MiB long: more than is looked at in one piece. */
Test(vmdk_salvage, a_directory_longer_than_a_piece)
{
	const uint32_t n = 2 << 20;
	struct img_err err = { 0 };
	struct img_store *file = img_store_temporary(NULL, &err);
	bool found, sure;

	cr_assert(file, "%s", err.text);
	const uint64_t second = put_directory(file, 21, n), end = put_directory(file, second, n);
	struct vmdk_sparse sp = { .file = file, .file_size = end * VMDK_SECTOR };

	cr_assert(img_store_resize(file, sp.file_size, &err), "%s", err.text);
	cr_assert(vmdk_shape_find(&sp, (uint64_t)n << 25, &found, &sure, &err), "%s", err.text);
	cr_assert(found && sure);
	cr_assert_eq(sp.hdr.rgd_at, 21 * VMDK_SECTOR);
	cr_assert_eq(sp.hdr.gd_at, second * VMDK_SECTOR);
	cr_assert_eq(sp.n_gd, n);
	vmdk_sparse_clear(&sp);
	img_store_close(file);
}
