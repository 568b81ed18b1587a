/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes that reach the files of an image all at once, or not at all, wherever they are cut off. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "image/image.h"
#include "store/journal.h"
#include "unit/fake/files.h"

#define DISK_BYTES (128 * 1024)
#define NEW_BYTES  (64 * 1024)		/* behind the cut, and then longer again */
#define JOURNAL    "disk.journal"

TestSuite(at_once, .init = files_enter, .fini = files_leave, .timeout = 60);

static struct img_err err;

#define ok(call) cr_assert((call), "%s: %s", #call, err.text)
#define fails(call, why)                                                             \
	do {                                                                         \
		err = (struct img_err){ 0 };                                         \
		cr_assert(!(call), "%s did not fail", #call);                        \
		cr_assert_eq(err.code, why, "%s: %d, %s", #call, (int)err.code, err.text); \
	} while (0)

static void write_disk(char with)
{
	uint8_t *bytes = malloc(DISK_BYTES);

	memset(bytes, with, DISK_BYTES);
	files_write("disk", bytes, DISK_BYTES);
	free(bytes);
}

static struct img *open_disk(unsigned flags)
{
	const struct img_open how = {
		.path = "disk", .format = "raw", .flags = flags, .gate = &img_gate_local,
	};

	return img_open(&how, &err);
}

static struct img *open_at_once(void)
{
	struct img *im;

	ok(im = open_disk(IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE));
	return im;
}

/* What the changes below make of the disk. */
static uint8_t *expected(void)
{
	uint8_t *bytes = calloc(1, NEW_BYTES);

	memset(bytes, 'x', 40000);
	memcpy(bytes + 100, "changed", 7);
	memset(bytes + 8192, 0, 8192);
	memcpy(bytes + 20000, "changed", 7);
	memcpy(bytes + NEW_BYTES - 3, "end", 3);
	return bytes;
}

static void change(struct img *im)
{
	ok(img_write(im, 100, "changed", 7, &err));
	ok(img_write_zeros(im, 8192, 8192, true, &err));
	ok(img_write(im, 20000, "changed", 7, &err));
	ok(img_resize(im, &(struct img_resize){ .size = 40000 }, NULL, &err));
	ok(img_resize(im, &(struct img_resize){ .size = NEW_BYTES }, NULL, &err));
	ok(img_write(im, NEW_BYTES - 3, "end", 3, &err));
}

static bool disk_is(const uint8_t *bytes, size_t len)
{
	size_t got;
	uint8_t *found = files_read("disk", &got);
	const bool same = got == len && !memcmp(found, bytes, len);

	free(found);
	return same;
}

static bool disk_is_new(void)
{
	uint8_t *bytes = expected();
	const bool same = disk_is(bytes, NEW_BYTES);

	free(bytes);
	return same;
}

static bool disk_is_old(void)
{
	uint8_t *bytes = malloc(DISK_BYTES);
	bool same;

	memset(bytes, 'x', DISK_BYTES);
	same = disk_is(bytes, DISK_BYTES);
	free(bytes);
	return same;
}

/* Leaves a whole journal beside an image that was not touched. */
static void leave_journal(void)
{
	struct img_journal_change one = { .file.kind = JOURNAL_CHANGE };
	struct img *im;

	write_disk('x');
	im = open_at_once();
	change(im);
	one.overlay = im->layers[0].store;
	ok(one.parent = img_store_file("disk", IMG_OPEN_NO_LOCK, IMG_CACHE_WRITEBACK, &err));
	struct img_store *journal = img_store_file_new(JOURNAL, IMG_CACHE_WRITEBACK, &err);
	ok(journal);
	ok(img_journal_write(journal, &one, 1, &err));
	ok(img_store_publish(journal, &err));
	img_store_close(journal);
	img_store_close(one.parent);
	img_close(im);
	cr_assert(disk_is_old());
}

static bool shown_is_new(void)
{
	uint8_t *bytes = expected(), *shown = malloc(NEW_BYTES);
	struct img *im;
	bool same;

	ok(im = open_disk(0));
	cr_assert_eq(img_size(im), NEW_BYTES);
	ok(img_read(im, 0, shown, NEW_BYTES, &err));
	same = !memcmp(shown, bytes, NEW_BYTES);
	img_close(im);
	free(shown);
	free(bytes);
	return same;
}

Test(at_once, nothing_happens_before_the_end)
{
	struct img *im;

	write_disk('x');
	im = open_at_once();
	change(im);
	cr_assert(disk_is_old());
	img_close(im);
	cr_assert(disk_is_old());
	cr_assert_eq(files_count(), 1);
}

Test(at_once, all_happens_at_the_end)
{
	struct img *im;

	write_disk('x');
	im = open_at_once();
	change(im);
	ok(img_finish(im, &err));
	cr_assert(disk_is_new());
	img_close(im);
	cr_assert(disk_is_new());
	cr_assert_eq(files_count(), 1);
}

Test(at_once, no_change_leaves_no_trace)
{
	struct img *im;

	write_disk('x');
	im = open_at_once();
	cr_assert_eq(files_count(), 1);
	ok(img_finish(im, &err));
	img_close(im);
	cr_assert(disk_is_old());
	cr_assert_eq(files_count(), 1);
}

Test(at_once, readers_see_what_is_pending_and_leave_it)
{
	leave_journal();
	cr_assert(shown_is_new());
	cr_assert(disk_is_old());
	cr_assert(files_exist(JOURNAL));
}

Test(at_once, who_writes_finishes_it)
{
	struct img *im;

	leave_journal();
	ok(im = open_disk(IMG_OPEN_WRITE));
	cr_assert(disk_is_new());
	cr_assert(!files_exist(JOURNAL));
	img_close(im);
}

/* As a crash would leave it: the first n changes of the file are made, or one of them in part. */
static bool apply_until(const char *script)
{
	struct img_journal_reading *reading = NULL;
	struct img_store *journal, *disk, *faulty;
	bool foreign, done;

	ok(journal = img_store_file(JOURNAL, IMG_OPEN_NO_LOCK, IMG_CACHE_WRITEBACK, &err));
	ok(img_journal_read(journal, &reading, &foreign, &err));
	cr_assert(reading);
	ok(disk = img_store_file("disk", IMG_OPEN_WRITE, IMG_CACHE_WRITEBACK, &err));
	ok(faulty = img_store_fault(disk, script, &err));
	done = img_journal_apply_to(reading, 0, faulty, NULL);
	img_store_close(faulty);
	img_journal_reading_free(reading);
	img_store_close(journal);
	return done;
}

static void cut_off_at_each(const char *call, const char *how)
{
	bool done = false;

	for (int n = 1; !done; n++) {
		char script[64];
		struct img *im;

		cr_assert(n < 100);
		leave_journal();
		snprintf(script, sizeof(script), "%s:%d%s", call, n, how);
		done = apply_until(script);
		cr_assert(shown_is_new(), "%s", script);
		ok(im = open_disk(IMG_OPEN_WRITE));
		img_close(im);
		cr_assert(disk_is_new(), "%s", script);
		cr_assert(!files_exist(JOURNAL));
	}
}

Test(at_once, a_crash_at_any_point_is_made_good)
{
	cut_off_at_each("write", "");
	cut_off_at_each("write", "=torn");
	cut_off_at_each("zero", "");
	cut_off_at_each("resize", "");
}

Test(at_once, a_journal_that_was_not_finished_says_nothing)
{
	size_t len;
	uint8_t *bytes;
	struct img *im;

	leave_journal();
	bytes = files_read(JOURNAL, &len);
	for (size_t cut = 0; cut < len; cut += cut < 200 || cut > len - 200 ? 1 : 997) {
		files_write(JOURNAL, bytes, cut);
		ok(im = open_disk(0));
		cr_assert_eq(img_size(im), DISK_BYTES, "%zu", cut);
		img_close(im);
	}
	ok(im = open_disk(IMG_OPEN_WRITE));
	img_close(im);
	cr_assert(disk_is_old());
	cr_assert(!files_exist(JOURNAL));
	free(bytes);
}

Test(at_once, damage_in_a_journal_is_never_believed)
{
	size_t len;
	uint8_t *bytes;

	leave_journal();
	bytes = files_read(JOURNAL, &len);
	for (size_t at = 0; at < len; at += at < 64 ? 1 : 61) {
		struct img *im;

		bytes[at] ^= 0x10;
		files_write(JOURNAL, bytes, len);
		im = open_disk(0);
		cr_assert(!im || img_size(im) == DISK_BYTES, "%zu", at);
		img_close(im);
		bytes[at] ^= 0x10;
	}
	free(bytes);
}

Test(at_once, a_journal_of_another_image_is_refused)
{
	leave_journal();
	write_disk('y');
	fails(open_disk(0), IMG_E_ARGUMENT);
	fails(open_disk(IMG_OPEN_WRITE), IMG_E_ARGUMENT);
	cr_assert(files_exist(JOURNAL));
}

/* Another one that begins in the same way, as all disks of one installation do. */
Test(at_once, a_journal_of_a_similar_image_is_refused)
{
	uint8_t *bytes = malloc(DISK_BYTES);

	leave_journal();
	memset(bytes, 'x', DISK_BYTES);
	memset(bytes + 4096, 'y', DISK_BYTES - 4096);
	files_write("disk", bytes, DISK_BYTES);
	free(bytes);
	fails(open_disk(IMG_OPEN_WRITE), IMG_E_ARGUMENT);
	cr_assert(files_exist(JOURNAL));
}

/* Writes a byte of the disk past libimg, as another program would. */
static void poke(off_t at, char byte)
{
	FILE *f = fopen("disk", "r+");

	cr_assert(f && !fseeko(f, at, SEEK_SET) && fputc(byte, f) == byte && !fclose(f));
}

Test(at_once, what_somebody_else_wrote_since_is_not_lost)
{
	size_t len;
	uint8_t *bytes;

	leave_journal();
	poke(20003, 'y');
	bytes = files_read("disk", &len);
	fails(open_disk(0), IMG_E_ARGUMENT);
	fails(open_disk(IMG_OPEN_WRITE), IMG_E_ARGUMENT);
	cr_assert(strstr(err.text, "byte 20000 "), "%s", err.text);
	cr_assert(disk_is(bytes, len));
	cr_assert(files_exist(JOURNAL));
	free(bytes);
}

/* One that was longer when the change began is cut first: zeros are what is there until it is written. */
Test(at_once, what_is_neither_old_nor_new_behind_the_cut_is_not_lost)
{
	leave_journal();
	cr_assert_not(truncate("disk", 40000));
	poke(NEW_BYTES - 1, 'y');
	fails(open_disk(IMG_OPEN_WRITE), IMG_E_ARGUMENT);
	poke(NEW_BYTES - 1, 0);
	cr_assert(shown_is_new());
}

Test(at_once, a_new_image_takes_an_old_journal_away)
{
	struct img *im;

	leave_journal();
	ok(im = img_create(&(struct img_create){ .path = "disk", .format = "raw", .size = 4096 }, &err));
	ok(img_finish(im, &err));
	img_close(im);
	cr_assert(!files_exist(JOURNAL));
}

Test(at_once, what_is_no_journal_is_left_alone)
{
	struct img *im;

	write_disk('x');
	files_write(JOURNAL, "Dear diary", 10);
	ok(im = open_disk(0));
	img_close(im);
	im = open_at_once();
	change(im);
	fails(img_finish(im, &err), IMG_E_ARGUMENT);
	img_close(im);
	cr_assert(disk_is_old());
	cr_assert_eq(files_count(), 2);
}

Test(at_once, a_journal_of_another_user_is_not_trusted)
{
	if (geteuid())
		cr_skip_test("only root can give files away");
	leave_journal();
	cr_assert(!chown(JOURNAL, 4711, 4711));
	fails(open_disk(0), IMG_E_DENIED);
	cr_assert(!chown("disk", 4711, 4711));
	cr_assert(shown_is_new());
}

/* ---- Several files --------------------------------------------------------------------------------- */

static const struct img_reference part = { .kind = IMG_REF_EXTENT, .name = "part" };
static const struct img_reference fresh = { .kind = IMG_REF_EXTENT, .name = "fresh" };
static const struct img_reference gone = { .kind = IMG_REF_EXTENT, .name = "gone" };

static void assert_file(const char *path, const char *text)
{
	size_t len;
	uint8_t *found = files_read(path, &len);

	cr_assert(found && len == strlen(text) && !memcmp(found, text, len), "%s", path);
	free(found);
}

/* Changes one file, makes one and removes one, beside a change of the image. */
static struct img *change_several(void)
{
	const struct img_opener *opener;
	struct img_store *st;
	struct img *im;

	write_disk('x');
	files_write("part", "part", 4);
	files_write("gone", "gone", 4);
	im = open_at_once();
	opener = img_at_once_opener(im->at_once);
	ok(opener->open(opener, &part, &st, &err));
	ok(img_store_write(st, 0, "PARTS", 5, &err));
	im->layers[0].priv = st;	/* raw has none: it goes with the test */
	ok(opener->create(opener, &fresh, &st, &err));
	ok(img_store_write(st, 0, "fresh", 5, &err));
	ok(opener->remove(opener, &gone, &err));
	ok(img_write(im, 0, "new", 3, &err));
	return im;
}

Test(at_once, files_change_come_and_go_with_the_image)
{
	struct img *im = change_several();

	assert_file("part", "part");
	cr_assert(files_exist("gone") && !files_exist("fresh"));
	ok(img_finish(im, &err));
	assert_file("part", "PARTS");
	assert_file("fresh", "fresh");
	cr_assert(!files_exist("gone") && !files_exist(JOURNAL));
}

Test(at_once, a_file_that_is_there_is_not_made_again)
{
	struct img *im = change_several();
	const struct img_opener *opener = img_at_once_opener(im->at_once);
	struct img_store *st;

	fails(opener->create(opener, &part, &st, &err), IMG_E_ARGUMENT);
}

Test(at_once, the_gate_is_asked_about_each_file)
{
	const struct img_reference outside = { .kind = IMG_REF_EXTENT, .name = "../outside" };
	struct img *im = change_several();
	const struct img_opener *opener = img_at_once_opener(im->at_once);
	struct img_store *st;

	fails(opener->create(opener, &outside, &st, &err), IMG_E_DENIED);
	fails(opener->remove(opener, &outside, &err), IMG_E_DENIED);
	fails(opener->open(opener, &outside, &st, &err), IMG_E_DENIED);
}
