/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * L2 tables placed by the guest's bytes that they lead to.  A superblock says how far it is from the
 * start of its file system, its entry how far it is from the start of its table.  Where the file
 * system starts is known from a table of it that has its place, or from the partitions.  A start is
 * believed only if it makes the table begin where tables do: of others one in thousands would.
 */
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/bulk.h"
#include "format/qcow2/salvage.h"
#include "format/qcow2/shape.h"

enum {
	ANCHORS_MAX	= 1 << 13,	/* a file may be made of superblocks on purpose */
	PHASES_MAX	= 8,		/* partitions whose phase is looked at */
	SYSTEMS_MAX	= 16,		/* file systems whose groups are looked at */
};

#define SLOTS_MAX (QCOW2_L1_BYTES_MAX / sizeof(uint64_t))

/* What a table holds of a file system. */
struct anchor {
	size_t table;			/* index in anchors.tables */
	bool disk;			/* of the disk itself: a partition table */
	uint8_t id[QCOW2_MARK_ID];
	uint64_t size;			/* bytes of the file system */
	uint64_t base;			/* where the table starts in it; wraps */
	uint64_t gpt_at;		/* of the disk's end: the backup of its GPT */
};

struct anchors {
	struct qcow2_salvage *s;
	struct qcow2_cluster_list tables;
	size_t *slots;			/* of each table; QCOW2_NO_SLOT: to be found; owned */
	size_t cap_slots;
	uint64_t phase;			/* bytes into each cluster, to be looked at */
	struct anchor *v;		/* owned */
	size_t n, cap;
	struct qcow2_part parts[QCOW2_SALVAGE_PARTS];
	size_t n_parts;
};

/* ---- Tables ---------------------------------------------------------------------------------- */

static bool add_table(struct anchors *a, uint64_t host, size_t slot, struct img_err *err)
{
	size_t *slots = img_grow_by_one(a->slots, a->tables.n, &a->cap_slots, sizeof(*slots), err);

	if (!slots)
		return false;
	a->slots = slots;
	slots[a->tables.n] = slot;
	return qcow2_cluster_list_add(&a->tables, host, err);
}

/* Those to be placed first: there may be no room for the anchors of all. */
static bool list_tables(struct anchors *a, struct img_err *err)
{
	const struct qcow2_salvage *s = a->s;

	for (size_t i = 0; i < s->n_found; i++)
		if (s->found[i].free && !s->found[i].placed &&
		    !add_table(a, s->found[i].host, QCOW2_NO_SLOT, err))
			return false;
	for (size_t i = 0; i < s->n_l1; i++) {
		const uint64_t host = s->l1[i] & QCOW2_ENTRY_HOST;
		const struct qcow2_found *to = host ? qcow2_salvage_find(s, host) : NULL;

		if (to && to->l2 && !qcow2_salvage_is_slot(s, i) && !add_table(a, host, i, err))
			return false;
	}
	return true;
}

/* ---- Anchors --------------------------------------------------------------------------------- */

static bool is_same_system(const struct anchor *a, const struct anchor *b)
{
	return a->disk == b->disk && !memcmp(a->id, b->id, sizeof(a->id));
}

/* A table has many superblocks of one file system, which all say the same of it. */
static bool add_anchor(struct anchors *a, const struct anchor *one, struct img_err *err)
{
	for (size_t i = a->n; i-- > 0 && a->v[i].table == one->table;)
		if (is_same_system(&a->v[i], one) && a->v[i].base == one->base)
			return true;
	if (a->n == ANCHORS_MAX)
		return true;
	struct anchor *v = img_grow_by_one(a->v, a->n, &a->cap, sizeof(*v), err);

	if (!v)
		return false;
	a->v = v;
	v[a->n++] = *one;
	return true;
}

static bool look(struct anchors *a, size_t table, size_t index, const uint8_t *head, size_t len,
		 struct img_err *err)
{
	const uint64_t in_table = ((uint64_t)index << a->s->geo.cluster_bits) + a->phase;
	struct qcow2_part parts[QCOW2_MARK_MBR_PARTS];
	struct qcow2_mark mark;
	size_t n;

	if (!in_table && qcow2_mark_mbr(head, len, parts, &n) &&
	    !add_anchor(a, &(struct anchor){ .table = table, .disk = true }, err))
		return false;
	if (!qcow2_mark_read(head, len, &mark))
		return true;
	struct anchor one = { .table = table, .size = mark.size, .base = mark.at - in_table };

	memcpy(one.id, mark.id, sizeof(one.id));
	return add_anchor(a, &one, err);
}

