/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sectors through libcrypto.  The key is scheduled once; each thread takes a copy of that off a
 * shelf, and sets nothing but the IV for each sector.
 */
#include "cipher/cipher.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "base/shelf.h"
#include "cipher/choice.h"
#include "cipher/libcrypto.h"

#define IV_UNIT 512	/* bytes that an IV counts, however long the sectors are */
#define PIECE (256 << 10)	/* stays in the processor's cache while it is enciphered and written */

enum direction { DECRYPT, ENCRYPT, N_DIRECTIONS };

/* Of one thread at a time. */
struct context {
	EVP_CIPHER_CTX *data;
	EVP_CIPHER_CTX *iv;		/* ESSIV, else NULL */
	uint8_t *piece;			/* PIECE bytes, once they are needed */
};

struct side {
	const struct img_cipher *cipher;
	EVP_CIPHER_CTX *keyed;		/* with its key; only copied */
	struct img_shelf *contexts;
};

struct img_cipher {
	struct img_libcrypto crypto;
	enum img_iv_kind iv;
	uint32_t sector;
	uint64_t iv_first;
	EVP_CIPHER_CTX *iv_keyed;	/* ESSIV, else NULL; only copied */
	struct side sides[N_DIRECTIONS];
};

/* ---- Contexts ------------------------------------------------------------------------------------ */

static EVP_CIPHER_CTX *copy(const struct img_libcrypto *lc, EVP_CIPHER_CTX *from, struct img_err *err)
{
	EVP_CIPHER_CTX *cx = lc->ctx_new();

	if (cx && lc->ctx_copy(cx, from))
		return cx;
	lc->ctx_free(cx);
	img_fail(err, IMG_E_NOMEM, _("no memory for a cipher"));
	return NULL;
}

static void drop_context(const void *owner, void *cx)
{
	const struct side *side = owner;
	struct context *context = cx;

	side->cipher->crypto.ctx_free(context->data);
	side->cipher->crypto.ctx_free(context->iv);
	free(context->piece);
	free(context);
}

static void *make_context(const void *owner, struct img_err *err)
{
	const struct side *side = owner;
	const struct img_cipher *c = side->cipher;
	struct context *context = img_calloc(1, sizeof(*context), err);

	if (!context)
		return NULL;
	context->data = copy(&c->crypto, side->keyed, err);
	if (context->data && c->iv_keyed)
		context->iv = copy(&c->crypto, c->iv_keyed, err);
	if (context->data && (context->iv || !c->iv_keyed))
		return context;
	drop_context(owner, context);
	return NULL;
}

/* ---- Opening ------------------------------------------------------------------------------------- */

/*
 * Sectors have no padding.  What EVP_CIPHER_CTX_set_padding() says is said again, by name, with each IV
 * that is set: a tenth of the work for a sector in mode XTS.
 */
static bool take_padding_off(const struct img_libcrypto *lc, EVP_CIPHER_CTX *cx)
{
	unsigned off = 0;
	const OSSL_PARAM params[] = {
		OSSL_PARAM_uint(OSSL_CIPHER_PARAM_PADDING, &off), OSSL_PARAM_END,
	};

	return lc->set_params(cx, params);
}

/* A context for the cipher that libcrypto knows by this name, with its key; NULL on failure. */
static EVP_CIPHER_CTX *make_keyed(const struct img_libcrypto *lc, const char *name,
				  const uint8_t *key, size_t key_len, enum direction direction,
				  struct img_err *err)
{
	EVP_CIPHER *kind = lc->cipher_fetch(NULL, name, NULL);
	EVP_CIPHER_CTX *cx = NULL;

	if (!kind || lc->key_length(kind) != (int)key_len) {
		img_fail(err, IMG_E_UNSUPPORTED, _("libcrypto has no cipher %s"), name);
	} else {
		cx = lc->ctx_new();
		if (!cx || !lc->init(cx, kind, NULL, key, NULL, direction) ||
		    !take_padding_off(lc, cx)) {
			img_fail(err, IMG_E_UNSUPPORTED, _("libcrypto does not take the key for %s"),
				 name);
			lc->ctx_free(cx);
			cx = NULL;
		}
	}
	lc->cipher_free(kind);
	return cx;
}

/* ESSIV: the key for the IVs is the hash of the key. */
static bool open_iv(struct img_cipher *c, const struct img_cipher_choice *choice,
		    const uint8_t *key, size_t key_len, struct img_err *err)
{
	struct img_hash *hash = img_hash_open(choice->iv_hash, err);
	uint8_t sum[IMG_HASH_MAX];
	char name[sizeof(choice->name)];

	if (!hash)
		return false;
	if (img_hash_add(hash, key, key_len, err) && img_hash_finish(hash, sum, err)) {
		const size_t len = img_hash_size(hash);

		snprintf(name, sizeof(name), "%s-%zu-ECB", choice->iv_cipher, len * 8);
		c->iv_keyed = make_keyed(&c->crypto, name, sum, len, ENCRYPT, err);
	}
	explicit_bzero(sum, sizeof(sum));
	img_hash_close(hash);
	return c->iv_keyed;
}

static bool open_side(struct img_cipher *c, enum direction direction, const char *name,
		      const uint8_t *key, size_t key_len, struct img_err *err)
{
	static const struct img_shelf_kind kind = { .make = make_context, .drop = drop_context };
	struct side *side = &c->sides[direction];

	side->cipher = c;
	side->keyed = make_keyed(&c->crypto, name, key, key_len, direction, err);
	if (side->keyed)
		side->contexts = img_shelf_new(&kind, side, err);
	return side->contexts;
}

