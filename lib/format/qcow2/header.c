/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first cluster of a qcow2 file from bytes: header, extensions and backing name.  Pure. */
#include <inttypes.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/qcow2.h"

/* The part of the first cluster that is decoded; len never goes beyond the cluster. */
struct first_cluster {
	const uint8_t *raw;
	size_t len;
	uint64_t backing_off;
	uint32_t backing_len, header_len;
	const uint8_t *feature_names;	/* inside raw, or NULL */
	size_t n_feature_names;
};

static bool fail_short(const struct first_cluster *first, struct img_err *err)
{
	return img_fail(err, IMG_E_INCOMPLETE, _("the file ends inside the header, after %zu bytes"),
			first->len);
}

static bool decode_v2(struct first_cluster *first, struct qcow2_header *hdr, struct img_err *err)
{
	const uint8_t *raw = first->raw;

	if (first->len < 4 || img_get_be32(raw + QCOW2_HDR_MAGIC) != QCOW2_MAGIC)
		return img_fail(err, IMG_E_NOT_THIS_FORMAT, _("this is not a qcow2 image"));
	if (first->len < QCOW2_HDR_V2_LEN)
		return fail_short(first, err);
	hdr->version = img_get_be32(raw + QCOW2_HDR_VERSION);
	if (hdr->version < 2)
		return img_fail(err, IMG_E_NOT_THIS_FORMAT,
				_("this is a qcow image of version %" PRIu32 ", not a qcow2"),
				hdr->version);
	first->backing_off = img_get_be64(raw + QCOW2_HDR_BACKING_OFF);
	first->backing_len = img_get_be32(raw + QCOW2_HDR_BACKING_LEN);
	hdr->cluster_bits = img_get_be32(raw + QCOW2_HDR_CLUSTER_BITS);
	hdr->size = img_get_be64(raw + QCOW2_HDR_SIZE);
	hdr->crypt = img_get_be32(raw + QCOW2_HDR_CRYPT);
	hdr->l1_entries = img_get_be32(raw + QCOW2_HDR_L1_ENTRIES);
	hdr->l1_off = img_get_be64(raw + QCOW2_HDR_L1_OFF);
	hdr->reftable_off = img_get_be64(raw + QCOW2_HDR_REFTABLE_OFF);
	hdr->reftable_clusters = img_get_be32(raw + QCOW2_HDR_REFTABLE_CLUSTERS);
	hdr->n_snapshots = img_get_be32(raw + QCOW2_HDR_SNAPSHOTS);
	hdr->snapshots_off = img_get_be64(raw + QCOW2_HDR_SNAPSHOTS_OFF);
	hdr->refcount_order = QCOW2_REFCOUNT_ORDER_V2;
	first->header_len = QCOW2_HDR_V2_LEN;
	return true;
}

/* Behind those that are known. */
static bool keep_fields(const struct first_cluster *first, struct qcow2_header *hdr,
			struct img_err *err)
{
	struct qcow2_bytes *kept = &hdr->more_fields;
	const size_t len = first->header_len - QCOW2_HDR_OUR_LEN;

	kept->raw = img_calloc(len, 1, err);
	if (!kept->raw)
		return false;
	memcpy(kept->raw, first->raw + QCOW2_HDR_OUR_LEN, len);
	kept->len = len;
	return true;
}

static bool decode_v3(struct first_cluster *first, struct qcow2_header *hdr, struct img_err *err)
{
	const uint8_t *raw = first->raw;

	if (first->len < QCOW2_HDR_V3_LEN)
		return fail_short(first, err);
	hdr->incompatible = img_get_be64(raw + QCOW2_HDR_INCOMPATIBLE);
	hdr->compatible = img_get_be64(raw + QCOW2_HDR_COMPATIBLE);
	hdr->autoclear = img_get_be64(raw + QCOW2_HDR_AUTOCLEAR);
	hdr->refcount_order = img_get_be32(raw + QCOW2_HDR_REFCOUNT_ORDER);
	first->header_len = img_get_be32(raw + QCOW2_HDR_LEN);
	if (first->header_len < QCOW2_HDR_V3_LEN || first->header_len % 8 ||
	    first->header_len > UINT32_C(1) << hdr->cluster_bits)
		return img_fail(err, IMG_E_CORRUPT, _("a header length of %" PRIu32 " bytes"),
				first->header_len);
	if (first->header_len > first->len)
		return fail_short(first, err);
	if (first->header_len > QCOW2_HDR_COMPRESSION)
		hdr->compression = raw[QCOW2_HDR_COMPRESSION];
	return first->header_len <= QCOW2_HDR_OUR_LEN || keep_fields(first, hdr, err);
}

/* Up to len bytes or the first NUL; nothing for an empty text.  *out must be unused. */
static bool take_text(const uint8_t *from, size_t len, const char *what, char **out,
		      struct img_err *err)
{
	len = strnlen((const char *)from, len);
	if (*out)
		return img_fail(err, IMG_E_CORRUPT, _("the header holds two extensions for the %s"),
				what);
	if (!len)
		return true;
	*out = img_calloc(len + 1, 1, err);
	if (*out)
		memcpy(*out, from, len);
	return *out;
}

