/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of a stream.  When the transfer was cut off behind the grain directory, all that is needed
 * is there: the footer is the header, with the place of that directory.
 */
#include <string.h>
#include "base/bytes.h"
#include "base/num.h"
#include "format/vmdk/marker.h"
#include "format/vmdk/repair.h"

enum { FOOTER_SECTORS = 3 };		/* marker, footer, end */

struct ending {
	struct img_store *file;
	uint8_t head[VMDK_HEAD_BYTES];
	struct vmdk_sparse sp;		/* only what markers need */
};

/* *lacks: it is a stream whose directory a footer must tell, and there is none in its place. */
static bool look(struct ending *e, bool *lacks, struct img_err *err)
{
	struct vmdk_header hdr;
	uint64_t file_size;
	size_t got;

	*lacks = false;
	e->sp.file = e->file;
	if (!img_store_size(e->file, &file_size, err))
		return false;
	e->sp.file_size = file_size;
	if (!img_store_read_some(e->file, 0, e->head, sizeof(e->head), &got, err))
		return false;
	if (!vmdk_header_decode(e->head, got, &e->sp.hdr, NULL) || !e->sp.hdr.gd_at_end)
		return true;
	*lacks = e->sp.hdr.markers && !vmdk_footer_read(e->file, e->sp.file_size, &hdr, NULL);
	return true;
}

/* The last directory that the markers lead to; its kind is NONE when there is none. */
static bool find_directory(const struct ending *e, struct vmdk_marker *out, struct img_err *err)
{
	const uint64_t overhead = img_get_le64(e->head + VMDK_HDR_OVERHEAD);
	struct vmdk_marker m = { .end = VMDK_SECTOR };

	*out = (struct vmdk_marker){ .kind = VMDK_MARKER_NONE };
	if (overhead && overhead < e->sp.file_size / VMDK_SECTOR)
		m.end = overhead * VMDK_SECTOR;
	do {
		if (!vmdk_marker_read(&e->sp, m.end, &m, err))
			return false;
		if (m.kind == VMDK_MARKER_DIRECTORY)
			*out = m;
	} while (m.kind == VMDK_MARKER_GRAIN || m.kind == VMDK_MARKER_TABLE);
	return true;
}

/* Whether each entry leads to the table behind a marker, in front of the directory. */
static bool check_directory(const struct ending *e, const struct vmdk_marker *dir, bool *whole,
			    struct img_err *err)
{
	const struct vmdk_header *hdr = &e->sp.hdr;

	*whole = false;
	for (uint64_t i = 0; i < hdr->n_gd; i++) {
		uint8_t raw[sizeof(uint32_t)];
		struct vmdk_marker table;
		uint64_t at;

		if (!img_store_read(e->file, dir->at + VMDK_SECTOR + i * sizeof(raw), raw, sizeof(raw),
				    err))
			return false;
		at = img_get_le32(raw) * VMDK_SECTOR;
		if (!at)
			continue;
		if (at < 2 * VMDK_SECTOR || at >= dir->at)
			return true;
		if (!vmdk_marker_read(&e->sp, at - VMDK_SECTOR, &table, err))
			return false;
		if (table.kind != VMDK_MARKER_TABLE)
			return true;
	}
	*whole = true;
	return true;
}

static bool write_end(const struct ending *e, const struct vmdk_marker *dir, struct img_err *err)
{
	uint8_t end[FOOTER_SECTORS * VMDK_SECTOR] = { 0 };

	img_put_le64(end + VMDK_MARK_VALUE, 1);
	img_put_le32(end + VMDK_MARK_TYPE, VMDK_MARK_FOOTER);
	memcpy(end + VMDK_SECTOR, e->head, VMDK_HDR_LEN);
	img_put_le64(end + VMDK_SECTOR + VMDK_HDR_GD_AT, dir->at / VMDK_SECTOR + 1);
	return img_store_write(e->file, dir->end, end, sizeof(end), err);
}

/* Behind the directory there may be a part of what is to be written there, and nothing else. */
static bool is_last(const struct ending *e, const struct vmdk_marker *dir)
{
	return dir->kind == VMDK_MARKER_DIRECTORY &&
	       e->sp.file_size - dir->end <= FOOTER_SECTORS * VMDK_SECTOR;
}

bool vmdk_repair_stream(struct img_store *file, struct img_err *err)
{
	struct ending e = { .file = file };
	struct vmdk_marker dir;
	bool lacks, whole;

	if (!look(&e, &lacks, err))
		return false;
	if (!lacks)
		return true;
	if (!find_directory(&e, &dir, err))
		return false;
	if (!is_last(&e, &dir))
		return true;
	return check_directory(&e, &dir, &whole, err) && (!whole || write_end(&e, &dir, err));
}