/* Of compressed clusters only the first one of a table is decoded. */
static bool has_phase(const struct anchors *a, const struct qcow2_cluster *cluster)
{
	const unsigned subcluster_bits = a->s->geo.cluster_bits - 5;

	return cluster->kind == QCOW2_CLUSTER_DATA ||
	       (cluster->kind == QCOW2_CLUSTER_MIXED &&
		cluster->data_map >> (a->phase >> subcluster_bits) & 1);
}

static bool is_looked_into(const struct anchors *a, const struct qcow2_cluster *cluster, size_t index)
{
	return cluster->kind == QCOW2_CLUSTER_COMPRESSED ? !index && !a->phase : has_phase(a, cluster);
}

/* A place in each cluster of the table; *last: the number of the last cluster, of which *end tells. */
static bool look_at_all(struct anchors *a, size_t table, const uint8_t *raw, size_t *last,
			struct qcow2_cluster *end, struct img_err *err)
{
	const struct qcow2_shapes shapes = { .geo = a->s->geo };
	const uint64_t left = qcow2_cluster_size(&a->s->geo) - a->phase;
	const size_t wanted = img_min_u64(QCOW2_MARK_HEAD, left);
	struct qcow2_cluster cluster;
	uint8_t head[QCOW2_MARK_HEAD];
	size_t got;

	for (size_t i = 0; i < (size_t)1 << a->s->geo.l2_bits; i++) {
		if (!qcow2_shapes_entry(&shapes, raw, i, &cluster))
			continue;
		*last = i;
		*end = cluster;
		if (!is_looked_into(a, &cluster, i))
			continue;
		if (!qcow2_salvage_read(a->s, &cluster, a->phase, head, wanted, &got, err) ||
		    !look(a, table, i, head, got, err))
			return false;
	}
	return true;
}

/* The backup header of a GPT is the last sector of the disk, and knows its number. */
static bool look_for_backup(struct anchors *a, size_t table, size_t index,
			    const struct qcow2_cluster *cluster, struct img_err *err)
{
	const uint64_t in_table = (uint64_t)index << a->s->geo.cluster_bits;
	const size_t size = qcow2_cluster_size(&a->s->geo);
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(size, err);
	struct qcow2_gpt gpt;
	size_t got;

	if (!raw || !qcow2_salvage_read(a->s, cluster, 0, raw, size, &got, err))
		return false;
	for (size_t in = 0; in + QCOW2_SECTOR <= got; in += QCOW2_SECTOR) {
		if (!qcow2_mark_gpt(raw + in, &gpt) || gpt.own == QCOW2_SECTOR)
			continue;
		const struct anchor one = {
			.table = table, .disk = true, .base = gpt.own - in - in_table,
			.gpt_at = gpt.own,
		};

		if (!add_anchor(a, &one, err))
			return false;
	}
	return true;
}

static bool visit(void *ctx, size_t table, uint64_t host, uint8_t *raw, size_t len,
		  struct img_err *err)
{
	struct anchors *a = ctx;
	struct qcow2_cluster end = { 0 };
	size_t last = 0;

	(void)host;
	(void)len;
	return a->n == ANCHORS_MAX ||
	       (look_at_all(a, table, raw, &last, &end, err) &&
		(a->phase || !end.allocated || look_for_backup(a, table, last, &end, err)));
}

/* ---- The disk -------------------------------------------------------------------------------- */

/* The first table, or the only one that could be it; QCOW2_NO_SLOT: there is none. */
static size_t first_table(const struct anchors *a)
{
	size_t only = QCOW2_NO_SLOT;

	for (size_t i = 0; i < a->tables.n; i++)
		if (!a->slots[i])
			return i;
	for (size_t i = 0; i < a->n; i++) {
		if (!a->v[i].disk || a->v[i].base || a->slots[a->v[i].table] != QCOW2_NO_SLOT)
			continue;
		if (only != QCOW2_NO_SLOT)
			return QCOW2_NO_SLOT;
		only = a->v[i].table;
	}
	return only;
}

static bool read_partitions(struct anchors *a, size_t table, uint64_t start, uint64_t gpt_at,
			    struct img_err *err)
{
	return qcow2_salvage_partitions(a->s, a->tables.v[table], start, gpt_at, a->parts,
					&a->n_parts, err);
}

