/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which clusters of the file a salvage has found a use for. */
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow1/salvage.h"

enum { BITS_BYTES_MAX = 256 << 20 };

static uint64_t number_of(const struct qcow1_salvage *s, uint64_t host)
{
	return host >> s->hdr.cluster_bits;
}

static bool bit(const uint8_t *bits, uint64_t i)
{
	return bits[i / 8] & 1 << i % 8;
}

static void set(uint8_t *bits, uint64_t first, uint64_t last)
{
	for (uint64_t i = first; i <= last; i++)
		bits[i / 8] |= (uint8_t)(1 << i % 8);
}

/* Of a bit for each cluster of the file. */
static uint64_t bits_bytes(const struct qcow1_salvage *s)
{
	return number_of(s, s->file_size) / 8 + 1;
}

bool qcow1_use_start(struct qcow1_salvage *s, struct img_err *err)
{
	const uint64_t bytes = bits_bytes(s);

	if (bytes > BITS_BYTES_MAX)
		return img_fail(err, IMG_E_RANGE,
				_("the file is so large that its clusters cannot be counted in memory"));
	s->taken = img_calloc(bytes, 1, err);
	s->packed = img_calloc(bytes, 1, err);
	if (!s->taken || !s->packed)
		return false;
	set(s->packed, 0, 0);
	return true;
}

bool qcow1_is_taken(const struct qcow1_salvage *s, uint64_t host)
{
	return host < s->file_size && bit(s->taken, number_of(s, host));
}

bool qcow1_is_orphan(const struct qcow1_salvage *s, uint64_t host)
{
	const uint64_t i = number_of(s, host);

	return host < s->file_size && !bit(s->taken, i) && !bit(s->packed, i);
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
		if (bit(s->taken, i))
			return false;
	return true;
}

bool qcow1_take(struct qcow1_salvage *s, uint64_t host, uint64_t len)
{
	const bool free_yet = qcow1_is_free(s, host, len);

	if (free_yet)
		set(s->taken, number_of(s, host), last_of(s, host, len));
	return free_yet;
}

void qcow1_untake(struct qcow1_salvage *s)
{
	memset(s->taken, 0, bits_bytes(s));
}

void qcow1_take_l1(struct qcow1_salvage *s)
{
	const uint64_t len = img_round_up((uint64_t)s->n_l1 * QCOW1_ENTRY_LEN, QCOW1_SECTOR);

	if (len)
		set(s->packed, number_of(s, s->hdr.l1_off), last_of(s, s->hdr.l1_off, len));
}

void qcow1_take_entries(struct qcow1_salvage *s, const uint8_t *raw)
{
	for (uint32_t i = 0; i < qcow1_l2_entries(&s->hdr); i++) {
		const uint64_t entry = img_get_be64(raw + i * QCOW1_ENTRY_LEN);
		const struct qcow1_cluster cluster = qcow1_entry_decode(&s->hdr, entry);

		if (qcow1_is_sane(&s->hdr, entry, s->file_size))
			set(cluster.kind == QCOW1_PACKED ? s->packed : s->taken,
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
	*uses = (struct qcow1_uses){
		.s = s, .seen = img_calloc(bits_bytes(s), 1, err),
		.twice = img_calloc(bits_bytes(s), 1, err),
	};
	return uses->seen && uses->twice;
}

void qcow1_uses_clear(struct qcow1_uses *uses)
{
	free(uses->seen);
	free(uses->twice);
	*uses = (struct qcow1_uses){ 0 };
}

void qcow1_uses_add(struct qcow1_uses *uses, uint64_t host, uint64_t len)
{
	const uint64_t last = last_of(uses->s, host, len);

	for (uint64_t i = number_of(uses->s, host); i <= last; i++) {
		if (bit(uses->seen, i))
			set(uses->twice, i, i);
		set(uses->seen, i, i);
	}
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

bool qcow1_uses_is_twice(const struct qcow1_uses *uses, uint64_t host, uint64_t len)
{
	const uint64_t last = last_of(uses->s, host, len);

	for (uint64_t i = number_of(uses->s, host); i <= last; i++)
		if (bit(uses->twice, i))
			return true;
	return false;
}
