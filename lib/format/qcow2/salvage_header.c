/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header of a salvage: the one of the file if it can be used; else its fields are mended one by
 * one, each kept that makes sense and agrees with the tables; else one made of what was found.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/salvage.h"

enum {
	FIRST_BYTES	= 1 << QCOW2_CLUSTER_BITS_MAX,
	SURE		= 8,		/* pairs of entries that outweigh what the header says */
	BITS_USUAL	= 16,
};

/* The first cluster while its fields are mended. */
struct mending {
	struct qcow2_salvage *s;
	const struct qcow2_widths *widths;
	uint8_t *raw;
	size_t len;
	bool changed, clusters_changed;
};

static void put32(struct mending *m, size_t at, uint32_t value)
{
	m->changed |= img_get_be32(m->raw + at) != value;
	img_put_be32(m->raw + at, value);
}

static void put64(struct mending *m, size_t at, uint64_t value)
{
	m->changed |= img_get_be64(m->raw + at) != value;
	img_put_be64(m->raw + at, value);
}

/* Whether something of a header is left at all. */
static bool is_header(const struct mending *m)
{
	const uint32_t bits = img_get_be32(m->raw + QCOW2_HDR_CLUSTER_BITS);
	const uint32_t version = img_get_be32(m->raw + QCOW2_HDR_VERSION);
	const bool magic = img_get_be32(m->raw + QCOW2_HDR_MAGIC) == QCOW2_MAGIC;
	const bool sane_bits = bits >= QCOW2_CLUSTER_BITS_MIN && bits <= QCOW2_CLUSTER_BITS_MAX;
	const bool sane_version = version == 2 || version == 3;

	return magic + sane_bits + sane_version >= 2;
}

static bool is_length(uint32_t len)
{
	return len >= QCOW2_HDR_V3_LEN && len % 8 == 0 && len <= 4096;
}

static void mend_version(struct mending *m)
{
	const uint32_t version = img_get_be32(m->raw + QCOW2_HDR_VERSION);

	put32(m, QCOW2_HDR_MAGIC, QCOW2_MAGIC);
	if (version != 2 && version != 3)
		put32(m, QCOW2_HDR_VERSION,
		      is_length(img_get_be32(m->raw + QCOW2_HDR_LEN)) ? 3 : 2);
}

static unsigned mend_clusters(struct mending *m)
{
	const struct qcow2_widths *w = m->widths;
	uint32_t bits = img_get_be32(m->raw + QCOW2_HDR_CLUSTER_BITS);
	const bool sane = bits >= QCOW2_CLUSTER_BITS_MIN && bits <= QCOW2_CLUSTER_BITS_MAX;

	if (!sane || (w->cluster_bits && w->cluster_bits != bits && w->evidence >= SURE)) {
		bits = w->cluster_bits ? w->cluster_bits : BITS_USUAL;
		m->clusters_changed = true;
	}
	put32(m, QCOW2_HDR_CLUSTER_BITS, bits);
	return bits;
}

/* One bit cannot tell which of two fields is wrong; most images use deflate. */
static void mend_compression(struct mending *m, uint64_t *features)
{
	const bool has_field = img_get_be32(m->raw + QCOW2_HDR_LEN) > QCOW2_HDR_COMPRESSION;
	const uint8_t type = has_field ? m->raw[QCOW2_HDR_COMPRESSION] : 0;
	const bool flagged = *features & QCOW2_INCOMPATIBLE_COMPRESSION;

	if (flagged && type == QCOW2_COMPRESSION_ZSTD)
		return;
	*features &= ~QCOW2_INCOMPATIBLE_COMPRESSION;
	if (has_field) {
		m->changed |= type != 0;
		m->raw[QCOW2_HDR_COMPRESSION] = 0;
	}
}

static void mend_features(struct mending *m, unsigned bits)
{
	uint64_t features = img_get_be64(m->raw + QCOW2_HDR_INCOMPATIBLE) & QCOW2_INCOMPATIBLE_KNOWN;
	const bool wide = features & QCOW2_INCOMPATIBLE_EXTENDED_L2;

	if (img_get_be32(m->raw + QCOW2_HDR_VERSION) < 3)
		return;
	if (!is_length(img_get_be32(m->raw + QCOW2_HDR_LEN)))
		put32(m, QCOW2_HDR_LEN, QCOW2_HDR_V3_LEN);
	if (m->widths->evidence >= SURE && wide != m->widths->subclusters) {
		features ^= QCOW2_INCOMPATIBLE_EXTENDED_L2;
		m->clusters_changed = true;
	}
	if (bits < QCOW2_CLUSTER_BITS_EXTENDED)
		features &= ~QCOW2_INCOMPATIBLE_EXTENDED_L2;
	mend_compression(m, &features);
	put64(m, QCOW2_HDR_INCOMPATIBLE, features);
	if (img_get_be32(m->raw + QCOW2_HDR_REFCOUNT_ORDER) > QCOW2_REFCOUNT_ORDER_MAX)
		put32(m, QCOW2_HDR_REFCOUNT_ORDER, QCOW2_REFCOUNT_ORDER_V2);
}