/* By the start of the disk, or by the backup at its end. */
static bool find_partitions(struct anchors *a, struct img_err *err)
{
	const size_t table = first_table(a);

	if (table != QCOW2_NO_SLOT && !read_partitions(a, table, 0, QCOW2_SECTOR, err))
		return false;
	for (size_t i = 0; !a->n_parts && i < a->n; i++)
		if (a->v[i].disk && a->v[i].base &&
		    !read_partitions(a, a->v[i].table, a->v[i].base, a->v[i].gpt_at, err))
			return false;
	return true;
}

/* ---- From the tables to the anchors ---------------------------------------------------------- */

static bool collect_phase(struct anchors *a, uint64_t phase, struct img_err *err)
{
	a->phase = phase;
	return qcow2_bulk_clusters(&a->tables, visit, a, err);
}

static uint64_t phase_of(const struct anchors *a, size_t part)
{
	return a->parts[part].start & (qcow2_cluster_size(&a->s->geo) - 1);
}

static bool is_phase_done(const struct anchors *a, size_t part)
{
	for (size_t i = 0; i < part; i++)
		if (phase_of(a, i) == phase_of(a, part))
			return true;
	return !phase_of(a, part);
}

static int by_table(const void *x, const void *y)
{
	const struct anchor *a = x, *b = y;

	return (a->table > b->table) - (a->table < b->table);
}

/* Superblocks start clusters where partitions do, and lie as far into them as those otherwise. */
static bool collect(struct anchors *a, struct img_err *err)
{
	if (!collect_phase(a, 0, err) || !find_partitions(a, err))
		return false;
	for (size_t i = 0; i < img_min_u64(a->n_parts, PHASES_MAX); i++)
		if (!is_phase_done(a, i) && !collect_phase(a, phase_of(a, i), err))
			return false;
	if (a->n)
		qsort(a->v, a->n, sizeof(*a->v), by_table);
	return true;
}


/* ---- Slots ----------------------------------------------------------------------------------- */

static size_t n_slots(const struct anchors *a)
{
	return a->s->hdr.size ? a->s->n_l1 : SLOTS_MAX;
}

/* That of a table which begins at guest; QCOW2_NO_SLOT: none does. */
static size_t slot_at(const struct anchors *a, uint64_t guest)
{
	const unsigned bits = qcow2_l1_bits(&a->s->geo);
	const uint64_t slot = guest >> bits;

	return guest & ((UINT64_C(1) << bits) - 1) || slot >= n_slots(a) ? QCOW2_NO_SLOT : slot;
}

/* From another table, which has its place, and holds some of the same file system. */
static size_t slot_by_system(const struct anchors *a, const struct anchor *one)
{
	for (size_t i = 0; i < a->n; i++) {
		const size_t known = a->slots[a->v[i].table];

		if (known == QCOW2_NO_SLOT || !is_same_system(&a->v[i], one))
			continue;
		const uint64_t guest = (uint64_t)known << qcow2_l1_bits(&a->s->geo);
		const size_t slot = slot_at(a, guest + one->base - a->v[i].base);

		if (slot != QCOW2_NO_SLOT)
			return slot;
	}
	return QCOW2_NO_SLOT;
}

/* QCOW2_NO_SLOT also if several partitions may hold the file system. */
static size_t slot_by_partition(const struct anchors *a, const struct anchor *one, bool *several)
{
	size_t only = QCOW2_NO_SLOT;

	*several = false;
	for (size_t i = 0; i < a->n_parts; i++) {
		const size_t slot = slot_at(a, a->parts[i].start + one->base);

		if (slot == QCOW2_NO_SLOT || slot == only || one->size > a->parts[i].len)
			continue;
		*several |= only != QCOW2_NO_SLOT;
		only = slot;
	}
	return *several ? QCOW2_NO_SLOT : only;
}

static size_t slot_of(const struct anchors *a, const struct anchor *one)
{
	bool several = false;

	if (one->disk)
		return slot_at(a, one->base);
	size_t slot = slot_by_system(a, one);

	if (slot == QCOW2_NO_SLOT)
		slot = slot_by_partition(a, one, &several);
	/* A file system without partitions. */
	return slot == QCOW2_NO_SLOT && !several ? slot_at(a, one->base) : slot;
}

/* What all anchors of the table that starts at a->v[*i] say; *i: the first one of the next. */
static size_t slot_of_table(const struct anchors *a, size_t *i)
{
	const size_t table = a->v[*i].table;
	size_t only = QCOW2_NO_SLOT;
	bool agree = true;

	for (; *i < a->n && a->v[*i].table == table; (*i)++) {
		const size_t slot = slot_of(a, &a->v[*i]);

		agree = agree && (slot == QCOW2_NO_SLOT || only == QCOW2_NO_SLOT || slot == only);
		only = slot == QCOW2_NO_SLOT ? only : slot;
	}
	return agree ? only : QCOW2_NO_SLOT;
}

