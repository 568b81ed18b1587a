/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checking a file: which format it is, what its driver finds in it, whether what it stands on can be
 * opened, and on demand whether all that it holds can be read.
 */
#include <string.h>
#include "base/mem.h"
#include "base/parallel.h"
#include "image/image.h"

enum { THREADS_MAX = 64 };

static const struct img_finding_kind found_doubtful = {
	"image.doubtful", IMG_CORRUPT, N_("the file looks like raw bytes, but seems to be an image"),
};
static const struct img_finding_kind found_chain = {
	"image.chain", IMG_NOTE, N_("the image cannot be opened together with the files that it names"),
};

static const struct img_finding_kind found_mismatch = {
	"image.mismatch", IMG_CORRUPT, N_("what the image stands on is not what it was made for"),
};

static const struct img_finding_kind found_unread = {
	"image.data.unread", IMG_CORRUPT, N_("the data cannot be read at all"),
};

const struct img_finding_kind *const img_check_kinds[] = {
	&found_doubtful, &found_chain, &found_mismatch, &found_unread, &img_found_lost,
	&img_found_undecodable, NULL,
};

const struct img_finding_kind *const *img_format_findings(const struct img_format *format)
{
	if (!format)
		return img_check_kinds;
	return format->check ? format->check->kinds : NULL;
}

/* While one file is checked. */
struct check {
	const struct img_check *what;
	struct img_open how;
	struct img_checking driver;
	struct img_named_files files;
	struct img_findings found;
	struct img_layer ly;
	struct img_unpacked unpacked;	/* for this check alone */
	const char *doubt;
};

static bool tell(struct check *c, const struct img_finding_kind *kind, const char *text,
		 struct img_err *err)
{
	struct img_finding one = {
		.kind = kind, .n = 1, .host = IMG_NOWHERE, .guest = IMG_NOWHERE,
		.expected = IMG_NOWHERE, .found = IMG_NOWHERE, .detail = img_strdup(text, err),
	};

	return one.detail && img_findings_add(&c->found, one, 0, err);
}

static bool check_structures(struct check *c, struct img_check_result *result, struct img_err *err)
{
	const struct img_format *format = c->ly.format;

	result->format = format;
	if (c->doubt)
		return tell(c, &found_doubtful, _(c->doubt), err);
	if (format == &img_format_raw && img_is_plain_part(c->ly.store)) {
		result->part = N_("bytes of the disk as they are");
		return true;
	}
	if (format->check &&
	    !format->check->check(&c->ly, &c->driver, &c->found, result, err))
		return img_within_file(err, c->ly.store->name);
	return (format->check && !c->ly.nothing_to_check) || c->what->data ||
	       img_fail(err, IMG_E_UNSUPPORTED, _("%s: %s images have nothing that could be checked "
			"but their data"), c->ly.store->name, format->name);
}

static bool is_usable(const struct check *c)
{
	return !c->doubt && !img_findings_total(&c->found, IMG_FATAL);
}

/* Most images stand alone: they are not opened a second time to find that out. */
static bool may_miss_files(const struct check *c)
{
	return (!c->ly.stands_alone || c->what->parent) && !(c->what->flags & IMG_OPEN_NO_BACKING);
}

/* Failures of the machine, and those of whoever names a parent, are failures; of files, findings. */
static bool check_chain(struct check *c, struct img_err *err)
{
	struct img_open how = c->how;
	struct img_err why = { 0 };
	struct img *im;
	const char *mismatch;

	how.flags |= IMG_OPEN_NO_LOCK | IMG_OPEN_NO_KEY;
	im = img_open(&how, &why);
	if (!im && (why.code == IMG_E_NOMEM || c->what->parent)) {
		if (err)
			*err = why;
		return false;
	}
	if (!im)
		return tell(c, &found_chain, why.text, err);
	mismatch = img_layer_mismatch(im, 0);
	img_close(im);
	return !mismatch || tell(c, &found_mismatch, _(mismatch), err);
}

/* Why the image, without its backing file, cannot be opened.  What forbids it is no finding. */
static bool tell_unread(struct check *c, const struct img_err *why, struct img_err *err)
{
	switch (why->code) {
	case IMG_E_IO:
	case IMG_E_CORRUPT:
	case IMG_E_INCOMPLETE:
	case IMG_E_NOT_THIS_FORMAT:
	case IMG_E_RANGE:
		return tell(c, &found_unread, why->text, err);
	default:
		if (err)
			*err = *why;
		return false;
	}
}

