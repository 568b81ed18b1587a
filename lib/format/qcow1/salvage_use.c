/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which clusters of the file a salvage has found a use for. */
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow1/salvage.h"

static uint64_t number_of(const struct qcow1_salvage *s, uint64_t host)
{
	return host >> s->hdr.cluster_bits;
}

static void set(struct img_paged *bits, uint64_t first, uint64_t last)
{
	for (uint64_t i = first; i <= last; i++)
		img_bits_set(bits, i);
}

/* A bit for each cluster of the file. */
static bool start_bits(const struct qcow1_salvage *s, struct img_paged *bits, struct img_err *err)
{
	return img_bits_init(bits, number_of(s, s->file_size) + 1, qcow1_work_memory(s), err);
}

bool qcow1_use_start(struct qcow1_salvage *s, struct img_err *err)
{
	if (!start_bits(s, &s->work->taken, err) || !start_bits(s, &s->work->packed, err))
		return false;
	set(&s->work->packed, 0, 0);
	return true;
}

bool qcow1_is_taken(const struct qcow1_salvage *s, uint64_t host)
{
	return host < s->file_size && img_bits_get(&s->work->taken, number_of(s, host));
}

bool qcow1_is_orphan(const struct qcow1_salvage *s, uint64_t host)
{
	const uint64_t i = number_of(s, host);

	return host < s->file_size && !img_bits_get(&s->work->taken, i) &&
	       !img_bits_get(&s->work->packed, i);
}

/* The last cluster of [host, host + len) that the file has any of. */
static uint64_t last_of(const struct qcow1_salvage *s, uint64_t host, uint64_t len)
{
	return number_of(s, img_min_u64(host + len, s->file_size) - 1);
}

bool qcow1_is_free(const struct qcow1_salvage *s, uint64_t host, uint64_t len)
{
	const uint64_t last = last_of(s, host, len);

	for (uint64_t i = number_of(s, host); i <= last; i++)
		if (img_bits_get(&s->work->taken, i))
			return false;
	return true;
}

bool qcow1_take(struct qcow1_salvage *s, uint64_t host, uint64_t len)
{
	const bool free_yet = qcow1_is_free(s, host, len);

	if (free_yet)
		set(&s->work->taken, number_of(s, host), last_of(s, host, len));
	return free_yet;
}

bool qcow1_untake(struct qcow1_salvage *s, struct img_err *err)
{
	img_paged_clear(&s->work->taken);
	return start_bits(s, &s->work->taken, err);
}

void qcow1_take_l1(struct qcow1_salvage *s)
{
	const uint64_t len = img_round_up((uint64_t)s->n_l1 * QCOW1_ENTRY_LEN, QCOW1_SECTOR);

	if (len)
		set(&s->work->packed, number_of(s, s->hdr.l1_off),
		    last_of(s, s->hdr.l1_off, len));
}

void qcow1_take_entries(struct qcow1_salvage *s, const uint8_t *raw)
{
	for (uint32_t i = 0; i < qcow1_l2_entries(&s->hdr); i++) {
		const uint64_t entry = img_get_be64(raw + i * QCOW1_ENTRY_LEN);
		const struct qcow1_cluster cluster = qcow1_entry_decode(&s->hdr, entry);

		if (qcow1_is_sane(&s->hdr, entry, s->file_size))
			set(cluster.kind == QCOW1_PACKED ? &s->work->packed : &s->work->taken,
			    number_of(s, cluster.host),
			    last_of(s, cluster.host, cluster.stored_len));
	}
}

bool qcow1_read_table(struct qcow1_salvage *s, uint64_t host, uint8_t *raw, struct img_err *err)
{
	size_t got;

	memset(raw, 0, qcow1_l2_bytes(&s->hdr));
	return img_store_read_some(s->overlay, host, raw, qcow1_l2_bytes(&s->hdr), &got, err);
}

/* ---- What is in use twice -------------------------------------------------------------------- */

bool qcow1_uses_start(struct qcow1_uses *uses, const struct qcow1_salvage *s, struct img_err *err)
{
	*uses = (struct qcow1_uses){ .s = s };
	return start_bits(s, &uses->seen, err) && start_bits(s, &uses->twice, err);
}

void qcow1_uses_clear(struct qcow1_uses *uses)
{
	img_paged_clear(&uses->seen);
	img_paged_clear(&uses->twice);
}

bool qcow1_uses_knows(const struct qcow1_uses *uses, struct img_err *err)
{
	return img_paged_worked(&uses->seen, err) && img_paged_worked(&uses->twice, err);
}

void qcow1_uses_add(struct qcow1_uses *uses, uint64_t host, uint64_t len)
{
	const uint64_t last = last_of(uses->s, host, len);

	for (uint64_t i = number_of(uses->s, host); i <= last; i++)
		if (img_bits_set(&uses->seen, i))
			img_bits_set(&uses->twice, i);
}

void qcow1_uses_add_entries(struct qcow1_uses *uses, const uint8_t *raw, uint32_t n)
{
	const struct qcow1_header *hdr = &uses->s->hdr;

	for (uint32_t i = 0; i < n; i++) {
		const uint64_t entry = img_get_be64(raw + i * QCOW1_ENTRY_LEN);
		const struct qcow1_cluster cluster = qcow1_entry_decode(hdr, entry);

		if (cluster.kind == QCOW1_PLAIN &&
		    qcow1_is_sane(hdr, entry, uses->s->file_size))
			qcow1_uses_add(uses, cluster.host, cluster.stored_len);
	}
}

bool qcow1_uses_is_twice(struct qcow1_uses *uses, uint64_t host, uint64_t len)
{
	const uint64_t last = last_of(uses->s, host, len);

	for (uint64_t i = number_of(uses->s, host); i <= last; i++)
		if (img_bits_get(&uses->twice, i))
			return true;
	return false;
}
