/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See document.h: libxml2, loaded when there is something to read, and kept from all that is dangerous. */
#include "ovf/document.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <libxml/parser.h>
#include "base/lazy.h"
#include "base/mem.h"

/* What is used of libxml2. */
struct library {
	__typeof__(xmlInitParser) *init;
	__typeof__(xmlNewParserCtxt) *new_context;
	__typeof__(xmlFreeParserCtxt) *free_context;
	__typeof__(xmlCtxtReadMemory) *read;
	__typeof__(xmlCtxtGetLastError) *last_error;
	__typeof__(xmlStopParser) *stop;
	__typeof__(xmlDocGetRootElement) *root;
	__typeof__(xmlFreeDoc) *free_doc;
	__typeof__(xmlSetNsProp) *set_attribute;
	__typeof__(xmlRemoveProp) *remove_attribute;
	__typeof__(xmlDocDumpMemoryEnc) *dump;
};

struct ovf_document {
	struct library lib;
	void *handle;
	xmlDoc *doc;
};

static void *load(struct library *lib, struct img_err *err)
{
	const struct img_lazy_symbol symbols[] = {
		{"xmlInitParser", &lib->init},
		{"xmlNewParserCtxt", &lib->new_context},
		{"xmlFreeParserCtxt", &lib->free_context},
		{"xmlCtxtReadMemory", &lib->read},
		{"xmlCtxtGetLastError", &lib->last_error},
		{"xmlStopParser", &lib->stop},
		{"xmlDocGetRootElement", &lib->root},
		{"xmlFreeDoc", &lib->free_doc},
		{"xmlSetNsProp", &lib->set_attribute},
		{"xmlRemoveProp", &lib->remove_attribute},
		{"xmlDocDumpMemoryEnc", &lib->dump},
		{NULL, NULL},
	};

	return img_lazy_load(LIBXML2_SONAME, symbols, err);
}

/* ---- Reading ------------------------------------------------------------------------------------- */

struct reading {
	const struct library *lib;
	xmlParserCtxt *context;
	bool has_type;
};

/* Entities can be defined in a document type alone: parsing ends where one begins. */
static void refuse_type(void *context, const xmlChar *name, const xmlChar *external,
			const xmlChar *system)
{
	struct reading *reading = ((xmlParserCtxt *)context)->_private;

	(void)name, (void)external, (void)system;
	reading->has_type = true;
	reading->lib->stop(reading->context);
}

static bool explain(const struct reading *reading, struct img_err *err)
{
	const xmlError *last = reading->lib->last_error(reading->context);

	if (reading->has_type)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("the XML has a document type, in which entities could be defined; "
				  "that is not read"));
	if (!last || !last->message)
		return img_fail(err, IMG_E_CORRUPT, _("is no XML"));
	/* Its messages end in a newline, and may hold bytes of the document. */
	return img_fail(err, IMG_E_CORRUPT, _("is no XML: line %d: %.*s"), last->line,
			(int)strcspn(last->message, "\n"), last->message);
}

static bool parse(struct ovf_document *doc, const void *bytes, size_t len, struct img_err *err)
{
	const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
			    XML_PARSE_NOCDATA;
	struct reading reading = { .lib = &doc->lib, .context = doc->lib.new_context() };
	bool ok;

	if (!reading.context)
		return img_fail(err, IMG_E_NOMEM, _("out of memory while reading XML"));
	reading.context->_private = &reading;
	reading.context->sax->internalSubset = refuse_type;
	doc->doc = doc->lib.read(reading.context, bytes, (int)len, NULL, NULL, options);
	ok = doc->doc && !reading.has_type && doc->lib.root(doc->doc);
	if (!ok)
		explain(&reading, err);
	doc->lib.free_context(reading.context);
	return ok;
}

struct ovf_document *ovf_document_read(const void *bytes, size_t len, struct img_err *err)
{
	struct ovf_document *doc;

