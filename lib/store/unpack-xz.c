/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unpacking xz by liblzma itself, which takes the blocks of a file with all cores where their headers say
 * how long they are, as those of "xz -T" do.  The filter of libarchive goes one by one.
 */
#include <inttypes.h>
#include <lzma.h>
#include <stdlib.h>
#include "base/err.h"
#include "base/lazy.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "store/unpack.h"

/* Of memory: more than MOST is refused, more than FOR_THREADS is a reason for fewer of them. */
#define FOR_THREADS (UINT64_C(256) << 20)
#define MOST (UINT64_C(512) << 20)

enum { INPUT_BYTES = 256 * 1024, MOST_THREADS = 64 };

struct unxz {
	struct img_producer producer;
	void *library;
	__typeof__(lzma_stream_decoder_mt) *decoder;
	__typeof__(lzma_code) *code;
	__typeof__(lzma_end) *end;
	lzma_stream stream;
	uint8_t *input;
	lzma_ret result;	/* of the last step; behind an end or an error comes no other */
	bool drained;		/* all input was decoded: what is missing now is missing in the file */
	uint64_t made;
};

static bool fail_with_reason(const struct unxz *x, struct img_err *err)
{
	const char *name = x->producer.in.st->name;

	if (x->drained)
		return img_fail(err, IMG_E_INCOMPLETE, _("%s: cannot be unpacked at offset %" PRIu64 ": %s"),
				name, x->made, _("it ends too early"));
	switch (x->result) {
	case LZMA_MEM_ERROR:
		return img_fail_nomem(err, FOR_THREADS);
	case LZMA_MEMLIMIT_ERROR:
		return img_fail(err, IMG_E_UNSUPPORTED, _("%s: needs more than %" PRIu64
				" bytes of memory to be unpacked"), name, MOST);
	case LZMA_OPTIONS_ERROR:
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("%s: is compressed in a way of xz that is not known here"), name);
	default:
		return img_fail(err, IMG_E_CORRUPT, _("%s: cannot be unpacked at offset %" PRIu64 ": %s"),
				name, x->made, _("it is damaged"));
	}
}

static bool need_input(struct unxz *x, struct img_err *err)
{
	size_t got;

	if (x->stream.avail_in || x->producer.in.ended)
		return true;
	if (!img_pull(&x->producer.in, x->input, INPUT_BYTES, &got, err))
		return false;
	x->stream.next_in = x->input;
	x->stream.avail_in = got;
	return true;
}

/*
 * With LZMA_FINISH an end that comes too early looks like damage, and so does damage that a thread has
 * yet to find; so that is said once all else has come out.
 */
static void step(struct unxz *x)
{
	x->result = x->code(&x->stream, x->drained ? LZMA_FINISH : LZMA_RUN);
	if (x->result != LZMA_BUF_ERROR || x->drained || !x->producer.in.ended)
		return;
	x->drained = true;
	x->result = LZMA_OK;
}

static bool unxz_make(struct img_producer *producer, uint8_t *buf, size_t len, size_t *got,
		      struct img_err *err)
{
	struct unxz *x = (struct unxz *)producer;

	x->stream.next_out = buf;
	x->stream.avail_out = len;
	while (x->result == LZMA_OK && x->stream.avail_out == len) {
		if (!need_input(x, err))
			return false;
		step(x);
	}
	*got = len - x->stream.avail_out;
	x->made += *got;
	/* What was in front of the damage comes first. */
	return *got || x->result == LZMA_STREAM_END || fail_with_reason(x, err);
}

static void unxz_close(struct img_producer *producer)
{
	struct unxz *x = (struct unxz *)producer;

	if (x->library)
		x->end(&x->stream);
	img_lazy_unload(x->library);
	img_store_close(producer->in.st);
	free(x->input);
	free(x);
}

static const struct img_producer_ops unxz_ops = { .make = unxz_make, .close = unxz_close };

static bool begin(struct unxz *x, struct img_err *err)
{
	const lzma_mt how = {
		.flags = LZMA_CONCATENATED,
		.threads = img_thread_count(0, MOST_THREADS),
		.memlimit_threading = FOR_THREADS, .memlimit_stop = MOST,
	};
	const lzma_ret result = x->decoder(&x->stream, &how);

	return result == LZMA_OK || img_fail_nomem(err, FOR_THREADS);
}

struct img_producer *img_unpack_xz(struct img_store *packed, struct img_err *err)
{
	struct unxz *x = img_calloc(1, sizeof(*x), err);

	if (!x)
		return NULL;
	const struct img_lazy_symbol symbols[] = {
		{ "lzma_stream_decoder_mt", &x->decoder },
		{ "lzma_code", &x->code },
		{ "lzma_end", &x->end },
		{ NULL, NULL },
	};
	x->producer.ops = &unxz_ops;
	x->input = img_alloc_aligned(INPUT_BYTES, err);
	if (x->input)
		x->library = img_lazy_load(LZMA_SONAME, symbols, err);
	if (x->library && begin(x, err)) {
		x->producer.in.st = packed;
		return &x->producer;
	}
	unxz_close(&x->producer);
	return NULL;
}
