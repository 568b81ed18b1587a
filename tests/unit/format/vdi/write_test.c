/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* New images: what may be asked for, and what the file is like at the end. */
#include <string.h>
#include "format/vdi/new.h"
#include "sample.h"
#include "unit/fake/fake.h"

enum { B = 4096 };
#define UUID "uuid=00000001-0000-0000-0000-000000000000"

static bool create_from(struct img_layer *ly, uint64_t size, const char *options,
			const struct img_layer *source, struct img_err *err)
{
	struct img_settings *set = img_settings_parse(img_format_vdi.create_options, options, err);
	const struct img_layer_create what = { .size = size, .settings = set, .source = source };
	bool ok;

	cr_assert(set, "%s", err->text);
	*ly = (struct img_layer){ .format = &img_format_vdi, .store = img_store_mem(NULL, 0, err) };
	ok = ly->format->create(ly, &what, err);
	img_settings_free(set);
	return ok;
}

static bool create(struct img_layer *ly, uint64_t size, const char *options, struct img_err *err)
{
	return create_from(ly, size, options, NULL, err);
}

static void close_layer(struct img_layer *ly)
{
	ly->format->close(ly);
	img_store_close(ly->store);
}

static void start(struct img_layer *ly, uint64_t size, const char *options)
{
	struct img_err err = { 0 };

	cr_assert(create(ly, size, options, &err), "%s", err.text);
}

static void refuse(uint64_t size, const char *options, enum img_code code)
{
	struct img_layer ly;
	struct img_err err = { 0 };

	cr_assert_not(create(&ly, size, options, &err), "%s", options);
	cr_assert_eq(err.code, code, "%s: %s", options, err.text);
	cr_assert_null(ly.priv);
	img_store_close(ly.store);
}

static void put(struct img_layer *ly, uint64_t at, uint32_t len, char c)
{
	struct img_slot slot = { .at = at, .len = len, .stored_len = len };
	struct img_err err = { 0 };
	uint8_t *bytes = malloc(len);

	memset(bytes, c, len);
	cr_assert(ly->format->write->reserve(ly, &slot, 1, &err), "%s", err.text);
	cr_assert(ly->format->write->store(ly, &slot, bytes, &err), "%s", err.text);
	cr_assert(ly->format->write->publish(ly, &slot, 1, &err), "%s", err.text);
	free(bytes);
}

/* Ends the image and reads its header and first entries. */
static struct vdi_header finish(struct img_layer *ly, uint32_t *entries, size_t n)
{
	struct vdi_header hdr;
	struct img_err err = { 0 };

	cr_assert(ly->format->write->finish(ly, &err), "%s", err.text);
	cr_assert(vdi_header_read(ly->store, &hdr, &err), "%s", err.text);
	for (size_t i = 0; i < n; i++) {
		cr_assert(img_store_read(ly->store, hdr.map_off + i * 4, &entries[i], 4, &err));
		entries[i] = img_get_le32(&entries[i]);
	}
	return hdr;
}

static uint64_t length(const struct img_layer *ly)
{
	uint64_t len;

	cr_assert(img_store_size(ly->store, &len, NULL));
	return len;
}

Test(vdi_write, options_have_limits)
{
	refuse(B, "block_size=256", IMG_E_ARGUMENT);
	refuse(B, "block_size=2G", IMG_E_ARGUMENT);
	refuse(B, "block_size=3k", IMG_E_ARGUMENT);
	refuse(B, "uuid=x", IMG_E_ARGUMENT);
	refuse(B, "uuid=keep", IMG_E_ARGUMENT);
	refuse(IMG_SIZE_UNKNOWN, "preallocation=full", IMG_E_ARGUMENT);
	refuse(B, "uuid=00000000-0000-0000-0000-000000000000", IMG_E_ARGUMENT);
	refuse(UINT64_C(1) << 40, "block_size=512", IMG_E_RANGE);
	refuse(UINT64_C(1) << 62, NULL, IMG_E_RANGE);
}

Test(vdi_write, dynamic_blocks_come_in_the_order_of_the_disk)
{
	struct img_layer ly;
	uint32_t entries[5];
	struct img_err err = { 0 };

	start(&ly, 4 * B + 10, "block_size=4k," UUID);
	put(&ly, B, 2 * B, 'a');
	cr_assert(ly.format->write->zero(&ly, 3 * B, B, &err));
	put(&ly, 4 * B, 10, 'b');
	const struct vdi_header hdr = finish(&ly, entries, 5);
	static const uint32_t want[5] = { VDI_ENTRY_FREE, 0, 1, VDI_ENTRY_FREE, 2 };
	cr_assert_eq(memcmp(entries, want, sizeof(want)), 0);
	cr_assert_eq(hdr.n_allocated, 3);
	cr_assert_eq(hdr.n_blocks, 5);
	cr_assert_eq(hdr.size, 4 * B + 10);
	cr_assert_eq(hdr.uuid.raw[0], 1);
	cr_assert(img_uuid_equal(&hdr.uuid, &hdr.modified));
	/* The last block is whole in the file, though not on the disk. */
	cr_assert_eq(length(&ly), hdr.data_off + 3 * B);
	close_layer(&ly);
}

