/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changing the list of snapshots in memory, and the table that it becomes. */
#include "format/qcow2/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"

bool qcow2_snapshots_check_name(const struct qcow2_snapshots *list, const char *name,
				struct img_err *err)
{
	const size_t len = strlen(name);

	if (!len || len > UINT16_MAX)
		return img_fail(err, IMG_E_ARGUMENT, _("the name of a snapshot has from 1 to 65535 "
				"bytes"));
	/* One that is the id of another could never be asked for. */
	return !qcow2_snapshots_find(list, name) ||
	       img_fail(err, IMG_E_ARGUMENT, _("there is a snapshot already with the id or name "
			"\"%s\""), name);
}

/* One more than the largest number among the ids, as others count, too. */
static bool next_id(const struct qcow2_snapshots *list, char *id, size_t size, struct img_err *err)
{
	unsigned long long largest = 0;

	for (size_t i = 0; i < list->n; i++)
		if (!list->v[i].id[strspn(list->v[i].id, "0123456789")])
			largest = img_max_u64(largest, strtoull(list->v[i].id, NULL, 10));
	if (largest == UINT64_MAX)
		return img_fail(err, IMG_E_RANGE, _("there is no id left for a snapshot"));
	snprintf(id, size, "%llu", largest + 1);
	return true;
}

bool qcow2_snapshots_add(struct qcow2_snapshots *list, const struct img_snapshot_new *what,
			 struct qcow2_snapshot **out, struct img_err *err)
{
	char id[24];
	struct qcow2_snapshot *v, *snap;

	if (!qcow2_snapshots_check_name(list, what->name, err) || !next_id(list, id, sizeof(id), err))
		return false;
	if (list->n >= QCOW2_SNAPSHOTS_MAX)
		return img_fail(err, IMG_E_RANGE, _("an image has no more than %d snapshots"),
				QCOW2_SNAPSHOTS_MAX);
	v = img_grow(list->v, list->n + 1, sizeof(*v), err);
	if (!v)
		return false;
	list->v = v;
	snap = &v[list->n++];
	*snap = (struct qcow2_snapshot){
		.seconds = (uint32_t)img_min_u64(what->seconds, UINT32_MAX),
		.nanoseconds = what->nanoseconds, .icount = IMG_SNAPSHOT_UNKNOWN,
		.id = img_strdup(id, err), .name = img_strdup(what->name, err),
		.extra = { .raw = img_calloc(1, QCOW2_SNAP_EXTRA_OURS, err),
			   .len = QCOW2_SNAP_EXTRA_OURS },
	};
	*out = snap;
	return snap->id && snap->name && snap->extra.raw;
}

void qcow2_snapshots_drop(struct qcow2_snapshots *list, const struct qcow2_snapshot *snap)
{
	const size_t i = (size_t)(snap - list->v);

	qcow2_snapshot_clear(&list->v[i]);
	memmove(&list->v[i], &list->v[i + 1], (list->n - i - 1) * sizeof(*list->v));
	list->n--;
}

uint8_t *qcow2_snapshots_encode(const struct qcow2_snapshots *list, uint64_t *len,
				struct img_err *err)
{
	uint8_t *raw, *at;

	*len = 0;
	for (size_t i = 0; i < list->n; i++)
		*len += qcow2_snapshot_len(&list->v[i]);
	if (*len > QCOW2_SNAPSHOT_TABLE_MAX) {
		img_fail(err, IMG_E_RANGE, _("the snapshot table is larger than 64 MiB"));
		return NULL;
	}
	raw = at = img_calloc(img_max_u64(*len, 1), 1, err);
	for (size_t i = 0; raw && i < list->n; i++) {
		qcow2_snapshot_encode(&list->v[i], at);
		at += qcow2_snapshot_len(&list->v[i]);
	}
	return raw;
}