/* ---- Placing --------------------------------------------------------------------------------- */

struct claim {
	size_t table, slot;
};

static int by_slot(const void *x, const void *y)
{
	const struct claim *a = x, *b = y;

	return (a->slot > b->slot) - (a->slot < b->slot);
}

static size_t collect_claims(const struct anchors *a, struct claim *claims)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n;) {
		const size_t table = a->v[i].table, slot = slot_of_table(a, &i);

		if (a->slots[table] == QCOW2_NO_SLOT && slot != QCOW2_NO_SLOT)
			claims[n++] = (struct claim){ .table = table, .slot = slot };
	}
	qsort(claims, n, sizeof(*claims), by_slot);
	return n;
}

static bool is_contested(const struct claim *claims, size_t n, size_t i)
{
	return (i && claims[i - 1].slot == claims[i].slot) ||
	       (i + 1 < n && claims[i + 1].slot == claims[i].slot);
}

static bool place(struct anchors *a, struct img_err *err)
{
	IMG_AUTO_FREE struct claim *claims = img_calloc(a->n, sizeof(*claims), err);

	if (!claims)
		return false;
	const size_t n = collect_claims(a, claims);

	if (n && !qcow2_salvage_room(a->s, claims[n - 1].slot + 1, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct qcow2_found *one = qcow2_salvage_find(a->s, a->tables.v[claims[i].table]);

		if (is_contested(claims, n, i) || !qcow2_salvage_is_slot(a->s, claims[i].slot))
			continue;
		if (!qcow2_salvage_put(a->s, one, claims[i].slot, err))
			return false;
		a->slots[claims[i].table] = claims[i].slot;
	}
	return true;
}

/* ---- What is unused -------------------------------------------------------------------------- */

/* Where the file system of an anchor starts; false: that is not known. */
static bool start_of(const struct anchors *a, const struct anchor *one, uint64_t *start)
{
	const size_t slot = a->slots[one->table];

	if (slot == QCOW2_NO_SLOT || one->disk)
		return false;
	*start = ((uint64_t)slot << qcow2_l1_bits(&a->s->geo)) - one->base;
	return *start <= INT64_MAX;
}

static bool is_told(const struct anchors *a, size_t i, uint64_t start)
{
	uint64_t other;

	for (size_t j = 0; j < i; j++)
		if (start_of(a, &a->v[j], &other) && other == start)
			return true;
	return false;
}

static bool find_nothing(struct anchors *a, struct img_err *err)
{
	uint64_t start;

	for (size_t i = 0, n = 0; i < a->n && n < SYSTEMS_MAX; i++) {
		if (!start_of(a, &a->v[i], &start) || is_told(a, i, start))
			continue;
		n++;
		if (!qcow2_salvage_free_blocks(a->s, start, err))
			return false;
	}
	return qcow2_salvage_between(a->s, a->parts, a->n_parts, err);
}

static void clear(struct anchors *a)
{
	qcow2_cluster_list_clear(&a->tables);
	free(a->slots);
	free(a->v);
}

bool qcow2_salvage_anchor(struct qcow2_salvage *s, struct img_err *err)
{
	struct anchors a = {
		.s = s,
		.tables = { .file = s->file, .cluster_bits = s->geo.cluster_bits },
	};
	const bool ok = s->geo.data_file ||
			(list_tables(&a, err) && collect(&a, err) &&
			 (!a.n || (place(&a, err) && find_nothing(&a, err))));

	clear(&a);
	return ok;
}

/* ---- For who doubts the L1 table --------------------------------------------------------------- */

bool qcow2_salvage_claims(struct qcow2_salvage *s, const uint64_t *hosts, size_t n, size_t *slots,
			  struct img_err *err)
{
	struct anchors a = {
		.s = s,
		.tables = { .file = s->file, .cluster_bits = s->geo.cluster_bits },
	};
	bool ok = true;

	for (size_t i = 0; i < n; i++)
		slots[i] = QCOW2_NO_SLOT;
	for (size_t i = 0; ok && i < n; i++)
		ok = add_table(&a, hosts[i], QCOW2_NO_SLOT, err);
	ok = ok && collect(&a, err);
	for (size_t i = 0; ok && i < a.n;) {
		const size_t table = a.v[i].table;

		slots[table] = slot_of_table(&a, &i);
	}
	clear(&a);
	return ok;
}
