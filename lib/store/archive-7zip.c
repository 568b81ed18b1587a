/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The list of members of a 7z: it comes last, the first bytes tell where, and it may itself be compressed
 * (7zFormat.txt of the LZMA SDK).  libarchive says nothing when it is not there, and unpacks it into
 * memory however long it gets.
 */
#include "store/archive-7zip.h"

#include <inttypes.h>
#include <string.h>
#include "base/bytes.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"

/* The header in front: its bytes, and where in it are the offset of the list and its length. */
enum { HEADER_BYTES = 32, LIST_AT = 12, LIST_BYTES = 20 };

/* What follows, in a list. */
enum {
	END = 0, PACK_INFO = 6, UNPACK_INFO = 7, SIZES = 9, DIGESTS = 10, FOLDERS = 11, UNPACK_SIZES = 12,
	PACKED_LIST = 23,
};

/* Of a coder: bits of its first byte. */
enum { ID_BYTES = 0x0f, SEVERAL_STREAMS = 0x10, PROPERTIES = 0x20 };

/* ---- How a list is packed ------------------------------------------------------------------------ */

struct reading {
	const uint8_t *at, *end;
	bool bad;		/* what was wanted is not there */
};

static uint8_t next_byte(struct reading *r)
{
	if (r->at < r->end)
		return *r->at++;
	r->bad = true;
	return 0;
}

/* The ones in front say how many bytes follow, the lowest first; what is left of the byte comes on top. */
static uint64_t next_number(struct reading *r)
{
	const uint8_t first = next_byte(r);
	uint64_t value = 0;

	for (unsigned i = 0, mask = 0x80; mask; i++, mask >>= 1) {
		if (!(first & mask))
			return value | (uint64_t)(first & (mask - 1)) << 8 * i;
		value |= (uint64_t)next_byte(r) << 8 * i;
	}
	return value;
}

static void skip(struct reading *r, uint64_t n)
{
	r->bad |= n > (uint64_t)(r->end - r->at);
	r->at = r->bad ? r->end : r->at + n;
}

static void skip_numbers(struct reading *r, uint64_t n)
{
	for (; n && !r->bad; n--)
		(void)next_number(r);	/* r->bad says if it is there */
}

static void want(struct reading *r, uint8_t id)
{
	r->bad |= next_byte(r) != id;
}

/* Behind a byte for all of them, or a bit for each. */
static void skip_digests(struct reading *r, uint64_t n)
{
	uint64_t there = next_byte(r) ? n : 0;
	uint8_t bits = 0;

	for (uint64_t i = 0; !there && i < n && !r->bad; i++) {
		bits = i % 8 ? bits << 1 : next_byte(r);
		there += bits >> 7;
	}
	for (; there && !r->bad; there--)
		skip(r, sizeof(uint32_t));
}

static void skip_pack_info(struct reading *r)
{
	uint64_t n;
	uint8_t id;

	want(r, PACK_INFO);
	skip_numbers(r, 1);	/* where it is packed */
	n = next_number(r);
	while (!r->bad && (id = next_byte(r)) != END) {
		if (id == SIZES)
			skip_numbers(r, n);
		else if (id == DIGESTS)
			skip_digests(r, n);
		else
			r->bad = true;
	}
}

/* Coders that are bound to each other; so many streams come out of them. */
static uint64_t skip_folder(struct reading *r)
{
	uint64_t in = 0, out = 0;

	for (uint64_t n = next_number(r); n && !r->bad; n--) {
		const uint8_t flags = next_byte(r);

		skip(r, flags & ID_BYTES);
		in += flags & SEVERAL_STREAMS ? next_number(r) : 1;
		out += flags & SEVERAL_STREAMS ? next_number(r) : 1;
		if (flags & PROPERTIES)
			skip(r, next_number(r));
	}
	r->bad |= !out || in < out - 1;
	if (r->bad)
		return 0;
	skip_numbers(r, out - 1);
	skip_numbers(r, out - 1);
	if (in - (out - 1) > 1)
		skip_numbers(r, in - (out - 1));
	return out;
}

/* Of all streams together. */
static uint64_t unpacked_size(struct reading *r)
{
	uint64_t n_streams = 0, size = 0;

	want(r, PACKED_LIST);
	skip_pack_info(r);
	want(r, UNPACK_INFO);
	want(r, FOLDERS);
	const uint64_t n_folders = next_number(r);

	want(r, 0);		/* they follow here */
	for (uint64_t i = 0; i < n_folders && !r->bad; i++)
		r->bad |= !img_add_u64(n_streams, skip_folder(r), &n_streams);
	want(r, UNPACK_SIZES);
	for (; n_streams && !r->bad; n_streams--)
		if (!img_add_u64(size, next_number(r), &size))
			return UINT64_MAX;
	return size;
}

/* ---- The list ------------------------------------------------------------------------------------ */

static bool too_long(const struct img_store *st, uint64_t len, struct img_err *err)
{
	return img_fail(err, IMG_E_RANGE, _("%s: its list of members has %" PRIu64 " bytes, more than the %d "
			"that are read"), st->name, len, IMG_7ZIP_LIST_MOST);
}

static bool check_packed(struct img_store *st, const uint8_t *list, size_t len, struct img_err *err)
{
	struct reading r = { .at = list, .end = list + len };
	uint64_t size;

	if (list[0] != PACKED_LIST)
		return true;
	size = unpacked_size(&r);
	if (r.bad)
		return img_fail(err, IMG_E_CORRUPT, _("%s: its list of members is damaged"), st->name);
	return size <= IMG_7ZIP_LIST_MOST || too_long(st, size, err);
}

static bool check_list(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *list = NULL;
	uint64_t size, end;

	if (!img_store_size(st, &size, err))
		return false;
	if (!img_add_u64(at, len, &end) || end > size)
		return img_fail(err, IMG_E_INCOMPLETE,
				_("%s: ends at offset %" PRIu64 ", before its list of members does, which "
				  "begins at offset %" PRIu64), st->name, size, at);
	if (len > IMG_7ZIP_LIST_MOST)
		return too_long(st, len, err);
	list = img_alloc_aligned(len, err);
	return list && img_store_read(st, at, list, len, err) && check_packed(st, list, len, err);
}

bool img_7zip_check_list(struct img_store *st, struct img_err *err)
{
	static const uint8_t magic[] = { '7', 'z', 0xbc, 0xaf, 0x27, 0x1c };
	uint8_t head[HEADER_BYTES];
	uint64_t at, len;
	size_t got;

	if (!img_store_read_some(st, 0, head, sizeof(head), &got, err))
		return false;
	if (got < sizeof(magic) || memcmp(head, magic, sizeof(magic)) != 0)
		return true;
	if (got < sizeof(head))
		return img_fail(err, IMG_E_INCOMPLETE, _("%s: ends at offset %zu, within its header"),
				st->name, got);
	len = img_get_le64(head + LIST_BYTES);
	if (!img_add_u64(img_get_le64(head + LIST_AT), HEADER_BYTES, &at))
		at = UINT64_MAX;
	return !len || check_list(st, at, len, err);
}
