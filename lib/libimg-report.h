/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The part of libimg.h that is about reports; not to be included alone. */
#ifndef LIBIMG_REPORT_H
#define LIBIMG_REPORT_H

#ifndef LIBIMG_H
#error "include libimg.h"
#endif

struct img_node;

enum img_style { IMG_STYLE_HUMAN, IMG_STYLE_JSON, IMG_STYLE_XML };
enum img_unit {
	IMG_UNIT_NONE, IMG_UNIT_BYTES, IMG_UNIT_SECONDS,
	IMG_UNIT_ID,			/* no quantity: people see eight hexadecimal digits */
};

/* A new tree; free with img_node_free().  NULL only when memory is out. */
struct img_node *img_node_root(const char *name);
void img_node_free(struct img_node *root);
/*
 * Children belong to their parent.  parent may be NULL (an earlier allocation failed): the call is
 * then a no-op and returns NULL, and img_report_write() on the root gives IMG_E_NOMEM.  Keys are
 * stable English identifiers with '-' between words; they are copied, as are texts.
 * In a list the key is ignored by JSON and names the element in XML ("extent", "layer").
 */
struct img_node *img_node_map(struct img_node *parent, const char *key);
struct img_node *img_node_list(struct img_node *parent, const char *key);
void img_node_u64(struct img_node *parent, const char *key, uint64_t value, enum img_unit unit);
void img_node_real(struct img_node *parent, const char *key, double value, enum img_unit unit);
void img_node_text(struct img_node *parent, const char *key, const char *value);
void img_node_flag(struct img_node *parent, const char *key, bool value);
/* The human style prints this in place of the key; translated.  Call right after adding. */
void img_node_label(struct img_node *parent, const char *label);

/*
 * Reading it back, for who wants to know and not to show.  Children in their order; branch may be
 * NULL and then has none.  A key that is not there, or is of another type: false, or NULL.
 */
const struct img_node *img_node_first(const struct img_node *branch);
const struct img_node *img_node_next(const struct img_node *node);
const struct img_node *img_node_find(const struct img_node *branch, const char *key);
bool img_node_get_u64(const struct img_node *branch, const char *key, uint64_t *value);
const char *img_node_get_text(const struct img_node *branch, const char *key);	/* borrowed */
bool img_node_get_flag(const struct img_node *branch, const char *key);

/* Errors: IMG_E_NOMEM, IMG_E_IO (out), IMG_E_UNSUPPORTED (XML library not on this machine). */
bool img_report_write(const struct img_node *root, enum img_style style, FILE *out,
		      struct img_err *err) IMG_MUST_CHECK;
/*
 * The same into a file at path, which has that name, and is durable, when all of it is there; until then, and
 * after a failure, what was there stays.  What is no regular file, or is standard output or error, is written
 * as it is.  Errors beside those: IMG_E_ARGUMENT, IMG_E_DENIED, IMG_E_BUSY, for path.
 */
bool img_report_save(const struct img_node *root, enum img_style style, const char *path,
		     struct img_err *err) IMG_MUST_CHECK;

#endif
