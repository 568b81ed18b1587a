/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshots that a cluster keeps of an image.  Those that Ceph made for itself (of groups, mirrors, or that
 * only clones still need) are not among them.
 */
#include "store/rbd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "base/mem.h"

/* ---- Which there are ----------------------------------------------------------------------------- */

/* Somebody else may make one more each time that there was no room for all. */
enum { FIRST_ROOM = 16, ATTEMPTS = 8 };

/* *out is for snap_list_end() if *n is not 0, and for free(). */
static bool read_list(struct img_rbd *rbd, rbd_snap_info_t **out, size_t *n, struct img_err *err)
{
	int room = FIRST_ROOM, ret = -ERANGE;

	*out = NULL;
	*n = 0;
	for (int i = 0; ret == -ERANGE && i < ATTEMPTS; i++) {
		free(*out);
		*out = img_calloc((size_t)room, sizeof(**out), err);
		if (!*out)
			return false;
		ret = rbd->lib.snap_list(rbd->image, *out, &room);
	}
	*n = ret > 0 ? (size_t)ret : 0;
	return img_rbd_fail(rbd, ret, err, _("nobody tells what snapshots there are"));
}

static bool is_users(struct img_rbd *rbd, uint64_t id)
{
	rbd_snap_namespace_type_t type;

	return rbd->lib.snap_namespace(rbd->image, id, &type) < 0 ||
	       type == RBD_SNAP_NAMESPACE_TYPE_USER;
}

static bool describe(struct img_rbd *rbd, const rbd_snap_info_t *info, struct img_snapshot *out,
		     struct img_err *err)
{
	struct timespec when = { 0 };

	if (!img_rbd_fail(rbd, rbd->lib.snap_time(rbd->image, info->id, &when), err,
			  _("nobody tells when the snapshot \"%s\" was made"), info->name))
		return false;
	*out = (struct img_snapshot){
		.id = img_format_text(err, "%" PRIu64, info->id), .name = img_strdup(info->name, err),
		.seconds = when.tv_sec > 0 ? (uint64_t)when.tv_sec : 0,
		.nanoseconds = (uint32_t)when.tv_nsec, .icount = IMG_SNAPSHOT_UNKNOWN,
		.disk_size = info->size,
		.exclusive = IMG_SNAPSHOT_UNKNOWN, .shared = IMG_SNAPSHOT_UNKNOWN,
	};
	return out->id && out->name;
}

bool img_rbd_snap_list(struct img_rbd *rbd, struct img_snapshot **out, size_t *n, struct img_err *err)
{
	rbd_snap_info_t *list;
	size_t count;
	bool ok = read_list(rbd, &list, &count, err);

	*n = 0;
	*out = ok && count ? img_calloc(count, sizeof(**out), err) : NULL;
	ok = ok && (*out || !count);
	for (size_t i = 0; ok && i < count; i++)
		if (is_users(rbd, list[i].id))
			ok = describe(rbd, &list[i], &(*out)[(*n)++], err);
	if (count)
		rbd->lib.snap_list_end(list);
	free(list);
	return ok;
}

/* Whose id `which` is, or else whose name; NULL: nobody's. */
static const struct img_snapshot *find(const struct img_snapshot *list, size_t n, const char *which)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].id, which))
			return &list[i];
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].name, which))
			return &list[i];
	return NULL;
}

/* The name, for free(), of the snapshot called so by id or name.  NULL: none, or a failure if err says so. */
static char *look_for(struct img_rbd *rbd, const char *which, struct img_err *err)
{
	const struct img_snapshot *found;
	struct img_snapshot *list;
	char *name = NULL;
	size_t n;

	if (img_rbd_snap_list(rbd, &list, &n, err) && (found = find(list, n, which)))
		name = img_strdup(found->name, err);
	img_snapshot_list_free(list, n);
	return name;
}

