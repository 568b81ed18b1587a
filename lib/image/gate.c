/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files that are named inside images: what a name means, and whether it may be opened.
 * The name comes from an untrusted file, so nothing is opened before the gate has said yes.
 */
#include <string.h>
#include <sys/stat.h>
#include "base/mem.h"
#include "image/image.h"
#include "store/rbd-name.h"

/* Length of "scheme:" in front of a name such as "nbd://host" or "json:{...}"; 0: a plain path. */
static size_t scheme_length(const char *name)
{
	const size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789+.-");

	return len && name[len] == ':' ? len + 1 : 0;
}

static const char *without_file_scheme(const char *name)
{
	return strncmp(name, "file:", 5) ? name : name + 5;
}

static bool deny_all(void *ctx, const struct img_reference *ref, struct img_err *err)
{
	(void)ctx;
	return img_fail(err, IMG_E_DENIED,
			_("the image names the file \"%s\", and opening others is not allowed"),
			ref->name);
}

/* Whether name leads out of the directory of the image that names it. */
static bool leads_out(const char *name)
{
	if (*name == '/')
		return true;
	while (*name) {
		const size_t len = strcspn(name, "/");

		if (len == 2 && !strncmp(name, "..", 2))
			return true;
		name += len + (name[len] == '/');
	}
	return false;
}

static bool allow_file(const struct img_reference *ref, struct img_err *err)
{
	struct stat st;

	/* Beside an image behind a server is what another URI leads to. */
	if (scheme_length(without_file_scheme(ref->name)) || img_path_is_uri(ref->path))
		return img_fail(err, IMG_E_DENIED,
				_("the image names \"%s\", which is not a local file"), ref->name);
	if (stat(ref->path, &st))
		return errno == ENOENT || img_fail_os(err, "%s", ref->path);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return img_fail(err, IMG_E_DENIED,
				_("the image names \"%s\", which is not a file or block device"),
				ref->name);
	return true;
}

static bool is_on_cluster(const struct img_reference *ref)
{
	return ref->kind == IMG_REF_BACKING && img_path_is_rbd(ref->path);
}

static bool allow_anywhere(void *ctx, const struct img_reference *ref, struct img_err *err)
{
	(void)ctx;
	return is_on_cluster(ref) || allow_file(ref, err);
}

/*
 * Extents move together with their descriptor; unless the user knows better, a place elsewhere is an
 * attack.  So is an image on a cluster: its name may have settings that make Ceph write files.
 */
static bool allow_local(void *ctx, const struct img_reference *ref, struct img_err *err)
{
	(void)ctx;
	if (is_on_cluster(ref))
		return img_fail(err, IMG_E_DENIED, _("the image names \"%s\", which is not a local file but "
				"an image on a Ceph cluster; --trusted opens it, --parent another one"),
				ref->name);
	if (ref->kind == IMG_REF_EXTENT && leads_out(without_file_scheme(ref->name)))
		return img_fail(err, IMG_E_DENIED,
				_("the image names \"%s\", which is not in its own folder"),
				ref->name);
	return allow_file(ref, err);
}

const struct img_gate img_gate_deny = { .allow = deny_all };
const struct img_gate img_gate_local = { .allow = allow_local };
const struct img_gate img_gate_anywhere = { .allow = allow_anywhere };

bool img_within_file(struct img_err *err, const char *name)
{
	const size_t len = strlen(name);

	if (err && !strncmp(err->text, name, len) && err->text[len] == ':')
		return false;
	return img_within(err, "%s", name);
}

/* Of an image on a cluster, which has no folder, what has that name in its pool and namespace. */
char *img_resolve(const char *base, const char *name, struct img_err *err)
{
	const char *plain = without_file_scheme(name);
	const char *slash = strrchr(base, '/');

	if (plain[0] == '/' || !slash || scheme_length(plain))
		return img_strdup(plain, err);
	if (img_path_is_rbd(base))
		return img_rbd_name_beside(base, plain, err);
	return img_format_text(err, "%.*s/%s", (int)(slash - base), base, plain);
}

char *img_allowed_path(const struct img_gate *gate, const char *base,
		       const struct img_reference *ref, struct img_err *err)
{
	struct img_reference resolved = *ref;
	char *path = img_resolve(base, ref->name, err);

	if (!gate)
		gate = &img_gate_deny;
	resolved.path = path;
	if (path && gate->allow(gate->ctx, &resolved, err))
		return path;
	free(path);
	return NULL;
}

struct img_store *img_open_reference(const struct img_gate *gate, const struct img_reference *ref,
				     unsigned flags, enum img_cache cache, struct img_err *err)
{
	if (!gate)
		gate = &img_gate_deny;
	if (!gate->allow(gate->ctx, ref, err))
		return NULL;
	if (ref->kind == IMG_REF_BACKING)
		return img_open_file(ref->path, flags, cache, gate, err);
	return img_store_file(ref->path, flags, cache, err);
}