Test(vdi_write, blocks_of_a_static_image_lie_at_their_places)
{
	struct img_layer ly;
	uint32_t entries[4];
	uint8_t byte;

	start(&ly, 4 * B, "static=on,block_size=4k");
	put(&ly, 2 * B, B, 'a');
	const struct vdi_header hdr = finish(&ly, entries, 4);
	for (uint32_t i = 0; i < 4; i++)
		cr_assert_eq(entries[i], i);
	cr_assert_eq(hdr.n_allocated, 4);
	cr_assert_eq(length(&ly), hdr.data_off + 4 * B);
	cr_assert(img_store_read(ly.store, hdr.data_off + 2 * B, &byte, 1, NULL) && byte == 'a');
	close_layer(&ly);
}

static void check_preallocated(const char *options, enum vdi_type type)
{
	struct img_layer ly;
	uint32_t entries[4];
	uint8_t bytes[4 * B], want[4 * B] = { 0 };

	start(&ly, 4 * B, options);
	put(&ly, 2 * B, B, 'a');
	memset(want + 2 * B, 'a', B);
	const struct vdi_header hdr = finish(&ly, entries, 4);
	cr_assert_eq(hdr.type, type, "%s", options);
	for (uint32_t i = 0; i < 4; i++)
		cr_assert_eq(entries[i], i, "%s", options);
	cr_assert_eq(hdr.n_allocated, 4, "%s", options);
	cr_assert_eq(length(&ly), hdr.data_off + 4 * B, "%s", options);
	cr_assert(img_store_read(ly.store, hdr.data_off, bytes, sizeof(bytes), NULL));
	cr_assert_eq(memcmp(bytes, want, sizeof(want)), 0, "%s", options);
	close_layer(&ly);
}

Test(vdi_write, all_blocks_are_allocated_beforehand)
{
	check_preallocated("preallocation=metadata,block_size=4k", VDI_TYPE_DYNAMIC);
	check_preallocated("preallocation=metadata,static=on,block_size=4k", VDI_TYPE_FIXED);
}

Test(vdi_write, the_uuids_of_the_source_can_be_kept)
{
	struct sample s;
	struct img_layer ly;
	struct img_err err = { 0 };

	sample_start(&s, sample_header(4));
	sample_open(&s, SAMPLE_BYTES);
	cr_assert(create_from(&ly, B, "uuid=keep", &s.ly, &err), "%s", err.text);
	const struct vdi_header hdr = finish(&ly, NULL, 0);
	cr_assert(img_uuid_equal(&hdr.uuid, &s.hdr.uuid));
	cr_assert(img_uuid_equal(&hdr.modified, &s.hdr.modified));
	close_layer(&ly);
	((struct vdi *)s.ly.priv)->header.uuid = (struct img_uuid){ { 0 } };
	cr_assert_not(create_from(&ly, B, "uuid=keep", &s.ly, &err));
	cr_assert_eq(err.code, IMG_E_ARGUMENT, "%s", err.text);
	img_store_close(ly.store);
	sample_end(&s);
}

Test(vdi_write, the_map_goes_over_pieces_that_nobody_asked_for)
{
	struct img_layer ly;
	const uint32_t n = 2 * VDI_PIECE_ENTRIES + 5;
	uint32_t *entries = calloc(n, 4);

	start(&ly, (uint64_t)n * 512, "block_size=512");
	put(&ly, (uint64_t)(n - 1) * 512, 512, 'a');
	finish(&ly, entries, n);
	for (uint32_t i = 0; i < n; i++)
		cr_assert_eq(entries[i], i == n - 1 ? 0 : VDI_ENTRY_FREE, "entry %u", i);
	free(entries);
	close_layer(&ly);
}

Test(vdi_write, a_stream_may_not_be_longer_than_its_map)
{
	struct img_layer ly;
	struct img_err err = { 0 };
	struct img_slot slot = { .at = UINT64_C(8) << 30, .len = 512, .stored_len = 512 };

	start(&ly, IMG_SIZE_UNKNOWN, "block_size=512");
	put(&ly, 0, 512, 'a');
	cr_assert_not(ly.format->write->reserve(&ly, &slot, 1, &err));
	cr_assert_eq(err.code, IMG_E_RANGE, "%s", err.text);
	ly.size = (UINT64_C(8) << 30) + 1;
	cr_assert_not(ly.format->write->finish(&ly, &err));
	cr_assert_eq(err.code, IMG_E_RANGE, "%s", err.text);
	ly.size = 1000;
	const struct vdi_header hdr = finish(&ly, NULL, 0);
	cr_assert_eq(hdr.n_blocks, 2);
	close_layer(&ly);
}

Test(vdi_write, zeros_inside_a_block_are_not_written)
{
	struct img_layer ly;
	struct img_slot slot = { .at = 0, .len = 1 << 20, .stored_len = 1 << 20 };
	struct fake_store *fs = fake_store_new(0, 8 << 20, IMG_STORE_SEEK | IMG_STORE_WRITE |
					       IMG_STORE_RESIZE | IMG_STORE_FRESH);
	uint8_t *bytes = calloc(1, 1 << 20);

	start(&ly, 1 << 20, NULL);
	bytes[300 << 10] = 1;
	cr_assert(ly.format->write->reserve(&ly, &slot, 1, NULL));
	slot.store = &fs->head;
	((struct vdi *)ly.priv)->fresh->fresh = true;
	cr_assert(ly.format->write->store(&ly, &slot, bytes, NULL));
	cr_assert_eq(fs->head.counts.written_bytes, 64 << 10);
	cr_assert_eq(fs->bytes[slot.host + (300 << 10)], 1);
	img_store_close(&fs->head);
	free(bytes);
	close_layer(&ly);
}
