/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of the file beside a half encrypted image as bytes and back, and where they lie. */
#include "store/recrypt.h"

#include <string.h>
#include "base/bytes.h"
#include "base/num.h"
#include "base/zero.h"
#include "store/journal.h"

static const uint8_t magic[RECRYPT_HDR_VERSION] = { 'i', 'm', 'g', 'c', 'r', 'p', 't', 0x1a };

/* ---- Heads --------------------------------------------------------------------------------------- */

void img_recrypt_head_sum(const uint8_t *raw, struct img_recrypt_head *out)
{
	for (size_t i = 0; i < RECRYPT_HEAD_SECTORS; i++)
		out->sums[i] = img_journal_crc(raw + i * RECRYPT_SECTOR, RECRYPT_SECTOR);
}

static void put_head(const struct img_recrypt_head *head, uint8_t *raw)
{
	for (size_t i = 0; i < RECRYPT_HEAD_SECTORS; i++)
		img_put_be32(raw + 4 * i, head->sums[i]);
}

static void get_head(const uint8_t *raw, struct img_recrypt_head *head)
{
	for (size_t i = 0; i < RECRYPT_HEAD_SECTORS; i++)
		head->sums[i] = img_get_be32(raw + 4 * i);
}

static bool is_any(uint32_t sum, size_t sector, const struct img_recrypt_head *of, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (of[i].sums[sector] == sum)
			return true;
	return false;
}

bool img_recrypt_head_is_mix(const struct img_recrypt_head *head, const struct img_recrypt_head *of,
			     size_t n)
{
	for (size_t i = 0; i < RECRYPT_HEAD_SECTORS; i++)
		if (!is_any(head->sums[i], i, of, n))
			return false;
	return true;
}

static bool is_mix(const struct img_recrypt_head *head, const struct img_recrypt_head *a,
		   const struct img_recrypt_head *b)
{
	const struct img_recrypt_head both[] = { *a, *b };

	return img_recrypt_head_is_mix(head, both, 2);
}

/* Its own mark holds the id as well. */
static enum img_recrypt_state state_inside(const struct img_recrypt_header *hdr,
					   const struct img_recrypt_record *rec, const uint8_t *raw)
{
	struct img_recrypt_head is;

	if (memmem(raw, RECRYPT_BLOCK, hdr->id, sizeof(hdr->id)))
		return IMG_RECRYPT_HALF;
	if (!rec)
		return IMG_RECRYPT_STALE;
	if (rec->next < img_recrypt_windows(hdr))
		return IMG_RECRYPT_OTHER;
	img_recrypt_head_sum(raw, &is);
	/* Others may have used it since. */
	return memcmp(is.sums, rec->sums, sizeof(is.sums)) ? IMG_RECRYPT_STALE : IMG_RECRYPT_WHOLE;
}

enum img_recrypt_state img_recrypt_state_by(const struct img_recrypt_header *hdr,
					    const struct img_recrypt_record *rec, const uint8_t *raw)
{
	const bool all_done = rec && rec->next == img_recrypt_windows(hdr);
	struct img_recrypt_head is, marked;
	uint8_t mark[RECRYPT_BLOCK];

	if (hdr->inside)
		return state_inside(hdr, rec, raw);
	img_recrypt_head_sum(raw, &is);
	img_recrypt_mark(hdr->id, mark);
	img_recrypt_head_sum(mark, &marked);
	if (is_mix(&is, &marked, &marked))
		return IMG_RECRYPT_HALF;
	/* Records may be wiped by now. */
	if ((!rec || all_done) && is_mix(&is, &hdr->head_after, &hdr->head_after))
		return IMG_RECRYPT_WHOLE;
	if (!rec && is_mix(&is, &hdr->head_before, &marked))
		return IMG_RECRYPT_BEGUN;
	return all_done && is_mix(&is, &hdr->head_after, &marked) ? IMG_RECRYPT_HALF
								  : IMG_RECRYPT_OTHER;
}

/* ---- The header ---------------------------------------------------------------------------------- */

