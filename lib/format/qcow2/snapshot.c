/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of internal snapshots: qcow2 §"Snapshots". */
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/qcow2.h"

/* Whether extra data of that length has a field of 8 bytes. */
static bool has_field(size_t extra, size_t field)
{
	return extra >= field + 8 - QCOW2_SNAP_EXTRA;
}

static char *take_text(const uint8_t *from, size_t len, struct img_err *err)
{
	char *text = img_calloc(len + 1, 1, err);

	if (text)
		memcpy(text, from, len);
	return text;
}

static void decode_numbers(const uint8_t *raw, uint32_t extra, uint64_t disk_size,
			   struct qcow2_snapshot *out)
{
	*out = (struct qcow2_snapshot){
		.l1_off = img_get_be64(raw + QCOW2_SNAP_L1_OFF),
		.l1_entries = img_get_be32(raw + QCOW2_SNAP_L1_ENTRIES),
		.seconds = img_get_be32(raw + QCOW2_SNAP_SECONDS),
		.nanoseconds = img_get_be32(raw + QCOW2_SNAP_NANOSECONDS),
		.clock = img_get_be64(raw + QCOW2_SNAP_CLOCK),
		.state_len = img_get_be32(raw + QCOW2_SNAP_STATE_LEN32),
		.disk_size = disk_size,
		.icount = IMG_SNAPSHOT_UNKNOWN,
	};
	if (has_field(extra, QCOW2_SNAP_STATE_LEN))
		out->state_len = img_get_be64(raw + QCOW2_SNAP_STATE_LEN);
	if (has_field(extra, QCOW2_SNAP_DISK_SIZE))
		out->disk_size = img_get_be64(raw + QCOW2_SNAP_DISK_SIZE);
	if (has_field(extra, QCOW2_SNAP_ICOUNT))
		out->icount = img_get_be64(raw + QCOW2_SNAP_ICOUNT);
}

static bool take_extra(const uint8_t *raw, size_t len, struct qcow2_bytes *out, struct img_err *err)
{
	if (!len)
		return true;
	out->raw = img_calloc(len, 1, err);
	if (!out->raw)
		return false;
	memcpy(out->raw, raw, len);
	out->len = len;
	return true;
}

bool qcow2_snapshot_decode(const uint8_t *raw, size_t len, uint64_t disk_size,
			   struct qcow2_snapshot *out, size_t *used, struct img_err *err)
{
	if (len < QCOW2_SNAP_EXTRA)
		return img_fail(err, IMG_E_INCOMPLETE, _("the snapshot table ends inside an entry"));
	const uint32_t extra = img_get_be32(raw + QCOW2_SNAP_EXTRA_LEN);
	const size_t id_len = img_get_be16(raw + QCOW2_SNAP_ID_LEN);
	const size_t name_len = img_get_be16(raw + QCOW2_SNAP_NAME_LEN);
	const uint64_t names = (uint64_t)QCOW2_SNAP_EXTRA + extra;
	struct qcow2_snapshot snap;

	if (len < names || len - names < id_len + name_len)
		return img_fail(err, IMG_E_INCOMPLETE, _("the snapshot table ends inside an entry"));
	decode_numbers(raw, extra, disk_size, &snap);
	snap.id = take_text(raw + names, id_len, err);
	snap.name = snap.id ? take_text(raw + names + id_len, name_len, err) : NULL;
	if (!snap.name || !take_extra(raw + QCOW2_SNAP_EXTRA, extra, &snap.extra, err)) {
		qcow2_snapshot_clear(&snap);
		return false;
	}
	*out = snap;
	/* The padding of the last entry may be missing. */
	*used = img_min_u64(len, img_round_up(names + id_len + name_len, QCOW2_SNAP_ALIGN));
	return true;
}

uint64_t qcow2_snapshot_len(const struct qcow2_snapshot *snap)
{
	return img_round_up(QCOW2_SNAP_EXTRA + (uint64_t)snap->extra.len + strlen(snap->id) +
			    strlen(snap->name), QCOW2_SNAP_ALIGN);
}

