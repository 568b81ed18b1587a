/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: LUKS headers of any content.  No key is derived, which a header may make as slow as it
 * likes; all else that is done to a header is done.  Checksums keep a fuzzer out, so that a header is
 * tried a second time with one that is right.
 */
#include <stdlib.h>
#include <string.h>
#include "cipher/luks2_layout.h"
#include "cipher/luks_header.h"
#include "fuzz/fuzz.h"
#include "store/store.h"

enum {
	MAX_LEN = 64 << 10,
	FILE_LEN = 1 << 20,	/* there is room for the first key slots */
};

static void seal(uint8_t *data, size_t len, bool second)
{
	struct img_luks2_hdr hdr;

	if (len >= IMG_LUKS2_BYTES && img_luks2_decode(data, second, &hdr, NULL) &&
	    hdr.size <= len && !img_luks2_encode(&hdr, data, NULL))
		return;		/* a hash that does not exist */
}

/* What a slot says lies in the file. */
static void look_at_slots(const struct img_luks *lk)
{
	struct img_keyslot slot;
	struct img_key_digest digest;

	for (unsigned i = 0; i < lk->ops->n_slots; i++) {
		if (!lk->ops->used(lk, i) || !lk->ops->slot(lk, i, &slot, NULL))
			continue;
		const uint64_t len = img_keyslot_bytes(slot.key_len, slot.stripes);

		if (!len || slot.key_len > IMG_KEY_MAX || slot.material_at > FILE_LEN ||
		    FILE_LEN - slot.material_at < len)
			abort();
		if (lk->ops->digest(lk, i, &digest, NULL) && (!digest.len || digest.len > IMG_KEY_MAX))
			abort();
	}
}

static unsigned count_again(struct img_store *st)
{
	struct img_luks *lk = img_luks_open(st, 0, 0, NULL);
	unsigned n;

	if (!lk)
		abort();
	n = img_luks_count(lk);
	img_luks_close(lk);
	return n;
}

/* One slot more and all slots less; what was written is read again. */
static void change(struct img_luks *lk)
{
	const struct img_kdf kdf = { .name = "pbkdf2", .hash = "sha256", .iterations = 1000 };
	unsigned n = img_luks_count(lk);

	for (unsigned i = 0; i < lk->ops->n_slots; i++) {
		if (lk->ops->used(lk, i) || !lk->ops->place(lk, i, &kdf, NULL))
			continue;
		n++;
		if (lk->ops->write(lk, NULL) && count_again(lk->st) != n)
			abort();
		break;
	}
	look_at_slots(lk);
	for (unsigned i = 0; i < lk->ops->n_slots; i++) {
		if (lk->ops->used(lk, i) && !lk->ops->drop(lk, i, NULL))
			abort();
	}
	if (img_luks_count(lk))
		abort();
}

static void try_header(const uint8_t *data, size_t len)
{
	struct img_store *st = img_store_mem(data, len, NULL);
	struct img_luks *lk;
	struct img_luks_data where;
	struct img_node *report;

	if (!st || !img_store_resize(st, FILE_LEN, NULL)) {
		img_store_close(st);
		return;
	}
	lk = img_luks_open(st, 0, 0, NULL);
	report = img_node_root("header");
	if (lk) {
		look_at_slots(lk);
		(void)lk->ops->data(lk, &where, NULL);
		if (lk->ops->extent(lk) > FILE_LEN || !img_luks_report(st, 0, report, NULL))
			abort();
		change(lk);
	}
	img_node_free(report);
	img_luks_close(lk);
	img_store_close(st);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *sealed;

	if (len > MAX_LEN)
		return 0;
	try_header(data, len);
	sealed = malloc(len + 1);
	if (!sealed)
		return 0;
	memcpy(sealed, data, len);
	seal(sealed, len, false);
	if (len > IMG_LUKS2_SIZE_MIN)
		seal(sealed + IMG_LUKS2_SIZE_MIN, len - IMG_LUKS2_SIZE_MIN, true);
	try_header(sealed, len);
	free(sealed);
	return 0;
}
