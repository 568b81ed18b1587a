/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgconv --tar: several sources, each of which becomes a new image in one archive. */
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/text.h"
#include "imgconv/imgconv.h"

/* What contradicts --tar: it is about one target, or one report. */
static const char *contradiction(const struct options *opt)
{
	const struct { bool given; const char *option; } wishes[] = {
		{ opt->target.backing, "backing" }, { opt->in_place, "no-create" },
		{ opt->salvage, "salvage" }, { opt->digest, "digest" },
		{ opt->report.wanted, "output" }, { opt->with_snapshots, "with-snapshots" },
		{ opt->reads_as_zero, "target-is-zero" }, { opt->skip_same, "skip-same" },
	};

	for (size_t i = 0; i < sizeof(wishes) / sizeof(*wishes); i++)
		if (wishes[i].given)
			return wishes[i].option;
	return NULL;
}

bool check_tar(const struct options *opt, struct img_err *err)
{
	const char *option = contradiction(opt);

	return !option || img_fail(err, IMG_E_ARGUMENT, _("--tar makes several images, and cannot go "
							  "with --%s"), option);
}

/* ---- Names --------------------------------------------------------------------------------------- */

/* The length of a name without its last ending. */
static size_t stem(const char *name, size_t len)
{
	const char *dot = memrchr(name, '.', len);

	return dot && dot > name ? (size_t)(dot - name) : len;
}

/* "disks/web.vmdk" and "web.vmdk.xz" become "web.qcow2"; the caller frees it. */
static char *member_name(const char *source, const char *format, struct img_err *err)
{
	const char *slash = strrchr(source, '/'), *base = slash ? slash + 1 : source;
	size_t len = stem(base, strlen(base));
	char *inner = strndup(base, len), *name = NULL;

	if (inner && img_format_for_file(inner))
		len = stem(base, len);
	if (!inner || (strcmp(source, "-") ? asprintf(&name, "%.*s.%s", (int)len, base, format)
					   : asprintf(&name, "disk.%s", format)) < 0) {
		name = NULL;
		out_of_memory(err);
	}
	free(inner);
	return name;
}

static bool check_name(const struct img_bundle *bundle, const char *source, const char *name,
		       struct img_err *err)
{
	struct img_bundle_member other;

	for (size_t i = 0; i < img_bundle_count(bundle); i++) {
		img_bundle_member(bundle, i, &other);
		if (!strcmp(other.name, name))
			return img_fail(err, IMG_E_ARGUMENT,
					_("%s: the archive has a member \"%s\" already"), source, name);
	}
	return true;
}

/* ---- The archive --------------------------------------------------------------------------------- */

static bool add(const struct options *opt, const struct img_format *format, struct img_bundle *bundle,
		char *source, struct img_err *err)
{
	char *names[2] = { source, member_name(source, img_format_name(format), err) };
	int status = 0;		/* nothing can be lost without --salvage */
	const bool ok = names[1] && check_name(bundle, source, names[1], err) &&
			convert(opt, format, names, bundle, &status, err) && img_bundle_end(bundle, err);

	free(names[1]);
	return ok;
}

bool convert_to_tar(const struct options *opt, const struct img_format *format, char *const *names,
		    int n, struct img_err *err)
{
	const struct img_bundle_new how = {
		.path = names[n - 1], .cache = opt->cache, .filter = opt->filter, .time = target_time(false),
	};
	struct img_bundle *bundle;
	bool ok = true;

	for (int i = 0; ok && i < n - 1; i++)
		ok = check_names(opt, names[i], how.path, err);
	bundle = ok ? img_bundle_create(&how, err) : NULL;
	ok = bundle;
	for (int i = 0; ok && i < n - 1; i++)
		ok = add(opt, format, bundle, names[i], err);
	ok = ok && img_bundle_finish(bundle, err);
	img_bundle_close(bundle);
	return ok;
}
