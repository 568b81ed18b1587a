/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Filling struct img_err.  A text always fits on one line of a terminal: what does not fit in the
 * buffer is cut between two characters, and control characters, which may come from names inside
 * an image, become '?'.
 */
#include "base/err.h"

#include <stdarg.h>
#include <string.h>

/* Length of the UTF-8 sequence that a byte starts. */
static size_t sequence_length(unsigned char lead)
{
	return lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
}

/* Removes the beginning of a character that vsnprintf() cut in two. */
static void drop_partial_character(char *text)
{
	const size_t len = strlen(text);
	size_t lead = len;

	while (lead > 0 && ((unsigned char)text[lead - 1] & 0xc0) == 0x80)
		lead--;
	if (lead > 0 && sequence_length((unsigned char)text[lead - 1]) > len - lead + 1)
		text[lead - 1] = '\0';
}

static void make_printable(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)	/* U+0080 to U+009F */
			p[0] = p[1] = '?';
	}
}

/* The arguments may point into err->text. */
static void set_text(struct img_err *err, const char *fmt, va_list args)
{
	char text[sizeof(err->text)];
	const int len = vsnprintf(text, sizeof(text), fmt, args);

	if (len < 0)
		text[0] = '\0';
	else if ((size_t)len >= sizeof(text))
		drop_partial_character(text);
	make_printable(text);
	memcpy(err->text, text, sizeof(text));
}

static void IMG_PRINTF(2, 3) join_text(struct img_err *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set_text(err, fmt, args);
	va_end(args);
}

bool img_fail(struct img_err *err, enum img_code code, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return false;
	va_start(args, fmt);
	set_text(err, fmt, args);
	va_end(args);
	err->code = code;
	err->os_errno = 0;
	return false;
}

bool img_fail_os(struct img_err *err, const char *fmt, ...)
{
	const int os_errno = errno;
	char reason[128];
	va_list args;

	if (!err)
		return false;
	va_start(args, fmt);
	set_text(err, fmt, args);
	va_end(args);
	errno = os_errno;
	(void)snprintf(reason, sizeof(reason), "%m");	/* as strerror(), but safe in threads */
	join_text(err, "%s: %s", err->text, reason);
	err->code = img_code_of_errno(os_errno);
	err->os_errno = os_errno;
	return false;
}

bool img_within(struct img_err *err, const char *fmt, ...)
{
	char inner[sizeof(err->text)];
	va_list args;

	if (!err)
		return false;
	memcpy(inner, err->text, sizeof(inner));
	va_start(args, fmt);
	set_text(err, fmt, args);
	va_end(args);
	join_text(err, "%s: %s", err->text, inner);
	return false;
}

bool img_fail_nomem(struct img_err *err, size_t bytes)
{
	return img_fail(err, IMG_E_NOMEM, _("out of memory: %zu bytes are not to be had"), bytes);
}

enum img_code img_code_of_errno(int os_errno)
{
	switch (os_errno) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return IMG_E_NOSPACE;
	case ENOMEM:
		return IMG_E_NOMEM;
	case EACCES:
	case EPERM:
	case EROFS:
		return IMG_E_DENIED;
	case EBUSY:
	case ETXTBSY:
		return IMG_E_BUSY;
	default:
		return IMG_E_IO;
	}
}
