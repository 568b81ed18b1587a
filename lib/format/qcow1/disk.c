/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An image that is written in place: its start, its end, and its list of dirty tables. */
#include "format/qcow1/disk.h"

#include "base/mem.h"
#include "base/num.h"
#include "format/qcow1/survey.h"

uint64_t qcow1_disk_take(struct qcow1 *q, uint64_t len)
{
	const uint32_t cluster = qcow1_cluster_size(&q->header);
	const uint64_t host = img_round_up(q->disk->end, cluster);

	q->disk->end = host + img_round_up(len, cluster);
	return host;
}

bool qcow1_disk_list(struct qcow1_disk *disk, struct qcow1_table *table, struct img_err *err)
{
	struct qcow1_table **v;

	if (table->dirty)
		return true;
	v = img_grow_by_one(disk->dirty, disk->n_dirty, &disk->cap_dirty,
			    sizeof(struct qcow1_table *), err);
	if (!v)
		return false;
	disk->dirty = v;
	v[disk->n_dirty++] = table;
	table->dirty = true;
	table->users++;
	return true;
}

/* ---- The start ------------------------------------------------------------------------------- */

/* Writing to what is in use twice would change both; new clusters go behind all that is in use. */
static bool look_over(struct qcow1 *q, struct img_err *err)
{
	struct img_findings found = { .most = 1 };
	struct qcow1_survey s = {
		.hdr = &q->header, .file = q->tables.file, .file_size = q->tables.file_size,
		.out = &found, .memory = UINT64_MAX,
	};
	bool ok = qcow1_survey_run(&s, err);

	for (size_t i = 0; ok && i < found.n; i++)
		ok = img_fail(err, found.v[i].kind == &qcow1_found_l1_cut ||
				   found.v[i].kind == &qcow1_found_l1_outside ||
				   found.v[i].kind == &qcow1_found_l2_outside
				   ? IMG_E_INCOMPLETE : IMG_E_CORRUPT,
			      _("a damaged image cannot be written: %s"),
			      _(found.v[i].kind->text));
	q->disk->end = s.end;
	qcow1_survey_clear(&s);
	img_findings_clear(&found);
	return ok;
}

bool qcow1_disk_start(struct qcow1 *q, struct img_err *err)
{
	struct qcow1_disk *disk = img_calloc(1, sizeof(*disk), err);

	if (!disk)
		return false;
	q->disk = disk;
	img_claims_init(&disk->claims, &q->tables.lock);
	pthread_mutex_init(&disk->flushing, NULL);
	disk->old_end = q->tables.file_size;
	/* A torn entry would lead anywhere. */
	if (q->header.l1_off % QCOW1_ENTRY_LEN)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("an image whose L1 table is not aligned cannot be written"));
	return look_over(q, err);
}

/* Nothing behind what is in use is kept. */
static bool cut_off(struct qcow1 *q, struct img_err *err)
{
	const uint64_t end = q->disk->end;

	if (!(q->tables.file->caps & IMG_STORE_RESIZE) || end >= q->tables.file_size)
		return true;
	q->tables.file_size = q->disk->old_end = end;
	return img_store_resize(q->tables.file, end, err);
}

bool qcow1_disk_restart(struct qcow1 *q, struct img_err *err)
{
	struct img_store *file = q->tables.file;
	const uint64_t cache_size = (uint64_t)q->tables.most * qcow1_l2_bytes(&q->header);

	qcow1_disk_free(q->disk);
	q->disk = NULL;
	qcow1_tables_clear(&q->tables);
	return qcow1_tables_init(&q->tables, &q->header, file, cache_size, err) &&
	       qcow1_disk_start(q, err) && cut_off(q, err);
}

void qcow1_disk_free(struct qcow1_disk *disk)
{
	if (!disk)
		return;
	img_claims_clear(&disk->claims);
	pthread_mutex_destroy(&disk->flushing);
	free(disk->dirty);
	free(disk);
}

const struct img_disk_ops qcow1_disk_ops = {
	.write = qcow1_disk_write,
	.zero = qcow1_disk_zero,
	.discard = qcow1_disk_discard,
	.flush = qcow1_disk_flush,
};
