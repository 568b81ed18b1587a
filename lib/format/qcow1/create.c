/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new image: what may be asked for, and what stands in front of its data. */
#include <inttypes.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "cipher/qcow_aes.h"
#include "format/qcow1/new.h"

/* Entries of the L1 table that a disk from a stream begins with. */
enum { STREAM_ENTRIES = 1024, TABLE_BYTES = 4096 };

const struct img_option qcow1_create_options[] = {
	{ "cluster_size", IMG_OPT_SIZE, NULL, "4k",
	  N_("bytes that are allocated together, 512 to 64k") },
	{ "level", IMG_OPT_NUMBER, NULL, "0",
	  N_("how hard to compress, 1 (fast) to 9 (small); 0: what suits most") },
	{ "encrypt.format", IMG_OPT_CHOICE, "aes", NULL,
	  N_("encrypt the data; aes is weak, and for old programs only") },
	{ NULL },
};

/* Tables of 4 KiB, as QEMU makes them; a larger cluster would be left half empty. */
static bool choose_sizes(const struct img_layer_create *what, struct qcow1_header *hdr,
			 struct img_err *err)
{
	const uint64_t cluster = img_settings_number(what->settings, "cluster_size");

	if (!img_is_pow2(cluster) || cluster < UINT64_C(1) << QCOW1_CLUSTER_BITS_MIN ||
	    cluster > UINT64_C(1) << QCOW1_CLUSTER_BITS_MAX)
		return img_fail(err, IMG_E_ARGUMENT,
				_("cluster_size is a power of two from 512 to 64k, not %" PRIu64),
				cluster);
	hdr->cluster_bits = (unsigned)__builtin_ctzll(cluster);
	hdr->l2_bits = (unsigned)__builtin_ctzll(img_max_u64(cluster, TABLE_BYTES) /
						 QCOW1_ENTRY_LEN);
	if (what->size != IMG_SIZE_UNKNOWN &&
	    img_div_up(what->size, UINT64_C(1) << qcow1_l1_bits(hdr)) >= QCOW1_L1_MAX)
		return img_fail(err, IMG_E_RANGE,
				_("a disk of %" PRIu64 " bytes is too large for clusters of %"
				  PRIu64 " bytes"), what->size, cluster);
	hdr->size = what->size;
	return true;
}

static bool choose_codec(const struct img_layer_create *what, struct img_layer *ly,
			 struct img_err *err)
{
	const struct img_codec *codec = qcow1_codec(&((const struct qcow1 *)ly->priv)->header);
	const uint64_t level = img_settings_number(what->settings, "level");

	if (level > 9)
		return img_fail(err, IMG_E_ARGUMENT, _("level is 0 to 9, not %" PRIu64), level);
	ly->codec = what->compressed ? codec : NULL;
	ly->codec_level = level ? (int)level : codec->level_default;
	return true;
}

static bool choose_cipher(const struct img_layer_create *what, struct qcow1 *q, struct img_err *err)
{
	if (!img_settings_text(what->settings, "encrypt.format"))
		return true;
	if (!what->key)
		return img_fail(err, IMG_E_KEY, _("the image is to be encrypted, and no key was given"));
	if (what->compressed)
		return img_fail(err, IMG_E_ARGUMENT,
				_("an encrypted image cannot hold compressed clusters"));
	q->header.crypt = QCOW1_CRYPT_AES;
	q->cipher = img_qcow_aes_open(what->key, err);
	return q->cipher;
}

static bool take_backing(struct img_layer *ly, const struct img_layer_create *what,
			 struct img_err *err)
{
	struct qcow1_new *n = ((struct qcow1 *)ly->priv)->fresh;

