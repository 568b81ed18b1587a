/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One entry of an L2 table in a salvage: what cannot be right is healed where exactly one thing can
 * have been meant, and is lost otherwise.  What an entry can have meant is told by its bits, of which
 * one may be wrong; by its neighbours, since clusters that are written one after the other lie so;
 * and by what is left over.
 */
#include <string.h>
#include "base/bytes.h"
#include "base/num.h"
#include "format/qcow2/salvage_heal.h"

/* ---- What an entry leads to ---------------------------------------------------------------------- */

bool qcow2_heal_decode(const struct qcow2_healing *h, const uint8_t *raw,
		       struct qcow2_cluster *out)
{
	const uint64_t bitmap = h->s->geo.subclusters ? img_get_be64(raw + 8) : 0;
	const struct img_finding_kind *why;

	return qcow2_l2_decode(&h->s->geo, img_get_be64(raw), bitmap, out, &why);
}

bool qcow2_heal_is_standard(const struct qcow2_healing *h, const struct qcow2_cluster *cluster)
{
	return cluster->allocated && cluster->kind != QCOW2_CLUSTER_COMPRESSED &&
	       !h->s->geo.data_file;
}

uint64_t qcow2_heal_host(const struct qcow2_healing *h, const struct qcow2_sick *t, size_t i)
{
	struct qcow2_cluster cluster;

	return i < t->n && qcow2_heal_decode(h, t->raw + i * t->step, &cluster) &&
	       qcow2_heal_is_standard(h, &cluster) ? cluster.host : 0;
}

static uint64_t number_of(const struct qcow2_healing *h, uint64_t host)
{
	return host >> h->s->geo.cluster_bits;
}

bool qcow2_heal_is_counted(const struct qcow2_healing *h, uint64_t host)
{
	const uint64_t number = number_of(h, host);

	return h->s->counts_known &&
	       qcow2_refs_stored(h->s->refs, number) >= qcow2_refs_get(h->s->refs, number);
}

static bool is_placed_table(const struct qcow2_salvage *s, uint64_t host)
{
	const struct qcow2_found *table = qcow2_salvage_find(s, host);

	return table && table->placed;
}

/* Of tables nothing is the guest's. */
static bool is_table(const struct qcow2_healing *h, uint64_t host)
{
	return is_placed_table(h->s, host) || qcow2_refs_is_table(h->s->refs, number_of(h, host));
}

static bool is_unused(const struct qcow2_healing *h, uint64_t host)
{
	return host && host < h->s->file_size && !qcow2_counts_get(h->uses, number_of(h, host));
}

bool qcow2_heal_is_free(const struct qcow2_healing *h, uint64_t host)
{
	return is_unused(h, host) && qcow2_salvage_is_orphan(h->s, number_of(h, host)) &&
	       !is_placed_table(h->s, host);
}

/* ---- Is it right? -------------------------------------------------------------------------------- */

/* A neighbour leads to the same stream, and that is one too many. */
static bool is_double(const struct qcow2_healing *h, const struct qcow2_sick *t, size_t i,
		      const struct qcow2_cluster *cluster)
{
	const uint8_t *raw = t->raw + i * t->step;

	return ((i && !memcmp(raw, raw - t->step, 8)) ||
		(i + 1 < t->n && !memcmp(raw, raw + t->step, 8))) &&
	       !qcow2_heal_is_counted(h, cluster->host);
}

/* Nothing else can have this cluster, and it is there. */
static bool is_right(const struct qcow2_healing *h, const struct qcow2_cluster *cluster)
{
	if (!qcow2_heal_is_standard(h, cluster))
		return true;
	return cluster->host < h->s->file_size && !is_table(h, cluster->host) &&
	       (qcow2_counts_get(h->uses, number_of(h, cluster->host)) <= 1 ||
		qcow2_heal_is_counted(h, cluster->host));
}

/* ---- What it was: one bit ------------------------------------------------------------------------ */

struct candidate {
	uint64_t entry;			/* 0: none yet */
	struct qcow2_cluster cluster;
	bool several;
};

