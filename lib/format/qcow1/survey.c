/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Both levels of tables, read in bulk past those that readers keep, and who uses which bytes of the
 * file.  Nothing that is written in place may be in use twice; packed clusters never are, and may.
 */
#include "format/qcow1/survey.h"

#include <string.h>

#include "base/bytes.h"
#include "base/job.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow1/salvage.h"

enum {
	L1_RUN		= 1 << 17,	/* entries that are read at once */
	HOLE_RUN	= 1 << 20,	/* clusters that are looked at together, at most */
};

/* step: how far the next one of the same kind may be in the file, to be told with this one. */
static bool tell(struct qcow1_survey *s, const struct img_finding_kind *kind, uint64_t host,
		 uint64_t guest, uint64_t found, uint64_t step, struct img_err *err)
{
	const struct img_finding one = {
		.kind = kind, .n = 1, .host = host, .guest = guest, .expected = IMG_NOWHERE,
		.found = found,
	};

	return img_findings_add(s->out, one, step, err);
}

/* ---- Who uses what --------------------------------------------------------------------------- */

static bool start(struct qcow1_survey *s, struct img_err *err)
{
	const unsigned table_bits = s->hdr->l2_bits + 3;
	const uint64_t memory = s->memory / 4;
	uint64_t n;

	s->grain_bits = (unsigned)img_min_u64(s->hdr->cluster_bits, table_bits);
	n = (s->file_size >> s->grain_bits) + 1;
	return img_bits_init(&s->whole, n, memory, err) && img_bits_init(&s->some, n, memory, err) &&
	       img_bits_init(&s->tied, n, memory, err);
}

bool qcow1_survey_knows(const struct qcow1_survey *s, struct img_err *err)
{
	return img_paged_worked(&s->whole, err) && img_paged_worked(&s->some, err) &&
	       img_paged_worked(&s->tied, err);
}

/* Notes the use of bytes that are in the file; true: as a whole, and somebody else uses some. */
static bool use(struct qcow1_survey *s, uint64_t host, uint64_t len, bool whole)
{
	const uint64_t last = (host + len - 1) >> s->grain_bits;
	struct img_paged *bits = whole ? &s->whole : &s->some;
	bool twice = false;

	for (uint64_t i = host >> s->grain_bits; i <= last; i++) {
		twice |= img_bits_get(&s->whole, i) || (whole && img_bits_get(&s->some, i));
		img_bits_set(bits, i);
		if (i < last)
			img_bits_set(&s->tied, i);
	}
	s->end = img_max_u64(s->end, host + len);
	return twice;
}

/* ---- The head of the file -------------------------------------------------------------------- */

static void survey_head(struct qcow1_survey *s)
{
	const struct qcow1_header *hdr = s->hdr;
	const uint64_t l1_len = (uint64_t)qcow1_l1_needed(hdr, hdr->size) * QCOW1_ENTRY_LEN;
	const uint64_t there = s->file_size > hdr->l1_off ? s->file_size - hdr->l1_off : 0;

	use(s, 0, QCOW1_HDR_LEN, false);
	if (hdr->backing_off && hdr->backing_len)
		use(s, hdr->backing_off, hdr->backing_len, false);
	if (l1_len && there && !s->given_l1)
		use(s, hdr->l1_off, img_min_u64(l1_len, there), false);
}

/* ---- The second level ------------------------------------------------------------------------ */

static const struct img_finding_kind *damage_of(struct qcow1_survey *s,
						const struct qcow1_cluster *cluster, uint64_t left)
{
	const bool plain = cluster->kind == QCOW1_PLAIN;
	/* The last cluster of the disk may be short in the file. */
	const uint64_t need = plain ? img_min_u64(cluster->stored_len, left) : cluster->stored_len;
	const struct img_finding_kind *damage = qcow1_cluster_damage(s->hdr, cluster);

	if (damage)
		return damage;
	if (cluster->host >= s->file_size || need > s->file_size - cluster->host)
		return &qcow1_found_l2_outside;
	return use(s, cluster->host, img_min_u64(cluster->stored_len, s->file_size - cluster->host),
		   plain) ? &qcow1_found_l2_doubled : NULL;
}

