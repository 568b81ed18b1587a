/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the verbs about images that stand on others share. */
#ifndef IMGSNAP_CHAIN_H
#define IMGSNAP_CHAIN_H

#include "imgsnap/imgsnap.h"

/* How the top image is opened. */
struct img_open chain_open(const struct options *opt, const char *path);
/* A report on what the verb did to the image at path; NULL: memory is out. */
struct img_node *chain_report(const struct options *opt, const char *verb, const char *path,
			      struct img_err *err);
void chain_report_text(struct img_node *to, const char *key, const char *label, const char *value);
void chain_report_number(struct img_node *to, const char *key, const char *label, uint64_t value,
			 enum img_unit unit);
void chain_report_flag(struct img_node *to, const char *key, const char *label, bool value);
void chain_report_moved(struct img_node *to, const struct img_moved *moved);
/* Prints and frees it, which may be NULL. */
bool chain_print(const struct options *opt, struct img_node *report, struct img_err *err)
	IMG_MUST_CHECK;

#endif
