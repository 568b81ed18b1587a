/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tables in memory: the first level piece by piece, and of the second a limited number. */
#include <stdatomic.h>
#include "base/bytes.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow1/qcow1.h"

enum { TABLES_MIN = 16, BUCKETS_MAX = 1 << 16, BUCKETS_LOOKED_AT = 64 };

static uint32_t bucket_count(const struct qcow1_tables *t)
{
	const uint64_t wanted = img_min_u64(img_min_u64(t->most, t->n_l1), BUCKETS_MAX);
	uint32_t n = 1;

	while (n < wanted)
		n *= 2;
	return n;
}

bool qcow1_tables_init(struct qcow1_tables *t, const struct qcow1_header *hdr,
		       struct img_store *file, uint64_t cache_size, struct img_err *err)
{
	uint64_t file_size;

	if (!img_store_size(file, &file_size, err))
		return false;
	*t = (struct qcow1_tables){
		.hdr = hdr, .file = file, .file_size = file_size,
		.n_l1 = qcow1_l1_needed(hdr, hdr->size),
		.most = (size_t)img_max_u64(cache_size / qcow1_l2_bytes(hdr), TABLES_MIN),
	};
	t->n_buckets = bucket_count(t);
	t->pieces = img_calloc(t->n_l1 / QCOW1_PIECE_ENTRIES + 1, sizeof(*t->pieces), err);
	t->buckets = img_calloc(t->n_buckets, sizeof(struct qcow1_table *), err);
	pthread_mutex_init(&t->lock, NULL);
	/* A quarter, as tables of the second level have as much again. */
	if (t->pieces && t->buckets &&
	    img_looks_init_if_needed(&t->looks, t->n_l1 / QCOW1_PIECE_ENTRIES + 1,
				     QCOW1_PIECE_ENTRIES * QCOW1_ENTRY_LEN, cache_size / 4, err))
		return true;
	qcow1_tables_clear(t);
	return false;
}

static void free_bucket(struct qcow1_table *table)
{
	while (table) {
		struct qcow1_table *next = table->next;

		free(table);
		table = next;
	}
}

void qcow1_tables_clear(struct qcow1_tables *t)
{
	if (!t->hdr)
		return;
	for (size_t i = 0; t->pieces && i <= t->n_l1 / QCOW1_PIECE_ENTRIES; i++)
		free(atomic_load(&t->pieces[i]));
	for (size_t i = 0; t->buckets && i < t->n_buckets; i++)
		free_bucket(t->buckets[i]);
	img_looks_clear(&t->looks);
	free(t->pieces);
	free(t->buckets);
	pthread_mutex_destroy(&t->lock);
	*t = (struct qcow1_tables){ 0 };
}

/* ---- The first level ------------------------------------------------------------------------- */

static uint64_t l1_entry_off(const struct qcow1_tables *t, uint32_t index)
{
	return t->hdr->l1_off + (uint64_t)index * QCOW1_ENTRY_LEN;
}

bool qcow1_l1_has(const struct qcow1_tables *t, uint32_t index)
{
	return index < t->n_given || l1_entry_off(t, index) + QCOW1_ENTRY_LEN <= t->file_size;
}

/* How many of the entries from first on, a piece at most, the table and the file have. */
static size_t entries_there(const struct qcow1_tables *t, uint32_t first)
{
	const uint64_t at = l1_entry_off(t, first), size = t->file_size;
	const uint64_t left = at < size ? (size - at) / QCOW1_ENTRY_LEN : 0;

	return img_min_u64(img_min_u64(QCOW1_PIECE_ENTRIES, t->n_l1 - first), left);
}

/* How many of them were given. */
static size_t entries_given(const struct qcow1_tables *t, uint32_t first)
{
	return first < t->n_given ? img_min_u64(QCOW1_PIECE_ENTRIES, t->n_given - first) : 0;
}

static bool read_entries(const struct qcow1_tables *t, uint32_t first, size_t n, uint8_t *raw,
			 struct img_err *err)
{
	const size_t given = entries_given(t, first), skip = given * QCOW1_ENTRY_LEN;

	return (!given || img_store_read(t->given, first * (uint64_t)QCOW1_ENTRY_LEN, raw, skip,
					 err)) &&
	       (n == given || img_store_read(t->file, l1_entry_off(t, first) + skip, raw + skip,
					     n * QCOW1_ENTRY_LEN - skip, err));
}

static _Atomic uint64_t *read_piece(const struct qcow1_tables *t, uint32_t first,
				    struct img_err *err)
{
	const size_t n = img_max_u64(entries_there(t, first), entries_given(t, first));
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(QCOW1_PIECE_ENTRIES * QCOW1_ENTRY_LEN, err);
	_Atomic uint64_t *piece = raw ? img_calloc(QCOW1_PIECE_ENTRIES, sizeof(*piece), err) : NULL;

