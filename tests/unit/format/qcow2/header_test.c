/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first cluster: both directions, and every number at and behind its limit. */
#include "sample.h"

enum { CLUSTER = 65536 };

static struct qcow2_header usual(void)
{
	return sample_header(16, 1 << 30);
}

/* A header owns its names in general; those of the tests are constants. */
static char *text(const char *constant)
{
	return (char *)(uintptr_t)constant;
}

static void encode(struct qcow2_header hdr, uint8_t *raw, size_t len)
{
	struct img_err err = { 0 };

	cr_assert(qcow2_header_encode(&hdr, raw, len, &err), "%s", err.text);
}

static enum img_code decode_code(const uint8_t *raw, size_t len)
{
	struct qcow2_header out;
	struct img_err err = { 0 };

	if (!qcow2_header_decode(raw, len, &out, &err)) {
		cr_assert(err.text[0]);
		return err.code;
	}
	qcow2_header_clear(&out);
	return IMG_OK;
}

Test(header, all_fields_come_back)
{
	struct qcow2_header in = usual(), out;
	struct img_err err = { 0 };
	static uint8_t raw[CLUSTER];

	in.incompatible = QCOW2_INCOMPATIBLE_KNOWN;
	in.compatible = QCOW2_COMPATIBLE_LAZY_REFCOUNTS;
	in.autoclear = QCOW2_AUTOCLEAR_BITMAPS;
	in.compression = QCOW2_COMPRESSION_ZSTD;
	in.crypt = QCOW2_CRYPT_LUKS;
	in.refcount_order = 6;
	in.n_snapshots = 65536;
	in.snapshots_off = 5 * CLUSTER;
	in.n_bitmaps = 2;
	in.bitmap_dir_off = 0x70000;
	in.bitmap_dir_len = 96;
	in.crypt_off = 0x80000;
	in.crypt_len = 0x1f0000;
	in.backing = text("base.img");
	in.backing_format = text("raw");
	in.data_file = text("data");
	encode(in, raw, sizeof(raw));
	cr_assert(qcow2_header_decode(raw, sizeof(raw), &out, &err), "%s", err.text);
	cr_assert_str_eq(out.backing, "base.img");
	cr_assert_str_eq(out.backing_format, "raw");
	cr_assert_str_eq(out.data_file, "data");
	free(out.backing);
	free(out.backing_format);
	free(out.data_file);
	out.backing = in.backing;
	out.backing_format = in.backing_format;
	out.data_file = in.data_file;
	cr_assert_eq(memcmp(&in, &out, sizeof(in)), 0);
}

/* The first cluster behind a decoder and an encoder; new bytes, freed by the caller. */
static uint8_t *again(const uint8_t *raw, size_t len)
{
	struct qcow2_header hdr;
	struct img_err err = { 0 };
	uint8_t *out = malloc(len);

	cr_assert(qcow2_header_decode(raw, len, &hdr, &err), "%s", err.text);
	cr_assert(qcow2_header_encode(&hdr, out, len, &err), "%s", err.text);
	qcow2_header_clear(&hdr);
	return out;
}

/* An extension of len bytes of fill at raw; where the next one goes. */
static size_t put_extension(uint8_t *raw, size_t at, uint32_t type, size_t len, uint8_t fill)
{
	img_put_be32(raw + at + QCOW2_EXT_TYPE, type);
	img_put_be32(raw + at + QCOW2_EXT_LEN, (uint32_t)len);
	memset(raw + at + QCOW2_EXT_DATA, fill, len);
	return at + QCOW2_EXT_DATA + (len + 7) / 8 * 8;
}

