/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a file is compressed, by its first bytes, and who can unpack that. */
#include "store/unpack.h"

#include <string.h>

struct img_packing {
	const char *name;
	struct {
		uint8_t bytes[IMG_PACKING_BYTES];
		size_t len;
	} magic;
	struct img_producer *(*unpack)(struct img_store *packed, struct img_err *err);
	bool (*follows)(const uint8_t *head, size_t len);	/* what a short magic needs; or NULL */
	bool unlikely;			/* whoever begins so is a disk, unless it is said to be packed */
};

#ifdef HAVE_LZMA
#define UNPACK_XZ img_unpack_xz
#else
#define UNPACK_XZ img_unpack_other
#endif

/* RFC 1952, 2.3.1: of the flags three are none yet. */
static bool is_gzip(const uint8_t *head, size_t len)
{
	return len >= 4 && !(head[3] & 0xe0);
}

/* Three letters are no proof: behind the size of the blocks comes the first of them, or the end. */
static bool is_bzip2(const uint8_t *head, size_t len)
{
	static const uint8_t block[] = { 0x31, 0x41, 0x59, 0x26, 0x53, 0x59 };
	static const uint8_t end[] = { 0x17, 0x72, 0x45, 0x38, 0x50, 0x90 };

	return len >= 10 && head[3] >= '1' && head[3] <= '9' &&
	       (!memcmp(head + 4, block, sizeof(block)) || !memcmp(head + 4, end, sizeof(end)));
}

/* Codes have 9 to 16 bits; of the other three, two mean nothing. */
static bool is_compress(const uint8_t *head, size_t len)
{
	return len >= 3 && !(head[2] & 0x60) && (head[2] & 0x1f) >= 9 && (head[2] & 0x1f) <= 16;
}

static const struct img_packing packings[] = {
	{ "gzip", { { 0x1f, 0x8b, 8 }, 3 }, img_unpack_gzip, is_gzip, false },
	{ "xz", { { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6 }, UNPACK_XZ, NULL, false },
	{ "zstd", { { 0x28, 0xb5, 0x2f, 0xfd }, 4 }, img_unpack_other, NULL, false },
	{ "bzip2", { { 'B', 'Z', 'h' }, 3 }, img_unpack_other, is_bzip2, false },
	{ "lz4", { { 4, 0x22, 0x4d, 0x18 }, 4 }, img_unpack_other, NULL, false },
	{ "lzip", { { 'L', 'Z', 'I', 'P', 1 }, 5 }, img_unpack_other, NULL, false },
	{ "compress", { { 0x1f, 0x9d }, 2 }, img_unpack_other, is_compress, true },
};

const struct img_packing *img_packing_of(const uint8_t *head, size_t len, bool said)
{
	for (size_t i = 0; i < sizeof(packings) / sizeof(packings[0]); i++) {
		const struct img_packing *p = &packings[i];

		if ((said || !p->unlikely) && len >= p->magic.len &&
		    !memcmp(head, p->magic.bytes, p->magic.len) && (!p->follows || p->follows(head, len)))
			return p;
	}
	return NULL;
}

const char *img_packing_name(const struct img_packing *packing)
{
	return packing->name;
}

struct img_store *img_store_unpacked(struct img_store *packed, const struct img_packing *packing,
				     uint64_t most, struct img_err *err)
{
	struct img_producer *producer = packing->unpack(packed, err);
	struct img_store *st = producer ? img_store_produced(producer, packed->name, most, err) : NULL;

	if (producer && !st) {
		producer->in.st = NULL;
		producer->ops->close(producer);
	}
	return st;
}
