/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing in place: what lies below, what is damaged, and what the header says afterwards. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include "sample.h"

enum { B = SAMPLE_BLOCK, BLOCKS = 8 };

/* A layer of '#', but for block 3, which is a hole there. */
static bool below_extent(const struct img_below *self, uint64_t at, uint64_t limit,
			 struct img_extent *out, struct img_err *err)
{
	const bool hole = at / B == 3;
	const uint64_t end = hole ? 4 * B : at < 3 * B ? 3 * B : BLOCKS * B;

	(void)self;
	(void)err;
	*out = (struct img_extent){
		.start = at, .len = (limit < end ? limit : end) - at,
		.kind = hole ? IMG_EXTENT_HOLE : IMG_EXTENT_ENCODED,
	};
	return true;
}

static bool below_read(const struct img_below *self, uint64_t at, void *buf, size_t len,
		       struct img_err *err)
{
	(void)self;
	(void)at;
	(void)err;
	memset(buf, '#', len);
	return true;
}

static const struct img_below below = { .extent = below_extent, .read = below_read };

static bool open_for_writing(struct sample *s, size_t len, struct img_err *err)
{
	const struct img_layer_open how = { .flags = IMG_OPEN_WRITE };

	s->ly = (struct img_layer){ .format = &img_format_vdi };
	cr_assert(s->ly.store = img_store_mem(s->bytes, len, err));
	return img_format_vdi.open(&s->ly, &how, err);
}

/* Block 1 of the disk is block 0 of the file, and full of '1'; child: it stands on another image. */
static void start(struct sample *s, bool child)
{
	struct vdi_header hdr = sample_header(BLOCKS);
	struct img_err err = { 0 };

	hdr.n_allocated = 1;
	if (child) {
		hdr.type = VDI_TYPE_DIFFERENCING;
		hdr.parent.raw[0] = 9;
	}
	sample_start(s, hdr);
	sample_put(s, 1, 0);
	memset(s->bytes + hdr.data_off, '1', B);
	cr_assert(open_for_writing(s, hdr.data_off + B, &err), "%s", err.text);
	s->ly.below = child ? &below : NULL;
}

static void put(struct sample *s, uint64_t at, size_t len, char c)
{
	struct img_err err = { 0 };
	char bytes[BLOCKS * B];

	memset(bytes, c, len);
	cr_assert(img_format_vdi.disk->write(&s->ly, at, bytes, len, &err), "%s", err.text);
}

static void zero(struct sample *s, uint64_t at, size_t len)
{
	struct img_err err = { 0 };

	cr_assert(img_format_vdi.disk->zero(&s->ly, at, len, true, &err), "%s", err.text);
}

static void flush(struct sample *s)
{
	struct img_err err = { 0 };
	bool freed = true;

	cr_assert(img_format_vdi.disk->flush(&s->ly, &freed, &err), "%s", err.text);
	cr_assert_not(freed);
}

/* ---- Two threads ----------------------------------------------------------------------------- */

/* A second writer comes to a block while the first one copies what lies below it. */
struct meeting {
	struct img_below below;
	struct sample *s;
	pthread_t second;
	bool begun;
	_Atomic bool ended, ended_too_early;
};

static void *write_second(void *arg)
{
	struct meeting *m = arg;

	put(m->s, 2 * B + 200, 10, 'b');
	m->ended = true;
	return NULL;
}

static bool read_and_meet(const struct img_below *self, uint64_t at, void *buf, size_t len,
			  struct img_err *err)
{
	struct meeting *m = (struct meeting *)self;

	if (!m->begun) {
		m->begun = true;
		cr_assert_not(pthread_create(&m->second, NULL, write_second, m));
		usleep(50000);
		m->ended_too_early = m->ended;
	}
	return below_read(self, at, buf, len, err);
}

static uint32_t entry_in_file(struct sample *s, uint32_t index)
{
	uint8_t raw[4];

	cr_assert(img_store_read(s->ly.store, s->hdr.map_off + index * 4, raw, 4, NULL));
	return img_get_le32(raw);
}

/* The kind of what is in a block, as one character, or the first byte of its data. */
static char seen(struct sample *s, uint64_t at)
{
	const struct img_extent ex = sample_extent(s, at);
	char c;

	if (ex.kind == IMG_EXTENT_ZERO)
		return 'z';
	if (ex.kind == IMG_EXTENT_HOLE)
		return '.';
	cr_assert_eq(ex.kind, IMG_EXTENT_DATA);
	cr_assert(img_store_read(s->ly.store, ex.host, &c, 1, NULL));
	return c ? c : '0';
}

Test(vdi_disk, a_new_block_keeps_what_lies_below_around_it)
{
	struct sample s;

	start(&s, true);
	put(&s, 2 * B + 100, 50, 'a');
	cr_assert_eq(seen(&s, 2 * B), '#');
	cr_assert_eq(seen(&s, 2 * B + 99), '#');
	cr_assert_eq(seen(&s, 2 * B + 100), 'a');
	cr_assert_eq(seen(&s, 2 * B + 150), '#');
	cr_assert_eq(seen(&s, 3 * B - 1), '#');
	put(&s, 3 * B + 100, 1, 'b');
	cr_assert_eq(seen(&s, 3 * B), '0');
	cr_assert_eq(seen(&s, 3 * B + 100), 'b');
	sample_end(&s);
}

