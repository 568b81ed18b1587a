/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The model of a guest's disk. */
#include "disk/guest.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS (SECTOR / sizeof(uint64_t))
#define SEQ_SHIFT 40
#define SECTOR_SHIFT 8		/* below: room to count words */
#define MADE (UINT64_C(1) << 39)	/* keeps the stamp of sector 0 and write 0 from being 0 */
#define TORN 1			/* no stamp: the words do not count up */

static uint64_t stamp(uint32_t seq, uint64_t sector)
{
	return (uint64_t)seq << SEQ_SHIFT | MADE | sector << SECTOR_SHIFT;
}

void guest_fill(uint8_t *buf, uint64_t at, size_t len, uint32_t seq)
{
	for (size_t done = 0; done < len; done += SECTOR) {
		uint64_t words[WORDS];

		words[0] = stamp(seq, (at + done) / SECTOR);
		for (size_t i = 1; i < WORDS; i++)
			words[i] = words[0] + i;
		memcpy(buf + done, words, SECTOR);
	}
}

/* The stamp of a sector, 0 for zeros, or TORN. */
static uint64_t stamp_of(const uint8_t *sector)
{
	static const uint8_t zeros[SECTOR];
	uint64_t words[WORDS], wrong;

	/* Tests spend most of their time here: the loop is one that compilers do in parallel. */
	if (!memcmp(sector, zeros, SECTOR))
		return 0;
	memcpy(words, sector, SECTOR);
	wrong = words[0] ? words[0] & ((1 << SECTOR_SHIFT) - 1) : TORN;
	for (size_t i = 0; i < WORDS; i++)
		wrong |= words[i] ^ (words[0] + i);
	return wrong ? TORN : words[0];
}

static struct guest_sector holding(uint64_t what)
{
	return (struct guest_sector){
		.n_now = 1, .now = { what }, .n_may = 1, .may = { what },
	};
}

void guest_init(struct guest *guest, uint64_t size, bool filled)
{
	guest->size = size;
	guest->sectors = calloc(size / SECTOR, sizeof(*guest->sectors));
	assert(guest->sectors && size % SECTOR == 0);
	for (uint64_t i = 0; i < size / SECTOR; i++)
		guest->sectors[i] = holding(filled ? stamp(0, i) : 0);
}

void guest_init_from(struct guest *guest, const uint8_t *bytes, uint64_t size)
{
	guest_init(guest, size, false);
	for (uint64_t i = 0; i < size / SECTOR; i++)
		guest->sectors[i] = holding(stamp_of(bytes + i * SECTOR));
}

void guest_free(struct guest *guest)
{
	free(guest->sectors);
	guest->sectors = NULL;
}

/* What a write, zero or discard leaves in a sector. */
static uint64_t left_by(const struct request *req, uint64_t sector)
{
	return req->kind == REQUEST_WRITE ? stamp(req->seq, sector) : 0;
}

static bool is_in(const uint64_t *v, size_t n, uint64_t what)
{
	for (size_t i = 0; i < n; i++)
		if (v[i] == what)
			return true;
	return false;
}

static uint64_t end_of(const struct request *req)
{
	return req->kind < REQUEST_FLUSH ? (req->at + req->len) / SECTOR : 0;
}

bool guest_is_crowded(const struct guest *guest, const struct request *req)
{
	for (uint64_t i = req->at / SECTOR; i < end_of(req); i++)
		if (guest->sectors[i].n_may == GUEST_MAY)
			return true;
	return false;
}

void guest_begin(struct guest *guest, const struct request *req)
{
	for (uint64_t i = req->at / SECTOR; i < end_of(req); i++) {
		struct guest_sector *s = &guest->sectors[i];
		const uint64_t what = left_by(req, i);

		if (is_in(s->may, s->n_may, what))
			continue;
		assert(s->n_may < GUEST_MAY);
		s->may[s->n_may++] = what;
	}
}

void guest_end(struct guest *guest, const struct request *req)
{
	for (uint64_t i = req->at / SECTOR; i < end_of(req); i++) {
		struct guest_sector *s = &guest->sectors[i];
		const uint64_t what = left_by(req, i);

		if (req->kind != REQUEST_DISCARD) {
			s->n_now = 0;
			s->in_doubt = false;
		}
		if (!is_in(s->now, s->n_now, what))
			s->now[s->n_now++] = what;
	}
}

void guest_failed(struct guest *guest, const struct request *req)
{
	for (uint64_t i = req->at / SECTOR; i < end_of(req); i++)
		guest->sectors[i].in_doubt = true;
}

void guest_flushed(struct guest *guest)
{
	for (uint64_t i = 0; i < guest->size / SECTOR; i++) {
		struct guest_sector *s = &guest->sectors[i];

		if (s->in_doubt)
			continue;
		s->n_may = s->n_now;
		memcpy(s->may, s->now, sizeof(s->now));
	}
}

/* Whether each word of a sector is one of those that it may hold, as a write done by halves leaves. */
static bool is_patchwork(const struct guest_sector *s, const uint8_t *sector)
{
	uint64_t words[WORDS];

	memcpy(words, sector, SECTOR);
	for (size_t i = 0; i < WORDS; i++)
		if (!is_in(s->may, s->n_may, words[i] ? words[i] - i : 0))
			return false;
	return true;
}

static bool allows_sector(const struct guest_sector *s, enum guest_when when,
			  const uint8_t *sector)
{
	const uint64_t found = stamp_of(sector);

	if (s->in_doubt)
		return is_patchwork(s, sector);
	return when == GUEST_NOW ? is_in(s->now, s->n_now, found) : is_in(s->may, s->n_may, found);
}

bool guest_allows(const struct guest *guest, enum guest_when when, uint64_t at, const uint8_t *buf,
		  size_t len, uint64_t *wrong)
{
	for (size_t done = 0; done < len; done += SECTOR) {
		const struct guest_sector *s = &guest->sectors[(at + done) / SECTOR];

		if (!allows_sector(s, when, buf + done)) {
			*wrong = at + done;
			return false;
		}
	}
	return true;
}

static uint64_t sector_of(uint64_t word)
{
	return (word & (MADE - 1)) >> SECTOR_SHIFT;
}

bool guest_belongs(uint64_t at, const uint8_t *buf, size_t len)
{
	for (size_t done = 0; done < len; done += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, buf + done, sizeof(word));
		if (word && sector_of(word) != (at + done) / SECTOR)
			return false;
	}
	return true;
}

static void describe(FILE *out, uint64_t what)
{
	if (!what)
		fputs(" zeros", out);
	else if (what == TORN)
		fputs(" nothing that was ever written", out);
	else
		fprintf(out, " write %" PRIu64 " of sector %" PRIu64, what >> SEQ_SHIFT,
			sector_of(what));
}

char *guest_complaint(const struct guest *guest, enum guest_when when, uint64_t wrong,
		      const uint8_t *sector)
{
	const struct guest_sector *s = &guest->sectors[wrong / SECTOR];
	const uint64_t *v = when == GUEST_NOW ? s->now : s->may;
	const size_t n = when == GUEST_NOW ? s->n_now : s->n_may;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	fprintf(out, "sector %" PRIu64 " holds", wrong / SECTOR);
	describe(out, stamp_of(sector));
	fputs(", but may hold:", out);
	for (size_t i = 0; i < n; i++)
		describe(out, v[i]);
	fclose(out);
	return text;
}
