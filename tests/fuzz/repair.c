/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: an image of any content, in a file in memory, is repaired: qcow2, qcow, cow, VMDK, VDI
 * or cloop.
 *
 * What could be read of the disk before reads the same afterwards, but where a check had found fault
 * with what leads there; a check finds no more errors than before; a second repair has nothing left
 * to do; and a repair that fails has changed nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/bytes.h"
#include "base/num.h"
#include "format/cloop/cloop.h"
#include "format/cow/cow.h"
#include "format/qcow1/qcow1.h"
#include "format/vdi/vdi.h"
#include "fuzz/fuzz.h"
#include "fuzz/readable.h"
#include "image/image.h"

enum { MEMORY = 16 << 20, UNIT_MOST = 1 << 20, FINDINGS = 100000, VDI_BLOCKS = 1 << 16 };

/* What an image is, and how much of a disk is behind its entries. */
struct subject {
	const struct img_format *format;
	uint64_t unit;			/* a cluster, a grain; bytes */
	uint64_t table;			/* what one table leads to; bytes */
	uint64_t data, stride;		/* VDI: in front of the first block, and from each to the next */
};

/* An image at some time. */
struct state {
	struct img_store *file;		/* a copy of it; owned */
	struct readable disk;
	struct img_findings found;
};

static void fail(const char *what, uint64_t at)
{
	fprintf(stderr, "%s, at 0x%llx\n", what, (unsigned long long)at);
	abort();
}

static void look(struct state *state, const struct subject *subject, const uint8_t *bytes,
		 size_t len)
{
	const struct img_checking how = { .threads = 1, .memory = MEMORY };
	struct img_layer layer = { .format = subject->format };
	struct img_check_result numbers;

	*state = (struct state){
		.file = img_store_mem(bytes, len, NULL), .found = { .most = FINDINGS },
	};
	layer.store = state->file;
	/* What cannot be checked has no findings, and repair has to leave it alone. */
	(void)!layer.format->check->check(&layer, &how, &state->found, &numbers, NULL);
	readable_take(&state->disk, state->file, layer.format);
}

static void forget(struct state *state)
{
	img_findings_clear(&state->found);
	readable_free(&state->disk);
	img_store_close(state->file);
}

/* ---- The file ------------------------------------------------------------------------------------ */

static int put_file(const uint8_t *bytes, size_t len)
{
	const int fd = memfd_create("repaired", MFD_CLOEXEC);

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
		abort();
	return fd;
}

/* All that it holds now; the caller frees it. */
static uint8_t *get_file(int fd, size_t *len)
{
	const off_t end = lseek(fd, 0, SEEK_END);
	uint8_t *bytes = end < 0 ? NULL : malloc((size_t)end + 1);

	if (!bytes || pread(fd, bytes, (size_t)end, 0) != end)
		abort();
	*len = (size_t)end;
	return bytes;
}

static void expect_same(int fd, const uint8_t *bytes, size_t len, const char *otherwise)
{
	size_t now_len;
	uint8_t *now = get_file(fd, &now_len);

	if (now_len != len || memcmp(now, bytes, len))
		fail(otherwise, 0);
	free(now);
}

/* *changed: as the repair says it. */
static bool repair(int fd, const struct subject *subject, bool *changed)
{
	char path[32];
	const struct img_repair what = {
		.check = {
			.path = path, .format = subject->format->name, .flags = IMG_OPEN_NO_BACKING,
			.threads = 1, .memory = MEMORY,
		},
		.level = IMG_REPAIR_ALL,
	};
	struct img_repair_result result;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!img_repair_run(&what, NULL, &result, NULL))
		return false;
	*changed = result.changed;
	img_repair_clear(&result);
	return true;
}

/* ---- What a repair must not do ------------------------------------------------------------------- */

static uint64_t errors(const struct img_findings *found)
{
	return img_findings_total(found, IMG_CORRUPT) + img_findings_total(found, IMG_FATAL);
}

/* How much of the disk the entries lead to that a finding is about. */
static uint64_t reach(const struct img_finding *f, const struct subject *subject)
{
	static const char *const of_tables[] = {
		"qcow2.l1.", "vmdk.directory.", "vmdk.second.", "vmdk.overlap", "cloop.index.",
	};
	uint64_t one = subject->unit;

	for (size_t i = 0; i < sizeof(of_tables) / sizeof(of_tables[0]); i++)
		if (!strncmp(f->kind->id, of_tables[i], strlen(of_tables[i])))
			one = subject->table;

	return f->n > UINT64_MAX / one ? UINT64_MAX : f->n * one;
}

static bool is_within(uint64_t at, uint64_t start, uint64_t len)
{
	return start != IMG_NOWHERE && at >= start && at - start < len;
}

/* Of those that share a block of a VDI image all but the first are found. */
static bool is_shared(const struct img_finding *f, const struct subject *subject, uint64_t host)
{
	return host != IMG_NOWHERE && !strcmp(f->kind->id, "vdi.map.doubled") &&
	       f->found == (host - subject->data) / subject->stride;
}

/* What all of the disk is read by. */
static bool is_of_all(const struct img_finding *f)
{
	return !strcmp(f->kind->id, "vdi.header.field");
}

