/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What names of images on a cluster say, and which are none. */
#include <string.h>
#include "scratch.h"
#include "store/rbd-name.h"

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

Test(rbd_name, has_parts)
{
	static const struct {
		const char *text, *pool, *space, *image, *snapshot, *id, *conf;
		size_t n_settings;
	} v[] = {
		{ "rbd:p/i", "p", NULL, "i", NULL, NULL, NULL, 0 },
		{ "rbd:p/n/i", "p", "n", "i", NULL, NULL, NULL, 0 },
		{ "rbd:p/i@s", "p", NULL, "i", "s", NULL, NULL, 0 },
		{ "rbd:p/n/i@s/t", "p", "n", "i", "s/t", NULL, NULL, 0 },
		{ "rbd:p/i:id=x:conf=/etc/c.conf", "p", NULL, "i", NULL, "x", "/etc/c.conf", 0 },
		{ "rbd:p/i@s:conf=a\\:b\\=c:mon_host=h\\:1", "p", NULL, "i", "s", NULL, "a:b=c", 1 },
		{ "rbd:p\\/q/i\\@j", "p/q", NULL, "i@j", NULL, NULL, NULL, 0 },
		{ "rbd:p/i:id=x:id=y", "p", NULL, "i", NULL, "y", NULL, 0 },
		{ "rbd:p/i:a=1:b=2:c=", "p", NULL, "i", NULL, NULL, NULL, 3 },
		{ "rbd:p/i\\", "p", NULL, "i\\", NULL, NULL, NULL, 0 },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct img_rbd_name name;

		ok(img_rbd_name_parse(v[i].text, &name, &err));
		cr_expect(same_text(name.pool, v[i].pool) && same_text(name.space, v[i].space) &&
			  same_text(name.image, v[i].image), "%s", v[i].text);
		cr_expect(same_text(name.snapshot, v[i].snapshot), "%s", v[i].text);
		cr_expect(same_text(name.id, v[i].id) && same_text(name.conf, v[i].conf), "%s",
			  v[i].text);
		cr_expect_eq(name.n_settings, v[i].n_settings, "%s", v[i].text);
		img_rbd_name_clear(&name);
	}
}

Test(rbd_name, settings_keep_their_order)
{
	struct img_rbd_name name;

	ok(img_rbd_name_parse("rbd:p/i:mon_host=[\\:\\:1]\\:77:k==", &name, &err));
	cr_assert_eq(name.n_settings, 2);
	cr_expect_str_eq(name.settings[0].name, "mon_host");
	cr_expect_str_eq(name.settings[0].value, "[::1]:77");
	cr_expect_str_eq(name.settings[1].value, "=");
	img_rbd_name_clear(&name);
}

Test(rbd_name, leads_to_what_lies_beside)
{
	static const struct {
		const char *text, *image, *beside, *longer;
	} v[] = {
		{ "rbd:p/i", "i", "rbd:p/b", "rbd:p/i.x" },
		{ "rbd:p/n/i", "i", "rbd:p/n/b", "rbd:p/n/i.x" },
		{ "rbd:p/n/i@s/t", "i", "rbd:p/n/b", "rbd:p/n/i.x" },
		{ "rbd:p/i@s:conf=/a/c@d.conf:id=y", "i", "rbd:p/b:conf=/a/c@d.conf:id=y",
		  "rbd:p/i.x:conf=/a/c@d.conf:id=y" },
		{ "rbd:p\\/q/i\\@\\:j:id=y", "i\\@\\:j", "rbd:p\\/q/b:id=y", "rbd:p\\/q/i\\@\\:j.x:id=y" },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		size_t len;
		const char *image = img_rbd_name_find(v[i].text, &len);
		char *beside = img_rbd_name_beside(v[i].text, "b", &err);
		char *longer = img_rbd_name_append(v[i].text, ".x", &err);

		cr_expect(len == strlen(v[i].image) && !memcmp(image, v[i].image, len), "%s", v[i].text);
		cr_expect_str_eq(beside, v[i].beside);
		cr_expect_str_eq(longer, v[i].longer);
		free(beside);
		free(longer);
	}
}

Test(rbd_name, keeps_its_meaning_whatever_is_in_it)
{
	char *text = img_rbd_name_beside("rbd:p/i:id=x", "a/b@c:d\\e", &err);
	struct img_rbd_name name;

	ok(img_rbd_name_parse(text, &name, &err));
	cr_expect_str_eq(name.image, "a/b@c:d\\e");
	cr_expect(!name.space && !name.snapshot);
	cr_expect_str_eq(name.id, "x");
	img_rbd_name_clear(&name);
	free(text);
}

Test(rbd_name, is_refused)
{
	static const char *const v[] = {
		"rbd:", "rbd:p", "rbd:p/", "rbd:/i", "rbd:p/i@", "rbd:p/n/", "rbd:p/i:", "rbd:p/i:x",
		"rbd:p/i:id=a:x", "rbd:p:id=a",
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct img_rbd_name name;

		fails(img_rbd_name_parse(v[i], &name, &err), IMG_E_ARGUMENT);
		img_rbd_name_clear(&name);
	}
}

Test(rbd_name, who_we_are_stands_among_arguments)
{
	static const struct {
		const char *args, *id;
	} v[] = {
		{ "", NULL }, { "--id x", "x" }, { " --id=x ", "x" }, { "-n client.y", "y" },
		{ "--name=client.y --conf z", "y" }, { "--id a --id b", "b" },
		{ "-n osd.1", NULL }, { "--idle x", NULL }, { "-c /x --user u", "u" },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		char *id = img_rbd_id_of_args(v[i].args, &err);

		cr_expect(same_text(id, v[i].id), "%s: %s", v[i].args, id);
		free(id);
	}
}

Test(rbd_name, so_does_where_the_configuration_is)
{
	static const struct {
		const char *args, *conf;
	} v[] = {
		{ "--id x", NULL }, { "-c /x --user u", "/x" }, { "--conf=/y", "/y" },
		{ "-c /x --conf  /z", "/z" }, { "-c /x --conf=", "" }, { "--confess x", NULL },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		char *conf = img_rbd_conf_of_args(v[i].args, &err);

		cr_expect(same_text(conf, v[i].conf), "%s: %s", v[i].args, conf);
		free(conf);
	}
}
