/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a descriptor is as an XML schema (XSD) wants it.  The schema is the user's: that of the DMTF
 * imports others, which are read from files alone.
 */
#include <stdio.h>
#include <string.h>
#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include "base/lazy.h"
#include "base/mem.h"
#include "ovf/ovf.h"

#if LIBXML_VERSION < 21200
typedef xmlError schema_error;
#else
typedef const xmlError schema_error;
#endif

struct library {
	__typeof__(xmlGetExternalEntityLoader) *get_loader;
	__typeof__(xmlSetExternalEntityLoader) *set_loader;
	__typeof__(xmlNoNetExternalEntityLoader) *no_net;
	__typeof__(xmlSetStructuredErrorFunc) *set_errors;
	__typeof__(xmlSchemaNewParserCtxt) *new_parser;
	__typeof__(xmlSchemaSetParserStructuredErrors) *set_parser_errors;
	__typeof__(xmlSchemaParse) *parse;
	__typeof__(xmlSchemaFreeParserCtxt) *free_parser;
	__typeof__(xmlSchemaFree) *free_schema;
	__typeof__(xmlSchemaNewValidCtxt) *new_valid;
	__typeof__(xmlSchemaSetValidStructuredErrors) *set_valid_errors;
	__typeof__(xmlSchemaValidateDoc) *validate;
	__typeof__(xmlSchemaFreeValidCtxt) *free_valid;
};

static void *load(struct library *lib, struct img_err *err)
{
	const struct img_lazy_symbol symbols[] = {
		{"xmlGetExternalEntityLoader", &lib->get_loader},
		{"xmlSetExternalEntityLoader", &lib->set_loader},
		{"xmlNoNetExternalEntityLoader", &lib->no_net},
		{"xmlSetStructuredErrorFunc", &lib->set_errors},
		{"xmlSchemaNewParserCtxt", &lib->new_parser},
		{"xmlSchemaSetParserStructuredErrors", &lib->set_parser_errors},
		{"xmlSchemaParse", &lib->parse},
		{"xmlSchemaFreeParserCtxt", &lib->free_parser},
		{"xmlSchemaFree", &lib->free_schema},
		{"xmlSchemaNewValidCtxt", &lib->new_valid},
		{"xmlSchemaSetValidStructuredErrors", &lib->set_valid_errors},
		{"xmlSchemaValidateDoc", &lib->validate},
		{"xmlSchemaFreeValidCtxt", &lib->free_valid},
		{NULL, NULL},
	};

	return img_lazy_load(LIBXML2_SONAME, symbols, err);
}

static int text_len(const char *message)
{
	return (int)strcspn(message, "\n");
}

/* ---- The schema ---------------------------------------------------------------------------------- */

/* The first that was said is the cause of the others. */
static void keep_first(void *ctx, schema_error *said)
{
	struct img_err *why = ctx;

	if (why->code == IMG_OK && said->level > XML_ERR_WARNING && said->message)
		img_fail(why, IMG_E_CORRUPT, _("line %d: %.*s"), said->line, text_len(said->message),
			 said->message);
}

/* Of files that cannot be opened the loader would write to standard error. */
static void say_nothing(void *ctx, schema_error *said)
{
	(void)ctx, (void)said;
}

/* The loader is one for all threads, but libxml2 has no other way to keep a schema off the network. */
static xmlSchema *read_schema(const struct library *lib, const char *path, struct img_err *err)
{
	const xmlExternalEntityLoader before = lib->get_loader();
	xmlSchemaParserCtxt *parser = lib->new_parser(path);
	struct img_err why = { 0 };
	xmlSchema *schema = NULL;

	if (parser) {
		lib->set_loader(lib->no_net);
		lib->set_errors(NULL, say_nothing);
		lib->set_parser_errors(parser, keep_first, &why);
		schema = lib->parse(parser);
		lib->set_errors(NULL, NULL);
		lib->set_loader(before);
		lib->free_parser(parser);
	}
	if (!schema)
		img_fail(err, IMG_E_ARGUMENT, _("%s: cannot be used as a schema: %s"), path,
			 why.code == IMG_OK ? _("no reason is known") : why.text);
	return schema;
}

/* ---- The descriptor ------------------------------------------------------------------------------ */

struct telling {
	img_ovf_flaw *flaw;
	void *ctx;
	size_t n;
};

static void tell(void *ctx, schema_error *said)
{
	struct telling *t = ctx;
	char text[512];

	if (!said->message || t->n++ >= IMG_OVF_FLAWS)
		return;
	(void)snprintf(text, sizeof(text), "%.*s", text_len(said->message), said->message);
	t->flaw(t->ctx, said->line > 0 ? (unsigned)said->line : 0, text);
}

static bool validate(const struct library *lib, xmlSchema *schema, struct ovf_document *doc,
		     struct telling *t, struct img_err *err)
{
	xmlSchemaValidCtxt *valid = lib->new_valid(schema);
	int result = -1;

	if (valid) {
		lib->set_valid_errors(valid, tell, t);
		result = lib->validate(valid, ovf_document_root(doc)->doc);
		lib->free_valid(valid);
	}
	return result >= 0 || img_fail(err, IMG_E_NOMEM, _("the schema cannot be applied"));
}

bool img_ovf_validate(const void *bytes, size_t len, const char *schema, img_ovf_flaw *flaw, void *ctx,
		      struct img_err *err)
{
	struct ovf_document *doc = ovf_document_read(bytes, len, err);
	struct telling t = { .flaw = flaw, .ctx = ctx };
	struct library lib;
	void *handle = doc ? load(&lib, err) : NULL;
	xmlSchema *xsd = handle ? read_schema(&lib, schema, err) : NULL;
	const bool ok = xsd && validate(&lib, xsd, doc, &t, err);

	if (xsd)
		lib.free_schema(xsd);
	if (handle)
		img_lazy_unload(handle);
	ovf_document_free(doc);
	return ok;
}
