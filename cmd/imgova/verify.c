/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether an appliance is as its descriptor and its manifest say. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "common/appliance.h"
#include "common/exit.h"
#include "common/memory.h"
#include "common/text.h"
#include "imgova/imgova.h"

enum { PIECE = 1 << 20 };

struct verifying {
	const struct options *opt;
	struct appliance a;
	struct img_manifest *manifest;	/* or NULL */
	struct img_node *problems;	/* a list */
	size_t n;
};

/* id: for programs; it stays.  name: what it is about. */
static void add_problem(struct verifying *v, const char *id, const char *name, const char *fmt, ...)
	IMG_PRINTF(4, 5);

static void add_problem(struct verifying *v, const char *id, const char *name, const char *fmt, ...)
{
	struct img_node *map = img_node_map(v->problems, "problem");
	char text[512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	img_node_text(map, "id", id);
	img_node_label(map, _("id"));
	img_node_text(map, "name", name);
	img_node_label(map, _("name"));
	img_node_text(map, "text", text);
	img_node_label(map, _("problem"));
	v->n++;
}

/* Which of two files of one name a reader takes, nobody knows. */
static void check_once(struct verifying *v, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < v->a.n_files; i++)
		n += appliance_same_name(v->a.files[i].name, name);
	if (v->a.packed && n > 1)
		add_problem(v, "archive.twice", name, _("is in the archive more than once"));
}

/* ---- The manifest -------------------------------------------------------------------------------- */

static const struct img_manifest_line *line_of(const struct verifying *v, const char *name)
{
	for (size_t i = 0; v->manifest && i < v->manifest->n_lines; i++) {
		const struct img_manifest_line *line = &v->manifest->lines[i];

		if (appliance_same_name(line->name, name))
			return line;
	}
	return NULL;
}

/* Where bytes come from: a member of an archive, or a file. */
struct bytes {
	struct img_archive *archive;
	FILE *in;
};

static bool next_bytes(struct bytes *from, void *buf, size_t *got, struct img_err *err)
{
	if (from->archive)
		return img_archive_read(from->archive, buf, PIECE, got, err);
	*got = fread(buf, 1, PIECE, from->in);
	return !ferror(from->in) || img_fail_os(err, _("cannot read"));
}

static bool hash_bytes(struct bytes *from, const char *hash, uint8_t sum[IMG_HASH_MAX], size_t *len,
		       struct img_err *err)
{
	struct img_hash *h = img_hash_open(hash, err);
	void *buf = h ? malloc(PIECE) : NULL;
	size_t got = PIECE;
	bool ok = h && (buf || out_of_memory(err));

	while (ok && got == PIECE)
		ok = next_bytes(from, buf, &got, err) && img_hash_add(h, buf, got, err);
	if (ok) {
		*len = img_hash_size(h);
		ok = img_hash_finish(h, sum, err);
	}
	free(buf);
	img_hash_close(h);
	return ok;
}

static bool check_sum(struct verifying *v, const struct img_manifest_line *line, struct bytes *from,
		      struct img_err *err)
{
	uint8_t sum[IMG_HASH_MAX];
	size_t len;

	if (!hash_bytes(from, line->hash, sum, &len, err))
		return img_within(err, "%s", line->name);
	if (len != line->len || memcmp(sum, line->sum, len))
		add_problem(v, "manifest.mismatch", line->name,
			    _("is not what the manifest has the %s of"), line->hash);
	return true;
}

/* In one pass, in the order of the archive. */
static bool check_archive_sums(struct verifying *v, struct img_err *err)
{
	struct bytes from = { .archive = img_archive_open(&v->a.how, err) };
	struct img_member member;
	bool ok = from.archive != NULL, end = false;

	while (ok && !end) {
		ok = img_archive_next(from.archive, &member, &end, err);
		if (ok && !end && member.kind == IMG_MEMBER_FILE) {
			const struct img_manifest_line *line = line_of(v, member.name);

			ok = !line || check_sum(v, line, &from, err);
		}
	}
	img_archive_close(from.archive);
	return ok;
}

static bool check_file_sum(struct verifying *v, const struct img_manifest_line *line,
			   struct img_err *err)
{
	char *path = appliance_path(&v->a, line->name, err);
	struct bytes from = { .in = path ? fopen(path, "re") : NULL };
	const bool ok = path && (from.in || img_fail_os(err, "%s", path)) &&
			check_sum(v, line, &from, err);

