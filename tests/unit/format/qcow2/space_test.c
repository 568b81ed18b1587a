/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clusters and their counts, against a plain array of counts. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/num.h"
#include "format/qcow2/qcow2.h"
#include "format/qcow2/space.h"

#define MOST 20000

struct trial {
	struct qcow2_space sp;
	struct img_err err;
	uint64_t expected[MOST];	/* counts of data clusters; the rest is 1 */
	uint32_t state;
};

static struct trial *trial_new(unsigned cluster_bits, unsigned order)
{
	struct trial *t = calloc(1, sizeof(*t));

	t->sp.store = img_store_mem(NULL, 0, &t->err);
	t->sp.cluster_bits = cluster_bits;
	t->sp.refcount_order = order;
	t->sp.sparse = true;
	cr_assert(qcow2_space_init(&t->sp, &t->err));
	t->state = order + 1;
	return t;
}

static void trial_free(struct trial *t)
{
	qcow2_space_free(&t->sp);
	img_store_close(t->sp.store);
	free(t);
}

static uint32_t next(struct trial *t, uint32_t below)
{
	t->state = t->state * 1664525 + 1013904223;
	return (t->state >> 8) % below;
}

static void take(struct trial *t, uint64_t n)
{
	uint64_t host;

	cr_assert(qcow2_space_take(&t->sp, n, &host, &t->err), "%s", t->err.text);
	cr_assert_eq(host & ((1u << t->sp.cluster_bits) - 1), 0);
	for (uint64_t c = host >> t->sp.cluster_bits; n--; c++) {
		cr_assert_eq(t->expected[c], 0, "cluster %zu taken twice", (size_t)c);
		t->expected[c] = 1;
	}
}

static uint64_t pack(struct trial *t, uint32_t len)
{
	uint64_t host;

	cr_assert(qcow2_space_pack(&t->sp, len, UINT64_MAX, &host, &t->err), "%s", t->err.text);
	for (uint64_t c = host >> t->sp.cluster_bits;
	     c <= (host + len - 1) >> t->sp.cluster_bits; c++)
		t->expected[c]++;
	return host;
}

/* Reads the counts back from the file. */
static void check(struct trial *t)
{
	const uint64_t cluster = 1u << t->sp.cluster_bits;
	const uint64_t counts = cluster * 8 >> t->sp.refcount_order;
	uint64_t table, block = 0;
	uint32_t n;
	uint8_t raw[8], *counters = malloc(cluster);

	cr_assert(qcow2_space_finish(&t->sp, &table, &n, &t->err), "%s", t->err.text);
	cr_assert(img_store_resize(t->sp.store, t->sp.end * cluster, &t->err));
	cr_assert(t->sp.end < MOST);
	for (uint64_t c = 0; c < n * cluster / 8 * counts; c++) {
		const uint64_t want = c >= t->sp.end ? 0 : img_max_u64(1, t->expected[c]);

		if (c % counts == 0) {
			cr_assert(img_store_read(t->sp.store, table + c / counts * 8, raw, 8, &t->err));
			block = img_get_be64(raw);
			cr_assert_eq(block % cluster, 0);
			if (block)
				cr_assert(img_store_read(t->sp.store, block, counters, cluster,
							 &t->err));
		}
		cr_assert_eq(block ? qcow2_refcount_get(counters, t->sp.refcount_order, c % counts) : 0,
			     want, "order %u cluster %zu of %zu", t->sp.refcount_order, (size_t)c,
			     (size_t)t->sp.end);
	}
	free(counters);
}

Test(qcow2_space, counts_everything_at_every_width)
{
	for (unsigned order = 0; order <= 6; order++) {
		struct trial *t = trial_new(9, order);

		for (int i = 0; i < 1500; i++) {
			if (next(t, 4))
				pack(t, 1 + next(t, next(t, 8) ? 200 : 512));
			else
				take(t, 1 + next(t, next(t, 32) ? 3 : 100));
		}
		check(t);
		trial_free(t);
	}
}

/* One more reference to what was packed, unless a count is at its limit: then none changes. */
static void share(struct trial *t, uint64_t host, uint32_t len)
{
	const uint64_t first = host >> t->sp.cluster_bits;
	const uint64_t last = (host + len - 1) >> t->sp.cluster_bits;
	const uint64_t most = qcow2_refcount_max(t->sp.refcount_order);
	bool room = true;

	for (uint64_t c = first; c <= last; c++)
		room &= t->expected[c] < most;
	cr_assert_eq(qcow2_space_share(&t->sp, host, len), room);
	for (uint64_t c = first; c <= last && room; c++)
		t->expected[c]++;
}

/* Also clusters whose counts are in blocks that the file has grown past. */
Test(qcow2_space, counts_what_is_shared)
{
	enum { PACKED = 1500, LEN_MAX = 300 };

	for (unsigned order = 0; order <= 6; order++) {
		struct trial *t = trial_new(9, order);
		struct { uint64_t host; uint32_t len; } packed[PACKED];

		t->sp.keep = true;
		for (int i = 0; i < PACKED; i++) {
			packed[i].len = 1 + next(t, LEN_MAX);
			packed[i].host = pack(t, packed[i].len);
			for (unsigned k = next(t, 3); k; k--) {
				const unsigned old = next(t, i + 1);

				share(t, packed[old].host, packed[old].len);
			}
		}
		cr_assert(order < 4 || t->sp.n_kept);
		check(t);
		trial_free(t);
	}
}

Test(qcow2_space, ends_well_wherever_the_last_block_falls)
{
	for (unsigned n = 1; n < 600; n += 7) {
		struct trial *t = trial_new(9, 6);

		take(t, n);
		check(t);
		trial_free(t);
	}
}

Test(qcow2_space, packs_units_without_a_gap)
{
	struct trial *t = trial_new(12, 4);
	const uint64_t first = pack(t, 3000);

	cr_assert_eq(first % 4096, 0);
	cr_assert_eq(pack(t, 2000), first + 3000);	/* into the next cluster, too */
	take(t, 1);
	cr_assert_eq(pack(t, 3000), first + 5000);	/* still room in the cluster that was begun */
	cr_assert_eq(pack(t, 500), first + 4 * 4096 - 4096);	/* but not for this one */
	check(t);
	trial_free(t);
}

Test(qcow2_space, shares_no_cluster_when_counts_have_one_bit)
{
	struct trial *t = trial_new(9, 0);
	const uint64_t first = pack(t, 10);

	cr_assert_eq(pack(t, 10), first + 512);
	cr_assert_eq(pack(t, 512), first + 1024);
	check(t);
	trial_free(t);
}

Test(qcow2_space, refuses_what_no_entry_can_address)
{
	struct trial *t = trial_new(16, 4);
	uint64_t host;

	cr_assert_not(qcow2_space_take(&t->sp, UINT64_C(1) << 40, &host, &t->err));
	cr_assert_eq(t->err.code, IMG_E_RANGE);
	cr_assert_not(qcow2_space_pack(&t->sp, 100, 65536 + 99, &host, &t->err));
	cr_assert_eq(t->err.code, IMG_E_RANGE);
	trial_free(t);
}
