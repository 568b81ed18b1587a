/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* New images: what may be asked for, and where things lie in the file at the end. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/bytes.h"
#include "format/cloop/new.h"
#include "unit/fake/fake.h"

enum { B = 4096 };

static bool create(struct img_layer *ly, uint64_t size, const char *options, bool compressed,
		   struct img_err *err)
{
	struct img_settings *set = img_settings_parse(img_format_cloop.create_options, options, err);
	const struct img_layer_create what = {
		.size = size, .settings = set, .compressed = compressed,
	};
	bool ok;

	cr_assert(set, "%s", err->text);
	*ly = (struct img_layer){ .format = &img_format_cloop, .store = img_store_mem(NULL, 0, err) };
	ok = ly->format->create(ly, &what, err);
	img_settings_free(set);
	return ok;
}

static void start(struct img_layer *ly, uint64_t size, const char *options)
{
	struct img_err err = { 0 };

	cr_assert(create(ly, size, options, false, &err), "%s", err.text);
}

static void refuse(uint64_t size, const char *options, bool compressed, enum img_code code)
{
	struct img_layer ly;
	struct img_err err = { 0 };

	cr_assert_not(create(&ly, size, options, compressed, &err), "%s", options);
	cr_assert_eq(err.code, code, "%s: %s", options, err.text);
	cr_assert_null(ly.priv);
	img_store_close(ly.store);
}

static void close_layer(struct img_layer *ly)
{
	ly->format->close(ly);
	img_store_close(ly->store);
}

/* A block of one letter, as a worker would hand it over. */
static void put(struct img_layer *ly, uint64_t at, uint32_t len, char c, bool packed)
{
	struct img_slot slot = { .at = at, .len = len, .stored_len = len };
	uint8_t *bytes = calloc(1, 2 * B), *out = calloc(1, 2 * B);
	struct img_err err = { 0 };
	size_t used;

	memset(bytes, c, len);
	if (packed) {
		void *cx = ly->codec->open(ly->codec_level, B, &err);

		cr_assert(ly->codec->encode(cx, bytes, B, out, 2 * B, &used, &err));
		ly->codec->close(cx);
		slot.stored_len = (uint32_t)used;
		slot.flags = IMG_SLOT_COMPRESSED;
	}
	cr_assert(ly->format->write->reserve(ly, &slot, 1, &err), "%s", err.text);
	cr_assert(img_store_write(slot.store, slot.host, packed ? out : bytes, slot.stored_len,
				  &err));
	cr_assert(ly->format->write->publish(ly, &slot, 1, &err), "%s", err.text);
	free(bytes);
	free(out);
}

static void zero(struct img_layer *ly, uint64_t at, uint64_t len)
{
	struct img_err err = { 0 };

	cr_assert(ly->format->write->zero(ly, at, len, &err), "%s", err.text);
}

static void finish(struct img_layer *ly)
{
	struct img_err err = { 0 };

	cr_assert(ly->format->write->finish(ly, &err), "%s", err.text);
}

/* Opens what was written and compares it with letters, one for each block, '.' being zeros. */
static struct cloop_header check(struct img_layer *made, const char *letters, uint64_t size)
{
	const struct img_layer_open how = { 0 };
	struct img_layer ly = { .format = &img_format_cloop, .store = made->store };
	struct img_err err = { 0 };
	uint8_t block[B];

	cr_assert(ly.format->open(&ly, &how, &err), "%s", err.text);
	cr_assert_eq(ly.size, size);
	for (size_t i = 0; letters[i]; i++) {
		const uint32_t len = size - i * B < B ? (uint32_t)(size - i * B) : B;
		struct img_extent ex;

		cr_assert(ly.format->extent(&ly, i * B, i * B + len, &ex, &err));
		if (ex.kind == IMG_EXTENT_ENCODED)
			cr_assert(ly.format->read(&ly, i * B, block, len, &err), "%s", err.text);
		else
			cr_assert(img_store_read(ex.store, ex.host, block, len, &err), "%s",
				  err.text);
		for (uint32_t k = 0; k < len; k++)
			cr_assert_eq(block[k], letters[i] == '.' ? 0 : letters[i]);
	}
	const struct cloop_header hdr = ((struct cloop *)ly.priv)->header;
	ly.format->close(&ly);
	return hdr;
}

