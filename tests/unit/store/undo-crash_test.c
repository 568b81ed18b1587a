/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Failures and cuts of the power at every point of a change, and of bringing the image back. */
#include "undo_image.h"

enum { LEN = 20 * UNDO_BLOCK + 100, STEPS = 6, FILE_MAX = 1 << 19 };

/* What two files hang on: it fails at the event that makes left 0, and from then on. */
struct power {
	unsigned left;
};

struct bytes {
	size_t len;
	uint8_t at[FILE_MAX];
};

struct plugged {
	struct img_store st;
	struct power *power;
	struct bytes now, disk;		/* as seen by who is on; what surely outlasts a cut */
};

/* true: goes on; else *half tells whether a half of it is done. */
static bool has_power(struct plugged *plug, bool *half)
{
	*half = plug->power->left == 1;
	if (plug->power->left > 0)
		plug->power->left--;
	return plug->power->left > 0 || img_fail(&err, IMG_E_IO, "no power");
}

static bool plugged_size(struct img_store *st, uint64_t *bytes, struct img_err *why)
{
	(void)why;
	*bytes = ((struct plugged *)st)->now.len;
	return true;
}

static bool plugged_read(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
			 struct img_err *why)
{
	const struct plugged *plug = (struct plugged *)st;

	(void)why;
	*got = at >= plug->now.len ? 0 : len < plug->now.len - at ? len : plug->now.len - at;
	memcpy(buf, plug->now.at + at, *got);
	return true;
}

static void set_len(struct bytes *bytes, size_t len)
{
	cr_assert_leq(len, FILE_MAX);
	if (len > bytes->len)
		memset(bytes->at + bytes->len, 0, len - bytes->len);
	bytes->len = len;
}

static bool plugged_write(struct img_store *st, uint64_t at, const void *buf, size_t len,
			  struct img_err *why)
{
	struct plugged *plug = (struct plugged *)st;
	bool half, on = has_power(plug, &half);

	(void)why;
	if (!on)
		len = half ? len / 2 : 0;
	if (len > 0 && at + len > plug->now.len)
		set_len(&plug->now, at + len);
	memcpy(plug->now.at + at, buf, len);
	return on;
}

static bool plugged_resize(struct img_store *st, uint64_t bytes, struct img_err *why)
{
	struct plugged *plug = (struct plugged *)st;
	bool half, on = has_power(plug, &half);

	(void)why;
	if (on || half)
		set_len(&plug->now, bytes);
	return on;
}

static bool plugged_sync(struct img_store *st, struct img_err *why)
{
	struct plugged *plug = (struct plugged *)st;
	bool half, on = has_power(plug, &half);

	(void)why;
	if (on)
		plug->disk = plug->now;
	return on;
}

static void plugged_close(struct img_store *st)
{
	(void)st;
}

static const struct img_store_ops plugged_ops = {
	.kind = "plugged", .size = plugged_size, .read = plugged_read, .write = plugged_write,
	.resize = plugged_resize, .sync = plugged_sync, .close = plugged_close,
};

static void plug_in(struct plugged *plug, struct power *power)
{
	plug->st = (struct img_store){
		.ops = &plugged_ops, .align = 1, .name = strdup("plugged"),
		.caps = IMG_STORE_WRITE | IMG_STORE_SEEK | IMG_STORE_RESIZE,
	};
	plug->power = power;
	plug->disk = plug->now;
}

/* What is on a disk after a cut of what was not synced: nothing, all, all but the first sector. */
enum luck { LUCK_NONE, LUCK_ALL, LUCK_LATE, N_LUCKS };

static struct img_store *after_cut(const struct plugged *plug, enum luck luck)
{
	static struct bytes left;
	struct img_store *st;

	left = luck == LUCK_NONE ? plug->disk : plug->now;
	for (size_t i = plug->disk.len; luck == LUCK_LATE && i < left.len; i++) {
		left.at[i] = 0;
		if (i % 512 == 511)
			break;
	}
	ok(st = img_store_mem(left.at, left.len, &err));
	return st;
}

static struct plugged image, file;
static struct power power;

static void start_with(size_t len)
{
	image.now.len = len;
	fill_image(image.now.at, len);
	file.now.len = 0;
	plug_in(&image, &power);
	plug_in(&file, &power);
}

