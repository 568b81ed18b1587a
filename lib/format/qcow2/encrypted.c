/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Clusters that are enciphered.  With LUKS the IV counts from the start of the file that they lie in,
 * so that a cluster which gets another place is enciphered anew; in the old way, from the start of the
 * disk.  Compressed clusters never are.
 */
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "cipher/qcow_aes.h"
#include "format/qcow2/new.h"
#include "format/sealed.h"

/* ---- Keys ---------------------------------------------------------------------------------------- */

static bool unlock_luks(struct qcow2 *q, const struct img_keys *keys, struct img_err *err)
{
	const struct qcow2_header *hdr = &q->header;

	if (!hdr->crypt_off || !hdr->crypt_len || hdr->crypt_len > QCOW2_LUKS_MAX)
		return img_fail(err, IMG_E_CORRUPT,
				_("the encryption header has an impossible place or size"));
	if (!img_luks_unlock(q->map.file, hdr->crypt_off, hdr->crypt_len, keys, &q->volume, err))
		return false;
	/* There is no place where the other one is described. */
	return q->volume.version == 1 ||
	       img_fail(err, IMG_E_UNSUPPORTED, _("the image has an encryption header of LUKS "
			"version %u, which qcow2 does not know"), q->volume.version);
}

bool qcow2_unlock(struct qcow2 *q, const struct img_keys *keys, struct img_err *err)
{
	if (q->header.crypt == QCOW2_CRYPT_LUKS)
		return unlock_luks(q, keys, err);
	q->volume.cipher = img_qcow_aes_unlock(keys, err);
	return q->volume.cipher;
}

/* Zeros behind the header and between its parts, as QEMU has them. */
static bool place_luks(struct img_layer *ly, const struct img_luks_new *what, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	struct qcow2_space *space = &q->fresh->space;
	const uint64_t clusters = img_div_up(img_luks_header_len(what), qcow2_cluster_size(&q->geo));
	uint64_t at;

	if (!qcow2_space_take(space, clusters, &at, err) ||
	    (!space->sparse && !img_store_zero(ly->store, at, clusters << q->geo.cluster_bits, false,
					       err)))
		return false;
	q->header.crypt_off = at;
	return img_luks_format(ly->store, at, what, &q->volume, &q->header.crypt_len, err);
}

bool qcow2_encrypt_new(struct img_layer *ly, const struct qcow2_wish *wish,
		       const struct img_secret *key, struct img_err *err)
{
	struct img_luks_new what = wish->luks.what;
	struct qcow2 *q = ly->priv;

	if (q->header.crypt == QCOW2_CRYPT_LUKS) {
		what.version = 1;
		what.key = key;
		return place_luks(ly, &what, err);
	}
	q->volume.cipher = img_qcow_aes_open(key, err);
	return q->volume.cipher;
}

/* ---- Bytes --------------------------------------------------------------------------------------- */

static bool sealed_at(const struct qcow2 *q, struct img_store *st, uint64_t guest, uint64_t host,
		      struct img_sealed *out, struct img_err *err)
{
	*out = (struct img_sealed){
		.cipher = q->volume.cipher, .store = st, .host = host, .sector = QCOW2_SECTOR,
		.iv = q->header.crypt == QCOW2_CRYPT_LUKS ? host : guest,
	};
	return out->cipher ||
	       img_fail(err, IMG_E_KEY, _("it is encrypted, and no key was given"));
}

bool qcow2_read_encrypted(struct qcow2 *q, uint64_t guest, uint64_t host, void *buf, size_t len,
			  struct img_err *err)
{
	struct img_sealed run;

	return sealed_at(q, q->map.data, guest, host, &run, err) &&
	       img_sealed_read(&run, buf, len, err);
}

bool qcow2_write_data(struct qcow2 *q, uint64_t guest, uint64_t host, const void *buf, size_t len,
		      struct img_err *err)
{
	struct img_sealed run;

	if (!qcow2_is_encrypted(q))
		return img_store_write(q->map.data, host, buf, len, err);
	return sealed_at(q, q->map.data, guest, host, &run, err) &&
	       img_sealed_write(&run, buf, len, err);
}

bool qcow2_reseal(struct qcow2 *q, uint64_t from, uint64_t to, uint8_t *buf, size_t len,
		  struct img_err *err)
{
	struct img_sealed run;

	return sealed_at(q, q->map.file, 0, from, &run, err) &&
	       img_cipher_decrypt(run.cipher, from, buf, buf, len, err) &&
	       img_cipher_encrypt(run.cipher, to, buf, buf, len, err);
}

/* The bytes of the last cluster, and zeros up to its end: a disk that grows shows them. */
static bool store_end(const struct img_sealed *run, const uint8_t *bytes, size_t len, size_t whole,
		      struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *buf = img_alloc_aligned(whole, err);

	if (!buf)
		return false;
	memcpy(buf, bytes, len);
	memset(buf + len, 0, whole - len);
	return img_sealed_write(run, buf, whole, err);
}

bool qcow2_store_encrypted(struct img_layer *ly, const struct img_slot *slot, const void *bytes,
			   struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	const uint64_t cluster = qcow2_cluster_size(&q->geo);
	const size_t whole = img_round_down(slot->len, cluster), rest = slot->len - whole;
	/* A data file is not longer than the disk. */
	const size_t end = q->data_file ? img_round_up(rest, QCOW2_SECTOR) : cluster;
	struct img_sealed run;

	if (!sealed_at(q, slot->store, slot->at, slot->host, &run, err) ||
	    !img_sealed_write(&run, bytes, whole, err))
		return false;
	run = img_sealed_from(run, whole);
	return !rest || store_end(&run, (const uint8_t *)bytes + whole, rest, end, err);
}
