/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The way to an image on a cluster: configuration, connection, pool, and who else uses the image.
 * Whose watch is on an image has it open for writing; so has who holds a lock.
 */
#include "store/rbd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/parallel.h"
#include "base/zero.h"

/* By errno.  What was begun is not removed then, which would have to be asked for as well. */
static bool fail_silent(const struct img_rbd *rbd, const char *what, struct img_err *err)
{
	if (!rbd->temporary)
		return img_fail_os(err, "%s", what);
	return img_fail_os(err, _("%s, and what was begun stays as \"%s\""), what, rbd->temporary);
}

bool img_rbd_fail(struct img_rbd *rbd, int ret, struct img_err *err, const char *fmt, ...)
{
	struct img_err what = { 0 };
	va_list args;

	if (ret >= 0)
		return true;
	va_start(args, fmt);
	(void)vsnprintf(what.text, sizeof(what.text), fmt, args);
	va_end(args);
	errno = -ret;
	if (ret == -ETIMEDOUT || ret == -ESHUTDOWN) {
		rbd->is_silent = true;
		return fail_silent(rbd, ret == -ETIMEDOUT ? what.text
				   : _("the cluster has cut off this client (blocklist)"), err);
	}
	return img_fail_os(err, "%s", what.text);
}

/* From so many on a client is left as many threads as it is configured to have. */
enum { MANY_CORES = 4 };

/* ---- The cluster --------------------------------------------------------------------------------- */

/* Who writes keeps the bytes (rbd-flight.c), what is copied once needs no cache, and we do the talking. */
static const struct img_rbd_setting ours[] = {
	{ (char *)"rbd_disable_zero_copy_writes", (char *)"false" },
	{ (char *)"rbd_cache", (char *)"false" },
	{ (char *)"log_to_stderr", (char *)"false" },
	{ (char *)"err_to_stderr", (char *)"false" },
};

/* More threads that talk to the cluster than there are cores for only wake each other. */
static const struct img_rbd_setting few_cores[] = { { (char *)"ms_async_op_threads", (char *)"1" } };

static bool set(struct img_rbd *rbd, const struct img_rbd_setting *v, size_t n, bool must,
		struct img_err *err)
{
	for (size_t i = 0; i < n; i++)
		if (rbd->lib.set_conf(rbd->cluster, v[i].name, v[i].value) < 0 && must)
			return img_fail(err, IMG_E_ARGUMENT, _("Ceph takes no setting \"%s\" of \"%s\""),
					v[i].name, v[i].value);
	return true;
}

/* That there is no configuration where nobody named one is no failure: settings may say all. */
static bool read_configuration(struct img_rbd *rbd, struct img_err *err)
{
	const char *conf = rbd->name.conf;
	const int ret = rbd->lib.read_conf(rbd->cluster, conf);

	return (ret == -ENOENT && !conf && !getenv("CEPH_CONF")) ||
	       img_rbd_fail(rbd, ret, err, "%s", conf ? conf : _("configuration of Ceph"));
}

/* Seconds, rounded up; 0: any number. */
static unsigned seconds_of(struct img_rbd *rbd, const char *setting)
{
	char text[32];
	double seconds;

	if (rbd->lib.get_conf(rbd->cluster, setting, text, sizeof(text)) < 0)
		return 0;
	seconds = strtod(text, NULL);
	return (unsigned)seconds + ((unsigned)seconds < seconds);
}

/* Where nothing else is said answers are waited for as long as the connection, and not without end. */
static bool bound_waiting(struct img_rbd *rbd, struct img_err *err)
{
	static const char *const bounds[] = { "rados_mon_op_timeout", "rados_osd_op_timeout" };
	char most[32];

	(void)snprintf(most, sizeof(most), "%u", seconds_of(rbd, "client_mount_timeout"));
	for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++)
		if (!seconds_of(rbd, bounds[i]) &&
		    !set(rbd, &(struct img_rbd_setting){ (char *)bounds[i], most }, 1, true, err))
			return false;
	rbd->patience = seconds_of(rbd, "rados_osd_op_timeout");
	return true;
}

