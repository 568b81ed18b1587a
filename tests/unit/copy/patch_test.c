/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Patches from one drawn disk to another, applied to a raw file. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "base/bytes.h"
#include "copy/patch.h"
#include "unit/fake/fake.h"
#include "unit/fake/files.h"

#define BLOCK 4096

static struct img_err err;

static void enter(void)
{
	files_enter();
	err = (struct img_err){ 0 };
}

TestSuite(patch, .init = enter, .fini = files_leave);

static void write_disk(const char *path, const char *drawing)
{
	uint8_t *content = fake_content(drawing, BLOCK, 0);

	files_write(path, content, strlen(drawing) * BLOCK);
	free(content);
}

static bool holds(const char *path, const char *drawing)
{
	uint8_t *content = fake_content(drawing, BLOCK, 0);
	size_t len;
	uint8_t *bytes = files_read(path, &len);
	const bool same = bytes && len == strlen(drawing) * BLOCK && !memcmp(bytes, content, len);

	free(bytes);
	free(content);
	return same;
}

static void make(const char *path, const char *from, const char *to, unsigned threads)
{
	struct img *a = fake_disk(from, BLOCK, 0), *b = fake_disk(to, BLOCK, 0);
	const struct img_diff what = { .a = a, .b = b, .compare = true, .threads = threads };
	const struct img_patch_new how = { .path = path };
	struct img_patch_stats stats;

	cr_assert(img_patch_write(&what, &how, NULL, &stats, &err), "%s", err.text);
	img_close(a);
	img_close(b);
}

static bool apply(const char *disk, const char *patch, struct img_patch how)
{
	const struct img_open open = {
		.path = disk, .format = "raw", .flags = IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE,
	};
	struct img_patch_stats stats;

	how.im = img_open(&open, &err);
	how.path = patch;
	cr_assert(how.im, "%s", err.text);
	const bool ok = img_patch_apply(&how, NULL, &stats, &err) && img_finish(how.im, &err);

	img_close(how.im);
	return ok;
}

static const struct { const char *from, *to; } pairs[] = {
	{ "aaaa", "aaaa" }, { "aaaa", "abca" }, { "aaaa", "a..b" }, { "....", "qqqq" },
	{ "aa", "aacc" }, { "aa", "aa..c" }, { "aacc", "ba" }, { "abcdefgh", "bbddffhh" },
};

Test(patch, makes_the_one_disk_the_other)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		write_disk("disk", pairs[i].from);
		make("patch", pairs[i].from, pairs[i].to, 1 + i % 3);
		cr_assert(apply("disk", "patch", (struct img_patch){ .dry_run = true }));
		cr_assert(holds("disk", pairs[i].from));
		cr_assert(apply("disk", "patch", (struct img_patch){ .im = NULL }), "%zu: %s", i,
			  err.text);
		cr_assert(holds("disk", pairs[i].to), "%zu", i);
	}
}

Test(patch, is_the_same_for_any_number_of_threads)
{
	uint8_t *one, *many;
	size_t len_one, len_many;

	make("one", "aaaabbbb....cccc", "abaab..bcccc....", 1);
	make("many", "aaaabbbb....cccc", "abaab..bcccc....", 7);
	one = files_read("one", &len_one);
	many = files_read("many", &len_many);
	cr_assert_eq(len_one, len_many);
	cr_assert_arr_eq(one, many, len_one);
	free(one);
	free(many);
}

Test(patch, is_for_one_disk_only)
{
	make("patch", "aaaa", "abca", 1);
	write_disk("other", "aada");
	cr_assert_not(apply("other", "patch", (struct img_patch){ .im = NULL }));
	cr_assert_eq(err.code, IMG_E_MISMATCH);
	write_disk("longer", "aaaaa");
	cr_assert_not(apply("longer", "patch", (struct img_patch){ .dry_run = true }));
	cr_assert_eq(err.code, IMG_E_MISMATCH);
	cr_assert(holds("other", "aada") && holds("longer", "aaaaa"));
	cr_assert(apply("longer", "patch", (struct img_patch){ .force = true }), "%s", err.text);
	cr_assert(holds("longer", "abca"));
	/* Twice is once too often. */
	cr_assert_not(apply("longer", "patch", (struct img_patch){ .im = NULL }));
	cr_assert_eq(err.code, IMG_E_MISMATCH);
}

/* One record of each kind. */
static uint8_t *small_patch(size_t *len)
{
	write_disk("disk", "aa");
	make("patch", "aa", ".b", 1);
	return files_read("patch", len);
}

static void refuse(const uint8_t *bytes, size_t len, size_t where)
{
	files_write("damaged", bytes, len);
	err.code = IMG_OK;
	cr_assert_not(apply("disk", "damaged", (struct img_patch){ .force = true }), "%zu", where);
	cr_assert(err.code == IMG_E_CORRUPT || err.code == IMG_E_INCOMPLETE ||
		  err.code == IMG_E_NOT_THIS_FORMAT, "%zu: %d", where, err.code);
	cr_assert(holds("disk", "aa"));
}

