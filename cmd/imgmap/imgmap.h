/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of imgmap know of each other. */
#ifndef CMD_IMGMAP_H
#define CMD_IMGMAP_H

#include "libimg.h"

/* Prints extents one by one as they come: a map may be too long to be collected first. */
struct printer {
	void (*start)(void);
	void (*extent)(const struct img_extent *ex, bool first);
	void (*end)(void);
};

extern const struct printer printer_human, printer_json, printer_xml;

#endif
