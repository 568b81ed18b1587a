/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A new appliance.  The descriptor comes first, and tells the sizes of disks that are only made behind
 * it: so it gets room for the largest numbers, and is filled in when all is known.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/memory.h"
#include "common/place.h"
#include "common/text.h"
#include "imgova/imgova.h"

/* ---- Images -------------------------------------------------------------------------------------- */

static bool add_image(struct ova_making *m, const char *source, const char *format,
		      const char *options, struct img_ovf_image *disk, struct img_err *err)
{
	struct img *src = source_open_to_copy(&imgova_cli, &m->opt->source, source, IMG_OPEN_ONCE, err);
	const struct img_create what = {
		.path = disk->href, .format = format, .options = options, .compressed = true,
		.size = src ? img_size(src) : 0, .source = src,
	};
	struct img *dst = src ? img_bundle_image(m->bundle, &what, err) : NULL;
	struct img_copy_stats stats;
	const bool ok = dst && ova_copy(m->opt, src, dst, true, &stats, err);
	struct img_bundle_member made;

	if (ok) {
		disk->capacity = img_size(dst);
		disk->populated = stats.data + stats.compressed;
	}
	img_close(dst);
	img_close(src);
	if (!ok || !img_bundle_end(m->bundle, err))
		return false;
	img_bundle_member(m->bundle, img_bundle_count(m->bundle) - 1, &made);
	disk->file_size = made.size;
	return true;
}

bool ova_add_images(struct ova_making *m, const char *format, const char *options,
		    struct img_err *err)
{
	for (size_t i = 0; i < m->n; i++)
		if (!add_image(m, m->names[i], format, options, &m->disks[i], err))
			return false;
	return true;
}

char *ova_vmdk_options(const struct options *opt, struct img_err *err)
{
	char *text;

	if (asprintf(&text, "subformat=streamOptimized,adapter_type=lsilogic%s%s%s",
		     opt->level ? ",compression_level=" : "", opt->level ? opt->level : "",
		     opt->deterministic ? ",cid=1" : "") >= 0)
		return text;
	out_of_memory(err);
	return NULL;
}

/* ---- The descriptor ------------------------------------------------------------------------------ */

char *ova_descriptor(const struct ova_making *m, size_t *len, struct img_err *err)
{
	char *text;

	if (!m->other)
		return img_ovf_write(m->machine, m->profile, m->disks, m->n, len, err);
	text = img_ovf_fill(m->other, m->other_len, m->disks, m->n, len, err);
	if (!text)
		img_within(err, "%s", m->opt->other);
	return text;
}

bool ova_reserve_descriptor(struct ova_making *m, const char *name, size_t *room, struct img_err *err)
{
	char *text;

	for (size_t i = 0; i < m->n; i++)
		m->disks[i].file_size = m->disks[i].capacity = m->disks[i].populated = UINT64_MAX;
	text = ova_descriptor(m, room, err);
	if (!text)
		return false;
	free(text);
	return img_bundle_add(m->bundle, name, NULL, *room, err);
}

bool ova_fill_descriptor(struct ova_making *m, size_t room, struct img_err *err)
{
	char *padded = malloc(room), *text;
	size_t len;
	bool ok;

	if (!padded)
		return out_of_memory(err);
	text = ova_descriptor(m, &len, err);
	ok = text != NULL;
	if (ok) {
		/* Behind the last element there may be blanks. */
		memset(padded, ' ', room);
		memcpy(padded, text, len);
		if (len < room)
			padded[room - 1] = '\n';
		ok = img_bundle_fill(m->bundle, 0, padded, err);
	}
	free(text);
	free(padded);
	return ok;
}

/* ---- The manifest -------------------------------------------------------------------------------- */

static const char *hash_name(const struct options *opt)
{
	static const char *const names[] = { "sha1", "sha256", "sha512" };

	return opt->hash == OVA_UNSAID ? "sha256" : names[opt->hash];
}

