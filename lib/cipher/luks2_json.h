/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values of the JSON area of a LUKS2 header.  Each function that reads fails with IMG_E_CORRUPT and the
 * name of what is missing or of another kind; texts are borrowed from the tree.
 */
#ifndef IMG_CIPHER_LUKS2_JSON_H
#define IMG_CIPHER_LUKS2_JSON_H

#include <json.h>
#include "libimg.h"

/* text[0, len) holds a text that ends with NUL; release with json_object_put(). */
struct json_object *img_luks2_json_parse(const char *text, size_t len, struct img_err *err);
bool img_luks2_json_map(struct json_object *map, const char *key, struct json_object **out,
			struct img_err *err) IMG_MUST_CHECK;
bool img_luks2_json_list(struct json_object *map, const char *key, struct json_object **out,
			 struct img_err *err) IMG_MUST_CHECK;
bool img_luks2_json_text(struct json_object *map, const char *key, const char **out,
			 struct img_err *err) IMG_MUST_CHECK;
/* LUKS2 writes offsets and lengths as texts of decimal digits. */
bool img_luks2_json_u64(struct json_object *map, const char *key, uint64_t *out,
			struct img_err *err) IMG_MUST_CHECK;
/* All else are numbers. */
bool img_luks2_json_u32(struct json_object *map, const char *key, uint32_t *out,
			struct img_err *err) IMG_MUST_CHECK;
/* Base64 of 1 to cap bytes. */
bool img_luks2_json_bytes(struct json_object *map, const char *key, uint8_t *out, size_t cap,
			  size_t *len, struct img_err *err) IMG_MUST_CHECK;
/* Whether a list of texts, or what is no list, holds text. */
bool img_luks2_json_lists(struct json_object *list, const char *text);

/* Adding.  IMG_E_NOMEM.  The map takes value over, which may be NULL when memory was out. */
bool img_luks2_json_put(struct json_object *map, const char *key, struct json_object *value,
			struct img_err *err) IMG_MUST_CHECK;
bool img_luks2_json_put_u64(struct json_object *map, const char *key, uint64_t value,
			    struct img_err *err) IMG_MUST_CHECK;
bool img_luks2_json_put_bytes(struct json_object *map, const char *key, const uint8_t *bytes,
			      size_t len, struct img_err *err) IMG_MUST_CHECK;

#endif
