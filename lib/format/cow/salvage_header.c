/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header of a salvage.  Each field may be right, and each may be wrong: in every layout what the
 * fields say, what is usual and what follows from the length of the file are put together, and the
 * combination is taken for which fields, length, and bitmap beside data speak most.
 */
#include <string.h>
#include "base/bytes.h"
#include "base/num.h"
#include "format/cow/salvage.h"

enum {
	/* How much each thing speaks for a combination. */
	SAYS_SO		= 3,		/* a field of the header */
	LEGAL		= 12,		/* the whole header, where the bitmap says nothing */
	GOOD_BITMAP	= 8,
	GOOD_RUNS	= 16,		/* and one for each run of bits, at most */
	RIGHT_LENGTH	= 6,		/* the file ends with the disk */
	ENOUGH		= 9,		/* less than this may be chance */
	SURE_RUNS	= 4,		/* so many that agree are no chance */
	TAILS_MOST	= 64,		/* of 2 MiB where QEMU wrote nothing, that are tried */
};

struct search {
	struct cow_salvage *s;
	uint8_t raw[COW_DECODE_LEN];	/* the first bytes of the file, and zeros behind them */
	struct cow_header legal;	/* of the file, if is_legal */
	bool is_legal;
	uint64_t wanted;		/* size as the user knows it, or 0 */
	struct cow_header said;		/* in the layout that is looked at */
	struct cow_header best;
	struct cow_fit best_fit;
	unsigned best_score, best_fields;
};

/* ---- Evidence -------------------------------------------------------------------------------- */

static uint32_t get32(const struct search *search, unsigned at, bool little)
{
	return little ? img_get_le32(search->raw + at) : img_get_be32(search->raw + at);
}

static unsigned count_fields(const struct search *search, const struct cow_header *hdr)
{
	const struct cow_header *said = &search->said;
	const struct cow_layout *layout = &cow_layouts[hdr->kind];

	return (get32(search, COW_HDR_MAGIC, hdr->little) == COW_MAGIC) +
	       (get32(search, COW_HDR_VERSION, hdr->little) == layout->version) +
	       (hdr->size == said->size || hdr->size == search->wanted) +
	       (hdr->sector == said->sector) +
	       (layout->align_off && hdr->align == said->align);
}

static bool is_as_said(const struct search *search, const struct cow_header *hdr)
{
	const struct cow_header *legal = &search->legal;

	return search->is_legal && hdr->kind == legal->kind && hdr->little == legal->little &&
	       hdr->size == legal->size && hdr->sector == legal->sector &&
	       hdr->align == legal->align;
}

/* Where the size was made from the length it is no wonder that they agree. */
static unsigned score_length(const struct search *search, const struct cow_header *hdr)
{
	if (search->s->file_size != cow_file_end(hdr))
		return 0;
	return hdr->size == search->said.size || hdr->size == search->wanted ? RIGHT_LENGTH : 1;
}

static bool judge(struct search *search, const struct cow_header *hdr, struct img_err *err)
{
	const unsigned fields = count_fields(search, hdr);
	unsigned score = SAYS_SO * fields + score_length(search, hdr);
	struct cow_fit fit;

	if (!cow_measure_fit(search->s->file, hdr, &fit, err))
		return false;
	if (fit.good && !fit.bad)
		score += GOOD_BITMAP + (unsigned)img_min_u64(fit.good, GOOD_RUNS);
	else if (fit.good > 4 * fit.bad)
		score += GOOD_BITMAP;
	else if (is_as_said(search, hdr))
		score += LEGAL;
	if (score <= search->best_score)
		return true;
	search->best = *hdr;
	search->best_fit = fit;
	search->best_score = score;
	search->best_fields = fields;
	return true;
}

/* ---- Combinations ---------------------------------------------------------------------------- */

/* hdr: kind, sector and align are set. */
static bool try_size(struct search *search, struct cow_header *hdr, uint64_t size,
		     struct img_err *err)
{
	if (!size || size > COW_SIZE_MAX)
		return true;
	hdr->size = size;
	cow_header_place(hdr);
	return hdr->bitmap_off >= search->s->file_size || judge(search, hdr, err);
}

/* Bytes of the largest disk that ends with the file, or in front of its end. */
static uint64_t size_of_length(const struct search *search, const struct cow_header *hdr)
{
	uint64_t low = 0, high = img_min_u64(search->s->file_size, COW_SIZE_MAX) / hdr->sector;
	struct cow_header one = *hdr;

	while (low < high) {
		const uint64_t middle = low + (high - low + 1) / 2;

		one.size = middle * hdr->sector;
		cow_header_place(&one);
		if (one.data_off + one.size <= search->s->file_size)
			low = middle;
		else
			high = middle - 1;
	}
	return low * hdr->sector;
}

/*
 * Of a disk whose last sectors were never written QEMU's file has no end that tells.  Each further
 * sector of bitmap moves the data: the size is then as much as it has bits for.
 */
