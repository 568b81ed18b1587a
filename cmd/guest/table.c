/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See table.h. */
#include <blkid.h>
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/text.h"
#include "guest/table.h"

enum { SECTOR = 512, LARGE_SECTOR = 4096 };

void table_free(struct table *table)
{
	free(table->parts);
}

/* ---- Which kind ---------------------------------------------------------------------------------- */

/* libblkid can tell the boot sector of a file system from a partition table. */
static bool ask_blkid(const struct sketch *sk, char name[16], struct img_err *err)
{
	blkid_probe probe = blkid_new_probe();
	const char *type = "";
	int answer;

	if (!probe)
		return out_of_memory(err);
	blkid_probe_enable_superblocks(probe, 0);
	blkid_probe_enable_partitions(probe, 1);
	answer = blkid_probe_set_device(probe, sketch_fd(sk), 0, 0);
	if (!answer)
		answer = blkid_do_safeprobe(probe);
	if (!answer)
		(void)blkid_probe_lookup_value(probe, "PTTYPE", &type, NULL);	/* or it stays "" */
	snprintf(name, 16, "%s", answer == -2 ? "ambiguous" : type);
	blkid_free_probe(probe);
	return answer != -1 || img_fail(err, IMG_E_IO, _("libblkid gives no answer"));
}

/* The one of both sector sizes in which a GPT makes sense, or 512. */
static bool find_gpt(struct sketch *sk, struct gpt *out, struct img_err *err)
{
	struct gpt large;

	if (!gpt_look(sk, SECTOR, out, err) || !gpt_look(sk, LARGE_SECTOR, &large, err))
		return false;
	if (!out->found && large.found)
		*out = large;
	return true;
}

static enum table_kind kind_of(const struct table *table)
{
	if (table->gpt.found)
		return TABLE_GPT;
	if (table->gpt.claimed)
		return TABLE_BROKEN;
	if (!table->name[0])
		return TABLE_NONE;
	return strcmp(table->name, "dos") ? TABLE_FOREIGN : TABLE_DOS;
}

/* ---- Partitions ---------------------------------------------------------------------------------- */

/*
 * A GPT that speaks of a longer disk is no table at all for libfdisk, so it gets one of that length:
 * what was cut off is for others to say.
 */
static bool read_gpt(struct sketch *sk, struct table *table, struct img_err *err)
{
	const uint64_t size = sketch_size(sk), said = gpt_disk_size(&table->gpt);

	return sketch_resize(sk, size < said ? said : size, err) &&
	       partitions_read(sk, "gpt", table->sector, &table->parts, &table->n, err) &&
	       sketch_resize(sk, size, err);
}

/*
 * What a file system says of its own size can be held against the partition; what has no size may be
 * a magic number that lies there by chance.
 */
static bool is_convincing(const struct partition *part)
{
	return part->content.size && part->content.size <= part->len;
}

/* More are not worth the time: they are only looked at to tell users what lies in them. */
enum { MOST_LOOKED_AT = 128 };

static bool look_into(struct img *im, struct table *table, size_t *convincing,
		      struct img_err *err)
{
	*convincing = 0;
	for (size_t i = 0; i < table->n && i < MOST_LOOKED_AT; i++) {
		struct partition *part = &table->parts[i];

		if (part->container)
			continue;
		if (!superblock_find(im, part->start, part->len, &part->content, err))
			return false;
		*convincing += is_convincing(part);
	}
	return true;
}

static bool read_dos(struct sketch *sk, struct img *im, struct table *table, size_t *convincing,
		     struct img_err *err)
{
	return partitions_read(sk, "dos", table->sector, &table->parts, &table->n, err) &&
	       look_into(im, table, convincing, err);
}

/* As if sectors were large.  Numbers that are no partitions then are not meant so: no error. */
static bool try_large(struct sketch *sk, struct img *im, struct table *out, size_t *fits,
		      struct img_err *err)
{
	struct img_err why = { 0 };

	*out = (struct table){ .kind = TABLE_DOS, .sector = LARGE_SECTOR, .name = "dos" };
	*fits = 0;
	if (read_dos(sk, im, out, fits, &why) || why.code == IMG_E_CORRUPT)
		return true;
	*err = why;
	return false;
}

/* An MBR does not say how large its sectors are; what its partitions hold tells. */
static bool read_dos_guessing(struct sketch *sk, struct img *im, struct table *table,
			      struct img_err *err)
{
	struct table large;
	size_t small_fits, large_fits;
	bool ok;

	if (!read_dos(sk, im, table, &small_fits, err))
		return false;
	if (small_fits || !table->n)
		return true;
	ok = try_large(sk, im, &large, &large_fits, err);
	if (ok && large_fits) {
		table_free(table);
		*table = large;
	} else {
		table_free(&large);
	}
	return ok;
}

bool table_read(struct sketch *sk, struct img *im, struct table *out, struct img_err *err)
{
	size_t convincing;

	*out = (struct table){ .sector = SECTOR };
	if (!sketch_copy(sk, 0, LARGE_SECTOR, err) ||
	    !sketch_copy(sk, sketch_size(sk) - (sketch_size(sk) ? 1 : 0), 1, err) ||
	    !find_gpt(sk, &out->gpt, err) || !ask_blkid(sk, out->name, err))
		return false;
	out->kind = kind_of(out);
	if (out->kind == TABLE_DOS)
		return read_dos_guessing(sk, im, out, err);
	if (out->kind == TABLE_BROKEN || out->kind == TABLE_GPT)
		strcpy(out->name, "gpt");
	if (out->kind != TABLE_GPT)
		return true;
	out->sector = out->gpt.sector;
	return read_gpt(sk, out, err) && look_into(im, out, &convincing, err);
}

/* ---- Ends ---------------------------------------------------------------------------------------- */

struct partition *table_last(const struct table *table)
{
	struct partition *last = NULL;

	for (size_t i = 0; i < table->n; i++) {
		struct partition *part = &table->parts[i];

		if (!part->container &&
		    (!last || part->start + part->len > last->start + last->len))
			last = part;
	}
	return last;
}

struct partition *table_container(const struct table *table)
{
	for (size_t i = 0; i < table->n; i++)
		if (table->parts[i].container)
			return &table->parts[i];
	return NULL;
}

uint64_t table_need(const struct table *table)
{
	const bool gpt = table->kind == TABLE_GPT;
	uint64_t end = gpt ? gpt_head_len(&table->gpt) : table->sector;

	for (size_t i = 0; i < table->n; i++) {
		const struct partition *part = &table->parts[i];

		if (part->start + part->len > end)
			end = part->start + part->len;
	}
	return end + (gpt ? gpt_tail_len(&table->gpt) : 0);
}