Test(header, what_is_not_known_is_kept)
{
	static uint8_t raw[CLUSTER];
	struct qcow2_header hdr = usual();
	const size_t longer = QCOW2_HDR_OUR_LEN + 24;
	size_t at;

	encode(hdr, raw, sizeof(raw));
	const size_t table_len = img_get_be32(raw + QCOW2_HDR_OUR_LEN + QCOW2_EXT_LEN);
	memmove(raw + longer, raw + QCOW2_HDR_OUR_LEN, QCOW2_EXT_DATA + table_len);
	img_put_be32(raw + QCOW2_HDR_LEN, longer);
	memset(raw + QCOW2_HDR_OUR_LEN, 0xab, 24);
	/* Two rows more: bit 9 of a known kind, and a kind that is not known. */
	img_put_be32(raw + longer + QCOW2_EXT_LEN, (uint32_t)table_len + 2 * QCOW2_FEATURE_LEN);
	uint8_t *row = raw + longer + QCOW2_EXT_DATA + table_len;
	row[QCOW2_FEATURE_TYPE] = QCOW2_FEATURE_AUTOCLEAR;
	row[QCOW2_FEATURE_BIT] = 9;
	memcpy(row + QCOW2_FEATURE_NAME, "nine", 4);
	row += QCOW2_FEATURE_LEN;
	row[QCOW2_FEATURE_TYPE] = 7;
	memset(row + QCOW2_FEATURE_NAME, 'x', QCOW2_FEATURE_NAME_LEN);
	at = longer + QCOW2_EXT_DATA + table_len + 2 * QCOW2_FEATURE_LEN;
	at = put_extension(raw, at, 0x12345678, 13, 0x11);
	at = put_extension(raw, at, 0x12345678, 0, 0);
	at = put_extension(raw, at, 0xffffffff, 8, 0x22);
	img_put_be64(raw + QCOW2_HDR_AUTOCLEAR, UINT64_C(1) << 9);

	uint8_t *out = again(raw, sizeof(raw));
	cr_assert_eq(memcmp(raw, out, sizeof(raw)), 0);
	free(out);
}

Test(header, version_2_keeps_unknown_extensions)
{
	static uint8_t raw[CLUSTER];
	struct qcow2_header hdr = usual();

	hdr.version = 2;
	encode(hdr, raw, sizeof(raw));
	put_extension(raw, QCOW2_HDR_V2_LEN, 0x11223344, 40, 0x5a);
	uint8_t *out = again(raw, sizeof(raw));
	cr_assert_eq(memcmp(raw, out, sizeof(raw)), 0);
	free(out);
}

Test(header, names_of_others_stay_longer_than_ours)
{
	struct qcow2_header hdr = sample_header(9, 65536);
	uint8_t names[QCOW2_FEATURE_LEN] = { QCOW2_FEATURE_COMPATIBLE, 8, 'n' }, raw[512];

	hdr.more_names = (struct qcow2_bytes){ names, sizeof(names) };
	encode(hdr, raw, sizeof(raw));
	cr_assert_eq(img_get_be32(raw + QCOW2_HDR_OUR_LEN), QCOW2_EXT_FEATURE_NAMES);
	cr_assert_eq(img_get_be32(raw + QCOW2_HDR_OUR_LEN + QCOW2_EXT_LEN), sizeof(names));
	cr_assert_eq(memcmp(raw + QCOW2_HDR_OUR_LEN + QCOW2_EXT_DATA, names, sizeof(names)), 0);
}

Test(header, version_2_has_no_features)
{
	struct qcow2_header hdr = usual(), out;
	struct img_err err = { 0 };
	static uint8_t raw[CLUSTER];

	hdr.version = 2;
	hdr.backing = text("b");
	encode(hdr, raw, sizeof(raw));
	cr_assert_eq(img_get_be64(raw + QCOW2_HDR_BACKING_OFF), QCOW2_HDR_V2_LEN + 8);
	cr_assert(qcow2_header_decode(raw, sizeof(raw), &out, &err), "%s", err.text);
	cr_assert_eq(out.refcount_order, 4);
	cr_assert_str_eq(out.backing, "b");
	qcow2_header_clear(&out);
	hdr.refcount_order = 3;
	cr_assert_not(qcow2_header_encode(&hdr, raw, sizeof(raw), &err));
	cr_assert_eq(err.code, IMG_E_RANGE);
}

Test(header, feature_names_give_way_in_a_tiny_cluster)
{
	struct qcow2_header hdr = sample_header(9, 65536);
	uint8_t raw[512];
	char name[400];
	struct img_err err = { 0 };

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	encode(hdr, raw, sizeof(raw));
	cr_assert_eq(img_get_be32(raw + QCOW2_HDR_OUR_LEN), QCOW2_EXT_FEATURE_NAMES);
	hdr.backing = name + 399 - 392;
	encode(hdr, raw, sizeof(raw));
	cr_assert_eq(img_get_be32(raw + QCOW2_HDR_OUR_LEN), QCOW2_EXT_END);
	hdr.backing = name;
	cr_assert_not(qcow2_header_encode(&hdr, raw, sizeof(raw), &err));
	cr_assert_eq(err.code, IMG_E_RANGE);
}