void qcow2_snapshot_encode(const struct qcow2_snapshot *snap, uint8_t *raw)
{
	const size_t extra = snap->extra.len, id_len = strlen(snap->id);
	uint8_t *names = raw + QCOW2_SNAP_EXTRA + extra;

	img_put_be64(raw + QCOW2_SNAP_L1_OFF, snap->l1_off);
	img_put_be32(raw + QCOW2_SNAP_L1_ENTRIES, snap->l1_entries);
	img_put_be16(raw + QCOW2_SNAP_ID_LEN, (uint16_t)id_len);
	img_put_be16(raw + QCOW2_SNAP_NAME_LEN, (uint16_t)strlen(snap->name));
	img_put_be32(raw + QCOW2_SNAP_SECONDS, snap->seconds);
	img_put_be32(raw + QCOW2_SNAP_NANOSECONDS, snap->nanoseconds);
	img_put_be64(raw + QCOW2_SNAP_CLOCK, snap->clock);
	/* What does not fit is in the extra data alone. */
	img_put_be32(raw + QCOW2_SNAP_STATE_LEN32,
		     snap->state_len > UINT32_MAX ? 0 : (uint32_t)snap->state_len);
	img_put_be32(raw + QCOW2_SNAP_EXTRA_LEN, (uint32_t)extra);
	if (extra)
		memcpy(raw + QCOW2_SNAP_EXTRA, snap->extra.raw, extra);
	if (has_field(extra, QCOW2_SNAP_STATE_LEN))
		img_put_be64(raw + QCOW2_SNAP_STATE_LEN, snap->state_len);
	if (has_field(extra, QCOW2_SNAP_DISK_SIZE))
		img_put_be64(raw + QCOW2_SNAP_DISK_SIZE, snap->disk_size);
	if (has_field(extra, QCOW2_SNAP_ICOUNT))
		img_put_be64(raw + QCOW2_SNAP_ICOUNT, snap->icount);
	memcpy(names, snap->id, id_len);
	memcpy(names + id_len, snap->name, strlen(snap->name));
}

void qcow2_snapshot_clear(struct qcow2_snapshot *snap)
{
	free(snap->id);
	free(snap->name);
	free(snap->extra.raw);
	*snap = (struct qcow2_snapshot){ 0 };
}

void qcow2_snapshots_clear(struct qcow2_snapshots *list)
{
	for (size_t i = 0; i < list->n; i++)
		qcow2_snapshot_clear(&list->v[i]);
	free(list->v);
	*list = (struct qcow2_snapshots){ 0 };
}

static bool decode_all(const uint8_t *raw, size_t len, const struct qcow2_header *hdr,
		       struct qcow2_snapshots *out, struct img_err *err)
{
	struct qcow2_snapshots list = { 0 };

	list.v = img_calloc(hdr->n_snapshots, sizeof(*list.v), err);
	if (!list.v)
		return false;
	while (list.n < hdr->n_snapshots) {
		size_t used;

		if (!qcow2_snapshot_decode(raw, len, hdr->size, &list.v[list.n], &used, err)) {
			qcow2_snapshots_clear(&list);
			return false;
		}
		list.n++;
		list.table_len += used;
		raw += used;
		len -= used;
	}
	*out = list;
	return true;
}

/* The table's length is known only when it has been decoded: a longer and longer piece is tried. */
bool qcow2_snapshots_read(const struct qcow2_header *hdr, struct img_store *st, uint64_t file_size,
			  struct qcow2_snapshots *out, struct img_err *err)
{
	const uint64_t at = hdr->snapshots_off;
	const uint64_t left = at < file_size ? file_size - at : 0;
	size_t len = img_min_u64(left, img_max_u64(4096, (uint64_t)hdr->n_snapshots * 128));
	IMG_AUTO_FREE uint8_t *raw = NULL;

	if (!hdr->n_snapshots) {
		*out = (struct qcow2_snapshots){ 0 };
		return true;
	}
	for (;;) {
		struct img_err why = { 0 };

		free(raw);
		raw = img_alloc_aligned(img_max_u64(len, 1), err);
		if (!raw || !img_store_read(st, at, raw, len, err))
			return false;
		if (decode_all(raw, len, hdr, out, &why))
			return true;
		if (why.code != IMG_E_INCOMPLETE || len == left)
			return img_fail(err, why.code, "%s", why.text);
		if (len >= QCOW2_SNAPSHOT_TABLE_MAX)
			return img_fail(err, IMG_E_RANGE,
					_("the snapshot table is larger than 64 MiB"));
		len = img_min_u64(left, (uint64_t)len * 2);
	}
}

const struct qcow2_snapshot *qcow2_snapshots_find(const struct qcow2_snapshots *list,
						  const char *id_or_name)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(list->v[i].id, id_or_name))
			return &list->v[i];
	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(list->v[i].name, id_or_name))
			return &list->v[i];
	return NULL;
}

const struct qcow2_snapshot *qcow2_snapshots_get(const struct qcow2_snapshots *list,
						 const char *id_or_name, struct img_err *err)
{
	const struct qcow2_snapshot *snap = qcow2_snapshots_find(list, id_or_name);

	if (!snap)
		img_fail(err, IMG_E_ARGUMENT, _("there is no snapshot \"%s\""), id_or_name);
	return snap;
}
