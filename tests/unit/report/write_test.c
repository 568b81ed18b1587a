/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The three styles of one report, to the byte, and what cannot be written. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tree.h"

static void expect(const struct img_node *root, enum img_style style, const char *expected)
{
	char *text = text_of(root, style);

	cr_expect_str_eq(text, expected, "got:\n%s", text);
	free(text);
}

static void expect_sample(enum img_style style, const char *expected)
{
	struct img_node *root = sample_tree();

	expect(root, style, expected);
	img_node_free(root);
}

Test(report, human)
{
	expect_sample(IMG_STYLE_HUMAN,
		"file name: a <b> & \"c\"\xef\xbf\xbd\n"
		"size:      64 KiB (65536 bytes)\n"
		"times:\n"
		"    wall:  1.5 s\n"
		"    limit: 18446744073709551615 s\n"
		"dirty:     no\n"
		"pieces:\n"
		"    start  kind  lost\n"
		"        0  data  -\n"
		"    65536  zero  yes\n"
		"layers:\n"
		"    size: 512 bytes\n"
		"\n"
		"    size: 1 KiB (1024 bytes)\n"
		"bitmaps: none\n");
}

Test(report, json)
{
	expect_sample(IMG_STYLE_JSON,
		"{\n"
		"  \"file-name\": \"a <b> & \\\"c\\\"\xef\xbf\xbd\",\n"
		"  \"virtual-size\": 65536,\n"
		"  \"times\": {\n"
		"    \"wall\": 1.5,\n"
		"    \"limit\": 18446744073709551615\n"
		"  },\n"
		"  \"dirty\": false,\n"
		"  \"extents\": [\n"
		"    { \"start\": 0, \"kind\": \"data\" },\n"
		"    { \"start\": 65536, \"kind\": \"zero\", \"lost\": true }\n"
		"  ],\n"
		"  \"layers\": [\n"
		"    { \"size\": 512 },\n"
		"    { \"size\": 1024 }\n"
		"  ],\n"
		"  \"bitmaps\": []\n"
		"}\n");
}

Test(report, xml)
{
	expect_sample(IMG_STYLE_XML,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<sample>\n"
		" <file-name>a &lt;b&gt; &amp; &quot;c&quot;\xef\xbf\xbd</file-name>\n"
		" <virtual-size>65536</virtual-size>\n"
		" <times>\n"
		"  <wall>1.5</wall>\n"
		"  <limit>18446744073709551615</limit>\n"
		" </times>\n"
		" <dirty>false</dirty>\n"
		" <extents>\n"
		"  <extent>\n"
		"   <start>0</start>\n"
		"   <kind>data</kind>\n"
		"  </extent>\n"
		"  <extent>\n"
		"   <start>65536</start>\n"
		"   <kind>zero</kind>\n"
		"   <lost>true</lost>\n"
		"  </extent>\n"
		" </extents>\n"
		" <layers>\n"
		"  <layer>\n"
		"   <size>512</size>\n"
		"  </layer>\n"
		"  <layer>\n"
		"   <size>1024</size>\n"
		"  </layer>\n"
		" </layers>\n"
		" <bitmaps/>\n"
		"</sample>\n");
}

