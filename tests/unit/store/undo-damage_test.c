/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Undo files that are damaged, made up, or for another image. */
#include "undo_image.h"
#include <criterion/parameterized.h>
#include "base/bytes.h"

enum { LEN = 20 * UNDO_BLOCK + 100, FILE_MAX = 1 << 17 };

struct bytes {
	size_t len;
	uint8_t at[FILE_MAX];
};

/* After some changes; and the undo file as a crash would have left it. */
static struct bytes image, undo, crashed;

static struct img_store *mem_of(const struct bytes *bytes)
{
	struct img_store *st;

	ok(st = img_store_mem(bytes->at, bytes->len, &err));
	return st;
}

static void take(const char *path, struct bytes *out)
{
	const int fd = open(path, O_RDONLY);
	const ssize_t n = read(fd, out->at, FILE_MAX);

	cr_assert(fd >= 0 && n > 0 && n < FILE_MAX && !close(fd));
	out->len = (size_t)n;
}

static void make_both(void)
{
	struct img_store *st, *was = mem_image(LEN);

	scratch_enter();
	ok(st = img_store_file_new("image", IMG_CACHE_DEFAULT, &err));
	ok(img_store_read(was, 0, image.at, LEN, &err));
	ok(img_store_write(st, 0, image.at, LEN, &err) && img_store_publish(st, &err));
	img_store_close(was);
	img_store_close(st);
	ok(st = img_store_file("image", IMG_OPEN_WRITE, IMG_CACHE_DEFAULT, &err));
	ok(st = img_store_undo(st, "undo", &err));
	ok(img_store_resize(st, LEN - 100, &err));
	ok(img_store_zero(st, 3 * UNDO_BLOCK, 2 * UNDO_BLOCK, false, &err));
	ok(img_store_write(st, 8 * UNDO_BLOCK + 5, "abc", 3, &err));
	take("undo", &crashed);
	img_store_close(st);
	take("image", &image);
	take("undo", &undo);
	scratch_leave();
}

TestSuite(undo_damage, .init = make_both);

/* Either the image is as it was before all, or nothing was done to it and the error tells why. */
static bool try_restore(const struct bytes *from)
{
	struct img_store *file = mem_of(from), *target = mem_of(&image);
	static struct bytes now;
	const bool done = img_undo_restore(file, target, &err);

	if (done) {
		cr_assert(is_image(target, LEN));
	} else {
		cr_assert(err.code != IMG_OK && !strncmp(err.text, "memory: ", 8), "%s", err.text);
		ok(img_store_read_some(target, 0, now.at, FILE_MAX, &now.len, &err));
		cr_assert(now.len == image.len && !memcmp(now.at, image.at, now.len));
	}
	img_store_close(file);
	img_store_close(target);
	return done;
}

Test(undo_damage, a_file_that_was_cut_is_refused)
{
	struct bytes cut = undo;

	cr_assert(try_restore(&undo));
	for (cut.len = 0; cut.len < undo.len; cut.len += cut.len < 9000 ? 1 : 41) {
		cr_assert_not(try_restore(&cut), "cut at %zu", cut.len);
		cr_assert_eq(err.code, IMG_E_INCOMPLETE, "cut at %zu: %s", cut.len, err.text);
	}
}

Test(undo_damage, a_flipped_bit_is_refused_or_does_not_matter)
{
	struct bytes bad = undo;

	for (size_t at = 0; at < undo.len; at += at < 200 || at % 4096 < 30 ? 1 : 13) {
		const bool needed = at < UNDO_HDR_BYTES || at >= UNDO_RECORDS_AT;

		bad.at[at] ^= (uint8_t)(1u << at % 8);
		cr_assert_eq(try_restore(&bad), !needed, "byte %zu", at);
		bad.at[at] = undo.at[at];
	}
}

Test(undo_damage, records_count_in_their_place_only)
{
	struct bytes bad = undo;
	/* One of 100 bytes, one of a block, one of zeros, one of a block. */
	const size_t second = UNDO_RECORDS_AT + UNDO_REC_BYTES + 100;
	const size_t third = second + UNDO_REC_BYTES + UNDO_BLOCK;

	memcpy(bad.at + second, undo.at + third, UNDO_REC_BYTES);
	memcpy(bad.at + second + UNDO_REC_BYTES, undo.at + second, third - second);
	cr_assert_not(try_restore(&bad), "two have changed places");
	bad = undo;
	memmove(bad.at + UNDO_RECORDS_AT, bad.at + second, bad.len - second);
	cr_assert_not(try_restore(&bad), "the first is missing");
	/* What is behind the end is nothing. */
	bad = undo;
	memset(bad.at + bad.len, 0x55, 1000);
	bad.len += 1000;
	cr_assert(try_restore(&bad));
}