static bool add_manifest(struct ova_making *m, const char *name, struct img_err *err)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	bool ok;

	if (!out)
		return out_of_memory(err);
	for (size_t i = 0; i < img_bundle_count(m->bundle); i++) {
		struct img_bundle_member member;

		img_bundle_member(m->bundle, i, &member);
		img_manifest_put(out, hash_name(m->opt), member.name, member.sum, member.sum_len);
	}
	ok = fclose(out) ? out_of_memory(err) : img_bundle_add(m->bundle, name, text, len, err);
	free(text);
	return ok;
}

/* ---- All of it ----------------------------------------------------------------------------------- */

static char *member_name(const struct ova_making *m, const char *ending)
{
	char *name;

	return asprintf(&name, "%s%s", m->machine->name, ending) < 0 ? NULL : name;
}

static bool make_ova(struct ova_making *m, struct img_err *err)
{
	char *descriptor = member_name(m, ".ovf"), *manifest = member_name(m, ".mf");
	char *options = ova_vmdk_options(m->opt, err);
	size_t room;
	const bool ok = options && ((descriptor && manifest) || out_of_memory(err)) &&
			ova_reserve_descriptor(m, descriptor, &room, err) &&
			ova_add_images(m, "vmdk", options, err) &&
			ova_fill_descriptor(m, room, err) && add_manifest(m, manifest, err);

	free(options);
	free(manifest);
	free(descriptor);
	return ok;
}

/* Not all products decode what is encoded in a descriptor: their names need none of it. */
static bool name_disks(struct ova_making *m, struct img_err *err)
{
	m->disks = calloc(m->n, sizeof(*m->disks));
	if (!m->disks)
		return out_of_memory(err);
	for (size_t i = 0; i < m->n; i++) {
		char *name;

		if (asprintf(&name, "%s-disk%zu.vmdk", m->machine->name, i + 1) < 0)
			return out_of_memory(err);
		ova_make_plain(name);
		m->disks[i].href = name;
	}
	return true;
}

static bool make(struct ova_making *m, const char *path, struct img_err *err)
{
	const struct options *opt = m->opt;
	const struct img_bundle_new how = {
		.path = path, .cache = IMG_CACHE_DEFAULT, .time = target_time(opt->deterministic),
		.hash = opt->box == OVA_UNSAID ? hash_name(opt) : NULL,
	};

	if (opt->other)
		m->other = ova_read_file(opt->other, OVA_MOST_XML, &m->other_len, err);
	if (opt->other && !m->other)
		return false;
	m->bundle = img_bundle_create(&how, err);
	if (!m->bundle || !name_disks(m, err))
		return false;
	return (opt->box == OVA_UNSAID ? make_ova(m, err) : ova_make_box(m, (enum ova_box)opt->box, err)) &&
	       img_bundle_finish(m->bundle, err);
}

static bool check_operands(const struct options *opt, char *const *names, int n, struct img_err *err)
{
	if (!strcmp(names[0], "-") && isatty(STDOUT_FILENO))
		return img_fail(err, IMG_E_ARGUMENT, _("an image is not written to a terminal"));
	for (int i = 1; i < n; i++)
		if (!place_check_names(names[i], names[0], opt->source.secrets, NULL, err))
			return false;
	return place_check_read(opt->other, names[0], err) && place_check_read(opt->domain, names[0], err);
}

bool ova_create(const struct options *opt, char *const *names, int n, int *status,
		struct img_err *err)
{
	struct ova_machine machine;
	struct ova_making m = {
		.opt = opt, .machine = &machine.is, .names = names + 1, .n = (size_t)n - 1,
		.profile = opt->profile == OVA_UNSAID ? IMG_OVF_VSPHERE : (enum img_ovf_profile)opt->profile,
	};
	bool ok;

	(void)status;
	if (!check_operands(opt, names, n, err))
		return false;
	ok = ova_machine_read(opt, names[0], &machine, err) && make(&m, names[0], err);
	img_bundle_close(m.bundle);
	for (size_t i = 0; m.disks && i < m.n; i++)
		free((char *)m.disks[i].href);
	free(m.disks);
	free(m.other);
	ova_machine_free(&machine);
	return ok;
}