static bool take_bitmaps(const uint8_t *from, size_t len, struct qcow2_header *hdr,
			 struct img_err *err)
{
	if (len < QCOW2_BITMAPS_LEN)
		return img_fail(err, IMG_E_CORRUPT, _("a bitmaps extension of %zu bytes"), len);
	hdr->n_bitmaps = img_get_be32(from + QCOW2_BITMAPS_COUNT);
	hdr->bitmap_dir_len = img_get_be64(from + QCOW2_BITMAPS_DIR_LEN);
	hdr->bitmap_dir_off = img_get_be64(from + QCOW2_BITMAPS_DIR_OFF);
	return true;
}

static bool take_crypt(const uint8_t *from, size_t len, struct qcow2_header *hdr,
		       struct img_err *err)
{
	if (len < QCOW2_CRYPT_EXT_LEN)
		return img_fail(err, IMG_E_CORRUPT, _("an encryption extension of %zu bytes"), len);
	hdr->crypt_off = img_get_be64(from + QCOW2_CRYPT_OFF);
	hdr->crypt_len = img_get_be64(from + QCOW2_CRYPT_LEN);
	return true;
}

static bool is_known_feature(const uint8_t *row)
{
	static const uint64_t known[] = {
		[QCOW2_FEATURE_INCOMPATIBLE] = QCOW2_INCOMPATIBLE_KNOWN,
		[QCOW2_FEATURE_COMPATIBLE] = QCOW2_COMPATIBLE_KNOWN,
		[QCOW2_FEATURE_AUTOCLEAR] = QCOW2_AUTOCLEAR_KNOWN,
	};
	const uint8_t type = row[QCOW2_FEATURE_TYPE], bit = row[QCOW2_FEATURE_BIT];

	return type < sizeof(known) / sizeof(*known) && bit < 64 && known[type] >> bit & 1;
}

/* Of the feature name table the rows that are not ours. */
static bool keep_names(const struct first_cluster *first, struct qcow2_header *hdr,
		       struct img_err *err)
{
	struct qcow2_bytes *kept = &hdr->more_names;

	for (size_t i = 0; i < first->n_feature_names; i++) {
		const uint8_t *row = first->feature_names + i * QCOW2_FEATURE_LEN;

		if (is_known_feature(row))
			continue;
		if (!kept->raw)
			kept->raw = img_calloc(first->n_feature_names - i, QCOW2_FEATURE_LEN, err);
		if (!kept->raw)
			return false;
		memcpy(kept->raw + kept->len, row, QCOW2_FEATURE_LEN);
		kept->len += QCOW2_FEATURE_LEN;
	}
	return true;
}

/* Behind those that are kept already: type, length, data and padding of one more. */
static bool keep_extension(struct qcow2_bytes *kept, const uint8_t *ext, size_t len,
			   struct img_err *err)
{
	const size_t padded = img_round_up(len, QCOW2_EXT_ALIGN);
	uint8_t *raw = img_grow(kept->raw, kept->len + padded, 1, err);

	if (!raw)
		return false;
	memcpy(raw + kept->len, ext, len);
	memset(raw + kept->len + len, 0, padded - len);
	kept->raw = raw;
	kept->len += padded;
	return true;
}

/* ext: where the type stands; len: bytes of its data, which lie inside the first cluster. */
static bool take_extension(struct first_cluster *first, const uint8_t *ext, size_t len,
			   struct qcow2_header *hdr, struct img_err *err)
{
	const uint8_t *data = ext + QCOW2_EXT_DATA;

	switch (img_get_be32(ext + QCOW2_EXT_TYPE)) {
	case QCOW2_EXT_BACKING_FORMAT:
		return take_text(data, len, _("backing format"), &hdr->backing_format, err);
	case QCOW2_EXT_DATA_FILE:
		return take_text(data, len, _("data file"), &hdr->data_file, err);
	case QCOW2_EXT_BITMAPS:
		return take_bitmaps(data, len, hdr, err);
	case QCOW2_EXT_CRYPT:
		return take_crypt(data, len, hdr, err);
	case QCOW2_EXT_FEATURE_NAMES:
		first->feature_names = data;
		first->n_feature_names = len / QCOW2_FEATURE_LEN;
		return true;
	default:
		/* Unknown ones may be ignored; whoever rewrites the header puts them back. */
		return keep_extension(&hdr->more_extensions, ext, QCOW2_EXT_DATA + len, err);
	}
}

static bool decode_extensions(struct first_cluster *first, struct qcow2_header *hdr,
			      struct img_err *err)
{
	const uint64_t end = img_min_u64(first->backing_off ? first->backing_off : first->len,
					 first->len);
	const bool cut = end == first->len && first->len < UINT64_C(1) << hdr->cluster_bits;
	uint64_t at = first->header_len;

