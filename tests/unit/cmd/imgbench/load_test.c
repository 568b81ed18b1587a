/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include "imgbench/load.h"

#define MIB UINT64_C(1048576)

static struct load planned(const struct load_options *options, uint64_t disk)
{
	struct img_err err = { 0 };
	struct load load;

	cr_assert(load_check(options, &err), "%s", err.text);
	cr_assert(load_plan(&load, options, NULL, disk, &err), "%s", err.text);
	return load;
}

Test(load, sequential_requests_go_round_the_region)
{
	const struct load_options options = {
		.pattern = "write", .block_size = 512, .start = 1024, .length = 1600,
		.requests = 7,
	};
	static const uint64_t want[] = { 1024, 1536, 2048, 1024, 1536, 2048, 1024 };
	const struct load load = planned(&options, MIB);
	struct request r;

	cr_assert_eq(load.n, 7);
	for (uint32_t i = 0; i < load.n; i++) {
		load_get(&load, i, &r);
		cr_expect_eq(r.at, want[i]);
		cr_expect_eq(r.len, 512);
		cr_expect_eq(r.kind, REQUEST_WRITE);
	}
}

Test(load, flushes_stand_behind_every_so_many)
{
	const struct load_options options = {
		.pattern = "write", .requests = 7, .flush_every = 3,
	};
	const struct load load = planned(&options, MIB);
	struct load_summary sum;
	uint64_t at = 0;
	char kinds[20] = "";

	cr_assert_eq(load.n, 9);
	for (uint32_t i = 0; i < load.n; i++) {
		struct request r;

		load_get(&load, i, &r);
		kinds[i] = r.kind == REQUEST_FLUSH ? 'F' : 'W';
		if (r.kind == REQUEST_FLUSH)
			continue;
		cr_expect_eq(r.at, at);
		at += 4096;
	}
	cr_expect_str_eq(kinds, "WWWFWWWFW");
	load_sum_up(&load, &sum);
	cr_expect_eq(sum.bytes, 7 * 4096);
}

