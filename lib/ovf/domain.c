/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the XML of a libvirt domain to a machine. */
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "base/num.h"
#include "ovf/ovf.h"

enum { MOST_NETWORKS = 64 };

struct domain {
	struct img_domain shown;
	struct ovf_document *doc;	/* all texts are in it */
	struct img_ovf_network *networks;
	size_t cap;
};

/* KiB where nothing is said; the short names are powers of 1024, those with a B of 1000. */
static bool read_memory(xmlNode *node, uint64_t *bytes, struct img_err *err)
{
	static const struct { const char *name; uint64_t bytes; } units[] = {
		{ "b", 1 }, { "bytes", 1 }, { "KB", 1000 }, { "MB", 1000000 }, { "GB", 1000000000 },
		{ "k", 1 << 10 }, { "KiB", 1 << 10 }, { "M", 1 << 20 }, { "MiB", 1 << 20 },
		{ "G", 1 << 30 }, { "GiB", 1 << 30 }, { "T", UINT64_C(1) << 40 },
		{ "TiB", UINT64_C(1) << 40 },
	};
	const char *unit = node ? ovf_attribute(node, "unit") : NULL, *text = ovf_text(node);

	if (!node)
		return true;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcasecmp(units[i].name, unit ? unit : "KiB") && ovf_number(text, bytes) &&
		    img_mul_u64(*bytes, units[i].bytes, bytes))
			return true;
	return img_fail(err, IMG_E_CORRUPT, _("line %u of the domain: \"%s %s\" is no size"),
			(unsigned)node->line, text ? text : "", unit ? unit : "");
}

static bool read_processors(xmlNode *node, unsigned *n, struct img_err *err)
{
	uint64_t value;

	if (!node)
		return true;
	if (!ovf_number(ovf_text(node), &value) || !value || value > UINT16_MAX)
		return img_fail(err, IMG_E_CORRUPT, _("line %u of the domain: no number of processors"),
				(unsigned)node->line);
	*n = (unsigned)value;
	return true;
}

/* Said by an attribute, or by the loader, which is flash memory. */
static bool has_efi(const xmlNode *os)
{
	const xmlNode *loader = ovf_child(os, "loader");
	const char *firmware = os ? ovf_attribute(os, "firmware") : NULL;
	const char *type = loader ? ovf_attribute(loader, "type") : NULL;

	return (firmware && !strcmp(firmware, "efi")) || (type && !strcmp(type, "pflash"));
}

/* virtio is unknown to the products that OVF is for: what they take in its place is up to the profile. */
static const char *controller_of(const xmlNode *devices)
{
	const xmlNode *disk = ovf_child(devices, "disk"), *target = ovf_child(disk, "target");
	const char *bus = target ? ovf_attribute(target, "bus") : NULL;

	return !bus ? NULL : !strcmp(bus, "sata") ? "sata" : !strcmp(bus, "ide") ? "ide" : NULL;
}

/* The name of a network, of a bridge, or of a card of the host. */
static const char *network_name(const xmlNode *source)
{
	static const char *const kinds[] = { "network", "bridge", "dev" };

	for (size_t i = 0; source && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (ovf_attribute(source, kinds[i]))
			return ovf_attribute(source, kinds[i]);
	return "default";
}

static const char *network_model(const xmlNode *model)
{
	const char *type = model ? ovf_attribute(model, "type") : NULL;

	return !type ? NULL : !strcmp(type, "e1000") ? "E1000" : !strcmp(type, "e1000e") ? "E1000e"
	     : !strcmp(type, "vmxnet3") ? "VmxNet3" : NULL;
}

static bool read_networks(const xmlNode *devices, struct domain *d, struct img_err *err)
{
	struct img_ovf_machine *machine = &d->shown.machine;

	for (xmlNode *node = ovf_child(devices, "interface"); node; node = ovf_next(node, "interface")) {
		struct img_ovf_network *v = ovf_room(d->networks, machine->n_networks, MOST_NETWORKS,
						     &d->cap, sizeof(*v), "interface", err);

		if (!v)
			return false;
		d->networks = v;
		machine->networks = v;
		v[machine->n_networks++] = (struct img_ovf_network){
			.name = network_name(ovf_child(node, "source")),
			.model = network_model(ovf_child(node, "model")),
		};
	}
	return true;
}

static bool read_domain(xmlNode *root, struct domain *d, struct img_err *err)
{
	struct img_ovf_machine *machine = &d->shown.machine;
	const xmlNode *devices;

	if (!ovf_is(root, "domain"))
		return img_fail(err, IMG_E_NOT_THIS_FORMAT, _("is XML, but no domain of libvirt"));
	devices = ovf_child(root, "devices");
	machine->name = ovf_child_text(root, "name");
	machine->efi = has_efi(ovf_child(root, "os"));
	machine->controller = controller_of(devices);
	return read_memory(ovf_child(root, "memory"), &machine->memory, err) &&
	       read_processors(ovf_child(root, "vcpu"), &machine->cpus, err) &&
	       read_networks(devices, d, err);
}

struct img_domain *img_domain_read(const void *bytes, size_t len, struct img_err *err)
{
	struct domain *d = img_calloc(1, sizeof(*d), err);

	if (!d)
		return NULL;
	d->doc = ovf_document_read(bytes, len, err);
	if (d->doc && read_domain(ovf_document_root(d->doc), d, err))
		return &d->shown;
	img_domain_free(&d->shown);
	return NULL;
}

void img_domain_free(struct img_domain *domain)
{
	struct domain *d = (struct domain *)domain;

	if (!d)
		return;
	ovf_document_free(d->doc);
	free(d->networks);
	free(d);
}