static bool check_data(struct check *c, struct img_err *err)
{
	struct img_open how = c->how;
	struct img_err why = { 0 };
	struct img *im;
	bool ok;

	how.flags |= IMG_OPEN_NO_BACKING | IMG_OPEN_NO_LOCK;
	im = img_open(&how, &why);
	ok = im ? img_check_data(im, &c->driver, &c->found, err) : tell_unread(c, &why, err);
	img_close(im);
	return ok;
}

/* What needs the image open; the lock on the file is held by then. */
static bool check_opened(struct check *c, struct img_err *err)
{
	const bool again = c->ly.store->caps & IMG_STORE_SEEK;

	if (!is_usable(c))
		return true;
	if (c->what->data && !again)
		return img_fail(err, IMG_E_UNSUPPORTED, _("%s: the data of what comes through a pipe "
				"cannot be checked"), c->ly.store->name);
	if (again && may_miss_files(c) && !check_chain(c, err))
		return false;
	return !c->what->data || check_data(c, err);
}

static bool put_findings(struct img_findings *found, struct img_check_result *result,
			 struct img_err *err)
{
	if (!img_findings_counts(found, &result->counts, err))
		return false;
	result->n_counts = found->n_tallies;
	for (int i = IMG_NOTE; i <= IMG_FATAL; i++)
		result->totals[i] = img_findings_total(found, i);
	result->findings = found->v;
	result->n_findings = found->n;
	found->v = NULL;
	found->n = 0;
	return true;
}

static void clear_numbers(struct img_check_result *result)
{
	*result = (struct img_check_result){
		.total = IMG_NOWHERE, .allocated = IMG_NOWHERE, .compressed = IMG_NOWHERE,
		.fragmented = IMG_NOWHERE, .image_end = IMG_NOWHERE,
	};
}

void img_checking_init(struct img_checking *how, const struct img_check *what,
		       const struct img_job *job)
{
	*how = (struct img_checking){
		.threads = img_thread_count(what->threads, THREADS_MAX),
		.memory = what->memory ? what->memory : IMG_CHECK_MEMORY, .job = job,
	};
}

bool img_check_layer(struct img_layer *ly, const struct img_checking *how, size_t most,
		     struct img_check_result *result, struct img_err *err)
{
	struct img_findings found = { .most = most ? most : IMG_CHECK_MOST };

	clear_numbers(result);
	result->format = ly->format;
	const bool ok = ly->format->check->check(ly, how, &found, result, err) &&
			put_findings(&found, result, err);
	img_findings_clear(&found);
	return ok;
}

/* What is opened again later, and would have to be unpacked again, or is gone from a pipe. */
static void keep(struct check *c)
{
	struct img_store *st = c->ly.store;

	if ((st->caps & IMG_STORE_SEEK) && !c->how.unpacked->store &&
	    ((st->caps & IMG_STORE_COMING) || !strcmp(c->what->path, "-")))
		c->how.unpacked->store = img_store_hold(st);
}

static bool run(struct check *c, struct img_check_result *result, struct img_err *err)
{
	struct img_store *store = img_open_top_store(&c->how, err);

	if (!store || !img_layer_recognize(&c->ly, store, &c->how, &c->doubt, err))
		return false;
	keep(c);
	img_named_files_init(&c->files, &c->how, c->ly.store->name);
	c->driver.opener = &c->files.opener;
	const bool ok = check_structures(c, result, err) && check_opened(c, err);
	img_store_close(c->ly.header);
	img_store_close(c->ly.store);
	return ok && put_findings(&c->found, result, err);
}

bool img_check_run(const struct img_check *what, const struct img_job *job,
		   struct img_check_result *result, struct img_err *err)
{
	struct check c = {
		.what = what,
		.how = {
			.path = what->path, .format = what->format, .flags = what->flags,
			.gate = what->gate, .parent = what->parent, .keys = what->keys,
			.header = what->header,
			.member = what->member, .max_size = what->max_size,
			.spooled = what->spooled, .spooled_ctx = what->spooled_ctx,
			.unpacked = what->unpacked ? what->unpacked : &c.unpacked,
		},
		.found = { .most = what->most ? what->most : IMG_CHECK_MOST },
	};

	clear_numbers(result);
	img_checking_init(&c.driver, what, job);
	const bool ok = run(&c, result, err);
	img_unpacked_clear(&c.unpacked);
	img_findings_clear(&c.found);
	return ok;
}

void img_check_clear(struct img_check_result *result)
{
	struct img_findings all = { .v = result->findings, .n = result->n_findings };

	img_findings_clear(&all);
	free(result->counts);
	result->findings = NULL;
	result->counts = NULL;
	result->n_findings = result->n_counts = 0;
}
