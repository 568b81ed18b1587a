/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An image that is written in place.  A sector of which a request has a part is read, changed and
 * written, and one that is half written deciphers to what never was there: so whoever writes or reads
 * claims its sectors.
 */
#include <pthread.h>
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/claims.h"
#include "format/luks/luks.h"

struct luks_disk {
	pthread_mutex_t lock;		/* guards claims */
	struct img_claims claims;	/* sectors */
};

struct luks_disk *luks_disk_new(struct img_err *err)
{
	struct luks_disk *disk = img_calloc(1, sizeof(*disk), err);

	if (!disk)
		return NULL;
	pthread_mutex_init(&disk->lock, NULL);
	img_claims_init(&disk->claims, &disk->lock);
	return disk;
}

void luks_disk_free(struct luks_disk *disk)
{
	if (!disk)
		return;
	img_claims_clear(&disk->claims);
	pthread_mutex_destroy(&disk->lock);
	free(disk);
}

static void claim(const struct luks *luks, uint64_t at, uint64_t len, struct img_claim *out)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&luks->disk->lock);

	out->first = at / luks->volume.sector;
	out->end = img_div_up(at + len, luks->volume.sector);
	img_claim(&luks->disk->claims, out);
}

static void unclaim(const struct luks *luks, const struct img_claim *claim)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&luks->disk->lock);

	img_unclaim(&luks->disk->claims, claim);
}

/* Reads to in, or if that is NULL writes from out. */
static bool transfer(const struct img_layer *ly, uint64_t at, void *in, const void *out, size_t len,
		     struct img_err *err)
{
	const struct luks *luks = ly->priv;
	struct img_claim own;
	struct img_sealed run;
	bool ok;

	if (!luks_sealed_at(ly, at, &run, err))
		return false;
	claim(luks, at, len, &own);
	ok = in ? img_sealed_read(&run, in, len, err) : img_sealed_write(&run, out, len, err);
	unclaim(luks, &own);
	return ok;
}

bool luks_disk_read(const struct img_layer *ly, uint64_t at, void *buf, size_t len, struct img_err *err)
{
	return transfer(ly, at, buf, NULL, len, err);
}

static bool disk_write(struct img_layer *ly, uint64_t at, const void *buf, size_t len,
		       struct img_err *err)
{
	return transfer(ly, at, NULL, buf, len, err);
}

static bool disk_zero(struct img_layer *ly, uint64_t at, uint64_t len, bool unmap,
		      struct img_err *err)
{
	const struct luks *luks = ly->priv;
	struct img_claim own;
	bool ok;

	(void)unmap;	/* a hole reads as anything but zeros */
	claim(luks, at, len, &own);
	ok = luks_write_zeros(ly, ly->store, at, len, err);
	unclaim(luks, &own);
	return ok;
}

/* What is where stays a secret: no space is given back. */
static bool disk_discard(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
{
	(void)ly, (void)at, (void)len, (void)err;
	return true;
}

static bool disk_flush(struct img_layer *ly, bool *freed, struct img_err *err)
{
	*freed = false;
	return img_store_sync(ly->store, err);
}

const struct img_disk_ops luks_disk_ops = {
	.write = disk_write,
	.zero = disk_zero,
	.discard = disk_discard,
	.flush = disk_flush,
};