Test(cloop_write, options_have_limits)
{
	refuse(B, "block_size=256", false, IMG_E_ARGUMENT);
	refuse(B, "block_size=128M", false, IMG_E_ARGUMENT);
	refuse(B, "block_size=3k", false, IMG_E_ARGUMENT);
	refuse(B, "header=last", false, IMG_E_ARGUMENT);
	refuse(B, "compression_type=lz4", false, IMG_E_ARGUMENT);
	refuse(B, "compression_level=13", false, IMG_E_ARGUMENT);
	refuse(B, "version=4.0,compression_type=none", true, IMG_E_ARGUMENT);
	refuse(B, "version=4.0,compression_type=none,compression_level=1", false, IMG_E_ARGUMENT);
	refuse((UINT64_C(1) << 41) + 1, "block_size=512", false, IMG_E_RANGE);
	refuse(UINT64_C(1) << 63, NULL, false, IMG_E_RANGE);
}

Test(cloop_write, zeros_between_slots_have_their_places)
{
	struct img_layer ly;

	start(&ly, 6 * B - 100, "block_size=4k");
	zero(&ly, 0, 2 * B);
	put(&ly, 2 * B, B, 'a', true);
	zero(&ly, 3 * B, B);
	put(&ly, 4 * B, B, 'b', true);
	put(&ly, 5 * B, B - 100, 'c', true);
	finish(&ly);
	const struct cloop_header hdr = check(&ly, "..a.bc", 6 * B - 100);
	cr_assert(hdr.version == CLOOP_V2 && !hdr.at_end && hdr.n_blocks == 6);
	close_layer(&ly);
}

Test(cloop_write, what_nobody_wrote_is_zeros_up_to_the_end)
{
	struct img_layer ly;

	start(&ly, 300 * B, "block_size=4k");
	put(&ly, 0, B, 'a', true);
	finish(&ly);
	check(&ly, "a..", 300 * B);
	close_layer(&ly);
}

Test(cloop_write, a_stream_gets_room_for_its_index_at_the_end)
{
	struct img_layer ly, known;
	uint8_t a[600], b[600];
	uint64_t len_a, len_b;

	start(&ly, IMG_SIZE_UNKNOWN, "block_size=4k");
	start(&known, 3 * B, "block_size=4k");
	for (int i = 0; i < 2; i++) {
		struct img_layer *to = i ? &known : &ly;

		put(to, 0, B, 'a', true);
		zero(to, B, B);
		put(to, 2 * B, B, 'b', true);
		to->size = 3 * B;
		finish(to);
	}
	check(&ly, "a.b", 3 * B);
	cr_assert(img_store_size(ly.store, &len_a, NULL) && img_store_size(known.store, &len_b, NULL));
	cr_assert(len_a == len_b && len_a < sizeof(a));
	cr_assert(img_store_read(ly.store, 0, a, len_a, NULL));
	cr_assert(img_store_read(known.store, 0, b, len_a, NULL));
	cr_assert_arr_eq(a, b, len_a);
	close_layer(&ly);
	close_layer(&known);
}

Test(cloop_write, plain_blocks_are_whole_in_the_file)
{
	static const char *const headers[] = { "first", "last" };
	char options[100];

	for (int i = 0; i < 2; i++) {
		struct img_layer ly;

		snprintf(options, sizeof(options),
			 "block_size=4k,version=4.0,compression_type=none,header=%s", headers[i]);
		start(&ly, 3 * B + 10, options);
		put(&ly, 0, 2 * B, 'a', false);
		zero(&ly, 2 * B, B);
		put(&ly, 3 * B, 10, 'b', false);
		finish(&ly);
		const struct cloop_header hdr = check(&ly, "aa.b", 3 * B + 10);
		cr_assert_eq(hdr.at_end, i == 1);
		cr_assert(!hdr.at_end || hdr.index_off == 4 * B);
		close_layer(&ly);
	}
}

Test(cloop_write, only_plain_stores_take_the_bytes_of_a_source)
{
	struct img_layer ly;

	start(&ly, B, "version=4.0");
	cr_assert(ly.framing.unasked && !ly.framing.always && !ly.takes_plain);
	close_layer(&ly);
	start(&ly, B, NULL);
	cr_assert(ly.framing.always && ly.codec == &img_codec_zlib && ly.codec_level == 6);
	close_layer(&ly);
	start(&ly, B, "version=4.0,compression_type=none");
	cr_assert(!ly.framing.unasked && !ly.codec);
	close_layer(&ly);
}