	if (!piece)
		return NULL;
	if (!read_entries(t, first, n, raw, err)) {
		free(piece);
		img_within(err, _("L1 table"));
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		atomic_init(&piece[i], img_get_be64(raw + i * QCOW1_ENTRY_LEN));
	return piece;
}

_Atomic uint64_t *qcow1_l1_entry(struct qcow1_tables *t, uint32_t index, struct img_err *err)
{
	_Atomic(_Atomic uint64_t *) *slot = &t->pieces[index / QCOW1_PIECE_ENTRIES];
	_Atomic uint64_t *piece = atomic_load(slot), *other = NULL;

	if (!piece) {
		piece = read_piece(t, index - index % QCOW1_PIECE_ENTRIES, err);
		if (piece && !atomic_compare_exchange_strong(slot, &other, piece)) {
			free(piece);	/* another thread was faster */
			piece = other;
		}
	}
	return piece ? &piece[index % QCOW1_PIECE_ENTRIES] : NULL;
}

/* As looks want it. */
static void *read_to_look(const void *ctx, uint64_t number, struct img_err *err)
{
	return read_piece(ctx, (uint32_t)(number * QCOW1_PIECE_ENTRIES), err);
}

const _Atomic uint64_t *qcow1_l1_look(struct qcow1_tables *t, uint32_t index,
				      pthread_mutex_t **held, struct img_err *err)
{
	const uint32_t number = index / QCOW1_PIECE_ENTRIES;
	const _Atomic uint64_t *piece;

	if (!t->looks.v || atomic_load(&t->pieces[number]))
		return qcow1_l1_entry(t, index, err);
	*held = img_lock(&t->looks.lock);
	piece = img_looks_at(&t->looks, number, read_to_look, t, err);
	return piece ? piece + index % QCOW1_PIECE_ENTRIES : NULL;
}

void qcow1_l1_give(struct qcow1_tables *t, struct img_store *given, uint32_t n)
{
	t->given = given;
	t->n_given = n;
}

/* ---- The second level ------------------------------------------------------------------------ */

static struct qcow1_table **bucket_of(struct qcow1_tables *t, uint32_t index)
{
	return &t->buckets[index & (t->n_buckets - 1)];
}

/* The lock is held, as for all that follow. */
static struct qcow1_table *find(struct qcow1_tables *t, uint32_t index)
{
	struct qcow1_table *table = *bucket_of(t, index);

	while (table && table->index != index)
		table = table->next;
	if (table) {
		table->users++;
		table->used = true;
	}
	return table;
}

/* Forgets the tables of a bucket that nobody has had since they were last looked at. */
static void sweep(struct qcow1_tables *t, struct qcow1_table **at)
{
	while (*at) {
		struct qcow1_table *table = *at;

		if (table->users || table->dirty || table->used) {
			table->used = false;
			at = &table->next;
			continue;
		}
		*at = table->next;
		free(table);
		t->n--;
	}
}

static void make_room(struct qcow1_tables *t)
{
	for (int i = 0; t->n >= t->most && i < BUCKETS_LOOKED_AT; i++) {
		t->hand = (t->hand + 1) & (t->n_buckets - 1);
		sweep(t, &t->buckets[t->hand]);
	}
}

static void insert(struct qcow1_tables *t, struct qcow1_table *table)
{
	struct qcow1_table **bucket = bucket_of(t, table->index);

	make_room(t);
	table->next = *bucket;
	*bucket = table;
	t->n++;
}

static struct qcow1_table *allocate(const struct qcow1_tables *t, uint32_t index, uint64_t host,
				    struct img_err *err)
{
	struct qcow1_table *table = img_calloc(
		1, sizeof(*table) + qcow1_l2_entries(t->hdr) * sizeof(table->entries[0]), err);

	if (table) {
		table->index = index;
		table->host = host;
		table->users = 1;
	}
	return table;
}

static struct qcow1_table *read_table(const struct qcow1_tables *t, uint32_t index, uint64_t host,
				      struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(qcow1_l2_bytes(t->hdr), err);
	struct qcow1_table *table = raw ? allocate(t, index, host, err) : NULL;

	if (!table)
		return NULL;
	if (!img_store_read(t->file, host, raw, qcow1_l2_bytes(t->hdr), err)) {
		free(table);
		img_within(err, _("L2 table"));
		return NULL;
	}
	for (size_t i = 0; i < qcow1_l2_entries(t->hdr); i++)
		atomic_init(&table->entries[i], img_get_be64(raw + i * QCOW1_ENTRY_LEN));
	return table;
}

/* *cleaned: as it was when the table was not there. */
static struct qcow1_table *look_up(struct qcow1_tables *t, uint32_t index, uint64_t *cleaned)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&t->lock);

	*cleaned = t->cleaned;
	return find(t, index);
}

/*
 * Inserts a table that was just read, or finds that another thread was faster.  NULL: what was read
 * may be older than what has been written and forgotten meanwhile.
 */
static struct qcow1_table *keep(struct qcow1_tables *t, struct qcow1_table *table, uint64_t cleaned)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&t->lock);
	struct qcow1_table *other = find(t, table->index);

	if (!other && cleaned == t->cleaned) {
		insert(t, table);
		return table;
	}
	free(table);
	return other;
}

struct qcow1_table *qcow1_table_get(struct qcow1_tables *t, uint32_t index, uint64_t host,
				    struct img_err *err)
{
	uint64_t cleaned;
	struct qcow1_table *table = look_up(t, index, &cleaned);

	while (!table) {
		table = read_table(t, index, host, err);
		if (!table)
			return NULL;
		table = keep(t, table, cleaned);
		if (!table)
			table = look_up(t, index, &cleaned);
	}
	return table;
}

struct qcow1_table *qcow1_table_new(struct qcow1_tables *t, uint32_t index, uint64_t host,
				    struct img_err *err)
{
	struct qcow1_table *table = allocate(t, index, host, err);

	if (!table)
		return NULL;
	table->unnamed = true;
	insert(t, table);
	return table;
}

void qcow1_table_put(struct qcow1_tables *t, struct qcow1_table *table)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&t->lock);

	table->users--;
}
