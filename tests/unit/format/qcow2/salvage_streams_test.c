/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compressed clusters that many threads look at: what they say of each is what one says. */
#include "format/qcow2/salvage_streams.h"

#include <string.h>
#include "sample.h"

enum {
	BITS = 12, C = 1 << BITS, TABLE = 2 * C, N = C / 8, FIRST = 4 * C, STEP = C / 4,
	END = FIRST + N * STEP,
};

/*
 * A table whose entries all lead to a stream, STEP bytes behind each other, but: of each nine the
 * second is a hole, the third has a flag that compressed clusters have not, the stream of the fifth
 * is damaged, and the seventh leads behind the end of the file.
 */
static void start(struct sample *s)
{
	const struct img_codec *codec = &img_codec_deflate;
	uint8_t content[C];
	struct img_err err = { 0 };

	sample_start(s, sample_header(BITS, (uint64_t)N * C));
	for (size_t i = 0; i < C; i++)
		content[i] = (uint8_t)(i / 16);
	void *cx = codec->open(codec->level_default, C, &err);
	cr_assert(cx);
	for (size_t i = 0; i < N; i++) {
		struct qcow2_cluster cluster = {
			.kind = QCOW2_CLUSTER_COMPRESSED, .host = FIRST + i * STEP,
		};
		uint8_t *entry = s->bytes + TABLE + i * 8, *stream = s->bytes + cluster.host;
		size_t used;

		content[0] = (uint8_t)i;
		cr_assert(codec->encode(cx, content, C, stream, STEP, &used, &err) && used);
		cluster.stored_len = (uint32_t)used;
		if (i % 9 == 6)
			cluster.host += END;
		qcow2_l2_encode(&s->geo, &cluster, entry);
		if (i % 9 == 1)
			memset(entry, 0, 8);
		if (i % 9 == 2)
			entry[0] |= 0x80;
		if (i % 9 == 4)
			memset(stream, 0xff, used);
	}
	codec->close(cx);
	cr_assert(s->ly.store = img_store_mem(s->bytes, END, &err));
}

static void end(struct sample *s)
{
	img_store_close(s->ly.store);
	free(s->bytes);
}

static struct qcow2_streams new_streams(const struct sample *s, struct img_store *file,
					unsigned threads)
{
	struct qcow2_streams streams = {
		.hdr = &s->hdr, .geo = &s->geo, .file = file, .file_size = END,
	};
	struct img_err err = { 0 };

	cr_assert(qcow2_streams_init(&streams, threads, &err), "%s", err.text);
	return streams;
}

static bool is_sound(size_t i)
{
	return i % 9 != 1 && i % 9 != 2 && i % 9 != 4 && i % 9 != 6;
}

Test(qcow2_salvage_streams, threads_say_the_same)
{
	static const unsigned threads[] = { 1, 2, 7 };
	struct img_err err = { 0 };
	struct sample s;

	start(&s);
	for (size_t i = 0; i < sizeof(threads) / sizeof(*threads); i++) {
		struct qcow2_streams streams = new_streams(&s, s.ly.store, threads[i]);

		/* What is known of one table is not taken for another one. */
		for (size_t n = N; n; n /= 8) {
			memset(streams.sound, true, N);
			cr_assert(qcow2_streams_judge(&streams, s.bytes + TABLE, n, &err), "%s",
				  err.text);
			for (size_t k = 0; k < n; k++)
				cr_assert_eq(streams.sound[k], is_sound(k), "entry %zu", k);
		}
		cr_assert_eq(streams.n_decoders, threads[i]);
		qcow2_streams_clear(&streams);
	}
	end(&s);
}

Test(qcow2_salvage_streams, few_are_worth_no_threads)
{
	struct img_err err = { 0 };
	struct sample s;

	start(&s);
	struct qcow2_streams streams = new_streams(&s, s.ly.store, 7);

	/* A hole, and what is not in the file. */
	cr_assert(qcow2_streams_judge(&streams, s.bytes + TABLE + 8, 1, &err));
	cr_assert(qcow2_streams_judge(&streams, s.bytes + TABLE + 6 * 8, 1, &err));
	cr_assert_eq(streams.n_decoders, 0);
	cr_assert(qcow2_streams_judge(&streams, s.bytes + TABLE, 9, &err));
	cr_assert_eq(streams.n_decoders, 1);
	qcow2_streams_clear(&streams);
	end(&s);
}

Test(qcow2_salvage_streams, a_file_that_cannot_be_read_is_a_failure)
{
	for (unsigned threads = 1; threads < 8; threads += 3) {
		struct img_err err = { 0 };
		struct sample s;

		start(&s);
		s.ly.store = img_store_fault(s.ly.store, "read:40=EIO", &err);
		cr_assert(s.ly.store, "%s", err.text);
		struct qcow2_streams streams = new_streams(&s, s.ly.store, threads);

		cr_assert_not(qcow2_streams_judge(&streams, s.bytes + TABLE, N, &err));
		cr_assert_eq(err.code, IMG_E_IO, "%s", err.text);
		qcow2_streams_clear(&streams);
		end(&s);
	}
}
