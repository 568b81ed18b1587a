/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drivers are found by name, by file name and by content; whatever the list holds. */
#include <criterion/criterion.h>
#include "format/format.h"

Test(registry, each_driver_is_whole)
{
	cr_assert_gt(img_format_count(), 0);
	for (size_t i = 0; i < img_format_count(); i++) {
		const struct img_format *f = img_format_at(i);

		cr_expect_eq(img_format_named(img_format_name(f)), f);
		cr_expect(f->probe && f->open && f->close && f->extent && f->info,
			  "%s", f->name);
		cr_expect_eq(!!(img_format_caps(f) & IMG_FMT_CREATE), f->create != NULL);
		cr_expect_eq(!!(img_format_caps(f) & IMG_FMT_RESIZE), f->resize != NULL);
		cr_expect_eq(f->create != NULL, f->write != NULL);
	}
	cr_expect_null(img_format_at(img_format_count()));
}

/* The fallbacks of a table are values that the table itself takes. */
Test(registry, options_agree_with_themselves)
{
	for (size_t i = 0; i < img_format_count(); i++) {
		const struct img_format *f = img_format_at(i);
		struct img_err err = {0};
		struct img_settings *set = img_settings_parse(img_format_options(f), NULL, &err);

		cr_expect_not_null(set, "%s: %s", f->name, err.text);
		for (const struct img_option *o = f->create_options; o && o->name; o++) {
			cr_expect(o->help && *o->help, "%s: %s", f->name, o->name);
			cr_expect_eq(o->type == IMG_OPT_CHOICE, o->choices != NULL, "%s: %s",
				     f->name, o->name);
		}
		img_settings_free(set);
	}
}

Test(registry, by_name)
{
	cr_expect_eq(img_format_named("raw"), &img_format_raw);
	cr_expect_eq(img_format_named("qcow2"), &img_format_qcow2);
	cr_expect_null(img_format_named("qcow9"));
	cr_expect_null(img_format_named(""));
}

Test(registry, by_file_name)
{
	static const struct { const char *path; const struct img_format *format; } table[] = {
		{"disk.qcow2", &img_format_qcow2},
		{"/a.b/DISK.QCOW2", &img_format_qcow2},
		{"disk.raw", &img_format_raw},
		{"disk.tar.raw", &img_format_raw},
		{"disk", NULL}, {"disk.", NULL}, {"", NULL}, {"disk.qcow2x", NULL},
		{"rbd:p/disk.qcow2@snap:conf=/etc/ceph.conf", &img_format_qcow2},
		{"rbd:p/disk:conf=/etc/disk.raw", NULL}, {"rbd:p.raw/disk", NULL},
		{"a.qcow2/disk", NULL}, {"qcow2", NULL}, {"disk.qcow2/", NULL},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		cr_expect_eq(img_format_for_file(table[i].path), table[i].format, "%s",
			     table[i].path);
}

Test(registry, probing)
{
	static const uint8_t zeros[512];
	static const uint8_t qcow2[512] = {'Q', 'F', 'I', 0xfb, 0, 0, 0, 3};
	const struct img_format *format = NULL;
	struct img_peek peek = {.head = zeros, .head_len = sizeof(zeros), .size = sizeof(zeros)};

	(void)img_probe(&peek, &format);
	cr_expect_eq(format, &img_format_raw);
	peek.head = qcow2;
	cr_expect_gt(img_probe(&peek, &format), 0);
	cr_expect_eq(format, &img_format_qcow2);
	peek = (struct img_peek){.head = zeros, .head_len = 0};
	(void)img_probe(&peek, &format);
	cr_expect_eq(format, &img_format_raw);
}