Test(header, short_files)
{
	static uint8_t raw[CLUSTER];
	size_t end = QCOW2_HDR_OUR_LEN;

	encode(usual(), raw, sizeof(raw));
	while (img_get_be32(raw + end) != QCOW2_EXT_END)
		end += QCOW2_EXT_DATA + img_get_be32(raw + end + QCOW2_EXT_LEN);
	cr_assert_gt(end, QCOW2_HDR_OUR_LEN);
	end += QCOW2_EXT_DATA;
	cr_assert_eq(decode_code(raw, 3), IMG_E_NOT_THIS_FORMAT);
	for (size_t len = 4; len < end; len++)
		cr_assert_eq(decode_code(raw, len), IMG_E_INCOMPLETE, "%zu", len);
	cr_assert_eq(decode_code(raw, end), IMG_OK);
}

struct change {
	const char *what;
	size_t at;
	unsigned width;			/* bytes */
	uint64_t value;
	enum img_code code;
};

static const struct change changes[] = {
	{ "magic", QCOW2_HDR_MAGIC, 4, 0x514649fa, IMG_E_NOT_THIS_FORMAT },
	{ "version 1", QCOW2_HDR_VERSION, 4, 1, IMG_E_NOT_THIS_FORMAT },
	{ "version 4", QCOW2_HDR_VERSION, 4, 4, IMG_E_UNSUPPORTED },
	{ "small clusters", QCOW2_HDR_CLUSTER_BITS, 4, 8, IMG_E_CORRUPT },
	{ "large clusters", QCOW2_HDR_CLUSTER_BITS, 4, 22, IMG_E_RANGE },
	{ "huge clusters", QCOW2_HDR_CLUSTER_BITS, 4, UINT32_MAX, IMG_E_RANGE },
	{ "encryption", QCOW2_HDR_CRYPT, 4, 3, IMG_E_UNSUPPORTED },
	{ "encryption, legal", QCOW2_HDR_CRYPT, 4, 1, IMG_OK },
	{ "L1 too short", QCOW2_HDR_L1_ENTRIES, 4, 1, IMG_E_CORRUPT },
	{ "L1 just enough", QCOW2_HDR_L1_ENTRIES, 4, 2, IMG_OK },
	{ "L1 of 32 MiB", QCOW2_HDR_L1_ENTRIES, 4, 4 << 20, IMG_OK },
	{ "L1 above 32 MiB", QCOW2_HDR_L1_ENTRIES, 4, (4 << 20) + 1, IMG_E_RANGE },
	{ "L1 not aligned", QCOW2_HDR_L1_OFF, 8, CLUSTER + 512, IMG_E_CORRUPT },
	{ "L1 over the header", QCOW2_HDR_L1_OFF, 8, 0, IMG_E_CORRUPT },
	{ "a disk without end", QCOW2_HDR_SIZE, 8, UINT64_MAX, IMG_E_CORRUPT },
	{ "refcounts not aligned", QCOW2_HDR_REFTABLE_OFF, 8, 1, IMG_E_CORRUPT },
	{ "refcounts of 8 MiB", QCOW2_HDR_REFTABLE_CLUSTERS, 4, 128, IMG_OK },
	{ "refcounts above", QCOW2_HDR_REFTABLE_CLUSTERS, 4, 129, IMG_E_RANGE },
	{ "snapshots", QCOW2_HDR_SNAPSHOTS, 4, 65537, IMG_E_RANGE },
	{ "refcount order", QCOW2_HDR_REFCOUNT_ORDER, 4, 7, IMG_E_CORRUPT },
	{ "header length", QCOW2_HDR_LEN, 4, 96, IMG_E_CORRUPT },
	{ "header length, odd", QCOW2_HDR_LEN, 4, 108, IMG_E_CORRUPT },
	{ "header length, large", QCOW2_HDR_LEN, 4, CLUSTER + 8, IMG_E_CORRUPT },
	{ "compression without bit", QCOW2_HDR_COMPRESSION, 1, 1, IMG_E_CORRUPT },
	{ "bit without compression", QCOW2_HDR_INCOMPATIBLE, 8, 8, IMG_E_CORRUPT },
	{ "dirty and corrupt", QCOW2_HDR_INCOMPATIBLE, 8, 3, IMG_OK },
	{ "unknown compatible", QCOW2_HDR_COMPATIBLE, 8, UINT64_MAX, IMG_OK },
	{ "unknown incompatible", QCOW2_HDR_INCOMPATIBLE, 8, UINT64_C(1) << 63, IMG_E_UNSUPPORTED },
	{ "extension length", QCOW2_HDR_OUR_LEN + QCOW2_EXT_LEN, 4, CLUSTER, IMG_E_CORRUPT },
	{ "extension length, huge", QCOW2_HDR_OUR_LEN + QCOW2_EXT_LEN, 4, UINT32_MAX, IMG_E_CORRUPT },
	{ "backing name, long", QCOW2_HDR_BACKING_LEN, 4, 1024, IMG_E_RANGE },
	{ "backing name, longest", QCOW2_HDR_BACKING_LEN, 4, 1023, IMG_OK },
	{ "backing name outside", QCOW2_HDR_BACKING_OFF, 8, CLUSTER, IMG_E_CORRUPT },
	{ "backing name far away", QCOW2_HDR_BACKING_OFF, 8, UINT64_MAX, IMG_E_CORRUPT },
	{ "backing name over the header", QCOW2_HDR_BACKING_OFF, 8, 8, IMG_E_CORRUPT },
};

