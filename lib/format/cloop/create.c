/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new image: what may be asked for, and what follows from it. */
#include <inttypes.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/cloop/new.h"
#include "format/level.h"

enum {
	LEVEL_ZLIB = 6,			/* that of create_compressed_fs -L6, in size */
	RUN_BYTES = 256 << 10,		/* zeros that are written at once */
};

const struct img_option cloop_create_options[] = {
	{ "version", IMG_OPT_CHOICE, "2.0|4.0", "2.0",
	  N_("version of the format; QEMU and cloop-utils know 2.0 alone") },
	{ "header", IMG_OPT_CHOICE, "first|last", NULL,
	  N_("where header and index are; last, for version 4.0 alone, is good for pipes") },
	{ "block_size", IMG_OPT_SIZE, NULL, "64k",
	  N_("bytes that are compressed together, a power of two from 512 to 64M") },
	{ "compression_type", IMG_OPT_CHOICE, "zlib|none|xz|lz4|lzo", "zlib",
	  N_("how blocks are packed; other ways than zlib need version 4.0") },
	{ "compression_level", IMG_OPT_TEXT, NULL, NULL,
	  N_("effort of compression: 0 to 12 with zlib, 1 to 12 with lz4, 1 to 9 with xz and lzo, "
	     "fastest or best") },
	{ "best_of", IMG_OPT_TEXT, NULL, NULL,
	  N_("other ways, with \"+\" between them, that are tried for each block, which keeps the "
	     "smallest; version 4.0 alone") },
	{ NULL },
};

/* ---- What is asked for ----------------------------------------------------------------------- */

static bool has_version_4(const struct img_settings *set)
{
	return !strcmp(img_settings_text(set, "version"), "4.0");
}

static bool wants_header_last(const struct img_settings *set)
{
	const char *where = img_settings_text(set, "header");

	return where ? !strcmp(where, "last") : has_version_4(set);
}

bool cloop_sequential(const struct img_layer_create *what)
{
	return wants_header_last(what->settings);
}

static bool choose_layout(const struct img_layer_create *what, struct cloop_header *hdr,
			  struct img_err *err)
{
	hdr->version = has_version_4(what->settings) ? CLOOP_V4 : CLOOP_V2;
	hdr->at_end = wants_header_last(what->settings);
	hdr->index_off = CLOOP_HDR_LEN;
	if (hdr->at_end && hdr->version != CLOOP_V4)
		return img_fail(err, IMG_E_ARGUMENT, _("header=last needs version=4.0"));
	if (hdr->at_end && what->in_place)
		return img_fail(err, IMG_E_ARGUMENT,
				_("header=last is not for a device, which goes on behind it"));
	return true;
}

static bool choose_blocks(const struct img_layer_create *what, struct cloop_header *hdr,
			  struct img_err *err)
{
	const uint64_t block = img_settings_number(what->settings, "block_size");

	if (!img_is_pow2(block) || block < CLOOP_SECTOR || block > CLOOP_BLOCK_SIZE_MAX)
		return img_fail(err, IMG_E_ARGUMENT,
				_("block_size is a power of two from 512 to 64M, not %" PRIu64),
				block);
	hdr->block_size = (uint32_t)block;
	if (what->size == IMG_SIZE_UNKNOWN)
		return true;
	if (img_div_up(what->size, block) > UINT32_MAX)
		return img_fail(err, IMG_E_RANGE,
				_("a disk of %" PRIu64 " bytes has too many blocks of %" PRIu64
				  " bytes"), what->size, block);
	hdr->n_blocks = (uint32_t)img_div_up(what->size, block);
	return true;
}

static bool choose_level(const struct img_settings *set, const struct img_codec *codec, int *level,
			 struct img_err *err)
{
	const int usual = codec == &img_codec_zlib ? LEVEL_ZLIB : codec->level_default;

	return img_settings_level(set, codec, usual, level, err);
}

/* The one that the first len characters of name are; false: none. */
static bool find_other(const char *name, size_t len, enum cloop_compressor *id)
{
	for (*id = CLOOP_ZLIB; *id < CLOOP_COMPRESSORS; (*id)++)
		if (*id != CLOOP_NONE && strlen(cloop_compressor_name(*id)) == len &&
		    !strncmp(cloop_compressor_name(*id), name, len))
			return true;
	return false;
}

static bool add_other(const struct img_settings *set, struct cloop_new *fresh, struct img_layer *ly,
		      enum cloop_compressor id, struct img_err *err)
{
	bool twice = id == fresh->compressor;
	size_t i = 0;

	for (; ly->others[i].codec; i++)
		twice |= fresh->others[i] == id;
	if (twice)
		return img_fail(err, IMG_E_ARGUMENT, _("a block is tried once with %s, and not twice"),
				cloop_compressor_name(id));
	fresh->others[i] = id;
	return cloop_codec(id, &ly->others[i].codec, err) &&
	       choose_level(set, ly->others[i].codec, &ly->others[i].level, err);
}