/* Whether a check had doubts about what leads to a sector, or about the cluster that it leads to. */
static bool was_doubtful(const struct state *before, size_t sector, const struct subject *subject)
{
	const uint64_t at = (uint64_t)sector * READABLE_SECTOR;
	const uint64_t host = before->disk.host[sector];

	for (size_t i = 0; i < before->found.n; i++) {
		const struct img_finding *f = &before->found.v[i];

		if (f->kind->severity >= IMG_CORRUPT &&
		    (is_of_all(f) || is_within(at, f->guest, reach(f, subject)) ||
		     is_shared(f, subject, host) ||
		     (host != IMG_NOWHERE && f->guest == IMG_NOWHERE &&
		      is_within(host, f->host, f->n * subject->unit))))
			return true;
	}
	return false;
}

static void compare(const struct state *before, const struct state *after,
		    const struct subject *subject)
{
	const size_t n = before->disk.n;

	for (size_t i = 0; (i = readable_differs(&before->disk, &after->disk, i)) < n; i++) {
		if (i >= after->disk.n || !after->disk.known[i])
			fail("repair lost what could be read", (uint64_t)i * READABLE_SECTOR);
		if (!was_doubtful(before, i, subject))
			fail("repair changed the disk", (uint64_t)i * READABLE_SECTOR);
	}
	if (errors(&after->found) > errors(&before->found))
		fail("there are more errors than before", errors(&after->found));
}

static void judge_repaired(int fd, const uint8_t *data, size_t len, const struct subject *subject)
{
	struct state before, after;
	size_t now_len;
	uint8_t *now = get_file(fd, &now_len);
	bool changed;

	look(&before, subject, data, len);
	look(&after, subject, now, now_len);
	compare(&before, &after, subject);
	if (!repair(fd, subject, &changed))
		fail("a second repair fails", 0);
	expect_same(fd, now, now_len, "a second repair changes something");
	forget(&before);
	forget(&after);
	free(now);
}

static bool is_vdi(const uint8_t *data, size_t len, struct subject *out)
{
	struct vdi_header hdr;

	if (!vdi_header_decode(data, len, &hdr, NULL) || hdr.n_blocks > VDI_BLOCKS)
		return false;
	*out = (struct subject){
		.format = &img_format_vdi, .unit = hdr.block_size, .table = hdr.block_size,
		.data = hdr.data_off, .stride = vdi_stride(&hdr),
	};
	return true;
}

static bool is_vmdk(const uint8_t *data, size_t len, struct subject *out)
{
	if (len < 24 || memcmp(data, "KDMV", 4))
		return false;
	*out = (struct subject){ .format = &img_format_vmdk };
	out->unit = img_get_le32(data + 20) * UINT64_C(512);
	out->table = out->unit * 512;
	return out->unit && out->unit <= 1 << 20;
}

static bool is_qcow(const uint8_t *data, size_t len, struct subject *out)
{
	struct qcow1_header hdr;

	if (!qcow1_header_decode(data, len, &hdr, NULL))
		return false;
	*out = (struct subject){ .format = &img_format_qcow };
	out->unit = UINT64_C(1) << hdr.cluster_bits;
	out->table = out->unit << hdr.l2_bits;
	return true;
}

static bool is_cow(const uint8_t *data, size_t len, struct subject *out)
{
	struct cow_header hdr;

	if (!cow_header_decode(data, len, &hdr, NULL))
		return false;
	*out = (struct subject){
		.format = &img_format_cow, .unit = hdr.sector, .table = hdr.sector,
	};
	return hdr.sector <= UNIT_MOST && hdr.bitmap_off + cow_bitmap_bytes(&hdr) <= MEMORY;
}

static bool is_cloop(const uint8_t *data, size_t len, struct subject *out)
{
	struct cloop_header hdr;

	if (!cloop_header_decode(data, len, 0, &hdr, NULL))
		return false;
	*out = (struct subject){
		.format = &img_format_cloop, .unit = hdr.block_size,
		/* By an entry one block ends, and the next one begins. */
		.table = hdr.block_size * UINT64_C(2),
	};
	return hdr.block_size <= UNIT_MOST;
}

static bool is_qcow2(const uint8_t *data, size_t len, struct subject *out)
{
	const uint32_t bits = len > 24 ? data[23] : 0;

	*out = (struct subject){ .format = &img_format_qcow2, .unit = UINT64_C(1) << bits % 32 };
	out->table = out->unit * (out->unit / 8);
	return bits >= 9 && bits <= 16;
}

/* False: not one of those that are worth the time. */
static bool find_subject(const uint8_t *data, size_t len, struct subject *out)
{
	return is_vdi(data, len, out) || is_vmdk(data, len, out) || is_qcow(data, len, out) ||
	       is_cow(data, len, out) || is_cloop(data, len, out) || is_qcow2(data, len, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct subject subject;
	bool changed;
	int fd;

	if (!find_subject(data, len, &subject))
		return 0;
	fd = put_file(data, len);
	if (!repair(fd, &subject, &changed))
		expect_same(fd, data, len, "a repair that fails has changed something");
	else if (!changed)
		expect_same(fd, data, len, "a repair that changes nothing has changed something");
	else
		judge_repaired(fd, data, len, &subject);
	close(fd);
	return 0;
}
