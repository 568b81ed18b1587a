/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Boxes of Vagrant: a tar archive of disks, of metadata that tell for which provider they are, and of a
 * Vagrantfile.  It is not compressed: its disks are.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/print.h"
#include "imgova/imgova.h"

static const char vagrantfile[] = "Vagrant.configure(\"2\") do |config|\nend\n";

static bool add_text(struct ova_making *m, const char *name, const char *text, struct img_err *err)
{
	return img_bundle_add(m->bundle, name, text, strlen(text), err);
}

/* first, others: formats for the number of a disk, from 0 on. */
static bool rename_disks(struct ova_making *m, const char *first, const char *others,
			 struct img_err *err)
{
	for (size_t i = 0; i < m->n; i++) {
		char *name;

		if (asprintf(&name, i ? others : first, i) < 0)
			return out_of_memory(err);
		free((char *)m->disks[i].href);
		m->disks[i].href = name;
	}
	return true;
}

/* In whole GiB, as the provider wants it. */
static uint64_t whole_gib(uint64_t bytes)
{
	return (bytes >> 30) + !!(bytes & ((UINT64_C(1) << 30) - 1));
}

static void put_libvirt(FILE *out, const struct ova_making *m)
{
	fprintf(out, "{\"provider\": \"libvirt\", \"format\": \"qcow2\", \"virtual_size\": %" PRIu64,
		whole_gib(m->disks[0].capacity));
	for (size_t i = 0; m->n > 1 && i < m->n; i++) {
		fputs(i ? ", {\"path\": " : ", \"disks\": [{\"path\": ", out);
		print_json_text(out, m->disks[i].href);
		fputs(", \"format\": \"qcow2\"}", out);
	}
	fputs(m->n > 1 ? "]}\n" : "}\n", out);
}

static bool add_metadata(struct ova_making *m, struct img_err *err)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool ok;

	if (!out)
		return out_of_memory(err);
	put_libvirt(out, m);
	ok = fclose(out) ? out_of_memory(err) : add_text(m, "metadata.json", text, err);
	free(text);
	return ok;
}

static bool make_libvirt(struct ova_making *m, struct img_err *err)
{
	char *options = NULL;
	bool ok;

	if (m->opt->level && asprintf(&options, "compression_level=%s", m->opt->level) < 0)
		return out_of_memory(err);
	ok = rename_disks(m, "box.img", "box_%zu.img", err) && ova_add_images(m, "qcow2", options, err) &&
	     add_metadata(m, err);
	free(options);
	return ok;
}

static bool make_virtualbox(struct ova_making *m, struct img_err *err)
{
	char *options = ova_vmdk_options(m->opt, err);
	size_t room;
	bool ok;

	m->profile = IMG_OVF_VIRTUALBOX;
	ok = options && rename_disks(m, "box-disk%zu.vmdk", "box-disk%zu.vmdk", err) &&
	     ova_reserve_descriptor(m, "box.ovf", &room, err) &&
	     ova_add_images(m, "vmdk", options, err) && ova_fill_descriptor(m, room, err) &&
	     add_text(m, "metadata.json", "{\"provider\": \"virtualbox\"}\n", err);
	free(options);
	return ok;
}

bool ova_make_box(struct ova_making *m, enum ova_box box, struct img_err *err)
{
	return (box == OVA_BOX_LIBVIRT ? make_libvirt(m, err) : make_virtualbox(m, err)) &&
	       add_text(m, "Vagrantfile", vagrantfile, err);
}
