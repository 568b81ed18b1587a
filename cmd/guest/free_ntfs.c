/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The free clusters of NTFS: those whose bit in the file $Bitmap is not set.  It and what says whether the
 * volume was left in order are among the first records of the table of files.  (The NTFS documentation
 * of the Linux-NTFS project.)
 */
#include "guest/free_ntfs.h"

#include <stdlib.h>
#include <string.h>
#include "common/text.h"
#include "guest/bytes.h"

enum {
	FILE_TABLE = 0, FILE_LOG = 2, FILE_VOLUME = 3, FILE_BITMAP = 6,	/* numbers of records */
	MOST_RECORD = 4096,
	TYPE_LIST = 0x20, TYPE_VOLUME = 0x70, TYPE_DATA = 0x80, TYPE_END = -1,
	STEP = 65536,			/* bytes of the bitmap that are read at once */
};

static const char damaged[] = N_("it is damaged, or newer than what is known here");

/* ---- The boot sector ----------------------------------------------------------------------------- */

/* Large numbers are given as powers of two: 256 less the exponent. */
static uint64_t counted(uint8_t n, uint64_t unit)
{
	return n <= 128 ? n * unit : 256 - n < 32 ? UINT64_C(1) << (256 - n) : 0;
}

static bool decode(struct ntfs *fs, const uint8_t *boot)
{
	const uint32_t sector = get_le16(boot + 11);
	const uint64_t per_cluster = counted(boot[13], 1);
	const uint64_t cluster = per_cluster * sector, record = counted(boot[64], cluster);

	fs->table = get_le64(boot + 48);
	if (memcmp(boot + 3, "NTFS    ", 8) || !is_power_between(sector, 512, 4096) ||
	    !is_power_between(cluster, sector, 2 << 20) ||
	    !is_power_between(record, 1024, MOST_RECORD))
		return free_place_doubt(fs->place, damaged);
	fs->cluster = (uint32_t)cluster;
	fs->record = (uint32_t)record;
	fs->n_clusters = get_le64(boot + 40) / per_cluster;
	if (fs->n_clusters > fs->place->len / cluster)
		return free_place_doubt(fs->place, N_("it is larger than its partition"));
	return fs->table < fs->n_clusters || free_place_doubt(fs->place, damaged);
}

/* ---- Records ------------------------------------------------------------------------------------- */

bool ntfs_restore(uint8_t *record, size_t len, const char magic[4])
{
	const size_t at = get_le16(record + 4), n = get_le16(record + 6);

	if (memcmp(record, magic, 4) || n != len / NTFS_SECTOR + 1 || at % 2 || at + 2 * n > 510)
		return false;
	for (size_t i = 1; i < n; i++) {
		uint8_t *last = record + i * NTFS_SECTOR - 2;

		if (memcmp(last, record + at, 2))
			return false;
		memcpy(last, record + at + 2 * i, 2);
	}
	return true;
}

/* The only attribute of that type without a name; NULL: there is not one, or more than this record. */
static const uint8_t *find(const struct ntfs *fs, const uint8_t *record, uint32_t type)
{
	size_t at = get_le16(record + 20);
	const uint8_t *found = NULL;

	while (at % 8 == 0 && at <= fs->record - 16) {
		const uint8_t *attribute = record + at;
		const uint32_t here = get_le32(attribute), len = get_le32(attribute + 4);

		if (here == (uint32_t)TYPE_END)
			return found;
		if (here == TYPE_LIST || len < 24 || len > fs->record - at)
			return NULL;
		if (here == type && !attribute[9]) {
			if (found)
				return NULL;
			found = attribute;
		}
		at += len;
	}
	return NULL;
}

/* Record number i, which is in use and whole. */
static bool get_record(const struct ntfs *fs, uint32_t i, uint8_t *record)
{
	if (!free_place_get(fs->place, fs->table * fs->cluster + (uint64_t)i * fs->record, record,
			    fs->record))
		return false;
	return (ntfs_restore(record, fs->record, "FILE") && (get_le16(record + 22) & 1) &&
		!get_le64(record + 32)) || free_place_doubt(fs->place, damaged);
}

/* The data of the file in record, which must be in clusters, as they are, and described all here. */
static bool find_stream(const struct ntfs *fs, const uint8_t *record, struct ntfs_stream *out)
{
	const uint8_t *data = find(fs, record, TYPE_DATA);
	const uint32_t len = data ? get_le32(data + 4) : 0;
	const unsigned runs = len >= 64 ? get_le16(data + 32) : 0;

	if (!data || !data[8] || len < 64 || get_le16(data + 12) || get_le64(data + 16) ||
	    runs < 64 || runs >= len)
		return free_place_doubt(fs->place, damaged);
	*out = (struct ntfs_stream){
		.runs = data + runs, .runs_len = len - runs, .len = get_le64(data + 56),
	};
	return true;
}

/* len bytes, the last of which has the sign. */
static int64_t get_signed(const uint8_t *p, unsigned len)
{
	uint64_t value = p[len - 1] & 0x80 ? UINT64_MAX : 0;

	while (len)
		value = value << 8 | p[--len];
	return (int64_t)value;
}