static void count_cluster(struct qcow1_survey *s, const struct qcow1_cluster *cluster)
{
	s->fragmented += s->clusters && cluster->host != s->next;
	s->next = cluster->host + cluster->stored_len;
	s->packed += cluster->kind == QCOW1_PACKED;
	s->clusters++;
}

/* off: of the entry in the file.  What is behind the end of the disk nobody can read. */
static bool survey_entry(struct qcow1_survey *s, uint64_t entry, uint64_t guest, uint64_t off,
			 struct img_err *err)
{
	const struct qcow1_cluster cluster = qcow1_entry_decode(s->hdr, entry);
	const struct img_finding_kind *damage;
	const bool on_disk = guest < s->hdr->size;

	if (cluster.kind == QCOW1_HOLE)
		return true;
	if (on_disk)
		count_cluster(s, &cluster);
	damage = damage_of(s, &cluster, on_disk ? s->hdr->size - guest : 0);
	return !damage || tell(s, damage, off, on_disk ? guest : IMG_NOWHERE, entry, 0, err);
}

static bool survey_l2(struct qcow1_survey *s, uint64_t host, uint64_t guest, uint8_t *raw,
		      struct img_err *err)
{
	if (!img_store_read(s->file, host, raw, qcow1_l2_bytes(s->hdr), err))
		return false;
	for (uint32_t i = 0; i < qcow1_l2_entries(s->hdr); i++) {
		const uint32_t off = i * QCOW1_ENTRY_LEN;
		const uint64_t entry = img_get_be64(raw + off);

		if (entry && !survey_entry(s, entry, guest + ((uint64_t)i << s->hdr->cluster_bits),
					   host + off, err))
			return false;
	}
	return true;
}

/* ---- The first level ------------------------------------------------------------------------- */

/* The tables come first: a cluster that lies over one is what is wrong. */
static bool survey_l1_entry(struct qcow1_survey *s, uint32_t index, uint64_t entry, bool *follow,
			    struct img_err *err)
{
	const struct img_finding_kind *damage = qcow1_l1_damage(s->hdr, entry, s->file_size);

	if (!damage && use(s, entry, qcow1_l2_bytes(s->hdr), true))
		damage = &qcow1_found_l1_doubled;
	*follow = !damage;
	return !damage || tell(s, damage, s->hdr->l1_off + (uint64_t)index * QCOW1_ENTRY_LEN,
			       (uint64_t)index << qcow1_l1_bits(s->hdr), entry, 0, err);
}

struct l1_run {
	struct qcow1_survey *s;
	struct img_paged led;		/* a bit for each entry that leads to a table */
	uint8_t *l2;			/* room for a table; owned */
};

static bool survey_l1(struct l1_run *run, uint32_t i, uint64_t entry, struct img_err *err)
{
	bool follow;

	if (!survey_l1_entry(run->s, i, entry, &follow, err))
		return false;
	if (follow)
		img_bits_set(&run->led, i);
	return true;
}

static bool follow_l1(struct l1_run *run, uint32_t i, uint64_t entry, struct img_err *err)
{
	struct qcow1_survey *s = run->s;

	if (!img_bits_get(&run->led, i))
		return true;
	if (!img_job_goes_on(s->job, err))
		return false;
	s->tables++;
	return survey_l2(s, entry, (uint64_t)i << qcow1_l1_bits(s->hdr), run->l2, err);
}

/* n entries of the L1 table, from number first on. */
static bool read_l1(const struct qcow1_survey *s, uint32_t first, uint32_t n, uint8_t *raw,
		    struct img_err *err)
{
	const uint64_t from = (uint64_t)first * QCOW1_ENTRY_LEN;

	if (!s->given_l1)
		return img_store_read(s->file, s->hdr->l1_off + from, raw, n * QCOW1_ENTRY_LEN, err);
	memcpy(raw, s->given_l1 + from, n * QCOW1_ENTRY_LEN);
	return true;
}

/* The first n entries that are not zero, a part of the table at a time: it may have 2 GiB. */
static bool for_l1(struct l1_run *run, uint32_t n,
		   bool (*step)(struct l1_run *, uint32_t, uint64_t, struct img_err *),
		   struct img_err *err)
{
	const struct qcow1_survey *s = run->s;
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(L1_RUN * QCOW1_ENTRY_LEN, err);