/* Only the last save may have been cut off by a crash. */
Test(undo_damage, without_the_last_seal_the_saves_before_the_last_are_needed)
{
	const size_t last = crashed.len - UNDO_REC_BYTES - UNDO_BLOCK;
	struct bytes bad = crashed;

	cr_assert(try_restore(&crashed));
	for (size_t at = UNDO_RECORDS_AT; at < last; at += 7) {
		bad.at[at] ^= 1;
		cr_assert_not(try_restore(&bad), "byte %zu", at);
		bad.at[at] = crashed.at[at];
	}
	for (bad.len = 0; bad.len < last; bad.len += 29)
		cr_assert_not(try_restore(&bad), "cut at %zu", bad.len);
}

/* What a crash leaves behind the seal was not needed. */
Test(undo_damage, a_torn_tail_is_ignored)
{
	const struct img_undo_record rec = { UNDO_KIND_BYTES, 0, UNDO_BLOCK };
	struct bytes more = undo;
	struct img_undo_seal seal;
	uint8_t *raw = more.at + undo.len;

	cr_assert(img_undo_seal_decode(more.at + UNDO_SEAL_AT, &seal));
	cr_assert_eq(seal.end, undo.len);
	fill_image(raw + UNDO_REC_BYTES, UNDO_BLOCK);
	(void)img_undo_record_encode(&rec, seal.chain, raw + UNDO_REC_BYTES, raw);
	for (size_t n = 0; n <= UNDO_REC_BYTES + UNDO_BLOCK; n++) {
		more.len = undo.len + n;
		cr_assert(try_restore(&more));
	}
}

/* A file of one's own making: a header, and records of zeros or of one block. */
struct made_up {
	uint32_t block;
	uint64_t original;
	struct img_undo_record recs[2];
	enum img_code code;
	char text[80];
};

#define A_RECORD { UNDO_KIND_ZEROS, 0, UNDO_BLOCK }

ParameterizedTestParameters(undo_damage, nonsense_is_refused)
{
	static struct made_up tries[] = {
		{ 512, 4096, { A_RECORD }, IMG_E_CORRUPT, "blocks of 512" },
		{ 6000, 4096, { A_RECORD }, IMG_E_CORRUPT, "blocks of 6000" },
		{ 1 << 21, 4096, { A_RECORD }, IMG_E_CORRUPT, "blocks of 2097152" },
		{ 4096, UINT64_MAX, { A_RECORD }, IMG_E_CORRUPT, "no image has" },
		{ 4096, 8192, { { 3, 0, 4096 } }, IMG_E_CORRUPT, "kind 3 are unknown" },
		{ 4096, 8192, { { 2, 0, 0 } }, IMG_E_CORRUPT, "cannot have been saved" },
		{ 4096, 8192, { { 2, 4096, 8192 } }, IMG_E_CORRUPT, "cannot have been saved" },
		{ 4096, 8192, { { 2, 8192, 4096 } }, IMG_E_CORRUPT, "cannot have been saved" },
		{ 4096, 8192, { { 2, UINT64_MAX - 4095, 8192 } }, IMG_E_CORRUPT, "cannot have" },
		{ 4096, 8192, { { 2, 4096, UINT64_MAX - 4095 } }, IMG_E_CORRUPT, "cannot have" },
		{ 4096, 8192, { { 2, 0, UINT64_MAX } }, IMG_E_CORRUPT, "cannot have been saved" },
		{ 4096, 8192, { { 2, 512, 4096 } }, IMG_E_CORRUPT, "cannot have been saved" },
		{ 4096, 8192, { { 2, 0, 5000 } }, IMG_E_CORRUPT, "cannot have been saved" },
		{ 8192, 8192, { { 2, 4096, 4096 } }, IMG_E_CORRUPT, "cannot have been saved" },
		{ 4096, 8192, { A_RECORD, A_RECORD }, IMG_E_CORRUPT, "offset 0 twice" },
		{ 4096, 8192, { { 2, 4096, 4096 }, { 2, 0, 8192 } }, IMG_E_CORRUPT, "twice" },
		{ 4096, 8192, { { 1, 0, UINT64_MAX } }, IMG_E_ARGUMENT, "not the image" },
		{ 4096, INT64_MAX, { A_RECORD }, IMG_E_ARGUMENT, "not the image" },
	};

	return cr_make_param_array(struct made_up, tries, sizeof(tries) / sizeof(tries[0]));
}

