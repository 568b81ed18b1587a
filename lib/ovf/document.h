/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * XML that anybody may have written, as a tree in memory: nothing but its own bytes is read, no entity
 * is expanded, and size and depth have limits.
 */
#ifndef IMG_OVF_DOCUMENT_H
#define IMG_OVF_DOCUMENT_H

#include <libxml/tree.h>
#include "libimg.h"

/* Bytes of a document, whose tree may take 35 times that; large appliances have a few hundred thousand. */
enum { OVF_DOCUMENT_MOST = 4 << 20 };

struct ovf_document;
/*
 * Copies nothing that the caller must keep.  IMG_E_CORRUPT: it is no XML; IMG_E_UNSUPPORTED: it has a
 * document type, in which entities are defined, or libxml2 is not there; IMG_E_RANGE: it is too long.
 */
struct ovf_document *ovf_document_read(const void *bytes, size_t len, struct img_err *err);
/* Accepts NULL. */
void ovf_document_free(struct ovf_document *doc);

/* An element; lives as long as the document. */
xmlNode *ovf_document_root(const struct ovf_document *doc);
/* The first element of that name in node, whatever its namespace; NULL: there is none. */
xmlNode *ovf_child(const xmlNode *node, const char *name);
/* The next one of that name beside node. */
xmlNode *ovf_next(const xmlNode *node, const char *name);
bool ovf_is(const xmlNode *node, const char *name);
/* The value of an attribute, whatever its namespace, or NULL; borrowed from the document. */
const char *ovf_attribute(const xmlNode *node, const char *name);
/* The text of an element, without the blanks around it; NULL for no node and no text. */
const char *ovf_text(xmlNode *node);
static inline const char *ovf_child_text(const xmlNode *node, const char *name)
{
	return ovf_text(ovf_child(node, name));
}

/* A whole number; false: it is none, or does not fit. */
bool ovf_number(const char *text, uint64_t *value);

/* For who changes a document.  IMG_E_NOMEM. */
bool ovf_set_attribute(struct ovf_document *doc, xmlNode *node, const char *name,
		       const char *value, struct img_err *err) IMG_MUST_CHECK;
/* Without effect where there is none. */
void ovf_drop_attribute(struct ovf_document *doc, xmlNode *node, const char *name);
/* All of it in UTF-8; the caller frees it.  IMG_E_NOMEM. */
char *ovf_document_text(struct ovf_document *doc, size_t *len, struct img_err *err);

#endif
