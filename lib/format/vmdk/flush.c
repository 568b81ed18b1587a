/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a flush writes, and in which order: the grains are durable before a table is written that
 * counts on them, and the first copy of a table, which all readers look at, before the second is.  So
 * whatever a loss of power leaves, the second copy says nothing that the first does not: at most it
 * is behind.
 */
#include "base/bytes.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/disk.h"

enum { ENTRY = sizeof(uint32_t) };

/* A table as it was at one moment. */
struct taken {
	struct vmdk_part *part;
	uint64_t i;			/* of the directory entry */
	size_t at, len;			/* of its bytes in raw */
};

struct snapshot {
	struct taken *v;		/* in the order of the disk */
	size_t n;
	uint8_t *raw;			/* as in the file, one behind the other */
};

static void snapshot_clear(struct snapshot *snap)
{
	free(snap->v);
	free(snap->raw);
}

/* ---- Syncing --------------------------------------------------------------------------------- */

static bool sync_if(_Atomic bool *touched, struct img_store *file, struct img_err *err)
{
	if (!atomic_exchange(touched, false) || img_store_sync(file, err))
		return true;
	atomic_store(touched, true);
	return false;
}

bool vmdk_disk_sync(struct vmdk *v, struct img_store *own, struct img_err *err)
{
	for (size_t i = 0; i < v->n_parts; i++)
		if (!sync_if(&v->disk->touched[i], v->parts[i].file, err))
			return false;
	return sync_if(&v->disk->touched_own, own, err);
}

/* ---- What is dirty --------------------------------------------------------------------------- */

static size_t count_dirty(const struct vmdk *v)
{
	size_t n = 0;

	for (size_t p = 0; p < v->n_parts; p++) {
		const struct vmdk_live *live = v->parts[p].sparse.live;

		for (size_t i = 0; live && i < live->n; i++)
			n += live->dirty[i];
	}
	return n;
}

static void take_table(struct vmdk_part *part, uint64_t i, struct snapshot *snap)
{
	struct taken *last = snap->n ? &snap->v[snap->n - 1] : NULL;
	const struct vmdk_live *live = part->sparse.live;
	const struct taken now = {
		.part = part, .i = i, .at = last ? last->at + last->len : 0,
		.len = vmdk_table_len(&part->sparse.hdr, i),
	};

	for (size_t k = 0; k < now.len / ENTRY; k++)
		img_put_le32(snap->raw + now.at + k * ENTRY,
			     live->tables[i] ? live->tables[i][k] : 0);
	live->dirty[i] = false;
	snap->v[snap->n++] = now;
}

/* Takes what is dirty; the lock is held. */
static bool take_dirty(struct vmdk *v, struct snapshot *snap, struct img_err *err)
{
	const size_t n = count_dirty(v);

	if (!n)
		return true;
	snap->v = img_calloc(n, sizeof(*snap->v), err);
	snap->raw = img_calloc(n, VMDK_GT_ENTRIES_MAX * ENTRY, err);
	if (!snap->v || !snap->raw)
		return false;
	for (size_t p = 0; p < v->n_parts; p++) {
		struct vmdk_part *part = &v->parts[p];

		for (size_t i = 0; part->sparse.live && i < part->sparse.live->n; i++)
			if (part->sparse.live->dirty[i])
				take_table(part, i, snap);
	}
	return true;
}

/* They were not written. */
static void give_back(struct vmdk *v, const struct snapshot *snap)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&v->disk->lock);

	for (size_t i = 0; i < snap->n; i++)
		snap->v[i].part->sparse.live->dirty[snap->v[i].i] = true;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* Tables from i on that lie behind each other in that copy, with their bytes; returns how many. */
static size_t run_of(const struct snapshot *snap, size_t i, bool second, uint64_t *host,
		     size_t *len)
{
	const struct vmdk_part *part = snap->v[i].part;
	size_t n = 0;

	*host = vmdk_sparse_table(&part->sparse, second, snap->v[i].i).host;
	*len = 0;
	do {
		*len += snap->v[i + n++].len;
	} while (i + n < snap->n && snap->v[i + n].part == part &&
		 vmdk_sparse_table(&part->sparse, second, snap->v[i + n].i).host == *host + *len);
	return n;
}

static bool write_copy(const struct vmdk *v, const struct snapshot *snap, bool second,
		       struct img_err *err)
{
	uint64_t host;
	size_t len;

	for (size_t i = 0, n; i < snap->n; i += n) {
		const struct vmdk_part *part = snap->v[i].part;

		n = run_of(snap, i, second, &host, &len);
		if (second && !part->sparse.rgd)
			continue;
		if (!img_store_write(part->file, host, snap->raw + snap->v[i].at, len, err))
			return false;
		vmdk_disk_touch(v, part);
	}
	return true;
}

/* Nothing counts on the second copy, so it needs no sync of its own: the next one is soon enough. */
static bool write_all(struct vmdk *v, struct img_store *own, const struct snapshot *snap,
		      struct img_err *err)
{
	if (!vmdk_disk_sync(v, own, err))
		return false;
	return !snap->n || (write_copy(v, snap, false, err) && vmdk_disk_sync(v, own, err) &&
			    write_copy(v, snap, true, err));
}

bool vmdk_disk_flush(struct img_layer *ly, bool *freed, struct img_err *err)
{
	struct vmdk *v = ly->priv;
	struct snapshot snap = { 0 };
	bool ok;

	*freed = false;
	{
		IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&v->disk->lock);

		ok = take_dirty(v, &snap, err);
	}
	ok = ok && write_all(v, ly->store, &snap, err);
	if (!ok)
		give_back(v, &snap);
	snapshot_clear(&snap);
	return ok;
}
