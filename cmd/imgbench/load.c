/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See load.h. */
#include <inttypes.h>
#include <string.h>
#include "common/text.h"
#include "imgbench/load.h"

enum { DEFAULT_BLOCK = 4096, DEFAULT_REQUESTS = 65536, PERCENT = 100 };

/* ---- Chance ---------------------------------------------------------------------------------- */

/* One step of splitmix64: evenly spread, and a different one for each purpose. */
static uint64_t chance(uint64_t seed, uint64_t purpose, uint32_t number)
{
	uint64_t x = (seed ^ (purpose << 56)) + (number + UINT64_C(1)) *
		     UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* A number below n that all are equally likely to be. */
static uint64_t below(uint64_t random, uint64_t n)
{
	return (uint64_t)((unsigned __int128)random * n >> 64);
}

/* ---- One request ----------------------------------------------------------------------------- */

enum { FOR_PLACE = 1, FOR_KIND = 2 };

/* Flushes stand behind flush_every others each; the others are numbered without them. */
static bool is_flush(const struct pattern *p, uint32_t number, uint32_t *moved)
{
	const uint64_t group = (uint64_t)p->flush_every + 1;

	*moved = number;
	if (!p->flush_every)
		return false;
	*moved = number - (uint32_t)(number / group);
	return number % group == p->flush_every;
}

static void pattern_get(const struct load *load, uint32_t number, struct request *out)
{
	const struct pattern *p = &load->pattern;
	uint64_t block;
	uint32_t moved;

	*out = (struct request){ .kind = REQUEST_FLUSH };
	if (is_flush(p, number, &moved))
		return;
	block = p->random ? below(chance(load->seed, FOR_PLACE, moved), p->n_blocks)
			  : moved % p->n_blocks;
	out->at = p->start + block * p->block_size;
	out->len = p->block_size;
	out->percent = PERCENT;
	if (below(chance(load->seed, FOR_KIND, moved), PERCENT) < p->read_share)
		out->kind = REQUEST_READ;
	else
		out->kind = (uint8_t)p->change;
}

void load_get(const struct load *load, uint32_t number, struct request *out)
{
	if (load->trace)
		*out = load->trace->requests[number];
	else
		pattern_get(load, number, out);
}

/* ---- All of them ----------------------------------------------------------------------------- */

static void trace_sum_up(const struct load *load, struct load_summary *out)
{
	for (uint32_t i = 0; i < load->n; i++) {
		const struct request *r = &load->trace->requests[i];

		out->bytes += r->len;
		out->changes |= request_changes(r);
		if (request_moves_data(r) && r->len > out->longest)
			out->longest = r->len;
	}
}

void load_sum_up(const struct load *load, struct load_summary *out)
{
	const struct pattern *p = &load->pattern;

	*out = (struct load_summary){ .grain = REQUEST_BLOCK };
	if (load->trace) {
		trace_sum_up(load, out);
	} else {
		const uint64_t group = (uint64_t)p->flush_every + 1;
		const uint64_t flushes = p->flush_every ? load->n / group : 0;

		out->bytes = (load->n - flushes) * p->block_size;
		out->changes = p->read_share < PERCENT;
		out->longest = p->block_size;
		if (p->start % REQUEST_BLOCK || p->block_size % REQUEST_BLOCK)
			out->grain = REQUEST_SECTOR;
	}
	if (load->timed)
		out->bytes = IMG_SIZE_UNKNOWN;
}

/* ---- From options to a load ------------------------------------------------------------------ */

static const struct {
	const char *name;
	bool random, reads, changes;
	enum request_kind change;
} patterns[] = {
	{ "read", false, true, false, REQUEST_WRITE },
	{ "write", false, false, true, REQUEST_WRITE },
	{ "trim", false, false, true, REQUEST_DISCARD },
	{ "randread", true, true, false, REQUEST_WRITE },
	{ "randwrite", true, false, true, REQUEST_WRITE },
	{ "randtrim", true, false, true, REQUEST_DISCARD },
	{ "rw", false, true, true, REQUEST_WRITE },
	{ "randrw", true, true, true, REQUEST_WRITE },
};
#define N_PATTERNS (sizeof(patterns) / sizeof(patterns[0]))

static bool set_pattern(struct pattern *p, const struct load_options *options, struct img_err *err)
{
	for (size_t i = 0; i < N_PATTERNS; i++) {
		if (strcmp(patterns[i].name, options->pattern))
			continue;
		p->random = patterns[i].random;
		p->change = patterns[i].change;
		p->read_share = !patterns[i].reads ? 0 : !patterns[i].changes ? PERCENT
				: options->read_share;
		return true;
	}
	return img_fail(err, IMG_E_ARGUMENT, _("\"%s\" is none of %s"), options->pattern,
			LOAD_PATTERNS);
}

static bool set_region(struct pattern *p, const struct load_options *options, uint64_t disk,
		       struct img_err *err)
{
	uint64_t length;

	if (options->start > disk || options->length > disk - options->start)
		return img_fail(err, IMG_E_RANGE, _("%" PRIu64 " bytes at %" PRIu64 " are not "
				"inside the disk of %" PRIu64 " bytes"), options->length,
				options->start, disk);
	length = options->length ? options->length : disk - options->start;
	p->block_size = (uint32_t)(options->block_size ? options->block_size : DEFAULT_BLOCK);
	p->start = options->start;
	p->n_blocks = length / p->block_size;
	return p->n_blocks || img_fail(err, IMG_E_RANGE, _("%" PRIu64 " bytes do not hold one "
			"block of %" PRIu32), length, p->block_size);
}

/* How many requests that are no flushes. */
static uint64_t wanted_requests(const struct load_options *options, uint32_t block_size)
{
	const uint64_t by_bytes = options->bytes / block_size + (options->bytes % block_size != 0);

	if (options->requests && options->bytes)
		return options->requests < by_bytes ? options->requests : by_bytes;
	if (options->requests || options->bytes)
		return options->requests ? options->requests : by_bytes;
	return options->seconds ? REQUEST_N_MAX : DEFAULT_REQUESTS;
}

static bool plan_pattern(struct load *load, const struct load_options *options, uint64_t disk,
			 struct img_err *err)
{
	struct pattern *p = &load->pattern;
	uint64_t n;

	if (!set_pattern(p, options, err) || !set_region(p, options, disk, err))
		return false;
	p->flush_every = options->flush_every;
	n = wanted_requests(options, p->block_size);
	n += p->flush_every ? n / p->flush_every : 0;
	if (n > REQUEST_N_MAX && !options->seconds)
		return img_fail(err, IMG_E_RANGE, _("%" PRIu64 " requests are more than one load "
				"may have (%" PRIu32 ")"), n, REQUEST_N_MAX);
	load->n = (uint32_t)(n < REQUEST_N_MAX ? n : REQUEST_N_MAX);
	return true;
}

bool load_plan(struct load *load, const struct load_options *options, const struct trace *trace,
	       uint64_t disk, struct img_err *err)
{
	*load = (struct load){
		.trace = trace, .seed = options->seed, .timed = options->seconds != 0,
	};
	if (!trace)
		return plan_pattern(load, options, disk, err);
	if (trace->size > disk)
		return img_fail(err, IMG_E_RANGE, _("the trace is of a disk of %" PRIu64 " bytes, "
				"this one has %" PRIu64), trace->size, disk);
	load->n = (uint32_t)trace->n;
	if (options->requests && options->requests < load->n)
		load->n = options->requests;
	return true;
}

bool load_check(const struct load_options *options, struct img_err *err)
{
	struct pattern unused;

	if (options->trace && options->pattern)
		return img_fail(err, IMG_E_ARGUMENT, _("the load is given twice, by --trace and by "
				"--pattern"));
	if (!options->trace && !options->pattern)
		return img_fail(err, IMG_E_ARGUMENT, _("the load is not given; needed: one of "
				"--trace and --pattern"));
	if (options->trace && (options->block_size || options->start || options->length ||
			       options->bytes || options->flush_every))
		return img_fail(err, IMG_E_ARGUMENT, _("a trace says itself where its requests go; "
				"--block-size, --offset, --length, --bytes and --flush-every "
				"belong to --pattern"));
	if (options->read_share > PERCENT)
		return img_fail(err, IMG_E_ARGUMENT, _("%u percent is more than all"),
				options->read_share);
	if (options->block_size % REQUEST_SECTOR || options->start % REQUEST_SECTOR ||
	    options->block_size > REQUEST_MOVED_MAX)
		return img_fail(err, IMG_E_ARGUMENT, _("--block-size and --offset must be "
				"multiples of %u, and a block has at most %u bytes"),
				REQUEST_SECTOR, REQUEST_MOVED_MAX);
	return options->trace || set_pattern(&unused, options, err);
}
