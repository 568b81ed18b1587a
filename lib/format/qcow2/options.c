/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What may be asked of a new image, and which wishes do not go together. */
#include "format/qcow2/wish.h"

#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "format/level.h"

const struct img_option qcow2_create_options[] = {
	{ "compat", IMG_OPT_CHOICE, "0.10|v2|1.1|v3", "1.1",
	  N_("version of the format: 0.10 (v2) or 1.1 (v3)") },
	{ "cluster_size", IMG_OPT_SIZE, NULL, "64k",
	  N_("bytes that are allocated together, 512 to 2M") },
	{ "refcount_bits", IMG_OPT_NUMBER, NULL, "16",
	  N_("width of a reference count: 1, 2, 4, 8, 16, 32 or 64") },
	{ "extended_l2", IMG_OPT_FLAG, NULL, "off",
	  N_("divide clusters into 32 parts that are allocated one by one") },
	{ "preallocation", IMG_OPT_CHOICE, "off|metadata|falloc|full", "off",
	  N_("what is allocated at once: tables, space for the data, written space") },
	{ "data_file", IMG_OPT_TEXT, NULL, NULL,
	  N_("file that takes the data; the image holds only the tables") },
	{ "data_file_raw", IMG_OPT_FLAG, NULL, "off",
	  N_("keep the data file readable as a raw image") },
	{ "compression_type", IMG_OPT_CHOICE, "zlib|deflate|zstd", "zlib",
	  N_("how compressed clusters are packed; deflate is zlib by its other name") },
	{ "compression_level", IMG_OPT_TEXT, NULL, NULL,
	  N_("effort of compression: 0 to 12 with zlib, 1 to 22 with zstd, fastest or best") },
	{ "deflate_window", IMG_OPT_CHOICE, "12|15", "15",
	  N_("bits of the zlib window; 12 for readers that stream through 4 KiB") },
	{ "lazy_refcounts", IMG_OPT_FLAG, NULL, "off",
	  N_("let users of the image postpone updates of reference counts") },
	{ "backing_file", IMG_OPT_TEXT, NULL, NULL,
	  N_("image that shows through where this one holds nothing") },
	{ "backing_fmt", IMG_OPT_TEXT, NULL, NULL, N_("format of the backing file") },
	{ "encrypt.format", IMG_OPT_CHOICE, "luks|aes", NULL,
	  N_("encrypt the data: luks; aes is weak, and for old programs only") },
	IMG_LUKS_OPTIONS("encrypt."),
	{ NULL, IMG_OPT_TEXT, NULL, NULL, NULL },
};

static bool refuse(struct img_err *err, const char *sentence)
{
	return img_fail(err, IMG_E_ARGUMENT, "%s", sentence);
}

/* ---- One option each -------------------------------------------------------------------------- */

static bool read_cluster_size(const struct img_settings *set, struct qcow2_header *hdr,
			      struct img_err *err)
{
	const uint64_t size = img_settings_number(set, "cluster_size");

	if (!img_is_pow2(size) || size < 1u << QCOW2_CLUSTER_BITS_MIN ||
	    size > 1u << QCOW2_CLUSTER_BITS_MAX)
		return refuse(err, _("the cluster size must be a power of two from 512 to 2M"));
	hdr->cluster_bits = (unsigned)__builtin_ctzll(size);
	return true;
}

static bool read_refcount_bits(const struct img_settings *set, struct qcow2_header *hdr,
			       struct img_err *err)
{
	const uint64_t bits = img_settings_number(set, "refcount_bits");

	if (!img_is_pow2(bits) || bits > 1u << QCOW2_REFCOUNT_ORDER_MAX)
		return refuse(err, _("the width of reference counts must be a power of two "
				     "up to 64"));
	hdr->refcount_order = (unsigned)__builtin_ctzll(bits);
	return true;
}

/* A text that an option says, or the caller (given, may be NULL), or both if they agree. */
static bool read_text(const struct img_settings *set, const char *name, const char *given,
		      char **out, struct img_err *err)
{
	const char *text = img_settings_text(set, name);

	if (text && given && strcmp(text, given))
		return img_fail(err, IMG_E_ARGUMENT, _("%s=%s contradicts \"%s\""), name, text,
				given);
	if (!text)
		text = given;
	if (text && !*text)
		return img_fail(err, IMG_E_ARGUMENT, _("%s must not be empty"), name);
	if (text)
		*out = img_strdup(text, err);
	return !text || *out;
}