static bool open_all(struct img_cipher *c, const struct img_cipher_choice *choice,
		     const uint8_t *key, size_t key_len, struct img_err *err)
{
	if (!img_libcrypto_load(&c->crypto, err))
		return false;
	if (choice->iv == IMG_IV_ESSIV && !open_iv(c, choice, key, key_len, err))
		return false;
	return open_side(c, DECRYPT, choice->name, key, key_len, err) &&
	       open_side(c, ENCRYPT, choice->name, key, key_len, err);
}

struct img_cipher *img_cipher_open(const struct img_cipher_spec *spec, const uint8_t *key,
				   size_t key_len, struct img_err *err)
{
	struct img_cipher_choice choice;
	struct img_cipher *c;

	assert(img_is_pow2(spec->sector) && spec->sector >= IV_UNIT);
	if (!img_cipher_choose(spec->cipher, spec->mode, key_len, &choice, err))
		return NULL;
	c = img_calloc(1, sizeof(*c), err);
	if (!c)
		return NULL;
	c->iv = choice.iv;
	c->sector = spec->sector;
	c->iv_first = spec->iv_first;
	if (open_all(c, &choice, key, key_len, err))
		return c;
	img_cipher_close(c);
	return NULL;
}

void img_cipher_close(struct img_cipher *c)
{
	if (!c)
		return;
	for (int i = 0; i < N_DIRECTIONS; i++) {
		img_shelf_free(c->sides[i].contexts);
		if (c->crypto.library)
			c->crypto.ctx_free(c->sides[i].keyed);
	}
	if (c->crypto.library)
		c->crypto.ctx_free(c->iv_keyed);
	img_libcrypto_unload(&c->crypto);
	free(c);
}

/* ---- Sectors ------------------------------------------------------------------------------------- */

static bool set_iv(const struct img_cipher *c, struct context *cx, uint64_t at)
{
	uint8_t iv[IMG_IV_BYTES];
	int n;

	if (c->iv == IMG_IV_NONE)
		return true;
	img_iv_fill(c->iv, at / IV_UNIT + c->iv_first, iv);
	if (cx->iv && !c->crypto.update(cx->iv, iv, &n, iv, sizeof(iv)))
		return false;
	/* -1: in the direction that it has. */
	return c->crypto.init(cx->data, NULL, NULL, NULL, iv, -1);
}

static bool crypt_sectors(const struct img_cipher *c, struct context *cx, uint64_t at,
			  const uint8_t *in, uint8_t *out, size_t len)
{
	for (size_t done = 0; done < len; done += c->sector) {
		int n;

		if (!set_iv(c, cx, at + done) ||
		    !c->crypto.update(cx->data, out + done, &n, in + done, (int)c->sector) ||
		    n != (int)c->sector)
			return false;
	}
	return true;
}

static bool fail_sector(struct img_err *err)
{
	return img_fail(err, IMG_E_UNSUPPORTED, _("libcrypto fails at a sector"));
}

static bool crypt_range(struct img_cipher *c, enum direction direction, uint64_t at, const void *in,
			void *out, size_t len, struct img_err *err)
{
	struct img_shelf *contexts = c->sides[direction].contexts;
	struct context *cx = img_shelf_get(contexts, err);
	bool done;

	assert(at % c->sector == 0 && len % c->sector == 0);
	if (!cx)
		return false;
	done = crypt_sectors(c, cx, at, in, out, len);
	img_shelf_put(contexts, cx);
	return done || fail_sector(err);
}

static bool encrypt_pieces(const struct img_cipher *c, struct context *cx, uint64_t at,
			   const uint8_t *in, size_t len, const struct img_cipher_sink *sink,
			   struct img_err *err)
{
	if (!cx->piece)
		cx->piece = img_alloc_aligned(PIECE, err);
	if (!cx->piece)
		return false;
	for (size_t done = 0; done < len; done += PIECE) {
		const size_t n = img_min_u64(PIECE, len - done);

		if (!crypt_sectors(c, cx, at + done, in + done, cx->piece, n))
			return fail_sector(err);
		if (!sink->put(sink->ctx, done, cx->piece, n, err))
			return false;
	}
	return true;
}

bool img_cipher_encrypt_to(struct img_cipher *c, uint64_t at, const void *in, size_t len,
			   const struct img_cipher_sink *sink, struct img_err *err)
{
	struct img_shelf *contexts = c->sides[ENCRYPT].contexts;
	struct context *cx = img_shelf_get(contexts, err);
	bool done;

	assert(at % c->sector == 0 && len % c->sector == 0);
	if (!cx)
		return false;
	done = encrypt_pieces(c, cx, at, in, len, sink, err);
	img_shelf_put(contexts, cx);
	return done;
}

bool img_cipher_encrypt(struct img_cipher *c, uint64_t at, const void *in, void *out, size_t len,
			struct img_err *err)
{
	return crypt_range(c, ENCRYPT, at, in, out, len, err);
}

bool img_cipher_decrypt(struct img_cipher *c, uint64_t at, const void *in, void *out, size_t len,
			struct img_err *err)
{
	return crypt_range(c, DECRYPT, at, in, out, len, err);
}
