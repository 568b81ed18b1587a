/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Repairing in place, in an order in which each step leaves an image that is no worse: entries that
 * a wrong bit spoilt, counts that are too low, flags, and only then counts that are too high.
 *
 * What nothing refers to is lost space only where everything that could refer to it is understood.
 * So counts come down, and new refcount structures are made, only when no damage is left that hides
 * references and nothing looks like a table that has lost its place.  Entries that lead out of the
 * file are left as they are: nothing else says what the disk has lost.  So are counts and flags where
 * entries contradict them (twins.c): right counts would hide that the disk may be wrong.
 */
#include "format/qcow2/repair.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"

struct qcow2_refs *qcow2_repair_refs(const struct qcow2_repair *r, uint64_t first,
				     struct img_findings *damage, struct img_err *err)
{
	struct img_findings found = { .most = 0 };
	const struct qcow2_refs_how how = {
		.hdr = &r->hdr, .file = r->file, .with_refcounts = true,
		.damage = damage ? damage : &found, .first = first, .memory = r->how->memory,
		.threads = r->how->threads, .job = r->how->job,
	};
	struct qcow2_refs *refs = qcow2_refs_collect(&how, err);
	uint64_t used = 0;

	if (refs && !qcow2_refs_compare(refs, &r->hdr, r->file, &found, &used, err)) {
		qcow2_refs_free(refs);
		refs = NULL;
	}
	img_findings_clear(&found);
	return refs;
}

/* ---- What there is to do ------------------------------------------------------------------------- */

/* What a check finds now. */
struct survey {
	struct img_findings found;
	bool certain;			/* every reference is known ... */
	bool suspicious;		/* ... unless there were others, of which there are signs */
};

/* Kinds of damage that hide no reference. */
static bool is_harmless(const struct img_finding_kind *kind)
{
	static const struct img_finding_kind *const kinds[] = {
		&qcow2_found_l1_copied, &qcow2_found_l2_copied, &qcow2_found_compressed_copied,
		&qcow2_found_refcount_leak, &qcow2_found_refcount_low, &qcow2_found_reftable_reserved,
		&qcow2_found_reftable_unaligned, &qcow2_found_reftable_outside,
		&qcow2_found_crypt_header, &qcow2_found_crypt_slot, &qcow2_found_crypt_overlap,
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kind == kinds[i])
			return true;
	return false;
}

/* Whether the kind tells of tables that may have led to what nothing refers to now. */
static bool is_suspicion(const struct img_finding_kind *kind)
{
	return kind == &qcow2_found_l1_missing || kind == &qcow2_found_l1_twin ||
	       kind == &qcow2_found_l2_orphan || kind == &qcow2_found_l2_empty ||
	       kind == &qcow2_found_l2_gap || kind == &qcow2_found_l2_missing ||
	       kind == &qcow2_found_l2_shared || kind == &qcow2_found_l2_twin;
}

static void judge(struct survey *s)
{
	s->certain = true;
	for (size_t i = 0; i < s->found.n; i++) {
		const struct img_finding_kind *kind = s->found.v[i].kind;

		s->suspicious |= is_suspicion(kind);
		s->certain &= kind->severity < IMG_CORRUPT || is_harmless(kind);
	}
}

static uint64_t count(const struct survey *s, const struct img_finding_kind *kind)
{
	return img_findings_count(&s->found, kind);
}

static void forget(struct survey *s)
{
	img_findings_clear(&s->found);
}

static bool look(struct qcow2_repair *r, struct survey *s, struct img_err *err)
{
	struct img_layer ly = { .store = r->file };
	struct img_check_result numbers;

	*s = (struct survey){ .found = { .most = 1 } };
	if (!qcow2_check(&ly, r->how, &s->found, &numbers, err)) {
		forget(s);
		return false;
	}
	judge(s);
	s->suspicious |= r->doubtful && count(s, &qcow2_found_refcount_leak);
	return true;
}
/* ---- Counts and flags, in place ------------------------------------------------------------------ */

static bool raise_counts(struct qcow2_repair *r, struct qcow2_refs *refs, struct img_err *err)
{
	return qcow2_refs_mend(refs, &r->hdr, r->file, QCOW2_MEND_LOW, err);
}

static bool lower_counts(struct qcow2_repair *r, struct qcow2_refs *refs, struct img_err *err)
{
	return qcow2_refs_mend(refs, &r->hdr, r->file, QCOW2_MEND_LEAKS, err);
}