Test(load, the_patterns_of_fio)
{
	static const struct { const char *name; bool random, reads, writes, trims; } cases[] = {
		{ "read", false, true, false, false }, { "write", false, false, true, false },
		{ "trim", false, false, false, true }, { "randread", true, true, false, false },
		{ "randwrite", true, false, true, false },
		{ "randtrim", true, false, false, true }, { "rw", false, true, true, false },
		{ "randrw", true, true, true, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct load_options options = {
			.pattern = cases[i].name, .read_share = 50, .requests = 200,
		};
		const struct load load = planned(&options, 64 * MIB);
		unsigned seen[REQUEST_KINDS] = { 0 }, forward = 0;
		struct load_summary sum;
		uint64_t last = 0;

		for (uint32_t n = 0; n < load.n; n++) {
			struct request r;

			load_get(&load, n, &r);
			seen[r.kind]++;
			forward += r.at == last + 4096;
			last = r.at;
			cr_assert(r.at % 4096 == 0 && r.at + r.len <= 64 * MIB);
		}
		load_sum_up(&load, &sum);
		cr_expect_eq(sum.changes, cases[i].writes || cases[i].trims, "%s", cases[i].name);
		cr_expect_eq(seen[REQUEST_READ] > 50, cases[i].reads, "%s", cases[i].name);
		cr_expect_eq(seen[REQUEST_WRITE] > 50, cases[i].writes, "%s", cases[i].name);
		cr_expect_eq(seen[REQUEST_DISCARD] > 50, cases[i].trims, "%s", cases[i].name);
		cr_expect_eq(forward < 10, cases[i].random, "%s", cases[i].name);
	}
}

Test(load, the_seed_decides_and_nothing_else)
{
	struct load_options options = { .pattern = "randrw", .read_share = 30, .requests = 100 };
	const struct load a = planned(&options, 64 * MIB), same = planned(&options, 64 * MIB);
	unsigned reads = 0, alike = 0;

	options.seed = 1;
	const struct load other = planned(&options, 64 * MIB);

	for (uint32_t n = a.n; n-- > 0; ) {
		struct request x, y, z;

		load_get(&a, n, &x);
		load_get(&same, n, &y);
		load_get(&other, n, &z);
		cr_expect(x.at == y.at && x.kind == y.kind);
		alike += x.at == z.at;
		reads += x.kind == REQUEST_READ;
	}
	cr_expect_lt(alike, 5);
	cr_expect(reads > 15 && reads < 45, "%u", reads);
}

Test(load, how_many)
{
	static const struct {
		unsigned requests, seconds;
		uint64_t bytes;
		uint32_t want;
	} cases[] = {
		{ 0, 0, 0, 65536 }, { 10, 0, 0, 10 }, { 0, 0, 5000, 2 }, { 0, 0, 8192, 2 },
		{ 10, 0, 8192, 2 }, { 1, 0, 8192, 1 }, { 0, 5, 0, REQUEST_N_MAX },
		{ 10, 5, 0, 10 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct load_options options = {
			.pattern = "write", .requests = cases[i].requests,
			.seconds = cases[i].seconds, .bytes = cases[i].bytes,
		};

		cr_expect_eq(planned(&options, MIB).n, cases[i].want, "%zu", i);
	}
}

Test(load, small_blocks_are_looked_at_by_sector)
{
	const struct { uint64_t block, start; uint32_t grain; } cases[] = {
		{ 0, 0, 4096 }, { 65536, 8192, 4096 }, { 512, 0, 512 }, { 4096, 512, 512 },
		{ 4608, 0, 512 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct load_options options = {
			.pattern = "write", .block_size = cases[i].block, .start = cases[i].start,
		};
		const struct load load = planned(&options, MIB);
		struct load_summary sum;

		load_sum_up(&load, &sum);
		cr_expect_eq(sum.grain, cases[i].grain, "%zu", i);
	}
}

Test(load, what_makes_no_sense_is_refused)
{
	static const struct load_options wrong[] = {
		{ 0 },
		{ .trace = "a", .pattern = "read" },
		{ .trace = "a", .block_size = 4096 },
		{ .trace = "a", .flush_every = 1 },
		{ .pattern = "randwalk" },
		{ .pattern = "read", .block_size = 513 },
		{ .pattern = "read", .block_size = 128 * MIB },
		{ .pattern = "read", .start = 3 },
		{ .pattern = "rw", .read_share = 101 },
	};
	static const struct load_options too_large[] = {
		{ .pattern = "read", .start = 2 * MIB },
		{ .pattern = "read", .start = 4096, .length = MIB },
		{ .pattern = "read", .length = 512 },
		{ .pattern = "read", .start = MIB },
		{ .pattern = "read", .bytes = UINT64_MAX },
	};
	struct img_err err = { 0 };
	struct load load;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_not(load_check(&wrong[i], &err), "%zu", i);
	for (size_t i = 0; i < sizeof(too_large) / sizeof(too_large[0]); i++) {
		cr_expect(load_check(&too_large[i], &err), "%zu", i);
		cr_expect_not(load_plan(&load, &too_large[i], NULL, MIB, &err), "%zu", i);
		cr_expect_eq(err.code, IMG_E_RANGE, "%zu", i);
	}
}

Test(load, of_a_trace)
{
	struct request requests[] = {
		{ .kind = REQUEST_READ, .at = 0, .len = 65536 },
		{ .kind = REQUEST_FLUSH },
		{ .kind = REQUEST_WRITE, .at = 4096, .len = 8192 },
		{ .kind = REQUEST_ZERO, .at = 0, .len = 1048576 },
	};
	const struct trace trace = { .size = MIB, .requests = requests, .n = 4, .room = 4 };
	struct load_options options = { .trace = "a" };
	struct load_summary sum;
	struct img_err err = { 0 };
	struct load load;

	cr_assert(load_plan(&load, &options, &trace, MIB, &err));
	load_sum_up(&load, &sum);
	cr_expect(load.n == 4 && sum.changes && sum.longest == 65536);
	cr_expect_eq(sum.bytes, 65536 + 8192 + 1048576);
	options.requests = 2;
	cr_assert(load_plan(&load, &options, &trace, MIB, &err));
	load_sum_up(&load, &sum);
	cr_expect(load.n == 2 && !sum.changes);
	cr_expect_not(load_plan(&load, &options, &trace, MIB - 1, &err));
}
