/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file without gaps.  Nothing in the format says what is free, so what a smaller disk or a longer L1
 * table has left could not be used again: what lies last moves there, and where pieces of several
 * clusters do not fit, all that lies behind moves down.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/moves.h"
#include "format/qcow1/resize.h"
#include "format/qcow1/survey.h"

/* Those that fit; then all that are left; then there is nothing to move. */
enum { ROUNDS = 3 };

/* ---- What moves ------------------------------------------------------------------------------ */

static bool survey(struct qcow1_compacting *c, struct qcow1_survey *s, struct img_err *err)
{
	struct img_findings found = { .most = 1 };
	bool ok;

	*s = (struct qcow1_survey){
		.hdr = c->hdr, .file = c->file, .job = c->job, .out = &found,
		.memory = UINT64_MAX, .given_l1 = c->no_l1 ? c->l1 : NULL,
	};
	ok = img_store_size(c->file, &s->file_size, err) && qcow1_survey_run(s, err);
	if (ok && found.n)
		ok = img_fail(err, IMG_E_CORRUPT, "%s", _(found.v[0].kind->text));
	img_findings_clear(&found);
	return ok;
}

static bool draw(struct qcow1_survey *s, struct img_picture *pic, struct img_err *err)
{
	if (!img_picture_start(pic, img_div_up(s->file_size, qcow1_cluster_size(s->hdr)), err))
		return false;
	for (uint64_t i = 0; i < pic->n; i++) {
		const bool used = qcow1_survey_uses(s, i);

		img_picture_set(used ? pic->used : pic->open, i, true);
		img_picture_set(pic->tied, i, qcow1_survey_ties(s, i));
	}
	return true;
}

static bool look(struct qcow1_compacting *c, struct img_picture *pic, struct img_err *err)
{
	struct qcow1_survey s;
	const bool ok = survey(c, &s, err) && draw(&s, pic, err);

	c->end = img_min_u64(s.end, s.file_size);
	qcow1_survey_clear(&s);
	return ok;
}

static bool plan(struct qcow1_compacting *c, unsigned round, struct img_moves *moves,
		 struct img_err *err)
{
	struct img_picture pic = { 0 };
	bool ok = look(c, &pic, err);

	if (ok && round == 0)
		ok = img_moves_plan(&pic, moves, err);
	if (ok && !moves->n)
		ok = img_moves_slide(&pic, moves, err);
	img_picture_clear(&pic);
	return ok;
}

/* ---- What refers to it ----------------------------------------------------------------------- */

static uint64_t moved(const struct qcow1_compacting *c, const struct img_moves *moves, uint64_t host)
{
	const uint64_t inside = host & (qcow1_cluster_size(c->hdr) - 1);

	return (img_moves_find(moves, host >> c->hdr->cluster_bits) << c->hdr->cluster_bits) + inside;
}

/* The entry of an L2 table, as it is from now on. */
static uint64_t entry_moved(const struct qcow1_compacting *c, const struct img_moves *moves,
			    uint64_t entry)
{
	const struct qcow1_cluster cluster = qcow1_entry_decode(c->hdr, entry);
	const uint64_t host = moved(c, moves, cluster.host);

	switch (cluster.kind) {
	case QCOW1_PLAIN:
		return host;
	case QCOW1_PACKED:
		return qcow1_entry_packed(c->hdr, host, cluster.stored_len);
	default:
		return entry;
	}
}

static bool change_l2(const struct qcow1_compacting *c, const struct img_moves *moves,
		      uint64_t table, uint8_t *raw, struct img_err *err)
{
	const uint32_t len = qcow1_l2_bytes(c->hdr);
	bool changed = false;

	if (!img_store_read(c->file, table, raw, len, err))
		return false;
	for (uint32_t off = 0; off < len; off += QCOW1_ENTRY_LEN) {
		const uint64_t entry = img_get_be64(raw + off), now = entry_moved(c, moves, entry);

		changed |= now != entry;
		img_put_be64(raw + off, now);
	}
	return !changed || img_store_write(c->file, table, raw, len, err);
}

