/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A header that nobody opens, and back: of both versions, with what others have put there. */
#include "sample.h"
#include "format/qcow2/recrypt.h"

enum { CLUSTER = 4096, EXTENSION = 16, OTHER_FEATURE = 40 };

static const struct img_recrypt_mark mark = {
	.id = "0123456789abcde", .key_at = 0x50000, .key_len = 2068480,
};

static struct img_err err;

/* As others might have left it: an extension and the name of a feature that nobody here knows. */
static struct qcow2_header others(uint32_t version)
{
	struct qcow2_header hdr = sample_header(12, 1 << 20);

	hdr.version = version;
	hdr.backing = strdup("base.img");
	hdr.more_extensions = (struct qcow2_bytes){ calloc(1, EXTENSION), EXTENSION };
	memcpy(hdr.more_extensions.raw, "abcd\0\0\0\5hello", 13);
	if (version < 3)
		return hdr;
	hdr.more_names = (struct qcow2_bytes){ calloc(1, QCOW2_FEATURE_LEN), QCOW2_FEATURE_LEN };
	hdr.more_names.raw[QCOW2_FEATURE_TYPE] = QCOW2_FEATURE_COMPATIBLE;
	hdr.more_names.raw[QCOW2_FEATURE_BIT] = OTHER_FEATURE;
	hdr.more_names.raw[QCOW2_FEATURE_NAME] = 'x';
	return hdr;
}

static void encode(const struct qcow2_header *hdr, uint8_t *raw)
{
	cr_assert(qcow2_header_encode(hdr, raw, CLUSTER, &err), "%s", err.text);
}

static void there_and_back(uint32_t version)
{
	uint8_t before[CLUSTER], marked[CLUSTER], after[CLUSTER];
	struct qcow2_header hdr = others(version), back;
	struct img_recrypt_mark seen;

	encode(&hdr, before);
	cr_assert(qcow2_recrypt_put_mark(&hdr, &mark, &err));
	encode(&hdr, marked);
	qcow2_header_clear(&hdr);

	cr_assert(!qcow2_header_decode(marked, CLUSTER, &back, &err));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED);
	cr_assert(strstr(err.text, "imgcrypt"), "%s", err.text);

	cr_assert(qcow2_recrypt_take_mark(marked, CLUSTER, &back, &seen, &err), "%s", err.text);
	encode(&back, after);
	cr_assert_arr_eq(after, before, CLUSTER);
	cr_assert_arr_eq(seen.id, mark.id, sizeof(seen.id));
	cr_assert_eq(seen.key_at, mark.key_at);
	cr_assert_eq(seen.key_len, mark.key_len);
	qcow2_header_clear(&back);
}

Test(recrypt_mark, what_is_marked_comes_back)
{
	there_and_back(2);
	there_and_back(3);
}

Test(recrypt_mark, what_is_not_marked_is_damaged)
{
	uint8_t raw[CLUSTER], copy[CLUSTER];
	struct qcow2_header hdr = others(3), back;
	struct img_recrypt_mark seen;

	encode(&hdr, raw);
	cr_assert(!qcow2_recrypt_take_mark(raw, CLUSTER, &back, &seen, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT);
	cr_assert(qcow2_recrypt_put_mark(&hdr, &mark, &err));
	encode(&hdr, raw);
	for (size_t len = 0; len < QCOW2_HDR_OUR_LEN; len += 7) {
		memcpy(copy, raw, len);
		cr_assert(!qcow2_recrypt_take_mark(copy, len, &back, &seen, &err));
	}
	/* The bit alone says nothing. */
	qcow2_header_clear(&hdr);
	hdr = others(3);
	hdr.incompatible = UINT64_C(1) << 63;
	encode(&hdr, raw);
	cr_assert(!qcow2_recrypt_take_mark(raw, CLUSTER, &back, &seen, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT);
	qcow2_header_clear(&hdr);
}
