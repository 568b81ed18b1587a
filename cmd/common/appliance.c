/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See appliance.h. */
#include "common/appliance.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include "common/memory.h"
#include "common/text.h"

/* Bytes of a descriptor, of a manifest, and members that are looked at. */
enum { MOST_TEXT = 4 << 20, MOST_FILES = 16384 };
/* Where the header of a member of a tar archive says what it is. */
enum { TAR_MAGIC = 257 };

static const char *without_dot(const char *name)
{
	while (!strncmp(name, "./", 2))
		name += 2;
	return name;
}

static bool ends_in(const char *name, const char *ending)
{
	const size_t len = strlen(name), n = strlen(ending);

	return len > n && !strcasecmp(name + len - n, ending);
}

/* ---- Files --------------------------------------------------------------------------------------- */

static struct appliance_file *add_file(struct appliance *a, const char *name, struct img_err *err)
{
	struct appliance_file *v = a->files;

	if (a->n_files == MOST_FILES) {
		img_fail(err, IMG_E_RANGE, _("has more than %d files"), MOST_FILES);
		return NULL;
	}
	if (a->n_files == a->cap_files) {
		v = reallocarray(v, a->cap_files = 2 * a->cap_files + 16, sizeof(*v));
		if (v)
			a->files = v;
	}
	if (v) {
		v += a->n_files;
		*v = (struct appliance_file){ .name = strdup(name), .size = IMG_SIZE_UNKNOWN };
	}
	if (v && v->name) {
		a->n_files++;
		return v;
	}
	out_of_memory(err);
	return NULL;
}

bool appliance_same_name(const char *a, const char *b)
{
	return !strcmp(without_dot(a), without_dot(b));
}

const struct appliance_file *appliance_file(const struct appliance *a, const char *name)
{
	for (size_t i = 0; name && i < a->n_files; i++)
		if (appliance_same_name(a->files[i].name, name))
			return &a->files[i];
	return NULL;
}

const struct appliance_file *appliance_file_of(const struct appliance *a,
					       const struct img_ovf_file *told)
{
	const struct appliance_file *file = told ? appliance_file(a, told->href) : NULL;

	return file || !told ? file : appliance_file(a, told->uri);
}

char *appliance_path(const struct appliance *a, const char *name, struct img_err *err)
{
	const char *slash = strrchr(a->path, '/');
	char *path;

	if (asprintf(&path, "%.*s%s", slash ? (int)(slash + 1 - a->path) : 0, a->path, name) >= 0)
		return path;
	out_of_memory(err);
	return NULL;
}

/* ---- Archives ------------------------------------------------------------------------------------ */

/* Where the bytes of a member go that is a text; NULL: it is none, or there is one already. */
static struct appliance_text *text_of(struct appliance *a, const struct img_member *m)
{
	struct appliance_text *text = ends_in(m->name, ".ovf") ? &a->descriptor
				      : ends_in(m->name, ".mf") ? &a->manifest
				      : appliance_same_name(m->name, "metadata.json") ? &a->metadata : NULL;

	return text && !text->bytes && m->kind == IMG_MEMBER_FILE ? text : NULL;
}

static bool read_text(struct img_archive *archive, const struct img_member *m,
		      struct appliance_text *text, struct img_err *err)
{
	if (m->size > MOST_TEXT)
		return img_fail(err, IMG_E_RANGE, _("\"%s\" has more than the %d bytes that are read"),
				m->name, MOST_TEXT);
	text->name = strdup(m->name);
	text->bytes = malloc(m->size + 1);
	if (!text->name || !text->bytes)
		return out_of_memory(err);
	return img_archive_read(archive, text->bytes, m->size, &text->len, err);
}

static bool add_member(struct appliance *a, struct img_archive *archive, const struct img_member *m,
		       struct img_err *err)
{
	struct appliance_file *file = add_file(a, m->name, err);
	struct appliance_text *text = text_of(a, m);

	if (!file)
		return false;
	file->member = m->number;
	file->size = m->size;
	file->regular = m->kind == IMG_MEMBER_FILE;
	return !text || read_text(archive, m, text, err);
}

static bool read_archive(struct appliance *a, struct img_err *err)
{
	struct img_archive *archive = img_archive_open(&a->how, err);
	struct img_member member;
	bool ok = archive != NULL, end = false;

	a->packed = true;
	while (ok && !end) {
		ok = img_archive_next(archive, &member, &end, err);
		if (ok && !end)
			ok = add_member(a, archive, &member, err);
	}
	img_archive_close(archive);
	return ok;
}

/* ---- Descriptors that are files ------------------------------------------------------------------ */

static bool read_stream(FILE *in, struct appliance_text *text, struct img_err *err)
{
	text->bytes = malloc(MOST_TEXT + 1);
	if (!text->bytes)
		return out_of_memory(err);
	text->len = fread(text->bytes, 1, MOST_TEXT + 1, in);
	if (ferror(in))
		return img_fail_os(err, _("cannot read"));
	return text->len <= MOST_TEXT ||
	       img_fail(err, IMG_E_RANGE, _("has more than the %d bytes that are read"), MOST_TEXT);
}

