/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much space a round needs in which the file of an image gets shorter.  Holes of the file stay holes
 * where they move, or become zeros that are compressed.
 */
#include "copy/compact_room.h"

#include <sys/stat.h>
#include "base/num.h"

/* What is written is kept aside, lies in the journal, and may fill holes of the file. */
enum { COPIES = 3 };
/* Sums of sectors and heads of runs are that part of what lies in the journal. */
enum { SUMS = 40 };
/* The heads of two runs without bytes: where a unit of zeros was, and where it will be. */
enum { HEADS = 64 };
/* Header, directory and what else is small. */
enum { OTHERS = 256 << 10 };
/* Zeros get smaller than that part of them in any codec. */
enum { ZEROS_SHRINK = 512 };

/* What the file takes, but no more than `most`, which also stands for what cannot be known. */
static uint64_t allocated_of(const struct img_store *file, uint64_t most)
{
	struct stat st;

	return stat(file->name, &st) || !S_ISREG(st.st_mode)
		       ? most : img_min_u64(512 * (uint64_t)st.st_blocks, most);
}

static uint64_t allocated(const struct img_layer *ly, uint64_t most)
{
	uint64_t bytes = allocated_of(ly->store, most);

	for (size_t i = 0; i < ly->n_data_files; i++)
		bytes += allocated_of(ly->data_files[i], most);
	return bytes;
}

/* Bytes of units; each piece of them may have to do with a block more than it fills. */
static uint64_t data_of(const struct img_compact_room *of)
{
	const uint64_t unit = img_max_u64(of->ly->unit, 1);
	const uint64_t zeros = of->compress ? of->most / ZEROS_SHRINK : 0;
	const uint64_t there = of->told.seals ? of->most : allocated(of->ly, of->most) + zeros;
	const uint64_t data = img_min_u64(of->most, there);
	const uint64_t pieces = img_min_u64(img_div_up(of->most, unit),
					    img_div_up(data, img_min_u64(unit, IMG_FS_BLOCK)));

	return data + pieces * IMG_FS_BLOCK;
}

/* What was written and what will be are tables of the same image. */
static uint64_t tables_of(const struct img_compact_room *of)
{
	const uint64_t more = of->compress ? of->told.tables : of->told.follow;

	return img_min_u64(of->tables + more, img_max_u64(of->tables, of->told.tables));
}

uint64_t img_compact_room(const struct img_compact_room *of)
{
	const uint64_t heads = img_div_up(of->most, img_max_u64(of->ly->unit, 1)) * HEADS;
	const uint64_t written = data_of(of) + tables_of(of);

	return written ? COPIES * (written + OTHERS) + written / SUMS + heads : 0;
}
