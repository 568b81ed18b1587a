/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgcrypt encrypt, decrypt and reencrypt --in-place: the file itself becomes another one. */
#include "common/text.h"
#include "imgcrypt/imgcrypt.h"

/* ---- What is said -------------------------------------------------------------------------------- */

static const char *verb_of(enum img_recrypt_kind kind)
{
	switch (kind) {
	case IMG_RECRYPT_ENCRYPT:
		return "encrypt";
	case IMG_RECRYPT_DECRYPT:
		return "decrypt";
	case IMG_RECRYPT_CHANGE:
		break;
	}
	return "reencrypt";
}

static void add_bytes(struct img_node *root, const char *key, const char *label, uint64_t bytes)
{
	img_node_u64(root, key, bytes, IMG_UNIT_BYTES);
	img_node_label(root, label);
}

static struct img_node *start_report(const char *name, enum img_recrypt_kind kind)
{
	struct img_node *root = img_node_root("imgcrypt");

	img_node_text(root, "filename", name);
	img_node_label(root, _("image"));
	img_node_text(root, "verb", verb_of(kind));
	img_node_label(root, _("what is done to it"));
	return root;
}

static bool end_report(const struct options *opt, struct img_node *root, struct img_err *err)
{
	const bool ok = img_report_write(root, opt->style, stdout, err);

	img_node_free(root);
	return ok;
}

bool crypt_report_pending(const struct options *opt, const char *name,
			  const struct img_recrypt_pending *pending, struct img_err *err)
{
	struct img_node *root = start_report(name, pending->kind);

	img_node_flag(root, "done", false);
	img_node_label(root, _("done"));
	add_bytes(root, "virtual-size", _("virtual size"), pending->total);
	add_bytes(root, "progress", _("of that, done already"), pending->done);
	return end_report(opt, root, err);
}

static bool report(const struct options *opt, const char *name, enum img_recrypt_kind kind,
		   const struct img_recrypt_stats *stats, struct img_err *err)
{
	struct img_node *root = start_report(name, kind);

	img_node_flag(root, "done", !opt->dry_run);
	img_node_label(root, _("done"));
	add_bytes(root, "virtual-size", _("virtual size"), stats->guest);
	add_bytes(root, "progress", _("of that, done already"), stats->resumed);
	add_bytes(root, "before", _("size of the file before"), stats->before);
	add_bytes(root, "after", _("size of the file afterwards"), stats->after);
	add_bytes(root, "space-needed", _("space needed meanwhile, at most"), stats->extra);
	return end_report(opt, root, err);
}

/* ---- What is done -------------------------------------------------------------------------------- */

/* Somebody who makes up a new key is asked twice; to go on with it, once. */
static bool get_new_key(struct options *opt, const char *name, enum img_recrypt_kind kind,
			struct img_err *err)
{
	struct img_recrypt_pending pending;
	bool begun;

	if (opt->dry_run || kind != IMG_RECRYPT_ENCRYPT || opt->secrets.given)
		return true;
	return img_recrypt_look(name, opt->journal, &pending, &begun, err) &&
	       (begun || secret_need_new(&opt->fresh, name, err));
}

static bool run(struct options *opt, const char *name, enum img_recrypt_kind kind,
		struct img_recrypt_stats *stats, struct img_err *err)
{
	struct img_recrypt what = {
		.path = name, .format = opt->source.format, .kind = kind,
		.header = opt->source.header, .journal = opt->journal,
		.fresh = secret_first(&opt->fresh), .options = opt->target.options,
		.threads = opt->threads, .dry_run = opt->dry_run,
	};
	struct progress progress;
	const struct img_job *job = progress_start(&progress, &imgcrypt_cli,
						   progress_unless(opt->quiet, &opt->progress),
						   verb_of(kind));
	bool ok;

	do {
		what.keys = secret_keys(&opt->secrets);
		ok = img_recrypt(&what, job, stats, err);
	} while (!ok && secret_try_again(&opt->secrets, name, err));
	progress_end(&progress, ok);
	return ok;
}

static bool in_place(struct options *opt, const char *name, enum img_recrypt_kind kind,
		     struct img_err *err)
{
	const bool wants_report = opt->dry_run || opt->style != IMG_STYLE_HUMAN;
	struct img_recrypt_stats stats;

	return get_new_key(opt, name, kind, err) && run(opt, name, kind, &stats, err) &&
	       (!wants_report || opt->quiet || report(opt, name, kind, &stats, err));
}

bool crypt_encrypt_in_place(struct options *opt, char *const *names, struct img_err *err)
{
	return in_place(opt, names[0], IMG_RECRYPT_ENCRYPT, err);
}

bool crypt_decrypt_in_place(struct options *opt, char *const *names, struct img_err *err)
{
	return in_place(opt, names[0], IMG_RECRYPT_DECRYPT, err);
}

bool crypt_reencrypt(struct options *opt, char *const *names, struct img_err *err)
{
	return in_place(opt, names[0], IMG_RECRYPT_CHANGE, err);
}
