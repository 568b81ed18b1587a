/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the JSON of LUKS2 says of the data.  LUKS2 §"Segments Object", §"Config Object" */
#include <inttypes.h>
#include <string.h>
#include "base/num.h"
#include "cipher/luks2.h"

/* What only a program that knows of it may touch: a re-encryption that is not done, for instance. */
static bool has_no_requirements(const struct luks2 *lk, struct img_err *err)
{
	struct json_object *all, *mandatory;
	const char *name;

	if (!json_object_object_get_ex(lk->config, "requirements", &all) ||
	    !json_object_object_get_ex(all, "mandatory", &mandatory) ||
	    !json_object_is_type(mandatory, json_type_array) ||
	    json_object_array_length(mandatory) == 0)
		return true;
	name = json_object_get_string(json_object_array_get_idx(mandatory, 0));
	return img_fail(err, IMG_E_UNSUPPORTED, _("the header demands \"%s\", which is not known here"),
			name ? name : "");
}

bool luks2_find_segment(const struct luks2 *lk, const char **number, struct json_object **out,
			struct img_err *err)
{
	if (!has_no_requirements(lk, err))
		return false;
	if (json_object_object_length(lk->segments) != 1)
		return img_fail(err, IMG_E_UNSUPPORTED, _("%d segments instead of one"),
				json_object_object_length(lk->segments));
	json_object_object_foreach(lk->segments, id, segment) {
		*number = id;
		*out = segment;
	}
	return true;
}

/* *len: 0 when the data go on to the end. */
static bool get_size(struct json_object *segment, uint64_t *len, struct img_err *err)
{
	const char *text;

	*len = 0;
	if (!img_luks2_json_text(segment, "size", &text, err))
		return false;
	if (!strcmp(text, "dynamic"))
		return true;
	if (!img_luks2_json_u64(segment, "size", len, err))
		return false;
	return *len || img_fail(err, IMG_E_CORRUPT, _("the data have no bytes"));
}

static bool validate_data(const struct img_luks_data *data, struct img_err *err)
{
	if (!img_is_pow2(data->sector) || data->sector < IMG_LUKS_SECTOR || data->sector > 4096)
		return img_fail(err, IMG_E_CORRUPT, _("sectors of %" PRIu32 " bytes"), data->sector);
	if (data->at > INT64_MAX || data->len > INT64_MAX - data->at)
		return img_fail(err, IMG_E_RANGE, _("an offset is out of range"));
	if (data->at % IMG_LUKS_SECTOR || data->len % data->sector)
		return img_fail(err, IMG_E_CORRUPT,
				_("the data at 0x%" PRIx64 ", 0x%" PRIx64
				  " bytes, are no whole sectors"), data->at, data->len);
	return true;
}

bool luks2_data(const struct img_luks *base, struct img_luks_data *out, struct img_err *err)
{
	const struct luks2 *lk = (const struct luks2 *)base;
	struct img_luks_data data = { .key_len = lk->key_len };
	struct json_object *segment;
	const char *number, *type, *name;

	if (!luks2_find_segment(lk, &number, &segment, err) ||
	    !img_luks2_json_text(segment, "type", &type, err))
		return false;
	if (strcmp(type, "crypt") != 0 || json_object_object_get_ex(segment, "integrity", NULL))
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("segment %s is not only enciphered, but \"%s\" or with integrity"),
				number, type);
	if (!img_luks2_json_u64(segment, "offset", &data.at, err) || !get_size(segment, &data.len, err) ||
	    !img_luks2_json_u64(segment, "iv_tweak", &data.iv_first, err) ||
	    !img_luks2_json_u32(segment, "sector_size", &data.sector, err) ||
	    !img_luks2_json_text(segment, "encryption", &name, err) ||
	    !luks2_split_name(name, ((struct luks2 *)base)->data_encryption, &data.cipher, &data.mode,
			      err) ||
	    !validate_data(&data, err))
		return false;
	*out = data;
	return true;
}