	if (!what->backing)
		return true;
	if (strlen(what->backing) > QCOW1_NAME_MAX)
		return img_fail(err, IMG_E_ARGUMENT,
				_("the name of the backing file has more than %d bytes"),
				QCOW1_NAME_MAX);
	if (!img_backing_check_probed(what, err))
		return false;
	n->backing = img_strdup(what->backing, err);
	ly->backing = img_strdup(what->backing, err);
	if (what->backing_format)
		ly->backing_format = img_strdup(what->backing_format, err);
	return n->backing && ly->backing && (!what->backing_format || ly->backing_format);
}

/* What hides the layer below: one packed cluster of zeros, to which all entries refer. */
static bool place_zeros(struct img_layer *ly, struct img_err *err)
{
	struct qcow1 *q = ly->priv;
	struct qcow1_new *n = q->fresh;
	IMG_AUTO_FREE uint8_t *packed = NULL;
	size_t len;

	if (!n->backing)
		return true;
	if (!qcow1_pack_zeros(&q->header, &packed, &len, err) ||
	    !img_store_write(ly->store, n->end, packed, len, err))
		return false;
	n->zero_entry = qcow1_entry_packed(&q->header, n->end, (uint32_t)len);
	n->end += len;
	return true;
}

/* Header, name, L1 table.  That of a disk from a stream goes behind all else. */
static bool place_head(struct img_layer *ly, struct img_err *err)
{
	struct qcow1 *q = ly->priv;
	struct qcow1_header *hdr = &q->header;
	struct qcow1_new *n = q->fresh;
	const bool is_stream = hdr->size == IMG_SIZE_UNKNOWN;
	const uint32_t n_l1 = is_stream ? 0 : qcow1_l1_needed(hdr, hdr->size);

	n->end = QCOW1_HDR_LEN;
	if (n->backing) {
		hdr->backing_off = n->end;
		hdr->backing_len = (uint32_t)strlen(n->backing);
		n->end += hdr->backing_len;
	}
	hdr->l1_off = is_stream ? 0 : img_round_up(n->end, QCOW1_ENTRY_LEN);
	n->end = img_max_u64(n->end, hdr->l1_off + (uint64_t)n_l1 * QCOW1_ENTRY_LEN);
	n->cap_l1 = is_stream ? STREAM_ENTRIES : n_l1;
	n->l1 = img_calloc(n->cap_l1 + 1, sizeof(*n->l1), err);
	n->entries = img_calloc(qcow1_l2_entries(hdr), sizeof(*n->entries), err);
	return n->l1 && n->entries && place_zeros(ly, err);
}

static bool start(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err)
{
	struct qcow1 *q = ly->priv;

	if (!choose_sizes(what, &q->header, err))
		return false;
	ly->unit = qcow1_cluster_size(&q->header);
	if (!choose_codec(what, ly, err) || !choose_cipher(what, q, err) ||
	    !take_backing(ly, what, err))
		return false;
	q->fresh->fresh = (ly->store->caps & IMG_STORE_FRESH) || what->reads_as_zero;
	ly->size = what->size;
	ly->encrypted = qcow1_is_encrypted(q);
	ly->takes_plain = !ly->encrypted;
	ly->reads_as_zero = !what->backing;
	return place_head(ly, err);
}

void qcow1_new_free(struct qcow1_new *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->n_hidings; i++)
		free(n->hidings[i].entries);
	pthread_mutex_destroy(&n->lock);
	free(n->hidings);
	free(n->backing);
	free(n->entries);
	free(n->l1);
	free(n);
}

bool qcow1_create(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err)
{
	struct qcow1 *q = img_calloc(1, sizeof(*q), err);

	ly->priv = q;
	if (q)
		q->fresh = img_calloc(1, sizeof(*q->fresh), err);
	if (q && q->fresh) {
		pthread_mutex_init(&q->fresh->lock, NULL);
		if (start(ly, what, err))
			return true;
	}
	qcow1_free(q);
	free(ly->backing);
	free(ly->backing_format);
	ly->priv = ly->backing = ly->backing_format = NULL;
	return false;
}