	if (from.in)
		(void)fclose(from.in);	/* was only read */
	free(path);
	return ok;
}

static bool check_file_sums(struct verifying *v, struct img_err *err)
{
	for (size_t i = 0; i < v->manifest->n_lines; i++) {
		const struct img_manifest_line *line = &v->manifest->lines[i];
		const struct appliance_file *file = appliance_file(&v->a, line->name);

		if (file && file->regular && line_of(v, line->name) == line &&
		    !check_file_sum(v, line, err))
			return false;
	}
	return true;
}

static void check_names(struct verifying *v)
{
	for (size_t i = 0; i < v->manifest->n_lines; i++) {
		const struct img_manifest_line *line = &v->manifest->lines[i];

		if (line_of(v, line->name) != line)
			add_problem(v, "manifest.twice", line->name,
				    _("is in the manifest more than once"));
		else if (!appliance_file(&v->a, line->name))
			add_problem(v, "manifest.missing", line->name,
				    _("is in the manifest, but nowhere else"));
	}
	for (size_t i = 0; v->a.ovf && i < v->a.ovf->n_files; i++)
		if (!line_of(v, v->a.ovf->files[i].href) && !line_of(v, v->a.ovf->files[i].uri))
			add_problem(v, "manifest.unlisted", v->a.ovf->files[i].href,
				    _("is not in the manifest"));
}

static bool check_manifest(struct verifying *v, struct img_err *err)
{
	struct img_err why = { 0 };

	if (!v->a.manifest.bytes)
		return true;
	check_once(v, v->a.manifest.name);
	v->manifest = img_manifest_read(v->a.manifest.bytes, v->a.manifest.len, &why);
	if (!v->manifest && why.code == IMG_E_NOMEM)
		return out_of_memory(err);
	if (!v->manifest) {
		add_problem(v, "manifest.unreadable", v->a.manifest.name, "%s", why.text);
		return true;
	}
	check_names(v);
	return v->a.packed ? check_archive_sums(v, err) : check_file_sums(v, err);
}

/* ---- The descriptor ------------------------------------------------------------------------------ */

static void check_references(struct verifying *v)
{
	for (size_t i = 0; i < v->a.ovf->n_files; i++) {
		const struct img_ovf_file *told = &v->a.ovf->files[i];
		const struct appliance_file *file = appliance_file_of(&v->a, told);

		if (img_ovf_file_of(v->a.ovf, told->id) != told)
			add_problem(v, "file.twice", told->id, _("is the id of two files"));
		check_once(v, told->href);
		if (!img_ovf_href_is_inside(told->href))
			add_problem(v, "file.outside", told->href,
				    _("is no name of a file in the appliance"));
		else if (!told->chunk && (!file || !file->regular))
			add_problem(v, "file.missing", told->href, _("is not there"));
		else if (file && told->size != IMG_SIZE_UNKNOWN && file->size != told->size)
			add_problem(v, "file.size", told->href,
				    _("has %" PRIu64 " bytes, and %" PRIu64 " by the descriptor"),
				    file->size, told->size);
	}
}

static const struct img_ovf_disk *disk_of(const struct img_ovf *ovf, const char *id)
{
	for (size_t i = 0; id && i < ovf->n_disks; i++)
		if (!strcmp(ovf->disks[i].id, id))
			return &ovf->disks[i];
	return NULL;
}

static void check_disks(struct verifying *v)
{
	const struct img_ovf *ovf = v->a.ovf;

	for (size_t i = 0; i < ovf->n_disks; i++) {
		const struct img_ovf_disk *disk = &ovf->disks[i];

		if (disk_of(ovf, disk->id) != disk)
			add_problem(v, "disk.twice", disk->id, _("is the id of two disks"));
		if (disk->file && !img_ovf_file_of(ovf, disk->file))
			add_problem(v, "disk.file", disk->id,
				    _("is in the file \"%s\", of which nothing is told"), disk->file);
		if (disk->parent && !disk_of(ovf, disk->parent))
			add_problem(v, "disk.parent", disk->id,
				    _("stands on the disk \"%s\", of which nothing is told"),
				    disk->parent);
	}
}

static void check_items(struct verifying *v, const struct img_ovf_system *system)
{
	const char *name = system->name ? system->name : system->id ? system->id : "";

	for (size_t i = 0; i < system->n_items; i++) {
		const struct img_ovf_item *item = &system->items[i];

		if (item->disk && !disk_of(v->a.ovf, item->disk))
			add_problem(v, "machine.disk", name,
				    _("has the disk \"%s\", of which nothing is told"), item->disk);
		if (item->file && !img_ovf_file_of(v->a.ovf, item->file))
			add_problem(v, "machine.file", name,
				    _("has the file \"%s\", of which nothing is told"), item->file);
	}
}