static void make_up(const struct made_up *made, struct bytes *out)
{
	const struct img_undo_header header = { made->block, made->original, { 0 } };
	uint32_t chain;

	memset(out, 0, sizeof(*out));
	img_undo_header_encode(&header, out->at);
	chain = img_undo_header_chain(out->at);
	out->len = UNDO_RECORDS_AT;
	for (size_t i = 0; i < 2 && made->recs[i].kind; i++) {
		struct img_undo_record rec = made->recs[i];
		const bool has_bytes = rec.kind == UNDO_KIND_BYTES;

		/* An encoder takes no bytes that there are not. */
		rec.kind = has_bytes ? UNDO_KIND_ZEROS : rec.kind;
		chain = img_undo_record_encode(&rec, chain, NULL, out->at + out->len);
		img_put_be32(out->at + out->len + UNDO_REC_KIND, made->recs[i].kind);
		out->len += UNDO_REC_BYTES + (has_bytes ? UNDO_BLOCK : 0);
	}
}

ParameterizedTest(struct made_up *made, undo_damage, nonsense_is_refused, .init = make_both)
{
	make_up(made, &undo);
	cr_assert_not(try_restore(&undo));
	cr_assert_eq(err.code, made->code, "%s", err.text);
	cr_assert(strstr(err.text, made->text), "%s", err.text);
}

Test(undo_damage, other_files_and_versions_are_refused)
{
	struct bytes bad = undo;

	img_put_be32(bad.at + UNDO_HDR_VERSION, 2);
	cr_assert_not(try_restore(&bad));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED);
	cr_assert_not(try_restore(&image));
	cr_assert_eq(err.code, IMG_E_NOT_THIS_FORMAT);
	memset(bad.at, 0, bad.len);
	cr_assert_not(try_restore(&bad));
	cr_assert_eq(err.code, IMG_E_INCOMPLETE);
}

struct wrong {
	size_t len, changed_at;		/* of another file; what it differs in */
	bool fits;
};

/* Blocks 3, 4, 8 and 20 of 21 were saved; there are no samples of 4, 8, 12, 16 and 19. */
ParameterizedTestParameters(undo_damage, another_target_is_refused)
{
	static struct wrong wrongs[] = {
		{ LEN, 8 * UNDO_BLOCK + 7, true },
		{ LEN, 9 * UNDO_BLOCK + 7, false },
		{ LEN, 0, false },
		{ LEN, UNDO_BLOCK + 4000, false },
		{ LEN, 20 * UNDO_BLOCK + 99, true },
		{ LEN - 100, 8 * UNDO_BLOCK, true },
		{ LEN - 101, 8 * UNDO_BLOCK, false },
		{ LEN - 3000, 8 * UNDO_BLOCK, false },
		{ UNDO_BLOCK, 1, false },
		{ 1, 0, false },
		{ LEN + 5000, 8 * UNDO_BLOCK, true },
	};

	return cr_make_param_array(struct wrong, wrongs, sizeof(wrongs) / sizeof(wrongs[0]));
}

ParameterizedTest(struct wrong *wrong, undo_damage, another_target_is_refused, .init = make_both)
{
	fill_image(image.at, LEN);
	image.len = wrong->len;
	image.at[wrong->changed_at] ^= 1;
	cr_assert_eq(try_restore(&undo), wrong->fits, "%s", err.text);
	cr_assert(wrong->fits || err.code == IMG_E_ARGUMENT);
}

Test(undo_damage, a_target_that_cannot_get_its_length_is_refused)
{
	struct img_store *whole, *part, *file = mem_of(&undo);

	fill_image(image.at, image.len = LEN + 1);
	whole = mem_of(&image);
	ok(part = img_store_slice(whole, 0, LEN + 1, &err));
	fails(img_undo_restore(file, part, &err), IMG_E_ARGUMENT);
	img_store_close(part);
	ok(part = img_store_slice(whole, 0, LEN, &err));
	ok(img_undo_restore(file, part, &err));
	img_store_close(part);
	img_store_close(whole);
	img_store_close(file);
}
