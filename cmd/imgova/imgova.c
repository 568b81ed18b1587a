/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgova: appliances. */
#include "imgova/imgova.h"

#include <stddef.h>
#include <string.h>
#include "common/ceph.h"
#include "common/exit.h"
#include "common/text.h"
#include "common/verb.h"

#define AT(member) offsetof(struct options, member)

static const struct cli_option rows[] = {
	{ 0, "name", "NAME", cli_set_text, AT(machine.name),
	  N_("create: of the machine (default: that of the file)") },
	{ 0, "cpus", "N", cli_set_count, AT(machine.cpus), N_("create: processors (default 1)") },
	{ 0, "memory", "SIZE", cli_set_amount, AT(machine.memory), N_("create: memory (default 1G)") },
	{ 0, "network", "NAME[:MODEL]", ova_set_network, 0,
	  N_("create: a network card on that network; may be given several times") },
	{ 0, "firmware", OVA_FIRMWARES, cli_set_choice, AT(firmware),
	  N_("create: what starts the machine") },
	{ 0, "os", "NAME", cli_set_text, AT(machine.os),
	  N_("create: the guest system; \"help\" lists them") },
	{ 0, "controller", IMG_OVF_CONTROLLERS, cli_set_text, AT(machine.controller),
	  N_("create: what the disks hang on") },
	{ 0, "hardware", "VERSION", cli_set_text, AT(machine.hardware),
	  N_("create: family of virtual hardware, such as \"vmx-13\"") },
	{ 0, "template", "FILE", cli_set_text, AT(other),
	  N_("create: take all but the disks from this OVF") },
	{ 0, "libvirt", "FILE", cli_set_text, AT(domain),
	  N_("create: take the machine from the XML of a libvirt domain") },
	{ 0, "profile", OVA_PROFILES, cli_set_choice, AT(profile),
	  N_("create: for whom it is (default vsphere)") },
	{ 0, "hash", OVA_HASHES, cli_set_choice, AT(hash),
	  N_("create: of the manifest (default sha256)") },
	{ 0, "box", OVA_BOXES, cli_set_choice, AT(box),
	  N_("create: a box of Vagrant for that provider instead") },
	{ 0, "level", "N", cli_set_text, AT(level), N_("create: of compression") },
	{ 0, "deterministic", NULL, cli_set_flag, AT(deterministic),
	  N_("create: the same images and options give the same bytes") },
	{ 'm', "threads", "N", cli_set_count, AT(threads),
	  N_("work with so many threads (default: all cores)") },
	{ 0, "schema", "XSD", cli_set_text, AT(schema),
	  N_("verify: the descriptor against this XML schema, too") },
	{ 'd', "disk", "N", cli_set_text, AT(disk),
	  N_("extract: this disk alone, by its number, its id or the name of its file") },
	{ 'O', "target-format", "FORMAT", cli_set_text, AT(target.format),
	  N_("extract: format of the new images (otherwise by the name, or qcow2)") },
	{ 'o', "options", "NAME=VALUE,...", cli_set_list, AT(target.options),
	  N_("extract: options of that format; \"help\" lists them") },
	SOURCE_ROW_FORMAT(AT(source.format)),
	SOURCE_ROW_MAX_SIZE(AT(source.max_size)),
	SOURCE_ROW_FORCE_SHARE(AT(source.force_share)),
	SOURCE_ROW_UNTRUSTED(AT(source.gate)),
	SOURCE_ROW_TRUSTED(AT(source.gate)),
	SECRET_ROWS(AT(secrets)),
	{ 0, "output", CLI_STYLES, cli_set_style, AT(style),
	  N_("how to print it (default human)") },
	{ 'p', "progress", PROGRESS_VALUE, progress_set, AT(progress),
	  N_("show how far it is, on standard error or as JSON") },
	{ 'q', "quiet", NULL, cli_set_flag, AT(quiet),
	  N_("print nothing; the exit status tells") },
	CEPH_ROWS,
	{ .name = NULL },
};

const struct cli imgova_cli = {
	.name = "imgova",
	.operands = N_("list|extract|create|verify APPLIANCE [NAME]..."),
	.summary = N_("Appliances (OVA, OVF) and boxes of Vagrant: what is in them, their disks as\n"
		      "images, new ones, and whether they are as they say."),
	.options = rows, .failed = CMD_FAILED,
};

struct command {
	struct verb verb;
	bool on_disk;			/* a disk is read, which may take keys */
	ova_verb *run;
};

enum { ANY = 1000 };

static const struct command commands[] = {
	{ { "list", N_("list APPLIANCE"), 1, 1 }, false, ova_list },
	{ { "extract", N_("extract APPLIANCE TARGET"), 2, 2 }, true, ova_extract },
	{ { "create", N_("create APPLIANCE IMAGE..."), 2, ANY }, true, ova_create },
	{ { "verify", N_("verify APPLIANCE"), 1, 1 }, false, ova_verify },
};

static bool wants_help(const struct options *opt)
{
	if (!opt->machine.os || strcmp(opt->machine.os, "help"))
		return false;
	for (size_t i = 0; img_ovf_os_name(i); i++)
		puts(img_ovf_os_name(i));
	return true;
}

int main(int argc, char **argv)
{
	struct options opt = {
		.style = IMG_STYLE_HUMAN, .source.quiet = &opt.quiet,
		.firmware = OVA_UNSAID, .profile = OVA_UNSAID, .hash = OVA_UNSAID, .box = OVA_UNSAID,
	};
	struct img_err err = { 0 };
	char **operands;
	const int n = cli_parse(&imgova_cli, argc, argv, &opt, &operands);
	const struct command *command;
	int status = CMD_DONE;

	if (wants_help(&opt))
		return cli_end(&imgova_cli, NULL, CMD_DONE);
	command = verb_find(&imgova_cli, commands, sizeof(commands) / sizeof(*commands), sizeof(*commands),
			    operands, n);
	if (!ova_check_usage(&opt, command->verb.name, &err))
		cli_misused(&imgova_cli, &err);
	if (command->on_disk)
		opt.source.secrets = &opt.secrets;
	const bool ok = command->run(&opt, operands + 1, n - 1, &status, &err);

	ova_networks_free(&opt);
	target_free(&opt.target);
	secret_clear(&opt.secrets);
	return cli_end(&imgova_cli, ok ? NULL : &err, status);
}
