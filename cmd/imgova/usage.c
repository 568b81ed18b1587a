/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which options of imgova go together. */
#include "common/belong.h"
#include "common/text.h"
#include "imgova/imgova.h"

/* What says how the machine is, where a whole descriptor says it already. */
static bool describes_machine(const struct options *opt)
{
	const struct img_ovf_machine *said = &opt->machine;

	return said->cpus || said->memory || said->os || said->hardware || said->controller ||
	       said->n_networks || opt->firmware != OVA_UNSAID || opt->profile != OVA_UNSAID || opt->domain;
}

static bool check_box(const struct options *opt, struct img_err *err)
{
	if (opt->box == OVA_UNSAID)
		return true;
	if (opt->hash != OVA_UNSAID || opt->profile != OVA_UNSAID)
		return img_fail(err, IMG_E_ARGUMENT, _("a box has no manifest, and its provider is its "
						       "profile"));
	return opt->box != OVA_BOX_LIBVIRT || (!opt->other && !describes_machine(opt)) ||
	       img_fail(err, IMG_E_ARGUMENT, _("a box for libvirt does not describe a machine"));
}

static bool check_verb(const struct options *opt, const char *verb, struct img_err *err)
{
	const struct belonging all[] = {
		{ "--disk", opt->disk, " extract " },
		{ "--schema", opt->schema, " verify " },
		{ "--target-format", opt->target.format, " extract " },
		{ "--options", opt->target.options, " extract " },
		{ "--name", opt->machine.name, " create " },
		{ "--cpus", opt->machine.cpus, " create " },
		{ "--memory", opt->machine.memory, " create " },
		{ "--network", opt->machine.n_networks, " create " },
		{ "--firmware", opt->firmware != OVA_UNSAID, " create " },
		{ "--os", opt->machine.os, " create " },
		{ "--controller", opt->machine.controller, " create " },
		{ "--hardware", opt->machine.hardware, " create " },
		{ "--template", opt->other, " create " },
		{ "--libvirt", opt->domain, " create " },
		{ "--profile", opt->profile != OVA_UNSAID, " create " },
		{ "--hash", opt->hash != OVA_UNSAID, " create " },
		{ "--box", opt->box != OVA_UNSAID, " create " },
		{ "--level", opt->level, " create " },
		{ "--deterministic", opt->deterministic, " create " },
		{ "--threads", opt->threads, " create extract " },
		{ "--format", opt->source.format, " create extract " },
		{ "--force-share", opt->source.force_share, " create " },
		{ "--output", opt->style != IMG_STYLE_HUMAN, " list verify " },
	};

	return belong_check(all, sizeof(all) / sizeof(*all), verb, err);
}

bool ova_check_usage(const struct options *opt, const char *verb, struct img_err *err)
{
	if (!check_verb(opt, verb, err))
		return false;
	if (opt->other && describes_machine(opt))
		return img_fail(err, IMG_E_ARGUMENT, _("with --template the machine is described already"));
	return check_box(opt, err);
}
