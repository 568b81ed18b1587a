/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first cluster of a qcow2 file to bytes: the inverse of header.c. */
#include "base/bytes.h"
#include "base/err.h"
#include "base/num.h"
#include "format/qcow2/qcow2.h"

static const struct {
	uint8_t type, bit;
	const char *name;
} feature_names[] = {
	{ QCOW2_FEATURE_INCOMPATIBLE, 0, "dirty bit" },
	{ QCOW2_FEATURE_INCOMPATIBLE, 1, "corrupt bit" },
	{ QCOW2_FEATURE_INCOMPATIBLE, 2, "external data file" },
	{ QCOW2_FEATURE_INCOMPATIBLE, 3, "compression type" },
	{ QCOW2_FEATURE_INCOMPATIBLE, 4, "extended L2 entries" },
	{ QCOW2_FEATURE_COMPATIBLE, 0, "lazy refcounts" },
	{ QCOW2_FEATURE_AUTOCLEAR, 0, "bitmaps" },
	{ QCOW2_FEATURE_AUTOCLEAR, 1, "raw external data" },
};
enum { N_FEATURES = sizeof(feature_names) / sizeof(*feature_names) };

/* A cluster that is filled from the front. */
struct filling {
	uint8_t *raw;
	size_t len, at;
};

static size_t room(const struct filling *to)
{
	return to->len - to->at;
}

/* Where the data of a new extension goes, or NULL when there is no room for it. */
static uint8_t *add_extension(struct filling *to, uint32_t type, size_t len)
{
	const size_t whole = QCOW2_EXT_DATA + img_round_up(len, QCOW2_EXT_ALIGN);
	uint8_t *ext = to->raw + to->at;

	if (whole > room(to))
		return NULL;
	img_put_be32(ext + QCOW2_EXT_TYPE, type);
	img_put_be32(ext + QCOW2_EXT_LEN, (uint32_t)len);
	to->at += whole;
	return ext + QCOW2_EXT_DATA;
}

static bool add_text(struct filling *to, uint32_t type, const char *text)
{
	if (!text)
		return true;
	uint8_t *data = add_extension(to, type, strlen(text));
	if (data)
		memcpy(data, text, strlen(text));
	return data;
}

static bool add_bitmaps(struct filling *to, const struct qcow2_header *hdr)
{
	if (!hdr->n_bitmaps)
		return true;
	uint8_t *data = add_extension(to, QCOW2_EXT_BITMAPS, QCOW2_BITMAPS_LEN);
	if (!data)
		return false;
	img_put_be32(data + QCOW2_BITMAPS_COUNT, hdr->n_bitmaps);
	img_put_be64(data + QCOW2_BITMAPS_DIR_LEN, hdr->bitmap_dir_len);
	img_put_be64(data + QCOW2_BITMAPS_DIR_OFF, hdr->bitmap_dir_off);
	return true;
}

static bool add_crypt(struct filling *to, const struct qcow2_header *hdr)
{
	if (!hdr->crypt_off)
		return true;
	uint8_t *data = add_extension(to, QCOW2_EXT_CRYPT, QCOW2_CRYPT_EXT_LEN);
	if (!data)
		return false;
	img_put_be64(data + QCOW2_CRYPT_OFF, hdr->crypt_off);
	img_put_be64(data + QCOW2_CRYPT_LEN, hdr->crypt_len);
	return true;
}

/*
 * Nobody needs this table to read the image: what does not leave rest bytes free in a tiny cluster
 * gives way, first our names, then those of others.
 */
static void add_feature_names(struct filling *to, const struct qcow2_header *hdr, size_t rest)
{
	const size_t kept = hdr->more_names.len;
	const size_t whole = N_FEATURES * QCOW2_FEATURE_LEN + kept;
	const size_t len = QCOW2_EXT_DATA + whole + rest <= room(to) ? whole : kept;

	if (hdr->version < 3 || !len || QCOW2_EXT_DATA + len + rest > room(to))
		return;
	uint8_t *row = add_extension(to, QCOW2_EXT_FEATURE_NAMES, len);
	for (size_t i = 0; len == whole && i < N_FEATURES; i++, row += QCOW2_FEATURE_LEN) {
		row[QCOW2_FEATURE_TYPE] = feature_names[i].type;
		row[QCOW2_FEATURE_BIT] = feature_names[i].bit;
		memcpy(row + QCOW2_FEATURE_NAME, feature_names[i].name,
		       strlen(feature_names[i].name));
	}
	if (kept)
		memcpy(row, hdr->more_names.raw, kept);
}

static bool add_bytes(struct filling *to, const struct qcow2_bytes *bytes)
{
	if (bytes->len > room(to))
		return false;
	if (bytes->len)
		memcpy(to->raw + to->at, bytes->raw, bytes->len);
	to->at += bytes->len;
	return true;
}

