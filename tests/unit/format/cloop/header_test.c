/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header: what is told apart, what is refused and why, and that encoding is the inverse. */
#include <criterion/criterion.h>
#include "base/bytes.h"
#include "format/cloop/cloop.h"

enum { LEN = CLOOP_DECODE_LEN };

static const struct cloop_header plain = {
	.version = CLOOP_V2, .block_size = 65536, .n_blocks = 10, .index_off = CLOOP_HDR_LEN,
	.size = 9 * 65536 + 1,
};

static void encode(const struct cloop_header *hdr, uint8_t raw[LEN])
{
	memset(raw, 0, LEN);
	cloop_header_encode(hdr, raw);
}

static void refuse(const uint8_t *raw, size_t len, uint64_t end, enum img_code code)
{
	struct cloop_header hdr;
	struct img_err err = { 0 };

	cr_assert_not(cloop_header_decode(raw, len, end, &hdr, &err));
	cr_assert_eq(err.code, code, "%s", err.text);
}

static void same(const struct cloop_header *a, const struct cloop_header *b)
{
	cr_assert(a->version == b->version && a->at_end == b->at_end && a->little == b->little);
	cr_assert(a->block_size == b->block_size && a->n_blocks == b->n_blocks);
	cr_assert_eq(a->index_off, b->index_off);
	cr_assert_eq(a->size, b->size);
}

Test(cloop_header, what_is_encoded_is_decoded)
{
	struct cloop_header hdr = plain, out;
	uint8_t raw[LEN];

	encode(&hdr, raw);
	cr_assert(cloop_header_decode(raw, LEN, 0, &out, NULL));
	same(&out, &hdr);
	/* QEMU compares so much. */
	cr_assert_not(strncmp((char *)raw, "#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && "
			      "mount -r -t iso9660 /dev/cloop $1\n", 83));

	hdr.version = CLOOP_V4;
	hdr.at_end = true;
	hdr.index_off = 5000;
	encode(&hdr, raw);
	cr_assert(cloop_header_decode(raw, CLOOP_HDR_LEN, 5000 + 11 * 8 + CLOOP_HDR_LEN, &out, NULL));
	same(&out, &hdr);
}

Test(cloop_header, the_longest_size_has_room_in_the_script)
{
	struct cloop_header hdr = { .version = CLOOP_V2, .block_size = 64 << 20,
				    .n_blocks = UINT32_MAX };
	struct cloop_header out;
	uint8_t raw[LEN];

	hdr.size = (uint64_t)hdr.n_blocks * hdr.block_size;
	encode(&hdr, raw);
	cr_assert(cloop_header_decode(raw, LEN, 0, &out, NULL));
	cr_assert_eq(out.size, hdr.size);
}

Test(cloop_header, a_size_that_cannot_be_is_no_size)
{
	static const uint64_t sizes[] = { 9 * 65536, 10 * 65536 + 1, 0, UINT64_MAX };
	struct cloop_header hdr = plain, out;
	uint8_t raw[LEN];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		hdr.size = sizes[i];
		encode(&hdr, raw);
		cr_assert(cloop_header_decode(raw, LEN, 0, &out, NULL));
		cr_assert_eq(out.size, 0);
	}
	encode(&plain, raw);
	*strrchr((char *)raw, '\n') = 'x';
	cr_assert(cloop_header_decode(raw, LEN, 0, &out, NULL));
	cr_assert_eq(out.size, 0);
	/* Digits up to the end of the script. */
	memset(strstr((char *)raw, "#size ") + 6, '1',
	       (size_t)((char *)raw + CLOOP_SCRIPT_LEN - strstr((char *)raw, "#size ") - 6));
	cr_assert(cloop_header_decode(raw, LEN, 0, &out, NULL));
	cr_assert_eq(out.size, 0);
}

Test(cloop_header, each_fault_has_its_class)
{
	static const uint32_t sizes[] = { 0, 1, 511, 513, (64 << 20) + 512, UINT32_MAX };
	uint8_t raw[LEN];

	encode(&plain, raw);
	for (size_t len = 0; len < 30; len++)
		refuse(raw, len, 0, IMG_E_NOT_THIS_FORMAT);
	for (size_t len = 30; len < CLOOP_HDR_LEN; len++)
		refuse(raw, len, 0, IMG_E_INCOMPLETE);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		img_put_be32(raw + CLOOP_HDR_BLOCK_SIZE, sizes[i]);
		refuse(raw, LEN, 0, IMG_E_CORRUPT);
	}
	encode(&plain, raw);
	refuse(raw, CLOOP_HDR_LEN, CLOOP_HDR_LEN + 11 * 8 - 1, IMG_E_CORRUPT);
	raw[CLOOP_HDR_VERSION + 1] = '3';
	refuse(raw, LEN, 0, IMG_E_UNSUPPORTED);
	raw[0] = ' ';
	refuse(raw, LEN, 0, IMG_E_NOT_THIS_FORMAT);
}

Test(cloop_header, only_the_version_counts_in_the_script)
{
	struct cloop_header out;
	uint8_t raw[LEN];

	encode(&plain, raw);
	memset(raw, 'x', CLOOP_HDR_VERSION);
	memset(raw + CLOOP_HDR_VERSION + CLOOP_VERSION_LEN, 0xff, 50);
	cr_assert(cloop_header_decode(raw, LEN, 0, &out, NULL));
	cr_assert_eq(out.version, CLOOP_V2);
}

Test(cloop_header, old_indexes_tell_their_byte_order)
{
	struct cloop_header out;
	uint8_t raw[LEN];
	const uint64_t first = CLOOP_HDR_LEN + 11 * 8;

	encode(&plain, raw);
	memcpy(raw + CLOOP_HDR_VERSION, "V1.0", 4);
	img_put_le64(raw + CLOOP_HDR_LEN, first);
	cr_assert(cloop_header_decode(raw, LEN, 0, &out, NULL));
	cr_assert(out.version == CLOOP_V1 && out.little);
	img_put_be64(raw + CLOOP_HDR_LEN, first);
	cr_assert(cloop_header_decode(raw, LEN, 0, &out, NULL));
	cr_assert_not(out.little);
	img_put_be64(raw + CLOOP_HDR_LEN, first + 1);
	refuse(raw, LEN, 0, IMG_E_CORRUPT);
	refuse(raw, LEN - 1, 0, IMG_E_INCOMPLETE);
	refuse(raw, CLOOP_HDR_LEN, 5000, IMG_E_NOT_THIS_FORMAT);
}
