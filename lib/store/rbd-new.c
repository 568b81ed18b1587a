/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See rbd-new.h. */
#include "store/rbd-new.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/deadline.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/random.h"
#include "store/rbd.h"

/* What librbd takes, by its orders 12 to 25. */
enum { LEAST_ORDER = 12, MOST_ORDER = 25 };

/* What librbd keeps the names of a pool in. */
static const char directory[] = "rbd_directory";

static const struct feature {
	const char *name;
	uint64_t bit;
} features[] = {
	{ RBD_FEATURE_NAME_LAYERING, RBD_FEATURE_LAYERING },
	{ RBD_FEATURE_NAME_STRIPINGV2, RBD_FEATURE_STRIPINGV2 },
	{ RBD_FEATURE_NAME_EXCLUSIVE_LOCK, RBD_FEATURE_EXCLUSIVE_LOCK },
	{ RBD_FEATURE_NAME_OBJECT_MAP, RBD_FEATURE_OBJECT_MAP },
	{ RBD_FEATURE_NAME_FAST_DIFF, RBD_FEATURE_FAST_DIFF },
	{ RBD_FEATURE_NAME_DEEP_FLATTEN, RBD_FEATURE_DEEP_FLATTEN },
	{ RBD_FEATURE_NAME_JOURNALING, RBD_FEATURE_JOURNALING },
	{ RBD_FEATURE_NAME_DATA_POOL, RBD_FEATURE_DATA_POOL },
};

static bool add_feature(const char *name, size_t len, uint64_t *bits, struct img_err *err)
{
	for (size_t i = 0; i < sizeof(features) / sizeof(*features); i++)
		if (strlen(features[i].name) == len && !memcmp(features[i].name, name, len)) {
			*bits |= features[i].bit;
			return true;
		}
	return img_fail(err, IMG_E_ARGUMENT, _("images have no feature \"%.*s\""), (int)len, name);
}

static bool parse_features(const char *list, uint64_t *bits, struct img_err *err)
{
	*bits = 0;
	while (*list) {
		const size_t len = strcspn(list, ",+");

		if (!add_feature(list, len, bits, err))
			return false;
		list += len + (list[len] != '\0');
	}
	return true;
}

static bool order_of(uint64_t object_size, uint64_t *order, struct img_err *err)
{
	for (*order = LEAST_ORDER; *order <= MOST_ORDER; ++*order)
		if (object_size == UINT64_C(1) << *order)
			return true;
	return img_fail(err, IMG_E_ARGUMENT, _("objects have 4k to 32M, a power of two, not %" PRIu64
			" bytes"), object_size);
}

/* Whether librbd took an option. */
static bool taken(struct img_rbd *rbd, int ret, struct img_err *err)
{
	return img_rbd_fail(rbd, ret, err, _("librbd takes an option not"));
}

static bool set_number(struct img_rbd *rbd, rbd_image_options_t options, int which, uint64_t number,
		       struct img_err *err)
{
	return taken(rbd, rbd->lib.options_number(options, which, number), err);
}

static bool set_options(struct img_rbd *rbd, rbd_image_options_t options,
			const struct img_rbd_new *how, struct img_err *err)
{
	uint64_t number;

	if (how->object_size && (!order_of(how->object_size, &number, err) ||
				 !set_number(rbd, options, RBD_IMAGE_OPTION_ORDER, number, err)))
		return false;
	if (how->features && (!parse_features(how->features, &number, err) ||
			      !set_number(rbd, options, RBD_IMAGE_OPTION_FEATURES, number, err)))
		return false;
	return !how->data_pool ||
	       taken(rbd, rbd->lib.options_string(options, RBD_IMAGE_OPTION_DATA_POOL, how->data_pool), err);
}

/*
 * That it is there, or librbd says no more than that something is not, and that we may use it, or what is
 * begun could not even be removed again.
 */
static bool check_data_pool(struct img_rbd *rbd, const char *pool, struct img_err *err)
{
	rados_ioctx_t data;
	int ret;

	if (!img_rbd_fail(rbd, rbd->lib.pool_open(rbd->cluster, pool, &data), err,
			  _("pool \"%s\" cannot be opened"), pool))
		return false;
	if (rbd->name.space)
		rbd->lib.pool_space(data, rbd->name.space);
	ret = rbd->lib.object_stat(data, directory, NULL, NULL);
	rbd->lib.pool_close(data);
	return ret == -ENOENT || img_rbd_fail(rbd, ret, err, _("pool \"%s\" cannot be used"), pool);
}