/* The extensions, an end mark behind them, and the backing name last: §"Header extensions". */
static bool fill_behind_header(struct filling *to, const struct qcow2_header *hdr)
{
	const size_t backing_len = hdr->backing ? strlen(hdr->backing) : 0;
	const size_t bitmaps_len = hdr->n_bitmaps ? QCOW2_EXT_DATA + QCOW2_BITMAPS_LEN : 0;
	const size_t rest = bitmaps_len + hdr->more_extensions.len + QCOW2_EXT_DATA + backing_len;

	if ((hdr->version >= 3 && !add_bytes(to, &hdr->more_fields)) ||
	    !add_text(to, QCOW2_EXT_BACKING_FORMAT, hdr->backing_format) ||
	    !add_text(to, QCOW2_EXT_DATA_FILE, hdr->data_file) || !add_crypt(to, hdr))
		return false;
	add_feature_names(to, hdr, rest);
	if (!add_bytes(to, &hdr->more_extensions) || !add_bitmaps(to, hdr) ||
	    QCOW2_EXT_DATA + backing_len > room(to))
		return false;
	to->at += QCOW2_EXT_DATA;
	if (hdr->backing) {
		img_put_be64(to->raw + QCOW2_HDR_BACKING_OFF, to->at);
		img_put_be32(to->raw + QCOW2_HDR_BACKING_LEN, (uint32_t)backing_len);
		memcpy(to->raw + to->at, hdr->backing, backing_len);
	}
	return true;
}

void qcow2_header_put_numbers(const struct qcow2_header *hdr, uint8_t *raw)
{
	img_put_be64(raw + QCOW2_HDR_SIZE, hdr->size);
	img_put_be32(raw + QCOW2_HDR_L1_ENTRIES, hdr->l1_entries);
	img_put_be64(raw + QCOW2_HDR_L1_OFF, hdr->l1_off);
	img_put_be64(raw + QCOW2_HDR_REFTABLE_OFF, hdr->reftable_off);
	img_put_be32(raw + QCOW2_HDR_REFTABLE_CLUSTERS, hdr->reftable_clusters);
	img_put_be32(raw + QCOW2_HDR_SNAPSHOTS, hdr->n_snapshots);
	img_put_be64(raw + QCOW2_HDR_SNAPSHOTS_OFF, hdr->snapshots_off);
	if (hdr->version < 3)
		return;
	img_put_be64(raw + QCOW2_HDR_INCOMPATIBLE, hdr->incompatible);
	img_put_be64(raw + QCOW2_HDR_COMPATIBLE, hdr->compatible);
	img_put_be64(raw + QCOW2_HDR_AUTOCLEAR, hdr->autoclear);
	img_put_be32(raw + QCOW2_HDR_REFCOUNT_ORDER, hdr->refcount_order);
}

static void fill_header(const struct qcow2_header *hdr, uint8_t *raw)
{
	img_put_be32(raw + QCOW2_HDR_MAGIC, QCOW2_MAGIC);
	img_put_be32(raw + QCOW2_HDR_VERSION, hdr->version);
	img_put_be32(raw + QCOW2_HDR_CLUSTER_BITS, hdr->cluster_bits);
	img_put_be32(raw + QCOW2_HDR_CRYPT, hdr->crypt);
	qcow2_header_put_numbers(hdr, raw);
	if (hdr->version < 3)
		return;
	img_put_be32(raw + QCOW2_HDR_LEN, (uint32_t)(QCOW2_HDR_OUR_LEN + hdr->more_fields.len));
	raw[QCOW2_HDR_COMPRESSION] = (uint8_t)hdr->compression;
}

bool qcow2_header_encode(const struct qcow2_header *hdr, uint8_t *raw, size_t len,
			 struct img_err *err)
{
	struct filling to = { .raw = raw, .len = len };

	if (!qcow2_header_validate(hdr, err))
		return false;
	assert(len == UINT64_C(1) << hdr->cluster_bits);
	if (hdr->backing && strlen(hdr->backing) > QCOW2_BACKING_MAX)
		return img_fail(err, IMG_E_RANGE,
				_("the backing file name is longer than %d bytes"),
				QCOW2_BACKING_MAX);
	memset(raw, 0, len);
	fill_header(hdr, raw);
	to.at = hdr->version < 3 ? QCOW2_HDR_V2_LEN : QCOW2_HDR_OUR_LEN;
	if (!fill_behind_header(&to, hdr))
		return img_fail(err, IMG_E_RANGE,
				_("the names of other files do not fit in a first cluster of %zu "
				  "bytes"), len);
	return true;
}
