/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The block bitmaps of ext2, ext3 and ext4, read by libext2fs through the image. */
#include <et/com_err.h>
#include <ext2fs/ext2fs.h>
#include <string.h>
#include "common/text.h"
#include "guest/free_readers.h"

/* What a channel of libext2fs reads from. */
struct channel {
	struct free_place *place;
	struct img_err *err;
	bool failed;		/* in a way that ends the search */
};

/* ---- The image as a device of libext2fs ---------------------------------------------------------- */

/* libext2fs opens by a name alone. */
static _Thread_local struct channel *opening;

static errcode_t open_channel(const char *name, int flags, io_channel *out);

static errcode_t close_channel(io_channel io)
{
	if (--io->refcount > 0)
		return 0;
	ext2fs_free_mem(&io->name);
	ext2fs_free_mem(&io);
	return 0;
}

static errcode_t set_block_size(io_channel io, int size)
{
	io->block_size = size;
	return 0;
}

/* count: blocks, or bytes when it is below zero. */
static errcode_t read_blocks(io_channel io, unsigned long long block, int count, void *buf)
{
	struct channel *ch = io->private_data;
	const size_t len = count < 0 ? (size_t)-(long)count
				     : (size_t)count * (size_t)io->block_size;
	uint64_t at;

	if (__builtin_mul_overflow(block, (uint64_t)io->block_size, &at))
		return EXT2_ET_SHORT_READ;
	ch->failed |= !free_place_read(ch->place, at, buf, len, ch->err);
	return ch->failed || ch->place->why ? EXT2_ET_SHORT_READ : 0;
}

static errcode_t read_few_blocks(io_channel io, unsigned long block, int count, void *buf)
{
	return read_blocks(io, block, count, buf);
}

static errcode_t write_nothing(io_channel io, unsigned long block, int count, const void *buf)
{
	(void)io;
	(void)block;
	(void)count;
	(void)buf;
	return EXT2_ET_RO_FILSYS;
}

static errcode_t flush_nothing(io_channel io)
{
	(void)io;
	return 0;
}

static struct struct_io_manager manager = {
	.magic = EXT2_ET_MAGIC_IO_MANAGER,
	.name = "libimg",
	.open = open_channel,
	.close = close_channel,
	.set_blksize = set_block_size,
	.read_blk = read_few_blocks,
	.read_blk64 = read_blocks,
	.write_blk = write_nothing,
	.flush = flush_nothing,
};

static errcode_t open_channel(const char *name, int flags, io_channel *out)
{
	io_channel io = NULL;
	errcode_t why = ext2fs_get_memzero(sizeof(*io), &io);

	(void)flags;
	if (why)
		return why;
	why = ext2fs_get_memzero(strlen(name) + 1, &io->name);
	if (why) {
		ext2fs_free_mem(&io);
		return why;
	}
	strcpy(io->name, name);
	io->magic = EXT2_ET_MAGIC_IO_CHANNEL;
	io->manager = &manager;
	io->block_size = 1024;
	io->refcount = 1;
	io->private_data = opening;
	*out = io;
	return 0;
}

/* ---- Free blocks --------------------------------------------------------------------------------- */

/* Whether its bitmaps say how it is. */
static bool is_settled(struct free_place *place, ext2_filsys fs)
{
	const uint64_t bytes = (uint64_t)fs->blocksize * ext2fs_blocks_count(fs->super);

	if (bytes / fs->blocksize != ext2fs_blocks_count(fs->super) || bytes > place->len)
		place->why = N_("it is larger than its partition");
	else if (fs->super->s_state & EXT2_ERROR_FS)
		place->why = N_("it is marked as damaged");
	else if (ext2fs_has_feature_journal_needs_recovery(fs->super))
		return free_place_forced(place, N_("its journal has to be replayed"));
	else if (!(fs->super->s_state & EXT2_VALID_FS))
		return free_place_forced(place, N_("it was not unmounted"));
	return !place->why;
}

static bool add_runs(struct free_place *place, ext2_filsys fs, struct img_err *err)
{
	const blk64_t end = ext2fs_blocks_count(fs->super);
	blk64_t at = fs->super->s_first_data_block, used;

	while (at < end &&
	       !ext2fs_find_first_zero_block_bitmap2(fs->block_map, at, end - 1, &at)) {
		if (ext2fs_find_first_set_block_bitmap2(fs->block_map, at, end - 1, &used))
			used = end;
		if (!free_place_add(place, at * fs->blocksize, (used - at) * fs->blocksize, err))
			return false;
		at = used;
	}
	return true;
}

bool free_read_ext(struct free_place *place, struct img_err *err)
{
	struct channel ch = { .place = place, .err = err };
	ext2_filsys fs = NULL;
	bool ok = true;

	opening = &ch;
	if (ext2fs_open("image", EXT2_FLAG_64BITS | EXT2_FLAG_SKIP_MMP, 0, 0, &manager, &fs)) {
		if (!place->why)
			place->why = N_("it is damaged, or newer than what is known here");
	} else if (is_settled(place, fs)) {
		if (ext2fs_read_block_bitmap(fs)) {
			if (!place->why)
				place->why = N_("its block bitmaps are damaged");
		} else {
			ok = add_runs(place, fs, err);
		}
	}
	if (fs)
		ext2fs_close_free(&fs);
	return ok && !ch.failed;
}