Test(vdi_disk, zeros_hide_what_lies_below)
{
	struct sample s;

	start(&s, true);
	zero(&s, 4 * B, B);
	cr_assert_eq(seen(&s, 4 * B), 'z');
	zero(&s, 5 * B + 10, 10);
	cr_assert_eq(seen(&s, 5 * B), '#');
	cr_assert_eq(seen(&s, 5 * B + 10), '0');
	cr_assert_eq(seen(&s, 5 * B + 20), '#');
	/* What was zeros shows nothing of it again. */
	put(&s, 4 * B + 10, 1, 'a');
	cr_assert_eq(seen(&s, 4 * B), '0');
	sample_end(&s);
}

Test(vdi_disk, zeros_over_nothing_stay_nothing)
{
	struct sample s;

	start(&s, false);
	zero(&s, 0, BLOCKS * B);
	cr_assert_eq(seen(&s, 0), '.');
	cr_assert_eq(seen(&s, B), '0');
	flush(&s);
	cr_assert_eq(entry_in_file(&s, 0), VDI_ENTRY_FREE);
	cr_assert_eq(entry_in_file(&s, 1), 0);
	sample_end(&s);
}

Test(vdi_disk, a_flush_tells_of_blocks_and_of_the_change)
{
	struct vdi_header hdr;
	struct sample s;

	start(&s, false);
	put(&s, 7 * B, B, 'a');
	cr_assert_eq(entry_in_file(&s, 7), VDI_ENTRY_FREE);
	flush(&s);
	cr_assert_eq(entry_in_file(&s, 7), 1);
	cr_assert(vdi_header_read(s.ly.store, &hdr, NULL));
	cr_assert_eq(hdr.n_allocated, 2);
	cr_assert(img_uuid_equal(&hdr.uuid, &s.hdr.uuid));
	cr_assert_not(img_uuid_equal(&hdr.modified, &s.hdr.modified));
	sample_end(&s);
}

Test(vdi_disk, what_leaked_is_used_again_and_shows_nothing_of_before)
{
	enum { LARGE = 4096 };
	struct vdi_header hdr = sample_header(BLOCKS);
	struct img_err err = { 0 };
	struct sample s;

	hdr.n_allocated = 3;
	hdr.block_size = LARGE;
	hdr.size = BLOCKS * LARGE;
	sample_start(&s, hdr);
	sample_put(&s, 0, 2);
	memset(s.bytes + hdr.data_off, 'x', 3 * LARGE);
	cr_assert(open_for_writing(&s, hdr.data_off + 3 * LARGE, &err), "%s", err.text);
	put(&s, 5 * LARGE + 10, 1, 'a');
	cr_assert_eq(seen(&s, 5 * LARGE), '0');
	cr_assert_eq(seen(&s, 5 * LARGE + 10), 'a');
	cr_assert_eq(seen(&s, 6 * LARGE - 1), '0');
	flush(&s);
	cr_assert_eq(entry_in_file(&s, 5), 0);
	sample_end(&s);
}

Test(vdi_disk, a_block_is_made_once)
{
	struct meeting m = { .below = { .extent = below_extent, .read = read_and_meet } };
	struct sample s;

	start(&s, true);
	s.ly.below = &m.below;
	m.s = &s;
	put(&s, 2 * B + 100, 10, 'a');
	cr_assert_not(pthread_join(m.second, NULL));
	cr_assert_not(m.ended_too_early);
	cr_assert_eq(seen(&s, 2 * B), '#');
	cr_assert_eq(seen(&s, 2 * B + 100), 'a');
	cr_assert_eq(seen(&s, 2 * B + 200), 'b');
	sample_end(&s);
}

static void refuse(uint32_t index, uint32_t entry, size_t cut, enum img_code code)
{
	struct vdi_header hdr = sample_header(BLOCKS);
	struct img_err err = { 0 };
	struct sample s;

	sample_start(&s, hdr);
	sample_put(&s, 0, 1);
	sample_put(&s, index, entry);
	cr_assert_not(open_for_writing(&s, hdr.data_off + 2 * B - cut, &err));
	cr_assert_eq(err.code, code, "%s", err.text);
	img_store_close(s.ly.store);
	free(s.bytes);
}

Test(vdi_disk, what_is_damaged_is_not_written)
{
	refuse(1, 1, 0, IMG_E_CORRUPT);
	refuse(1, BLOCKS, 0, IMG_E_CORRUPT);
	refuse(1, 2, 0, IMG_E_INCOMPLETE);
	refuse(1, 0, 1, IMG_E_INCOMPLETE);
	refuse(0, VDI_ENTRY_FREE, 3 * B - 4, IMG_E_INCOMPLETE);
}