static struct qcow2_geometry geometry_of(const struct mending *m, unsigned bits)
{
	const bool v3 = img_get_be32(m->raw + QCOW2_HDR_VERSION) >= 3;
	const struct qcow2_header widths = {
		.version = v3 ? 3 : 2, .cluster_bits = bits,
		.incompatible = v3 ? img_get_be64(m->raw + QCOW2_HDR_INCOMPATIBLE) : 0,
	};
	struct qcow2_geometry geo;

	qcow2_geometry_init(&geo, &widths);
	return geo;
}

/* The size with one bit changed for which the L1 table has just the right length; 0: none, or more. */
static uint64_t mend_size(const struct qcow2_geometry *geo, uint64_t size, uint64_t n)
{
	uint64_t found = 0;

	for (unsigned bit = 9; bit < 63; bit++) {
		const uint64_t other = size ^ UINT64_C(1) << bit;

		if (!other || qcow2_l1_needed(geo, other) != n)
			continue;
		if (found)
			return 0;
		found = other;
	}
	return found;
}

static bool is_place(const struct mending *m, unsigned bits, uint64_t at)
{
	return at && !(at & ((UINT64_C(1) << bits) - 1)) && at < m->s->file_size;
}

/* Whether raw[0, len) are entries of an L1 table that lead to clusters of the file, one at least. */
static bool are_entries(const struct mending *m, const struct qcow2_geometry *geo,
			const uint8_t *raw, size_t len)
{
	const struct img_finding_kind *why;
	bool some = false;
	uint64_t host;

	for (size_t at = 0; at < len; at += sizeof(uint64_t)) {
		if (!qcow2_l1_decode(geo, img_get_be64(raw + at), &host, &why) ||
		    host >= m->s->file_size)
			return false;
		some |= host != 0;
	}
	return some;
}

/* Whether the L1 table has entries from n on up to `end`, behind those that the header counts. */
static bool goes_on(const struct mending *m, const struct qcow2_geometry *geo, uint64_t n,
		    uint64_t end, bool *does, struct img_err *err)
{
	const uint64_t at = img_get_be64(m->raw + QCOW2_HDR_L1_OFF);
	const size_t len = (end - n) * sizeof(uint64_t);
	size_t got;

	*does = false;
	if (!is_place(m, geo->cluster_bits, at) || end * sizeof(uint64_t) > m->s->file_size)
		return true;
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(len, err);

	if (!raw || !img_store_read_some(m->s->file, at + n * sizeof(uint64_t), raw, len, &got, err))
		return false;
	*does = got == len && are_entries(m, geo, raw, len);
	return true;
}

/* The size and the length of the L1 table contradict each other, or are impossible. */
static bool settle_size(struct mending *m, const struct qcow2_geometry *geo, struct img_err *err)
{
	const uint64_t most = QCOW2_L1_BYTES_MAX / sizeof(uint64_t);
	uint64_t size = img_get_be64(m->raw + QCOW2_HDR_SIZE);
	uint64_t n = img_get_be32(m->raw + QCOW2_HDR_L1_ENTRIES);
	const bool sane_n = n && n <= most, sane_size = size && qcow2_l1_needed(geo, size) <= most;
	bool longer = false;

	if (sane_n && sane_size && qcow2_l1_needed(geo, size) > n &&
	    !goes_on(m, geo, n, qcow2_l1_needed(geo, size), &longer, err))
		return false;
	m->s->size_known = true;
	if (sane_n && !longer && qcow2_l1_needed(geo, size) > n) {
		const uint64_t mended = mend_size(geo, size, n);

		size = mended ? mended : n << qcow2_l1_bits(geo);
		m->s->size_known = false;
	} else if (!sane_size) {
		size = 0;
		m->s->size_known = false;
	}
	if (!sane_n || n < qcow2_l1_needed(geo, size))
		n = img_max_u64(qcow2_l1_needed(geo, size), 1);
	put64(m, QCOW2_HDR_SIZE, size);
	put32(m, QCOW2_HDR_L1_ENTRIES, (uint32_t)n);
	return true;
}

static void mend_places(struct mending *m, unsigned bits)
{
	const uint32_t clusters = img_get_be32(m->raw + QCOW2_HDR_REFTABLE_CLUSTERS);

	m->s->l1_known = is_place(m, bits, img_get_be64(m->raw + QCOW2_HDR_L1_OFF));
	if (!m->s->l1_known)
		put64(m, QCOW2_HDR_L1_OFF, UINT64_C(1) << bits);
	if (!is_place(m, bits, img_get_be64(m->raw + QCOW2_HDR_REFTABLE_OFF))) {
		put64(m, QCOW2_HDR_REFTABLE_OFF, 0);
		put32(m, QCOW2_HDR_REFTABLE_CLUSTERS, 0);
	} else if (!clusters || (uint64_t)clusters << bits > QCOW2_REFTABLE_BYTES_MAX) {
		put32(m, QCOW2_HDR_REFTABLE_CLUSTERS, 1);
	}
	if (img_get_be32(m->raw + QCOW2_HDR_SNAPSHOTS) > QCOW2_SNAPSHOTS_MAX ||
	    !is_place(m, bits, img_get_be64(m->raw + QCOW2_HDR_SNAPSHOTS_OFF)))
		put32(m, QCOW2_HDR_SNAPSHOTS, 0);
	if (img_get_be32(m->raw + QCOW2_HDR_CRYPT) > QCOW2_CRYPT_LUKS)
		put32(m, QCOW2_HDR_CRYPT, QCOW2_CRYPT_NONE);
}

