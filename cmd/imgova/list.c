/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is in an appliance. */
#include "common/appliance.h"
#include "common/memory.h"
#include "common/text.h"
#include "imgova/imgova.h"

static void add_text(struct img_node *to, const char *key, const char *value, const char *label)
{
	if (!value)
		return;
	img_node_text(to, key, value);
	img_node_label(to, label);
}

static void add_size(struct img_node *to, const char *key, uint64_t value, const char *label)
{
	if (value == IMG_SIZE_UNKNOWN)
		return;
	img_node_u64(to, key, value, IMG_UNIT_BYTES);
	img_node_label(to, label);
}

static void add_networks(struct img_node *to, const struct img_ovf_system *system)
{
	struct img_node *list = img_node_list(to, "networks");

	img_node_label(to, _("networks"));
	for (size_t i = 0; i < system->n_items; i++) {
		const struct img_ovf_item *item = &system->items[i];
		struct img_node *map;

		if (item->type != IMG_OVF_NETWORK)
			continue;
		map = img_node_map(list, "network");
		add_text(map, "name", item->network, _("name"));
		add_text(map, "model", item->subtype, _("model"));
	}
}

/* Of all items of that kind together. */
static uint64_t quantity_of(const struct img_ovf_system *system, unsigned type)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < system->n_items; i++)
		if (system->items[i].type == type && system->items[i].quantity != IMG_SIZE_UNKNOWN)
			sum += system->items[i].quantity;
	return sum;
}

static void add_system(struct img_node *to, const struct img_ovf_system *system)
{
	add_text(to, "id", system->id, _("id"));
	add_text(to, "name", system->name, _("name"));
	add_text(to, "os", system->os, _("guest system"));
	add_text(to, "hardware", system->hardware, _("virtual hardware"));
	add_text(to, "firmware", system->firmware, _("firmware"));
	img_node_u64(to, "cpus", quantity_of(system, IMG_OVF_CPU), IMG_UNIT_NONE);
	img_node_label(to, _("processors"));
	add_size(to, "memory", quantity_of(system, IMG_OVF_MEMORY), _("memory"));
	add_networks(to, system);
}

static void add_disk(struct img_node *to, const struct appliance_disk *disk, size_t number)
{
	img_node_u64(to, "number", number, IMG_UNIT_NONE);
	img_node_label(to, _("number"));
	add_text(to, "id", disk->told ? disk->told->id : NULL, _("id"));
	add_text(to, "file", disk->file || disk->reference ? disk->name : NULL, _("file"));
	img_node_flag(to, "present", disk->file != NULL);
	img_node_label(to, _("present"));
	if (disk->told) {
		add_size(to, "capacity", disk->told->capacity, _("capacity"));
		add_size(to, "populated", disk->told->populated, _("populated size"));
		add_text(to, "parent", disk->told->parent, _("stands on"));
		add_text(to, "format", disk->told->format, _("format"));
	}
	add_text(to, "compression", disk->reference ? disk->reference->compression : NULL, _("compression"));
	add_size(to, "size", disk->file ? disk->file->size : IMG_SIZE_UNKNOWN, _("size of the file"));
}

static void add_all(struct img_node *root, const struct appliance *a)
{
	struct img_node *list;

	add_text(root, "filename", a->path, _("file name"));
	add_text(root, "descriptor", a->descriptor.name, _("descriptor"));
	add_text(root, "manifest", a->manifest.name, _("manifest"));
	if (a->ovf) {
		img_node_u64(root, "version", a->ovf->version, IMG_UNIT_NONE);
		img_node_label(root, _("version"));
	}
	list = img_node_list(root, "systems");
	img_node_label(root, _("machines"));
	for (size_t i = 0; a->ovf && i < a->ovf->n_systems; i++)
		add_system(img_node_map(list, "system"), &a->ovf->systems[i]);
	list = img_node_list(root, "disks");
	img_node_label(root, _("disks"));
	for (size_t i = 0; i < a->n_disks; i++)
		add_disk(img_node_map(list, "disk"), &a->disks[i], i + 1);
}

bool ova_list(const struct options *opt, char *const *names, int n, int *status, struct img_err *err)
{
	struct appliance a;
	struct img_node *root;
	bool ok = source_open_appliance(&opt->source, names[0], &a, err);

	(void)n, (void)status;
	if (ok) {
		root = img_node_root("imgova");
		if (root)
			add_all(root, &a);
		ok = root ? opt->quiet || img_report_write(root, opt->style, stdout, err)
			  : out_of_memory(err);
		img_node_free(root);
	}
	appliance_close(&a);
	return ok;
}
