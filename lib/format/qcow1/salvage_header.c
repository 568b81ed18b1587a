/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header of a salvage.  What tables tell better than any field are the sizes of clusters and
 * tables; the other fields are believed as long as they make sense, and the rest is found later.
 */
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow1/salvage.h"

enum {
	DEFAULT_BITS	= 12,		/* of clusters, where nothing tells */
	FIELDS_FEW	= 3,		/* fields that make sense: less may be chance */
};

struct mending {
	struct qcow1_salvage *s;
	uint8_t raw[QCOW1_HDR_LEN];
	struct qcow1_header said;
	size_t pairs;			/* of entries that say how large clusters are */
	bool magic, version;
};

static void read_fields(struct mending *m)
{
	uint8_t *raw = m->raw;

	m->magic = img_get_be32(raw + QCOW1_HDR_MAGIC) == QCOW1_MAGIC;
	m->version = img_get_be32(raw + QCOW1_HDR_VERSION) == QCOW1_VERSION;
	m->said = (struct qcow1_header){
		.size = img_get_be64(raw + QCOW1_HDR_SIZE),
		.cluster_bits = raw[QCOW1_HDR_CLUSTER_BITS], .l2_bits = raw[QCOW1_HDR_L2_BITS],
		.mtime = img_get_be32(raw + QCOW1_HDR_MTIME),
		.crypt = img_get_be32(raw + QCOW1_HDR_CRYPT),
		.l1_off = img_get_be64(raw + QCOW1_HDR_L1_OFF),
		.backing_off = img_get_be64(raw + QCOW1_HDR_BACKING_OFF),
		.backing_len = img_get_be32(raw + QCOW1_HDR_BACKING_LEN),
	};
}

static bool is_place(const struct mending *m, uint64_t off)
{
	return off >= QCOW1_HDR_LEN && off < m->s->file_size;
}

/* The L1 table that the disk needs, by the widths that were found, would be in the file. */
static bool is_size(const struct mending *m, const struct qcow1_header *hdr)
{
	const uint64_t tables = img_div_up(hdr->size, UINT64_C(1) << qcow1_l1_bits(&m->s->hdr));
	const uint64_t room = is_place(m, hdr->l1_off) ? m->s->file_size - hdr->l1_off
						       : m->s->file_size;

	return hdr->size >= QCOW1_DISK_MIN && tables < QCOW1_L1_MAX &&
	       tables <= room / QCOW1_ENTRY_LEN;
}

/* How much is left of the header, in fields that can be right. */
static unsigned count_fields(const struct mending *m)
{
	const struct qcow1_header *said = &m->said, *hdr = &m->s->hdr;

	return m->magic + m->version + (said->cluster_bits == hdr->cluster_bits) +
	       (said->l2_bits == hdr->l2_bits) + is_place(m, said->l1_off) + is_size(m, said) +
	       (said->crypt <= QCOW1_CRYPT_AES && (m->magic || m->version));
}

static bool is_name(const char *name, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return false;
	return true;
}

/* The name of the backing file, where the header can still be believed. */
static bool mend_backing(struct mending *m, bool believed, struct img_err *err)
{
	struct qcow1_salvage *s = m->s;
	const struct qcow1_header *said = &m->said;
	char name[QCOW1_NAME_MAX + 1] = "";
	size_t got = 0;

	s->hdr.backing_off = 0;
	s->hdr.backing_len = 0;
	s->backing_lost = !believed;
	if (!believed || !said->backing_off || !said->backing_len)
		return true;
	if (said->backing_len <= QCOW1_NAME_MAX && is_place(m, said->backing_off) &&
	    !img_store_read_some(s->file, said->backing_off, name, said->backing_len, &got, err))
		return false;
	s->backing_lost = !got || got < said->backing_len || !is_name(name, said->backing_len);
	if (s->backing_lost)
		return true;
	s->hdr.backing_off = said->backing_off;
	s->hdr.backing_len = said->backing_len;
	s->backing = img_strdup(name, err);
	return s->backing;
}

static bool mend(struct mending *m, struct img_err *err)
{
	struct qcow1_salvage *s = m->s;
	unsigned fields;

	s->hdr = m->said;
	if (!qcow1_measure_widths(s, &s->hdr, &m->pairs, err))
		return false;
	if (!m->pairs && m->said.cluster_bits != s->hdr.cluster_bits)
		s->hdr.cluster_bits = DEFAULT_BITS;
	fields = count_fields(m);
	if (!m->pairs && fields < FIELDS_FEW + 2)
		return img_fail(err, IMG_E_NOT_THIS_FORMAT,
				_("neither a header nor tables of a qcow image were found"));
	if (s->hdr.crypt > QCOW1_CRYPT_AES || fields < FIELDS_FEW)
		s->hdr.crypt = QCOW1_CRYPT_NONE;
	s->size_known = fields >= FIELDS_FEW && is_size(m, &s->hdr);
	if (!s->size_known)
		s->hdr.size = 0;
	if (!is_place(m, s->hdr.l1_off))
		s->hdr.l1_off = QCOW1_HDR_LEN;
	return mend_backing(m, fields >= FIELDS_FEW, err);
}

/* A header that is legal, and that the tables do not contradict. */
static bool is_whole(struct mending *m, bool *whole, struct img_err *err)
{
	struct qcow1_salvage *s = m->s;
	struct img_err why = { 0 };
	struct qcow1_header found;

	*whole = qcow1_header_read(s->file, &s->hdr, &s->backing, &why);
	if (!*whole)
		return true;
	found = s->hdr;
	if (!qcow1_measure_widths(s, &found, &m->pairs, err))
		return false;
	*whole = found.cluster_bits == s->hdr.cluster_bits && found.l2_bits == s->hdr.l2_bits &&
		 is_place(m, s->hdr.l1_off) && is_size(m, &s->hdr);
	s->size_known = *whole;
	if (!*whole) {
		free(s->backing);
		s->backing = NULL;
	}
	return true;
}

bool qcow1_salvage_header(struct qcow1_salvage *s, uint64_t size, struct img_err *err)
{
	struct mending m = { .s = s };
	bool whole;
	size_t got;

	if (!img_store_read_some(s->file, 0, m.raw, sizeof(m.raw), &got, err) ||
	    !is_whole(&m, &whole, err))
		return false;
	read_fields(&m);
	if (!whole && (!mend(&m, err) ||
		       !qcow1_salvage_note(s, &qcow1_noted_header, 0, IMG_NOWHERE, 0, err)))
		return false;
	if (size) {
		s->hdr.size = size;
		s->size_known = true;
	}
	return !s->backing_lost || qcow1_salvage_note(s, &qcow1_noted_backing, IMG_NOWHERE,
						      IMG_NOWHERE, 0, err);
}
