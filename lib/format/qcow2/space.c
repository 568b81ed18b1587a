/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Growing space.  Refcount blocks lie wherever the file ends at the moment when they are full, so
 * no run of data is ever interrupted; the table comes last.
 */
#include "format/qcow2/space.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "extent/extent.h"
#include "format/qcow2/qcow2.h"

/* Tables are looked through for zeros in pieces of a file system's block. */
#define PIECE 4096

static uint64_t cluster_size(const struct qcow2_space *sp)
{
	return UINT64_C(1) << sp->cluster_bits;
}

/* Counts in one block. */
static uint64_t block_counts(const struct qcow2_space *sp)
{
	return cluster_size(sp) * 8 >> sp->refcount_order;
}

bool qcow2_space_init(struct qcow2_space *sp, struct img_err *err)
{
	sp->end = 1;
	sp->block = img_calloc(1, cluster_size(sp), err);
	return sp->block;
}

void qcow2_space_free(struct qcow2_space *sp)
{
	free(sp->block);
	free(sp->table);
	for (size_t i = 0; i < sp->n_kept; i++)
		free(sp->kept[i]);
	free(sp->kept);
}

bool qcow2_space_write(const struct qcow2_space *sp, uint64_t host, const uint8_t *bytes,
		       size_t len, struct img_err *err)
{
	size_t done = 0;

	if (!sp->sparse)
		return img_store_write(sp->store, host, bytes, len, err);
	while (done < len) {
		bool zero;
		const size_t run = img_zero_run(bytes + done, len - done, PIECE, &zero);

		if (!zero && !img_store_write(sp->store, host + done, bytes + done, run, err))
			return false;
		done += run;
	}
	return true;
}

static bool note_block(struct qcow2_space *sp, uint64_t host, struct img_err *err)
{
	uint64_t *table;

	if (sp->n_table * 8 >= QCOW2_REFTABLE_BYTES_MAX)
		return img_fail(err, IMG_E_RANGE,
				_("the image needs a refcount table of more than %d bytes"),
				QCOW2_REFTABLE_BYTES_MAX);
	table = img_grow_by_one(sp->table, sp->n_table, &sp->cap_table, sizeof(*table), err);
	if (!table)
		return false;
	sp->table = table;
	table[sp->n_table++] = host;
	return true;
}

static void add_ref(struct qcow2_space *sp, uint64_t cluster)
{
	const uint64_t i = cluster - sp->block_at;
	const uint64_t count = qcow2_refcount_get(sp->block, sp->refcount_order, i);

	qcow2_refcount_put(sp->block, sp->refcount_order, i, count + 1);
}

/* The block goes to those that are kept, and an empty one takes its place. */
static bool keep_block(struct qcow2_space *sp, struct img_err *err)
{
	uint8_t **kept = img_grow_by_one(sp->kept, sp->n_kept, &sp->cap_kept, sizeof(*kept), err);
	uint8_t *block = kept ? img_calloc(1, cluster_size(sp), err) : NULL;

	if (kept)
		sp->kept = kept;
	if (!block)
		return false;
	kept[sp->n_kept++] = sp->block;
	sp->block = block;
	return true;
}

static bool write_kept(const struct qcow2_space *sp, struct img_err *err)
{
	for (size_t i = 0; i < sp->n_kept; i++)
		if (!qcow2_space_write(sp, sp->table[i], sp->kept[i], cluster_size(sp), err))
			return false;
	return true;
}

/* Writes the block at the end of the file; one that has room left counts itself. */
static bool write_block(struct qcow2_space *sp, struct img_err *err)
{
	const uint64_t host = sp->end << sp->cluster_bits;

	if (!note_block(sp, host, err))
		return false;
	if (sp->end < sp->block_at + block_counts(sp)) {
		add_ref(sp, sp->end);
		sp->counted++;
	}
	sp->end++;
	if (sp->keep ? !keep_block(sp, err)
		     : !qcow2_space_write(sp, host, sp->block, cluster_size(sp), err))
		return false;
	if (!sp->keep)
		memset(sp->block, 0, cluster_size(sp));
	sp->block_at += block_counts(sp);
	/* The count of the cluster that compressed units share can no longer be raised. */
	if (sp->packed >> sp->cluster_bits < sp->block_at)
		sp->packed = 0;
	return true;
}

/* Gives each cluster that was taken its first reference. */
static bool count_taken(struct qcow2_space *sp, struct img_err *err)
{
	while (sp->counted < sp->end) {
		if (sp->counted == sp->block_at + block_counts(sp) && !write_block(sp, err))
			return false;
		add_ref(sp, sp->counted++);
	}
	return true;
}

static bool grow(struct qcow2_space *sp, uint64_t n, struct img_err *err)
{
	const uint64_t most = (QCOW2_HOST_END >> sp->cluster_bits) - sp->end;

	if (n > most)
		return img_fail(err, IMG_E_RANGE,
				_("the image file would grow beyond what its tables can address"));
	sp->end += n;
	return true;
}

