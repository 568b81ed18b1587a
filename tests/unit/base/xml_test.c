/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What documents look like, and what happens to texts that XML cannot hold. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/xml.h"

static void write_some(struct img_xml *xml)
{
	img_xml_start(xml, "all");
	img_xml_attribute(xml, "kind", "a<\"b\"\x01");
	img_xml_start(xml, "part");
	img_xml_leaf(xml, "text", "x & \xff y");
	img_xml_end(xml);
	img_xml_end(xml);
}

Test(xml, is_indented_and_escaped)
{
	struct img_err err = { 0 };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct img_xml *xml = img_xml_open(out, &err);

	cr_assert(xml, "%s", err.text);
	write_some(xml);
	cr_assert(img_xml_close(xml, &err), "%s", err.text);
	fclose(out);
	cr_assert_str_eq(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			       "<all kind=\"a&lt;&quot;b&quot;?\">\n <part>\n"
			       "  <text>x &amp; ? y</text>\n </part>\n</all>\n");
	free(text);
}
