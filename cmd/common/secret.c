/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See secret.h.  Nothing of a key goes through a buffer that is not wiped. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>
#include "common/secret.h"
#include "common/secret_prompt.h"
#include "common/signals.h"
#include "common/text.h"

enum { FIRST_ROOM = 4096, INVENTED_BYTES = 32 };

/* ---- Bytes from somewhere ------------------------------------------------------------------------ */

/* The same with twice the room. */
static struct img_secret *enlarge(struct img_secret *old, struct img_err *err)
{
	struct img_secret *larger = img_secret_new(2 * img_secret_cap(old), err);

	if (larger) {
		memcpy(img_secret_bytes(larger), img_secret_bytes(old), img_secret_len(old));
		img_secret_set_len(larger, img_secret_len(old));
	}
	img_secret_free(old);
	return larger;
}

/* Some more bytes; *end: there are none. */
static bool read_some(int fd, struct img_secret *to, bool *end, struct img_err *err)
{
	const size_t len = img_secret_len(to);
	ssize_t n;

	do
		n = read(fd, img_secret_bytes(to) + len, img_secret_cap(to) - len);
	while (n < 0 && errno == EINTR && !signals_cancelled(NULL));
	if (n < 0)
		return img_fail_os(err, _("the key cannot be read"));
	img_secret_set_len(to, len + (size_t)n);
	*end = !n;
	return true;
}

/* All that comes from fd, which stays open. */
static struct img_secret *read_all(int fd, struct img_err *err)
{
	struct img_secret *key = img_secret_new(FIRST_ROOM, err);
	bool end = false;

	while (key && !end) {
		if (img_secret_len(key) > SECRET_MAX_BYTES) {
			img_fail(err, IMG_E_KEY, _("a key has %d bytes at most"), SECRET_MAX_BYTES);
			goto fail;
		}
		if (img_secret_len(key) == img_secret_cap(key)) {
			key = enlarge(key, err);
			continue;
		}
		if (!read_some(fd, key, &end, err))
			goto fail;
	}
	return key;
fail:
	img_secret_free(key);
	return NULL;
}

/* People end what they type or echo with one. */
static void cut_end_of_line(struct img_secret *key)
{
	const size_t len = img_secret_len(key);

	if (len && img_secret_bytes(key)[len - 1] == '\n')
		img_secret_set_len(key, len - 1);
}

/* ---- Options ------------------------------------------------------------------------------------- */

/*
 * From now on no core of this process is dumped, nor may others of the same user look into it: what a
 * cipher makes of a key lies in libcrypto's memory, of which no part can be left out.
 */
static void hide_memory(void)
{
	(void)prctl(PR_SET_DUMPABLE, 0);	/* a system that cannot is no reason not to go on */
}

/* Takes over key, which may be NULL: err says why already. */
static bool keep(struct secrets *secrets, struct img_secret *key, struct img_err *err)
{
	if (!key)
		return false;
	if (!img_secret_len(key))
		img_fail(err, IMG_E_KEY, _("the key is empty"));
	else if (secrets->keys.n == SECRET_MAX_KEYS)
		img_fail(err, IMG_E_ARGUMENT, _("more than %d keys"), SECRET_MAX_KEYS);
	else {
		hide_memory();
		secrets->v[secrets->keys.n++] = key;
		secrets->keys.v = (const struct img_secret *const *)secrets->v;
		return true;
	}
	img_secret_free(key);
	return false;
}

/* A key that an option has read. */
static bool give(struct secrets *secrets, struct img_secret *key, struct img_err *err)
{
	secrets->given = true;
	return keep(secrets, key, err);
}

static struct img_secret *read_stdin(struct img_err *err)
{
	struct img_secret *key;

	if (isatty(STDIN_FILENO))
		return secret_prompt(NULL, err);
	key = read_all(STDIN_FILENO, err);
	if (key)
		cut_end_of_line(key);
	return key;
}

static struct img_secret *read_file(const char *path, struct img_err *err)
{
	struct img_secret *key;
	int fd;

	if (!strcmp(path, "-"))
		return read_stdin(err);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		img_fail_os(err, "%s", path);
		return NULL;
	}
	key = read_all(fd, err);
	if (!key)
		img_within(err, "%s", path);
	close(fd);
	return key;
}

bool secret_set_file(const struct cli_option *row, void *field, const char *text,
		     struct img_err *err)
{
	struct secrets *secrets = field;

	(void)row;
	if (!give(secrets, read_file(text, err), err))
		return false;
	if (strcmp(text, "-"))
		secrets->files[secrets->n_files++] = text;
	return true;
}

bool secret_set_fd(const struct cli_option *row, void *field, const char *text,
		   struct img_err *err)
{
	char *end;
	const long fd = strtol(text, &end, 10);

	(void)row;
	if (end == text || *end || fd < 0 || fd > INT_MAX)
		return img_fail(err, IMG_E_ARGUMENT, _("\"%s\" is not a file descriptor"), text);
	return give(field, read_all((int)fd, err), err);
}

bool secret_set_env(const struct cli_option *row, void *field, const char *text,
		    struct img_err *err)
{
	const char *value = getenv(text);
	const size_t len = value ? strlen(value) : 0;
	struct img_secret *key;

	(void)row;
	if (!value)
		return img_fail(err, IMG_E_ARGUMENT, _("there is no variable \"%s\""), text);
	key = img_secret_new(len, err);
	if (key) {
		memcpy(img_secret_bytes(key), value, len);
		img_secret_set_len(key, len);
	}
	return give(field, key, err);
}

/* ---- Use ----------------------------------------------------------------------------------------- */

const struct img_keys *secret_keys(const struct secrets *secrets)
{
	return secrets ? &secrets->keys : NULL;
}

bool secret_is_in_file(const struct secrets *secrets, const char *path)
{
	for (size_t i = 0; secrets && i < secrets->n_files; i++)
		if (img_path_same(secrets->files[i], path))
			return true;
	return false;
}

const struct img_secret *secret_first(const struct secrets *secrets)
{
	return secrets && secrets->keys.n ? secrets->v[0] : NULL;
}

bool secret_try_again(struct secrets *secrets, const char *path, const struct img_err *why)
{
	struct img_err ignored = { 0 };	/* what there is to say is *why */

	return secrets && why->code == IMG_E_KEY && !secrets->given && isatty(STDIN_FILENO) &&
	       secrets->keys.n < SECRET_TRIES && keep(secrets, secret_prompt(path, &ignored), &ignored);
}

bool secret_need_new(struct secrets *secrets, const char *path, struct img_err *err)
{
	if (secrets->keys.n)
		return true;
	if (!isatty(STDIN_FILENO))
		return img_fail(err, IMG_E_KEY, _("%s: the key of a new image is not given (--key-file)"),
				path);
	return keep(secrets, secret_prompt_new(path, err), err);
}

bool secret_invent(struct secrets *secrets, struct img_err *err)
{
	struct img_secret *key;

	if (secrets->given)
		return true;
	key = img_secret_new(INVENTED_BYTES, err);
	if (!key)
		return false;
	if (getrandom(img_secret_bytes(key), INVENTED_BYTES, 0) != INVENTED_BYTES) {
		img_secret_free(key);
		return img_fail_os(err, _("no random bytes for a key"));
	}
	img_secret_set_len(key, INVENTED_BYTES);
	return give(secrets, key, err);
}

void secret_clear(struct secrets *secrets)
{
	while (secrets->keys.n)
		img_secret_free(secrets->v[--secrets->keys.n]);
}