bool ntfs_next_run(const struct ntfs *fs, struct ntfs_stream *stream, struct ntfs_run *run)
{
	const unsigned n_len = stream->runs_len ? stream->runs[0] & 15 : 0;
	const unsigned lcn_len = stream->runs_len ? stream->runs[0] >> 4 : 0;
	int64_t n;

	*run = (struct ntfs_run){ 0 };
	if (!stream->runs_len)
		return false;
	if (!stream->runs[0])
		return true;
	/* Without a place it is a hole, which no system file has. */
	if (!n_len || n_len > 8 || !lcn_len || lcn_len > 8 ||
	    stream->runs_len <= (size_t)n_len + lcn_len)
		return false;
	n = get_signed(stream->runs + 1, n_len);
	stream->lcn += (uint64_t)get_signed(stream->runs + 1 + n_len, lcn_len);
	stream->runs += 1 + n_len + lcn_len;
	stream->runs_len -= 1 + n_len + lcn_len;
	if (n <= 0 || stream->lcn >= fs->n_clusters ||
	    (uint64_t)n > fs->n_clusters - stream->lcn)
		return false;
	*run = (struct ntfs_run){ .first = stream->lcn, .n = (uint64_t)n };
	return true;
}

/* ---- Whether it was left in order ---------------------------------------------------------------- */

/* The table starts where the boot sector says, and has in one piece all records that are wanted. */
static bool check_table(const struct ntfs *fs, uint8_t *record)
{
	struct ntfs_stream table;
	struct ntfs_run run;

	if (!get_record(fs, FILE_TABLE, record) || !find_stream(fs, record, &table))
		return false;
	return (ntfs_next_run(fs, &table, &run) && run.first == fs->table &&
		run.n * fs->cluster >= (FILE_BITMAP + 1) * (uint64_t)fs->record) ||
	       free_place_doubt(fs->place, damaged);
}

static bool check_volume(const struct ntfs *fs, uint8_t *record)
{
	const uint8_t *info;

	if (!get_record(fs, FILE_VOLUME, record))
		return false;
	info = find(fs, record, TYPE_VOLUME);
	if (!info || info[8] || get_le32(info + 16) < 12 ||
	    get_le16(info + 20) + 12u > get_le32(info + 4))
		return free_place_doubt(fs->place, damaged);
	/* Any flag: there is something to be done when it is mounted. */
	return !get_le16(info + get_le16(info + 20) + 10) ||
	       free_place_forced(fs->place, N_("it was not unmounted"));
}

static bool check_log(const struct ntfs *fs, uint8_t *record)
{
	struct ntfs_stream log;

	return get_record(fs, FILE_LOG, record) && find_stream(fs, record, &log) &&
	       ntfs_log_is_clean(fs, &log);
}

/* ---- The bitmap ---------------------------------------------------------------------------------- */

/* Of n clusters from number first on. */
static bool add_bits(const struct ntfs *fs, const uint8_t *bits, uint64_t first, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		const uint64_t from = i;

		while (i < n && !(bits[i / 8] >> i % 8 & 1))
			i++;
		if (i > from && !free_place_put(fs->place, (first + from) * fs->cluster,
						(i - from) * fs->cluster))
			return false;
	}
	return true;
}

/* The part of the bitmap that lies in a run; *done: clusters that were told of so far. */
static bool read_run(const struct ntfs *fs, const struct ntfs_run *run, uint8_t *bits,
		     uint64_t *done)
{
	const uint64_t len = run->n * fs->cluster;

	for (uint64_t at = 0; at < len && *done < fs->n_clusters; at += STEP) {
		const uint64_t left = fs->n_clusters - *done, there = len - at;
		const size_t some = there < STEP ? (size_t)there : STEP;
		const uint64_t n = left < some * 8 ? left : some * 8;

		if (!free_place_get(fs->place, run->first * fs->cluster + at, bits, some) ||
		    !add_bits(fs, bits, *done, n))
			return false;
		*done += n;
	}
	return true;
}

static bool read_bitmap(const struct ntfs *fs, uint8_t *record)
{
	struct ntfs_stream bitmap;
	struct ntfs_run run;
	uint64_t done = 0;
	uint8_t *bits;
	bool ok;

	if (!get_record(fs, FILE_BITMAP, record) || !find_stream(fs, record, &bitmap))
		return false;
	if (bitmap.len < (fs->n_clusters + 7) / 8)
		return free_place_doubt(fs->place, damaged);
	bits = free_place_room(fs->place, 1, STEP);
	ok = bits != NULL;
	while (ok && done < fs->n_clusters) {
		if (!ntfs_next_run(fs, &bitmap, &run) || !run.n)
			ok = free_place_doubt(fs->place, N_("its bitmap is damaged"));
		else
			ok = read_run(fs, &run, bits, &done);
	}
	free(bits);
	return ok;
}

bool free_read_ntfs(struct free_place *place, struct img_err *err)
{
	struct ntfs fs = { .place = place };
	uint8_t *record = free_place_room(place, 1, MOST_RECORD);

	(void)err;	/* place has it */
	if (record && free_place_get(place, 0, record, NTFS_SECTOR) && decode(&fs, record) &&
	    check_table(&fs, record) && check_volume(&fs, record) && check_log(&fs, record))
		(void)read_bitmap(&fs, record);		/* place knows */
	free(record);
	return !place->failed;
}
