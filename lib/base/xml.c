/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* XML, streamed through libxml2's text writer, which is loaded when some is to be written. */
#include "base/xml.h"

#include <string.h>
#include <libxml/parser.h>
#include <libxml/xmlwriter.h>
#include "base/lazy.h"
#include "base/mem.h"
#include "base/utf8.h"

/* What is used of libxml2. */
struct library {
	__typeof__(xmlInitParser) *init;
	__typeof__(xmlOutputBufferCreateIO) *new_output;
	__typeof__(xmlOutputBufferClose) *close_output;
	__typeof__(xmlNewTextWriter) *new_writer;
	__typeof__(xmlFreeTextWriter) *free_writer;
	__typeof__(xmlTextWriterSetIndent) *set_indent;
	__typeof__(xmlTextWriterStartDocument) *start_document;
	__typeof__(xmlTextWriterEndDocument) *end_document;
	__typeof__(xmlTextWriterStartElement) *start_element;
	__typeof__(xmlTextWriterEndElement) *end_element;
	__typeof__(xmlTextWriterWriteElement) *write_element;
	__typeof__(xmlTextWriterWriteAttribute) *write_attribute;
};

struct img_xml {
	struct library lib;
	void *handle;
	xmlTextWriter *writer;
	bool failed;
};

static void *load(struct library *lib, struct img_err *err)
{
	const struct img_lazy_symbol symbols[] = {
		{"xmlInitParser", &lib->init},
		{"xmlOutputBufferCreateIO", &lib->new_output},
		{"xmlOutputBufferClose", &lib->close_output},
		{"xmlNewTextWriter", &lib->new_writer},
		{"xmlFreeTextWriter", &lib->free_writer},
		{"xmlTextWriterSetIndent", &lib->set_indent},
		{"xmlTextWriterStartDocument", &lib->start_document},
		{"xmlTextWriterEndDocument", &lib->end_document},
		{"xmlTextWriterStartElement", &lib->start_element},
		{"xmlTextWriterEndElement", &lib->end_element},
		{"xmlTextWriterWriteElement", &lib->write_element},
		{"xmlTextWriterWriteAttribute", &lib->write_attribute},
		{NULL, NULL},
	};

	return img_lazy_load(LIBXML2_SONAME, symbols, err);
}

/* XML has no way to hold these, not even escaped. */
static bool is_unspeakable(uint32_t code)
{
	return (code < 0x20 && code != '\t' && code != '\n' && code != '\r') ||
	       code == 0xfffe || code == 0xffff;
}

static void replace_unspeakable(char *text)
{
	uint32_t code;

	for (size_t len; *text; text += len) {
		len = img_utf8_next(text, &code);
		if (is_unspeakable(code) || (code == IMG_UTF8_INVALID && len == 1))
			memset(text, '?', len);
	}
}

/* Never fails: libxml2 would print the error.  out remembers it for whoever owns it. */
static int put_bytes(void *out, const char *bytes, int len)
{
	(void)fwrite(bytes, 1, (size_t)len, out);
	return len;
}

static xmlTextWriter *open_writer(const struct library *lib, FILE *out)
{
	xmlOutputBuffer *buffer = lib->new_output(put_bytes, NULL, out, NULL);
	xmlTextWriter *writer = buffer ? lib->new_writer(buffer) : NULL;

	if (buffer && !writer)
		(void)lib->close_output(buffer);
	return writer;
}

struct img_xml *img_xml_open(FILE *out, struct img_err *err)
{
	struct img_xml *xml = img_calloc(1, sizeof(*xml), err);

	if (!xml)
		return NULL;
	xml->handle = load(&xml->lib, err);
	if (!xml->handle) {
		free(xml);
		return NULL;
	}
	xml->lib.init();
	xml->writer = open_writer(&xml->lib, out);
	xml->failed = !xml->writer || xml->lib.set_indent(xml->writer, 1) < 0 ||
		      xml->lib.start_document(xml->writer, NULL, "UTF-8", NULL) < 0;
	return xml;
}

void img_xml_start(struct img_xml *xml, const char *name)
{
	xml->failed = xml->failed || xml->lib.start_element(xml->writer, BAD_CAST name) < 0;
}

void img_xml_end(struct img_xml *xml)
{
	xml->failed = xml->failed || xml->lib.end_element(xml->writer) < 0;
}

/* Both ways to write a name with a value. */
static void put_value(struct img_xml *xml, __typeof__(xmlTextWriterWriteElement) *put,
		      const char *name, const char *value)
{
	IMG_AUTO_FREE char *text = xml->failed ? NULL : img_strdup(value, NULL);

	xml->failed = !text;
	if (!text)
		return;
	replace_unspeakable(text);
	xml->failed = put(xml->writer, BAD_CAST name, BAD_CAST text) < 0;
}

void img_xml_attribute(struct img_xml *xml, const char *name, const char *value)
{
	put_value(xml, xml->lib.write_attribute, name, value);
}

void img_xml_leaf(struct img_xml *xml, const char *name, const char *value)
{
	put_value(xml, xml->lib.write_element, name, value);
}

bool img_xml_close(struct img_xml *xml, struct img_err *err)
{
	const bool ok = !xml->failed && xml->lib.end_document(xml->writer) >= 0;

	if (xml->writer)
		xml->lib.free_writer(xml->writer);
	img_lazy_unload(xml->handle);
	free(xml);
	return ok || img_fail(err, IMG_E_NOMEM, _("out of memory while writing XML"));
}
