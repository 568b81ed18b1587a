/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See secret_prompt.h.  The terminal gets its echo back whatever happens. */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include "common/secret_prompt.h"
#include "common/signals.h"
#include "common/text.h"

enum { MAX_TYPED = 4096 };

/* Whether a byte came, and no end of line. */
static bool next_byte(uint8_t *byte)
{
	return signals_wait_readable(STDIN_FILENO) && read(STDIN_FILENO, byte, 1) == 1 && *byte != '\n';
}

static bool read_line(struct img_secret *key, struct img_err *err)
{
	uint8_t *bytes = img_secret_bytes(key);
	size_t len = 0;

	while (len < MAX_TYPED && next_byte(&bytes[len]))
		len++;
	/* The end of line that may be there is no part of it, and wiped. */
	img_secret_set_len(key, len < MAX_TYPED ? len + 1 : len);
	img_secret_set_len(key, len);
	if (signals_cancelled(NULL))
		return img_fail(err, IMG_E_CANCELLED, _("cancelled"));
	if (!len)
		return img_fail(err, IMG_E_KEY, _("no key was typed in"));
	return len < MAX_TYPED ||
	       img_fail(err, IMG_E_KEY, _("a key that is typed in has less than %d bytes"), MAX_TYPED);
}

/* prompt is on standard error already. */
static struct img_secret *read_hidden(struct img_err *err)
{
	struct img_secret *key = img_secret_new(MAX_TYPED, err);
	struct termios shown, hidden;
	bool ok;

	if (!key)
		return NULL;
	if (tcgetattr(STDIN_FILENO, &shown)) {
		img_fail_os(err, _("the terminal cannot hide what is typed"));
		img_secret_free(key);
		return NULL;
	}
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	ok = read_line(key, err);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	fputc('\n', stderr);
	if (ok)
		return key;
	img_secret_free(key);
	return NULL;
}

struct img_secret *secret_prompt(const char *path, struct img_err *err)
{
	if (path)
		fprintf(stderr, _("Key of %s: "), path);
	else
		fprintf(stderr, _("Key: "));
	return read_hidden(err);
}

/* Takes the same time for all keys of one length. */
static bool same(const struct img_secret *a, const struct img_secret *b)
{
	const uint8_t *x = img_secret_view(a), *y = img_secret_view(b);
	uint8_t differs = 0;

	if (img_secret_len(a) != img_secret_len(b))
		return false;
	for (size_t i = 0; i < img_secret_len(a); i++)
		differs |= x[i] ^ y[i];
	return !differs;
}

struct img_secret *secret_prompt_new(const char *path, struct img_err *err)
{
	struct img_secret *key, *again;

	fprintf(stderr, _("New key of %s: "), path);
	key = read_hidden(err);
	if (!key)
		return NULL;
	fprintf(stderr, _("The same again: "));
	again = read_hidden(err);
	if (again && !same(key, again)) {
		img_fail(err, IMG_E_KEY, _("it was not the same"));
		img_secret_free(again);
		again = NULL;
	}
	if (!again) {
		img_secret_free(key);
		return NULL;
	}
	img_secret_free(again);
	return key;
}