bool qcow2_space_take(struct qcow2_space *sp, uint64_t n, uint64_t *host, struct img_err *err)
{
	const uint64_t first = sp->end;

	if (!grow(sp, n, err) || !count_taken(sp, err))
		return false;
	*host = first << sp->cluster_bits;
	return true;
}

/* The block that holds the count of a cluster, and which one of it that is. */
static uint8_t *block_of(const struct qcow2_space *sp, uint64_t cluster, uint64_t *i)
{
	*i = cluster % block_counts(sp);
	return cluster >= sp->block_at ? sp->block : sp->kept[cluster / block_counts(sp)];
}

bool qcow2_space_share(struct qcow2_space *sp, uint64_t host, uint32_t len)
{
	const uint64_t first = host >> sp->cluster_bits, end = ((host + len - 1) >> sp->cluster_bits) + 1;
	const uint64_t most = qcow2_refcount_max(sp->refcount_order);
	uint64_t i;

	for (uint64_t c = first; c < end; c++) {
		const uint8_t *block = block_of(sp, c, &i);

		if (qcow2_refcount_get(block, sp->refcount_order, i) == most)
			return false;
	}
	for (uint64_t c = first; c < end; c++) {
		uint8_t *block = block_of(sp, c, &i);

		qcow2_refcount_put(block, sp->refcount_order, i,
				   qcow2_refcount_get(block, sp->refcount_order, i) + 1);
	}
	return true;
}

/* Whether len bytes from sp->packed on may use the cluster that is already begun. */
static bool fits_behind(const struct qcow2_space *sp, uint32_t len)
{
	const uint64_t cluster = sp->packed >> sp->cluster_bits;
	const uint64_t most = qcow2_refcount_max(sp->refcount_order);
	uint64_t room;

	/* On a boundary nothing has been begun; a count at its limit closes a cluster. */
	if (!(sp->packed & (cluster_size(sp) - 1)) ||
	    qcow2_refcount_get(sp->block, sp->refcount_order, cluster - sp->block_at) == most)
		return false;
	room = ((cluster + 1) << sp->cluster_bits) - sp->packed;
	return len <= room || cluster + 1 == sp->end;
}

bool qcow2_space_pack(struct qcow2_space *sp, uint32_t len, uint64_t limit, uint64_t *host,
		      struct img_err *err)
{
	uint64_t at = img_round_up(sp->packed, sp->store->align);
	uint64_t needed;

	sp->packed = at;
	if (fits_behind(sp, len))
		add_ref(sp, at >> sp->cluster_bits);
	else
		at = sp->end << sp->cluster_bits;
	if (at > limit || len > limit - at)
		return img_fail(err, IMG_E_RANGE,
				_("the image file has become too long for compressed clusters"));
	needed = img_div_up(at + len, cluster_size(sp));
	sp->packed = at + len;
	if (needed > sp->end && (!grow(sp, needed - sp->end, err) || !count_taken(sp, err)))
		return false;
	*host = at;
	return true;
}

/* Clusters of a table that can name the blocks for all there is now, itself and all blocks. */
static uint64_t table_size(const struct qcow2_space *sp)
{
	const uint64_t per_cluster = cluster_size(sp) / 8;
	uint64_t n = 1;

	/* Each block has to count itself, too; this is a little generous. */
	while (n * per_cluster < (sp->end + n) / (block_counts(sp) - 1) + 2)
		n++;
	return n;
}

/* The blocks may have moved the end; that is why the table has its place before the last of them. */
static bool write_table(const struct qcow2_space *sp, uint64_t host, uint64_t clusters,
			struct img_err *err)
{
	const size_t len = clusters << sp->cluster_bits;
	IMG_AUTO_FREE uint8_t *raw = img_calloc(1, len, err);

	if (!raw)
		return false;
	assert(sp->n_table * 8 <= len);
	for (size_t i = 0; i < sp->n_table; i++)
		img_put_be64(raw + 8 * i, sp->table[i]);
	return qcow2_space_write(sp, host, raw, len, err);
}

bool qcow2_space_finish(struct qcow2_space *sp, uint64_t *table_host, uint32_t *table_clusters,
			struct img_err *err)
{
	const uint64_t clusters = table_size(sp);
	uint64_t host;

	if (!qcow2_space_take(sp, clusters, &host, err))
		return false;
	/* A block that lies behind its own range needs another one to count it. */
	do {
		if (!count_taken(sp, err) || !write_block(sp, err))
			return false;
	} while (sp->counted < sp->end);
	if (!write_kept(sp, err) || !write_table(sp, host, clusters, err))
		return false;
	*table_host = host;
	*table_clusters = (uint32_t)clusters;
	return true;
}