static bool configure(struct img_rbd *rbd, struct img_err *err)
{
	return read_configuration(rbd, err) &&
	       img_rbd_fail(rbd, rbd->lib.read_args(rbd->cluster, NULL), err, "CEPH_ARGS") &&
	       set(rbd, ours, sizeof(ours) / sizeof(*ours), false, err) &&
	       set(rbd, few_cores, img_thread_count(0, MANY_CORES) < MANY_CORES, false, err) &&
	       set(rbd, rbd->name.settings, rbd->name.n_settings, true, err) && bound_waiting(rbd, err);
}

/* Takes from the arguments what the name does not say.  *to: owned. */
static bool complete(char **to, char *(*word)(const char *args, struct img_err *err), const char *args,
		     struct img_err *err)
{
	struct img_err why = { 0 };

	if (*to)
		return true;
	*to = word(args, &why);
	return !why.code || img_fail(err, why.code, "%s", why.text);
}

static bool read_arguments(struct img_rbd *rbd, struct img_err *err)
{
	const char *args = getenv("CEPH_ARGS");

	if (!args)
		return true;
	if (!complete(&rbd->name.id, img_rbd_id_of_args, args, err) ||
	    !complete(&rbd->name.conf, img_rbd_conf_of_args, args, err))
		return false;
	if (rbd->name.conf && !*rbd->name.conf) {
		free(rbd->name.conf);
		rbd->name.conf = NULL;
	}
	return true;
}

static bool make_client(struct img_rbd *rbd, struct img_err *err)
{
	return img_rbd_fail(rbd, rbd->lib.create(&rbd->cluster, rbd->name.id), err,
			    _("cannot be a client of Ceph"));
}

static bool open_pool(struct img_rbd *rbd, struct img_err *err)
{
	const int ret = rbd->lib.pool_open(rbd->cluster, rbd->name.pool, &rbd->pool);

	if (!img_rbd_fail(rbd, ret, err, _("pool \"%s\" cannot be opened"), rbd->name.pool)) {
		rbd->pool = NULL;
		return false;
	}
	if (rbd->name.space)
		rbd->lib.pool_space(rbd->pool, rbd->name.space);
	/* In a full pool requests would wait until there is room; they are to fail. */
	rbd->lib.pool_full_try(rbd->pool);
	return true;
}

static bool join_cluster(struct img_rbd *rbd, struct img_err *err)
{
	const int ret = rbd->lib.connect(rbd->cluster);

	return img_rbd_fail(rbd, ret, err, "%s", ret == -ENOENT
			    ? _("cannot connect to the cluster: no monitor, or no key, is found")
			    : _("cannot connect to the cluster"));
}

bool img_rbd_connect(struct img_rbd *rbd, const char *path, struct img_err *err)
{
	*rbd = (struct img_rbd){ 0 };
	return img_rbd_name_parse(path, &rbd->name, err) && img_rbd_load(&rbd->lib, err) &&
	       read_arguments(rbd, err) && make_client(rbd, err) && configure(rbd, err) &&
	       join_cluster(rbd, err) && open_pool(rbd, err);
}

/* ---- Who else uses the image --------------------------------------------------------------------- */

enum { MAX_USERS = 8, ADDRESS_BYTES = 4096 };
#define ANY SIZE_MAX

static bool fail_busy(const char *address, struct img_err *err)
{
	return img_fail(err, IMG_E_BUSY, _("is in use by the client at %s"), address);
}

static bool fail_removed(struct img_err *err)
{
	return img_fail(err, IMG_E_IO, _("was removed while it was read"));
}

/* own: watches that are ours, or ANY: those of others do no harm. */
static bool check_watchers(struct img_rbd *rbd, size_t own, struct img_err *err)
{
	rbd_image_watcher_t v[MAX_USERS];
	size_t n = MAX_USERS;
	const int ret = rbd->lib.watchers_list(rbd->image, v, &n);
	bool ok;

	if (ret == -ERANGE)
		return own == ANY || fail_busy(_("several places"), err);
	if (ret == -ENOENT)
		return fail_removed(err);
	if (!img_rbd_fail(rbd, ret, err, _("nobody tells who uses the image")))
		return false;
	ok = n <= own || fail_busy(v[0].addr, err);
	rbd->lib.watchers_cleanup(v, n);
	return ok;
}

/*
 * Which of n locks somebody took by hand; n: none.  Those that librbd takes for a writer have such a cookie,
 * and stay when it dies; whether it lives its watch tells, and librbd breaks the lock of one that does not.
 */
