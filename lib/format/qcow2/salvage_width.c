/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The size of clusters and of L2 entries, when the header does not tell: tables are full of entries
 * that lead to neighbouring clusters, so the distances between them say it.  Every sector may be a
 * piece of a table.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/bulk.h"
#include "format/qcow2/salvage.h"

enum {
	BITS_END	= QCOW2_CLUSTER_BITS_MAX + 1,
	WORDS		= QCOW2_SECTOR / 8,
	ENOUGH		= 1 << 14,	/* votes; nothing new comes after so many */
};

struct votes {
	uint64_t file_size;
	size_t pairs[BITS_END];		/* neighbours that are so far apart */
	size_t aligned[BITS_END];	/* entries that start such a cluster */
	size_t entries, wide;		/* wide: with a bitmap of subclusters */
	size_t all, wide_pairs;		/* pairs; those of them in sectors that are wide */
};

static bool is_place(const struct votes *v, uint64_t host)
{
	return host && host < v->file_size;
}

/* The offset of a standard entry; 0: none, UINT64_MAX: this is no entry. */
static uint64_t standard_place(const struct votes *v, uint64_t entry)
{
	if (entry & (QCOW2_L2_RESERVED | QCOW2_ENTRY_COMPRESSED))
		return UINT64_MAX;
	if (!(entry & QCOW2_ENTRY_HOST))
		return entry & ~QCOW2_ENTRY_ZERO ? UINT64_MAX : 0;
	return is_place(v, entry & QCOW2_ENTRY_HOST) ? entry & QCOW2_ENTRY_HOST : UINT64_MAX;
}

static void vote_entry(struct votes *v, uint64_t place, uint64_t before)
{
	const unsigned zeros = (unsigned)__builtin_ctzll(place);

	for (unsigned bits = QCOW2_CLUSTER_BITS_MIN; bits < BITS_END && bits <= zeros; bits++)
		v->aligned[bits]++;
	v->entries++;
	if (before && place > before && img_is_pow2(place - before)) {
		const unsigned bits = (unsigned)__builtin_ctzll(place - before);

		if (bits >= QCOW2_CLUSTER_BITS_MIN && bits < BITS_END) {
			v->pairs[bits]++;
			v->all++;
		}
	}
}

/* The length of the entries: 1 or 2 words; 0: this is no table. */
static unsigned entry_words(const struct votes *v, const uint8_t *raw)
{
	bool narrow = true, wide = true, used = false, mapped = false;

	for (size_t i = 0; i < WORDS && (narrow || wide); i++) {
		const uint64_t word = img_get_be64(raw + i * 8);
		const uint64_t place = standard_place(v, word);

		used |= word != 0;
		narrow = narrow && place != UINT64_MAX;
		if (i % 2 == 0) {
			mapped = place && place != UINT64_MAX;
			wide = wide && place != UINT64_MAX && !(word & QCOW2_ENTRY_ZERO);
		} else {
			const uint32_t data = (uint32_t)word, zero = (uint32_t)(word >> 32);

			wide = wide && !(data & zero) && (mapped || !data) && (!mapped || word);
		}
	}
	return !used ? 0 : narrow ? 1 : wide ? 2 : 0;
}

static void vote_standard(struct votes *v, const uint8_t *raw, unsigned step)
{
	uint64_t before = 0;

	for (size_t i = 0; i < WORDS; i += step) {
		const uint64_t place = standard_place(v, img_get_be64(raw + i * 8));

		if (place)
			vote_entry(v, place, before);
		before = place;
	}
	v->wide += step == 2;
}

static bool is_all_compressed(const uint8_t *raw)
{
	bool used = false;

	for (size_t i = 0; i < WORDS; i++) {
		const uint64_t entry = img_get_be64(raw + i * 8);

		if (entry && entry >> 62 != 1)
			return false;
		used |= entry != 0;
	}
	return used;
}

