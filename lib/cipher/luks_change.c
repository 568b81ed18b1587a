/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * New headers, and key slots that come and go.  The material of a new slot is durable before the
 * header tells of it, and that of an old one is gone before the header forgets it: a crash between
 * leaves a slot that opens nothing, and never a key that was to be gone.
 */
#include <assert.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/num.h"
#include "base/parallel.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/uuid.h"
#include "cipher/luks1_layout.h"
#include "cipher/luks_header.h"
#include "store/store.h"

enum {
	ITER_MS = 2000,
	MEMORY_KIB = 1 << 20,		/* at most; what cryptsetup takes */
	DIGEST_ITERATIONS = 1000,	/* where none are measured; LUKS1 §"Constants" */
	PAYLOAD_ALIGN = 1 << 20,
};

/* ---- Defaults ------------------------------------------------------------------------------------ */

static const char *or_else(const char *given, const char *otherwise)
{
	return given ? given : otherwise;
}

/* Half of what this machine has, and no more than is usual. */
static uint32_t most_memory(void)
{
	const uint64_t pages = (uint64_t)sysconf(_SC_PHYS_PAGES);
	const uint64_t half = pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024 / 2;

	return (uint32_t)img_min_u64(half, MEMORY_KIB);
}

static bool validate(const struct img_luks_new *what, struct img_err *err)
{
	if (what->version == 1 && strcmp(what->pbkdf, "pbkdf2") != 0)
		return img_fail(err, IMG_E_UNSUPPORTED, _("LUKS1 has no derivation \"%s\""),
				what->pbkdf);
	if (what->version == 1 && what->sector != IMG_LUKS_SECTOR)
		return img_fail(err, IMG_E_UNSUPPORTED, _("LUKS1 has no sectors of %u bytes"),
				what->sector);
	if (!img_is_pow2(what->sector) || what->sector < IMG_LUKS_SECTOR || what->sector > 4096)
		return img_fail(err, IMG_E_ARGUMENT, _("sectors cannot have %u bytes"), what->sector);
	if (what->version == 1 && what->label)
		return img_fail(err, IMG_E_UNSUPPORTED, _("LUKS1 has no label"));
	if (what->key_len > IMG_KEY_MAX)
		return img_fail(err, IMG_E_ARGUMENT, _("a key of %u bytes is too long"), what->key_len);
	return true;
}

bool img_luks_complete(struct img_luks_new *what, struct img_err *err)
{
	if (what->version != 1 && what->version != 2)
		return img_fail(err, IMG_E_UNSUPPORTED, _("LUKS version %u is not known here"),
				what->version);
	what->cipher = or_else(what->cipher, "aes");
	what->mode = or_else(what->mode, "xts-plain64");
	what->hash = or_else(what->hash, "sha256");
	what->pbkdf = or_else(what->pbkdf, what->version == 1 ? "pbkdf2" : "argon2id");
	if (!what->key_len)
		what->key_len = strncmp(what->mode, "xts-", 4) ? 32 : 64;
	if (!what->sector)
		what->sector = IMG_LUKS_SECTOR;
	if (!what->iter_ms)
		what->iter_ms = ITER_MS;
	if (!what->memory_kib)
		what->memory_kib = most_memory();
	if (!what->parallel)
		what->parallel = img_thread_count(0, IMG_KDF_PARALLEL_MAX);
	return validate(what, err);
}

bool img_luks_choose_kdf(const struct img_luks_new *what, struct img_kdf *out, struct img_err *err)
{
	struct img_kdf kdf = {
		.name = what->pbkdf, .hash = what->hash, .iterations = what->iterations,
		.memory_kib = what->memory_kib, .parallel = what->parallel,
	};

	if (!kdf.iterations && !img_kdf_measure(&kdf, what->iter_ms, what->key_len, err))
		return false;
	*out = kdf;
	return true;
}

bool img_luks_choose_digest(const struct img_luks_new *what, size_t len, struct img_kdf *out,
			    struct img_err *err)
{
	struct img_kdf kdf = {
		.name = "pbkdf2", .hash = what->hash, .iterations = DIGEST_ITERATIONS,
	};

	/* It is paid for each slot that is tried, and protects a key that nobody can guess. */
	if (!what->iterations && !img_kdf_measure(&kdf, what->iter_ms / 16, len, err))
		return false;
	*out = kdf;
	return true;
}

static uint64_t header_len(const struct img_luks_new *full)
{
	return full->version == 1 ? img_luks1_header_len(full->key_len) : img_luks2_header_len(full);
}

uint64_t img_luks_header_len(const struct img_luks_new *what)
{
	struct img_luks_new full = *what;

	if (!img_luks_complete(&full, NULL))
		return 0;
	return header_len(&full);
}

bool img_luks_put_text(char *field, size_t room, const char *text, struct img_err *err)
{
	if (strlen(text) >= room)
		return img_fail(err, IMG_E_ARGUMENT, _("\"%s\" is too long for a LUKS header"), text);
	strcpy(field, text);
	return true;
}

/* ---- Key slots ----------------------------------------------------------------------------------- */

/* The first slot that is free, or n_slots. */
static unsigned find_free(const struct img_luks *lk)
{
	unsigned i = 0;

	while (i < lk->ops->n_slots && lk->ops->used(lk, i))
		i++;
	return i;
}