static size_t find_lock(const char *cookies, size_t n)
{
	size_t i = 0;

	for (; i < n && !strncmp(cookies, "auto ", 5); i++)
		cookies += strlen(cookies) + 1;
	return i;
}

static bool check_lockers(struct img_rbd *rbd, struct img_err *err)
{
	char tag[ADDRESS_BYTES], clients[ADDRESS_BYTES], cookies[ADDRESS_BYTES];
	char addresses[ADDRESS_BYTES];
	size_t tag_len = sizeof(tag), clients_len = sizeof(clients);
	size_t cookies_len = sizeof(cookies), addresses_len = sizeof(addresses);
	int exclusive;
	const ssize_t n = rbd->lib.list_lockers(rbd->image, &exclusive, tag, &tag_len, clients,
						&clients_len, cookies, &cookies_len, addresses,
						&addresses_len);
	const char *address = addresses;
	size_t found;

	if (n == -ERANGE)
		return fail_busy(_("several places"), err);
	if (!img_rbd_fail(rbd, (int)n, err, _("nobody tells who has locked the image")))
		return false;
	found = find_lock(cookies, (size_t)n);
	if (found == (size_t)n)
		return true;
	while (found--)
		address += strlen(address) + 1;
	return fail_busy(address, err);
}

static bool take_lock(struct img_rbd *rbd, struct img_err *err)
{
	uint64_t features;

	if (!img_rbd_fail(rbd, rbd->lib.get_features(rbd->image, &features), err,
			  _("cannot read its features")))
		return false;
	return !(features & RBD_FEATURE_EXCLUSIVE_LOCK) ||
	       img_rbd_fail(rbd, rbd->lib.lock_acquire(rbd->image, RBD_LOCK_MODE_EXCLUSIVE), err,
			    _("its exclusive lock is not to be had"));
}

/* Whether it is no matter who else uses the image. */
static bool is_shared(const struct img_rbd *rbd)
{
	return (rbd->open_flags & IMG_OPEN_NO_LOCK) ||
	       ((rbd->open_flags & IMG_OPEN_FORCE_SHARE) && !(rbd->open_flags & IMG_OPEN_WRITE));
}

/*
 * Whose watch appears after we looked sees ours.  The lock comes after that: who holds it and is idle
 * would give it to us.
 */
static bool claim(struct img_rbd *rbd, struct img_err *err)
{
	const bool write = rbd->open_flags & IMG_OPEN_WRITE;

	if (is_shared(rbd) || rbd->name.snapshot)
		return true;
	return check_watchers(rbd, write ? 1 : 0, err) && check_lockers(rbd, err) &&
	       (!write || take_lock(rbd, err));
}

/* Who may use one namespace alone may not be allowed to ask, so it is no condition. */
bool img_rbd_check_space(struct img_rbd *rbd, int ret, struct img_err *err)
{
	bool exists = true;

	if (ret == -ENOENT && rbd->name.space &&
	    rbd->lib.namespace_exists(rbd->pool, rbd->name.space, &exists) < 0)
		return true;
	return exists || img_fail(err, IMG_E_ARGUMENT, _("the pool \"%s\" has no namespace \"%s\""),
				  rbd->name.pool, rbd->name.space);
}

/* A negative errno, or 0. */
static int find_object(struct img_rbd *rbd, const char *before, const char *image, const char *behind)
{
	IMG_AUTO_FREE char *name = img_format_text(NULL, "%s%s%s", before, image, behind);

	return name ? rbd->lib.object_stat(rbd->pool, name, NULL, NULL) : -ENOMEM;
}

/*
 * By the object that an image of format 2, or else 1, has under its name.  Who may open it may not be allowed
 * to ask.
 */
int img_rbd_find(struct img_rbd *rbd, const char *image)
{
	int ret = find_object(rbd, "rbd_id.", image, "");

	if (ret == -ENOENT)
		ret = find_object(rbd, "", image, ".rbd");
	return ret == -EPERM || ret == -EACCES ? 0 : ret;
}

