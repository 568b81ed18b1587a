/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine around the disks: what options say, over what a domain of libvirt says. */
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/text.h"
#include "imgova/imgova.h"

static bool read_all(FILE *in, char *bytes, size_t most, size_t *len, struct img_err *err)
{
	*len = fread(bytes, 1, most, in);
	if (ferror(in))
		return img_fail_os(err, _("cannot read"));
	return *len < most || img_fail(err, IMG_E_RANGE, _("is larger than the %zu bytes that are read"),
				       most - 1);
}

char *ova_read_file(const char *path, size_t most, size_t *len, struct img_err *err)
{
	FILE *in = fopen(path, "re");
	char *bytes = in ? malloc(most + 1) : NULL;
	bool ok = false;

	if (!in)
		img_fail_os(err, _("cannot open"));
	else if (!bytes)
		out_of_memory(err);
	else
		ok = read_all(in, bytes, most + 1, len, err);
	if (in)
		(void)fclose(in);	/* was only read */
	if (ok)
		return bytes;
	img_within(err, "%s", path);
	free(bytes);
	return NULL;
}

bool ova_set_network(const struct cli_option *row, void *field, const char *text, struct img_err *err)
{
	struct options *opt = field;
	const size_t n = opt->machine.n_networks;
	char *copy, *colon;

	(void)row;
	if (n == OVA_MOST_NETWORKS)
		return img_fail(err, IMG_E_RANGE, _("more than %d networks"), OVA_MOST_NETWORKS);
	copy = strdup(text);
	if (!copy)
		return out_of_memory(err);
	colon = strchr(copy, ':');
	if (colon)
		*colon = '\0';
	opt->networks[n] = (struct img_ovf_network){ .name = copy, .model = colon ? colon + 1 : NULL };
	opt->machine.networks = opt->networks;
	opt->machine.n_networks++;
	return *copy || img_fail(err, IMG_E_ARGUMENT, _("a network without a name"));
}

void ova_networks_free(struct options *opt)
{
	for (size_t i = 0; i < opt->machine.n_networks; i++)
		free((char *)opt->networks[i].name);
}

static bool read_domain(const char *path, struct ova_machine *out, struct img_err *err)
{
	size_t len;
	char *bytes = ova_read_file(path, OVA_MOST_XML, &len, err);

	if (!bytes)
		return false;
	out->domain = img_domain_read(bytes, len, err);
	free(bytes);
	if (!out->domain)
		return img_within(err, "%s", path);
	out->is = out->domain->machine;
	return true;
}

static void lay_over(struct img_ovf_machine *is, const struct options *opt)
{
	const struct img_ovf_machine *said = &opt->machine;

	is->name = said->name ? said->name : is->name;
	is->cpus = said->cpus ? said->cpus : is->cpus;
	is->memory = said->memory ? said->memory : is->memory;
	is->os = said->os ? said->os : is->os;
	is->hardware = said->hardware ? said->hardware : is->hardware;
	is->controller = said->controller ? said->controller : is->controller;
	if (opt->firmware != OVA_UNSAID)
		is->efi = opt->firmware == 1;
	if (said->n_networks) {
		is->networks = said->networks;
		is->n_networks = said->n_networks;
	}
}

/* "dir/web.ova" is called "web"; standard output "appliance". */
static char *name_of_file(const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	const char *dot = strrchr(base, '.');
	const size_t len = dot && dot > base ? (size_t)(dot - base) : strlen(base);

	return strcmp(path, "-") ? strndup(base, len) : strdup("appliance");
}

/* Names of members are made of it. */
static bool check_name(const char *name, struct img_err *err)
{
	return (*name && *name != '.' && !strpbrk(name, "/\\:()=\n\r")) ||
	       img_fail(err, IMG_E_ARGUMENT,
			_("\"%s\" is no name for an appliance, of which files are named"), name);
}

bool ova_machine_read(const struct options *opt, const char *path, struct ova_machine *out,
		      struct img_err *err)
{
	*out = (struct ova_machine){ .domain = NULL };
	if (opt->domain && !read_domain(opt->domain, out, err))
		return false;
	lay_over(&out->is, opt);
	if (!out->is.name) {
		out->name = name_of_file(path);
		out->is.name = out->name;
		if (!out->name)
			return out_of_memory(err);
	}
	return check_name(out->is.name, err);
}

void ova_machine_free(struct ova_machine *machine)
{
	img_domain_free(machine->domain);
	free(machine->name);
}