static enum qcow2_preallocation preallocation_named(const char *name)
{
	static const char *const names[] = {
		[QCOW2_PREALLOC_OFF] = "off",
		[QCOW2_PREALLOC_METADATA] = "metadata",
		[QCOW2_PREALLOC_FALLOC] = "falloc",
		[QCOW2_PREALLOC_FULL] = "full",
	};
	unsigned how = QCOW2_PREALLOC_OFF;

	while (strcmp(names[how], name))
		how++;
	return how;
}

static void read_features(const struct img_settings *set, struct qcow2_header *hdr)
{
	const char *compat = img_settings_text(set, "compat");

	hdr->version = !strcmp(compat, "0.10") || !strcmp(compat, "v2") ? 2 : 3;
	if (img_settings_flag(set, "extended_l2"))
		hdr->incompatible |= QCOW2_INCOMPATIBLE_EXTENDED_L2;
	if (img_settings_flag(set, "lazy_refcounts"))
		hdr->compatible |= QCOW2_COMPATIBLE_LAZY_REFCOUNTS;
	if (img_settings_flag(set, "data_file_raw"))
		hdr->autoclear |= QCOW2_AUTOCLEAR_DATA_FILE_RAW;
	if (hdr->data_file)
		hdr->incompatible |= QCOW2_INCOMPATIBLE_DATA_FILE;
	if (!strcmp(img_settings_text(set, "compression_type"), "zstd")) {
		hdr->compression = QCOW2_COMPRESSION_ZSTD;
		hdr->incompatible |= QCOW2_INCOMPATIBLE_COMPRESSION;
	}
}

static bool read_settings(const struct img_layer_create *what, struct qcow2_wish *wish,
			  struct img_err *err)
{
	const struct img_settings *set = what->settings;
	struct qcow2_header *hdr = &wish->header;

	if (!read_cluster_size(set, hdr, err) || !read_refcount_bits(set, hdr, err) ||
	    !read_text(set, "data_file", NULL, &hdr->data_file, err) ||
	    !read_text(set, "backing_file", what->backing, &hdr->backing, err) ||
	    !read_text(set, "backing_fmt", what->backing_format, &hdr->backing_format, err))
		return false;
	read_features(set, hdr);
	wish->preallocation = preallocation_named(img_settings_text(set, "preallocation"));
	/* A raw data file is read without the tables, so these may leave nothing out. */
	if ((hdr->autoclear & QCOW2_AUTOCLEAR_DATA_FILE_RAW) && !wish->preallocation)
		wish->preallocation = QCOW2_PREALLOC_METADATA;
	return true;
}

static bool read_encryption(const struct img_layer_create *what, struct qcow2_wish *wish,
			    struct img_err *err)
{
	const char *format = img_settings_text(what->settings, "encrypt.format");

	if (format && !what->key)
		return img_fail(err, IMG_E_KEY,
				_("the image is to be encrypted, and no key was given"));
	if (format && !strcmp(format, "luks")) {
		wish->header.crypt = QCOW2_CRYPT_LUKS;
		if (!img_luks_wish_make(what->settings, "encrypt.", &wish->luks, err))
			return false;
		if (what->counted)
			wish->luks.what.iter_ms = LUKS_ITER_MS_LEAST;
		return true;
	}
	wish->header.crypt = format ? QCOW2_CRYPT_AES : QCOW2_CRYPT_NONE;
	return img_luks_wish_none(what->settings, "encrypt.", err);
}

static bool choose_codec(const struct img_settings *set, struct qcow2_wish *wish,
			 struct img_err *err)
{
	const bool zstd = wish->header.compression == QCOW2_COMPRESSION_ZSTD;
	const bool narrow = !strcmp(img_settings_text(set, "deflate_window"), "12");
	const char *name = zstd ? "zstd" : narrow ? "deflate12" : "deflate";
	const struct img_codec *codec = img_codec_named(name);

	if (narrow && zstd)
		return refuse(err, _("deflate_window has no meaning with zstd"));
	if (!codec)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("this build has no compression \"%s\""), name);
	wish->codec = codec;
	return img_settings_level(set, codec, codec->level_default, &wish->codec_level, err);
}

/* ---- What does not go together ---------------------------------------------------------------- */

/* Features that came with version 3. */
static bool check_version(const struct qcow2_header *hdr, struct img_err *err)
{
	if (hdr->version > 2)
		return true;
	if (hdr->refcount_order != QCOW2_REFCOUNT_ORDER_V2)
		return refuse(err, _("version 2 images have reference counts of 16 bits; "
				     "other widths need compat=1.1"));
	if (hdr->compatible & QCOW2_COMPATIBLE_LAZY_REFCOUNTS)
		return refuse(err, _("lazy_refcounts needs compat=1.1"));
	if (hdr->incompatible & QCOW2_INCOMPATIBLE_EXTENDED_L2)
		return refuse(err, _("extended_l2 needs compat=1.1"));
	if (hdr->data_file)
		return refuse(err, _("an external data file needs compat=1.1"));
	if (hdr->compression != QCOW2_COMPRESSION_DEFLATE)
		return refuse(err, _("compression_type=zstd needs compat=1.1"));
	return true;
}

