/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of images on a Ceph cluster, as QEMU has them:
 *
 *	rbd:POOL[/NAMESPACE]/IMAGE[@SNAPSHOT][:NAME=VALUE]...
 *
 * A backslash takes the meaning from the character behind it.  NAME is "id", "conf", or a setting of
 * librados.
 */
#ifndef IMG_STORE_RBD_NAME_H
#define IMG_STORE_RBD_NAME_H

#include "libimg.h"

struct img_rbd_setting {
	char *name, *value;
};

struct img_rbd_name {			/* all owned */
	char *pool, *image;
	char *space;			/* namespace in the pool, or NULL */
	char *snapshot;			/* or NULL */
	char *id;			/* of the client, without "client."; or NULL */
	char *conf;			/* file with the configuration, or NULL */
	struct img_rbd_setting *settings;
	size_t n_settings, cap;
};

/* IMG_E_ARGUMENT: it is no such name.  To be cleared even on failure. */
bool img_rbd_name_parse(const char *text, struct img_rbd_name *out, struct img_err *err)
	IMG_MUST_CHECK;
void img_rbd_name_clear(struct img_rbd_name *name);
/* Where in text, which is such a name, IMAGE stands; *len bytes, as they are written. */
const char *img_rbd_name_find(const char *text, size_t *len);
/*
 * The name of the image called so that lies beside the one that text names: in the same pool and namespace,
 * reached by the same settings.  The caller frees it.
 */
char *img_rbd_name_beside(const char *text, const char *image, struct img_err *err);
/* As img_rbd_name_beside(), of the one whose name has the suffix behind IMAGE's; it needs no backslash. */
char *img_rbd_name_append(const char *text, const char *suffix, struct img_err *err);
/*
 * The id that arguments of Ceph's programs (of CEPH_ARGS) say: --id X, -n client.X and the like, which
 * librados leaves to its callers.  The caller frees it.  NULL: none, or memory is out (err->code).
 */
char *img_rbd_id_of_args(const char *args, struct img_err *err);
/* In the same way, the configuration: -c FILE and the like.  An empty one stands for none. */
char *img_rbd_conf_of_args(const char *args, struct img_err *err);

#endif
