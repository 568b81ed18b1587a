/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands that do what this one cannot: in the guest, or to a copy of the image. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "imgresize/imgresize.h"

/* ---- In the guest -------------------------------------------------------------------------------- */

static const struct {
	const char *type, *command;
} inside[] = {
	{ "ext2", "resize2fs DEVICE" }, { "ext3", "resize2fs DEVICE" },
	{ "ext4", "resize2fs DEVICE" }, { "xfs", "xfs_growfs MOUNTPOINT" },
	{ "btrfs", "btrfs filesystem resize max MOUNTPOINT" }, { "ntfs", "ntfsresize DEVICE" },
	{ "vfat", "fatresize -s max DEVICE" }, { "f2fs", "resize.f2fs DEVICE" },
	{ "nilfs2", "nilfs-resize DEVICE" }, { "reiserfs", "resize_reiserfs DEVICE" },
	{ "jfs", "mount -o remount,resize MOUNTPOINT" }, { "swap", "mkswap DEVICE" },
	{ "LVM2_member", "pvresize DEVICE" }, { "crypto_LUKS", "cryptsetup resize NAME" },
	{ "linux_raid_member", "mdadm --grow --size=max DEVICE" },
	{ "zfs_member", "zpool online -e POOL DEVICE" },
};

const char *advice_inside(const char *type)
{
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
		if (!strcmp(inside[i].type, type))
			return inside[i].command;
	return NULL;
}

/* ---- A copy -------------------------------------------------------------------------------------- */

/* As a shell reads it back; a name that starts with "-" is made no option. */
static void print_quoted(FILE *out, const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789./_+,:@%=-";
	const char *front = *name == '-' ? "./" : "";

	if (*name && !name[strspn(name, plain)]) {
		fprintf(out, "%s%s", front, name);
		return;
	}
	fprintf(out, "'%s", front);
	for (; *name; name++) {
		if (*name == '\'')
			fputs("'\\''", out);
		else
			fputc(*name, out);
	}
	fputc('\'', out);
}

/* "DIR/NAME-resizable.FORMAT", or a name here for what is no file; the caller frees it. */
static char *copy_name(const char *path, const char *format)
{
	const bool is_file = !img_path_is_uri(path);
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(slash ? slash + 1 : path, '.');
	const int stem = dot && dot != (slash ? slash + 1 : path) ? (int)(dot - path)
								   : (int)strlen(path);
	char *name;

	return asprintf(&name, "%.*s%sresizable.%s", is_file ? stem : 0, path, is_file ? "-" : "",
			format) < 0 ? NULL : name;
}

static void print_commands(FILE *out, const struct request *request, const char *operand,
			   const char *copy)
{
	fputs("imgconv ", out);
	print_quoted(out, request->path);
	fputc(' ', out);
	print_quoted(out, copy);
	fputs(" && imgresize ", out);
	if (request->wish.kind == WISH_TO_LAST_PARTITION)
		fputs("--shrink=to-last-partition ", out);
	else if (request->shrink)
		fputs("--shrink ", out);
	if (request->grow)
		fprintf(out, "--partition=%u=max ", request->grow);
	print_quoted(out, copy);
	if (operand)
		fprintf(out, " %s", operand);
}

/* The same format where it can, in the variant that imgconv makes of itself; else qcow2. */
char *advice_copy(const struct request *request, const char *operand,
		  const struct img_format *format)
{
	const bool can = img_format_caps(format) & IMG_FMT_RESIZE;
	char *copy = copy_name(request->path, can ? img_format_name(format) : "qcow2");
	char *text = NULL;
	size_t len;
	FILE *out = copy ? open_memstream(&text, &len) : NULL;

	if (out) {
		print_commands(out, request, operand, copy);
		if (fclose(out)) {
			free(text);
			text = NULL;
		}
	}
	free(copy);
	return text;
}
