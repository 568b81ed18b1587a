/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"

Test(uri, servers_are_told_from_files)
{
	static const struct {
		const char *path;
		bool is;
	} v[] = {
		{ "nbd://host", true }, { "nbds://host:10809/name", true },
		{ "nbd+unix:///?socket=s", true }, { "nbds+unix:///?socket=s", true },
		{ "nbd+vsock://2", true }, { "nbd", false }, { "nbd:", false }, { "nbd:/x", false },
		{ "nbds", false }, { "nbdss://host", false }, { "nbd+ssh://host", false },
		{ "./nbd://host", false }, { "NBD://host", false }, { "http://host", false },
		{ "rbd:pool/image", true }, { "rbd:", true }, { "rbd", false }, { "./rbd:p/i", false },
		{ "", false }, { "-", false },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		cr_assert_eq(img_path_is_uri(v[i].path), v[i].is, "%s", v[i].path);
}

Test(uri, the_name_stands_in_front_of_what_is_wrong)
{
	static const char uri[] = "nbd+unix:///?socket=/nowhere";

	err = (struct img_err){ 0 };
	cr_assert(!img_store_uri(uri, 0, IMG_CACHE_DEFAULT, &err));
	cr_assert(!strncmp(err.text, uri, strlen(uri)) && !strncmp(err.text + strlen(uri), ": ", 2),
		  "%s", err.text);
}