void img_recrypt_header_encode(const struct img_recrypt_header *hdr, uint8_t *raw)
{
	memset(raw, 0, RECRYPT_BLOCK);
	memcpy(raw, magic, sizeof(magic));
	img_put_be32(raw + RECRYPT_HDR_VERSION, RECRYPT_VERSION);
	img_put_be32(raw + RECRYPT_HDR_KIND, hdr->kind);
	memcpy(raw + RECRYPT_HDR_ID, hdr->id, sizeof(hdr->id));
	img_put_be64(raw + RECRYPT_HDR_FROM, hdr->from);
	img_put_be64(raw + RECRYPT_HDR_TO, hdr->to);
	img_put_be64(raw + RECRYPT_HDR_LEN, hdr->len);
	img_put_be64(raw + RECRYPT_HDR_WINDOW, hdr->window);
	img_put_be64(raw + RECRYPT_HDR_BEFORE, hdr->before);
	img_put_be64(raw + RECRYPT_HDR_AFTER, hdr->after);
	img_put_be64(raw + RECRYPT_HDR_OLD, hdr->old_len);
	img_put_be64(raw + RECRYPT_HDR_NEW, hdr->new_len);
	put_head(&hdr->head_before, raw + RECRYPT_HDR_HEADS);
	put_head(&hdr->head_after, raw + RECRYPT_HDR_HEADS + sizeof(hdr->head_before));
	img_put_be32(raw + RECRYPT_HDR_FLAGS, (hdr->inside ? RECRYPT_FLAG_INSIDE : 0) |
					      (hdr->legacy ? RECRYPT_FLAG_LEGACY : 0) |
					      (hdr->apart ? RECRYPT_FLAG_APART : 0));
	img_put_be32(raw + RECRYPT_HDR_CHECK, hdr->check);
	img_put_be64(raw + RECRYPT_HDR_GUEST, hdr->guest);
	img_put_be32(raw + RECRYPT_HDR_CRC, img_journal_crc(raw, RECRYPT_HDR_CRC));
}

/* What windows overwrite must not be needed any more. */
static bool windows_make_sense(const struct img_recrypt_header *hdr)
{
	const uint64_t apart = hdr->from > hdr->to ? hdr->from - hdr->to : hdr->to - hdr->from;

	if (!hdr->window || hdr->window > RECRYPT_WINDOW_MAX || hdr->window % RECRYPT_SECTOR)
		return false;
	return img_recrypt_is_kept(hdr) ? hdr->window % RECRYPT_PIECE == 0 : hdr->window <= apart;
}

static bool places_make_sense(const struct img_recrypt_header *hdr, bool was, bool will_be)
{
	if (hdr->inside)
		return !hdr->from && !hdr->to && !hdr->apart;
	if (hdr->legacy || hdr->after != hdr->to + hdr->len)
		return false;
	if (hdr->apart)
		return !hdr->from && !hdr->to;
	return hdr->old_len <= hdr->from && hdr->new_len <= hdr->to &&
	       was == (hdr->from >= RECRYPT_BLOCK) && will_be == (hdr->to >= RECRYPT_BLOCK);
}

static bool makes_sense(const struct img_recrypt_header *hdr)
{
	const uint64_t most = INT64_MAX / 4;
	const bool was = hdr->kind != IMG_RECRYPT_ENCRYPT, will_be = hdr->kind != IMG_RECRYPT_DECRYPT;

	return hdr->kind >= IMG_RECRYPT_ENCRYPT && hdr->kind <= IMG_RECRYPT_CHANGE &&
	       hdr->from <= most && hdr->to <= most && hdr->len <= most && hdr->before <= most &&
	       hdr->len >= RECRYPT_BLOCK &&
	       hdr->old_len <= RECRYPT_HEADER_MAX && hdr->new_len <= RECRYPT_HEADER_MAX &&
	       (was && !hdr->legacy) == (hdr->old_len >= RECRYPT_BLOCK) &&
	       will_be == (hdr->new_len >= RECRYPT_BLOCK) && (was || !hdr->legacy) &&
	       places_make_sense(hdr, was, will_be) &&
	       windows_make_sense(hdr);
}

