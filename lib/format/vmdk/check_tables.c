/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Both directories and all grain tables: each entry against the file, against its twin in the
 * second tables, and against all other entries.  What is told of an entry has the place of that
 * entry.
 */
#include <string.h>
#include "base/job.h"
#include "base/num.h"
#include "base/zero.h"
#include "format/vmdk/check.h"

/* A table while it is looked at. */
struct table {
	const struct vmdk_pair *pair;
	uint64_t number;		/* in the directories */
	size_t n;			/* entries */
};

/* ---- Directories ----------------------------------------------------------------------------- */

static uint64_t directory_host(const struct vmdk_file_check *f, bool second, uint64_t i)
{
	return (second ? f->sp.hdr.rgd_at : f->sp.hdr.gd_at) + i * f->sp.hdr.entry_len;
}

static uint64_t raw_of(const uint64_t *gd, size_t n, uint64_t i)
{
	return i < n ? gd[i] : IMG_NOWHERE;
}

/* What is wrong with a pair of entries, or NULL; *second: with the second one. */
static const struct img_finding_kind *fault_of(const struct vmdk_file_check *f,
					       const struct vmdk_entry *first,
					       const struct vmdk_entry *second, bool *second_bad)
{
	*second_bad = false;
	if (first->kind == VMDK_ENTRY_BAD)
		return first->bad;
	*second_bad = f->sp.rgd && second->kind == VMDK_ENTRY_BAD;
	return *second_bad ? &vmdk_found_second_outside : NULL;
}

/* A directory that the file has only a part of is told once, where it is cut. */
static bool is_told(const struct vmdk_file_check *f, uint64_t i, bool second)
{
	return i > (second ? f->sp.n_rgd : f->sp.n_gd);
}

static bool check_directory(struct vmdk_file_check *f, const struct table *t, struct img_err *err)
{
	const struct vmdk_entry *first = &t->pair->first_dir, *second = &t->pair->second_dir;
	const uint64_t guest = t->number * f->sp.hdr.gt_entries * f->sp.hdr.grain;
	const uint64_t raw = raw_of(f->sp.gd, f->sp.n_gd, t->number);
	const uint64_t raw_second = raw_of(f->sp.rgd, f->sp.n_rgd, t->number);
	bool second_bad;
	const struct img_finding_kind *kind = fault_of(f, first, second, &second_bad);

	if (kind)
		return is_told(f, t->number, second_bad) ||
		       vmdk_tell(f, kind, directory_host(f, second_bad, t->number), guest,
				 IMG_NOWHERE, second_bad ? raw_second : raw, 0, err);
	if (!f->sp.rgd || first->kind == second->kind)
		return true;
	return vmdk_tell(f, &vmdk_found_second_differs, directory_host(f, false, t->number), guest,
			 raw_second, raw, 0, err);
}

/* ---- Grains ---------------------------------------------------------------------------------- */

static uint64_t entry_host(const struct vmdk_file_check *f, const struct table *t, bool second,
			   size_t i)
{
	const struct vmdk_entry *dir = second ? &t->pair->second_dir : &t->pair->first_dir;

	return dir->host + i * f->sp.hdr.entry_len;
}

static void count(struct vmdk_file_check *f, uint64_t host, uint64_t len)
{
	struct vmdk_check *c = f->image;

	c->allocated++;
	c->compressed += f->sp.hdr.compressed;
	c->fragmented += f->previous != IMG_NOWHERE && img_round_up(f->previous, VMDK_SECTOR) != host;
	f->previous = host + len;
	f->lowest = img_min_u64(f->lowest, host);
	f->end = img_max_u64(f->end, host + len);
}

/* Where the bytes of a grain are; *kind: there are none, and why. */
static bool find_bytes(struct vmdk_file_check *f, uint64_t grain, uint64_t host, uint64_t *len,
		       const struct img_finding_kind **kind, struct img_err *err)
{
	struct vmdk_packed packed;

	*kind = NULL;
	*len = vmdk_grain_len(&f->sp.hdr, grain);
	if (!f->sp.hdr.compressed)
		return true;
	if (!vmdk_packed_find(&f->sp, grain * f->sp.hdr.grain, host, &packed, err))
		return false;
	*kind = packed.bad;
	*len = f->sp.hdr.markers && !packed.bad ? packed.host + packed.len - host : VMDK_SECTOR;
	return true;
}

