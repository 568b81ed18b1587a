/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sources that are drawn as a text. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "base/num.h"
#include "unit/fake/fake.h"

static bool in_store(char c)
{
	return islower((unsigned char)c) || c == '-';
}

/* Never zero for a letter. */
static uint8_t byte_at(char c, uint64_t at)
{
	if (!isalpha((unsigned char)c) || c == 'z')
		return 0;
	if (c == 'q' || c == 'Q')
		return (uint8_t)((at * 2654435761u >> 7) | 1);
	return (uint8_t)(c + at / 512 % 101);
}

/* to[0, len) becomes what stands at `at` of blocks drawn as c. */
static void fill(char c, uint64_t at, uint8_t *to, uint64_t len)
{
	const uint64_t end = at + len;

	while (at < end) {
		const uint64_t run = img_min_u64(end - at, c == 'q' || c == 'Q' ? 1 : 512 - at % 512);

		memset(to, byte_at(c, at), run);
		to += run;
		at += run;
	}
}

static void draw(const char *drawing, uint32_t block, uint64_t at, uint8_t *to, uint64_t len)
{
	const uint64_t end = at + len;

	while (at < end) {
		const uint64_t run = img_min_u64(end - at, block - at % block);

		fill(drawing[at / block], at, to, run);
		to += run;
		at += run;
	}
}

/* Blocks that may be said in one answer. */
static bool alike(char a, char b)
{
	return a == b || (strchr("abcdefghijklm-", a) && strchr("abcdefghijklm-", b));
}

static bool disk_extent(struct img_layer *ly, uint64_t at, uint64_t limit, struct img_extent *out,
			struct img_err *err)
{
	struct fake_disk *disk = ly->priv;
	const uint64_t first = at / disk->block;
	const char c = disk->drawing[first];
	uint64_t end = first;

	if (atomic_fetch_add(&disk->extents, 1) + 1 == disk->fail_extent)
		return img_fail(err, IMG_E_IO, "fake: extent");
	while (end * disk->block < limit && alike(c, disk->drawing[end]))
		end++;
	*out = (struct img_extent){
		.start = at, .len = img_min_u64(limit, end * disk->block) - at,
		.kind = isupper((unsigned char)c) ? IMG_EXTENT_ENCODED : IMG_EXTENT_DATA,
	};
	switch (c) {
	case '.':
		out->kind = IMG_EXTENT_HOLE;
		break;
	case '0':
		out->kind = IMG_EXTENT_ZERO;
		break;
	case 'z':
		out->kind = IMG_EXTENT_ZERO;
		out->zero_in_store = true;
		break;
	case '!':
		out->kind = IMG_EXTENT_LOST;
		out->loss = IMG_E_CORRUPT;
		out->why = "it was drawn so";
		break;
	}
	if (in_store(c) || isupper((unsigned char)c)) {
		out->store = ly->store;
		out->host_len = out->len;
		out->host = at;
		if (c >= 'n' && c <= 'y')
			out->host += strlen(disk->drawing) * (uint64_t)disk->block;
	}
	return true;
}

static bool disk_read(struct img_layer *ly, uint64_t at, void *buf, size_t len,
		      struct img_err *err)
{
	struct fake_disk *disk = ly->priv;

	atomic_fetch_add(&disk->decodes, 1);
	if (disk->fail_decode >= at && disk->fail_decode - at < len)
		return img_fail(err, IMG_E_CORRUPT, "fake: decode");
	draw(disk->drawing, disk->block, at, buf, len);
	return true;
}

static bool disk_info(struct img_layer *ly, struct img_node *report, struct img_err *err)
{
	(void)ly;
	(void)report;
	(void)err;
	return true;
}

static void disk_close(struct img_layer *ly)
{
	free(ly->priv);
}

static const struct img_format fake_format = {
	.name = "fake",
	.close = disk_close,
	.extent = disk_extent,
	.read = disk_read,
	.info = disk_info,
};

static void init_layer(struct img_layer *ly, const char *drawing, uint32_t block, uint64_t size)
{
	const size_t blocks = strlen(drawing);
	struct fake_disk *disk = calloc(1, sizeof(*disk));
	struct fake_store *fs = fake_store_new(2 * blocks * block, 2 * blocks * block,
					       IMG_STORE_SEEK | IMG_STORE_PARALLEL);

	for (uint64_t i = 0; i < blocks; i++)
		if (in_store(drawing[i]))
			fill(drawing[i], i * block,
			     fs->bytes + (i + (drawing[i] >= 'n' ? blocks : 0)) * block, block);
	*disk = (struct fake_disk){
		.drawing = drawing, .block = block, .fail_decode = UINT64_MAX,
	};
	*ly = (struct img_layer){
		.format = &fake_format, .store = &fs->head, .priv = disk, .unit = block,
		.size = size ? size : blocks * block,
	};
}

struct img *fake_stack(const char *const *drawings, size_t n, uint32_t block)
{
	struct img *im = calloc(1, sizeof(*im));

	im->layers = calloc(n, sizeof(*im->layers));
	im->n_layers = n;
	for (size_t i = 0; i < n; i++)
		init_layer(&im->layers[i], drawings[i], block, 0);
	return im;
}

struct img *fake_disk(const char *drawing, uint32_t block, uint64_t size)
{
	struct img *im = calloc(1, sizeof(*im));

	im->layers = calloc(1, sizeof(*im->layers));
	im->n_layers = 1;
	init_layer(&im->layers[0], drawing, block, size);
	return im;
}

struct img *fake_stream(const char *drawing, uint32_t block, uint64_t size)
{
	struct img *im = fake_disk(drawing, block, size);
	struct img_layer *ly = &im->layers[0];
	struct fake_store *fs = fake_store_new(ly->size, ly->size, 0);

	draw(drawing, block, 0, fs->bytes, ly->size);
	img_store_close(ly->store);
	ly->store = &fs->head;
	ly->size = IMG_SIZE_UNKNOWN;
	return im;
}

uint8_t *fake_content(const char *drawing, uint32_t block, uint64_t size)
{
	const uint64_t len = size ? size : strlen(drawing) * (uint64_t)block;
	uint8_t *bytes = malloc(len + 1);

	draw(drawing, block, 0, bytes, len);
	return bytes;
}

struct fake_disk *fake_disk_of(const struct img *im)
{
	return im->layers[0].priv;
}

struct fake_store *fake_store_of(const struct img *im)
{
	return (struct fake_store *)im->layers[0].store;
}