/* Streams at one place are the same one, and need no more bytes than the shortest says. */
static void take_candidate(struct candidate *best, uint64_t entry,
			   const struct qcow2_cluster *cluster)
{
	const bool same = best->entry && cluster->kind == QCOW2_CLUSTER_COMPRESSED &&
			  best->cluster.kind == QCOW2_CLUSTER_COMPRESSED &&
			  cluster->host == best->cluster.host;

	best->several |= best->entry && !same;
	if (best->entry && (!same || cluster->stored_len >= best->cluster.stored_len))
		return;
	best->entry = entry;
	best->cluster = *cluster;
}

/*
 * Whether a changed entry leads to what nothing leads to but the damaged one.  led: that is taken
 * for a compressed cluster, which lies in the cluster that is meant.
 */
static bool judge_candidate(struct qcow2_healing *h, uint64_t entry,
			    const struct qcow2_cluster *cluster, bool led, bool *is,
			    struct img_err *err)
{
	const struct qcow2_salvage *s = h->s;
	const uint64_t number = number_of(h, cluster->host);

	*is = false;
	if (cluster->kind == QCOW2_CLUSTER_COMPRESSED)
		return (entry & QCOW2_ENTRY_COPIED) || cluster->host >= s->file_size ||
		       (s->counts_known && !qcow2_refs_stored(s->refs, number)) ||
		       qcow2_decoder_try(&h->s->decoder, cluster, is, err);
	if (!qcow2_heal_is_standard(h, cluster))
		return true;
	*is = led ? is_unused(h, cluster->host) && !is_table(h, cluster->host) &&
		    qcow2_refs_get(s->refs, number) == 1
		  : qcow2_heal_is_free(h, cluster->host);
	return true;
}

/* *found: the only entry that differs in one bit and can be right; 0: none, or several. */
static bool find_other_bit(struct qcow2_healing *h, const uint8_t *raw, uint64_t *found,
			   struct img_err *err)
{
	const uint64_t entry = img_get_be64(raw);
	struct candidate best = { 0 };

	for (unsigned bit = 0; bit < 64; bit++) {
		const uint64_t changed = entry ^ UINT64_C(1) << bit;
		const bool led = entry & ~changed & QCOW2_ENTRY_COMPRESSED;
		struct qcow2_cluster cluster;
		uint8_t other[16];
		bool is;

		memcpy(other, raw, h->s->geo.l2_entry_len);
		img_put_be64(other, changed);
		if (!qcow2_heal_decode(h, other, &cluster))
			continue;
		if (!judge_candidate(h, changed, &cluster, led, &is, err))
			return false;
		if (is)
			take_candidate(&best, changed, &cluster);
	}
	*found = best.several ? 0 : best.entry;
	return true;
}

/* ---- What it was: neighbours --------------------------------------------------------------------- */

/* Whether host is where the entry before i ends, or ends where the one behind i leads. */
static bool is_in_sequence(const struct qcow2_healing *h, const struct qcow2_sick *t, size_t i,
			   uint64_t host)
{
	const uint64_t size = qcow2_cluster_size(&h->s->geo);
	const uint64_t before = i ? qcow2_heal_host(h, t, i - 1) : 0;

	return (before && before + size == host) || qcow2_heal_host(h, t, i + 1) == host + size;
}

/* The free cluster that goes on before i, or goes on into what is behind; 0: none, or they differ. */
static uint64_t fitting(const struct qcow2_healing *h, const struct qcow2_sick *t, size_t i,
			bool both)
{
	const uint64_t size = qcow2_cluster_size(&h->s->geo);
	const uint64_t before = i ? qcow2_heal_host(h, t, i - 1) : 0;
	const uint64_t behind = qcow2_heal_host(h, t, i + 1);
	const uint64_t up = before && qcow2_heal_is_free(h, before + size) ? before + size : 0;
	const uint64_t down = behind > size && qcow2_heal_is_free(h, behind - size) ? behind - size
										    : 0;

	if (up == down)
		return up;
	return both || (up && down) ? 0 : up + down;
}

