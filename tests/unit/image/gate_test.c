/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a name inside an image means, and which names the ready-made gates let through. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "image/image.h"
#include "unit/fake/files.h"

TestSuite(gate, .init = files_enter, .fini = files_leave);

static const struct {
	const char *base, *name, *path;
} resolved[] = {
	{ "top.qcow2", "base.qcow2", "base.qcow2" },
	{ "dir/top.qcow2", "base.qcow2", "dir/base.qcow2" },
	{ "/a/b/top.qcow2", "../base.qcow2", "/a/b/../base.qcow2" },
	{ "/top.qcow2", "base.qcow2", "/base.qcow2" },
	{ "/a/top.qcow2", "/b/base.qcow2", "/b/base.qcow2" },
	{ "/a/top.qcow2", "file:base.qcow2", "/a/base.qcow2" },
	{ "/a/top.qcow2", "file:/b/base.qcow2", "/b/base.qcow2" },
	{ "/a/top.qcow2", "nbd://host/disk", "nbd://host/disk" },
	{ "/a/top.qcow2", "json:{}", "json:{}" },
	{ "/a/top.qcow2", "./x:y", "/a/./x:y" },
	{ "/a/top.qcow2", ":x", "/a/:x" },
	{ "rbd:p/top", "base", "rbd:p/base" },
	{ "rbd:p/n/top@s:conf=/etc/ceph.conf", "base.qcow2", "rbd:p/n/base.qcow2:conf=/etc/ceph.conf" },
	{ "rbd:p/top:id=x", "rbd:q/base", "rbd:q/base" },
	{ "rbd:p/top:id=x", "/a/base", "/a/base" },
};

Test(gate, resolves_against_the_folder_of_the_image)
{
	for (size_t i = 0; i < sizeof(resolved) / sizeof(resolved[0]); i++) {
		struct img_err err = { 0 };
		char *path = img_resolve(resolved[i].base, resolved[i].name, &err);

		cr_assert_str_eq(path, resolved[i].path);
		free(path);
	}
}

static bool allowed(const struct img_gate *gate, const char *name, struct img_err *err)
{
	const struct img_reference ref = { .kind = IMG_REF_BACKING, .name = name, .path = name };

	*err = (struct img_err){ 0 };
	return gate->allow(gate->ctx, &ref, err);
}

Test(gate, denies_everything_by_default)
{
	const struct img_reference ref = { .name = "base.raw", .path = "base.raw" };
	struct img_err err = { 0 };

	files_write("base.raw", "x", 1);
	cr_assert_not(allowed(&img_gate_deny, "base.raw", &err));
	cr_assert_eq(err.code, IMG_E_DENIED);
	err = (struct img_err){ 0 };
	cr_assert_null(img_open_reference(NULL, &ref, 0, IMG_CACHE_DEFAULT, &err));
	cr_assert_eq(err.code, IMG_E_DENIED);
}

Test(gate, local_lets_files_through)
{
	struct img_err err;

	files_write("base.raw", "x", 1);
	cr_assert(allowed(&img_gate_local, "base.raw", &err));
	cr_assert(allowed(&img_gate_local, "../../etc/passwd", &err));
}

Test(gate, local_leaves_a_missing_file_to_whoever_opens_it)
{
	const struct img_reference ref = { .name = "none.raw", .path = "none.raw" };
	struct img_err err = { 0 };

	cr_assert(allowed(&img_gate_local, "none.raw", &err));
	cr_assert_null(img_open_reference(&img_gate_local, &ref, 0, IMG_CACHE_DEFAULT, &err));
	cr_assert_eq(err.os_errno, ENOENT);
}

Test(gate, local_refuses_what_is_no_disk)
{
	static const char *const names[] = {
		"nbd://host/disk", "nbd:host:10809", "json:{\"driver\":\"null-co\"}",
		"https://host/disk.img", "fat:rw:.", "file:ssh://host/disk", "/dev/null", "pipe", ".",
	};
	struct img_err err;

	cr_assert_not(mkfifo("pipe", 0600));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		cr_assert_not(allowed(&img_gate_local, names[i], &err), "%s", names[i]);
		cr_assert_eq(err.code, IMG_E_DENIED, "%s: %s", names[i], err.text);
	}
}

/* The name of one beside it would choose the socket that is connected to. */
Test(gate, an_image_behind_a_server_leads_to_no_other)
{
	const struct img_reference ref = { .kind = IMG_REF_BACKING, .name = "other" };
	const char *const base = "nbd+unix:///?socket=/run/server";
	struct img_err err = { 0 };

	cr_assert_null(img_allowed_path(&img_gate_local, base, &ref, &err));
	cr_assert_eq(err.code, IMG_E_DENIED);
	err = (struct img_err){ 0 };
	cr_assert_null(img_allowed_path(&img_gate_anywhere, base, &ref, &err));
	cr_assert_eq(err.code, IMG_E_DENIED);
}

static const struct {
	const char *name;
	bool allowed;
} extents[] = {
	{ "disk-s001.vmdk", true }, { "parts/disk-s001.vmdk", true }, { "..disk", true },
	{ "a..", true }, { "./disk", true }, { "/disk", false }, { "..", false },
	{ "../disk", false }, { "parts/../../disk", false }, { "parts/..", false },
	{ "file:/disk", false }, { "file:../disk", false }, { "nbd:host", false },
};

Test(gate, anywhere_lets_extents_be_outside_but_nothing_that_is_no_disk)
{
	static const struct { const char *name, *path; bool allowed; } names[] = {
		{ "../disk", "disk", true }, { "/tmp/disk", "no-such-file", true },
		{ "/dev/null", "/dev/null", false }, { "..", "..", false },
		{ "nbd://host/disk", "disk", false },
	};

	files_write("disk", "x", 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct img_reference ref = {
			.kind = IMG_REF_EXTENT, .name = names[i].name, .path = names[i].path,
		};
		struct img_err err = { 0 };

		cr_assert_eq(img_gate_anywhere.allow(NULL, &ref, &err), names[i].allowed, "%s: %s",
			     names[i].name, err.text);
		cr_assert(names[i].allowed || err.code == IMG_E_DENIED);
	}
}

Test(gate, local_keeps_extents_in_the_folder_of_their_image)
{
	for (size_t i = 0; i < sizeof(extents) / sizeof(extents[0]); i++) {
		const struct img_reference ref = {
			.kind = IMG_REF_EXTENT, .name = extents[i].name, .path = "no-such-file",
		};
		struct img_err err = { 0 };

		cr_assert_eq(img_gate_local.allow(NULL, &ref, &err), extents[i].allowed, "%s: %s",
			     extents[i].name, err.text);
		cr_assert(extents[i].allowed || err.code == IMG_E_DENIED);
	}
}
