/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sample files of every registered driver: testdata/<format>/good-*, bad-*, unsupported-*.
 * A driver that is added to the registry is tested without a change here.
 */
#ifndef TESTS_CONFORMANCE_SAMPLES_H
#define TESTS_CONFORMANCE_SAMPLES_H

#include "image/image.h"

enum verdict { GOOD, BAD, UNSUPPORTED };

struct sample {
	const struct img_format *format;
	enum verdict verdict;
	char *name;			/* "qcow2/good-empty.img" */
	char *path;			/* of the file itself; of a copy when it is packed with xz */
};

/* Calls what() for each sample with that verdict; returns how many of format (NULL: all). */
size_t samples_each(const struct img_format *format, enum verdict verdict,
		    void (*what)(const struct sample *sample));
/*
 * The sample, opened as its folder's format, with FAKE_KEY where it is encrypted; files that it names
 * may be opened.  NULL: err.
 */
struct img *samples_open(const struct sample *sample, struct img_err *err);
/* The file itself in memory.  Free with free(). */
uint8_t *samples_bytes(const struct sample *sample, size_t *len);

#endif
