/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images that know the one below by an id: where it is looked for, and what is not taken for it. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "format/vdi/vdi.h"
#include "unit/fake/files.h"

TestSuite(below, .init = files_enter, .fini = files_leave);

/* An empty VDI with that UUID; parent 0: it stands on nothing. */
static void write_vdi(const char *path, uint8_t id, uint8_t parent)
{
	const struct vdi_header hdr = {
		.major = 1, .minor = 1, .type = parent ? VDI_TYPE_DIFFERENCING : VDI_TYPE_DYNAMIC,
		.map_off = 512, .data_off = 512, .block_size = 4096, .uuid = { { id } },
		.modified = { { id, id } }, .parent = { { parent } },
		.parent_modified = { { parent, parent } },
	};
	uint8_t raw[VDI_DECODE_LEN];

	vdi_header_encode(&hdr, raw);
	files_write(path, raw, sizeof(raw));
}

static struct img *open_with(const char *path, unsigned flags, const struct img_gate *gate,
			     struct img_err *err)
{
	const struct img_open how = { .path = path, .flags = flags, .gate = gate };

	*err = (struct img_err){ 0 };
	return img_open(&how, err);
}

static void check_stands_on(const char *path, const char *below)
{
	struct img_err err;
	struct img *im = open_with(path, 0, &img_gate_local, &err);

	cr_assert(im, "%s", err.text);
	cr_assert_eq(img_depth(im), 2);
	cr_assert_str_eq(img_layer_name(im, 1), below);
	img_close(im);
}

static void check_fails(const char *path, enum img_code code, const char *text)
{
	struct img_err err;

	cr_assert_null(open_with(path, 0, &img_gate_local, &err));
	cr_assert_eq(err.code, code, "%s", err.text);
	cr_assert(strstr(err.text, text), "%s", err.text);
}

Test(below, is_found_beside_the_image)
{
	write_vdi("child.vdi", 2, 1);
	write_vdi("other.vdi", 3, 0);
	write_vdi("parent.VDI", 1, 0);
	check_stands_on("child.vdi", "parent.VDI");
	cr_assert_not(mkdir("folder", 0700) || rename("parent.VDI", "folder/parent.vdi") ||
		      rename("child.vdi", "folder/child.vdi"));
	check_stands_on("folder/child.vdi", "folder/parent.vdi");
	check_stands_on("./folder/child.vdi", "./folder/parent.vdi");
}

Test(below, is_found_above_a_folder_of_snapshots)
{
	cr_assert_not(mkdir("Snapshots", 0700) || mkdir("other", 0700));
	write_vdi("parent.vdi", 1, 0);
	write_vdi("Snapshots/child.vdi", 2, 1);
	write_vdi("other/child.vdi", 2, 1);
	check_stands_on("Snapshots/child.vdi", "Snapshots/../parent.vdi");
	check_fails("other/child.vdi", IMG_E_ARGUMENT, "{00000001-0000-");
	cr_assert_not(chdir("Snapshots"));
	check_stands_on("child.vdi", "../parent.vdi");
	cr_assert_not(chdir(".."));
}

Test(below, files_with_another_extension_are_not_looked_at)
{
	write_vdi("child.vdi", 2, 1);
	write_vdi("parent.img", 1, 0);
	check_fails("child.vdi", IMG_E_ARGUMENT, "not among the files");
}

Test(below, a_copy_makes_it_ambiguous)
{
	write_vdi("child.vdi", 2, 1);
	write_vdi("parent.vdi", 1, 0);
	write_vdi("parent copy.vdi", 1, 0);
	check_fails("child.vdi", IMG_E_ARGUMENT, "parent copy.vdi");
}

Test(below, one_that_was_changed_since_is_refused)
{
	write_vdi("child.vdi", 2, 1);
	write_vdi("parent.vdi", 1, 0);
	uint8_t *raw;
	size_t len;

	raw = files_read("parent.vdi", &len);
	raw[VDI_HDR_MODIFIED] ^= 1;
	files_write("parent.vdi", raw, len);
	free(raw);
	check_fails("child.vdi", IMG_E_CORRUPT, "parent.vdi");
	/* The copy that was put aside is still what it was. */
	write_vdi("saved.vdi", 1, 0);
	check_stands_on("child.vdi", "saved.vdi");
}

Test(below, loops_end)
{
	write_vdi("a.vdi", 1, 2);
	write_vdi("b.vdi", 2, 1);
	check_fails("a.vdi", IMG_E_CORRUPT, "loop");
	write_vdi("self.vdi", 3, 3);
	check_fails("self.vdi", IMG_E_CORRUPT, "loop");
}

Test(below, nothing_is_opened_without_the_gate)
{
	struct img_err err;
	struct img *im;

	write_vdi("child.vdi", 2, 1);
	write_vdi("parent.vdi", 1, 0);
	cr_assert_null(open_with("child.vdi", 0, NULL, &err));
	cr_assert_eq(err.code, IMG_E_DENIED, "%s", err.text);
	cr_assert(im = open_with("child.vdi", IMG_OPEN_NO_BACKING, NULL, &err), "%s", err.text);
	cr_assert_eq(img_depth(im), 1);
	img_close(im);
}