static const struct img_finding_kind *collision(enum vmdk_used before)
{
	if (before == VMDK_USED_TABLE)
		return &vmdk_found_overlap;
	return before == VMDK_USED_GRAIN ? &vmdk_found_grain_doubled : NULL;
}

static bool is_unaligned(const struct vmdk_file_check *f, uint64_t host)
{
	return f->sp.hdr.kind == VMDK_KIND_HOSTED && !f->sp.hdr.compressed &&
	       host & (f->sp.hdr.grain - 1);
}

/* A grain that is in the file; at: of the entry that leads there. */
static bool check_place(struct vmdk_file_check *f, uint64_t grain, uint64_t host, uint64_t at,
			struct img_err *err)
{
	const uint64_t guest = grain * f->sp.hdr.grain;
	const struct img_finding_kind *kind;
	uint64_t len;

	if (!find_bytes(f, grain, host, &len, &kind, err))
		return false;
	if (!kind)
		kind = collision(vmdk_usage_grain(&f->used, host, len));
	else if (!f->first_pass)
		return true;
	if (f->first_pass)
		count(f, host, len);
	if (kind && !vmdk_tell(f, kind, at, guest, IMG_NOWHERE, host, 0, err))
		return false;
	return !f->first_pass || !is_unaligned(f, host) ||
	       vmdk_tell(f, &vmdk_found_grain_unaligned, at, guest, IMG_NOWHERE, IMG_NOWHERE,
			 f->sp.hdr.entry_len, err);
}

/* Two entries for the same grain that are not the same number. */
static bool check_twins(struct vmdk_file_check *f, const struct table *t, size_t i,
			const struct vmdk_entry *first, const struct vmdk_entry *second,
			struct img_err *err)
{
	const uint64_t guest = (t->number * f->sp.hdr.gt_entries + i) * f->sp.hdr.grain;
	const uint64_t raw = vmdk_pairs_raw(&f->sp, t->pair->first, i);
	const uint64_t raw_second = vmdk_pairs_raw(&f->sp, t->pair->second, i);
	bool second_bad;
	const struct img_finding_kind *kind = fault_of(f, first, second, &second_bad);

	if (kind)
		return vmdk_tell(f, kind, entry_host(f, t, second_bad, i), guest,
				 second_bad ? raw : raw_second, second_bad ? raw_second : raw, 0, err);
	if (vmdk_is_behind(first, second))
		return vmdk_tell(f, &vmdk_found_second_behind, entry_host(f, t, true, i), guest,
				 IMG_NOWHERE, IMG_NOWHERE, f->sp.hdr.entry_len, err);
	return vmdk_tell(f, &vmdk_found_second_differs, entry_host(f, t, false, i), guest, raw_second,
			 raw, 0, err);
}

/* An entry that has no twin, or the same one. */
static bool check_alone(struct vmdk_file_check *f, const struct table *t, size_t i,
			const struct vmdk_entry *entry, uint64_t raw, struct img_err *err)
{
	const uint64_t guest = (t->number * f->sp.hdr.gt_entries + i) * f->sp.hdr.grain;

	return entry->kind != VMDK_ENTRY_BAD || !f->first_pass ||
	       vmdk_tell(f, entry->bad, entry_host(f, t, !t->pair->first, i), guest, IMG_NOWHERE, raw,
			 0, err);
}

static bool check_entry(struct vmdk_file_check *f, const struct table *t, size_t i,
			struct img_err *err)
{
	const uint8_t *table = t->pair->first ? t->pair->first : t->pair->second;
	const uint64_t grain = t->number * f->sp.hdr.gt_entries + i;
	const uint64_t raw = vmdk_pairs_raw(&f->sp, table, i);
	const bool twins = t->pair->first && t->pair->second;
	const uint64_t raw_second = twins ? vmdk_pairs_raw(&f->sp, t->pair->second, i) : raw;
	struct vmdk_entry entry, second;
	bool from_second = !t->pair->first;