/* Changes the image until the power fails, or to the end: true. */
static bool change_until(unsigned events, unsigned seed)
{
	struct img_store *st;
	bool all;

	start_with(LEN);
	srandom(seed);
	power.left = events;
	ok(st = img_store_undo_to(&image.st, &file.st, &err));
	all = change_much(st, LEN, STEPS, NULL) && img_store_sync(st, NULL);
	img_store_close(st);
	return all && power.left > 0;
}

static void check_after_cut(enum luck image_luck, enum luck file_luck)
{
	struct img_store *target = after_cut(&image, image_luck);
	struct img_store *undo = after_cut(&file, file_luck);

	/* Without its header nothing was changed, and it says that it cannot help. */
	if (!img_undo_restore(undo, target, &err))
		cr_assert_eq(err.code, IMG_E_INCOMPLETE, "%s", err.text);
	cr_assert(is_image(target, LEN));
	img_store_close(undo);
	img_store_close(target);
}

Test(undo_crash, a_cut_at_any_point_can_be_undone, .timeout = 60)
{
	for (unsigned seed = 0; seed < 12; seed++) {
		unsigned events = 1;

		for (bool all = false; !all; events++) {
			all = change_until(events, seed);
			for (enum luck i = LUCK_NONE; i <= LUCK_ALL; i++)
				for (enum luck f = LUCK_NONE; f < N_LUCKS; f++)
					check_after_cut(i, f);
		}
		cr_assert_gt(events, 20);
	}
}

/* Brings image back until the power fails, or to the end: true. */
static bool restore_until(unsigned events)
{
	bool done;

	plug_in(&image, &power);
	plug_in(&file, &power);
	power.left = events;
	done = img_undo_restore(&file.st, &image.st, NULL);
	img_store_close(&file.st);
	img_store_close(&image.st);
	return done;
}

Test(undo_crash, a_cut_while_it_is_undone_too, .timeout = 60)
{
	for (unsigned seed = 0; seed < 6; seed++) {
		unsigned events = 1;

		for (bool all = false; !all; events++) {
			change_until(UINT32_MAX, seed);
			all = restore_until(events);
			for (enum luck i = LUCK_NONE; i <= LUCK_ALL; i++)
				check_after_cut(i, LUCK_ALL);
			cr_assert(!all || (image.disk.len == LEN &&
					   !memcmp(image.disk.at, image.now.at, LEN)),
				  "is not durable");
		}
		cr_assert_gt(events, 5);
	}
}

/* The n-th call of a kind fails in one of the two; whoever calls gives up, or goes on. */
static bool change_with_fault(const char *script, bool in_file, bool gives_up, unsigned seed)
{
	struct img_store *target, *undo, *parent, *to, *st;
	bool all = true;

	power.left = UINT32_MAX;
	start_with(LEN);
	srandom(seed);
	ok(parent = img_store_fault(&image.st, in_file ? "" : script, &err));
	ok(to = img_store_fault(&file.st, in_file ? script : "", &err));
	ok(st = img_store_undo_to(parent, to, &err));
	for (int i = 0; i < STEPS && (all || !gives_up); i++)
		all &= change(st, LEN, NULL);
	img_store_close(st);
	target = after_cut(&image, LUCK_ALL);
	undo = after_cut(&file, LUCK_ALL);
	if (!img_undo_restore(undo, target, &err))
		cr_assert_eq(err.code, IMG_E_INCOMPLETE, "%s: %s", script, err.text);
	cr_assert(is_image(target, LEN), "%s", script);
	img_store_close(undo);
	img_store_close(target);
	return all;
}

Test(undo_crash, a_failure_of_any_call_can_be_undone, .timeout = 60)
{
	static const char *const calls[] = {
		"write:%u", "write:%u=short", "sync:%u", "read:%u", "size:%u", "resize:%u",
		"zero:%u",
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		for (unsigned n = 1; n < 40; n++) {
			char script[32];

			(void)snprintf(script, sizeof(script), calls[i], n);
			for (unsigned how = 0; how < 12; how++)
				change_with_fault(script, how % 2, how / 2 % 2, how / 4);
		}
	}
}
