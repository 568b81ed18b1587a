/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Differences of RBD: what is written is read as the same, and what makes no sense is refused. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
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

TestSuite(patch_rbd, .init = enter, .fini = files_leave);

/* ---- A stream, put together by hand -------------------------------------------------------------- */

struct stream {
	uint8_t raw[16 * BLOCK];
	size_t len;
	unsigned version;
};

static void add(struct stream *st, const void *bytes, size_t len)
{
	memcpy(st->raw + st->len, bytes, len);
	st->len += len;
}

static void start(struct stream *st, unsigned version)
{
	*st = (struct stream){ .version = version };
	add(st, version == 1 ? "rbd diff v1\n" : "rbd diff v2\n", 12);
}

/* A letter, in version 2 with how much will follow. */
static void add_head(struct stream *st, char letter, uint64_t rest)
{
	uint8_t raw[8];

	img_put_le64(raw, rest);
	add(st, &letter, 1);
	if (st->version == 2)
		add(st, raw, sizeof(raw));
}

static void add_name(struct stream *st, char letter, const char *name, uint32_t len)
{
	uint8_t raw[4];

	img_put_le32(raw, len);
	add_head(st, letter, 4 + (uint64_t)len);
	add(st, raw, sizeof(raw));
	add(st, name, strlen(name));
}

static void add_size(struct stream *st, uint64_t size)
{
	uint8_t raw[8];

	img_put_le64(raw, size);
	add_head(st, 's', sizeof(raw));
	add(st, raw, sizeof(raw));
}

/* drawing: of the whole disk, whose bytes are there that the record says; NULL: none follow. */
static void add_range(struct stream *st, char letter, uint64_t at, uint64_t len, const char *drawing)
{
	uint8_t raw[16], *bytes = fake_content(drawing ? drawing : "", BLOCK, 0);

	img_put_le64(raw, at);
	img_put_le64(raw + 8, len);
	add_head(st, letter, sizeof(raw) + (letter == 'w' ? len : 0));
	add(st, raw, sizeof(raw));
	if (drawing)
		add(st, bytes + at, len);
	free(bytes);
}

/* ---- A raw disk ------------------------------------------------------------------------------------ */

static void write_disk(const char *drawing)
{
	uint8_t *content = fake_content(drawing, BLOCK, 0);

	files_write("disk", content, strlen(drawing) * BLOCK);
	free(content);
}

static bool holds(const char *drawing)
{
	uint8_t *content = fake_content(drawing, BLOCK, 0);
	size_t len;
	uint8_t *bytes = files_read("disk", &len);
	const bool same = bytes && len == strlen(drawing) * BLOCK && !memcmp(bytes, content, len);

	free(bytes);
	free(content);
	return same;
}

static bool apply(const struct stream *st)
{
	const struct img_open open = {
		.path = "disk", .format = "raw", .flags = IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE,
	};
	struct img_patch what = { .path = "stream" };
	struct img_patch_stats stats;

	files_write("stream", st->raw, st->len);
	what.im = img_open(&open, &err);
	cr_assert(what.im, "%s", err.text);
	const bool ok = img_patch_apply(&what, NULL, &stats, &err) && img_finish(what.im, &err);

	img_close(what.im);
	return ok;
}

static void refuse(const struct stream *st, size_t where)
{
	err.code = IMG_OK;
	write_disk("aa");
	cr_assert_not(apply(st), "%zu", where);
	cr_assert(err.code == IMG_E_CORRUPT || err.code == IMG_E_INCOMPLETE ||
		  err.code == IMG_E_NOT_THIS_FORMAT, "%zu: %d", where, err.code);
	cr_assert(holds("aa"), "%zu", where);
}

/* ---- Tests ----------------------------------------------------------------------------------------- */

Test(patch_rbd, both_versions_in_any_order)
{
	struct stream st;

	for (unsigned version = 1; version <= 2; version++) {
		start(&st, version);
		add_size(&st, 4 * BLOCK);
		add_name(&st, 'f', "one", 3);
		if (version == 2)
			add_name(&st, 'p', "?", 1);
		add_range(&st, 'w', 2 * BLOCK, 2 * BLOCK, ".acd");
		add_range(&st, 'w', BLOCK, 0, NULL);
		if (version == 2)
			add_range(&st, 'q', 0, 0, NULL);
		add_range(&st, 'z', 0, BLOCK, NULL);
		add(&st, "e", 1);
		write_disk("aa");
		cr_assert(apply(&st), "%u: %s", version, err.text);
		cr_assert(holds(".acd"), "%u", version);
	}
}

Test(patch_rbd, the_size_may_be_missing)
{
	struct stream st;

	start(&st, 1);
	add_range(&st, 'w', BLOCK, BLOCK, "ab");
	add(&st, "e", 1);
	write_disk("aa");
	cr_assert(apply(&st), "%s", err.text);
	cr_assert(holds("ab"));
}

Test(patch_rbd, a_long_record_comes_in_pieces)
{
	const size_t len = PATCH_MOST + BLOCK;
	uint8_t *raw = calloc(1, len + 64), head[RBD_RANGE_BYTES];
	struct img_store *st;
	struct patch_reader rd;
	struct patch_record rec;
	const uint8_t *bytes;

	patch_rbd_banner_encode(raw);
	patch_rbd_range_encode(RBD_DATA, 512, len, head);
	memcpy(raw + RBD_BANNER, head, sizeof(head));
	raw[RBD_BANNER + sizeof(head) + len] = RBD_END;
	st = img_store_mem(raw, RBD_BANNER + sizeof(head) + len + 1, NULL);
	cr_assert(patch_reader_init(&rd, st, &err));
	cr_assert(patch_reader_next(&rd, &rec, &bytes, &err));
	cr_assert(rec.at == 512 && rec.len == PATCH_MOST);
	cr_assert(patch_reader_next(&rd, &rec, &bytes, &err));
	cr_assert(rec.at == 512 + PATCH_MOST && rec.len == BLOCK);
	cr_assert(patch_reader_next(&rd, &rec, &bytes, &err) && rec.kind == PATCH_END);
	patch_reader_clear(&rd);
	img_store_close(st);
	free(raw);
}

