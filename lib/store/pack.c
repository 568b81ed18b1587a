/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compressing a file as a whole while it is written, by the filters of libarchive. */
#include "store/pack.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "store/libarchive.h"

enum { OUTPUT_BYTES = 256 * 1024 };

struct packed {
	struct img_store st;
	struct img_store *to;
	struct img_libarchive la;
	struct archive *writer;
	uint64_t next;			/* bytes that were written */
	uint64_t out;			/* bytes that came out */
	bool dropped;			/* nobody wants what comes out any more */
	struct img_err failed;		/* why those could not be written */
};

/* ---- What libarchive calls ----------------------------------------------------------------------- */

static la_ssize_t pass_on(struct archive *writer, void *ctx, const void *bytes, size_t len)
{
	struct packed *p = ctx;

	if (p->dropped)
		return (la_ssize_t)len;
	if (!img_store_write(p->to, p->out, bytes, len, &p->failed)) {
		p->la.set_error(writer, EIO, "%s", p->failed.text);
		return ARCHIVE_FATAL;
	}
	p->out += len;
	return (la_ssize_t)len;
}

/* ---- The store ----------------------------------------------------------------------------------- */

static bool fail_with_reason(const struct packed *p, struct img_err *err)
{
	const char *why = p->la.error_string(p->writer);

	if (p->failed.code == IMG_OK)
		return img_fail(err, IMG_E_IO, _("%s: cannot be compressed at offset %" PRIu64 ": %s"),
				p->st.name, p->next, why ? why : _("no reason is known"));
	if (err)
		*err = p->failed;
	return false;
}

static bool packed_size(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	(void)err;
	*bytes = ((struct packed *)st)->next;
	return true;
}

static bool packed_write(struct img_store *st, uint64_t at, const void *buf, size_t len,
			 struct img_err *err)
{
	struct packed *p = (struct packed *)st;

	if (!img_store_check_next(p->next, at, err))
		return img_within(err, "%s", st->name);
	if (p->la.write_data(p->writer, buf, len) != (la_ssize_t)len)
		return fail_with_reason(p, err);
	p->next += len;
	return true;
}

static bool packed_publish(struct img_store *st, struct img_err *err)
{
	struct packed *p = (struct packed *)st;

	if (p->la.write_close(p->writer) != ARCHIVE_OK)
		return fail_with_reason(p, err);
	return img_store_publish(p->to, err);
}

static void packed_close(struct img_store *st)
{
	struct packed *p = (struct packed *)st;

	/* That ends the file; what was not published by now is not wanted.  write_fail() would leak. */
	p->dropped = true;
	if (p->writer)
		(void)p->la.write_free(p->writer);
	img_libarchive_unload(&p->la);
	img_store_close(p->to);
	free(p);
}

static const struct img_store_ops packed_ops = {
	.kind = "packed",
	.passes_on = true,
	.size = packed_size,
	.write = packed_write,
	.publish = packed_publish,
	.close = packed_close,
};

/* ---- Opening ------------------------------------------------------------------------------------- */

/* At least two, for with one alone xz and zstd would cut what they get in another way. */
static bool set_threads(struct packed *p, const char *filter)
{
	const unsigned cores = img_thread_count(0, UINT_MAX);
	char text[24];

	(void)snprintf(text, sizeof(text), "%u", cores > 2 ? cores : 2);	/* it fits */
	return p->la.write_filter_option(p->writer, filter, "threads", text) == ARCHIVE_OK;
}

static bool add_filter(struct packed *p, const char *filter, struct img_err *err)
{
	bool ok = false;

	if (!strcmp(filter, "gzip"))	/* the time would make each file another one */
		ok = p->la.pack_gzip(p->writer) == ARCHIVE_OK &&
		     p->la.write_filter_option(p->writer, filter, "timestamp", NULL) == ARCHIVE_OK;
	else if (!strcmp(filter, "xz"))
		ok = p->la.pack_xz(p->writer) == ARCHIVE_OK && set_threads(p, filter);
	else if (!strcmp(filter, "zstd"))
		ok = p->la.pack_zstd(p->writer) == ARCHIVE_OK && set_threads(p, filter);
	else if (!strcmp(filter, "lz4"))
		ok = p->la.pack_lz4(p->writer) == ARCHIVE_OK;
	else
		return img_fail(err, IMG_E_ARGUMENT,
				_("there is no filter \"%s\"; gzip, xz, zstd and lz4 there are"), filter);
	return ok || img_fail(err, IMG_E_UNSUPPORTED, _("libarchive cannot compress by %s here"), filter);
}

/* The one member that the format "raw" has, which leaves nothing of it but its bytes. */
static bool begin(struct packed *p)
{
	struct archive_entry *entry = p->la.entry_new();
	bool ok;

	if (!entry)
		return false;
	p->la.entry_set_filetype(entry, AE_IFREG);
	ok = p->la.write_set_raw(p->writer) == ARCHIVE_OK &&
	     p->la.write_block(p->writer, OUTPUT_BYTES) == ARCHIVE_OK &&
	     p->la.write_last_block(p->writer, 1) == ARCHIVE_OK &&
	     p->la.write_open(p->writer, p, NULL, pass_on, NULL) == ARCHIVE_OK &&
	     p->la.write_header(p->writer, entry) == ARCHIVE_OK;
	p->la.entry_free(entry);
	return ok;
}

static bool open_writer(struct packed *p, const char *filter, struct img_err *err)
{
	p->writer = p->la.write_new();
	if (!p->writer)
		return img_fail_nomem(err, sizeof(*p));
	return add_filter(p, filter, err) && (begin(p) || fail_with_reason(p, err));
}

struct img_store *img_store_packed(struct img_store *to, const char *filter, struct img_err *err)
{
	struct packed *p = img_calloc(1, sizeof(*p), err);

	if (!p)
		return NULL;
	p->st = (struct img_store){
		.ops = &packed_ops, .align = 1, .caps = IMG_STORE_WRITE | IMG_STORE_FRESH,
	};
	p->st.name = img_strdup(to->name, err);
	p->to = to;
	if (p->st.name && img_libarchive_load(&p->la, err) && open_writer(p, filter, err))
		return &p->st;
	p->to = NULL;
	img_store_close(&p->st);
	return NULL;
}
