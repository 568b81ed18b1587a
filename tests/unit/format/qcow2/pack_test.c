/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file that is packed window by window: the same disk, with counts that are right. */
#include <stdlib.h>
#include <string.h>

#include "disk_sample.h"
#include "format/compact.h"

static const struct img_rangeset nothing;

static bool try_pack(struct sample *s, struct img_layer_pack how, uint64_t room,
		     struct img_layer_packed *out, struct img_err *err)
{
	how.compact = (struct img_layer_compact){ .hollow = &nothing, .room = room };
	how.threads = 2;
	how.from = out->from;
	return img_format_qcow2.pack(&s->ly, &how, out, err);
}

static unsigned pack(struct sample *s, uint64_t room)
{
	struct img_layer_packed out = { .from = 0 };
	struct img_err err = { 0 };
	unsigned rounds = 0;

	do {
		cr_assert(try_pack(s, (struct img_layer_pack){ .codec = NULL }, room, &out, &err), "%s",
			  err.text);
		rounds++;
	} while (out.from < out.end);
	return rounds;
}

/* 20 clusters that get small, written in the wrong order, with gaps between some of them. */
static void write_some(struct sample *s)
{
	struct img_err err = { 0 };
	uint8_t bytes[C];

	for (uint32_t i = 0; i < 20; i++) {
		const uint32_t cluster = i * 7 % 20;

		memset(bytes, 'A' + (int)cluster, C);
		cr_assert(img_format_qcow2.disk->write(&s->ly, cluster * 3 * C, bytes, C, &err));
	}
	must_flush(s);
}

static void open_empty(struct sample *s)
{
	start(s, sample_header(12, DISK));
	open_disk(s, FREE);
}

static void expect_all(struct sample *s)
{
	struct img_err err = { 0 };
	char c[2];

	for (uint32_t i = 0; i < 20; i++) {
		const struct img_extent ex = sample_extent(s, i * 3 * C);

		cr_assert_eq(ex.kind, IMG_EXTENT_ENCODED, "cluster %u is compressed", i * 3);
		cr_assert(img_format_qcow2.read(&s->ly, i * 3 * C, &c[0], 1, &err), "%s", err.text);
		cr_assert(img_format_qcow2.read(&s->ly, (i * 3 + 1) * C - 1, &c[1], 1, &err));
		cr_assert_eq(c[0], (char)('A' + i));
		cr_assert_eq(c[1], (char)('A' + i));
	}
}

/* A check has nothing to say. */
static void expect_sound(struct sample *s)
{
	const struct img_checking checking = { .memory = 1 << 20 };
	struct img_layer again = { .format = &img_format_qcow2, .store = s->ly.store };
	struct img_findings found = { .most = 1 };
	struct img_check_result result = { 0 };
	struct img_err err = { 0 };

	cr_assert(img_format_qcow2.check->check(&again, &checking, &found, &result, &err), "%s",
		  err.text);
	cr_assert_eq(found.n, 0, "%s", found.n ? found.v[0].kind->id : "");
	img_findings_clear(&found);
}

Test(qcow2_pack, windows_of_any_size_keep_the_disk)
{
	uint64_t lengths[3];
	unsigned rounds[3];

	for (size_t i = 0; i < 3; i++) {
		struct sample s;

		open_empty(&s);
		write_some(&s);
		rounds[i] = pack(&s, (const uint64_t[]){ 1 << 20, 5 * C, 1 }[i]);
		expect_all(&s);
		must_finish(&s);
		expect_sound(&s);
		lengths[i] = file_size(&s);
		sample_end(&s);
	}
	cr_assert_eq(rounds[0], 1);
	cr_assert_gt(rounds[1], 2);
	cr_assert_gt(rounds[2], rounds[1]);
	/*
	 * Four of the head, the table, and all data in one in front of it and one behind it.  Entries say
	 * lengths in sectors, so that a window may begin as much behind the last.
	 */
	for (size_t i = 0; i < 3; i++)
		cr_assert_leq(lengths[i], 7 * C + (rounds[i] - 1) * QCOW2_SECTOR);
}

/* With counts of too few bits, another codec, or a level that there is not, nothing is begun. */
Test(qcow2_pack, what_cannot_be_is_refused_beforehand)
{
	struct qcow2_header hdr = sample_header(12, DISK);
	struct img_layer_packed out = { .from = 0 };
	struct img_err err = { 0 };
	struct sample s;

	open_empty(&s);
	cr_assert_not(try_pack(&s, (struct img_layer_pack){ .codec = "zstd" }, 0, &out, &err));
	cr_assert_eq(err.code, IMG_E_ARGUMENT);
	cr_assert_not(try_pack(&s, (struct img_layer_pack){ .level = "99" }, 0, &out, &err));
	cr_assert_eq(err.code, IMG_E_ARGUMENT);
	cr_assert(try_pack(&s, (struct img_layer_pack){ .codec = "zlib", .level = "best" }, 0, &out,
			   &err));
	cr_assert_eq(file_size(&s), FREE);
	sample_end(&s);
	hdr.refcount_order = 3;
	start(&s, hdr);
	for (uint64_t c = 0; c < 4; c++) {
		put_count(&s, c, 0);
		qcow2_refcount_put(s.bytes + BLOCK, 3, c, 1);
	}
	open_disk(&s, FREE);
	cr_assert_not(try_pack(&s, (struct img_layer_pack){ .codec = NULL }, 0, &out, &err));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED);
	sample_end(&s);
}
