/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory for secrets: pages of their own, locked where the system allows it, and wiped. */
#include "base/secret.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/err.h"
#include "base/num.h"

/* The first bytes of its pages. */
struct img_secret {
	size_t mapped;		/* bytes */
	size_t cap, len;
	uint8_t bytes[];
};

struct img_secret *img_secret_new(size_t cap, struct img_err *err)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t most = SIZE_MAX / 2;
	struct img_secret *secret;
	size_t mapped;

	if (cap > most) {
		img_fail_nomem(err, cap);
		return NULL;
	}
	mapped = img_round_up(sizeof(*secret) + cap, page);
	secret = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (secret == MAP_FAILED) {
		img_fail_nomem(err, mapped);
		return NULL;
	}
	/* A limit may forbid the lock; the work goes on without. */
	(void)mlock(secret, mapped);
	(void)madvise(secret, mapped, MADV_DONTDUMP);
	secret->mapped = mapped;
	secret->cap = cap;
	return secret;
}

struct img_secret *img_secret_zeros(size_t len, struct img_err *err)
{
	struct img_secret *secret = img_secret_new(len, err);

	if (secret)
		secret->len = len;
	return secret;
}

uint8_t *img_secret_bytes(struct img_secret *secret)
{
	return secret->bytes;
}

const uint8_t *img_secret_view(const struct img_secret *secret)
{
	return secret->bytes;
}

size_t img_secret_len(const struct img_secret *secret)
{
	return secret->len;
}

size_t img_secret_cap(const struct img_secret *secret)
{
	return secret->cap;
}

void img_secret_set_len(struct img_secret *secret, size_t len)
{
	assert(len <= secret->cap);
	if (len < secret->len)
		explicit_bzero(secret->bytes + len, secret->len - len);
	secret->len = len;
}

void img_secret_free(struct img_secret *secret)
{
	size_t mapped;

	if (!secret)
		return;
	mapped = secret->mapped;
	explicit_bzero(secret, mapped);
	munmap(secret, mapped);
}