static void put(uint8_t *at, unsigned width, uint64_t value)
{
	for (unsigned i = 0; i < width; i++)
		at[i] = (uint8_t)(value >> 8 * (width - 1 - i));
}

Test(header, every_number_at_its_limit)
{
	static uint8_t raw[CLUSTER];

	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		struct qcow2_header hdr = usual();

		hdr.backing = text("below");
		encode(hdr, raw, sizeof(raw));
		put(raw + changes[i].at, changes[i].width, changes[i].value);
		cr_assert_eq(decode_code(raw, sizeof(raw)), changes[i].code, "%s", changes[i].what);
	}
}

Test(header, subclusters_need_16_kib)
{
	struct qcow2_header hdr = sample_header(13, 1 << 20);
	struct img_err err = { 0 };

	hdr.incompatible = QCOW2_INCOMPATIBLE_EXTENDED_L2;
	cr_assert_not(qcow2_header_validate(&hdr, &err));
	hdr = sample_header(14, 1 << 20);
	hdr.incompatible = QCOW2_INCOMPATIBLE_EXTENDED_L2;
	cr_assert(qcow2_header_validate(&hdr, &err));
}

Test(header, unknown_features_are_refused_by_their_name)
{
	static uint8_t raw[CLUSTER];
	struct qcow2_header out;
	struct img_err err = { 0 };
	uint8_t *row = raw + QCOW2_HDR_OUR_LEN + QCOW2_EXT_DATA;

	encode(usual(), raw, sizeof(raw));
	row[QCOW2_FEATURE_BIT] = 40;
	memcpy(row + QCOW2_FEATURE_NAME, "time\ntravel", 12);
	img_put_be64(raw + QCOW2_HDR_INCOMPATIBLE, UINT64_C(1) << 40);
	cr_assert_not(qcow2_header_decode(raw, sizeof(raw), &out, &err));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED);
	cr_assert(strstr(err.text, "\"time?travel\""), "%s", err.text);
}

Test(header, an_extension_comes_once)
{
	struct qcow2_header hdr = usual();
	static uint8_t raw[CLUSTER];

	hdr.backing_format = text("raw");
	hdr.data_file = text("raw");
	encode(hdr, raw, sizeof(raw));
	cr_assert_eq(decode_code(raw, sizeof(raw)), IMG_OK);
	img_put_be32(raw + QCOW2_HDR_OUR_LEN + 16, QCOW2_EXT_BACKING_FORMAT);
	cr_assert_eq(decode_code(raw, sizeof(raw)), IMG_E_CORRUPT);
}