bool img_rbd_open(struct img_rbd *rbd, const char *image, unsigned flags, struct img_err *err)
{
	const bool write = flags & IMG_OPEN_WRITE;
	const char *snapshot = rbd->name.snapshot;
	int ret;

	rbd->open_flags = flags;
	if (write && snapshot)
		return img_fail(err, IMG_E_DENIED, _("a snapshot can only be read"));
	/* What is read once the cluster need not keep in memory. */
	rbd->read_flags = flags & IMG_OPEN_ONCE
		? LIBRADOS_OP_FLAG_FADVISE_SEQUENTIAL | LIBRADOS_OP_FLAG_FADVISE_NOCACHE : 0;
	ret = img_rbd_find(rbd, image);
	if (ret >= 0)
		ret = write ? rbd->lib.open(rbd->pool, image, &rbd->image, NULL)
			    : rbd->lib.open_read_only(rbd->pool, image, &rbd->image, snapshot);
	if (!img_rbd_check_space(rbd, ret, err) ||
	    !img_rbd_fail(rbd, ret, err, _("the image cannot be opened"))) {
		rbd->image = NULL;
		return false;
	}
	if (img_rbd_fail(rbd, rbd->lib.get_stripe_unit(rbd->image, &rbd->unit), err,
			 _("cannot tell the size of its objects")) && claim(rbd, err))
		return true;
	(void)img_rbd_close(rbd);		/* failed already */
	return false;
}

/* 1 or 0: whether the object has that key among its values; or a negative errno. */
static int has_key(struct img_rbd *rbd, const char *object, const char *key)
{
	const struct img_rbd_library *lib = &rbd->lib;
	rados_read_op_t op = lib->op_create();
	rados_omap_iter_t found = NULL;
	char *name = NULL, *value;
	size_t len;
	int ret, failed = 0;

	if (!op)
		return -ENOMEM;
	lib->op_get_keys(op, &key, 1, &found, &failed);
	ret = lib->op_run(op, rbd->pool, object, 0);
	if (ret >= 0 && failed >= 0)
		ret = lib->keys_next(found, &name, &value, &len);
	if (found)
		lib->keys_end(found);
	lib->op_release(op);
	return ret < 0 ? ret : failed < 0 ? failed : name != NULL;
}

/*
 * What the open image knows of its snapshots is as old as that, and librbd is not asked to open it again:
 * that takes twenty talks, and one of 16.2 does not always survive when threads do it.  So the header is
 * looked at, which lists each by its number.
 */
static bool confirm_snapshot(struct img_rbd *rbd, struct img_err *err)
{
	char id[ADDRESS_BYTES], object[ADDRESS_BYTES + 16], key[32];
	uint64_t number;
	int ret = rbd->lib.get_id(rbd->image, id, sizeof(id));

	if (ret >= 0)
		ret = rbd->lib.snap_id(rbd->image, rbd->name.snapshot, &number);
	if (ret >= 0) {
		(void)snprintf(object, sizeof(object), "rbd_header.%s", id);
		(void)snprintf(key, sizeof(key), "snapshot_%016" PRIx64, number);
		ret = has_key(rbd, object, key);
	}
	if (!ret || ret == -ENOENT)
		return fail_removed(err);
	return img_rbd_fail(rbd, ret, err, _("nobody tells whether it is still there"));
}

/* own: watches that are no matter. */
static bool confirm(struct img_rbd *rbd, size_t own, struct img_err *err)
{
	return rbd->name.snapshot ? confirm_snapshot(rbd, err) : check_watchers(rbd, own, err);
}

bool img_rbd_confirm(struct img_rbd *rbd, struct img_err *err)
{
	return (rbd->open_flags & IMG_OPEN_WRITE) || confirm(rbd, is_shared(rbd) ? ANY : 0, err);
}

/* Nobody can remove it while we write, and whoever reads it once confirms all at the end. */
static bool are_beyond_doubt(const struct img_rbd *rbd)
{
	return rbd->open_flags & (IMG_OPEN_WRITE | IMG_OPEN_ONCE);
}

bool img_rbd_believe_zeros(struct img_rbd *rbd, struct img_err *err)
{
	return are_beyond_doubt(rbd) || confirm(rbd, ANY, err);
}

/* Part by part of what lies in one object. */
bool img_rbd_believe(struct img_rbd *rbd, uint64_t at, const void *buf, size_t len, struct img_err *err)
{
	const uint8_t *bytes = buf;
	size_t part;

	if (are_beyond_doubt(rbd))
		return true;
	for (size_t done = 0; done < len; done += part) {
		part = img_min_u64(len - done, rbd->unit - (at + done) % rbd->unit);
		if (img_is_zero(bytes + done, part))
			return img_rbd_believe_zeros(rbd, err);
	}
	return true;
}
