/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A temporary folder, and images written byte by byte, without any driver. */
#include "unit/fake/files.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/bytes.h"

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

void files_enter(void)
{
	char folder[] = "/tmp/imgtools-test-XXXXXX";

	cr_assert(mkdtemp(folder) && !chdir(folder));
}

void files_leave(void)
{
	char *folder = getcwd(NULL, 0);

	cr_assert(folder && !chdir("/"));
	nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(folder);
}

void files_write(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "wb");

	cr_assert(f && fwrite(bytes, 1, len, f) == len && !fclose(f));
}

uint8_t *files_read(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes;

	if (!f)
		return NULL;
	fseek(f, 0, SEEK_END);
	*len = (size_t)ftell(f);
	rewind(f);
	bytes = malloc(*len + 1);
	cr_assert(fread(bytes, 1, *len, f) == *len);
	fclose(f);
	return bytes;
}

bool files_exist(const char *path)
{
	return !access(path, F_OK);
}

size_t files_count(void)
{
	DIR *dir = opendir(".");
	size_t n = 0;

	for (const struct dirent *e; (e = readdir(dir));)
		n += e->d_name[0] != '.' || (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."));
	closedir(dir);
	return n;
}

enum { L1_AT = 1, REFCOUNT_TABLE_AT, REFCOUNTS_AT, L2_AT, DATA_AT, CLUSTERS };

void files_write_qcow2(const char *path, const char *backing, const char *format, uint8_t fill)
{
	const size_t cluster = FILES_QCOW2_CLUSTER;
	const uint64_t copied = 1ULL << 63;
	uint8_t *image = calloc(CLUSTERS, cluster);
	size_t end = 72;

	img_put_be32(image, 0x514649fb);
	img_put_be32(image + 4, 2);
	img_put_be32(image + 20, 16);
	img_put_be64(image + 24, FILES_QCOW2_SIZE);
	img_put_be32(image + 36, 1);
	img_put_be64(image + 40, L1_AT * cluster);
	img_put_be64(image + 48, REFCOUNT_TABLE_AT * cluster);
	img_put_be32(image + 56, 1);
	if (format) {
		img_put_be32(image + end, 0xe2792aca);
		img_put_be32(image + end + 4, (uint32_t)strlen(format));
		memcpy(image + end + 8, format, strlen(format));
		end += 8 + (strlen(format) + 7) / 8 * 8;
	}
	end += 8;
	if (backing) {
		img_put_be64(image + 8, end);
		img_put_be32(image + 16, (uint32_t)strlen(backing));
		memcpy(image + end, backing, strlen(backing));
	}
	img_put_be64(image + REFCOUNT_TABLE_AT * cluster, REFCOUNTS_AT * cluster);
	for (size_t i = 0; i < CLUSTERS; i++)
		img_put_be16(image + REFCOUNTS_AT * cluster + 2 * i, 1);
	if (fill) {
		img_put_be64(image + L1_AT * cluster, L2_AT * cluster | copied);
		img_put_be64(image + L2_AT * cluster, DATA_AT * cluster | copied);
		memset(image + DATA_AT * cluster, fill, cluster);
	}
	files_write(path, image, CLUSTERS * cluster);
	free(image);
}
