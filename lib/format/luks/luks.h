/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An open LUKS image; each part belongs to the file that it is listed under. */
#ifndef LUKS_H
#define LUKS_H

#include "cipher/luks.h"
#include "format/format.h"
#include "format/luks/findings.h"
#include "format/sealed.h"

struct luks_disk;
struct luks_new;

struct luks {
	struct img_luks_volume volume;	/* cipher is NULL: without its key */
	uint64_t end;			/* of the payload in the file; bytes */
	bool alone;			/* the header of data that are elsewhere, and no disk */
	struct luks_disk *disk;		/* while it is written in place, else NULL; owned */
	struct luks_new *fresh;		/* while a new image is being written, else NULL; owned */
};

/* The file that begins with the header. */
static inline struct img_store *luks_header(const struct img_layer *ly)
{
	return ly->header ? ly->header : ly->store;
}

/*
 * The disk's bytes from `at` on, for img_sealed_read() and _write().  IMG_E_KEY: the image was opened
 * without its key.  (driver.c)
 */
bool luks_sealed_at(const struct img_layer *ly, uint64_t at, struct img_sealed *out,
		    struct img_err *err) IMG_MUST_CHECK;
/* Enciphered zeros to st, which is the file; at and len are whole sectors.  (driver.c) */
bool luks_write_zeros(const struct img_layer *ly, struct img_store *st, uint64_t at, uint64_t len,
		      struct img_err *err) IMG_MUST_CHECK;

/* create.c, write.c */
extern const struct img_option luks_create_options[];
bool luks_create(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err);
extern const struct img_write_ops luks_write_ops;

/* disk.c */
struct luks_disk *luks_disk_new(struct img_err *err);
void luks_disk_free(struct luks_disk *disk);	/* accepts NULL */
/* What no request that is being written is in the middle of. */
bool luks_disk_read(const struct img_layer *ly, uint64_t at, void *buf, size_t len,
		    struct img_err *err) IMG_MUST_CHECK;
extern const struct img_disk_ops luks_disk_ops;

extern const struct img_check_ops luks_check_ops;		/* check.c */
/* repair.c; as img_check_ops has it. */
bool luks_repair(struct img_layer *ly, const struct img_checking *how, enum img_repair_level level,
		 struct img_err *err);
/* resize.c */
bool luks_resize(struct img_layer *ly, const struct img_layer_resize *how, struct img_err *err);

#endif
