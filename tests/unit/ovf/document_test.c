/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is refused of XML, and how it is looked at and changed. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "ovf/document.h"

static struct ovf_document *read_text(const char *text, struct img_err *err)
{
	return ovf_document_read(text, strlen(text), err);
}

static void refuse(const char *text, enum img_code code, const char *says)
{
	struct img_err err = { 0 };

	cr_assert_null(read_text(text, &err), "%s", text);
	cr_expect_eq(err.code, code, "%d: %s", err.code, err.text);
	cr_expect(strstr(err.text, says), "%s", err.text);
}

Test(document, what_is_no_xml)
{
	refuse("", IMG_E_CORRUPT, "no XML");
	refuse("<a>", IMG_E_CORRUPT, "line 1");
	refuse("<a>\n<b></a>", IMG_E_CORRUPT, "line 2");
	refuse("<a>&unknown;</a>", IMG_E_CORRUPT, "unknown");
}

Test(document, no_entity_is_ever_defined)
{
	refuse("<!DOCTYPE a [<!ENTITY b 'bb'><!ENTITY c '&b;&b;&b;&b;'>]><a>&c;</a>",
	       IMG_E_UNSUPPORTED, "document type");
	refuse("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", IMG_E_UNSUPPORTED, "document type");
}

Test(document, depth_and_length_have_limits)
{
	enum { DEEP = 100000 };
	IMG_AUTO_FREE char *text = malloc(3 * DEEP + 1);
	struct img_err err = { 0 };

	for (size_t i = 0; i < DEEP; i++)
		memcpy(text + 3 * i, "<a>", 3);
	text[3 * DEEP] = '\0';
	refuse(text, IMG_E_CORRUPT, "no XML");
	cr_assert_null(ovf_document_read(text, (size_t)OVF_DOCUMENT_MOST + 1, &err));
	cr_assert_eq(err.code, IMG_E_RANGE);
}

Test(document, elements_attributes_and_texts)
{
	struct img_err err = { 0 };
	struct ovf_document *doc = read_text("<x:a xmlns:x='u' x:k='1 &amp; 2'><b>\n t t </b><x:b/>"
					     "<c><![CDATA[<d>]]></c></x:a>", &err);
	xmlNode *root, *b;

	cr_assert(doc, "%s", err.text);
	root = ovf_document_root(doc);
	cr_assert(ovf_is(root, "a"));
	cr_assert_str_eq(ovf_attribute(root, "k"), "1 & 2");
	cr_assert_null(ovf_attribute(root, "j"));
	b = ovf_child(root, "b");
	cr_assert_str_eq(ovf_text(b), "t t");
	cr_assert_null(ovf_text(ovf_next(b, "b")));
	cr_assert_null(ovf_next(ovf_next(b, "b"), "b"));
	cr_assert_str_eq(ovf_child_text(root, "c"), "<d>");
	cr_assert_null(ovf_child_text(ovf_child(root, "e"), "f"));
	ovf_document_free(doc);
}

Test(document, changed_attributes_stay_in_their_namespace)
{
	struct img_err err = { 0 };
	struct ovf_document *doc = read_text("<x:a xmlns:x='u' x:k='1' x:j='2'/>", &err);
	size_t len;
	char *text;

	cr_assert(ovf_set_attribute(doc, ovf_document_root(doc), "k", "<3>", &err), "%s", err.text);
	cr_assert(ovf_set_attribute(doc, ovf_document_root(doc), "new", "4", &err), "%s", err.text);
	ovf_drop_attribute(doc, ovf_document_root(doc), "j");
	ovf_drop_attribute(doc, ovf_document_root(doc), "none");
	text = ovf_document_text(doc, &len, &err);
	cr_assert_str_eq(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			       "<x:a xmlns:x=\"u\" x:k=\"&lt;3&gt;\" x:new=\"4\"/>\n");
	free(text);
	ovf_document_free(doc);
}

Test(document, numbers)
{
	uint64_t value = 7;

	cr_assert(ovf_number("18446744073709551615", &value) && value == UINT64_MAX);
	cr_assert_not(ovf_number("18446744073709551616", &value));
	cr_assert_not(ovf_number("-1", &value));
	cr_assert_not(ovf_number("1k", &value));
	cr_assert_not(ovf_number("", &value));
	cr_assert_not(ovf_number(NULL, &value));
	cr_assert_eq(value, UINT64_MAX);
}