	for (uint32_t i = 0; raw && i < n; i++) {
		const uint32_t in = i % L1_RUN;

		if (!in && !read_l1(s, i, (uint32_t)img_min_u64(L1_RUN, n - i), raw, err))
			return false;
		const uint64_t entry = img_get_be64(raw + in * QCOW1_ENTRY_LEN);

		if (entry && !step(run, i, entry, err))
			return false;
	}
	return raw;
}

/* Entries of the table that there are. */
static uint32_t count_l1(const struct qcow1_survey *s, uint32_t needed)
{
	const uint64_t off = s->hdr->l1_off, there = s->file_size > off ? s->file_size - off : 0;

	return s->given_l1 ? needed : (uint32_t)img_min_u64(needed, there / QCOW1_ENTRY_LEN);
}

bool qcow1_survey_run(struct qcow1_survey *s, struct img_err *err)
{
	const uint32_t needed = qcow1_l1_needed(s->hdr, s->hdr->size), n = count_l1(s, needed);
	struct l1_run run = { .s = s };
	bool ok;

	if (!start(s, err))
		return false;
	survey_head(s);
	if (n < needed && !tell(s, &qcow1_found_l1_cut, s->file_size,
				(uint64_t)n << qcow1_l1_bits(s->hdr), n, 0, err))
		return false;
	run.l2 = img_alloc_aligned(qcow1_l2_bytes(s->hdr), err);
	ok = run.l2 && img_bits_init(&run.led, n, s->memory / 4, err) &&
	     for_l1(&run, n, survey_l1, err) && for_l1(&run, n, follow_l1, err) &&
	     img_paged_worked(&run.led, err) && qcow1_survey_knows(s, err);
	img_paged_clear(&run.led);
	free(run.l2);
	return ok;
}

/* ---- What is left ---------------------------------------------------------------------------- */

/* QEMU writes the L1 table as whole sectors, and clusters only behind them. */
static uint64_t head_end(const struct qcow1_header *hdr)
{
	const uint64_t bytes = (uint64_t)qcow1_l1_needed(hdr, hdr->size) * QCOW1_ENTRY_LEN;

	return hdr->l1_off + img_round_up(bytes, QCOW1_SECTOR);
}

bool qcow1_survey_uses(struct qcow1_survey *s, uint64_t cluster)
{
	const unsigned bits = s->hdr->cluster_bits - s->grain_bits;
	const uint64_t start = cluster << s->hdr->cluster_bits;

	for (uint64_t i = cluster << bits; i < (cluster + 1) << bits; i++)
		if (img_bits_get(&s->whole, i) || img_bits_get(&s->some, i))
			return true;
	return !s->given_l1 && start >= s->hdr->l1_off && start < head_end(s->hdr);
}

bool qcow1_survey_ties(struct qcow1_survey *s, uint64_t cluster)
{
	return img_bits_get(&s->tied, ((cluster + 1) << (s->hdr->cluster_bits - s->grain_bits)) - 1);
}

/* Its entries all lead to what nobody has: the bytes of a table to which nothing leads any more. */
static bool is_lost_table(struct qcow1_survey *s, const uint8_t *raw, uint32_t len)
{
	bool any = false;

	for (uint32_t i = 0; i < len; i += QCOW1_ENTRY_LEN) {
		const uint64_t entry = img_get_be64(raw + i);
		const struct qcow1_cluster cluster = qcow1_entry_decode(s->hdr, entry);

		if (!entry)
			continue;
		if (!qcow1_is_sane(s->hdr, entry, s->file_size) ||
		    (cluster.kind == QCOW1_PLAIN &&
		     qcow1_survey_uses(s, cluster.host >> s->hdr->cluster_bits)))
			return false;
		any = true;
	}
	return any;
}

/* raw: room for len bytes.  Tables and packed clusters leave parts of clusters that nobody could use. */
static bool tell_leak(struct qcow1_survey *s, uint64_t host, uint8_t *raw, uint32_t len,
		      struct img_err *err)
{
	const uint32_t step = qcow1_cluster_size(s->hdr);

