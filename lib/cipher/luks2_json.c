/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of the JSON area; see luks2_json.h. */
#include "cipher/luks2_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cipher/libcrypto.h"

enum {
	DEPTH = 16,		/* LUKS2 needs six */
	BASE64_MAX = 1024,	/* characters; the longest salt has 88 */
};

/* ---- Reading ------------------------------------------------------------------------------------- */

struct json_object *img_luks2_json_parse(const char *text, size_t len, struct img_err *err)
{
	struct json_tokener *tokener;
	struct json_object *root = NULL;

	if (!memchr(text, '\0', len)) {
		img_fail(err, IMG_E_CORRUPT, _("the JSON area has no end"));
		return NULL;
	}
	tokener = json_tokener_new_ex(DEPTH);
	if (!tokener) {
		img_fail_nomem(err, len);
		return NULL;
	}
	/* With the NUL, so that a number at the end is over. */
	root = json_tokener_parse_ex(tokener, text, (int)strlen(text) + 1);
	if (json_tokener_get_error(tokener) != json_tokener_success ||
	    !json_object_is_type(root, json_type_object)) {
		img_fail(err, IMG_E_CORRUPT, _("the JSON area holds no JSON object"));
		json_object_put(root);
		root = NULL;
	}
	json_tokener_free(tokener);
	return root;
}

static bool get(struct json_object *map, const char *key, json_type type, struct json_object **out,
		struct img_err *err)
{
	struct json_object *value;

	if (!json_object_object_get_ex(map, key, &value))
		return img_fail(err, IMG_E_CORRUPT, _("there is no \"%s\""), key);
	if (!json_object_is_type(value, type))
		return img_fail(err, IMG_E_CORRUPT, _("\"%s\" is a %s instead of a %s"), key,
				json_type_to_name(json_object_get_type(value)),
				json_type_to_name(type));
	*out = value;
	return true;
}

bool img_luks2_json_map(struct json_object *map, const char *key, struct json_object **out,
			struct img_err *err)
{
	return get(map, key, json_type_object, out, err);
}

bool img_luks2_json_list(struct json_object *map, const char *key, struct json_object **out,
			 struct img_err *err)
{
	return get(map, key, json_type_array, out, err);
}

bool img_luks2_json_text(struct json_object *map, const char *key, const char **out,
			 struct img_err *err)
{
	struct json_object *value;

	if (!get(map, key, json_type_string, &value, err))
		return false;
	*out = json_object_get_string(value);
	return true;
}

bool img_luks2_json_u64(struct json_object *map, const char *key, uint64_t *out,
			struct img_err *err)
{
	const char *text;
	char *end;
	unsigned long long value;

	if (!img_luks2_json_text(map, key, &text, err))
		return false;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (!*text || strspn(text, "0123456789") != strlen(text) || errno)
		return img_fail(err, IMG_E_CORRUPT, _("\"%s\" is \"%s\", which is no number"), key,
				text);
	*out = value;
	return true;
}

bool img_luks2_json_u32(struct json_object *map, const char *key, uint32_t *out,
			struct img_err *err)
{
	struct json_object *value;
	int64_t number;

	if (!get(map, key, json_type_int, &value, err))
		return false;
	number = json_object_get_int64(value);
	if (number < 0 || number > UINT32_MAX)
		return img_fail(err, IMG_E_CORRUPT, _("\"%s\" is %" PRId64), key, number);
	*out = (uint32_t)number;
	return true;
}

/* The bytes of text[0, len) in base64, in out, which has room for len / 4 * 3; -1: it is none. */
static long decode_base64(const char *text, size_t len, uint8_t *out, struct img_err *err)
{
	IMG_AUTO_LIBCRYPTO struct img_libcrypto lc = { 0 };
	const size_t padding = len < 2 ? 0 : (text[len - 1] == '=') + (text[len - 2] == '=');
	long got;

	if (!img_libcrypto_load(&lc, err))
		return -1;
	got = lc.base64_decode(out, (const unsigned char *)text, (int)len);
	return got < (long)padding ? -1 : got - (long)padding;
}

bool img_luks2_json_bytes(struct json_object *map, const char *key, uint8_t *out, size_t cap,
			  size_t *len, struct img_err *err)
{
	uint8_t bytes[BASE64_MAX / 4 * 3];
	const char *text;
	long got = -1;

	if (!img_luks2_json_text(map, key, &text, err))
		return false;
	if (strlen(text) <= BASE64_MAX && strlen(text) % 4 == 0)
		got = decode_base64(text, strlen(text), bytes, err);
	if (got < 1 || (size_t)got > cap)
		return img_fail(err, IMG_E_CORRUPT, _("\"%s\" is no base64 of 1 to %zu bytes"), key,
				cap);
	memcpy(out, bytes, (size_t)got);
	*len = (size_t)got;
	return true;
}

bool img_luks2_json_lists(struct json_object *list, const char *text)
{
	if (!json_object_is_type(list, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);

		if (json_object_is_type(item, json_type_string) &&
		    !strcmp(json_object_get_string(item), text))
			return true;
	}
	return false;
}

/* ---- Adding -------------------------------------------------------------------------------------- */

bool img_luks2_json_put(struct json_object *map, const char *key, struct json_object *value,
			struct img_err *err)
{
	if (value && json_object_object_add(map, key, value) == 0)
		return true;
	json_object_put(value);
	return img_fail_nomem(err, strlen(key));
}

bool img_luks2_json_put_u64(struct json_object *map, const char *key, uint64_t value,
			    struct img_err *err)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return img_luks2_json_put(map, key, json_object_new_string(text), err);
}

bool img_luks2_json_put_bytes(struct json_object *map, const char *key, const uint8_t *bytes,
			      size_t len, struct img_err *err)
{
	IMG_AUTO_LIBCRYPTO struct img_libcrypto lc = { 0 };
	char text[BASE64_MAX];

	if (len > sizeof(text) / 4 * 3 - 3)
		return img_fail(err, IMG_E_RANGE, _("%zu bytes are too many"), len);
	if (!img_libcrypto_load(&lc, err))
		return false;
	lc.base64_encode((unsigned char *)text, bytes, (int)len);
	return img_luks2_json_put(map, key, json_object_new_string(text), err);
}
