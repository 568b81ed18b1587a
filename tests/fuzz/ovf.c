/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: a text of any content, read as a descriptor, as a domain of libvirt and as a manifest.
 * Of a descriptor that can be read all is looked at, and its disks are replaced.
 */
#include <stdlib.h>
#include <string.h>
#include "fuzz/fuzz.h"
#include "libimg.h"

static size_t looked_at;

static void look(const char *text)
{
	looked_at += text ? strlen(text) : 0;
}

static void look_at_system(const struct img_ovf_system *system)
{
	look(system->id);
	look(system->name);
	look(system->hardware);
	look(system->os);
	look(system->firmware);
	for (size_t i = 0; i < system->n_items; i++) {
		const struct img_ovf_item *item = &system->items[i];

		look(item->id);
		look(item->name);
		look(item->subtype);
		look(item->parent);
		look(item->address);
		look(item->network);
		look(item->disk);
		look(item->file);
	}
}

static void look_at_all(const struct img_ovf *ovf)
{
	for (size_t i = 0; i < ovf->n_files; i++) {
		look(ovf->files[i].compression);
		looked_at += img_ovf_href_is_inside(ovf->files[i].href);
	}
	for (size_t i = 0; i < ovf->n_disks; i++) {
		looked_at += img_ovf_file_of(ovf, ovf->disks[i].file) != NULL;
		look(ovf->disks[i].format);
		look(ovf->disks[i].parent);
	}
	for (size_t i = 0; i < ovf->n_systems; i++)
		look_at_system(&ovf->systems[i]);
}

/* What was made of a descriptor is one again. */
static void fill(const uint8_t *data, size_t len, size_t n_disks)
{
	struct img_ovf_image *disks = calloc(n_disks + 1, sizeof(*disks));
	struct img_ovf *again;
	size_t text_len;
	char *text;

	for (size_t i = 0; i < n_disks; i++)
		disks[i] = (struct img_ovf_image){ "disk", i, i, i };
	text = img_ovf_fill(data, len, disks, n_disks, &text_len, NULL);
	if (text) {
		again = img_ovf_read(text, text_len, NULL);
		if (!again || again->n_disks != n_disks)
			abort();
		img_ovf_free(again);
	}
	free(text);
	free(disks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct img_ovf *ovf = img_ovf_read(data, len, NULL);

	if (ovf) {
		look_at_all(ovf);
		fill(data, len, ovf->n_disks);
	}
	img_ovf_free(ovf);
	img_domain_free(img_domain_read(data, len, NULL));
	img_manifest_free(img_manifest_read(data, len, NULL));
	return 0;
}