static bool choose_slot(const struct img_luks *lk, uint32_t *slot, struct img_err *err)
{
	const unsigned i = *slot == IMG_LUKS_ANY ? find_free(lk) : *slot;

	if (*slot == IMG_LUKS_ANY && i == lk->ops->n_slots)
		return img_fail(err, IMG_E_NOSPACE, _("all key slots are in use"));
	if (i >= lk->ops->n_slots)
		return img_fail(err, IMG_E_ARGUMENT, _("there is no key slot %u"), i);
	if (lk->ops->used(lk, i))
		return img_fail(err, IMG_E_ARGUMENT, _("key slot %u is in use"), i);
	*slot = i;
	return true;
}

/* That no other slot in use has its key in the bytes of slot i, which are going to be overwritten. */
static bool stands_alone(const struct img_luks *lk, unsigned i, const struct img_keyslot *area,
			 struct img_err *err)
{
	const uint64_t end = area->material_at + img_keyslot_bytes(area->key_len, area->stripes);
	struct img_keyslot other;

	for (unsigned k = 0; k < lk->ops->n_slots; k++) {
		if (k == i || !lk->ops->used(lk, k) || !lk->ops->slot(lk, k, &other, NULL))
			continue;
		if (other.material_at < end &&
		    area->material_at < other.material_at +
					img_keyslot_bytes(other.key_len, other.stripes))
			return img_fail(err, IMG_E_CORRUPT,
					_("key slots %u and %u are in the same place"), i, k);
	}
	return true;
}

bool img_luks_add(struct img_luks *lk, const struct img_secret *key,
		  const struct img_secret *passphrase, const struct img_kdf *kdf, uint32_t *slot,
		  struct img_err *err)
{
	struct img_keyslot area;

	return choose_slot(lk, slot, err) && lk->ops->place(lk, *slot, kdf, err) &&
	       lk->ops->slot(lk, *slot, &area, err) && stands_alone(lk, *slot, &area, err) &&
	       img_keyslot_fill(lk->st, &area, passphrase, img_secret_view(key), err) &&
	       img_store_sync(lk->st, err) && lk->ops->write(lk, err);
}

bool img_luks_remove(struct img_luks *lk, uint32_t i, struct img_err *err)
{
	struct img_keyslot area;

	if (lk->ops->slot(lk, i, &area, NULL) && !stands_alone(lk, i, &area, err))
		return false;
	return img_luks_destroy(lk, i, err);
}

bool img_luks_destroy(struct img_luks *lk, uint32_t i, struct img_err *err)
{
	struct img_keyslot area;

	/* A slot that cannot be right has no place that could be wiped: it is only forgotten. */
	if (lk->ops->slot(lk, i, &area, NULL) && !img_keyslot_wipe(lk->st, &area, err))
		return false;
	return lk->ops->drop(lk, i, err) && lk->ops->write(lk, err);
}

/* ---- New headers --------------------------------------------------------------------------------- */

static struct img_secret *make_key(uint32_t len, struct img_err *err)
{
	struct img_secret *key = img_secret_zeros(len, err);

	if (key && img_random(img_secret_bytes(key), len, err))
		return key;
	img_secret_free(key);
	return NULL;
}

/* That of the caller, or a new one in text. */
static bool choose_uuid(struct img_luks_new *what, char text[IMG_UUID_TEXT], struct img_err *err)
{
	struct img_uuid id;

	if (!(what->uuid ? img_uuid_parse(what->uuid, &id, err) : img_uuid_make(&id, err)))
		return false;
	img_uuid_to_text(&id, text);
	what->uuid = text;
	return true;
}

static bool choose_payload(struct img_luks_new *what, struct img_err *err)
{
	const uint64_t len = header_len(what);

	if (!what->payload_at && !what->detached)
		what->payload_at = img_round_up(len, PAYLOAD_ALIGN);
	if (!what->detached && what->payload_at < len)
		return img_fail(err, IMG_E_ARGUMENT,
				_("the data cannot start at %llu, inside the header of %llu bytes"),
				(unsigned long long)what->payload_at, (unsigned long long)len);
	if (what->payload_at % what->sector || what->payload_at / IMG_LUKS_SECTOR > UINT32_MAX)
		return img_fail(err, IMG_E_ARGUMENT, _("the data cannot start at %llu"),
				(unsigned long long)what->payload_at);
	return true;
}

static bool fill_new(struct img_luks *lk, const struct img_luks_new *what,
		     const struct img_secret *key, struct img_luks_volume *out, struct img_err *err)
{
	uint32_t slot = IMG_LUKS_ANY;
	struct img_kdf kdf;

	/* What was there may be key material of somebody's; and the header is to be there to its end. */
	return img_luks_choose_kdf(what, &kdf, err) &&
	       img_store_zero(lk->st, lk->at, lk->len, false, err) &&
	       img_luks_add(lk, key, what->key, &kdf, &slot, err) &&
	       img_luks_volume_open(lk, key, out, err);
}

bool img_luks_format(struct img_store *st, uint64_t at, const struct img_luks_new *what,
		     struct img_luks_volume *out, uint64_t *header_len, struct img_err *err)
{
	struct img_luks_new full = *what;
	char uuid[IMG_UUID_TEXT];
	IMG_AUTO_SECRET struct img_secret *key = NULL;
	struct img_luks *lk;
	bool done;

	if (!img_luks_complete(&full, err) || !choose_uuid(&full, uuid, err) ||
	    !choose_payload(&full, err))
		return false;
	key = make_key(full.key_len, err);
	lk = key ? (full.version == 1 ? img_luks1_new : img_luks2_new)(st, at, &full, key, err) : NULL;
	done = lk && fill_new(lk, &full, key, out, err);
	if (done)
		*header_len = lk->len;
	img_luks_close(lk);
	return done;
}
