/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a schema allows, what it does not, and schemas that are none. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "libimg.h"

#define XSD(inside) \
	"<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>" inside "</xs:schema>"
#define NUMBERS XSD("<xs:element name='a'><xs:complexType><xs:sequence>" \
		    "<xs:element name='b' type='xs:unsignedByte' maxOccurs='unbounded'/>" \
		    "</xs:sequence></xs:complexType></xs:element>")

static char path[64];

static void write_schema(const char *text)
{
	FILE *out;

	(void)snprintf(path, sizeof(path), "/tmp/img-schema-test.%d.xsd", (int)getpid());
	out = fopen(path, "w");
	cr_assert(out && fputs(text, out) >= 0 && !fclose(out));
}

static void remove_schema(void)
{
	(void)unlink(path);
}

struct flaws {
	size_t n;
	unsigned line;		/* of the last one */
	char text[512];
};

static void note(void *ctx, unsigned line, const char *text)
{
	struct flaws *flaws = ctx;

	flaws->n++;
	flaws->line = line;
	(void)snprintf(flaws->text, sizeof(flaws->text), "%s", text);
}

static bool validate(const char *text, struct flaws *flaws, struct img_err *err)
{
	*flaws = (struct flaws){ .n = 0 };
	return img_ovf_validate(text, strlen(text), path, note, flaws, err);
}

Test(schema, tells_what_is_not_allowed, .fini = remove_schema)
{
	struct img_err err = { 0 };
	struct flaws flaws;

	write_schema(NUMBERS);
	cr_assert(validate("<a><b>1</b><b>255</b></a>", &flaws, &err), "%s", err.text);
	cr_expect_eq(flaws.n, 0, "%s", flaws.text);
	cr_assert(validate("<a>\n<b>1</b>\n<b>256</b></a>", &flaws, &err), "%s", err.text);
	cr_expect_geq(flaws.n, 1);
	cr_expect_eq(flaws.line, 3);
	cr_expect(strstr(flaws.text, "256"), "%s", flaws.text);
	cr_expect_null(strchr(flaws.text, '\n'));
	cr_assert(validate("<z/>", &flaws, &err), "%s", err.text);
	cr_expect_eq(flaws.n, 1);
}

Test(schema, tells_of_so_many, .fini = remove_schema)
{
	const size_t n = IMG_OVF_FLAWS + 100;
	char *text = calloc(n + 1, sizeof("<b>-</b>"));
	struct img_err err = { 0 };
	struct flaws flaws;

	cr_assert(text);
	strcat(text, "<a>");
	for (size_t i = 0, at = 3; i < n; i++, at += 8)
		memcpy(text + at, "<b>-</b>", 8);
	strcat(text, "</a>");
	write_schema(NUMBERS);
	cr_assert(validate(text, &flaws, &err), "%s", err.text);
	cr_expect_eq(flaws.n, IMG_OVF_FLAWS);
	free(text);
}

Test(schema, refuses_what_is_none, .fini = remove_schema)
{
	static const char *const bad[] = {
		"", "<a/>", XSD("<xs:element/>"), XSD("<xs:element name='a' type='none'/>"),
		XSD("<xs:include schemaLocation='/nowhere/gone.xsd'/><xs:element name='a' type='none'/>"),
		XSD("<xs:include schemaLocation='http://127.0.0.1:9/a.xsd'/>"
		    "<xs:element name='a' type='none'/>"),
	};
	struct flaws flaws;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct img_err err = { 0 };

		write_schema(bad[i]);
		cr_expect_not(validate("<a/>", &flaws, &err), "%s", bad[i]);
		cr_expect_eq(err.code, IMG_E_ARGUMENT, "%s: %s", bad[i], err.text);
		cr_expect(strstr(err.text, path), "%s", err.text);
		cr_expect_null(strchr(err.text, '\n'), "%s", err.text);
		cr_expect_eq(flaws.n, 0);
	}
}

Test(schema, says_the_first_reason, .fini = remove_schema)
{
	struct img_err err = { 0 };
	struct flaws flaws;

	write_schema(XSD("\n<xs:element name='a' type='none'/>\n<xs:element name='b' type='nix'/>"));
	cr_expect_not(validate("<a/>", &flaws, &err));
	cr_expect(strstr(err.text, "line 2: "), "%s", err.text);
}

/* Nobody answers: who asked would wait. */
Test(schema, asks_nobody, .fini = remove_schema, .timeout = 20)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd asked = { .fd = fd, .events = POLLIN };
	socklen_t len = sizeof(at);
	struct img_err err = { 0 };
	struct flaws flaws;
	char text[256];

	cr_assert(fd >= 0 && !bind(fd, (struct sockaddr *)&at, len) && !listen(fd, 1) &&
		  !getsockname(fd, (struct sockaddr *)&at, &len));
	(void)snprintf(text, sizeof(text), XSD("<xs:include schemaLocation='http://127.0.0.1:%d/a.xsd'/>"),
		       ntohs(at.sin_port));
	write_schema(text);
	(void)validate("<a/>", &flaws, &err);
	cr_expect_eq(poll(&asked, 1, 0), 0);
	(void)close(fd);
}

Test(schema, refuses_documents_as_every_reader_does, .fini = remove_schema)
{
	struct img_err err = { 0 };
	struct flaws flaws;

	write_schema(NUMBERS);
	cr_expect_not(validate("<!DOCTYPE a [<!ENTITY b 'b'>]><a>&b;</a>", &flaws, &err));
	cr_expect_eq(err.code, IMG_E_UNSUPPORTED, "%s", err.text);
	cr_expect_not(validate("<a>", &flaws, &err));
	cr_expect_eq(err.code, IMG_E_CORRUPT, "%s", err.text);
}