static bool mend_flags(struct qcow2_repair *r, struct qcow2_refs *refs, struct img_err *err)
{
	struct img_findings found = { .most = 0 };
	const bool ok = qcow2_copied_check(refs, &r->hdr, r->file, true, &found, err);

	img_findings_clear(&found);
	return ok;
}

typedef bool window_step(struct qcow2_repair *r, struct qcow2_refs *refs, struct img_err *err);

/* Takes a step for all clusters of the file, as many at a time as memory suffices for. */
static bool in_windows(struct qcow2_repair *r, window_step *step, struct img_err *err)
{
	uint64_t at = 0, clusters;

	do {
		struct qcow2_refs *refs = qcow2_repair_refs(r, at, NULL, err);

		if (!refs)
			return false;
		clusters = qcow2_refs_clusters(refs);
		at = qcow2_refs_end(refs);
		const bool ok = step(r, refs, err);
		qcow2_refs_free(refs);
		if (!ok)
			return false;
	} while (at < clusters);
	return img_store_sync(r->file, err);
}

/* ---- New refcount structures --------------------------------------------------------------------- */

/* Whether tables without a place are among all that nothing refers to, whatever the counts say. */
static bool has_orphans(struct qcow2_repair *r, bool *has, struct img_err *err)
{
	uint64_t at = 0, clusters;

	*has = false;
	do {
		struct img_findings found = { .most = 0 };
		struct qcow2_refs *refs = qcow2_repair_refs(r, at, NULL, err);
		bool ok;

		if (!refs)
			return false;
		clusters = qcow2_refs_clusters(refs);
		at = qcow2_refs_end(refs);
		ok = qcow2_find_orphans(refs, &r->hdr, r->file, true, &found, err);
		*has = img_findings_count(&found, &qcow2_found_l2_orphan);
		img_findings_clear(&found);
		qcow2_refs_free(refs);
		if (!ok)
			return false;
	} while (at < clusters && !*has);
	return true;
}

static bool rebuild(struct qcow2_repair *r, struct img_err *err)
{
	struct qcow2 q = { .header = r->hdr, .map = { .file = r->file } };
	struct img_err why = { 0 };
	bool orphans;

	if (!has_orphans(r, &orphans, err))
		return false;
	if (orphans)
		return true;
	/* Refused for reasons of the image: its structures stay as they are. */
	if (!qcow2_rebuild_refcounts(&q, r->hdr.refcount_order, &why) && !img_code_is_damage(why.code))
		return img_fail(err, why.code, "%s", why.text);
	r->hdr = q.header;
	return true;
}

/* ---- The header ---------------------------------------------------------------------------------- */

static bool put_header(struct qcow2_repair *r, struct img_err *err)
{
	struct qcow2 q = { .header = r->hdr, .map = { .file = r->file } };

	return qcow2_header_patch(&q, err) && img_store_sync(r->file, err);
}

/* What others keep beside the tables does not follow what is changed in them. */
static bool clear_unknown(struct qcow2_repair *r, struct img_err *err)
{
	if (!(r->hdr.autoclear & ~(uint64_t)QCOW2_AUTOCLEAR_KNOWN))
		return true;
	r->hdr.autoclear &= QCOW2_AUTOCLEAR_KNOWN;
	return put_header(r, err);
}

/* The image says that it may be wrong for as long as it is. */
static bool clear_marks(struct qcow2_repair *r, struct img_err *err)
{
	const uint64_t old = r->hdr.incompatible;
	struct survey now;

	if (!(old & (QCOW2_INCOMPATIBLE_DIRTY | QCOW2_INCOMPATIBLE_CORRUPT)))
		return true;
	if (!look(r, &now, err))
		return false;
	if (!count(&now, &qcow2_found_refcount_low))
		r->hdr.incompatible &= ~QCOW2_INCOMPATIBLE_DIRTY;
	if (!img_findings_total(&now.found, IMG_CORRUPT))
		r->hdr.incompatible &= ~QCOW2_INCOMPATIBLE_CORRUPT;
	forget(&now);
	return r->hdr.incompatible == old || put_header(r, err);
}

/* ---- Bitmaps ------------------------------------------------------------------------------------- */

/* All of what an unusable entry stood for counts as changed, which is always safe. */
static bool mend_bitmap_entries(struct qcow2_repair *r, const struct img_finding *f,
				struct img_err *err)
{
	uint8_t raw[8];

	if (f->kind != &qcow2_found_bitmap_entry && f->kind != &qcow2_found_bitmap_outside)
		return true;
	img_put_be64(raw, QCOW2_BITMAP_ENTRY_ONES);
	return img_store_write(r->file, f->host, raw, sizeof(raw), err);
}

