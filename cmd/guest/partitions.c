/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See partitions.h. */
#include <errno.h>
#include <libfdisk.h>
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/text.h"
#include "guest/bytes.h"
#include "guest/partitions.h"

static bool failed(int rc, struct img_err *err)
{
	if (rc == -ENOMEM)
		return out_of_memory(err);
	return img_fail(err, IMG_E_CORRUPT, _("libfdisk cannot use the partition table: %s"),
			strerror(rc < 0 ? -rc : EINVAL));
}

static void close_table(struct fdisk_context *cxt)
{
	if (!cxt)
		return;
	(void)fdisk_deassign_device(cxt, 1);	/* what may fail there is a sync, which is not done */
	fdisk_unref_context(cxt);
}

/* Free with close_table(). */
static struct fdisk_context *open_table(const struct sketch *sk, const char *kind, unsigned sector,
					bool write, struct img_err *err)
{
	struct fdisk_context *cxt = fdisk_new_context();
	int rc = cxt ? 0 : -ENOMEM;

	if (!rc)
		rc = fdisk_disable_dialogs(cxt, 1);
	if (!rc)
		rc = fdisk_save_user_sector_size(cxt, sector, sector);
	if (!rc)
		rc = fdisk_assign_device_by_fd(cxt, sketch_fd(sk), "disk", !write);
	if (!rc && !(fdisk_has_label(cxt) &&
		     !strcmp(fdisk_label_get_name(fdisk_get_label(cxt, NULL)), kind)))
		rc = -EINVAL;
	if (!rc)
		return cxt;
	failed(rc, err);
	close_table(cxt);
	return NULL;
}

/* ---- The chain of logical partitions ------------------------------------------------------------- */

static bool is_container(uint8_t type)
{
	return type == 0x05 || type == 0x0f || type == 0x85;
}

/* The start of the extended partition among the four of a boot record, or 0. */
static uint32_t next_in(const uint8_t record[512])
{
	for (int i = 0; i < 4; i++) {
		const uint8_t *entry = record + 446 + i * 16;

		if (is_container(entry[4]))
			return get_le32(entry + 8);
	}
	return 0;
}

/* libfdisk follows the chain of extended boot records, so each of them must be in the sketch. */
static bool copy_chain(struct sketch *sk, unsigned sector, struct img_err *err)
{
	enum { LONGEST = 128 };		/* more than libfdisk takes, and enough to end a loop */
	uint8_t record[512];
	uint64_t at = 0, first = 0;

	for (int i = 0; i < LONGEST; i++) {
		uint32_t next;

		if (at > sketch_size(sk) / sector - 1)
			return true;
		if (!sketch_read(sk, at * sector, record, sizeof(record), err))
			return false;
		next = next_in(record);
		if (!next)
			return true;
		at = first + next;
		if (!first)
			first = next;
	}
	return true;
}

/* ---- Reading ------------------------------------------------------------------------------------- */

static struct partition to_ours(struct fdisk_partition *pa, unsigned sector)
{
	return (struct partition){
		.number = (unsigned)fdisk_partition_get_partno(pa) + 1,
		.start = (uint64_t)fdisk_partition_get_start(pa) * sector,
		.len = (uint64_t)fdisk_partition_get_size(pa) * sector,
		.container = fdisk_partition_is_container(pa),
		.inside = fdisk_partition_is_nested(pa),
	};
}

/* Numbers that leave no room for the arithmetic to come are no partition. */
static bool is_sane(struct fdisk_partition *pa, unsigned sector)
{
	const uint64_t most = INT64_MAX / sector / 2;

	return fdisk_partition_has_partno(pa) && fdisk_partition_has_start(pa) &&
	       fdisk_partition_has_size(pa) && fdisk_partition_get_start(pa) < most &&
	       fdisk_partition_get_size(pa) < most;
}

static int collect(struct fdisk_table *table, unsigned sector, struct partition *parts, size_t *n)
{
	struct fdisk_iter *iter = fdisk_new_iter(FDISK_ITER_FORWARD);
	struct fdisk_partition *pa;
	int rc = iter ? 0 : -ENOMEM;

	*n = 0;
	while (!rc && !fdisk_table_next_partition(table, iter, &pa)) {
		if (!is_sane(pa, sector))
			rc = -ERANGE;
		else if (fdisk_partition_get_size(pa))
			parts[(*n)++] = to_ours(pa, sector);
	}
	fdisk_free_iter(iter);
	return rc;
}

bool partitions_read(struct sketch *sk, const char *kind, unsigned sector, struct partition **out,
		     size_t *n, struct img_err *err)
{
	struct fdisk_context *cxt;
	struct fdisk_table *table = NULL;
	struct partition *parts = NULL;
	int rc;

	if (!copy_chain(sk, sector, err))
		return false;
	cxt = open_table(sk, kind, sector, false, err);
	if (!cxt)
		return false;
	rc = fdisk_get_partitions(cxt, &table);
	if (!rc && fdisk_table_get_nents(table)) {
		parts = calloc(fdisk_table_get_nents(table), sizeof(*parts));
		rc = parts ? collect(table, sector, parts, n) : -ENOMEM;
	} else if (!rc) {
		*n = 0;
	}
	fdisk_unref_table(table);
	close_table(cxt);
	if (rc) {
		free(parts);
		return failed(rc, err);
	}
	*out = parts;
	return true;
}

/* ---- Changing ------------------------------------------------------------------------------------ */

static int set_len(struct fdisk_context *cxt, const struct partition *part, unsigned sector)
{
	struct fdisk_partition *pa = fdisk_new_partition();
	int rc = pa ? 0 : -ENOMEM;

	if (!rc)
		rc = fdisk_partition_set_start(pa, part->start / sector);
	if (!rc)
		rc = fdisk_partition_set_size(pa, part->len / sector);
	if (!rc)
		rc = fdisk_partition_size_explicit(pa, 1);
	if (!rc)
		rc = fdisk_set_partition(cxt, part->number - 1, pa);
	fdisk_unref_partition(pa);
	return rc;
}

static int set_all(struct fdisk_context *cxt, unsigned sector, const struct partition *parts,
		   size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++)
		rc = set_len(cxt, &parts[i], sector);
	return rc ? rc : fdisk_write_disklabel(cxt);
}

bool partitions_set_len(struct sketch *sk, const char *kind, unsigned sector,
			const struct partition *parts, size_t n, struct img_err *err)
{
	const bool gpt = !strcmp(kind, "gpt");
	struct fdisk_context *cxt;
	uint8_t mbr[512];
	int rc;

	if (!copy_chain(sk, sector, err) || !sketch_read(sk, 0, mbr, sizeof(mbr), err))
		return false;
	cxt = open_table(sk, kind, sector, true, err);
	if (!cxt)
		return false;
	rc = set_all(cxt, sector, parts, n);
	close_table(cxt);
	if (rc)
		return failed(rc, err);
	/* It makes the protective MBR anew, and the boot flag there goes: see gpt.h. */
	return !gpt || sketch_write(sk, 0, mbr, sizeof(mbr), err);
}
