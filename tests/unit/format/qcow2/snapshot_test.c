/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The snapshot table: entries of both versions, entries that are cut, and opening one. */
#include "sample.h"

enum { C = 512, ENTRY_LEN = 64 };

/* One entry with id "1" and name "before": 40 + extra + 7 bytes. */
static void put_entry(uint8_t *raw, uint64_t l1_off, uint32_t extra, uint64_t disk_size)
{
	img_put_be64(raw + QCOW2_SNAP_L1_OFF, l1_off);
	img_put_be32(raw + QCOW2_SNAP_L1_ENTRIES, 1);
	img_put_be16(raw + QCOW2_SNAP_ID_LEN, 1);
	img_put_be16(raw + QCOW2_SNAP_NAME_LEN, 6);
	img_put_be32(raw + QCOW2_SNAP_STATE_LEN32, 77);
	img_put_be32(raw + QCOW2_SNAP_EXTRA_LEN, extra);
	if (extra >= QCOW2_SNAP_EXTRA_V3) {
		img_put_be64(raw + QCOW2_SNAP_STATE_LEN, UINT64_C(5) << 32);
		img_put_be64(raw + QCOW2_SNAP_DISK_SIZE, disk_size);
	}
	memcpy(raw + QCOW2_SNAP_EXTRA + extra, "1before", 7);
}

Test(snapshot, entries_of_both_versions)
{
	const struct {
		uint32_t extra;
		uint64_t state_len, disk_size;
		size_t used;
	} cases[] = { { 0, 77, 1000, 48 }, { 16, UINT64_C(5) << 32, 4096, 64 } };

	for (size_t i = 0; i < 2; i++) {
		uint8_t raw[128] = { 0 };
		struct qcow2_snapshot snap;
		struct img_err err = { 0 };
		size_t used;

		put_entry(raw, C, cases[i].extra, 4096);
		cr_assert(qcow2_snapshot_decode(raw, sizeof(raw), 1000, &snap, &used, &err));
		cr_assert_eq(used, cases[i].used);
		cr_assert_eq(snap.state_len, cases[i].state_len);
		cr_assert_eq(snap.disk_size, cases[i].disk_size);
		cr_assert_str_eq(snap.id, "1");
		cr_assert_str_eq(snap.name, "before");
		qcow2_snapshot_clear(&snap);
	}
}

Test(snapshot, entries_that_are_cut)
{
	uint8_t raw[128] = { 0 };

	put_entry(raw, C, 16, 4096);
	for (size_t len = 0; len < 63; len++) {
		struct qcow2_snapshot snap;
		struct img_err err = { 0 };
		size_t used;

		cr_assert_not(qcow2_snapshot_decode(raw, len, 0, &snap, &used, &err));
		cr_assert_eq(err.code, IMG_E_INCOMPLETE);
	}
}

Test(snapshot, encoded_as_it_was)
{
	const uint32_t extras[] = { 0, 8, 16, 24, 40 };

	for (size_t i = 0; i < sizeof(extras) / sizeof(*extras); i++) {
		uint8_t raw[128] = { 0 }, again[128] = { 0 };
		struct qcow2_snapshot snap;
		struct img_err err = { 0 };
		size_t used;

		/* What is not known here stands behind what is. */
		memset(raw + QCOW2_SNAP_EXTRA, 0xa5, extras[i]);
		put_entry(raw, C, extras[i], 4096);
		img_put_be32(raw + QCOW2_SNAP_SECONDS, 12345);
		img_put_be32(raw + QCOW2_SNAP_NANOSECONDS, 678);
		img_put_be64(raw + QCOW2_SNAP_CLOCK, UINT64_C(9) << 40);
		if (extras[i] >= 8)
			img_put_be64(raw + QCOW2_SNAP_STATE_LEN, 77);
		cr_assert(qcow2_snapshot_decode(raw, sizeof(raw), 1000, &snap, &used, &err));
		cr_assert_eq(qcow2_snapshot_len(&snap), used);
		qcow2_snapshot_encode(&snap, again);
		cr_assert_arr_eq(raw, again, used, "extra data of %u bytes", extras[i]);
		qcow2_snapshot_clear(&snap);
	}
}

Test(snapshot, extra_data_longer_than_memory)
{
	uint8_t raw[128] = { 0 };
	struct qcow2_snapshot snap;
	struct img_err err = { 0 };
	size_t used;

	put_entry(raw, C, 16, 4096);
	img_put_be32(raw + QCOW2_SNAP_EXTRA_LEN, UINT32_MAX);
	cr_assert_not(qcow2_snapshot_decode(raw, sizeof(raw), 0, &snap, &used, &err));
}

/* A disk of 64 KiB, and what one of its snapshots says. */
static bool open_snapshot(const char *wanted, uint64_t l1_off, uint64_t disk_size,
			  uint64_t *size, enum img_code *code)
{
	struct qcow2_header hdr = sample_header(9, 65536);
	const struct img_layer_open how = { .snapshot = wanted };
	struct img_err err = { 0 };
	struct sample s;

	hdr.n_snapshots = 1;
	hdr.snapshots_off = 8 * C;
	sample_start(&s, hdr);
	put_entry(s.bytes + 8 * C, l1_off, 16, disk_size);
	s.ly.store = img_store_mem(s.bytes, 8 * C + ENTRY_LEN - 1, &err);
	const bool ok = img_format_qcow2.open(&s.ly, &how, &err);
	*size = s.ly.size;
	*code = err.code;
	if (ok)
		img_format_qcow2.close(&s.ly);
	img_store_close(s.ly.store);
	free(s.bytes);
	return ok;
}

Test(snapshot, opening)
{
	const struct {
		const char *wanted;
		uint64_t l1_off, disk_size;
		enum img_code code;
	} cases[] = {
		{ "1", 6 * C, 20000, IMG_OK },
		{ "before", 6 * C, 32768, IMG_OK },
		{ "befor", 6 * C, 32768, IMG_E_ARGUMENT },
		{ "1", 6 * C, 32769, IMG_E_CORRUPT },	/* its L1 table is too short for that */
		{ "1", 6 * C + 8, 100, IMG_E_CORRUPT },
		{ "1", 0, 100, IMG_E_CORRUPT },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		enum img_code code;
		uint64_t size;
		const bool ok = open_snapshot(cases[i].wanted, cases[i].l1_off,
					      cases[i].disk_size, &size, &code);

		cr_assert_eq(ok, cases[i].code == IMG_OK, "%zu", i);
		cr_assert_eq(code, cases[i].code, "%zu", i);
		if (ok)
			cr_assert_eq(size, cases[i].disk_size);
	}
}