static bool check_files(const struct qcow2_header *hdr, struct img_err *err)
{
	const bool raw = hdr->autoclear & QCOW2_AUTOCLEAR_DATA_FILE_RAW;

	if (raw && !hdr->data_file)
		return refuse(err, _("data_file_raw needs data_file"));
	if (raw && hdr->backing)
		return refuse(err, _("a raw data file cannot stand on a backing file"));
	if (hdr->backing_format && !hdr->backing)
		return refuse(err, _("backing_fmt needs backing_file"));
	if (hdr->backing && strlen(hdr->backing) > QCOW2_BACKING_MAX)
		return img_fail(err, IMG_E_ARGUMENT,
				_("the name of the backing file is longer than %d bytes"),
				QCOW2_BACKING_MAX);
	return true;
}

static bool check_allocation(const struct qcow2_wish *wish, bool compressed, struct img_err *err)
{
	const struct qcow2_header *hdr = &wish->header;
	const bool extended = hdr->incompatible & QCOW2_INCOMPATIBLE_EXTENDED_L2;

	if (extended && hdr->cluster_bits < QCOW2_CLUSTER_BITS_EXTENDED)
		return refuse(err, _("extended_l2 needs clusters of at least 16k"));
	if (wish->preallocation && hdr->backing && !extended)
		return refuse(err, _("preallocation would hide the backing file "
				     "unless extended_l2 is on"));
	if (compressed && hdr->data_file)
		return refuse(err, _("an external data file cannot hold compressed clusters"));
	if (compressed && wish->preallocation)
		return refuse(err, _("what will be compressed cannot be preallocated"));
	return true;
}

/* Of zeros that an entry cannot tell of, what is deciphered is not zero. */
static bool check_encryption(const struct qcow2_wish *wish, bool compressed, struct img_err *err)
{
	const struct qcow2_header *hdr = &wish->header;

	if (hdr->crypt == QCOW2_CRYPT_NONE)
		return true;
	if (compressed)
		return refuse(err, _("an encrypted image cannot hold compressed clusters"));
	if (hdr->autoclear & QCOW2_AUTOCLEAR_DATA_FILE_RAW)
		return refuse(err, _("a raw data file cannot be encrypted"));
	if (hdr->version < 3 && (hdr->backing || wish->preallocation))
		return refuse(err, _("an encrypted image that is preallocated or stands on a backing "
				     "file needs compat=1.1"));
	return true;
}

static bool check_size(const struct qcow2_wish *wish, uint64_t size, struct img_err *err)
{
	struct qcow2_geometry geo;

	if (size == IMG_SIZE_UNKNOWN)
		return !wish->preallocation ||
		       refuse(err, _("preallocation needs a disk whose size is known beforehand"));
	qcow2_geometry_init(&geo, &wish->header);
	if (qcow2_l1_needed(&geo, size) > QCOW2_L1_BYTES_MAX / 8)
		return img_fail(err, IMG_E_RANGE,
				_("the disk is too large for clusters of %u bytes; "
				  "larger ones allow more"), 1u << geo.cluster_bits);
	return true;
}

static bool check_pipe(const struct qcow2_wish *wish, bool compressed, struct img_err *err)
{
	if (compressed || wish->preallocation || wish->header.data_file || wish->header.crypt)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("only a plain image without preallocation and data file "
				  "can be written to a pipe"));
	/* Version 2 has zeros only as data, which nobody has announced. */
	if (wish->header.backing && wish->header.version == 2)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("a version 2 image with a backing file cannot be written "
				  "to a pipe"));
	return true;
}

bool qcow2_wish_make(const struct img_layer_create *what, bool can_seek, struct qcow2_wish *wish,
		     struct img_err *err)
{
	return read_settings(what, wish, err) && choose_codec(what->settings, wish, err) &&
	       check_version(&wish->header, err) && check_files(&wish->header, err) &&
	       check_allocation(wish, what->compressed, err) &&
	       read_encryption(what, wish, err) && check_encryption(wish, what->compressed, err) &&
	       check_size(wish, what->size, err) &&
	       (can_seek || check_pipe(wish, what->compressed, err));
}
