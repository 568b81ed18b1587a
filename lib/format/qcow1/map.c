/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guest offset to extent, by the tables as they are in memory. */
#include <stdatomic.h>
#include "base/lock.h"
#include "base/num.h"
#include "format/qcow1/qcow1.h"

static void lose(struct img_extent *ex, enum img_code loss, const struct img_finding_kind *kind)
{
	ex->kind = IMG_EXTENT_LOST;
	ex->loss = loss;
	ex->why = kind->text;
}

/* Bytes [skip, skip + ex->len) of a cluster that has its place in the file. */
static void place(const struct qcow1_tables *t, const struct qcow1_cluster *cluster, uint32_t skip,
		  struct img_extent *ex)
{
	const struct img_finding_kind *damage = qcow1_cluster_damage(t->hdr, cluster);
	const bool packed = cluster->kind == QCOW1_PACKED;
	const bool encrypted = !packed && t->hdr->crypt != QCOW1_CRYPT_NONE;
	const uint64_t host = cluster->host + (packed ? 0 : skip);
	/* Of a sector that is enciphered a part is worth nothing. */
	const uint64_t file_size = encrypted ? img_round_down(t->file_size, QCOW1_SECTOR) : t->file_size;

	if (damage) {
		lose(ex, IMG_E_CORRUPT, damage);
		return;
	}
	if (host >= file_size || (packed && cluster->stored_len > file_size - host)) {
		lose(ex, IMG_E_INCOMPLETE, &qcow1_found_l2_outside);
		return;
	}
	if (!packed)
		ex->len = img_min_u64(ex->len, file_size - host);
	ex->kind = packed || encrypted ? IMG_EXTENT_ENCODED : IMG_EXTENT_DATA;
	ex->encrypted = encrypted;
	ex->store = t->file;
	ex->host = host;
	ex->host_len = packed ? cluster->stored_len : ex->len;
}

/* What is in one cluster, from at to limit or to the cluster's end. */
static void cluster_extent(const struct qcow1_tables *t, uint64_t entry, uint64_t at,
			   uint64_t limit, struct img_extent *ex)
{
	const struct qcow1_cluster cluster = qcow1_entry_decode(t->hdr, entry);
	const uint32_t size = qcow1_cluster_size(t->hdr), skip = (uint32_t)(at & (size - 1));

	*ex = (struct img_extent){ .start = at, .len = img_min_u64(size - skip, limit - at) };
	if (cluster.kind == QCOW1_HOLE)
		ex->kind = IMG_EXTENT_HOLE;
	else
		place(t, &cluster, skip, ex);
}

/* Neighbours below the same table cost nothing. */
static void table_extent(const struct qcow1_tables *t, const struct qcow1_table *table,
			 uint64_t at, uint64_t limit, struct img_extent *out)
{
	struct img_extent next;
	uint32_t i = qcow1_l2_index(t->hdr, at);

	cluster_extent(t, table->entries[i], at, limit, out);
	while (out->start + out->len < limit && ++i < qcow1_l2_entries(t->hdr)) {
		cluster_extent(t, table->entries[i], out->start + out->len, limit, &next);
		if (!img_extent_join(out, &next))
			break;
	}
}

/* There is no table for out: nothing, unless the entry is damaged. */
static void no_table(const struct qcow1_tables *t, uint64_t entry, struct img_extent *out)
{
	const struct img_finding_kind *damage = entry ? qcow1_l1_damage(t->hdr, entry, t->file_size)
						      : NULL;

	out->kind = IMG_EXTENT_HOLE;
	if (damage)
		lose(out, damage == &qcow1_found_l1_outside ? IMG_E_INCOMPLETE : IMG_E_CORRUPT,
		     damage);
}

/* Whether the L1 table has a table for the index, that can be read. */
static bool leads_on(const struct qcow1_tables *t, uint64_t entry)
{
	return entry && !qcow1_l1_damage(t->hdr, entry, t->file_size);
}

/* The extent at `at` that has no L2 table, as far as the entries at hand say the same. */
static void hole_extent(const struct qcow1_tables *t, const _Atomic uint64_t *entry, uint64_t at,
			uint64_t limit, struct img_extent *out)
{
	const unsigned bits = qcow1_l1_bits(t->hdr);
	uint32_t index = qcow1_l1_index(t->hdr, at);
	struct img_extent next;

	*out = (struct img_extent){ .start = at };
	out->len = img_min_u64(limit, (index + UINT64_C(1)) << bits) - at;
	no_table(t, *entry, out);
	while (out->start + out->len < limit && ++index % QCOW1_PIECE_ENTRIES &&
	       qcow1_l1_has(t, index) && !leads_on(t, *++entry)) {
		next = (struct img_extent){ .start = out->start + out->len };
		next.len = img_min_u64(limit, (index + UINT64_C(1)) << bits) - next.start;
		no_table(t, *entry, &next);
		if (!img_extent_join(out, &next))
			break;
	}
}

/* *host: what the entry for `at` says; where that leads to no table, out is what is there. */
static bool look_at_entry(struct qcow1_tables *t, uint64_t at, uint64_t limit, uint64_t *host,
			  struct img_extent *out, struct img_err *err)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = NULL;
	const _Atomic uint64_t *entry = qcow1_l1_look(t, qcow1_l1_index(t->hdr, at), &held, err);

	if (!entry)
		return false;
	*host = *entry;
	if (!leads_on(t, *host))
		hole_extent(t, entry, at, limit, out);
	return true;
}

bool qcow1_map_extent(struct qcow1_tables *t, uint64_t at, uint64_t limit, struct img_extent *out,
		      struct img_err *err)
{
	const uint32_t index = qcow1_l1_index(t->hdr, at);
	uint64_t host;

	/* All that follows is cut off, too: memory goes by what there is of the file. */
	if (!qcow1_l1_has(t, index)) {
		*out = (struct img_extent){ .start = at, .len = limit - at };
		lose(out, IMG_E_INCOMPLETE, &qcow1_found_l1_cut);
		return true;
	}
	if (!look_at_entry(t, at, limit, &host, out, err))
		return false;
	if (!leads_on(t, host))
		return true;
	struct qcow1_table *table = qcow1_table_get(t, index, host, err);

	if (!table)
		return false;
	table_extent(t, table, at, limit, out);
	qcow1_table_put(t, table);
	return true;
}

bool qcow1_map_packed(struct qcow1_tables *t, uint64_t at, struct qcow1_cluster *out, size_t most,
		      size_t *n, struct img_err *err)
{
	const uint32_t index = qcow1_l1_index(t->hdr, at);
	struct img_extent hole;
	uint64_t host;

	*n = 0;
	if (!look_at_entry(t, at, at + 1, &host, &hole, err))
		return false;
	if (!leads_on(t, host))
		return true;
	struct qcow1_table *table = qcow1_table_get(t, index, host, err);

	if (!table)
		return false;
	for (uint32_t i = qcow1_l2_index(t->hdr, at);
	     *n < most && i < qcow1_l2_entries(t->hdr); i++) {
		out[*n] = qcow1_entry_decode(t->hdr, table->entries[i]);
		if (out[*n].kind != QCOW1_PACKED || qcow1_cluster_damage(t->hdr, &out[*n]))
			break;
		++*n;
	}
	qcow1_table_put(t, table);
	return true;
}
