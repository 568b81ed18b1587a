/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a flush writes, and in which order: data are durable before the L2 tables that refer to them
 * are written, and new L2 tables before the L1 table names them.
 */
#include "base/bytes.h"
#include "base/lock.h"
#include "base/mem.h"
#include "format/qcow1/disk.h"

/* Tables as they were at one moment. */
struct snapshot {
	struct qcow1_table **tables;	/* all of them stay, being dirty */
	uint8_t *raw;			/* of the file, one table behind the other */
	size_t n;
	bool names;			/* some have to be named */
};

static void take_table(const struct qcow1_header *hdr, struct qcow1_table *table,
		       struct snapshot *snap)
{
	uint8_t *raw = snap->raw + snap->n * qcow1_l2_bytes(hdr);

	for (size_t i = 0; i < qcow1_l2_entries(hdr); i++)
		img_put_be64(raw + i * QCOW1_ENTRY_LEN, table->entries[i]);
	table->changed = false;
	snap->names |= table->unnamed;
	snap->tables[snap->n++] = table;
}

/* Takes what has changed; the lock is held. */
static bool take_changed(struct qcow1 *q, struct snapshot *snap, struct img_err *err)
{
	struct qcow1_disk *disk = q->disk;

	if (!disk->n_dirty)
		return true;
	snap->tables = img_calloc(disk->n_dirty, sizeof(struct qcow1_table *), err);
	snap->raw = img_calloc(disk->n_dirty, qcow1_l2_bytes(&q->header), err);
	if (!snap->tables || !snap->raw)
		return false;
	for (size_t i = 0; i < disk->n_dirty; i++)
		if (disk->dirty[i]->changed)
			take_table(&q->header, disk->dirty[i], snap);
	return true;
}

static bool write_tables(struct qcow1 *q, const struct snapshot *snap, struct img_err *err)
{
	const size_t bytes = qcow1_l2_bytes(&q->header);

	for (size_t i = 0; i < snap->n; i++)
		if (!img_store_write(q->tables.file, snap->tables[i]->host, snap->raw + i * bytes,
				     bytes, err))
			return false;
	return true;
}

static bool write_names(struct qcow1 *q, const struct snapshot *snap, struct img_err *err)
{
	uint8_t raw[QCOW1_ENTRY_LEN];

	for (size_t i = 0; i < snap->n; i++) {
		const struct qcow1_table *table = snap->tables[i];
		const uint64_t off = (uint64_t)table->index * QCOW1_ENTRY_LEN;

		if (!table->unnamed)
			continue;
		img_put_be64(raw, table->host);
		if (!img_store_write(q->tables.file, q->header.l1_off + off, raw, sizeof(raw), err))
			return false;
	}
	return true;
}

static bool write_all(struct qcow1 *q, const struct snapshot *snap, struct img_err *err)
{
	struct img_store *st = q->tables.file;

	if (!img_store_sync(st, err))
		return false;
	if (snap->n && !(write_tables(q, snap, err) && img_store_sync(st, err)))
		return false;
	return !snap->names || (write_names(q, snap, err) && img_store_sync(st, err));
}

/* What was not written still has to be. */
static void keep_changed(struct qcow1 *q, const struct snapshot *snap)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&q->tables.lock);

	for (size_t i = 0; i < snap->n; i++)
		snap->tables[i]->changed = true;
}

/* Tables that did not change meanwhile are as in the file, and may be forgotten. */
static void clean(struct qcow1 *q, const struct snapshot *snap)
{
	struct qcow1_disk *disk = q->disk;
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&q->tables.lock);
	size_t kept = 0;

	for (size_t i = 0; i < snap->n; i++)
		snap->tables[i]->unnamed = false;
	for (size_t i = 0; i < disk->n_dirty; i++) {
		struct qcow1_table *table = disk->dirty[i];

		if (table->changed) {
			disk->dirty[kept++] = table;
			continue;
		}
		table->dirty = false;
		table->users--;
	}
	disk->n_dirty = kept;
	q->tables.cleaned++;
}

bool qcow1_disk_flush(struct img_layer *ly, bool *freed, struct img_err *err)
{
	struct qcow1 *q = ly->priv;
	struct snapshot snap = { 0 };
	IMG_AUTO_UNLOCK pthread_mutex_t *flushing = img_lock(&q->disk->flushing);
	bool ok;

	*freed = false;
	{
		IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&q->tables.lock);

		ok = take_changed(q, &snap, err);
	}
	ok = ok && write_all(q, &snap, err);
	if (ok)
		clean(q, &snap);
	else
		keep_changed(q, &snap);
	free(snap.tables);
	free(snap.raw);
	return ok;
}