/* ---- Healing ------------------------------------------------------------------------------------- */

static bool tell(struct qcow2_healing *h, uint64_t host, uint64_t guest, struct img_err *err)
{
	return img_rangeset_include(&h->s->guessed, guest, qcow2_cluster_size(&h->s->geo), err) &&
	       qcow2_salvage_note(h->s, &qcow2_noted_l2_entry, host, guest, 0, err);
}

static uint64_t guest_of(const struct qcow2_healing *h, const struct qcow2_sick *t, size_t i)
{
	return t->guest + ((uint64_t)i << h->s->geo.cluster_bits);
}

bool qcow2_heal_write(struct qcow2_healing *h, const struct qcow2_sick *t, size_t i,
		      struct img_err *err)
{
	return img_store_write(h->s->overlay, t->host + i * t->step, t->raw + i * t->step, t->step,
			       err) &&
	       tell(h, t->host + i * t->step, guest_of(h, t, i), err);
}

/* Which subclusters of it have data the damaged entry may still say, at raw. */
static void encode_lead(const struct qcow2_healing *h, uint64_t host, uint8_t *raw)
{
	const struct qcow2_cluster all = {
		.kind = QCOW2_CLUSTER_DATA, .allocated = true, .copied = true, .host = host,
	};
	struct qcow2_cluster cluster;
	uint8_t bare[16];

	qcow2_l2_encode(&h->s->geo, &all, bare);
	img_put_be64(raw, img_get_be64(bare));
	if (h->s->geo.subclusters &&
	    (!qcow2_heal_decode(h, raw, &cluster) || cluster.kind == QCOW2_CLUSTER_HOLE))
		img_put_be64(raw + 8, img_get_be64(bare + 8));
}

static bool use(struct qcow2_healing *h, uint64_t host, struct img_err *err)
{
	h->orphans -= h->orphans > 0;
	return qcow2_counts_add(h->uses, number_of(h, host), 1, err);
}

bool qcow2_heal_lead(struct qcow2_healing *h, const struct qcow2_sick *t, size_t i, uint64_t host,
		     struct img_err *err)
{
	encode_lead(h, host, t->raw + i * t->step);
	return use(h, host, err) && qcow2_heal_write(h, t, i, err);
}

/* Subclusters that have data and read as zeros at once: the data are still there. */
static bool heal_maps(const struct qcow2_healing *h, uint8_t *raw)
{
	struct qcow2_cluster cluster;

	if (!h->s->geo.subclusters)
		return false;
	const uint64_t bitmap = img_get_be64(raw + 8);

	img_put_be64(raw + 8, bitmap & ~(bitmap << 32));
	if (qcow2_heal_decode(h, raw, &cluster))
		return true;
	img_put_be64(raw + 8, bitmap);
	return false;
}

static bool lose_bad(struct qcow2_healing *h, struct img_err *err)
{
	return !h->bad_is_lost || img_rangeset_include(&h->s->lost, h->bad_guest,
						       qcow2_cluster_size(&h->s->geo), err);
}

/* lost: what it leads to is not the guest's; else it is nothing that can be read, or shared. */
static bool remember_bad(struct qcow2_healing *h, const struct qcow2_sick *t, size_t i, bool lost,
			 struct img_err *err)
{
	if (!lose_bad(h, err))
		return false;
	h->n_bad++;
	h->bad_is_lost = lost;
	h->bad_at = t->host + i * t->step;
	h->bad_guest = guest_of(h, t, i);
	memcpy(h->bad, t->raw + i * t->step, t->step);
	return true;
}

/* Nothing was found.  What cannot be decoded is lost as it is; of two who claim a cluster one is right. */
static bool give_up(struct qcow2_healing *h, const struct qcow2_sick *t, size_t i, bool legal,
		    const struct qcow2_cluster *cluster, bool *shares, struct img_err *err)
{
	if (legal && (cluster->kind == QCOW2_CLUSTER_COMPRESSED || cluster->kind == QCOW2_CLUSTER_ZERO))
		return true;
	const bool outside = !legal || cluster->host >= h->s->file_size;

	if (outside || is_table(h, cluster->host))
		return remember_bad(h, t, i, !outside, err);
	*shares = true;
	return img_rangeset_include(&h->s->guessed, guest_of(h, t, i),
				    qcow2_cluster_size(&h->s->geo), err);
}

