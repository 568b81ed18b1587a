/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An XML document, written element by element. */
#ifndef IMG_BASE_XML_H
#define IMG_BASE_XML_H

#include "libimg.h"

/*
 * One thread.  A step that fails, for want of memory alone, makes all further ones do nothing, and is
 * told at the end.  Names are ours; in values, what XML has no way to hold becomes '?'.
 */
struct img_xml;
/*
 * In UTF-8 and indented, to out, whose errors are the caller's to look for.  IMG_E_UNSUPPORTED: libxml2
 * is not there.
 */
struct img_xml *img_xml_open(FILE *out, struct img_err *err);
void img_xml_start(struct img_xml *xml, const char *name);
/* Of the element that was started last, before anything is in it. */
void img_xml_attribute(struct img_xml *xml, const char *name, const char *value);
/* An element that holds a text alone. */
void img_xml_leaf(struct img_xml *xml, const char *name, const char *value);
/* Ends the element that was started last. */
void img_xml_end(struct img_xml *xml);
/* Ends the document, also one that failed.  IMG_E_NOMEM. */
bool img_xml_close(struct img_xml *xml, struct img_err *err) IMG_MUST_CHECK;

#endif
