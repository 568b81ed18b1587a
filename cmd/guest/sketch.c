/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See sketch.h.  The disk is copied in pieces of a fixed size, each once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "common/memory.h"
#include "common/text.h"
#include "guest/sketch.h"

enum { PIECE = 1 << 20, SECTOR = 512 };

struct sketch {
	struct img *im;
	int fd;
	uint64_t size;
	uint64_t *pieces;	/* numbers of those that were copied */
	size_t n;
	uint8_t *ours, *theirs;	/* scratch, a piece each */
};

struct sketch *sketch_new(struct img *im, struct img_err *err)
{
	struct sketch *sk = calloc(1, sizeof(*sk));

	if (!sk) {
		out_of_memory(err);
		return NULL;
	}
	sk->im = im;
	sk->fd = memfd_create("guest", MFD_CLOEXEC);
	sk->ours = malloc(PIECE);
	sk->theirs = malloc(PIECE);
	if (sk->fd >= 0 && sk->ours && sk->theirs && sketch_resize(sk, img_size(im), err))
		return sk;
	if (sk->fd < 0)
		img_fail_os(err, _("cannot make a file in memory"));
	else if (!sk->ours || !sk->theirs)
		out_of_memory(err);
	sketch_free(sk);
	return NULL;
}

void sketch_free(struct sketch *sk)
{
	if (!sk)
		return;
	if (sk->fd >= 0)
		close(sk->fd);
	free(sk->pieces);
	free(sk->ours);
	free(sk->theirs);
	free(sk);
}

int sketch_fd(const struct sketch *sk)
{
	return sk->fd;
}

uint64_t sketch_size(const struct sketch *sk)
{
	return sk->size;
}

/* ---- The file in memory -------------------------------------------------------------------------- */

static bool file_failed(struct img_err *err)
{
	return img_fail_os(err, _("the file in memory"));
}

static bool file_write(struct sketch *sk, uint64_t at, const void *buf, size_t len,
		       struct img_err *err)
{
	errno = EIO;
	return pwrite(sk->fd, buf, len, (off_t)at) == (ssize_t)len || file_failed(err);
}

static bool file_read(struct sketch *sk, uint64_t at, void *buf, size_t len, struct img_err *err)
{
	errno = EIO;
	return pread(sk->fd, buf, len, (off_t)at) == (ssize_t)len || file_failed(err);
}

bool sketch_resize(struct sketch *sk, uint64_t size, struct img_err *err)
{
	if (ftruncate(sk->fd, (off_t)size))
		return file_failed(err);
	sk->size = size;
	return true;
}

/* ---- Pieces -------------------------------------------------------------------------------------- */

static bool has_piece(const struct sketch *sk, uint64_t piece)
{
	for (size_t i = 0; i < sk->n; i++)
		if (sk->pieces[i] == piece)
			return true;
	return false;
}

static bool note_piece(struct sketch *sk, uint64_t piece, struct img_err *err)
{
	uint64_t *more = realloc(sk->pieces, (sk->n + 1) * sizeof(*more));

	if (!more)
		return out_of_memory(err);
	sk->pieces = more;
	sk->pieces[sk->n++] = piece;
	return true;
}

/* Of a piece, what lies in front of end. */
static size_t piece_len(uint64_t piece, uint64_t end)
{
	const uint64_t at = piece * PIECE;

	return at >= end ? 0 : end - at < PIECE ? (size_t)(end - at) : PIECE;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What is behind the end of the disk is zeros, which the file has already. */
static bool copy_piece(struct sketch *sk, uint64_t piece, struct img_err *err)
{
	const size_t len = piece_len(piece, smaller(img_size(sk->im), sk->size));

	if (has_piece(sk, piece))
		return true;
	if (len && (!img_read(sk->im, piece * PIECE, sk->theirs, len, err) ||
		    !file_write(sk, piece * PIECE, sk->theirs, len, err)))
		return false;
	return note_piece(sk, piece, err);
}

bool sketch_copy(struct sketch *sk, uint64_t at, uint64_t len, struct img_err *err)
{
	const uint64_t end = at < sk->size ? at + smaller(len, sk->size - at) : at;

	for (uint64_t piece = at / PIECE; at < end && piece <= (end - 1) / PIECE; piece++)
		if (!copy_piece(sk, piece, err))
			return false;
	return true;
}

static bool check_range(const struct sketch *sk, uint64_t at, size_t len, struct img_err *err)
{
	return (at <= sk->size && len <= sk->size - at) ||
	       img_fail(err, IMG_E_RANGE, _("behind the end of the disk"));
}

bool sketch_read(struct sketch *sk, uint64_t at, void *buf, size_t len, struct img_err *err)
{
	return check_range(sk, at, len, err) && sketch_copy(sk, at, len, err) &&
	       file_read(sk, at, buf, len, err);
}

bool sketch_write(struct sketch *sk, uint64_t at, const void *buf, size_t len, struct img_err *err)
{
	return check_range(sk, at, len, err) && sketch_copy(sk, at, len, err) &&
	       file_write(sk, at, buf, len, err);
}

/* ---- Back to the disk ---------------------------------------------------------------------------- */

static bool differs(const struct sketch *sk, size_t at, size_t len)
{
	return at < len && memcmp(sk->ours + at, sk->theirs + at,
				  len - at < SECTOR ? len - at : SECTOR);
}

/* Neighbouring sectors go out in one write, and one that is the same is not written. */
static bool write_differences(const struct sketch *sk, uint64_t base, size_t len,
			      struct img_err *err)
{
	for (size_t at = 0; at < len; at += SECTOR) {
		const size_t from = at;

		while (differs(sk, at, len))
			at += SECTOR;
		const size_t to = at < len ? at : len;
		if (to > from && !img_write(sk->im, base + from, sk->ours + from, to - from, err))
			return false;
	}
	return true;
}

bool sketch_write_back(struct sketch *sk, struct img_err *err)
{
	for (size_t i = 0; i < sk->n; i++) {
		const uint64_t base = sk->pieces[i] * PIECE;
		const size_t len = piece_len(sk->pieces[i], sk->size);

		if (len && (!file_read(sk, base, sk->ours, len, err) ||
			    !img_read(sk->im, base, sk->theirs, len, err) ||
			    !write_differences(sk, base, len, err)))
			return false;
	}
	return true;
}