	while (at + QCOW2_EXT_DATA <= end) {
		const uint8_t *ext = first->raw + at;
		const uint32_t type = img_get_be32(ext + QCOW2_EXT_TYPE);
		const uint32_t len = img_get_be32(ext + QCOW2_EXT_LEN);

		if (type == QCOW2_EXT_END)
			return keep_names(first, hdr, err);
		if (len > end - at - QCOW2_EXT_DATA && cut)
			return fail_short(first, err);
		if (len > end - at - QCOW2_EXT_DATA)
			return img_fail(err, IMG_E_CORRUPT,
					_("header extension 0x%08" PRIx32 " of %" PRIu32
					  " bytes does not fit in the first cluster"), type, len);
		if (!take_extension(first, ext, len, hdr, err))
			return false;
		at += QCOW2_EXT_DATA + img_round_up(len, QCOW2_EXT_ALIGN);
	}
	/* What names a data file or a key may have been behind it. */
	return cut ? fail_short(first, err) : keep_names(first, hdr, err);
}

static bool decode_backing(const struct first_cluster *first, struct qcow2_header *hdr,
			   struct img_err *err)
{
	const uint64_t cluster = UINT64_C(1) << hdr->cluster_bits;
	const uint64_t at = first->backing_off;

	if (!at || !first->backing_len)
		return true;
	if (first->backing_len > QCOW2_BACKING_MAX)
		return img_fail(err, IMG_E_RANGE, _("a backing file name of %" PRIu32
				" bytes is longer than %d"), first->backing_len, QCOW2_BACKING_MAX);
	if (at < first->header_len || at > cluster || first->backing_len > cluster - at)
		return img_fail(err, IMG_E_CORRUPT,
				_("the backing file name at 0x%" PRIx64 " is not in the first cluster"),
				at);
	if (first->len < at + first->backing_len)
		return fail_short(first, err);
	return take_text(first->raw + at, first->backing_len, _("backing file"), &hdr->backing, err);
}

/* The name that the image itself gives to a feature bit, made printable; false: none. */
static bool feature_name(const struct first_cluster *first, enum qcow2_feature_type type,
			 unsigned bit, char name[QCOW2_FEATURE_NAME_LEN + 1])
{
	for (size_t i = 0; i < first->n_feature_names; i++) {
		const uint8_t *row = first->feature_names + i * QCOW2_FEATURE_LEN;
		const char *text = (const char *)row + QCOW2_FEATURE_NAME;
		const size_t len = strnlen(text, QCOW2_FEATURE_NAME_LEN);

		if (row[QCOW2_FEATURE_TYPE] != type || row[QCOW2_FEATURE_BIT] != bit || !len)
			continue;
		for (size_t j = 0; j < len; j++)
			name[j] = text[j] >= ' ' && text[j] <= '~' ? text[j] : '?';
		name[len] = '\0';
		return true;
	}
	return false;
}

static bool refuse_unknown_features(const struct first_cluster *first,
				    const struct qcow2_header *hdr, struct img_err *err)
{
	const uint64_t unknown = hdr->incompatible & ~QCOW2_INCOMPATIBLE_KNOWN;
	char name[QCOW2_FEATURE_NAME_LEN + 1];

	if (!unknown)
		return true;
	const unsigned bit = (unsigned)__builtin_ctzll(unknown);
	if (!feature_name(first, QCOW2_FEATURE_INCOMPATIBLE, bit, name))
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("the image needs incompatible feature %u, which is not known here"),
				bit);
	return img_fail(err, IMG_E_UNSUPPORTED,
			_("the image needs the feature \"%s\", which is not known here"), name);
}

static bool decode(struct first_cluster *first, struct qcow2_header *hdr, struct img_err *err)
{
	if (!decode_v2(first, hdr, err) || !qcow2_header_validate_widths(hdr, err))
		return false;
	first->len = img_min_u64(first->len, UINT64_C(1) << hdr->cluster_bits);
	if (hdr->version >= 3 && !decode_v3(first, hdr, err))
		return false;
	return decode_extensions(first, hdr, err) && refuse_unknown_features(first, hdr, err) &&
	       decode_backing(first, hdr, err) && qcow2_header_validate(hdr, err);
}

bool qcow2_header_decode(const uint8_t *raw, size_t len, struct qcow2_header *out,
			 struct img_err *err)
{
	struct first_cluster first = { .raw = raw, .len = len };
	struct qcow2_header hdr = { 0 };

	if (!decode(&first, &hdr, err)) {
		qcow2_header_clear(&hdr);
		return false;
	}
	*out = hdr;
	return true;
}

void qcow2_header_clear(struct qcow2_header *hdr)
{
	free(hdr->backing);
	free(hdr->backing_format);
	free(hdr->data_file);
	free(hdr->more_fields.raw);
	free(hdr->more_extensions.raw);
	free(hdr->more_names.raw);
	*hdr = (struct qcow2_header){ 0 };
}