static bool choose_others(const struct img_layer_create *what, struct cloop *c, struct img_layer *ly,
			  struct img_err *err)
{
	const char *text = img_settings_text(what->settings, "best_of");
	enum cloop_compressor id;

	if (!text)
		return true;
	if (c->header.version != CLOOP_V4)
		return img_fail(err, IMG_E_ARGUMENT, _("best_of needs version=4.0"));
	if (!ly->codec)
		return img_fail(err, IMG_E_ARGUMENT, _("compression_type=none compresses nothing"));
	for (size_t len; ; text += len + 1) {
		len = strcspn(text, "+");
		if (!find_other(text, len, &id))
			return img_fail(err, IMG_E_ARGUMENT,
					_("best_of names zlib, xz, lz4 or lzo, not \"%.*s\""),
					(int)len, text);
		if (!add_other(what->settings, c->fresh, ly, id, err))
			return false;
		if (!text[len])
			return true;
	}
}

static bool choose_codec(const struct img_layer_create *what, struct cloop *c,
			 struct img_layer *ly, struct img_err *err)
{
	const char *name = img_settings_text(what->settings, "compression_type");

	c->fresh->compressor = cloop_compressor_named(name);
	if (c->fresh->compressor != CLOOP_ZLIB && c->header.version != CLOOP_V4)
		return img_fail(err, IMG_E_ARGUMENT, _("compression_type=%s needs version=4.0"),
				name);
	if (!cloop_codec(c->fresh->compressor, &ly->codec, err))
		return false;
	if (ly->codec)
		return choose_level(what->settings, ly->codec, &ly->codec_level, err);
	if (what->compressed || img_settings_given(what->settings, "compression_level"))
		return img_fail(err, IMG_E_ARGUMENT, _("compression_type=none compresses nothing"));
	return true;
}

/* ---- Blocks of zeros ------------------------------------------------------------------------- */

static bool pack_zeros(struct cloop_new *fresh, const struct img_layer *ly, uint32_t block_size,
		       struct img_err *err)
{
	const size_t room = cloop_packed_max(block_size);
	IMG_AUTO_FREE uint8_t *block = img_calloc(block_size, 1, err);
	void *cx = block ? ly->codec->open(ly->codec_level, block_size, err) : NULL;

	if (!cx)
		return false;
	fresh->zero = img_calloc(room, 1, err);
	const bool ok = fresh->zero && ly->codec->encode(cx, block, block_size, fresh->zero, room,
							 &fresh->zero_len, err);
	ly->codec->close(cx);
	return ok;
}

static bool make_zeros(struct cloop_new *fresh, const struct img_layer *ly, uint32_t block_size,
		       struct img_err *err)
{
	fresh->zero_len = block_size;
	if (!ly->codec)
		return true;
	if (!pack_zeros(fresh, ly, block_size, err))
		return false;
	fresh->run_blocks = img_max_u64(RUN_BYTES / fresh->zero_len, 1);
	fresh->run = img_calloc(fresh->run_blocks, fresh->zero_len, err);
	for (size_t i = 0; fresh->run && i < fresh->run_blocks; i++)
		memcpy(fresh->run + i * fresh->zero_len, fresh->zero, fresh->zero_len);
	return fresh->run;
}

/* ---- The image ------------------------------------------------------------------------------- */

void cloop_new_free(struct cloop_new *fresh)
{
	if (!fresh)
		return;
	free(fresh->zero);
	free(fresh->run);
	free(fresh->entries);
	free(fresh);
}

static bool start(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err)
{
	struct cloop *c = ly->priv;
	struct cloop_new *fresh = c->fresh;

	if (!choose_layout(what, &c->header, err) || !choose_blocks(what, &c->header, err) ||
	    !choose_codec(what, c, ly, err) || !choose_others(what, c, ly, err) ||
	    !make_zeros(fresh, ly, c->header.block_size, err))
		return false;
	fresh->fresh = (ly->store->caps & IMG_STORE_FRESH) && (ly->store->caps & IMG_STORE_SEEK);
	fresh->size_known = what->size != IMG_SIZE_UNKNOWN;
	fresh->next_host = fresh->end = cloop_data_off(&c->header);
	ly->size = what->size;
	ly->unit = c->header.block_size;
	/* Before version 4.0 a block cannot be plain; later ones are when they get no smaller. */
	ly->framing.always = c->header.version != CLOOP_V4;
	ly->framing.unasked = ly->codec;
	ly->takes_plain = !ly->codec && fresh->fresh;
	return true;
}

bool cloop_create(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err)
{
	struct cloop *c = img_calloc(1, sizeof(*c), err);

	ly->priv = c;
	if (c)
		c->fresh = img_calloc(1, sizeof(*c->fresh), err);
	if (c && c->fresh && start(ly, what, err))
		return true;
	cloop_free(c);
	ly->priv = NULL;
	return false;
}