/* Readers of streams take the first member for the descriptor. */
static void check_order(struct verifying *v)
{
	if (v->a.packed && strcmp(v->a.files[0].name, v->a.descriptor.name))
		add_problem(v, "descriptor.late", v->a.descriptor.name,
			    _("is not the first file of the archive"));
}

static void add_flaw(void *ctx, unsigned line, const char *text)
{
	struct verifying *v = ctx;

	add_problem(v, "schema.invalid", v->a.descriptor.name, _("line %u: %s"), line, text);
}

static bool check_schema(struct verifying *v, struct img_err *err)
{
	if (!v->opt->schema)
		return true;
	if (!v->a.ovf)
		return img_fail(err, IMG_E_ARGUMENT, _("%s: has no descriptor for a schema"), v->a.path);
	return img_ovf_validate(v->a.descriptor.bytes, v->a.descriptor.len, v->opt->schema, add_flaw, v,
				err);
}

/* ---- The disks ----------------------------------------------------------------------------------- */

static void compare_capacity(struct verifying *v, const struct appliance_disk *disk,
			     const struct img *im)
{
	const uint64_t told = disk->told->capacity, has = img_size(im);

	if (told != IMG_SIZE_UNKNOWN && has != IMG_SIZE_UNKNOWN && told != has)
		add_problem(v, "disk.capacity", disk->name,
			    _("holds a disk of %" PRIu64 " bytes, and %" PRIu64 " by the descriptor"), has,
			    told);
}

static bool check_image(struct verifying *v, const struct appliance_disk *disk, struct img_err *err)
{
	struct img_open how = v->a.how;
	struct img_err why = { 0 };
	char member[APPLIANCE_MEMBER_TEXT], *path;
	struct img *im;

	if (!disk->told && !disk->file)
		add_problem(v, "file.missing", disk->name, _("is not there"));
	/* Of all others it is told elsewhere what is missing. */
	if (!disk->told || !disk->file || !disk->file->regular || disk->told->parent ||
	    disk->reference->chunk)
		return true;
	if (!appliance_place(&v->a, disk, &path, member, err))
		return false;
	how.path = path;
	how.member = member[0] ? member : NULL;
	how.gate = &img_gate_local;
	how.flags = IMG_OPEN_NO_KEY;
	im = img_open(&how, &why);
	if (im)
		compare_capacity(v, disk, im);
	else
		add_problem(v, "disk.unreadable", disk->name, "%s", why.text);
	img_close(im);
	free(path);
	return true;
}

static bool check_all(struct verifying *v, struct img_err *err)
{
	if (v->a.ovf) {
		check_order(v);
		check_once(v, v->a.descriptor.name);
		check_references(v);
		check_disks(v);
		for (size_t i = 0; i < v->a.ovf->n_systems; i++)
			check_items(v, &v->a.ovf->systems[i]);
	}
	for (size_t i = 0; i < v->a.n_disks; i++)
		if (!check_image(v, &v->a.disks[i], err))
			return false;
	return check_manifest(v, err) && check_schema(v, err);
}

static bool verify(struct verifying *v, struct img_node *root, struct img_err *err)
{
	img_node_text(root, "filename", v->a.path);
	img_node_label(root, _("file name"));
	img_node_flag(root, "has-manifest", v->a.manifest.bytes != NULL);
	img_node_label(root, _("has a manifest"));
	v->problems = img_node_list(root, "problems");
	img_node_label(root, _("problems"));
	return check_all(v, err) && (v->opt->quiet || img_report_write(root, v->opt->style, stdout, err));
}

bool ova_verify(const struct options *opt, char *const *names, int n, int *status, struct img_err *err)
{
	struct verifying v = { .opt = opt };
	bool ok = source_open_appliance(&opt->source, names[0], &v.a, err);

	(void)n;
	if (ok) {
		struct img_node *root = img_node_root("imgova");

		ok = root ? verify(&v, root, err) : out_of_memory(err);
		img_node_free(root);
	}
	if (ok && v.n)
		*status = CMD_DAMAGED;
	img_manifest_free(v.manifest);
	appliance_close(&v.a);
	return ok;
}