/* What cannot be listed for lack of room is found by the next repair. */
#define MOST_BITMAP_ENTRIES ((size_t)1 << 20)

static bool mend_bitmaps(struct qcow2_repair *r, struct img_err *err)
{
	struct img_findings damage = { .most = MOST_BITMAP_ENTRIES };
	struct qcow2_refs *refs = qcow2_repair_refs(r, 0, &damage, err);
	bool ok = refs != NULL;

	for (size_t i = 0; ok && i < damage.n; i++)
		ok = mend_bitmap_entries(r, &damage.v[i], err);
	qcow2_refs_free(refs);
	img_findings_clear(&damage);
	return ok;
}

/* ---- All of it ----------------------------------------------------------------------------------- */

static bool mend_tables(struct qcow2_repair *r, struct img_err *err)
{
	return clear_unknown(r, err) && qcow2_repair_entries(r, err) && mend_bitmaps(r, err) &&
	       img_store_sync(r->file, err);
}

/* Counts in their old places, as far as those can be trusted. */
static bool mend_counts(struct qcow2_repair *r, struct img_err *err)
{
	struct survey now;

	if (!look(r, &now, err))
		return false;
	const bool shared = count(&now, &qcow2_found_overlap);
	r->twins = count(&now, &qcow2_found_l1_twin) || count(&now, &qcow2_found_l2_twin);
	forget(&now);
	return shared || r->twins || in_windows(r, raise_counts, err);
}

/* The flags of twins tell that they are, like the counts. */
static bool mend_all_flags(struct qcow2_repair *r, struct img_err *err)
{
	return r->twins || in_windows(r, mend_flags, err);
}

static bool has_bad_refcounts(const struct survey *s)
{
	return count(s, &qcow2_found_refcount_low) || count(s, &qcow2_found_reftable_reserved) ||
	       count(s, &qcow2_found_reftable_unaligned) ||
	       count(s, &qcow2_found_reftable_outside) || count(s, &qcow2_found_overlap) ||
	       count(s, &qcow2_found_table_outside);
}

/* Where counts cannot be right in their old places they get new ones. */
static bool mend_structures(struct qcow2_repair *r, struct img_err *err)
{
	struct survey now;
	bool ok = look(r, &now, err);

	/* What is damage beside the refcounts itself is for rebuilding to find and to refuse. */
	if (ok && has_bad_refcounts(&now) && !now.suspicious)
		ok = rebuild(r, err);
	forget(&now);
	return ok;
}

static bool give_back_leaks(struct qcow2_repair *r, bool flags_are_right, struct img_err *err)
{
	struct survey now;
	bool ok = look(r, &now, err);

	if (ok && now.certain && !now.suspicious && count(&now, &qcow2_found_refcount_leak) &&
	    (!flags_are_right || !img_findings_total(&now.found, IMG_CORRUPT)))
		ok = in_windows(r, lower_counts, err) && in_windows(r, mend_flags, err);
	forget(&now);
	return ok;
}

static bool is_damaged(struct qcow2_repair *r, bool *is, struct img_err *err)
{
	struct survey now;
	const bool ok = look(r, &now, err);

	*is = img_findings_total(&now.found, IMG_CORRUPT) || img_findings_total(&now.found, IMG_LEAK);
	forget(&now);
	return ok;
}

static bool repair_all(struct qcow2_repair *r, struct img_err *err)
{
	bool damaged;

	if (!is_damaged(r, &damaged, err))
		return false;
	if (!damaged)
		return clear_marks(r, err);
	return mend_tables(r, err) && mend_counts(r, err) && mend_structures(r, err) &&
	       mend_all_flags(r, err) && give_back_leaks(r, false, err) &&
	       clear_marks(r, err);
}

bool qcow2_repair(struct img_layer *ly, const struct img_checking *how,
		  enum img_repair_level level, struct img_err *err)
{
	struct qcow2_repair r = { .file = ly->store, .how = how };
	struct img_err why = { 0 };
	bool ok;

	/* Without a header nothing is certain; that a check has found. */
	if (!qcow2_header_read(r.file, &r.hdr, &why))
		return img_code_is_damage(why.code) || img_fail(err, why.code, "%s", why.text);
	ok = level == IMG_REPAIR_ALL ? repair_all(&r, err) : give_back_leaks(&r, true, err);
	qcow2_header_clear(&r.hdr);
	return ok;
}