	if (!raw && !raw_second)
		return true;
	entry = vmdk_pairs_grain(&f->sp, raw, grain);
	second = vmdk_pairs_grain(&f->sp, raw_second, grain);
	if (raw == raw_second ? !check_alone(f, t, i, &entry, raw, err)
			      : f->first_pass && !check_twins(f, t, i, &entry, &second, err))
		return false;
	if (vmdk_says_nothing(&entry) && !vmdk_says_nothing(&second)) {
		entry = second;
		from_second = true;
	}
	return entry.kind != VMDK_ENTRY_PLACE ||
	       check_place(f, grain, entry.host, entry_host(f, t, from_second, i), err);
}

/* Most tables of a large disk are. */
static bool is_empty(const struct vmdk_file_check *f, const struct table *t)
{
	const size_t len = t->n * f->sp.hdr.entry_len;

	return (!t->pair->first || img_is_zero(t->pair->first, len)) &&
	       (!t->pair->second || img_is_zero(t->pair->second, len));
}

static bool check_grains(struct vmdk_file_check *f, const struct table *t, struct img_err *err)
{
	if (is_empty(f, t))
		return true;
	for (size_t i = 0; i < t->n; i++)
		if (!check_entry(f, t, i, err))
			return false;
	return true;
}

/* ---- All of them ----------------------------------------------------------------------------- */

static void set_table(const struct vmdk_file_check *f, const struct vmdk_pairs *pairs, size_t i,
		      struct table *out)
{
	out->pair = &pairs->v[i];
	out->number = pairs->from + i;
	out->n = vmdk_table_len(&f->sp.hdr, out->number) / f->sp.hdr.entry_len;
}

/* Marks the place of a table. */
static bool mark_table(struct vmdk_file_check *f, const struct vmdk_entry *dir, uint64_t number,
		       bool second, struct img_err *err)
{
	const uint64_t len = vmdk_table_len(&f->sp.hdr, number);

	if (dir->kind != VMDK_ENTRY_PLACE ||
	    vmdk_usage_table(&f->used, dir->host, len) == VMDK_USED_NOT)
		return true;
	return vmdk_tell(f, &vmdk_found_overlap, directory_host(f, second, number),
			 number * f->sp.hdr.gt_entries * f->sp.hdr.grain, IMG_NOWHERE, dir->host, 0,
			 err);
}

/* All tables are marked before the first grain is: who lies on whom is no matter of the order. */
bool vmdk_check_mark_tables(struct vmdk_file_check *f, struct img_err *err)
{
	for (uint64_t i = 0; i < f->sp.hdr.n_gd; i++) {
		const struct vmdk_entry first = vmdk_pairs_directory(&f->sp, f->sp.gd, f->sp.n_gd, i);
		const struct vmdk_entry second =
			vmdk_pairs_directory(&f->sp, f->sp.rgd, f->sp.n_rgd, i);

		if (!mark_table(f, &first, i, false, err) || !mark_table(f, &second, i, true, err))
			return false;
	}
	return true;
}

static bool check_cancelled(const struct vmdk_file_check *f, uint64_t done, struct img_err *err)
{
	const struct img_job *job = f->image->how->job;

	if (job && job->progress)
		job->progress(job->ctx, done, f->sp.hdr.n_gd);
	return img_job_goes_on(job, err);
}

static bool check_batch(struct vmdk_file_check *f, const struct vmdk_pairs *pairs,
			struct img_err *err)
{
	struct table t;

	for (size_t i = 0; i < pairs->n; i++) {
		set_table(f, pairs, i, &t);
		if ((f->first_pass && !check_directory(f, &t, err)) || !check_grains(f, &t, err))
			return false;
	}
	return true;
}

bool vmdk_check_tables(struct vmdk_file_check *f, struct img_err *err)
{
	struct vmdk_pairs pairs;
	bool ok;

	if (!vmdk_pairs_init(&pairs, &f->sp, err))
		return false;
	ok = true;
	for (uint64_t i = 0; ok && i < f->sp.hdr.n_gd; i += pairs.n)
		ok = check_cancelled(f, i, err) && vmdk_pairs_read(&pairs, i, err) &&
		     check_batch(f, &pairs, err);
	vmdk_pairs_clear(&pairs);
	return ok;
}