static bool create(struct img_rbd *rbd, const char *name, uint64_t size, const struct img_rbd_new *how,
		   struct img_err *err)
{
	rbd_image_options_t options;
	int ret = 0;
	bool ok;

	if (how->data_pool && !check_data_pool(rbd, how->data_pool, err))
		return false;
	rbd->lib.options_create(&options);
	ok = set_options(rbd, options, how, err);
	if (ok)
		ret = rbd->lib.create4(rbd->pool, name, size, options);
	rbd->lib.options_destroy(options);
	return ok && img_rbd_check_space(rbd, ret, err) &&
	       img_rbd_fail(rbd, ret, err, _("the image cannot be made"));
}

bool img_rbd_exists(struct img_rbd *rbd, const char *name, bool *yes, struct img_err *err)
{
	rbd_image_t image;
	int ret = img_rbd_find(rbd, name);

	if (ret >= 0)
		ret = rbd->lib.open_read_only(rbd->pool, name, &image, NULL);
	*yes = ret >= 0;
	if (*yes)
		(void)rbd->lib.close(image);	/* was only looked at */
	return *yes || ret == -ENOENT || img_rbd_fail(rbd, ret, err, _("cannot tell whether it exists"));
}

static bool check_name(struct img_rbd *rbd, struct img_err *err)
{
	bool exists;

	return img_rbd_exists(rbd, rbd->name.image, &exists, err) &&
	       (!exists || img_fail(err, IMG_E_ARGUMENT,
				    _("exists already; only -n writes into what exists")));
}

/* A removal that was cut off leaves an entry in the list of images, which goes while its name finds it. */
bool img_rbd_create_named(struct img_rbd *rbd, struct img_err *err)
{
	bool exists;

	if (!img_rbd_exists(rbd, rbd->name.image, &exists, err))
		return false;
	if (!exists)
		(void)img_rbd_remove(rbd, rbd->name.image, NULL);	/* mostly there is nothing */
	return create(rbd, rbd->name.image, 0, &(struct img_rbd_new){ 0 }, err);
}

bool img_rbd_create(struct img_rbd *rbd, uint64_t size, const struct img_rbd_new *how, struct img_err *err)
{
	uint64_t number;
	char *name;

	if (rbd->name.snapshot)
		return img_fail(err, IMG_E_ARGUMENT, _("a snapshot can only be read"));
	if (!check_name(rbd, err) || !img_random(&number, sizeof(number), err))
		return false;
	name = img_format_text(err, "%s.imgtools-%016" PRIx64 ".part", rbd->name.image, number);
	if (name && create(rbd, name, size, how, err)) {
		rbd->temporary = name;
		return true;
	}
	free(name);
	return false;
}

/* ---- The name ------------------------------------------------------------------------------------ */

static const char lock[] = "imgtools", cookie[] = "gives a name";

/* Seconds after which the lock of who died is nobody's. */
enum { LOCK_SECONDS = 30 };

static int take_lock(struct img_rbd *rbd)
{
	struct timeval duration = { .tv_sec = LOCK_SECONDS };
	const struct timespec until = img_deadline_in(2 * LOCK_SECONDS);
	const struct timespec nap = { .tv_nsec = 20 * 1000 * 1000 };
	int ret;

	for (;;) {
		ret = rbd->lib.object_lock(rbd->pool, directory, lock, cookie, "", &duration, 0);
		if (ret != -EBUSY || img_deadline_is_over(until))
			return ret;
		nanosleep(&nap, NULL);
	}
}

static bool rename_to_free(struct img_rbd *rbd, struct img_err *err)
{
	return check_name(rbd, err) &&
	       img_rbd_fail(rbd, rbd->lib.rename(rbd->pool, rbd->temporary, rbd->name.image), err,
			    _("the new image cannot get its name"));
}

/* Of two that rename at the same time librbd 16.2 may tell both that they have the name. */
bool img_rbd_give_name(struct img_rbd *rbd, struct img_err *err)
{
	bool ok;

	if (!img_rbd_fail(rbd, take_lock(rbd), err, _("the names of the pool cannot be locked")))
		return false;
	ok = rename_to_free(rbd, err);
	if (!rbd->is_silent)
		(void)rbd->lib.object_unlock(rbd->pool, directory, lock, cookie);	/* or it ends */
	if (!ok)
		return false;
	free(rbd->temporary);
	rbd->temporary = NULL;
	return true;
}