/* Of compressed clusters all bitmaps of subclusters are 0, so that every second word is. */
static bool is_wide(const uint8_t *raw)
{
	size_t used = 0;

	for (size_t i = 0; i < WORDS; i++) {
		const uint64_t word = img_get_be64(raw + i * 8);

		if (i % 2 && word)
			return false;
		used += word != 0;
	}
	return used > 1;
}

/* Compressed clusters are packed: the next one starts in the last sector of the one before. */
static void vote_compressed(struct votes *v, const uint8_t *raw)
{
	for (unsigned bits = QCOW2_CLUSTER_BITS_MIN; bits < BITS_END; bits++) {
		const struct qcow2_geometry geo = { .cluster_bits = bits };
		struct qcow2_cluster one = { .kind = QCOW2_CLUSTER_HOLE };
		const struct img_finding_kind *why;
		uint64_t end = 0;

		for (size_t i = 0; i < WORDS; i++) {
			const uint64_t entry = img_get_be64(raw + i * 8);

			if (!entry)
				continue;
			if (!(entry & QCOW2_ENTRY_COMPRESSED) ||
			    !qcow2_l2_decode(&geo, entry, 0, &one, &why) ||
			    !is_place(v, one.host)) {
				end = 0;
				continue;
			}
			if (end && one.host > end - QCOW2_SECTOR && one.host <= end) {
				v->pairs[bits]++;
				v->all++;
			}
			end = one.host + one.stored_len;
		}
	}
	v->wide += is_wide(raw);
}

static bool visit(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		  struct img_err *err)
{
	struct votes *v = ctx;

	(void)index;
	(void)host;
	(void)err;
	for (size_t at = 0; at + QCOW2_SECTOR <= len; at += QCOW2_SECTOR) {
		const unsigned step = entry_words(v, raw + at);
		const size_t all = v->all, wide = v->wide;

		if (step)
			vote_standard(v, raw + at, step);
		else if (is_all_compressed(raw + at))
			vote_compressed(v, raw + at);
		if (v->wide > wide)
			v->wide_pairs += v->all - all;
	}
	return true;
}

static bool collect(struct img_store *file, struct votes *v, struct img_err *err)
{
	struct img_extent ex;

	for (uint64_t at = 0; at < v->file_size && v->all < ENOUGH; at += ex.len) {
		if (!img_store_extent(file, at, v->file_size, &ex, err))
			return false;
		ex.len = img_min_u64(ex.len, QCOW2_BULK_BYTES);
		if (ex.kind != IMG_EXTENT_ZERO && !qcow2_bulk_range(file, at, ex.len, visit, v, err))
			return false;
	}
	return true;
}

/* The size that most pairs speak for, and no more than a few entries against. */
static unsigned winner(const struct votes *v)
{
	unsigned best = 0;

	for (unsigned bits = QCOW2_CLUSTER_BITS_MIN; bits < BITS_END; bits++)
		if (v->pairs[bits] && (!best || v->pairs[bits] >= v->pairs[best]) &&
		    v->aligned[bits] + v->entries / 16 >= v->entries)
			best = bits;
	/* Nothing but lone entries: they all start a cluster. */
	for (unsigned bits = BITS_END - 1; !best && v->entries && bits >= QCOW2_CLUSTER_BITS_MIN; bits--)
		if (v->aligned[bits] == v->entries)
			best = bits;
	return best;
}

bool qcow2_salvage_widths(struct img_store *file, uint64_t file_size, struct qcow2_widths *out,
			  struct img_err *err)
{
	struct votes v = { .file_size = file_size };

	if (!collect(file, &v, err))
		return false;
	*out = (struct qcow2_widths){ .cluster_bits = winner(&v) };
	out->evidence = out->cluster_bits ? v.pairs[out->cluster_bits] : 0;
	/* A sector of the guest may look as if it was wide, e.g. one of a bitmap. */
	out->subclusters = v.wide && v.wide_pairs >= v.all / 2 &&
			   out->cluster_bits >= QCOW2_CLUSTER_BITS_EXTENDED;
	return true;
}