/* Escape sequences from a file's name reach no terminal, and make no invalid XML. */
Test(report, control_characters)
{
	struct img_node *root = img_node_root("names");

	img_node_text(root, "name", "\x1b[2J\n\xc2\x9b\xef\xbf\xbf");
	expect(root, IMG_STYLE_HUMAN, "name: ?[2J??\xef\xbf\xbf\n");
	expect(root, IMG_STYLE_JSON, "{\n  \"name\": \"\\u001b[2J\\n\xc2\x9b\xef\xbf\xbf\"\n}\n");
	expect(root, IMG_STYLE_XML, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<names>\n <name>?[2J\n\xc2\x9b?\?\?</name>\n</names>\n");
	img_node_free(root);
}

Test(report, wide_labels_line_up)
{
	struct img_node *root = img_node_root("wide");

	img_node_u64(root, "size", 1, IMG_UNIT_NONE);
	img_node_label(root, "\xe5\xa4\xa7\xe5\xb0\x8f");	/* four columns, six bytes */
	img_node_u64(root, "n", 2, IMG_UNIT_NONE);
	expect(root, IMG_STYLE_HUMAN, "\xe5\xa4\xa7\xe5\xb0\x8f: 1\nn:    2\n");
	img_node_free(root);
}

/* More kinds of cells than a table has room for. */
Test(report, broad_lists_are_blocks)
{
	struct img_node *root = img_node_root("broad");
	struct img_node *map = img_node_map(img_node_list(root, "list"), "item");
	char key[2] = "a", *text;

	for (; key[0] <= 'q'; key[0]++)
		img_node_u64(map, key, 1, IMG_UNIT_NONE);
	text = text_of(root, IMG_STYLE_HUMAN);
	cr_expect(strncmp(text, "list:\n    a: 1\n    b: 1\n", 23) == 0, "got:\n%s", text);
	free(text);
	img_node_free(root);
}

Test(report, lists_of_leaves_and_lists)
{
	struct img_node *root = img_node_root("r");
	struct img_node *list = img_node_list(root, "list");

	img_node_text(list, "item", "one");
	img_node_text(img_node_list(list, "sub"), "item", "two");
	expect(root, IMG_STYLE_HUMAN, "list:\n    one\n        two\n");
	expect(root, IMG_STYLE_JSON,
	       "{\n  \"list\": [\n    \"one\",\n    [\n      \"two\"\n    ]\n  ]\n}\n");
	img_node_free(root);
}

Test(report, full_disk_is_an_error)
{
	struct img_node *root = sample_tree();

	for (enum img_style style = IMG_STYLE_HUMAN; style <= IMG_STYLE_XML; style++) {
		struct img_err err = {0};
		FILE *out = fopen("/dev/full", "w");

		cr_assert_not_null(out);
		cr_expect_not(img_report_write(root, style, out, &err));
		cr_expect_eq(err.code, IMG_E_NOSPACE, "style %d: %s", (int)style, err.text);
		fclose(out);
	}
	img_node_free(root);
}

Test(report, nothing_collected_is_no_memory)
{
	struct img_err err = {0};

	cr_assert_not(img_report_write(NULL, IMG_STYLE_HUMAN, stdout, &err));
	cr_assert_eq(err.code, IMG_E_NOMEM);
}

/* What the file holds, or "" when there is none. */
static const char *content(const char *path)
{
	static char text[4096];
	FILE *in = fopen(path, "r");
	const size_t len = in ? fread(text, 1, sizeof(text) - 1, in) : 0;

	text[len] = '\0';
	if (in)
		fclose(in);
	return text;
}

Test(report, is_saved_as_a_whole)
{
	char dir[] = "/var/tmp/imgtools-test-XXXXXX";
	struct img_node *root = img_node_root("r");
	struct img_err err = {0};

	img_node_text(root, "a", "b");
	cr_assert(mkdtemp(dir) && !chdir(dir));
	cr_assert(img_report_save(root, IMG_STYLE_JSON, "first", &err), "%s", err.text);
	cr_assert(!link("first", "twin"));
	img_node_text(root, "c", "d");
	cr_assert(img_report_save(root, IMG_STYLE_JSON, "first", &err), "%s", err.text);
	cr_expect_str_eq(content("twin"), "{\n  \"a\": \"b\"\n}\n", "what was replaced was written to");
	cr_expect_str_eq(content("first"), "{\n  \"a\": \"b\",\n  \"c\": \"d\"\n}\n");
	cr_expect_not(img_report_save(NULL, IMG_STYLE_JSON, "first", &err));
	cr_expect_str_eq(content("first"), "{\n  \"a\": \"b\",\n  \"c\": \"d\"\n}\n");
	cr_expect_not(img_report_save(root, IMG_STYLE_JSON, "none/first", &err));
	cr_expect_not(img_report_save(root, IMG_STYLE_JSON, "/dev/full", &err));
	cr_assert(!remove("first") && !remove("twin") && !chdir("/") && !rmdir(dir));
	img_node_free(root);
}
