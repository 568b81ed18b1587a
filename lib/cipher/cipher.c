/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sectors through libcrypto.  The key is scheduled once; each thread takes a copy of that off a
 * shelf, and sets nothing but the IV for each sector.
 */
#include "cipher/cipher.h"

#include <assert.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "base/shelf.h"
#include "cipher/choice.h"
#include "cipher/provided.h"

#define IV_UNIT 512	/* bytes that an IV counts, however long the sectors are */
#define PIECE (256 << 10)	/* stays in the processor's cache while it is enciphered and written */

enum direction { DECRYPT, ENCRYPT, N_DIRECTIONS };

/* Of one thread at a time. */
struct context {
	void *data;
	void *iv;			/* ESSIV, else NULL */
	uint8_t *piece;			/* PIECE bytes, once they are needed */
};

struct side {
	const struct img_cipher *cipher;
	void *keyed;			/* with its key; only copied */
	OSSL_FUNC_cipher_encrypt_init_fn *init;
	struct img_shelf *contexts;
};

struct img_cipher {
	struct img_libcrypto crypto;
	struct img_provided data;
	struct img_provided essiv;	/* all zero if there is none */
	enum img_iv_kind iv;
	uint32_t sector;
	uint64_t iv_first;
	void *iv_keyed;			/* ESSIV, else NULL; only copied */
	struct side sides[N_DIRECTIONS];
};

/* ---- Contexts ------------------------------------------------------------------------------------ */

static void *copy(const struct img_provided *cipher, void *from, struct img_err *err)
{
	void *cx = cipher->ctx_copy(from);

	if (!cx)
		img_fail(err, IMG_E_NOMEM, _("no memory for a cipher"));
	return cx;
}

static void free_keyed(const struct img_provided *cipher, void *cx)
{
	if (cx)
		cipher->ctx_free(cx);
}

static void drop_context(const void *owner, void *cx)
{
	const struct side *side = owner;
	struct context *context = cx;

	free_keyed(&side->cipher->data, context->data);
	free_keyed(&side->cipher->essiv, context->iv);
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
	context->data = copy(&c->data, side->keyed, err);
	if (context->data && c->iv_keyed)
		context->iv = copy(&c->essiv, c->iv_keyed, err);
	if (context->data && (context->iv || !c->iv_keyed))
		return context;
	drop_context(owner, context);
	return NULL;
}

/* ---- Opening ------------------------------------------------------------------------------------- */

static bool find(const struct img_cipher *c, const char *name, size_t key_len,
		 struct img_provided *out, struct img_err *err)
{
	if (!img_provided_find(&c->crypto, name, out, err))
		return false;
	return c->crypto.key_length(out->kind) == (int)key_len ||
	       img_fail(err, IMG_E_UNSUPPORTED, _("libcrypto has no cipher %s"), name);
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
		if (find(c, name, len, &c->essiv, err))
			c->iv_keyed = img_provided_key(&c->essiv, sum, len, true, err);
	}
	explicit_bzero(sum, sizeof(sum));
	img_hash_close(hash);
	return c->iv_keyed;
}

static bool open_side(struct img_cipher *c, enum direction direction, const uint8_t *key,
		      size_t key_len, struct img_err *err)
{
	static const struct img_shelf_kind kind = { .make = make_context, .drop = drop_context };
	struct side *side = &c->sides[direction];

	side->cipher = c;
	side->init = direction == ENCRYPT ? c->data.encrypt_init : c->data.decrypt_init;
	side->keyed = img_provided_key(&c->data, key, key_len, direction == ENCRYPT, err);
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
	return find(c, choice->name, key_len, &c->data, err) &&
	       open_side(c, DECRYPT, key, key_len, err) && open_side(c, ENCRYPT, key, key_len, err);
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
		free_keyed(&c->data, c->sides[i].keyed);
	}
	free_keyed(&c->essiv, c->iv_keyed);
	img_provided_clear(&c->data);
	img_provided_clear(&c->essiv);
	img_libcrypto_unload(&c->crypto);
	free(c);
}

/* ---- Sectors ------------------------------------------------------------------------------------- */

static bool set_iv(const struct side *side, struct context *cx, uint64_t at)
{
	const struct img_cipher *c = side->cipher;
	uint8_t iv[IMG_IV_BYTES];
	size_t n;

	if (c->iv == IMG_IV_NONE)
		return true;
	img_iv_fill(c->iv, at / IV_UNIT + c->iv_first, iv);
	if (cx->iv && !c->essiv.update(cx->iv, iv, &n, sizeof(iv), iv, sizeof(iv)))
		return false;
	return side->init(cx->data, NULL, 0, iv, sizeof(iv), NULL);
}

static bool crypt_sectors(const struct side *side, struct context *cx, uint64_t at,
			  const uint8_t *in, uint8_t *out, size_t len)
{
	const struct img_cipher *c = side->cipher;

	for (size_t done = 0; done < len; done += c->sector) {
		size_t n;

		if (!set_iv(side, cx, at + done) ||
		    !c->data.update(cx->data, out + done, &n, c->sector, in + done, c->sector) ||
		    n != c->sector)
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
	const struct side *side = &c->sides[direction];
	struct context *cx = img_shelf_get(side->contexts, err);
	bool done;

	assert(at % c->sector == 0 && len % c->sector == 0);
	if (!cx)
		return false;
	done = crypt_sectors(side, cx, at, in, out, len);
	img_shelf_put(side->contexts, cx);
	return done || fail_sector(err);
}

static bool encrypt_pieces(const struct side *side, struct context *cx, uint64_t at,
			   const uint8_t *in, size_t len, const struct img_cipher_sink *sink,
			   struct img_err *err)
{
	if (!cx->piece)
		cx->piece = img_alloc_aligned(PIECE, err);
	if (!cx->piece)
		return false;
	for (size_t done = 0; done < len; done += PIECE) {
		const size_t n = img_min_u64(PIECE, len - done);

		if (!crypt_sectors(side, cx, at + done, in + done, cx->piece, n))
			return fail_sector(err);
		if (!sink->put(sink->ctx, done, cx->piece, n, err))
			return false;
	}
	return true;
}

bool img_cipher_encrypt_to(struct img_cipher *c, uint64_t at, const void *in, size_t len,
			   const struct img_cipher_sink *sink, struct img_err *err)
{
	const struct side *side = &c->sides[ENCRYPT];
	struct context *cx = img_shelf_get(side->contexts, err);
	bool done;

	assert(at % c->sector == 0 && len % c->sector == 0);
	if (!cx)
		return false;
	done = encrypt_pieces(side, cx, at, in, len, sink, err);
	img_shelf_put(side->contexts, cx);
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
