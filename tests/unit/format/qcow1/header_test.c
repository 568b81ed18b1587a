/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header: both directions, and each limit; entries, too. */
#include <string.h>
#include "sample.h"

static const struct qcow1_header plain = {
	.size = 1 << 20, .cluster_bits = 12, .l2_bits = 9, .l1_off = 56, .backing_off = 48,
	.backing_len = 7, .mtime = 5,
};

static enum img_code code_of(const struct qcow1_header *hdr)
{
	uint8_t raw[QCOW1_HDR_LEN];
	struct qcow1_header out;
	struct img_err err = { 0 };

	qcow1_header_encode(hdr, raw);
	return qcow1_header_decode(raw, sizeof(raw), &out, &err) ? IMG_OK : err.code;
}

Test(qcow1_header, what_is_encoded_is_decoded)
{
	uint8_t raw[QCOW1_HDR_LEN];
	struct qcow1_header out;

	qcow1_header_encode(&plain, raw);
	cr_assert(qcow1_header_decode(raw, sizeof(raw), &out, NULL));
	cr_assert_eq(out.size, plain.size);
	cr_assert_eq(out.cluster_bits, 12);
	cr_assert_eq(out.l2_bits, 9);
	cr_assert_eq(out.l1_off, 56);
	cr_assert_eq(out.backing_off, 48);
	cr_assert_eq(out.backing_len, 7);
	cr_assert_eq(out.mtime, 5);
	cr_assert_eq(raw[32], 12);
	cr_assert_eq(img_get_be32(raw + 4), 1);
}

Test(qcow1_header, fields_have_limits)
{
	static const struct {
		struct qcow1_header hdr;
		enum img_code code;
	} rows[] = {
		{ { .cluster_bits = 9, .l2_bits = 6, .l1_off = 48 }, IMG_OK },
		{ { .cluster_bits = 16, .l2_bits = 13, .l1_off = 48 }, IMG_OK },
		{ { .cluster_bits = 8, .l2_bits = 9, .l1_off = 48 }, IMG_E_CORRUPT },
		{ { .cluster_bits = 17, .l2_bits = 9, .l1_off = 48 }, IMG_E_CORRUPT },
		{ { .cluster_bits = 12, .l2_bits = 5, .l1_off = 48 }, IMG_E_CORRUPT },
		{ { .cluster_bits = 12, .l2_bits = 14, .l1_off = 48 }, IMG_E_CORRUPT },
		{ { .cluster_bits = 12, .l2_bits = 9, .l1_off = 47 }, IMG_E_CORRUPT },
		{ { .cluster_bits = 12, .l2_bits = 9, .l1_off = UINT64_MAX }, IMG_E_CORRUPT },
		{ { .cluster_bits = 12, .l2_bits = 9, .l1_off = 48, .crypt = 2 },
		  IMG_E_UNSUPPORTED },
		{ { .cluster_bits = 9, .l2_bits = 6, .l1_off = 48,
		    .size = ((UINT64_C(1) << 28) - 1) << 15 }, IMG_OK },
		{ { .cluster_bits = 9, .l2_bits = 6, .l1_off = 48,
		    .size = (((UINT64_C(1) << 28) - 1) << 15) + 1 }, IMG_E_RANGE },
		{ { .cluster_bits = 12, .l2_bits = 9, .l1_off = 48, .backing_off = 48,
		    .backing_len = 1023 }, IMG_OK },
		{ { .cluster_bits = 12, .l2_bits = 9, .l1_off = 48, .backing_off = 48,
		    .backing_len = 1024 }, IMG_E_CORRUPT },
		{ { .cluster_bits = 12, .l2_bits = 9, .l1_off = 48, .backing_off = 1 },
		  IMG_E_CORRUPT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_assert_eq(code_of(&rows[i].hdr), rows[i].code, "row %zu", i);
}

Test(qcow1_header, other_files_and_cut_ones)
{
	uint8_t raw[QCOW1_HDR_LEN];
	struct qcow1_header out;
	struct img_err err = { 0 };

	qcow1_header_encode(&plain, raw);
	cr_assert_not(qcow1_header_decode(raw, 47, &out, &err));
	cr_assert_eq(err.code, IMG_E_INCOMPLETE);
	cr_assert_not(qcow1_header_decode(raw, 7, &out, &err));
	cr_assert_eq(err.code, IMG_E_NOT_THIS_FORMAT);
	raw[7] = 2;
	cr_assert_not(qcow1_header_decode(raw, sizeof(raw), &out, &err));
	cr_assert_eq(err.code, IMG_E_NOT_THIS_FORMAT);
}

static enum img_code name_code(const char *name, size_t len)
{
	struct qcow1_header hdr = plain;
	struct img_err err = { 0 };
	char *backing = NULL;
	struct img_store *st;
	uint8_t raw[64] = { 0 };
	bool ok;

	hdr.backing_len = 4;
	qcow1_header_encode(&hdr, raw);
	memcpy(raw + 48, name, 4);
	st = img_store_mem(raw, len, &err);
	ok = qcow1_header_read(st, &hdr, &backing, &err);
	if (ok)
		cr_assert_str_eq(backing, name);
	free(backing);
	img_store_close(st);
	return ok ? IMG_OK : err.code;
}

Test(qcow1_header, a_name_is_whole_and_has_no_zeros)
{
	cr_assert_eq(name_code("base", 64), IMG_OK);
	cr_assert_eq(name_code("base", 50), IMG_E_INCOMPLETE);
	cr_assert_eq(name_code("b\0se", 64), IMG_E_CORRUPT);
}

Test(qcow1_header, packed_entries_hold_place_and_length)
{
	struct qcow1_header hdr = plain;

	for (hdr.cluster_bits = 9; hdr.cluster_bits <= 16; hdr.cluster_bits++) {
		const uint32_t len = qcow1_cluster_size(&hdr) - 1;
		const uint64_t host = (UINT64_C(1) << (63 - hdr.cluster_bits)) - 1;
		const struct qcow1_cluster c =
			qcow1_entry_decode(&hdr, qcow1_entry_packed(&hdr, host, len));

		cr_assert_eq(c.kind, QCOW1_PACKED);
		cr_assert_eq(c.host, host);
		cr_assert_eq(c.stored_len, len);
	}
}