static bool try_tails(struct search *search, struct cow_header *hdr, uint64_t from,
		      struct img_err *err)
{
	hdr->size = from;
	cow_header_place(hdr);
	const uint64_t bitmap = hdr->data_off - hdr->bitmap_off;

	for (unsigned i = 0; i < TAILS_MOST && search->best_score < GOOD_BITMAP + SAYS_SO; i++)
		if (!try_size(search, hdr, (bitmap + (uint64_t)i * COW_SECTOR) * 8 * COW_SECTOR,
			      err))
			return false;
	return true;
}

static bool try_sizes(struct search *search, struct cow_header *hdr, struct img_err *err)
{
	const bool is_qemu = hdr->kind == COW_QEMU || hdr->kind == COW_QEMU_32;
	const uint64_t of_length = size_of_length(search, hdr);

	return try_size(search, hdr, search->wanted, err) &&
	       try_size(search, hdr, search->said.size, err) &&
	       try_size(search, hdr, of_length, err) &&
	       (!is_qemu || hdr->sector != COW_SECTOR || !of_length ||
		try_tails(search, hdr, of_length, err));
}

static bool try_layout(struct search *search, enum cow_kind kind, bool little,
		       struct img_err *err)
{
	const struct cow_header *said = &search->said;

	cow_header_fields(kind, little, search->raw, &search->said);
	const bool has_sector = img_is_pow2(said->sector) && said->sector >= COW_SECTOR &&
				said->sector <= COW_SECTOR_MAX;
	const bool has_align = img_is_pow2(said->align) && said->align <= COW_ALIGN_MAX;
	const uint32_t sectors[] = { COW_SECTOR, has_sector ? said->sector : COW_SECTOR };
	const uint32_t aligns[] = { COW_ALIGN, has_align ? said->align : COW_ALIGN };

	for (size_t i = sectors[0] == sectors[1]; i < 2; i++) {
		for (size_t j = aligns[0] == aligns[1] || !cow_layouts[kind].align_off; j < 2; j++) {
			struct cow_header hdr = {
				.kind = kind, .little = little, .sector = sectors[i],
				.align = cow_layouts[kind].align_off ? aligns[j] : sectors[i],
			};

			if (!try_sizes(search, &hdr, err))
				return false;
		}
	}
	return true;
}

static bool try_all(struct search *search, struct img_err *err)
{
	for (enum cow_kind kind = COW_UML1; kind <= COW_QEMU_32; kind++)
		if (!try_layout(search, kind, false, err) ||
		    (kind == COW_UML1 && !try_layout(search, kind, true, err)))
			return false;
	return true;
}

/* ---- What follows from the best -------------------------------------------------------------- */

/* A name is believed when more than chance says that the header is still there. */
static void choose_backing(struct search *search)
{
	struct cow_salvage *s = search->s;

	cow_header_fields(s->hdr.kind, s->hdr.little, search->raw, &search->said);
	s->backing_lost = search->best_fields < 3 || !cow_is_name(s->hdr.kind, search->raw);
	if (s->backing_lost)
		return;
	s->hdr.time = search->said.time;
	strcpy(s->hdr.name, search->said.name);
}

static bool tell(struct search *search, struct img_err *err)
{
	struct cow_salvage *s = search->s;
	const bool size_known = s->hdr.size == search->said.size || s->hdr.size == search->wanted;

	s->told->size_guessed = !size_known;
	return cow_salvage_note(s, &cow_noted_header, 0, IMG_NOWHERE, 0, err) &&
	       (size_known || cow_salvage_note(s, &cow_noted_size, IMG_NOWHERE, s->hdr.size, 0,
					       err)) &&
	       (!s->backing_lost || cow_salvage_note(s, &cow_noted_backing, IMG_NOWHERE,
						     IMG_NOWHERE, 0, err));
}

static bool take_best(struct search *search, struct img_err *err)
{
	struct cow_salvage *s = search->s;

	if (search->best_score && is_as_said(search, &search->best)) {
		s->hdr = search->legal;
		return true;
	}
	if (search->best_score < ENOUGH)
		return img_fail(err, IMG_E_NOT_THIS_FORMAT,
				_("nothing of a cow image was found"));
	s->hdr = search->best;
	choose_backing(search);
	if (!tell(search, err))
		return false;
	/* Where fields are missing the bitmap alone says that data are where they are looked for. */
	return (search->best_fit.good >= SURE_RUNS && !search->best_fit.bad) ||
	       search->best_fields >= 4 ||
	       img_rangeset_include(&s->guessed, 0, s->hdr.size, err);
}

bool cow_salvage_header(struct cow_salvage *s, uint64_t size, struct img_err *err)
{
	struct search search = { .s = s, .wanted = size };
	size_t got;

	if (!img_store_read_some(s->file, 0, search.raw, sizeof(search.raw), &got, err))
		return false;
	search.is_legal = cow_header_decode(search.raw, got, &search.legal, NULL);
	return try_all(&search, err) && take_best(&search, err);
}