/* In the tables where they still lie. */
static bool change_references(struct qcow1_compacting *c, const struct img_moves *moves,
			      struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(qcow1_l2_bytes(c->hdr), err);

	if (!raw)
		return false;
	for (size_t i = 0; i < c->n_l1; i++) {
		uint8_t *entry = c->l1 + i * QCOW1_ENTRY_LEN;
		const uint64_t table = img_get_be64(entry);

		if (table && !change_l2(c, moves, table, raw, err))
			return false;
		img_put_be64(entry, moved(c, moves, table));
	}
	if (c->hdr->backing_off)
		c->hdr->backing_off = moved(c, moves, c->hdr->backing_off);
	if (c->no_l1)
		return true;
	if (!img_store_write(c->file, c->hdr->l1_off, c->l1, c->n_l1 * QCOW1_ENTRY_LEN, err))
		return false;
	c->hdr->l1_off = moved(c, moves, c->hdr->l1_off);
	return true;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static bool move_bytes(const struct qcow1_compacting *c, const struct img_moves *moves,
		       struct img_err *err)
{
	const unsigned bits = c->hdr->cluster_bits;

	for (size_t i = 0; i < moves->n; i++) {
		const struct img_shift one = moves->v[i];

		if (!img_move(c->file, one.to << bits, one.from << bits, one.n << bits, c->job, err))
			return false;
	}
	return true;
}

static bool carry_out(struct qcow1_compacting *c, const struct img_moves *moves, struct img_err *err)
{
	return !moves->n || (qcow1_fill_up(c->file, qcow1_cluster_size(c->hdr), err) &&
			     change_references(c, moves, err) && move_bytes(c, moves, err));
}

bool qcow1_compact(struct qcow1_compacting *c, struct img_err *err)
{
	bool ok = true, found = true;

	for (unsigned round = 0; ok && found && round < ROUNDS; round++) {
		struct img_moves moves = { 0 };

		ok = plan(c, round, &moves, err) && carry_out(c, &moves, err);
		found = moves.n;
		img_moves_clear(&moves);
	}
	return ok;
}

/* ---- One round of bounded size ------------------------------------------------------------------ */

struct some {
	struct img_picture pic;
	struct img_moves moves;
	uint64_t left;
	uint64_t end;			/* of the file in clusters, when all is done that fits */
};

/* What fits; only when nothing does all that is left slides. */
static bool plan_some(struct some *s, uint64_t most, struct img_err *err)
{
	if (!img_moves_plan(&s->pic, &s->moves, err))
		return false;
	s->end = img_moves_end(&s->moves, &s->pic);
	if (s->moves.n)
		return img_moves_limit(&s->moves, &s->pic, most, &s->left, err);
	if (!img_moves_slide(&s->pic, &s->moves, err))
		return false;
	img_moves_head(&s->moves, &s->pic, most, &s->left);
	return true;
}

/* Bytes of the L1 table, which each round writes, and of the blocks of all L2 tables. */
static uint64_t tables_of(const struct qcow1_compacting *c)
{
	uint64_t bytes = c->n_l1 * QCOW1_ENTRY_LEN;

	for (size_t i = 0; i < c->n_l1; i++)
		if (img_get_be64(c->l1 + i * QCOW1_ENTRY_LEN))
			bytes += img_max_u64(qcow1_l2_bytes(c->hdr), IMG_FS_BLOCK);
	return bytes;
}

bool qcow1_compact_some(struct qcow1_compacting *c, uint64_t room, struct img_layer_compacted *out,
			struct img_err *err)
{
	const unsigned bits = c->hdr->cluster_bits;
	struct some s = { .left = 0 };
	bool ok = look(c, &s.pic, err) &&
		  plan_some(&s, room ? img_max_u64(room >> bits, 1) : UINT64_MAX, err);

	if (ok) {
		const uint64_t n = img_moves_count(&s.moves), tables = room ? 0 : tables_of(c);

		/* What was moved may have left gaps that others slide into. */
		*out = (struct img_layer_compacted){
			.moved = room ? n << bits : 0,
			.left = (room ? s.left + (n > 0) : n) << bits,
			.end = img_min_u64(s.end << bits, c->end),
			.tables = tables, .follow = n ? tables : 0,
		};
		ok = !room || carry_out(c, &s.moves, err);
	}
	img_moves_clear(&s.moves);
	img_picture_clear(&s.pic);
	return ok;
}
