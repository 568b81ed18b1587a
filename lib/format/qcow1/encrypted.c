/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clusters that are enciphered, with IVs that count from the start of the disk. */
#include "base/err.h"
#include "base/num.h"
#include "format/qcow1/qcow1.h"
#include "format/sealed.h"
#include "store/zeros.h"

static bool sealed_at(const struct qcow1 *q, struct img_store *st, uint64_t guest, uint64_t host,
		      struct img_sealed *out, struct img_err *err)
{
	*out = (struct img_sealed){
		.cipher = q->cipher, .store = st, .host = host, .iv = guest, .sector = QCOW1_SECTOR,
	};
	return out->cipher ||
	       img_fail(err, IMG_E_KEY, _("it is encrypted, and no key was given"));
}

bool qcow1_read_encrypted(struct qcow1 *q, uint64_t guest, uint64_t host, void *buf, size_t len,
			  struct img_err *err)
{
	struct img_sealed run;

	return sealed_at(q, q->tables.file, guest, host, &run, err) &&
	       img_sealed_read(&run, buf, len, err);
}

bool qcow1_write_data(struct img_layer *ly, uint64_t guest, uint64_t host, const void *buf,
		      size_t len, struct img_err *err)
{
	struct qcow1 *q = ly->priv;
	struct img_sealed run;

	if (!qcow1_is_encrypted(q))
		return img_store_write(ly->store, host, buf, len, err);
	return sealed_at(q, ly->store, guest, host, &run, err) &&
	       img_sealed_write(&run, buf, len, err);
}

bool qcow1_write_zeros(struct img_layer *ly, uint64_t guest, uint64_t host, uint64_t len,
		       struct img_err *err)
{
	for (uint64_t done = 0; done < len; done += IMG_ZEROS_BYTES) {
		const size_t n = img_min_u64(IMG_ZEROS_BYTES, len - done);

		if (!qcow1_write_data(ly, guest + done, host + done, img_zeros, n, err))
			return false;
	}
	return true;
}
