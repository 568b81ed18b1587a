/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains of libvirt. */
#include <criterion/criterion.h>
#include <string.h>
#include "libimg.h"

static struct img_domain *read_text(const char *text, struct img_err *err)
{
	return img_domain_read(text, strlen(text), err);
}

Test(domain, what_counts)
{
	struct img_err err = { 0 };
	struct img_domain *d = read_text("<domain type='kvm'><name>web</name><memory unit='GiB'>2</memory>"
		"<vcpu placement='static'> 4 </vcpu><os firmware='efi'/><devices>"
		"<disk><target dev='sda' bus='sata'/></disk><interface><source bridge='br0'/>"
		"<model type='e1000'/></interface><interface/></devices></domain>", &err);
	const struct img_ovf_machine *is;

	cr_assert(d, "%s", err.text);
	is = &d->machine;
	cr_assert_str_eq(is->name, "web");
	cr_assert_eq(is->memory, UINT64_C(2) << 30);
	cr_assert_eq(is->cpus, 4);
	cr_assert(is->efi);
	cr_assert_str_eq(is->controller, "sata");
	cr_assert_eq(is->n_networks, 2);
	cr_assert_str_eq(is->networks[0].name, "br0");
	cr_assert_str_eq(is->networks[0].model, "E1000");
	cr_assert_str_eq(is->networks[1].name, "default");
	cr_assert_null(is->networks[1].model);
	img_domain_free(d);
	img_domain_free(NULL);
}

Test(domain, what_is_left_out)
{
	struct img_err err = { 0 };
	struct img_domain *d = read_text("<domain><memory>1024</memory><os><loader type='pflash'/></os>"
					 "<devices><disk><target bus='virtio'/></disk></devices></domain>",
					 &err);

	cr_assert(d, "%s", err.text);
	cr_assert_null(d->machine.name);
	cr_assert_null(d->machine.controller);
	cr_assert(d->machine.efi);
	cr_assert_eq(d->machine.memory, 1 << 20);
	cr_assert_eq(d->machine.cpus, 0);
	img_domain_free(d);
}

Test(domain, what_is_wrong)
{
	static const struct { const char *text; enum img_code code; } table[] = {
		{ "<network/>", IMG_E_NOT_THIS_FORMAT },
		{ "<domain><memory unit='acres'>1</memory></domain>", IMG_E_CORRUPT },
		{ "<domain><memory>lots</memory></domain>", IMG_E_CORRUPT },
		{ "<domain><memory unit='TiB'>99999999999</memory></domain>", IMG_E_CORRUPT },
		{ "<domain><vcpu>0</vcpu></domain>", IMG_E_CORRUPT },
		{ "<domain><vcpu/></domain>", IMG_E_CORRUPT },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct img_err err = { 0 };

		cr_expect_null(read_text(table[i].text, &err), "row %zu", i);
		cr_expect_eq(err.code, table[i].code, "row %zu: %s", i, err.text);
	}
}
