/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is legal in the header of a qcow2 file, wherever its numbers come from.  Pure: whether what
 * it points to lies inside the file is for others to say.
 */
#include <inttypes.h>
#include "base/err.h"
#include "format/qcow2/qcow2.h"

bool qcow2_header_validate_widths(const struct qcow2_header *hdr, struct img_err *err)
{
	const bool extended = hdr->incompatible & QCOW2_INCOMPATIBLE_EXTENDED_L2;

	if (hdr->version != 2 && hdr->version != 3)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("qcow2 version %" PRIu32 " is not known here"), hdr->version);
	if (hdr->cluster_bits < QCOW2_CLUSTER_BITS_MIN)
		return img_fail(err, IMG_E_CORRUPT, _("%u cluster bits are less than %d"),
				hdr->cluster_bits, QCOW2_CLUSTER_BITS_MIN);
	if (hdr->cluster_bits > QCOW2_CLUSTER_BITS_MAX)
		return img_fail(err, IMG_E_RANGE, _("%u cluster bits are more than %d"),
				hdr->cluster_bits, QCOW2_CLUSTER_BITS_MAX);
	if (extended && hdr->cluster_bits < QCOW2_CLUSTER_BITS_EXTENDED)
		return img_fail(err, IMG_E_CORRUPT,
				_("%u cluster bits are less than the %d that subclusters need"),
				hdr->cluster_bits, QCOW2_CLUSTER_BITS_EXTENDED);
	if (hdr->refcount_order > QCOW2_REFCOUNT_ORDER_MAX)
		return img_fail(err, IMG_E_CORRUPT, _("refcount order %u is more than %d"),
				hdr->refcount_order, QCOW2_REFCOUNT_ORDER_MAX);
	return true;
}

static bool validate_methods(const struct qcow2_header *hdr, struct img_err *err)
{
	const bool flagged = hdr->incompatible & QCOW2_INCOMPATIBLE_COMPRESSION;

	if (hdr->version < 3 &&
	    (hdr->incompatible || hdr->refcount_order != QCOW2_REFCOUNT_ORDER_V2))
		return img_fail(err, IMG_E_RANGE, _("version 2 has neither features nor refcounts "
				"that are not 16 bits wide"));
	if (hdr->crypt > QCOW2_CRYPT_LUKS)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("encryption method %" PRIu32 " is not known here"), hdr->crypt);
	if (flagged != (hdr->compression != QCOW2_COMPRESSION_DEFLATE))
		return img_fail(err, IMG_E_CORRUPT,
				_("compression type %u contradicts its feature bit"),
				hdr->compression);
	if (hdr->compression > QCOW2_COMPRESSION_ZSTD)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("compression type %u is not known here"), hdr->compression);
	return true;
}

static bool validate_aligned(const struct qcow2_header *hdr, uint64_t at, const char *what,
			     struct img_err *err)
{
	if (at & ((UINT64_C(1) << hdr->cluster_bits) - 1))
		return img_fail(err, IMG_E_CORRUPT,
				_("the %s at 0x%" PRIx64 " does not start a cluster"), what, at);
	return true;
}

static bool validate_l1(const struct qcow2_header *hdr, struct img_err *err)
{
	struct qcow2_geometry geo;

	qcow2_geometry_init(&geo, hdr);
	const uint64_t needed = qcow2_l1_needed(&geo, hdr->size);
	if (hdr->l1_entries > QCOW2_L1_BYTES_MAX / sizeof(uint64_t))
		return img_fail(err, IMG_E_RANGE, _("an L1 table of %" PRIu32 " entries is larger "
				"than 32 MiB"), hdr->l1_entries);
	if (hdr->l1_entries < needed)
		return img_fail(err, IMG_E_CORRUPT, _("a disk of %" PRIu64 " bytes needs an L1 "
				"table of %" PRIu64 " entries; this one has %" PRIu32),
				hdr->size, needed, hdr->l1_entries);
	if (hdr->l1_entries && !hdr->l1_off)
		return img_fail(err, IMG_E_CORRUPT, _("the L1 table lies over the header"));
	return validate_aligned(hdr, hdr->l1_off, _("L1 table"), err);
}

static bool validate_tables(const struct qcow2_header *hdr, struct img_err *err)
{
	const uint64_t reftable = (uint64_t)hdr->reftable_clusters << hdr->cluster_bits;

	if (reftable > QCOW2_REFTABLE_BYTES_MAX)
		return img_fail(err, IMG_E_RANGE,
				_("a refcount table of %" PRIu64 " bytes is larger than 8 MiB"),
				reftable);
	if (hdr->n_snapshots > QCOW2_SNAPSHOTS_MAX)
		return img_fail(err, IMG_E_RANGE, _("%" PRIu32 " snapshots are more than %d"),
				hdr->n_snapshots, QCOW2_SNAPSHOTS_MAX);
	if (hdr->n_snapshots &&
	    !validate_aligned(hdr, hdr->snapshots_off, _("snapshot table"), err))
		return false;
	return validate_aligned(hdr, hdr->reftable_off, _("refcount table"), err);
}

bool qcow2_header_validate(const struct qcow2_header *hdr, struct img_err *err)
{
	return qcow2_header_validate_widths(hdr, err) && validate_methods(hdr, err) &&
	       validate_l1(hdr, err) && validate_tables(hdr, err);
}