/* All bytes but those of the data, of which some will do. */
static size_t next_place(size_t at)
{
	return at > 100 && at < 4096 ? at + 509 : at + 1;
}

Test(patch, each_wrong_byte_is_found)
{
	size_t len;
	uint8_t *bytes = small_patch(&len);

	for (size_t at = 0; at < len; at = next_place(at)) {
		bytes[at] ^= (uint8_t)(1 << at % 8);
		refuse(bytes, len, at);
		bytes[at] ^= (uint8_t)(1 << at % 8);
	}
	free(bytes);
}

Test(patch, each_missing_end_is_found)
{
	size_t len;
	uint8_t *bytes = small_patch(&len);

	for (size_t at = 0; at < len; at = next_place(at))
		refuse(bytes, at, at);
	free(bytes);
}

Test(patch, nothing_may_stand_behind_it)
{
	size_t len;
	uint8_t *bytes = small_patch(&len), *more = calloc(1, len + 1);

	memcpy(more, bytes, len);
	refuse(more, len + 1, len);
	free(bytes);
	free(more);
}

/* Puts records into a patch for a disk of two blocks, with checksums that are right. */
struct forged {
	uint8_t raw[4 * PATCH_REC_BYTES + BLOCK];
	size_t len;
	uint32_t chain;
};

static void forge_header(struct forged *f)
{
	const struct patch_header header = { .old_size = 2 * BLOCK, .new_size = 2 * BLOCK };

	f->chain = patch_header_encode(&header, f->raw);
	f->len = PATCH_HDR_BYTES;
}

static void forge(struct forged *f, struct patch_record rec, const uint8_t *bytes)
{
	f->chain = patch_record_encode(&rec, f->chain, bytes, f->raw + f->len);
	f->len += PATCH_REC_BYTES;
	if (bytes)
		memcpy(f->raw + f->len, bytes, rec.len);
	f->len += bytes ? rec.len : 0;
}

static void forge_end(struct forged *f, const struct patch_totals *totals)
{
	uint8_t raw[PATCH_END_BYTES];

	patch_end_encode(totals, raw);
	forge(f, (struct patch_record){ PATCH_END, totals->records, sizeof(raw) }, raw);
}

static const struct patch_record senseless[] = {
	{ PATCH_ZERO, 0, 0 },
	{ PATCH_ZERO, 0, 2 * BLOCK + 1 },
	{ PATCH_ZERO, 2 * BLOCK, 1 },
	{ PATCH_ZERO, UINT64_MAX, 1 },
	{ PATCH_ZERO, BLOCK, UINT64_MAX },
	{ 0, 0, BLOCK },
	{ 9, 0, BLOCK },
};

Test(patch, records_that_make_no_sense_are_refused)
{
	const struct patch_record half = { PATCH_ZERO, BLOCK, 512 };
	struct forged f;

	write_disk("disk", "aa");
	for (size_t i = 0; i < sizeof(senseless) / sizeof(senseless[0]); i++) {
		const struct patch_totals totals = { .records = 1, .zero = senseless[i].len };

		forge_header(&f);
		forge(&f, senseless[i], NULL);
		forge_end(&f, &totals);
		refuse(f.raw, f.len, i);
	}
	forge_header(&f);
	forge(&f, half, NULL);
	forge(&f, half, NULL);
	forge_end(&f, &(struct patch_totals){ .records = 2, .zero = 1024 });
	refuse(f.raw, f.len, 100);
}

Test(patch, the_end_has_to_agree)
{
	static const struct patch_totals wrong[] = {
		{ .records = 2, .zero = 512 }, { .records = 1, .zero = 511 },
		{ .records = 1, .zero = 512, .data = 1 },
	};
	struct forged f;

	write_disk("disk", "aa");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		forge_header(&f);
		forge(&f, (struct patch_record){ PATCH_ZERO, BLOCK, 512 }, NULL);
		forge_end(&f, &wrong[i]);
		refuse(f.raw, f.len, i);
	}
}

Test(patch, a_later_version_is_not_guessed_at)
{
	uint8_t raw[PATCH_HDR_BYTES];
	struct patch_header header = { .old_size = 1, .new_size = INT64_MAX }, out;
	uint32_t chain, of_header = patch_header_encode(&header, raw);

	cr_assert(patch_header_decode(raw, &out, &chain, &err));
	cr_assert(out.old_size == 1 && out.new_size == INT64_MAX && chain == of_header);
	img_put_be32(raw + PATCH_HDR_VERSION, 2);
	img_put_be32(raw + PATCH_HDR_CRC, (uint32_t)crc32(0, raw, PATCH_HDR_CRC));
	cr_assert_not(patch_header_decode(raw, &out, &chain, &err));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED);
	header.new_size++;
	patch_header_encode(&header, raw);
	cr_assert_not(patch_header_decode(raw, &out, &chain, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT);
}
