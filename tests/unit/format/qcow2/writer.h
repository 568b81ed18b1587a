/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes new images as the copy engine does: in guest order, with publish lagging behind reserve,
 * out of data, noise, zeros and holes drawn at random.  qemu-img judges what came out.
 */
#ifndef TESTS_UNIT_QCOW2_WRITER_H
#define TESTS_UNIT_QCOW2_WRITER_H

#include "format/qcow2/qcow2.h"

#define DISK (3 * 1024 * 1024 + 4000)
#define LAG 8		/* slots that are reserved before the first is published */
#define BACKING ",backing_file=below.raw,backing_fmt=raw"	/* made by trial_new() */

struct trial {
	char dir[32];
	char image[64], data[64];
	const char *options;
	bool compressed, pipe, hide, dirty;	/* dirty: the target is full of old bytes */
	size_t size;		/* of the disk */
	bool size_unknown;
	uint32_t state;
	uint8_t *disk, *below;	/* what the guest sees; what a backing file holds */
	struct img_layer ly;
	struct img_err err;
	void *encoder;
	/* reserved, not yet published; zero ranges have stored_len 0 */
	struct img_slot queue[LAG];
	size_t n_queue;
};

/* In a temporary directory of its own, which becomes the working directory. */
struct trial *trial_new(const char *options);
void trial_free(struct trial *t);
/* Where the image goes, as the members of t say; asserts that it can be had. */
struct img_store *open_store(struct trial *t);
/* A store that takes nothing but the next byte; owns file. */
struct img_store *pipe_to(struct img_store *file);
bool create_on(struct trial *t, struct img_store *store);
bool write_image(struct trial *t);
void close_layer(struct trial *t);
/* Asserts that the file at path holds the disk, and zeros up to len. */
void compare_with(struct trial *t, const char *path, size_t len);
/* Creates, writes, and asserts that qemu-img finds the image clean and the content true. */
void round_trip(struct trial *t);
bool have_qemu_img(void);

#define EACH(table, option) \
	for (size_t i_ = 0; i_ < sizeof(table) / sizeof(table[0]); i_++) \
		for (const char *option = table[i_]; option; option = NULL)

/* Options that any target can have. */
extern const char *const plain_options[13];

#endif
