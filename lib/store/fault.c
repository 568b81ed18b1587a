/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A store that fails on purpose, for tests: it passes everything on, counts, and fails the calls
 * that its script names.
 */
#include "store/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"

#define MAX_RULES 32
#define SECTOR 512

/* In place of an errno. */
enum {
	SHORT = -1,	/* half of the work is done first */
	TORN  = -2,	/* half of a write, but whole sectors, as when the power fails */
};

enum call {
	CALL_SIZE, CALL_READ, CALL_WRITE, CALL_ZERO, CALL_EXTENT, CALL_RESIZE, CALL_PREALLOCATE,
	CALL_SYNC, CALL_COPY, CALL_PUBLISH, N_CALLS
};

static const char *const call_names[N_CALLS] = {
	"size", "read", "write", "zero", "extent", "resize", "preallocate", "sync", "copy",
	"publish",
};

static const struct { const char *name; int value; } outcomes[] = {
	{ "short", SHORT }, { "torn", TORN }, { "EIO", EIO }, { "ENOSPC", ENOSPC }, { "EDQUOT", EDQUOT },
	{ "EFBIG", EFBIG }, { "ENOMEM", ENOMEM }, { "EACCES", EACCES }, { "EPERM", EPERM },
	{ "EROFS", EROFS }, { "EPIPE", EPIPE }, { "EBUSY", EBUSY },
};

struct rule {
	enum call call;
	uint64_t nth;		/* counted from 1 */
	int outcome;		/* errno, SHORT or TORN */
};

struct fault {
	struct img_store st;
	struct img_store *parent;	/* owned */
	_Atomic uint64_t count[N_CALLS];
	struct rule rules[MAX_RULES];
	size_t n_rules;
};

/* Counts a call; 0, or what is to happen to it. */
static int outcome_of(struct img_store *st, enum call call)
{
	struct fault *fault = (struct fault *)st;
	const uint64_t nth = atomic_fetch_add(&fault->count[call], 1) + 1;

	for (size_t i = 0; i < fault->n_rules; i++) {
		if (fault->rules[i].call == call && fault->rules[i].nth == nth)
			return fault->rules[i].outcome;
	}
	return 0;
}

static bool fail(struct img_store *st, enum call call, int outcome, struct img_err *err)
{
	errno = outcome < 0 ? EIO : outcome;
	return img_fail_os(err, _("%s: injected failure of \"%s\""), st->name,
			   call_names[call]);
}

/* For calls that are not done by halves. */
static bool passes(struct img_store *st, enum call call, struct img_err *err)
{
	const int outcome = outcome_of(st, call);

	return outcome == 0 || fail(st, call, outcome, err);
}

static struct img_store *parent_of(struct img_store *st)
{
	return ((struct fault *)st)->parent;
}

static bool fault_size(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	return passes(st, CALL_SIZE, err) && img_store_size(parent_of(st), bytes, err);
}

/* A short read is one of a file that ends there. */
static bool fault_read(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
		       struct img_err *err)
{
	const int outcome = outcome_of(st, CALL_READ);

	if (outcome != 0 && outcome != SHORT)
		return fail(st, CALL_READ, outcome, err);
	return img_store_read_some(parent_of(st), at, buf, outcome == SHORT ? len / 2 : len, got,
				   err);
}

static bool fault_peek(struct img_store *st, void *buf, size_t len, size_t *got,
		       struct img_err *err)
{
	return passes(st, CALL_READ, err) && img_store_peek(parent_of(st), buf, len, got, err);
}

/* How much of a write is done before it fails. */
static size_t part_of(int outcome, uint64_t at, size_t len)
{
	if (outcome == TORN)
		return img_min_u64(img_round_up(at + len / 2, SECTOR) - at, len);
	return outcome == SHORT ? len / 2 : 0;
}

static bool fault_write(struct img_store *st, uint64_t at, const void *buf, size_t len,
			struct img_err *err)
{
	const int outcome = outcome_of(st, CALL_WRITE);

	if (outcome == 0)
		return img_store_write(parent_of(st), at, buf, len, err);
	if (outcome < 0 && !img_store_write(parent_of(st), at, buf, part_of(outcome, at, len), err))
		return false;
	return fail(st, CALL_WRITE, outcome, err);
}

static bool fault_zero(struct img_store *st, uint64_t at, uint64_t len, bool keep_space,
		       struct img_err *err)
{
	return passes(st, CALL_ZERO, err) &&
	       img_store_zero(parent_of(st), at, len, keep_space, err);
}