/* "web.ovf" has its manifest in "web.mf". */
static bool read_manifest_beside(struct appliance *a, struct img_err *err)
{
	const size_t len = ends_in(a->path, ".ovf") ? strlen(a->path) - 4 : strlen(a->path);
	const char *slash = strrchr(a->path, '/');
	char *path;
	FILE *in;
	bool ok;

	if (asprintf(&path, "%.*s.mf", (int)len, a->path) < 0)
		return out_of_memory(err);
	in = fopen(path, "re");
	ok = in ? read_stream(in, &a->manifest, err) : errno == ENOENT || img_fail_os(err, "%s", path);
	if (in) {
		(void)fclose(in);	/* was only read */
		a->manifest.name = strdup(path + (slash ? slash + 1 - a->path : 0));
	}
	free(path);
	return ok && (!in || a->manifest.name || out_of_memory(err));
}

/* What a descriptor names must be in its folder; what is not there is only missing. */
static bool add_named_file(struct appliance *a, const char *href, struct img_err *err)
{
	char *path = NULL;
	struct appliance_file *file;
	struct stat st;

	if (!img_ovf_href_is_inside(href))
		return img_fail(err, IMG_E_DENIED, _("names \"%s\", which is not in its own folder"), href);
	path = appliance_path(a, href, err);
	if (!path)
		return false;
	if (stat(path, &st)) {
		free(path);
		return true;
	}
	free(path);
	file = add_file(a, href, err);
	if (!file)
		return false;
	file->regular = S_ISREG(st.st_mode);
	file->size = file->regular ? (uint64_t)st.st_size : IMG_SIZE_UNKNOWN;
	return true;
}

static bool add_named_files(struct appliance *a, struct img_err *err)
{
	const char *slash = strrchr(a->path, '/');

	/* The manifest names the descriptor, too. */
	if (!add_named_file(a, slash ? slash + 1 : a->path, err))
		return false;
	for (size_t i = 0; i < a->ovf->n_files; i++) {
		const struct img_ovf_file *told = &a->ovf->files[i];

		if (!add_named_file(a, told->href, err) ||
		    (!appliance_file_of(a, told) && !add_named_file(a, told->uri, err)))
			return false;
	}
	return true;
}

/* XML begins with "<", behind blanks or a byte order mark; the name of a member may do so, too. */
static bool looks_like_xml(FILE *in, bool *is, struct img_err *err)
{
	char head[TAR_MAGIC + sizeof("ustar") - 1];
	const size_t n = fread(head, 1, sizeof(head), in);
	size_t i = n >= 3 && !memcmp(head, "\xef\xbb\xbf", 3) ? 3 : 0;

	if (ferror(in))
		return img_fail_os(err, _("cannot read"));
	while (i < n && memchr(" \t\r\n", head[i], 4))
		i++;
	*is = i < n && head[i] == '<' && (n < sizeof(head) || memcmp(head + TAR_MAGIC, "ustar", 5));
	rewind(in);
	return true;
}

static bool read_files(struct appliance *a, struct img_err *err)
{
	FILE *in;
	bool is_xml = false, ok;

	/* On a server nothing lies beside a descriptor. */
	if (img_path_is_uri(a->path))
		return read_archive(a, err);
	in = fopen(a->path, "re");
	if (!in)
		return img_fail_os(err, _("cannot open"));
	ok = looks_like_xml(in, &is_xml, err) && (!is_xml || read_stream(in, &a->descriptor, err));
	(void)fclose(in);	/* was only read */
	if (!ok || !is_xml)
		return ok && read_archive(a, err);
	a->descriptor.name = strdup(a->path);
	return a->descriptor.name ? read_manifest_beside(a, err) : out_of_memory(err);
}

/* ---- Disks --------------------------------------------------------------------------------------- */

static bool told_disks(struct appliance *a, struct img_err *err)
{
	a->disks = calloc(a->ovf->n_disks + 1, sizeof(*a->disks));
	if (!a->disks)
		return out_of_memory(err);
	for (size_t i = 0; i < a->ovf->n_disks; i++) {
		struct appliance_disk *d = &a->disks[a->n_disks++];

		d->told = &a->ovf->disks[i];
		d->reference = img_ovf_file_of(a->ovf, d->told->file);
		d->file = appliance_file_of(a, d->reference);
		d->name = d->reference ? d->reference->href : d->told->id;
	}
	return true;
}

/* Of a box for libvirt: those that its metadata list. */
static bool listed_disks(struct appliance *a, struct img_err *err)
{
	if (!a->metadata.bytes)
		return true;
	a->box = img_box_read(a->metadata.bytes, a->metadata.len, err);
	if (!a->box)
		return img_within(err, "%s", a->metadata.name);
	a->disks = calloc(a->box->n_disks + 1, sizeof(*a->disks));
	if (!a->disks)
		return out_of_memory(err);
	for (size_t i = 0; i < a->box->n_disks; i++)
		a->disks[a->n_disks++] = (struct appliance_disk){
			.file = appliance_file(a, a->box->disks[i]), .name = a->box->disks[i],
		};
	return true;
}

