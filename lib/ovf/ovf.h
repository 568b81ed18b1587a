/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files share that read and write descriptors. */
#ifndef IMG_OVF_OVF_H
#define IMG_OVF_OVF_H

#include "ovf/document.h"

#define OVF_NAMESPACE_1 "http://schemas.dmtf.org/ovf/envelope/1"
#define OVF_STREAM_FORMAT "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"

/* A descriptor while it is read; what is shown comes first. */
struct ovf_reading {
	struct img_ovf shown;
	struct ovf_document *doc;	/* all texts are in it */
	struct img_ovf_file *files;	/* their href is owned */
	struct img_ovf_disk *disks;
	struct img_ovf_system *systems;	/* their items are owned, too */
	size_t cap_systems;
};

/* Room for one more of something, of which there may be most. */
void *ovf_room(void *v, size_t n, size_t most, size_t *cap, size_t size, const char *what,
	       struct img_err *err);
/* The name of a file and what names it in a descriptor; the caller frees the result.  IMG_E_NOMEM. */
char *ovf_href_decode(const char *uri, struct img_err *err);
char *ovf_href_encode(const char *name, struct img_err *err);
/* What one unit is in bytes: "byte * 2^30", and what was written before; NULL or "": one byte. */
bool ovf_units(const char *text, uint64_t *bytes);
/* IMG_E_NOT_THIS_FORMAT, IMG_E_UNSUPPORTED. */
bool ovf_version(const xmlNode *root, unsigned *version, struct img_err *err) IMG_MUST_CHECK;
/* All virtual systems, also those in collections. */
bool ovf_read_systems(const xmlNode *envelope, struct ovf_reading *to, struct img_err *err)
	IMG_MUST_CHECK;

#endif