/* The place of the answer is the faulty store, for reading there to be counted. */
static bool fault_extent(struct img_store *st, uint64_t at, uint64_t limit, struct img_extent *out,
			 struct img_err *err)
{
	if (!passes(st, CALL_EXTENT, err) ||
	    !img_store_extent(parent_of(st), at, limit, out, err))
		return false;
	if (out->store == parent_of(st))
		out->store = st;
	return true;
}

static bool fault_resize(struct img_store *st, uint64_t bytes, struct img_err *err)
{
	return passes(st, CALL_RESIZE, err) && img_store_resize(parent_of(st), bytes, err);
}

static bool fault_preallocate(struct img_store *st, uint64_t at, uint64_t len,
			      enum img_preallocation how, struct img_err *err)
{
	return passes(st, CALL_PREALLOCATE, err) &&
	       img_store_preallocate(parent_of(st), at, len, how, err);
}

static void fault_expect(struct img_store *st, uint64_t end)
{
	img_store_expect(parent_of(st), end);
}

static void fault_expect_run(struct img_store *st, uint64_t at, uint64_t end)
{
	img_store_expect_run(parent_of(st), at, end);
}

static bool fault_sync(struct img_store *st, struct img_err *err)
{
	return passes(st, CALL_SYNC, err) && img_store_sync(parent_of(st), err);
}

static bool fault_copy(struct img_store *st, uint64_t at, struct img_store *from, uint64_t from_at,
		       uint64_t len, uint64_t *done, struct img_err *err)
{
	return passes(st, CALL_COPY, err) &&
	       img_store_copy(parent_of(st), at, from, from_at, len, done, err);
}

static bool fault_publish(struct img_store *st, struct img_err *err)
{
	return passes(st, CALL_PUBLISH, err) && img_store_publish(parent_of(st), err);
}

static void fault_close(struct img_store *st)
{
	img_store_close(parent_of(st));
	free(st);
}

static const struct img_store_ops fault_ops = {
	.kind = "fault",
	.passes_on = true,
	.size = fault_size,
	.read = fault_read,
	.peek = fault_peek,
	.write = fault_write,
	.zero = fault_zero,
	.extent = fault_extent,
	.resize = fault_resize,
	.preallocate = fault_preallocate,
	.expect = fault_expect,
	.expect_run = fault_expect_run,
	.sync = fault_sync,
	.copy = fault_copy,
	.publish = fault_publish,
	.close = fault_close,
};

/* Whether the len characters at text are the name. */
static bool is_name(const char *name, const char *text, size_t len)
{
	return strlen(name) == len && memcmp(name, text, len) == 0;
}

static bool parse_call(const char **text, struct rule *rule)
{
	const size_t len = strcspn(*text, ":");

	for (size_t i = 0; i < N_CALLS; i++) {
		if ((*text)[len] == ':' && is_name(call_names[i], *text, len)) {
			rule->call = (enum call)i;
			*text += len + 1;
			return true;
		}
	}
	return false;
}

static bool parse_nth(const char **text, struct rule *rule)
{
	char *end;

	if (**text < '1' || **text > '9')
		return false;
	errno = 0;
	rule->nth = strtoull(*text, &end, 10);
	*text = end;
	return errno == 0;
}

static bool parse_outcome(const char **text, struct rule *rule)
{
	size_t len;

	rule->outcome = EIO;
	if (**text != '=')
		return true;
	len = strcspn(++*text, ",");
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		if (is_name(outcomes[i].name, *text, len)) {
			rule->outcome = outcomes[i].value;
			*text += len;
			return true;
		}
	}
	return false;
}

static bool parse_script(struct fault *fault, const char *script, struct img_err *err)
{
	for (const char *text = script; *text; ) {
		struct rule rule;

		if (fault->n_rules == MAX_RULES || !parse_call(&text, &rule) ||
		    !parse_nth(&text, &rule) || !parse_outcome(&text, &rule) ||
		    (*text && *text != ','))
			return img_fail(err, IMG_E_ARGUMENT, _("wrong script of faults at \"%s\""),
					text);
		fault->rules[fault->n_rules++] = rule;
		text += *text == ',';
	}
	return true;
}

struct img_store *img_store_fault(struct img_store *parent, const char *script,
				  struct img_err *err)
{
	struct fault *fault = img_calloc(1, sizeof(*fault), err);

	if (!fault)
		return NULL;
	fault->st = (struct img_store){
		.ops = &fault_ops, .caps = parent->caps, .align = parent->align,
		.cache = parent->cache,
	};
	fault->st.name = img_strdup(parent->name, err);
	if (fault->st.name && parse_script(fault, script, err)) {
		fault->parent = parent;
		return &fault->st;
	}
	img_store_close(&fault->st);
	return NULL;
}