/* Without what does not make sense: first the backing file, then all extensions. */
static bool decode_less(struct mending *m, struct img_err *err)
{
	const bool v3 = img_get_be32(m->raw + QCOW2_HDR_VERSION) >= 3;
	const size_t end = v3 ? img_get_be32(m->raw + QCOW2_HDR_LEN) : QCOW2_HDR_V2_LEN;
	struct img_err why = { 0 };

	if (qcow2_header_decode(m->raw, m->len, &m->s->hdr, &why))
		return true;
	put64(m, QCOW2_HDR_BACKING_OFF, 0);
	if (qcow2_header_decode(m->raw, m->len, &m->s->hdr, &why))
		return true;
	if (end + QCOW2_EXT_DATA > m->len)
		return img_fail(err, why.code, "%s", why.text);
	img_put_be64(m->raw + end, 0);
	return qcow2_header_decode(m->raw, m->len, &m->s->hdr, err);
}

static bool mend(struct mending *m, struct img_err *err)
{
	mend_version(m);
	const unsigned bits = mend_clusters(m);

	mend_features(m, bits);
	const struct qcow2_geometry geo = geometry_of(m, bits);

	if (!settle_size(m, &geo, err))
		return false;
	mend_places(m, bits);
	if (!decode_less(m, err))
		return false;
	/* The bit without the name is one that fell. */
	if (!m->s->hdr.data_file && (m->s->hdr.incompatible & QCOW2_INCOMPATIBLE_DATA_FILE)) {
		m->s->hdr.incompatible &= ~QCOW2_INCOMPATIBLE_DATA_FILE;
		m->changed = true;
	}
	return true;
}

/* Version 3 knows all that version 2 does. */
static bool invent(struct mending *m, struct img_err *err)
{
	const unsigned bits = m->widths->cluster_bits;

	if (!bits)
		return img_fail(err, IMG_E_NOT_THIS_FORMAT,
				_("neither a header nor tables of a qcow2 image were found"));
	m->s->header_lost = m->changed = m->clusters_changed = true;
	m->s->l1_known = m->s->size_known = false;
	m->s->hdr = (struct qcow2_header){
		.version = 3, .cluster_bits = bits, .refcount_order = QCOW2_REFCOUNT_ORDER_V2,
		.incompatible = m->widths->subclusters ? QCOW2_INCOMPATIBLE_EXTENDED_L2 : 0,
		.l1_off = UINT64_C(1) << bits, .l1_entries = 1,
	};
	return true;
}

static bool tell(struct mending *m, struct img_err *err)
{
	return (!m->changed ||
		qcow2_salvage_note(m->s, &qcow2_noted_header, 0, IMG_NOWHERE, 0, err)) &&
	       (!m->clusters_changed ||
		qcow2_salvage_note(m->s, &qcow2_noted_clusters, 0, IMG_NOWHERE, 0, err));
}

/* A header that is all right, and that the tables do not contradict. */
static bool take(struct mending *m)
{
	struct qcow2_salvage *s = m->s;
	struct img_err why = { 0 };

	if (!qcow2_header_decode(m->raw, m->len, &s->hdr, &why))
		return false;
	const bool wide = s->hdr.incompatible & QCOW2_INCOMPATIBLE_EXTENDED_L2;

	if (m->widths->evidence >= SURE && (m->widths->cluster_bits != s->hdr.cluster_bits ||
					    m->widths->subclusters != wide)) {
		qcow2_header_clear(&s->hdr);
		return false;
	}
	s->header_whole = s->size_known = true;
	s->l1_known = is_place(m, s->hdr.cluster_bits, s->hdr.l1_off);
	return true;
}

bool qcow2_salvage_header(struct qcow2_salvage *s, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *raw = img_calloc(FIRST_BYTES, 1, err);
	struct qcow2_widths widths;
	struct mending m = { .s = s, .widths = &widths, .raw = raw };
	struct img_err why = { 0 };
	size_t got;

	if (!raw || !img_store_read_some(s->file, 0, raw, FIRST_BYTES, &got, err) ||
	    !qcow2_salvage_widths(s->file, s->file_size, &widths, err))
		return false;
	/* What the file does not have of it is zeros. */
	m.len = FIRST_BYTES;
	if (!take(&m) && !(is_header(&m) && mend(&m, &why)) && !invent(&m, err))
		return false;
	qcow2_geometry_init(&s->geo, &s->hdr);
	return tell(&m, err);
}
