/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: a patch of any content.  What the reader hands on must make sense, and its memory is
 * bounded whatever the records say.  Checksums keep a fuzzer out, so that every record is tried a
 * second time with one that is right.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "base/bytes.h"
#include "copy/patch.h"
#include "fuzz/fuzz.h"

#define MAX_LEN (4 * PATCH_MOST)

/* Makes the checksums of data[0, len) right, as far as there are records. */
static void seal(uint8_t *data, size_t len)
{
	size_t at = PATCH_HDR_BYTES, more;
	struct patch_record rec;
	uint32_t chain;

	if (len < PATCH_HDR_BYTES)
		return;
	chain = (uint32_t)crc32(0, data, PATCH_HDR_CRC);
	img_put_be32(data + PATCH_HDR_CRC, chain);
	for (; len - at >= PATCH_REC_BYTES; at += PATCH_REC_BYTES + more) {
		patch_record_decode(data + at, &rec);
		if (!patch_record_payload(&rec, &more) || more > len - at - PATCH_REC_BYTES)
			return;
		chain = patch_record_encode(&rec, chain, data + at + PATCH_REC_BYTES, data + at);
	}
}

static void read_all(const uint8_t *data, size_t len)
{
	struct img_store *st = img_store_mem(data, len, NULL);
	struct patch_reader rd;
	struct patch_record rec = { 0 };
	const uint8_t *bytes;
	uint64_t end = 0;

	if (!st)
		return;
	bool ok = patch_reader_init(&rd, st, NULL);

	while (ok && rec.kind != PATCH_END) {
		ok = patch_reader_next(&rd, &rec, &bytes, NULL);
		if (!ok || rec.kind == PATCH_END)
			break;
		if (!rec.len || rec.at + rec.len < rec.at ||
		    rec.at + rec.len > rd.header.new_size || (!rd.rbd_version && rec.at < end))
			abort();
		if (rec.kind == PATCH_DATA)
			(void)crc32(0, bytes, (uInt)rec.len);	/* all of them can be read */
		end = rec.at + rec.len;
	}
	patch_reader_clear(&rd);
	img_store_close(st);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *sealed;

	if (len > MAX_LEN)
		return 0;
	read_all(data, len);
	sealed = malloc(len + 1);
	if (!sealed)
		return 0;
	memcpy(sealed, data, len);
	seal(sealed, len);
	read_all(sealed, len);
	free(sealed);
	return 0;
}
