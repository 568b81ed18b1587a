/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which disks a box of Vagrant has, by its metadata. */
#include <json-c/json.h>
#include <string.h>
#include "base/mem.h"
#include "libimg-ovf.h"

/* Bytes of metadata, how deep they go, and disks: no box has more. */
enum { MOST_BYTES = 1 << 16, DEPTH = 16, MOST_DISKS = 256 };

struct box {
	struct img_box shown;
	struct json_object *root;	/* names are in it */
	const char *names[MOST_DISKS];
};

static struct json_object *parse(const char *text, size_t len, struct img_err *err)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH);
	struct json_object *root;

	if (!tokener) {
		img_fail(err, IMG_E_NOMEM, _("out of memory while reading JSON"));
		return NULL;
	}
	root = json_tokener_parse_ex(tokener, text, (int)len);
	if (!json_object_is_type(root, json_type_object)) {
		img_fail(err, IMG_E_CORRUPT, _("holds no JSON object"));
		json_object_put(root);
		root = NULL;
	}
	json_tokener_free(tokener);
	return root;
}

static bool read_disk(struct box *box, struct json_object *disk, struct img_err *err)
{
	struct json_object *path;

	if (!json_object_is_type(disk, json_type_object) ||
	    !json_object_object_get_ex(disk, "path", &path) || !json_object_is_type(path, json_type_string))
		return img_fail(err, IMG_E_CORRUPT, _("disk %zu has no path"), box->shown.n_disks + 1);
	box->names[box->shown.n_disks++] = json_object_get_string(path);
	return true;
}

static bool read_disks(struct box *box, struct img_err *err)
{
	struct json_object *disks;
	size_t n;

	box->shown.disks = box->names;
	if (!json_object_object_get_ex(box->root, "disks", &disks))
		return true;
	if (!json_object_is_type(disks, json_type_array))
		return img_fail(err, IMG_E_CORRUPT, _("its disks are no list"));
	n = json_object_array_length(disks);
	if (n > MOST_DISKS)
		return img_fail(err, IMG_E_RANGE, _("has more than %d disks"), MOST_DISKS);
	for (size_t i = 0; i < n; i++)
		if (!read_disk(box, json_object_array_get_idx(disks, i), err))
			return false;
	return true;
}

struct img_box *img_box_read(const void *bytes, size_t len, struct img_err *err)
{
	struct box *box;

	if (len > MOST_BYTES) {
		img_fail(err, IMG_E_RANGE, _("has %zu bytes, more than the %d that are read"), len,
			 MOST_BYTES);
		return NULL;
	}
	box = img_calloc(1, sizeof(*box), err);
	if (!box)
		return NULL;
	box->root = parse(bytes, len, err);
	if (box->root && read_disks(box, err))
		return &box->shown;
	img_box_free(&box->shown);
	return NULL;
}

void img_box_free(struct img_box *shown)
{
	struct box *box = (struct box *)shown;

	if (!box)
		return;
	json_object_put(box->root);
	free(box);
}
