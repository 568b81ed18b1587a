/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Each table has one slot that it may be kept in.  Nobody holds a table: entries are copied out, so
 * a slot can be filled anew at any time, and a table that is read twice at once does no harm.
 */
#include <string.h>
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/tables.h"

enum {
	SLOTS_MAX = 4096,
	TABLE_BYTES = 32 << 10,		/* the largest that is usual: seSparse */
};

struct slot {
	struct img_store *file;		/* NULL: empty */
	uint64_t host;
	size_t len;
	uint8_t *raw;			/* owned */
};

struct vmdk_tables {
	pthread_mutex_t lock;		/* guards the slots */
	size_t n;
	struct slot slots[];
};

struct vmdk_tables *vmdk_tables_new(uint64_t limit, struct img_err *err)
{
	const size_t n = img_max_u64(img_min_u64(limit / TABLE_BYTES, SLOTS_MAX), 1);
	struct vmdk_tables *tables = img_calloc(1, sizeof(*tables) + n * sizeof(struct slot), err);

	if (!tables)
		return NULL;
	tables->n = n;
	pthread_mutex_init(&tables->lock, NULL);
	return tables;
}

void vmdk_tables_free(struct vmdk_tables *tables)
{
	if (!tables)
		return;
	for (size_t i = 0; i < tables->n; i++)
		free(tables->slots[i].raw);
	pthread_mutex_destroy(&tables->lock);
	free(tables);
}

/* Neighbours in a file get neighbouring slots. */
static struct slot *slot_of(struct vmdk_tables *tables, const struct vmdk_table *table)
{
	const uint64_t number = table->host / table->len + (uintptr_t)table->file / 64;

	return &tables->slots[number % tables->n];
}

static bool copy_kept(struct vmdk_tables *tables, const struct vmdk_table *table, size_t at,
		      void *out, size_t len)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&tables->lock);
	const struct slot *slot = slot_of(tables, table);

	if (slot->file != table->file || slot->host != table->host || slot->len < table->len)
		return false;
	memcpy(out, slot->raw + at, len);
	return true;
}

/* Takes raw over. */
static void keep(struct vmdk_tables *tables, const struct vmdk_table *table, uint8_t *raw)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&tables->lock);
	struct slot *slot = slot_of(tables, table);

	free(slot->raw);
	*slot = (struct slot){ table->file, table->host, table->len, raw };
}

bool vmdk_tables_copy(struct vmdk_tables *tables, const struct vmdk_table *table, size_t at,
		      void *out, size_t len, struct img_err *err)
{
	uint8_t *raw;

	if (copy_kept(tables, table, at, out, len))
		return true;
	raw = img_alloc_aligned(table->len, err);
	if (!raw)
		return false;
	if (!img_store_read(table->file, table->host, raw, table->len, err)) {
		free(raw);
		return false;
	}
	memcpy(out, raw + at, len);
	keep(tables, table, raw);
	return true;
}
