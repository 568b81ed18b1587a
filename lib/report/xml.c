/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* XML, streamed through libxml2's text writer, which is loaded when a report in XML is wanted. */
#include <inttypes.h>
#include <string.h>
#include <libxml/parser.h>
#include <libxml/xmlwriter.h>
#include "base/lazy.h"
#include "base/mem.h"
#include "report/report.h"
#include "report/utf8.h"

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
};

static void *load(struct library *xml, struct img_err *err)
{
	const struct img_lazy_symbol symbols[] = {
		{"xmlInitParser", &xml->init},
		{"xmlOutputBufferCreateIO", &xml->new_output},
		{"xmlOutputBufferClose", &xml->close_output},
		{"xmlNewTextWriter", &xml->new_writer},
		{"xmlFreeTextWriter", &xml->free_writer},
		{"xmlTextWriterSetIndent", &xml->set_indent},
		{"xmlTextWriterStartDocument", &xml->start_document},
		{"xmlTextWriterEndDocument", &xml->end_document},
		{"xmlTextWriterStartElement", &xml->start_element},
		{"xmlTextWriterEndElement", &xml->end_element},
		{"xmlTextWriterWriteElement", &xml->write_element},
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
		if (is_unspeakable(code))
			memset(text, '?', len);
	}
}

static bool put_text(const struct library *xml, xmlTextWriter *writer, const struct img_node *leaf)
{
	IMG_AUTO_FREE char *text = img_strdup(leaf->value.text, NULL);

	if (!text)
		return false;
	replace_unspeakable(text);
	return xml->write_element(writer, BAD_CAST leaf->key, BAD_CAST text) >= 0;
}

static bool put_leaf(const struct library *xml, xmlTextWriter *writer, const struct img_node *leaf)
{
	char text[IMG_NUMBER_TEXT] = "";

	switch (leaf->type) {
	case IMG_NODE_U64:
		(void)snprintf(text, sizeof(text), "%" PRIu64, leaf->value.number);
		break;
	case IMG_NODE_REAL:
		img_real_text(leaf->value.real, text);
		break;
	case IMG_NODE_FLAG:
		strcpy(text, leaf->value.flag ? "true" : "false");
		break;
	default:
		return put_text(xml, writer, leaf);
	}
	return xml->write_element(writer, BAD_CAST leaf->key, BAD_CAST text) >= 0;
}

static bool put_branch(const struct library *xml, xmlTextWriter *writer,
		       const struct img_node *branch)
{
	if (xml->start_element(writer, BAD_CAST branch->key) < 0)
		return false;
	for (const struct img_node *child = branch->value.first; child; child = child->next) {
		if (!(img_node_is_branch(child) ? put_branch(xml, writer, child)
						: put_leaf(xml, writer, child)))
			return false;
	}
	return xml->end_element(writer) >= 0;
}

/* Never fails: libxml2 would print the error.  out remembers it for img_report_write(). */
static int put_bytes(void *out, const char *bytes, int len)
{
	(void)fwrite(bytes, 1, (size_t)len, out);
	return len;
}

static xmlTextWriter *open_writer(const struct library *xml, FILE *out)
{
	xmlOutputBuffer *buffer = xml->new_output(put_bytes, NULL, out, NULL);
	xmlTextWriter *writer = buffer ? xml->new_writer(buffer) : NULL;

	if (buffer && !writer)
		(void)xml->close_output(buffer);
	return writer;
}

static bool put_document(const struct library *xml, const struct img_node *root, FILE *out)
{
	xmlTextWriter *writer;
	bool ok;

	xml->init();
	writer = open_writer(xml, out);
	if (!writer)
		return false;
	ok = xml->set_indent(writer, 1) >= 0 &&
	     xml->start_document(writer, NULL, "UTF-8", NULL) >= 0 &&
	     put_branch(xml, writer, root) &&
	     xml->end_document(writer) >= 0;
	xml->free_writer(writer);
	return ok;
}

bool img_report_xml(const struct img_node *root, FILE *out, struct img_err *err)
{
	struct library xml;
	void *handle = load(&xml, err);
	bool ok;

	if (!handle)
		return false;
	ok = put_document(&xml, root, out);
	img_lazy_unload(handle);
	return ok || img_fail(err, IMG_E_NOMEM, _("out of memory while writing XML"));
}
