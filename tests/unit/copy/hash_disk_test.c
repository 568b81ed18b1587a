/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A drawn disk has the hash of its bytes, whatever its extents are. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "codec/codec.h"
#include "unit/fake/fake.h"

#define BLOCK 40960		/* does not fit into what is read at once */

static void check(const char *drawing, uint64_t size)
{
	char expected[129], hex[2 * IMG_HASH_MAX + 1];
	struct img *im = fake_disk(drawing, BLOCK, size);
	uint8_t *bytes = fake_content(drawing, BLOCK, size);
	struct img_digest *dg = img_digest_open("sha256", NULL);
	struct img_err err = { 0 };

	cr_assert(img_digest_add(dg, bytes, size, &err) && img_digest_finish(dg, expected, &err));
	cr_assert(img_hash_disk(im, "sha256", hex, &err), "%s", err.text);
	cr_assert_str_eq(hex, expected, "%s", drawing);
	img_digest_close(dg);
	img_close(im);
	free(bytes);
}

Test(hash_disk, is_that_of_its_bytes)
{
	check("abcdqQ", 6 * BLOCK);
	check("..a0zz-b", 8 * BLOCK);
	check("....", 4 * BLOCK);
	check("a.bA", 3 * BLOCK + 512);
}

Test(hash_disk, fails_where_a_byte_cannot_be_read)
{
	char hex[2 * IMG_HASH_MAX + 1];
	struct img *im = fake_disk("aA", BLOCK, 2 * BLOCK);
	struct img_err err = { 0 };

	fake_disk_of(im)->fail_decode = BLOCK;
	cr_assert_not(img_hash_disk(im, "sha256", hex, &err));
	cr_assert_neq(err.code, IMG_OK);
	img_close(im);
	im = fake_disk("a!", BLOCK, 2 * BLOCK);
	cr_assert_not(img_hash_disk(im, "sha256", hex, &err));
	img_close(im);
	im = fake_disk("a", BLOCK, BLOCK);
	err = (struct img_err){ 0 };
	cr_assert_not(img_hash_disk(im, "no such hash", hex, &err));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED, "%s", err.text);
	img_close(im);
}