	return tell(s, &qcow1_found_cluster_leak, host, IMG_NOWHERE, IMG_NOWHERE, step, err) &&
	       img_store_read(s->file, host, raw, len, err) &&
	       (!is_lost_table(s, raw, len) ||
		tell(s, &qcow1_found_l2_orphan, host, IMG_NOWHERE, IMG_NOWHERE, step, err));
}

struct leaks {
	struct qcow1_survey *s;
	struct img_extent there;	/* of the file, around the cluster that is looked at */
	uint8_t *raw;			/* room for a table, or a shorter cluster; owned */
	uint32_t len;
};

/* How many clusters from cluster i on, which nothing refers to, are like it and in a hole. */
static bool count_in_hole(struct leaks *l, uint64_t i, uint64_t end, uint64_t *n,
			  struct img_err *err)
{
	struct qcow1_survey *s = l->s;
	const unsigned bits = s->hdr->cluster_bits, grains = bits - s->grain_bits;
	const uint64_t at = i << bits;
	uint64_t last = img_min_u64(end, i + HOLE_RUN);

	*n = 0;
	if (!(s->file->caps & IMG_STORE_EXTENTS))
		return true;
	if (at >= l->there.start + l->there.len &&
	    !img_store_extent(s->file, at, s->file_size, &l->there, err))
		return false;
	if (l->there.kind != IMG_EXTENT_ZERO)
		return true;
	last = img_min_u64(last, (l->there.start + l->there.len) >> bits);
	if (at < s->hdr->l1_off)
		last = img_min_u64(last, img_div_up(s->hdr->l1_off, UINT64_C(1) << bits));
	last = img_bits_next(&s->whole, i << grains, last << grains) >> grains;
	last = img_bits_next(&s->some, i << grains, last << grains) >> grains;
	*n = last > i ? last - i : 0;
	return true;
}

static bool tell_hole(const struct leaks *l, uint64_t host, uint64_t n, struct img_err *err)
{
	const struct img_finding one = {
		.kind = &qcow1_found_cluster_leak, .n = n, .host = host, .guest = IMG_NOWHERE,
		.expected = IMG_NOWHERE, .found = IMG_NOWHERE,
	};

	return img_findings_add(l->s->out, one, qcow1_cluster_size(l->s->hdr), err);
}

/* Cluster by cluster, but for holes: a file may be long and mostly hole. */
static bool tell_leaks(struct leaks *l, uint64_t end, struct img_err *err)
{
	const unsigned bits = l->s->hdr->cluster_bits;

	for (uint64_t i = 0, n; i < end; i += n) {
		n = 1;
		if (qcow1_survey_uses(l->s, i))
			continue;
		if (!count_in_hole(l, i, end, &n, err) ||
		    !(n ? tell_hole(l, i << bits, n, err)
			: tell_leak(l->s, i << bits, l->raw, l->len, err)))
			return false;
		n = img_max_u64(n, 1);
	}
	return true;
}

bool qcow1_survey_leaks(struct qcow1_survey *s, struct img_err *err)
{
	const uint32_t cluster = qcow1_cluster_size(s->hdr);
	const uint64_t end = s->file->caps & IMG_STORE_DEVICE ? s->end : s->file_size;
	struct leaks l = { .s = s, .len = (uint32_t)img_min_u64(qcow1_l2_bytes(s->hdr), cluster) };
	bool ok;

	l.raw = img_alloc_aligned(l.len, err);
	ok = l.raw && tell_leaks(&l, img_min_u64(end, s->file_size) >> s->hdr->cluster_bits, err) &&
	     (s->tables || !img_findings_count(s->out, &qcow1_found_l2_orphan) ||
	      tell(s, &qcow1_found_l1_empty, s->hdr->l1_off, 0, IMG_NOWHERE, 0, err)) &&
	     qcow1_survey_knows(s, err);
	free(l.raw);
	return ok;
}

void qcow1_survey_clear(struct qcow1_survey *s)
{
	img_paged_clear(&s->whole);
	img_paged_clear(&s->some);
	img_paged_clear(&s->tied);
}