bool img_recrypt_header_decode(const uint8_t *raw, struct img_recrypt_header *hdr)
{
	*hdr = (struct img_recrypt_header){
		.kind = img_get_be32(raw + RECRYPT_HDR_KIND),
		.from = img_get_be64(raw + RECRYPT_HDR_FROM),
		.to = img_get_be64(raw + RECRYPT_HDR_TO),
		.len = img_get_be64(raw + RECRYPT_HDR_LEN),
		.window = img_get_be64(raw + RECRYPT_HDR_WINDOW),
		.before = img_get_be64(raw + RECRYPT_HDR_BEFORE),
		.after = img_get_be64(raw + RECRYPT_HDR_AFTER),
		.old_len = img_get_be64(raw + RECRYPT_HDR_OLD),
		.new_len = img_get_be64(raw + RECRYPT_HDR_NEW),
		.inside = img_get_be32(raw + RECRYPT_HDR_FLAGS) & RECRYPT_FLAG_INSIDE,
		.legacy = img_get_be32(raw + RECRYPT_HDR_FLAGS) & RECRYPT_FLAG_LEGACY,
		.apart = img_get_be32(raw + RECRYPT_HDR_FLAGS) & RECRYPT_FLAG_APART,
		.check = img_get_be32(raw + RECRYPT_HDR_CHECK),
		.guest = img_get_be64(raw + RECRYPT_HDR_GUEST),
	};
	get_head(raw + RECRYPT_HDR_HEADS, &hdr->head_before);
	get_head(raw + RECRYPT_HDR_HEADS + sizeof(hdr->head_before), &hdr->head_after);
	memcpy(hdr->id, raw + RECRYPT_HDR_ID, sizeof(hdr->id));
	return !memcmp(raw, magic, sizeof(magic)) &&
	       img_get_be32(raw + RECRYPT_HDR_VERSION) == RECRYPT_VERSION &&
	       img_get_be32(raw + RECRYPT_HDR_CRC) == img_journal_crc(raw, RECRYPT_HDR_CRC) &&
	       makes_sense(hdr);
}

void img_recrypt_unfinished(uint8_t *raw)
{
	memset(raw, 0, RECRYPT_BLOCK);
	memcpy(raw, magic, sizeof(magic));
}

bool img_recrypt_is_ours(const uint8_t *raw, size_t len)
{
	struct img_recrypt_header hdr;

	return !len || (len == RECRYPT_BLOCK && !memcmp(raw, magic, sizeof(magic)) &&
			!img_recrypt_header_decode(raw, &hdr));
}

bool img_recrypt_is_unfinished(const uint8_t *raw, size_t len)
{
	const size_t end = img_min_u64(len, RECRYPT_HDR_CRC), gap = img_min_u64(len, RECRYPT_HDR_END);

	/* The first sector tells what it is; flags and checksum may be there without that. */
	return (img_is_zero(raw, img_min_u64(len, RECRYPT_HDR_FLAGS)) && img_is_zero(raw + gap, end - gap)) ||
	       img_recrypt_is_ours(raw, len);
}

/* ---- Records ------------------------------------------------------------------------------------- */

/* The id in front keeps what another run has left in the file from being believed. */
static uint32_t record_crc(const struct img_recrypt_header *hdr, const uint8_t *raw)
{
	uint8_t both[RECRYPT_ID_BYTES + 4];

	memcpy(both, hdr->id, RECRYPT_ID_BYTES);
	img_put_be32(both + RECRYPT_ID_BYTES, img_journal_crc(raw, RECRYPT_REC_CRC));
	return img_journal_crc(both, sizeof(both));
}

void img_recrypt_record_encode(const struct img_recrypt_header *hdr,
			       const struct img_recrypt_record *rec, uint8_t *raw)
{
	memset(raw, 0, RECRYPT_BLOCK);
	memcpy(raw + RECRYPT_REC_MAGIC, magic, sizeof(magic));
	img_put_be64(raw + RECRYPT_REC_NEXT, rec->next);
	for (size_t i = 0; i < RECRYPT_MAX_SUMS; i++)
		img_put_be32(raw + RECRYPT_REC_SUMS + 4 * i, rec->sums[i]);
	img_put_be32(raw + RECRYPT_REC_CRC, record_crc(hdr, raw));
}

