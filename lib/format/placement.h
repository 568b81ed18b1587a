/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the units of a disk lie in its own file, for images that are made around data that stay
 * where they are: unit n of the disk in unit n of the file.  Unit 0 of the file is the header's, so
 * unit 0 of the disk goes behind all others.
 */
#ifndef IMG_FORMAT_PLACEMENT_H
#define IMG_FORMAT_PLACEMENT_H

#include "format/format.h"
#include "store/ranges.h"

struct img_placement {
	uint64_t size;			/* guest bytes */
	uint32_t unit;			/* bytes; a power of two */
	uint64_t units;			/* of the disk; the last one may be cut by its end */
	uint64_t hosts;			/* units of the file that may hold some of them */
	uint32_t *host_of;		/* of each unit of the disk, 0: nowhere; owned */
	uint32_t *guest_at;		/* of each unit of the file one more, 0: none; owned */
	uint64_t placed;		/* units of the disk that lie somewhere */
	uint64_t astray;		/* of these: not where they are to be in the end */
};

/* Units of a file of file_size bytes.  out is to be cleared even on failure.  IMG_E_RANGE, _NOMEM. */
bool img_placement_init(struct img_placement *out, uint64_t size, uint32_t unit, uint64_t file_size,
			struct img_err *err) IMG_MUST_CHECK;
void img_placement_clear(struct img_placement *p);
/* Where a unit of the disk is to lie in the end. */
static inline uint64_t img_placement_target(const struct img_placement *p, uint64_t guest)
{
	return guest ? guest : p->units;
}
/* The unit of the disk that lies at host, a unit of the file; false: none. */
bool img_placement_guest(const struct img_placement *p, uint64_t host, uint64_t *guest);
/* Puts a unit of the disk that lies nowhere at a free place of the file; false: it is not free. */
bool img_placement_put(struct img_placement *p, uint64_t guest, uint64_t host) IMG_MUST_CHECK;
/* It lies nowhere from now on; it did somewhere. */
void img_placement_take(struct img_placement *p, uint64_t guest);
/* No more units of the file than are in use or will be. */
void img_placement_trim(struct img_placement *p);
/*
 * Fills p, which is empty, with what an open layer says; whatever is not plain data of its file is
 * refused.  Of a format that is identity unit 0 counts as moved.  blank: bytes of the file that lie
 * in units of the disk and read as zeros, whatever they are.
 * Errors: IMG_E_UNSUPPORTED; IMG_E_CORRUPT (a unit of the file is in use twice ...); those of a loss,
 * and of extent().
 */
bool img_placement_read(struct img_placement *p, struct img_layer *ly, struct img_rangeset *blank,
			struct img_err *err) IMG_MUST_CHECK;

/* What a file was before an image was made of it, kept in the image. */
struct img_adoption {
	uint64_t size;			/* bytes */
	int64_t time;			/* of the last change, as the image was given: whole seconds */
};

struct img_adopting {
	const struct img_placement *where;	/* hosts: the tables go behind that */
	const struct img_settings *settings;	/* of the format's creation options */
	const struct img_adoption *note;	/* or NULL */
};

/* Images that are made around data that lie in their file already. */
struct img_adopt_ops {
	const char *unit_option;	/* the creation option that says how large a unit is */
	/* The unit for a disk of that size; refuses options that make no sense here.  Pure. */
	bool (*unit)(const struct img_settings *set, uint64_t size, uint32_t *unit,
		     struct img_err *err);
	/*
	 * Makes st the image: its tables, behind how->where->hosts, and its header; nothing else is
	 * touched, and the file ends behind the tables.  st gets into the file at once: no order.
	 * *laid: for the other calls; the caller frees it.
	 */
	bool (*lay)(struct img_store *st, const struct img_adopting *how, void **laid,
		    struct img_err *err);
	/* Makes the tables in st agree with where for these units of the disk and of the file. */
	bool (*moved)(void *laid, struct img_store *st, const struct img_placement *where,
		      const struct img_rangeset *guests, const struct img_rangeset *hosts,
		      struct img_err *err);
	void (*free)(void *laid);	/* accepts NULL */
	/* Fails when an open layer has something that is neither data nor zeros of its disk. */
	bool (*sole)(const struct img_layer *ly, struct img_err *err);
	/* What lay() was told of the file; false: it is no such image.  No I/O. */
	bool (*adopted)(const struct img_layer *ly, struct img_adoption *out);
};

#endif
