/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgcrypt: encrypted images, and their keys. */
#include "imgcrypt/imgcrypt.h"

#include <stddef.h>
#include <string.h>
#include "common/ceph.h"
#include "common/exit.h"
#include "common/text.h"
#include "common/verb.h"

#define AT(member) offsetof(struct options, member)

/* Slots count from 0. */
static bool set_slot(const struct cli_option *row, void *field, const char *text, struct img_err *err)
{
	uint64_t n;

	(void)row;
	if (!cli_whole_number(text, &n) || n >= IMG_KEY_ANY_SLOT)
		return img_fail(err, IMG_E_ARGUMENT, _("\"%s\" is no key slot"), text);
	*(uint32_t *)field = (uint32_t)n;
	return true;
}

static const struct cli_option rows[] = {
	SOURCE_ROW_HEADER(AT(source.header)),
	SECRET_ROWS(AT(secrets)),
	{ 0, "new-key-file", "FILE", secret_set_file, AT(fresh),
	  N_("add-key, change-key, encrypt, reencrypt: FILE holds the new key") },
	{ 0, "new-key-fd", "N", secret_set_fd, AT(fresh),
	  N_("the same, from this open file descriptor") },
	{ 0, "new-key-env", "NAME", secret_set_env, AT(fresh),
	  N_("the same, from this environment variable") },
	{ 0, "slot", "N", set_slot, AT(slot),
	  N_("the key slot that is meant (otherwise that of the key, or one that is free)") },
	{ 0, "pbkdf", "NAME", cli_set_text, AT(pbkdf),
	  N_("add-key, change-key: argon2id, argon2i or pbkdf2") },
	{ 0, "hash", "NAME", cli_set_text, AT(hash),
	  N_("add-key, change-key: the hash of pbkdf2 (default sha256)") },
	{ 0, "iter-time", "MS", cli_set_count, AT(iter_time),
	  N_("add-key, change-key: how long it takes to try the key here (default 2000)") },
	{ 0, "iterations", "N", cli_set_count, AT(iterations),
	  N_("add-key, change-key: so much work, whatever time it takes") },
	{ 0, "memory", "SIZE", cli_set_amount, AT(memory),
	  N_("add-key, change-key: memory of argon2 at most (default 1G)") },
	{ 'm', "threads", "N", cli_set_count, AT(threads),
	  N_("add-key, change-key: threads of argon2 (default: all cores, at most 4)") },
	{ 0, "force", NULL, cli_set_flag, AT(force),
	  N_("remove-key: also the last one; header-restore: over whatever is there; erase: do it") },
	{ 'O', "target-format", "FORMAT", cli_set_text, AT(target.format),
	  N_("encrypt, decrypt: format of the new image (otherwise by its name)") },
	{ 'o', "options", "NAME=VALUE,...", cli_set_list, AT(target.options),
	  N_("encrypt, decrypt: options of that format") },
	{ 0, "in-place", NULL, cli_set_flag, AT(in_place),
	  N_("encrypt, decrypt, reencrypt: change the image itself; run again it goes on") },
	{ 0, "dry-run", NULL, cli_set_flag, AT(dry_run),
	  N_("with --in-place: only tell what would be done") },
	{ 0, "journal", "FILE", cli_set_text, AT(journal),
	  N_("with --in-place, list: FILE tells what is done, not IMAGE.recrypt") },
	SOURCE_ROW_FORMAT(AT(source.format)),
	SOURCE_ROW_FORCE_SHARE(AT(source.force_share)),
	{ 0, "output", CLI_STYLES, cli_set_style, AT(style),
	  N_("list: how to print it (default human)") },
	{ 'p', "progress", PROGRESS_VALUE, progress_set, AT(progress),
	  N_("show how far it is, on standard error or as JSON") },
	{ 'q', "quiet", NULL, cli_set_flag, AT(quiet),
	  N_("print nothing; the exit status tells") },
	CEPH_ROWS,
	{ .name = NULL },
};

const struct cli imgcrypt_cli = {
	.name = "imgcrypt",
	.operands = N_("encrypt|decrypt|reencrypt|list|test|add-key|change-key|remove-key|header-backup|"
		       "header-restore|erase IMAGE [FILE]"),
	.summary = N_("Makes encrypted images (LUKS, alone or in qcow2) of others, and others of them.\n"
		      "Their keys: list, test, add, change, remove; backups of the header that holds them."),
	.options = rows, .failed = CMD_FAILED,
};

struct command {
	struct verb verb;
	crypt_verb *run;
	bool in_place;
};

static const struct command commands[] = {
	{ { "encrypt", N_("encrypt IMAGE NEW"), 2, 2 }, crypt_encrypt },
	{ { "decrypt", N_("decrypt IMAGE NEW"), 2, 2 }, crypt_decrypt },
	{ { "encrypt", N_("encrypt --in-place IMAGE"), 1, 1 }, crypt_encrypt_in_place, true },
	{ { "decrypt", N_("decrypt --in-place IMAGE"), 1, 1 }, crypt_decrypt_in_place, true },
	{ { "reencrypt", N_("reencrypt --in-place IMAGE"), 1, 1 }, crypt_reencrypt, true },
	{ { "list", N_("list IMAGE"), 1, 1 }, crypt_list },
	{ { "test", N_("test IMAGE"), 1, 1 }, crypt_test },
	{ { "add-key", N_("add-key IMAGE"), 1, 1 }, crypt_add },
	{ { "change-key", N_("change-key IMAGE"), 1, 1 }, crypt_change },
	{ { "remove-key", N_("remove-key IMAGE"), 1, 1 }, crypt_remove },
	{ { "header-backup", N_("header-backup IMAGE FILE"), 2, 2 }, crypt_backup },
	{ { "header-restore", N_("header-restore IMAGE FILE"), 2, 2 }, crypt_restore },
	{ { "erase", N_("erase IMAGE"), 1, 1 }, crypt_erase },
};

/* Of two with that name the one that is meant; NULL: there is none. */
static const struct command *find(const char *name, bool in_place)
{
	const struct command *found = NULL;

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(commands[i].verb.name, name) &&
		    (!found || commands[i].in_place == in_place))
			found = &commands[i];
	return found;
}

/* Ends the program when there is none of that name, or it has too few or too many operands. */
static const struct command *need(char *const *operands, int n, bool in_place)
{
	const struct command *found;

	cli_need_operands(&imgcrypt_cli, n, 1, n);
	found = find(operands[0], in_place);
	verb_need(&imgcrypt_cli, found ? &found->verb : NULL, operands, n);
	return found;
}

int main(int argc, char **argv)
{
	struct options opt = { .style = IMG_STYLE_HUMAN, .slot = IMG_KEY_ANY_SLOT };
	struct img_err err = { 0 };
	char **operands;
	const int n = cli_parse(&imgcrypt_cli, argc, argv, &opt, &operands);
	const struct command *command = need(operands, n, opt.in_place);

	if (!crypt_check_usage(&opt, command->verb.name, &err))
		cli_misused(&imgcrypt_cli, &err);
	const bool ok = command->run(&opt, operands + 1, &err);

	secret_clear(&opt.secrets);
	secret_clear(&opt.fresh);
	target_free(&opt.target);
	return cli_end(&imgcrypt_cli, ok ? NULL : &err, CMD_DONE);
}