static void whole(struct stream *st, unsigned version)
{
	start(st, version);
	add_name(st, 't', "two", 3);
	add_size(st, 2 * BLOCK);
	add_range(st, 'w', 0, BLOCK, "b");
	add_range(st, 'z', BLOCK, BLOCK, NULL);
	add(st, "e", 1);
}

Test(patch_rbd, each_missing_end_is_found)
{
	struct stream st, cut;

	for (unsigned version = 1; version <= 2; version++) {
		whole(&st, version);
		cut = st;
		for (cut.len = 0; cut.len < st.len; cut.len += cut.len > 80 && cut.len < BLOCK ? 509 : 1)
			refuse(&cut, cut.len);
		add(&st, "e", 1);
		refuse(&st, st.len);
	}
}

static const struct { char letter; uint64_t at, len; } senseless[] = {
	{ 'z', 0, 2 * BLOCK + 1 }, { 'z', 2 * BLOCK, 1 }, { 'z', UINT64_MAX, 1 }, { 'z', 1, UINT64_MAX },
	{ 'w', 0, 2 * BLOCK + 1 }, { 'w', UINT64_MAX, UINT64_MAX }, { 's', 0, 0 }, { 'f', 0, 0 },
};

Test(patch_rbd, records_that_make_no_sense_are_refused)
{
	struct stream st;

	for (size_t i = 0; i < 2 * sizeof(senseless) / sizeof(senseless[0]); i++) {
		start(&st, 1 + i % 2);
		add_range(&st, 'z', 0, BLOCK, NULL);
		add_range(&st, senseless[i / 2].letter, senseless[i / 2].at, senseless[i / 2].len, NULL);
		add(&st, "e", 1);
		refuse(&st, i);
	}
	start(&st, 1);
	add_range(&st, 'q', 0, 0, NULL);
	add(&st, "e", 1);
	refuse(&st, 100);
}

Test(patch_rbd, prefaces_that_make_no_sense_are_refused)
{
	static const char nul[] = { 'f', 3, 0, 0, 0, 'a', 0, 'b', 'e' };
	struct stream st;

	start(&st, 1);
	add_name(&st, 'f', "a", UINT32_MAX);
	refuse(&st, 0);
	start(&st, 1);
	add_size(&st, (uint64_t)INT64_MAX + 1);
	add(&st, "e", 1);
	refuse(&st, 1);
	start(&st, 1);
	add(&st, nul, sizeof(nul));
	refuse(&st, 2);
	/* In version 2 a record is as long as it says. */
	start(&st, 2);
	add_head(&st, 's', 9);
	add(&st, "\0\20\0\0\0\0\0\0e", 9);
	refuse(&st, 3);
}

Test(patch_rbd, a_later_version_is_not_guessed_at)
{
	struct stream st;

	start(&st, 1);
	st.raw[10] = '3';
	add(&st, "e", 1);
	write_disk("aa");
	cr_assert_not(apply(&st));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED);
}

Test(patch_rbd, is_written_as_librbd_reads_it)
{
	static const char want[] = "rbd diff v1\nf\3\0\0\0onet\3\0\0\0twos\0\60\0\0\0\0\0\0"
				   "z\0\0\0\0\0\0\0\0\0\20\0\0\0\0\0\0w\0\20\0\0\0\0\0\0\0\20\0\0\0\0\0\0";
	struct img *a = fake_disk("aaa", BLOCK, 0), *b = fake_disk(".ba", BLOCK, 0);
	const struct img_diff what = { .a = a, .b = b, .compare = true };
	const struct img_patch_new how = {
		.path = "stream", .format = IMG_PATCH_RBD, .from = "one", .to = "two",
	};
	struct img_patch_stats stats;
	size_t len;

	cr_assert(img_patch_write(&what, &how, NULL, &stats, &err), "%s", err.text);
	uint8_t *raw = files_read("stream", &len);

	cr_assert_eq(len, sizeof(want) - 1 + BLOCK + 1);
	cr_assert_arr_eq(raw, want, sizeof(want) - 1);
	cr_assert_eq(raw[len - 1], 'e');
	free(raw);
	img_close(a);
	img_close(b);
}

Test(patch_rbd, zeros_are_cut_to_what_librbd_takes)
{
	struct img_store *store = img_store_file_new("stream", IMG_CACHE_UNSAFE, &err);
	struct patch_sink *sink = calloc(1, sizeof(*sink));
	const struct img_change hole = { .at = 512, .len = 2 * (uint64_t)RBD_ZERO_MOST + 1, .zero = true };

	sink->store = store;
	cr_assert(patch_rbd_put_change(sink, &hole, &err));
	cr_assert_eq(sink->n, 3 * RBD_RANGE_BYTES);
	cr_assert_eq(img_get_le64(sink->gathered + 9), RBD_ZERO_MOST);
	cr_assert_eq(img_get_le64(sink->gathered + 2 * RBD_RANGE_BYTES + 9), 1);
	free(sink);
	img_store_close(store);
}
