/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See sealed.h.  What is read or written at once stays in the processor's cache between the system call
 * and the cipher.
 */
#include "format/sealed.h"

#include <string.h>
#include "base/num.h"

enum { PIECE = 256 << 10 };

/* ---- Whole sectors ------------------------------------------------------------------------------- */

static bool read_sectors(const struct img_sealed *run, uint8_t *buf, size_t len,
			 struct img_err *err)
{
	for (size_t done = 0; done < len; done += PIECE) {
		const size_t n = img_min_u64(PIECE, len - done);

		if (!img_store_read(run->store, run->host + done, buf + done, n, err) ||
		    !img_cipher_decrypt(run->cipher, run->iv + done, buf + done, buf + done, n, err))
			return false;
	}
	return true;
}

static bool put_piece(const void *ctx, size_t done, const void *bytes, size_t len,
		      struct img_err *err)
{
	const struct img_sealed *run = ctx;

	return img_store_write(run->store, run->host + done, bytes, len, err);
}

static bool write_sectors(const struct img_sealed *run, const uint8_t *buf, size_t len,
			  struct img_err *err)
{
	const struct img_cipher_sink sink = { .put = put_piece, .ctx = run };

	return img_cipher_encrypt_to(run->cipher, run->iv, buf, len, &sink, err);
}

/* ---- Parts of sectors ---------------------------------------------------------------------------- */

/* Of the run's next len bytes those that are treated together, and whether they are whole sectors. */
static size_t next_len(const struct img_sealed *run, size_t len, size_t *skip, bool *whole)
{
	*skip = run->iv & (run->sector - 1);
	*whole = !*skip && len >= run->sector;
	return *whole ? img_round_down(len, run->sector) : img_min_u64(len, run->sector - *skip);
}

static struct img_sealed start_of_sector(struct img_sealed run, size_t skip)
{
	run.host -= skip;
	run.iv -= skip;
	return run;
}

static bool read_part(const struct img_sealed *run, size_t skip, uint8_t *buf, size_t len,
		      struct img_err *err)
{
	const struct img_sealed all = start_of_sector(*run, skip);
	uint8_t sector[IMG_SEALED_SECTOR_MAX];

	if (!read_sectors(&all, sector, run->sector, err))
		return false;
	memcpy(buf, sector + skip, len);
	return true;
}

static bool write_part(const struct img_sealed *run, size_t skip, const uint8_t *buf, size_t len,
		       struct img_err *err)
{
	const struct img_sealed all = start_of_sector(*run, skip);
	uint8_t sector[IMG_SEALED_SECTOR_MAX];

	if (!read_sectors(&all, sector, run->sector, err))
		return false;
	memcpy(sector + skip, buf, len);
	return write_sectors(&all, sector, run->sector, err);
}

bool img_sealed_read(const struct img_sealed *run, void *buf, size_t len, struct img_err *err)
{
	size_t n, skip;
	bool whole;

	for (size_t done = 0; done < len; done += n) {
		const struct img_sealed rest = img_sealed_from(*run, done);
		uint8_t *to = (uint8_t *)buf + done;

		n = next_len(&rest, len - done, &skip, &whole);
		if (whole ? !read_sectors(&rest, to, n, err)
			  : !read_part(&rest, skip, to, n, err))
			return false;
	}
	return true;
}

bool img_sealed_write(const struct img_sealed *run, const void *buf, size_t len,
		      struct img_err *err)
{
	size_t n, skip;
	bool whole;

	for (size_t done = 0; done < len; done += n) {
		const struct img_sealed rest = img_sealed_from(*run, done);
		const uint8_t *from = (const uint8_t *)buf + done;

		n = next_len(&rest, len - done, &skip, &whole);
		if (whole ? !write_sectors(&rest, from, n, err)
			  : !write_part(&rest, skip, from, n, err))
			return false;
	}
	return true;
}