	if (len > OVF_DOCUMENT_MOST) {
		img_fail(err, IMG_E_RANGE, _("has %zu bytes, more than the %d that are read"), len,
			 OVF_DOCUMENT_MOST);
		return NULL;
	}
	doc = img_calloc(1, sizeof(*doc), err);
	if (!doc)
		return NULL;
	doc->handle = load(&doc->lib, err);
	if (doc->handle) {
		doc->lib.init();
		if (parse(doc, bytes, len, err))
			return doc;
	}
	ovf_document_free(doc);
	return NULL;
}

void ovf_document_free(struct ovf_document *doc)
{
	if (!doc)
		return;
	if (doc->doc)
		doc->lib.free_doc(doc->doc);
	if (doc->handle)
		img_lazy_unload(doc->handle);
	free(doc);
}

/* ---- Looking ------------------------------------------------------------------------------------- */

xmlNode *ovf_document_root(const struct ovf_document *doc)
{
	return doc->lib.root(doc->doc);
}

bool ovf_is(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && !strcmp((const char *)node->name, name);
}

static xmlNode *from(xmlNode *node, const char *name)
{
	while (node && !ovf_is(node, name))
		node = node->next;
	return node;
}

xmlNode *ovf_child(const xmlNode *node, const char *name)
{
	return node ? from(node->children, name) : NULL;
}

xmlNode *ovf_next(const xmlNode *node, const char *name)
{
	return from(node->next, name);
}

static xmlAttr *find_attribute(const xmlNode *node, const char *name)
{
	xmlAttr *at = node->properties;

	while (at && strcmp((const char *)at->name, name))
		at = at->next;
	return at;
}

const char *ovf_attribute(const xmlNode *node, const char *name)
{
	const xmlAttr *at = find_attribute(node, name);

	if (!at)
		return NULL;
	return at->children && at->children->content ? (const char *)at->children->content : "";
}

const char *ovf_text(xmlNode *node)
{
	xmlNode *text = node ? node->children : NULL;
	char *start, *end;

	while (text && text->type != XML_TEXT_NODE)
		text = text->next;
	if (!text || !text->content)
		return NULL;
	start = (char *)text->content + strspn((char *)text->content, " \t\r\n");
	end = start + strlen(start);
	while (end > start && strchr(" \t\r\n", end[-1]))
		*--end = '\0';
	return *start ? start : NULL;
}

bool ovf_number(const char *text, uint64_t *value)
{
	unsigned long long number;
	char *end;

	if (!text || !isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || *end)
		return false;
	*value = number;
	return true;
}

/* ---- Changing ------------------------------------------------------------------------------------ */

bool ovf_set_attribute(struct ovf_document *doc, xmlNode *node, const char *name, const char *value,
		       struct img_err *err)
{
	const xmlAttr *old = find_attribute(node, name);
	xmlNs *space = old ? old->ns : NULL;

	/* A new one is qualified as its neighbours are; a default namespace counts for no attribute. */
	for (const xmlAttr *at = node->properties; !old && at && !space; at = at->next)
		space = at->ns;
	return doc->lib.set_attribute(node, space, BAD_CAST name, BAD_CAST value) ||
	       img_fail(err, IMG_E_NOMEM, _("out of memory while writing XML"));
}

void ovf_drop_attribute(struct ovf_document *doc, xmlNode *node, const char *name)
{
	xmlAttr *at = find_attribute(node, name);

	if (at)
		(void)doc->lib.remove_attribute(at);	/* it is there */
}

char *ovf_document_text(struct ovf_document *doc, size_t *len, struct img_err *err)
{
	xmlChar *text = NULL;
	int n = 0;

	doc->lib.dump(doc->doc, &text, &n, "UTF-8");
	if (!text || n < 0) {
		img_fail(err, IMG_E_NOMEM, _("out of memory while writing XML"));
		return NULL;
	}
	*len = (size_t)n;
	return (char *)text;	/* its allocator is that of the C library, unless the program changes it */
}
