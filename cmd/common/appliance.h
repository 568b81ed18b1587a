/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Appliances as commands see them: an archive (OVA, a box of Vagrant), or a descriptor with its files
 * beside it.  Where its disks are, and whatever else is told of it.
 */
#ifndef CMD_APPLIANCE_H
#define CMD_APPLIANCE_H

#include "libimg.h"

/* Long enough for the number of a member. */
enum { APPLIANCE_MEMBER_TEXT = 24 };

/* One file of the appliance. */
struct appliance_file {
	char *name;		/* in the archive, or of the descriptor's folder */
	uint64_t member;	/* its number in the archive; 0: it is a file of its own */
	uint64_t size;		/* bytes; IMG_SIZE_UNKNOWN */
	bool regular;
};

/* A text in the appliance. */
struct appliance_text {
	char *name, *bytes;	/* NULL: there is none */
	size_t len;
};

struct appliance_disk {
	const struct img_ovf_disk *told;	/* NULL: a box without a descriptor */
	const struct img_ovf_file *reference;	/* of told; NULL: it has no file */
	const struct appliance_file *file;	/* NULL: it is not there */
	const char *name;			/* of the file, else its id */
};

struct appliance {
	struct img_open how;	/* as it was opened; texts are borrowed */
	const char *path;	/* that of how */
	bool packed;		/* an archive */
	struct appliance_text descriptor, manifest;
	struct appliance_text metadata;	/* of a box */
	struct img_ovf *ovf;	/* NULL: a box without a descriptor */
	struct img_box *box;	/* what that says of its disks, or NULL */
	struct appliance_file *files;
	size_t n_files, cap_files;
	struct appliance_disk *disks;
	size_t n_disks;
};

/*
 * Reads what the file at how->path is; max_size and spooled count, too.  IMG_E_NOT_THIS_FORMAT: neither a
 * descriptor nor an archive that holds one or the disk of a box; IMG_E_UNSUPPORTED: it is a stream, in
 * which one cannot go back.  For appliance_close(), also after a failure.
 */
bool appliance_open(const struct img_open *how, struct appliance *out, struct img_err *err) IMG_MUST_CHECK;
void appliance_close(struct appliance *a);

/* By its number from 1 on, its id, or the name of its file.  IMG_E_ARGUMENT: there is none. */
const struct appliance_disk *appliance_find(const struct appliance *a, const char *which,
					    struct img_err *err);
/* The file that is told of (or NULL): by its name, else as it stands there, for who did not encode it. */
const struct appliance_file *appliance_file_of(const struct appliance *a,
					       const struct img_ovf_file *told);
/* Whether two names are those of one file: "./" in front does not count. */
bool appliance_same_name(const char *a, const char *b);
/* Where the file of a name is; NULL: there is none. */
const struct appliance_file *appliance_file(const struct appliance *a, const char *name);
/*
 * What img_open() is to be given for a disk: path, which the caller frees, and member, a text with the
 * number of one or empty.  IMG_E_UNSUPPORTED: it is in pieces, or stands on another one;
 * IMG_E_INCOMPLETE: it has no file.
 */
bool appliance_place(const struct appliance *a, const struct appliance_disk *disk, char **path,
		     char member[APPLIANCE_MEMBER_TEXT], struct img_err *err) IMG_MUST_CHECK;
/* The path of a file beside the descriptor; the caller frees it. */
char *appliance_path(const struct appliance *a, const char *name, struct img_err *err);

#endif
