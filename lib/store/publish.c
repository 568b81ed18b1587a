/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Several new files that belong together.  Each takes the place of the one before by an exchange, so that
 * all can go back when one fails; who is killed among them finds the old ones behind hidden names.
 */
#include "base/err.h"
#include "store/file.h"

static struct img_file *new_file_of(struct img_store *st)
{
	struct img_file *file = img_file_of(st);

	return file && file->new_name ? file : NULL;
}

static bool all_are_new(struct img_store *const *stores, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!new_file_of(stores[i]))
			return false;
	return true;
}

static bool one_by_one(struct img_store *const *stores, size_t n, struct img_err *err)
{
	for (size_t i = 0; i < n; i++)
		if (!img_store_publish(stores[i], err))
			return false;
	return true;
}

/* Does a step with each, until one fails; *done: those with which it was done. */
static bool with_each(struct img_store *const *stores, size_t n, size_t *done,
		      bool (*step)(struct img_file *file, struct img_err *err), struct img_err *err)
{
	for (*done = 0; *done < n; (*done)++)
		if (!step(new_file_of(stores[*done]), err))
			return img_within(err, "%s", stores[*done]->name);
	return true;
}

bool img_store_publish_all(struct img_store *const *stores, size_t n, struct img_err *err)
{
	size_t done;

	if (n < 2 || !all_are_new(stores, n))
		return one_by_one(stores, n, err);
	if (!with_each(stores, n, &done, img_new_name_prepare, err))
		return false;
	if (with_each(stores, n, &done, img_new_name_place, err))
		return with_each(stores, n, &done, img_new_name_settle, err);
	while (done > 0)
		img_new_name_withdraw(new_file_of(stores[--done]));
	return false;
}