static bool heal_bad(struct qcow2_healing *h, const struct qcow2_sick *t, size_t i, bool legal,
		     const struct qcow2_cluster *cluster, bool *shares, struct img_err *err)
{
	uint8_t *raw = t->raw + i * t->step;
	const bool compressed = legal && cluster->kind == QCOW2_CLUSTER_COMPRESSED;
	uint64_t other = 0;

	if (!legal && heal_maps(h, raw))
		return qcow2_heal_write(h, t, i, err);
	/* Of two entries for one cluster each may be the other with one bit changed. */
	if (legal && !compressed && !is_table(h, cluster->host) &&
	    is_in_sequence(h, t, i, cluster->host))
		return give_up(h, t, i, legal, cluster, shares, err);
	if (!find_other_bit(h, raw, &other, err))
		return false;
	if (other) {
		img_put_be64(raw, other);
		return ((other & QCOW2_ENTRY_COMPRESSED) ||
			use(h, other & QCOW2_ENTRY_HOST, err)) && qcow2_heal_write(h, t, i, err);
	}
	const uint64_t host = compressed ? 0 : fitting(h, t, i, false);

	return host ? qcow2_heal_lead(h, t, i, host, err)
		    : give_up(h, t, i, legal, cluster, shares, err);
}

/* Entries are legal without a cluster; one between two that leave a place for its own has lost it. */
static bool heal_empty(struct qcow2_healing *h, const struct qcow2_sick *t, size_t i,
		       struct img_err *err)
{
	const uint64_t host = h->s->counts_known && h->orphans ? fitting(h, t, i, true) : 0;

	return !host || qcow2_heal_lead(h, t, i, host, err);
}

bool qcow2_heal_one(struct qcow2_healing *h, const struct qcow2_sick *t, size_t i, bool *shares,
		    struct img_err *err)
{
	struct qcow2_cluster cluster;
	const bool legal = qcow2_heal_decode(h, t->raw + i * t->step, &cluster);
	bool right = false;

	if (legal && cluster.kind == QCOW2_CLUSTER_HOLE && !cluster.allocated)
		return heal_empty(h, t, i, err);
	if (legal && cluster.kind == QCOW2_CLUSTER_COMPRESSED) {
		right = h->streams.sound[i];
		*shares |= right && is_double(h, t, i, &cluster);
	} else if (legal) {
		right = is_right(h, &cluster);
	}
	return right || heal_bad(h, t, i, legal, &cluster, shares, err);
}

/* ---- What is left over --------------------------------------------------------------------------- */

/* The only free cluster that looks like no table; 0: none, or several. */
static uint64_t only_free(const struct qcow2_healing *h)
{
	const uint64_t end = qcow2_refs_end(h->s->refs);
	uint64_t only = 0;

	for (uint64_t number = 1; number < end && number < qcow2_refs_clusters(h->s->refs); number++) {
		const uint64_t host = number << h->s->geo.cluster_bits;
		const struct qcow2_found *table = qcow2_salvage_find(h->s, host);

		if ((table && table->l2) || !qcow2_heal_is_free(h, host))
			continue;
		if (only)
			return 0;
		only = host;
	}
	return only;
}

bool qcow2_heal_last(struct qcow2_healing *h, struct img_err *err)
{
	const uint64_t host = h->n_bad == 1 && h->s->counts_known ? only_free(h) : 0;

	if (!host)
		return lose_bad(h, err);
	encode_lead(h, host, h->bad);
	return use(h, host, err) &&
	       img_store_write(h->s->overlay, h->bad_at, h->bad, h->s->geo.l2_entry_len, err) &&
	       tell(h, h->bad_at, h->bad_guest, err);
}
