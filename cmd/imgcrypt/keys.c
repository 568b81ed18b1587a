/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verbs about single keys. */
#include <inttypes.h>
#include "common/text.h"
#include "imgcrypt/imgcrypt.h"

struct img_open crypt_how(const struct options *opt, const char *path, unsigned flags)
{
	return (struct img_open){
		.path = path, .format = opt->source.format, .gate = source_gate(NULL),
		.flags = flags | (opt->source.force_share ? IMG_OPEN_FORCE_SHARE : 0),
	};
}

struct img_key_header *crypt_open(const struct options *opt, const char *path, unsigned flags,
				  struct img_err *err)
{
	const struct img_open how = crypt_how(opt, path, flags);

	return img_key_header_open(&how, err);
}

static struct img_key_work work_of(const struct options *opt)
{
	return (struct img_key_work){
		.pbkdf = opt->pbkdf, .hash = opt->hash, .iter_ms = opt->iter_time,
		.iterations = opt->iterations, .threads = opt->threads,
		.memory_kib = (uint32_t)(opt->memory < (UINT64_C(1) << 42) ? opt->memory / 1024
									   : UINT32_MAX),
	};
}

static void tell(const struct options *opt, const char *text, uint32_t slot)
{
	if (!opt->quiet)
		printf(text, slot);
}

/* Asks for keys, where somebody can be asked, until one opens a slot; *slot as img_key_test() has it. */
static bool find_slot(struct options *opt, struct img_key_header *kh, const char *path, uint32_t *slot,
		      struct img_err *err)
{
	bool found;

	do
		found = img_key_test(kh, secret_keys(&opt->secrets), slot, err);
	while (!found && secret_try_again(&opt->secrets, path, err));
	return found;
}

bool crypt_test(struct options *opt, char *const *names, struct img_err *err)
{
	struct img_key_header *kh = crypt_open(opt, names[0], 0, err);
	uint32_t slot = opt->slot;
	const bool ok = kh && find_slot(opt, kh, names[0], &slot, err);

	if (ok)
		tell(opt, _("key slot %" PRIu32 " opens\n"), slot);
	img_key_header_close(kh);
	return ok;
}

bool crypt_add(struct options *opt, char *const *names, struct img_err *err)
{
	const struct img_key_work work = work_of(opt);
	struct img_key_header *kh = crypt_open(opt, names[0], IMG_OPEN_WRITE, err);
	uint32_t from = IMG_KEY_ANY_SLOT, slot = opt->slot;
	/* The old key first, so that nobody makes up a new one in vain. */
	const bool ok = kh && (opt->secrets.given || find_slot(opt, kh, names[0], &from, err)) &&
			secret_need_new(&opt->fresh, names[0], err) &&
			img_key_add(kh, secret_keys(&opt->secrets), secret_first(&opt->fresh), &work,
				    &slot, err);

	if (ok)
		tell(opt, _("the new key is in key slot %" PRIu32 "\n"), slot);
	img_key_header_close(kh);
	return ok;
}

bool crypt_change(struct options *opt, char *const *names, struct img_err *err)
{
	const struct img_key_work work = work_of(opt);
	struct img_key_header *kh = crypt_open(opt, names[0], IMG_OPEN_WRITE, err);
	uint32_t from = opt->slot, slot = opt->slot;
	const bool ok = kh && (opt->secrets.given || find_slot(opt, kh, names[0], &from, err)) &&
			secret_need_new(&opt->fresh, names[0], err) &&
			img_key_change(kh, secret_keys(&opt->secrets), secret_first(&opt->fresh),
				       &work, &slot, err);

	if (ok)
		tell(opt, _("the new key is in key slot %" PRIu32 "\n"), slot);
	img_key_header_close(kh);
	return ok;
}

static bool may_remove(const struct options *opt, const struct img_key_header *kh, const char *path,
		       struct img_err *err)
{
	return opt->force || img_key_count(kh) > 1 ||
	       img_fail(err, IMG_E_DENIED, _("%s: this is the last key: without it the data are lost; "
					     "--force removes it"), path);
}

bool crypt_remove(struct options *opt, char *const *names, struct img_err *err)
{
	struct img_key_header *kh = crypt_open(opt, names[0], IMG_OPEN_WRITE, err);
	uint32_t slot = opt->slot;
	const bool ok = kh && (slot != IMG_KEY_ANY_SLOT || find_slot(opt, kh, names[0], &slot, err)) &&
			(!img_key_slot_used(kh, slot) || may_remove(opt, kh, names[0], err)) &&
			img_key_remove(kh, slot, err);

	if (ok)
		tell(opt, _("key slot %" PRIu32 " is empty\n"), slot);
	img_key_header_close(kh);
	return ok;
}
