/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The virtual systems of a descriptor, and their hardware. */
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "ovf/ovf.h"

/* More than these no appliance has; and collections in collections go no deeper. */
enum { MOST_SYSTEMS = 1024, MOST_ITEMS = 4096, DEEPEST = 8 };

/* Behind "ovf:/disk/" and what else is seen: "/disk/", "ovf://disk/". */
static const char *behind(const char *host, const char *kind)
{
	if (!host)
		return NULL;
	if (!strncmp(host, "ovf:", 4))
		host += 4;
	while (*host == '/')
		host++;
	if (strncmp(host, kind, strlen(kind)) || host[strlen(kind)] != '/')
		return NULL;
	return host + strlen(kind) + 1;
}

/* Memory is counted in units, all else one by one. */
static bool read_quantity(xmlNode *node, struct img_ovf_item *item, struct img_err *err)
{
	const char *text = ovf_child_text(node, "VirtualQuantity");
	const char *units = ovf_child_text(node, "AllocationUnits");
	uint64_t unit = 1;

	item->quantity = IMG_SIZE_UNKNOWN;
	if (!text || (item->type != IMG_OVF_CPU && item->type != IMG_OVF_MEMORY))
		return true;
	if (!ovf_number(text, &item->quantity))
		return img_fail(err, IMG_E_CORRUPT, _("line %u of the OVF: %s=\"%s\" is no number"),
				(unsigned)node->line, "VirtualQuantity", text);
	if (item->type != IMG_OVF_MEMORY)
		return true;
	if (!ovf_units(units, &unit))
		return img_fail(err, IMG_E_CORRUPT, _("line %u of the OVF: \"%s\" is no unit of sizes"),
				(unsigned)node->line, units);
	return img_mul_u64(item->quantity, unit, &item->quantity) ||
	       img_fail(err, IMG_E_RANGE, _("line %u of the OVF: a capacity of %s times \"%s\""),
			(unsigned)node->line, text, units);
}

static bool read_item(xmlNode *node, struct img_ovf_item *item, struct img_err *err)
{
	const char *host = ovf_child_text(node, "HostResource");
	const char *type = ovf_child_text(node, "ResourceType");
	uint64_t number;

	if (!ovf_number(type, &number) || number > UINT16_MAX)
		return img_fail(err, IMG_E_CORRUPT,
				_("line %u of the OVF: an item without a resource type"),
				(unsigned)node->line);
	*item = (struct img_ovf_item){
		.type = (unsigned)number, .id = ovf_child_text(node, "InstanceID"),
		.name = ovf_child_text(node, "ElementName"),
		.subtype = ovf_child_text(node, "ResourceSubType"),
		.parent = ovf_child_text(node, "Parent"),
		.address = ovf_child_text(node, "AddressOnParent"),
		.network = ovf_child_text(node, "Connection"),
		.disk = behind(host, "disk"), .file = behind(host, "file"),
	};
	return read_quantity(node, item, err);
}

/* Version 2 has elements of their own for what is stored and what is plugged in. */
static bool is_item(const xmlNode *node)
{
	return ovf_is(node, "Item") || ovf_is(node, "StorageItem") || ovf_is(node, "EthernetPortItem");
}

static bool read_items(const xmlNode *hardware, struct img_ovf_system *system, struct img_err *err)
{
	struct img_ovf_item *v = NULL;
	size_t cap = 0;

	for (xmlNode *node = hardware->children; node; node = node->next) {
		if (!is_item(node))
			continue;
		v = ovf_room((void *)system->items, system->n_items, MOST_ITEMS, &cap, sizeof(*v),
			     "Item", err);
		if (!v)
			return false;
		system->items = v;
		if (!read_item(node, &v[system->n_items], err))
			return false;
		system->n_items++;
	}
	return true;
}

static const char *firmware_of(const xmlNode *hardware)
{
	for (xmlNode *node = ovf_child(hardware, "Config"); node; node = ovf_next(node, "Config")) {
		const char *key = ovf_attribute(node, "key");

		if (key && !strcmp(key, "firmware"))
			return ovf_attribute(node, "value");
	}
	return NULL;
}

static bool read_system(xmlNode *node, struct img_ovf_system *system, struct img_err *err)
{
	const xmlNode *hardware = ovf_child(node, "VirtualHardwareSection");
	const xmlNode *os = ovf_child(node, "OperatingSystemSection");

	*system = (struct img_ovf_system){
		.id = ovf_attribute(node, "id"), .name = ovf_child_text(node, "Name"),
		.os = ovf_child_text(os, "Description"),
		.hardware = ovf_child_text(ovf_child(hardware, "System"), "VirtualSystemType"),
	};
	if (os && !system->os)
		system->os = ovf_attribute(os, "osType");
	if (!hardware)
		return true;
	system->firmware = firmware_of(hardware);
	return read_items(hardware, system, err);
}

static bool add_system(xmlNode *node, struct ovf_reading *to, struct img_err *err)
{
	struct img_ovf_system *v = ovf_room(to->systems, to->shown.n_systems, MOST_SYSTEMS,
					    &to->cap_systems, sizeof(*v), "VirtualSystem", err);

	if (!v)
		return false;
	to->systems = v;
	to->shown.systems = v;
	/* Counted first: what was read of it on failure is freed with the others. */
	return read_system(node, &v[to->shown.n_systems++], err);
}

static bool read_level(const xmlNode *parent, unsigned depth, struct ovf_reading *to,
		       struct img_err *err)
{
	if (depth > DEEPEST)
		return img_fail(err, IMG_E_RANGE, _("the OVF has collections in collections, more than "
						    "%d deep"), DEEPEST);
	for (xmlNode *node = parent->children; node; node = node->next) {
		if (ovf_is(node, "VirtualSystem") && !add_system(node, to, err))
			return false;
		if (ovf_is(node, "VirtualSystemCollection") && !read_level(node, depth + 1, to, err))
			return false;
	}
	return true;
}

bool ovf_read_systems(const xmlNode *envelope, struct ovf_reading *to, struct img_err *err)
{
	return read_level(envelope, 0, to, err);
}