/* Otherwise "box.img", or "box_1.img" and so on. */
static bool boxed_disks(struct appliance *a, struct img_err *err)
{
	if (!listed_disks(a, err) || a->n_disks)
		return a->n_disks;
	free(a->disks);
	a->disks = calloc(a->n_files + 1, sizeof(*a->disks));
	if (!a->disks)
		return out_of_memory(err);
	for (size_t i = 0; i < a->n_files; i++) {
		const struct appliance_file *file = &a->files[i];

		if (file->regular && !strncmp(without_dot(file->name), "box", 3) &&
		    ends_in(file->name, ".img"))
			a->disks[a->n_disks++] = (struct appliance_disk){
				.file = file, .name = file->name,
			};
	}
	return a->n_disks || img_fail(err, IMG_E_NOT_THIS_FORMAT,
				      _("holds neither a descriptor (OVF) nor the disk of a box"));
}

static bool read_all(struct appliance *a, struct img_err *err)
{
	if (!read_files(a, err))
		return false;
	if (!a->descriptor.bytes)
		return boxed_disks(a, err);
	a->ovf = img_ovf_read(a->descriptor.bytes, a->descriptor.len, err);
	if (!a->ovf)
		return a->packed ? img_within(err, "%s", a->descriptor.name) : false;
	return (a->packed || add_named_files(a, err)) && told_disks(a, err);
}

/* Its disks are read after what tells where they are, and in any order. */
static bool check_file(const struct appliance *a, struct img_err *err)
{
	struct stat st;

	return (strcmp(a->path, "-") && (stat(a->path, &st) || !S_ISFIFO(st.st_mode))) ||
	       img_fail(err, IMG_E_UNSUPPORTED,
			_("an appliance has to be a file: it is read more than once"));
}

bool appliance_open(const struct img_open *how, struct appliance *out, struct img_err *err)
{
	const char *path = how->path;
	const size_t len = strlen(path);

	*out = (struct appliance){ .how = *how, .path = path };
	if (check_file(out, err) && read_all(out, err))
		return true;
	/* Those that opened it have said its name. */
	return !strncmp(err->text, path, len) && err->text[len] == ':' ? false
								       : img_within(err, "%s", path);
}

void appliance_close(struct appliance *a)
{
	for (size_t i = 0; i < a->n_files; i++)
		free(a->files[i].name);
	free(a->files);
	free(a->disks);
	img_ovf_free(a->ovf);
	free(a->descriptor.name);
	free(a->descriptor.bytes);
	free(a->manifest.name);
	free(a->manifest.bytes);
	free(a->metadata.name);
	free(a->metadata.bytes);
	img_box_free(a->box);
}

const struct appliance_disk *appliance_find(const struct appliance *a, const char *which,
					    struct img_err *err)
{
	char *end;
	const unsigned long n = strtoul(which, &end, 10);

	if (*which && !*end && n >= 1 && n <= a->n_disks)
		return &a->disks[n - 1];
	for (size_t i = 0; i < a->n_disks; i++)
		if (!strcmp(a->disks[i].name, which) ||
		    (a->disks[i].told && !strcmp(a->disks[i].told->id, which)))
			return &a->disks[i];
	img_fail(err, IMG_E_ARGUMENT, _("%s: has no disk \"%s\", but %zu disks"), a->path, which, a->n_disks);
	return NULL;
}

static bool check_place(const struct appliance *a, const struct appliance_disk *disk, struct img_err *err)
{
	if (disk->told && disk->told->parent)
		return img_fail(err, IMG_E_UNSUPPORTED, _("%s: disk \"%s\" stands on another one"), a->path,
				disk->name);
	if (disk->reference && disk->reference->chunk)
		return img_fail(err, IMG_E_UNSUPPORTED, _("%s: disk \"%s\" is cut into pieces"), a->path,
				disk->name);
	if (disk->told && !disk->told->file)
		return img_fail(err, IMG_E_INCOMPLETE, _("%s: disk \"%s\" is empty: it has no file"), a->path,
				disk->name);
	return (disk->file && disk->file->regular) ||
	       img_fail(err, IMG_E_INCOMPLETE, _("%s: the file of disk \"%s\" is not there"), a->path,
			disk->name);
}

bool appliance_place(const struct appliance *a, const struct appliance_disk *disk, char **path,
		     char member[APPLIANCE_MEMBER_TEXT], struct img_err *err)
{
	if (!check_place(a, disk, err))
		return false;
	member[0] = '\0';
	if (disk->file->member)
		snprintf(member, APPLIANCE_MEMBER_TEXT, "%" PRIu64, disk->file->member);
	*path = a->packed ? strdup(a->path) : appliance_path(a, disk->file->name, err);
	return *path || out_of_memory(err);
}