bool img_recrypt_record_decode(const struct img_recrypt_header *hdr, const uint8_t *raw,
			       struct img_recrypt_record *rec)
{
	rec->next = img_get_be64(raw + RECRYPT_REC_NEXT);
	for (size_t i = 0; i < RECRYPT_MAX_SUMS; i++)
		rec->sums[i] = img_get_be32(raw + RECRYPT_REC_SUMS + 4 * i);
	return !memcmp(raw + RECRYPT_REC_MAGIC, magic, sizeof(magic)) &&
	       img_get_be32(raw + RECRYPT_REC_CRC) == record_crc(hdr, raw) &&
	       rec->next <= img_recrypt_windows(hdr);
}

/* ---- The mark ------------------------------------------------------------------------------------ */

/* A LUKS1 header has the name of its cipher at 8. */
enum { MARK_NAME = 8, MARK_ID = 512, MARK_TEXT = 1024 };

static const uint8_t mark_start[MARK_NAME] = { 'L', 'U', 'K', 'S', 0xba, 0xbe, 0, 1 };
static const char mark_name[] = "imgcrypt-half-done";

void img_recrypt_mark(const uint8_t id[RECRYPT_ID_BYTES], uint8_t *raw)
{
	static const char text[] = "This image is half done: imgcrypt --in-place was cut off, and "
				   "goes on when it is run again.\n";

	memset(raw, 0, RECRYPT_BLOCK);
	memcpy(raw, mark_start, sizeof(mark_start));
	memcpy(raw + MARK_NAME, mark_name, sizeof(mark_name));
	memcpy(raw + MARK_ID, id, RECRYPT_ID_BYTES);
	memcpy(raw + MARK_TEXT, text, sizeof(text) - 1);
}

bool img_recrypt_is_mark(const uint8_t *raw, size_t len)
{
	return len >= MARK_NAME + sizeof(mark_name) && !memcmp(raw, mark_start, sizeof(mark_start)) &&
	       !memcmp(raw + MARK_NAME, mark_name, sizeof(mark_name));
}

/* ---- Places -------------------------------------------------------------------------------------- */

uint64_t img_recrypt_windows(const struct img_recrypt_header *hdr)
{
	return img_div_up(hdr->len, hdr->window);
}

void img_recrypt_window(const struct img_recrypt_header *hdr, uint64_t next, uint64_t *start,
			uint64_t *end)
{
	const uint64_t i = hdr->to > hdr->from ? img_recrypt_windows(hdr) - 1 - next : next;

	*start = i * hdr->window;
	*end = img_min_u64(*start + hdr->window, hdr->len);
}

uint64_t img_recrypt_wiped_from(const struct img_recrypt_header *hdr)
{
	/* Inside an image records alone tell that all is done. */
	return hdr->inside ? RECRYPT_HEADERS : RECRYPT_BLOCK;
}

uint64_t img_recrypt_done(const struct img_recrypt_header *hdr, uint64_t next)
{
	uint64_t start, end;

	if (next == img_recrypt_windows(hdr))
		return hdr->len;
	img_recrypt_window(hdr, next, &start, &end);
	return hdr->to > hdr->from ? hdr->len - end : start;
}

uint64_t img_recrypt_guest(const struct img_recrypt_header *hdr)
{
	return hdr->inside ? hdr->guest : hdr->len;
}

uint64_t img_recrypt_progress(const struct img_recrypt_header *hdr, uint64_t next)
{
	const uint64_t done = img_recrypt_done(hdr, next);

	/* Of a disk that has gaps in the file, about. */
	return hdr->inside ? (uint64_t)((long double)hdr->guest * done / hdr->len) : done;
}

bool img_recrypt_is_kept(const struct img_recrypt_header *hdr)
{
	return hdr->from == hdr->to;
}

uint64_t img_recrypt_new_at(const struct img_recrypt_header *hdr)
{
	return RECRYPT_HEADERS + img_round_up(hdr->old_len, RECRYPT_BLOCK);
}

/* Behind the headers. */
static uint64_t kept_from(const struct img_recrypt_header *hdr)
{
	return img_recrypt_new_at(hdr) + img_round_up(hdr->new_len, RECRYPT_BLOCK);
}

uint64_t img_recrypt_kept_at(const struct img_recrypt_header *hdr, uint64_t next)
{
	return kept_from(hdr) + next % 2 * hdr->window;
}

uint64_t img_recrypt_end(const struct img_recrypt_header *hdr)
{
	return kept_from(hdr) + (img_recrypt_is_kept(hdr) ? 2 * hdr->window : 0);
}
