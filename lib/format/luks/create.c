/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new image: what may be asked for, and the header that follows from it. */
#include "base/mem.h"
#include "format/luks/new.h"
#include "format/luks_options.h"

const struct img_option luks_create_options[] = {
	{ "version", IMG_OPT_CHOICE, "1|2", "1",
	  N_("of the header; QEMU opens 1 alone") },
	IMG_LUKS_OPTIONS(""),
	{ "pbkdf", IMG_OPT_CHOICE, "pbkdf2|argon2i|argon2id", NULL,
	  N_("what makes a key of the passphrase; version 2: argon2id if not given") },
	{ "sector-size", IMG_OPT_CHOICE, "512|1024|2048|4096", "512",
	  N_("bytes that are enciphered together; more than 512 needs version 2") },
	{ "uuid", IMG_OPT_TEXT, NULL, NULL,
	  N_("UUID of the image; a random one if not given") },
	{ "label", IMG_OPT_TEXT, NULL, NULL,
	  N_("name of the image, for people; needs version 2") },
	{ "header", IMG_OPT_TEXT, NULL, NULL,
	  N_("new file for the header, so that the image holds the data alone") },
	{ "preallocation", IMG_OPT_CHOICE, "off|falloc|full", "off",
	  N_("what is not copied there: nothing; space; zeros, which is what it reads as then") },
	{ NULL },
};

static bool read_wish(const struct img_layer_create *what, struct img_luks_wish *wish,
		      struct img_err *err)
{
	if (!img_luks_wish_make_file(what->settings, wish, err))
		return false;
	if (what->counted)
		wish->what.iter_ms = LUKS_ITER_MS_LEAST;
	wish->what.detached = img_settings_given(what->settings, "header");
	wish->what.key = what->key;
	return what->key ||
	       img_fail(err, IMG_E_KEY, _("the image is to be encrypted, and no key was given"));
}

/* Header and key slots are written here and there; a pipe gets them in one piece. */
static bool write_header_to_pipe(struct img_layer *ly, const struct img_luks_new *what,
				 struct img_luks_volume *volume, struct img_err *err)
{
	struct img_store *mem = img_store_mem(NULL, 0, err);
	IMG_AUTO_FREE uint8_t *bytes = NULL;
	uint64_t len;
	bool ok = mem && img_luks_format(mem, 0, what, volume, &len, err) &&
		  img_store_resize(mem, volume->payload_at, err);

	if (ok) {
		bytes = img_alloc_aligned(volume->payload_at, err);
		ok = bytes && img_store_read(mem, 0, bytes, volume->payload_at, err) &&
		     img_store_write(ly->store, 0, bytes, volume->payload_at, err);
	}
	img_store_close(mem);
	return ok;
}

static bool write_header(struct img_layer *ly, const struct img_luks_new *what,
			 struct img_luks_volume *volume, struct img_err *err)
{
	struct img_store *to = luks_header(ly);
	uint64_t len;

	if (!(to->caps & IMG_STORE_SEEK))
		return write_header_to_pipe(ly, what, volume, err);
	return img_luks_format(to, 0, what, volume, &len, err);
}

/* Where the user wants one: a file for the header. */
static bool create_header_file(struct img_layer *ly, const struct img_layer_create *what,
			       struct img_err *err)
{
	const struct img_reference ref = {
		.kind = IMG_REF_HEADER, .name = img_settings_text(what->settings, "header"),
	};

	return !ref.name || what->opener->create(what->opener, &ref, &ly->header, err);
}

bool luks_create(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err)
{
	struct img_luks_wish wish;
	struct luks *luks;

	if (what->compressed)
		return img_fail(err, IMG_E_UNSUPPORTED, _("LUKS images cannot be compressed"));
	if (!read_wish(what, &wish, err))
		return false;
	luks = img_calloc(1, sizeof(*luks), err);
	ly->priv = luks;
	if (!luks)
		return false;
	luks->fresh = img_calloc(1, sizeof(*luks->fresh), err);
	if (!luks->fresh || !create_header_file(ly, what, err) ||
	    !write_header(ly, &wish.what, &luks->volume, err)) {
		img_format_luks.close(ly);
		return false;
	}
	luks->fresh->preallocation = img_settings_preallocation(what->settings);
	ly->size = what->size;
	ly->unit = luks->volume.sector;
	ly->encrypted = ly->stores_zeros = true;
	return true;
}
