/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unpacking by libarchive, which takes what is compressed for an archive of one member. */
#include <stdlib.h>
#include "base/mem.h"
#include "store/archive.h"
#include "store/unpack.h"

struct other {
	struct img_producer producer;
	struct img_archive *archive;	/* NULL: nobody has asked for a byte */
};

/* Its first block is unpacked on the way, so that is the thread's work. */
static bool begin(struct other *o, struct img_err *err)
{
	struct img_member only;
	bool none;

	o->archive = img_archive_read_from(&o->producer.in, IMG_ARCHIVE_COMPRESSED, false, err);
	return o->archive && img_archive_next(o->archive, &only, &none, err);
}

static bool other_make(struct img_producer *producer, uint8_t *buf, size_t len, size_t *got,
		       struct img_err *err)
{
	struct other *o = (struct other *)producer;

	if (!o->archive && !begin(o, err))
		return false;
	return img_archive_read(o->archive, buf, len, got, err);
}

static void other_close(struct img_producer *producer)
{
	struct other *o = (struct other *)producer;

	img_archive_close(o->archive);
	img_store_close(producer->in.st);
	free(o);
}

static const struct img_producer_ops other_ops = { .make = other_make, .close = other_close };

struct img_producer *img_unpack_other(struct img_store *packed, struct img_err *err)
{
	struct other *o = img_calloc(1, sizeof(*o), err);

	if (!o)
		return NULL;
	o->producer = (struct img_producer){ .ops = &other_ops, .in.st = packed };
	return &o->producer;
}
