/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers as texts, with a decimal point in every locale. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "report/report.h"

/* The decimal separator of the locale, of any number of bytes, becomes a point. */
static void plain_point(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (strchr("0123456789+-e", *from))
			*to++ = *from;
		else if (to == text || to[-1] != '.')
			*to++ = '.';
	}
	*to = '\0';
}

void img_real_text(double value, char text[IMG_NUMBER_TEXT])
{
	(void)snprintf(text, IMG_NUMBER_TEXT, "%.15g", value);
	if (strtod(text, NULL) < value || strtod(text, NULL) > value)
		(void)snprintf(text, IMG_NUMBER_TEXT, "%.17g", value);
	plain_point(text);
}

void img_size_text(uint64_t bytes, char text[IMG_NUMBER_TEXT])
{
	static const char units[] = "KMGTPE";
	double amount = (double)bytes / 1024;
	char number[IMG_NUMBER_TEXT];
	size_t unit = 0;

	if (bytes < 1024) {
		(void)snprintf(text, IMG_NUMBER_TEXT, _("%u bytes"), (unsigned)bytes);
		return;
	}
	for (; amount >= 1023.995; unit++)	/* "1024 KiB" after rounding is 1 MiB */
		amount /= 1024;
	img_real_text((double)(uint64_t)(amount * 100 + 0.5) / 100, number);
	(void)snprintf(text, IMG_NUMBER_TEXT, _("%.8s %ciB (%" PRIu64 " bytes)"), number,
		       units[unit], bytes);
}