static char *name_of(struct img_rbd *rbd, const char *which, struct img_err *err)
{
	struct img_err why = { 0 };
	char *name = look_for(rbd, which, &why);

	if (!name && why.code)
		*err = why;
	else if (!name)
		img_fail(err, IMG_E_ARGUMENT, _("there is no snapshot \"%s\""), which);
	return name;
}

/* A name that one can have, and that leads to it alone. */
static bool check_new_name(struct img_rbd *rbd, const char *name, struct img_err *err)
{
	struct img_err why = { 0 };
	IMG_AUTO_FREE char *taken = NULL;

	if (!*name || strpbrk(name, "@/"))
		return img_fail(err, IMG_E_ARGUMENT, _("a snapshot on a cluster needs a name without @ "
			 "and /"));
	taken = look_for(rbd, name, &why);
	if (why.code)
		return img_fail(err, why.code, "%s", why.text);
	return !taken || img_fail(err, IMG_E_ARGUMENT, _("there is a snapshot already with the id or name "
							 "\"%s\""), name);
}

/* ---- Changes ------------------------------------------------------------------------------------- */

static bool create(struct img_rbd *rbd, const char *name, struct img_err *err)
{
	return img_rbd_fail(rbd, rbd->lib.snap_create(rbd->image, name), err,
			    _("the snapshot \"%s\" cannot be made"), name);
}

bool img_rbd_snap_create(struct img_rbd *rbd, const char *name, struct img_err *err)
{
	return check_new_name(rbd, name, err) && create(rbd, name, err);
}

/* What a rollback that is cut off leaves is part of both; it can be done again. */
bool img_rbd_snap_apply(struct img_rbd *rbd, const char *which, const char *keep, struct img_err *err)
{
	IMG_AUTO_FREE char *name = name_of(rbd, which, err);

	return name && (!keep || img_rbd_snap_create(rbd, keep, err)) &&
	       img_rbd_fail(rbd, rbd->lib.snap_rollback(rbd->image, name), err,
			    _("the disk is not whole now: going back to the snapshot \"%s\" failed, and can "
			      "be tried again"), name);
}

static bool check_protected(struct img_rbd *rbd, const char *name, struct img_err *err)
{
	int is_protected;

	return img_rbd_fail(rbd, rbd->lib.snap_is_protected(rbd->image, name, &is_protected), err,
			    _("nobody tells whether the snapshot \"%s\" is protected"), name) &&
	       (!is_protected ||
		img_fail(err, IMG_E_DENIED, _("the snapshot \"%s\" is protected, as clones may stand on it; "
			 "\"rbd snap unprotect\" ends that"), name));
}

bool img_rbd_snap_remove(struct img_rbd *rbd, const char *which, struct img_err *err)
{
	IMG_AUTO_FREE char *name = name_of(rbd, which, err);

	return name && check_protected(rbd, name, err) &&
	       img_rbd_fail(rbd, rbd->lib.snap_remove(rbd->image, name), err,
			    _("the snapshot \"%s\" cannot be removed"), name);
}

bool img_rbd_snap_rename(struct img_rbd *rbd, const char *which, const char *to, struct img_err *err)
{
	IMG_AUTO_FREE char *name = name_of(rbd, which, err);

	return name && (!strcmp(name, to) ||
			(check_new_name(rbd, to, err) &&
			 img_rbd_fail(rbd, rbd->lib.snap_rename(rbd->image, name, to), err,
				      _("the snapshot \"%s\" cannot get another name"), name)));
}

bool img_rbd_snap_show(struct img_rbd *rbd, const char *which, struct img_err *err)
{
	char *name = name_of(rbd, which, err);

	if (!name)
		return false;
	if (!img_rbd_fail(rbd, rbd->lib.snap_set(rbd->image, name), err,
			  _("the snapshot \"%s\" cannot be opened"), name)) {
		free(name);
		return false;
	}
	free(rbd->name.snapshot);
	rbd->name.snapshot = name;
	return true;
}
