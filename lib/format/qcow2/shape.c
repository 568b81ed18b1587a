/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See shape.h.  Data hardly ever look like a table: one byte in the wrong place is enough. */
#include "format/qcow2/shape.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"

/* What is looked at first: nearly all that is no table shows it there. */
enum { HEAD = QCOW2_SECTOR };

bool qcow2_shapes_start(struct qcow2_shapes *s, const struct qcow2_header *hdr,
			struct img_store *file, struct img_err *err)
{
	*s = (struct qcow2_shapes){ .file = file };
	qcow2_geometry_init(&s->geo, hdr);
	s->raw = img_alloc_aligned(qcow2_cluster_size(&s->geo), err);
	return s->raw && img_store_size(file, &s->file_size, err);
}

void qcow2_shapes_end(struct qcow2_shapes *s)
{
	free(s->raw);
	s->raw = NULL;
}

bool qcow2_shapes_entry(const struct qcow2_shapes *s, const uint8_t *raw, size_t index,
			struct qcow2_cluster *out)
{
	const uint8_t *at = raw + index * s->geo.l2_entry_len;
	const uint64_t bitmap = s->geo.subclusters ? img_get_be64(at + 8) : 0;
	const struct img_finding_kind *why;

	return qcow2_l2_decode(&s->geo, img_get_be64(at), bitmap, out, &why) && out->allocated;
}

/* False: no entry of an L2 table of this file. */
static bool fits_l2(const struct qcow2_shapes *s, const uint8_t *raw, size_t *mapped)
{
	const uint64_t entry = img_get_be64(raw);
	const uint64_t bitmap = s->geo.subclusters ? img_get_be64(raw + 8) : 0;
	const struct img_finding_kind *why;
	struct qcow2_cluster cluster;

	if (!entry && !bitmap)
		return true;
	if (!qcow2_l2_decode(&s->geo, entry, bitmap, &cluster, &why) ||
	    (cluster.allocated && cluster.host >= s->file_size))
		return false;
	*mapped += cluster.allocated;
	return true;
}

static bool fits_l1(const struct qcow2_shapes *s, const uint8_t *raw, size_t *mapped)
{
	const struct img_finding_kind *why;
	uint64_t host;

	if (!qcow2_l1_decode(&s->geo, img_get_be64(raw), &host, &why) || host >= s->file_size)
		return false;
	*mapped += host != 0;
	return true;
}

typedef bool fits_entry(const struct qcow2_shapes *s, const uint8_t *raw, size_t *mapped);

static bool fits_all(const struct qcow2_shapes *s, fits_entry *fits, unsigned entry_len, size_t len,
		     size_t *mapped)
{
	*mapped = 0;
	for (size_t at = 0; at < len; at += entry_len)
		if (!fits(s, s->raw + at, mapped))
			return false;
	return true;
}

/* whole: something has to be in it. */
static unsigned shapes_of(const struct qcow2_shapes *s, size_t len, bool whole)
{
	unsigned shapes = 0;
	size_t mapped;

	if (fits_all(s, fits_l2, s->geo.l2_entry_len, len, &mapped) && (mapped || !whole))
		shapes |= QCOW2_SHAPE_L2;
	if (fits_all(s, fits_l1, sizeof(uint64_t), len, &mapped) && (mapped || !whole))
		shapes |= QCOW2_SHAPE_L1;
	return shapes;
}

/*
 * Holes are no tables, and there may be terabytes of them.  The file is asked once for each piece
 * of it: some file systems walk over all that follows to find its end.  *end: of the clusters that
 * are a hole as a whole, if host is.
 */
static bool is_hole(struct qcow2_shapes *s, uint64_t host, uint64_t *end, bool *hole,
		    struct img_err *err)
{
	struct img_extent *ex = &s->around;

	if ((host < ex->start || host >= ex->start + ex->len) &&
	    !img_store_extent(s->file, host, s->file_size, ex, err))
		return false;
	*end = img_round_down(ex->start + ex->len, qcow2_cluster_size(&s->geo));
	*hole = ex->kind == IMG_EXTENT_ZERO && host < *end;
	return true;
}

bool qcow2_shapes_look(struct qcow2_shapes *s, uint64_t host, unsigned *shapes, uint64_t *next,
		       struct img_err *err)
{
	const size_t size = qcow2_cluster_size(&s->geo);
	uint64_t end;
	size_t got;
	bool hole;

	*shapes = 0;
	*next = host + size;
	if (host >= s->file_size)
		return true;
	if (!is_hole(s, host, &end, &hole, err))
		return false;
	if (hole) {
		*next = end;
		return true;
	}
	if (!img_store_read_some(s->file, host, s->raw, HEAD, &got, err))
		return false;
	if (got < HEAD || !shapes_of(s, HEAD, false))
		return true;
	if (!img_store_read_some(s->file, host, s->raw, size, &got, err))
		return false;
	if (got == size)
		*shapes = shapes_of(s, size, true);
	return true;
}
