/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* New images for the tests, and their judges. */
#include "unit/format/qcow2/writer.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/num.h"

enum kind { DATA, NOISE, ZERO, HOLE, N_KINDS };

const char *const plain_options[13] = {
	"",
	"compat=0.10",
	"compat=0.10" BACKING,
	"compat=v3" BACKING,
	"cluster_size=512",
	"cluster_size=512,refcount_bits=64" BACKING,
	"cluster_size=512,refcount_bits=1",
	"cluster_size=1k,refcount_bits=2",
	"cluster_size=4k,refcount_bits=4,lazy_refcounts=on",
	"cluster_size=16k,extended_l2=on",
	"cluster_size=16k,extended_l2=on" BACKING,
	"cluster_size=32k,refcount_bits=8" BACKING,
	"cluster_size=2M,refcount_bits=32",
};

static uint32_t next(struct trial *t, uint32_t below)
{
	t->state = t->state * 1664525 + 1013904223;
	return (t->state >> 8) % below;
}

/* ---- A store that takes nothing but the next byte ---------------------------------------------- */

struct pipe_store {
	struct img_store st;
	struct img_store *file;
	uint64_t next;
};

static bool pipe_write(struct img_store *st, uint64_t at, const void *buf, size_t len,
		       struct img_err *err)
{
	struct pipe_store *pipe = (struct pipe_store *)st;

	cr_assert_eq(at, pipe->next);
	pipe->next += len;
	return img_store_write(pipe->file, at, buf, len, err);
}

static bool pipe_publish(struct img_store *st, struct img_err *err)
{
	return img_store_publish(((struct pipe_store *)st)->file, err);
}

static void pipe_close(struct img_store *st)
{
	img_store_close(((struct pipe_store *)st)->file);
	free(st);
}

static const struct img_store_ops pipe_ops = {
	.kind = "pipe", .write = pipe_write, .publish = pipe_publish, .close = pipe_close,
};

struct img_store *pipe_to(struct img_store *file)
{
	struct pipe_store *pipe = calloc(1, sizeof(*pipe));

	pipe->st.ops = &pipe_ops;
	pipe->st.name = strdup("pipe");
	pipe->st.caps = IMG_STORE_WRITE;
	pipe->st.align = 1;
	pipe->file = file;
	return &pipe->st;
}

/* ---- Making an image --------------------------------------------------------------------------- */

static bool make_data_file(const struct img_opener *self, const struct img_reference *ref,
			   struct img_store **out, struct img_err *err)
{
	(void)self;
	*out = img_store_file_new(ref->name, IMG_CACHE_UNSAFE, err);
	return *out;
}

static const struct img_opener opener = { .create = make_data_file };

static void write_file(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "wb");

	cr_assert(f && fwrite(bytes, 1, len, f) == len);
	cr_assert_eq(fclose(f), 0);
}

/* A file of the right size whose bytes must not be seen. */
static struct img_store *dirty_file(struct trial *t)
{
	const size_t len = 4 * DISK;
	uint8_t *old = malloc(len);

	memset(old, 0xdd, len);
	write_file(t->image, old, len);
	free(old);
	return img_store_file(t->image, IMG_OPEN_WRITE, IMG_CACHE_UNSAFE, &t->err);
}

struct img_store *open_store(struct trial *t)
{
	struct img_store *store = t->dirty ? dirty_file(t)
					   : img_store_file_new(t->image, IMG_CACHE_UNSAFE, &t->err);

	cr_assert(store, "%s", t->err.text);
	return t->pipe ? pipe_to(store) : store;
}

bool create_on(struct trial *t, struct img_store *store)
{
	struct img_settings *set = img_settings_parse(qcow2_create_options, t->options, &t->err);
	const struct img_layer_create what = {
		.size = t->size_unknown ? IMG_SIZE_UNKNOWN : t->size,
		.settings = set, .compressed = t->compressed, .in_place = t->dirty,
		.opener = &opener,
	};
	bool ok;

	t->ly.store = store;
	ok = set && qcow2_create(&t->ly, &what, &t->err);
	img_settings_free(set);
	t->hide = ok && t->ly.backing;
	return ok;
}

void close_layer(struct trial *t)
{
	struct qcow2 *q = t->ly.priv;

	if (t->encoder)
		t->ly.codec->close(t->encoder);
	if (q) {
		qcow2_new_free(q->fresh);
		qcow2_header_clear(&q->header);
		img_store_close(q->data_file);
	}
	free(q);
	free(t->ly.backing);
	free(t->ly.backing_format);
	img_store_close(t->ly.store);
	memset(&t->ly, 0, sizeof(t->ly));
	t->encoder = NULL;
	t->n_queue = 0;
}

static bool publish_one(struct trial *t)
{
	struct img_slot *s = &t->queue[0];
	const bool ok = s->stored_len ? qcow2_write_ops.publish(&t->ly, s, 1, &t->err)
				      : qcow2_write_ops.zero(&t->ly, s->at, s->len, &t->err);

	memmove(t->queue, t->queue + 1, --t->n_queue * sizeof(*s));
	return ok;
}

static bool enqueue(struct trial *t, const struct img_slot *slot)
{
	if (t->n_queue == LAG && !publish_one(t))
		return false;
	t->queue[t->n_queue++] = *slot;
	return true;
}

static bool put_slot(struct trial *t, struct img_slot slot, const void *bytes)
{
	return qcow2_write_ops.reserve(&t->ly, &slot, 1, &t->err) &&
	       img_store_write(slot.store, slot.host, bytes, slot.stored_len, &t->err) &&
	       enqueue(t, &slot);
}

static bool put_compressed(struct trial *t, uint64_t at, uint64_t len)
{
	const size_t unit = t->ly.unit;
	uint8_t *in = calloc(1, unit), *out = malloc(unit);
	struct img_slot slot = { .at = at, .len = len, .stored_len = len };
	size_t used;
	bool ok;

	memcpy(in, t->disk + at, len);
	if (!t->encoder)
		t->encoder = t->ly.codec->open(t->ly.codec_level, unit, &t->err);
	ok = t->encoder && t->ly.codec->encode(t->encoder, in, unit, out, unit - 1, &used, &t->err);
	if (ok && used) {
		slot.stored_len = used;
		slot.flags = IMG_SLOT_COMPRESSED;
	}
	ok = ok && put_slot(t, slot, used ? out : in);
	free(in);
	free(out);
	return ok;
}

static bool put_data(struct trial *t, uint64_t at, uint64_t len)
{
	const struct img_slot whole = { .at = at, .len = len, .stored_len = len };

	if (!t->ly.codec)
		return put_slot(t, whole, t->disk + at);
	for (uint64_t done = 0; done < len; done += t->ly.unit)
		if (!put_compressed(t, at + done, img_min_u64(t->ly.unit, len - done)))
			return false;
	return true;
}

/* What the guest is to see in [at, at + len). */
static void fill(struct trial *t, enum kind kind, uint64_t at, uint64_t len)
{
	for (uint64_t i = at; i < at + len; i++) {
		if (kind == DATA)
			t->disk[i] = (uint8_t)(1 + i / 700 % 250);
		else if (kind == NOISE)
			t->disk[i] = (uint8_t)next(t, 256);
		else
			t->disk[i] = kind == HOLE && t->hide ? t->below[i] : 0;
	}
}

/* The next random run of whole units. */
static enum kind next_run(struct trial *t, uint64_t at, uint64_t *len)
{
	const uint64_t unit = t->ly.unit;

	*len = unit * (1 + next(t, next(t, 4) ? 3 : (uint32_t)(600000 / unit + 2)));
	*len = img_min_u64(*len, t->size - at);
	return next(t, N_KINDS);
}

static bool announce(struct trial *t)
{
	const uint32_t state = t->state;
	uint64_t at = 0, len;

	if (!t->pipe)
		return true;
	for (; at < t->size; at += len) {
		const enum kind kind = next_run(t, at, &len);

		fill(t, kind, at, len);
		if (kind != HOLE &&
		    !qcow2_write_ops.announce(&t->ly, at, len,
					      kind == ZERO ? IMG_EXTENT_ZERO : IMG_EXTENT_DATA,
					      &t->err))
			return false;
	}
	t->state = state;
	return qcow2_write_ops.begin(&t->ly, &t->err);
}

static bool put_all(struct trial *t)
{
	uint64_t at = 0, len;

	for (; at < t->size; at += len) {
		const enum kind kind = next_run(t, at, &len);
		const struct img_slot zero = { .at = at, .len = len };

		fill(t, kind, at, len);
		if (kind == ZERO ? !enqueue(t, &zero) : kind != HOLE && !put_data(t, at, len))
			return false;
	}
	while (t->n_queue)
		if (!publish_one(t))
			return false;
	return true;
}

bool write_image(struct trial *t)
{
	if (!announce(t) || !put_all(t))
		return false;
	t->ly.size = t->size;
	return qcow2_write_ops.finish(&t->ly, &t->err);
}

struct trial *trial_new(const char *options)
{
	struct trial *t = calloc(1, sizeof(*t));

	strcpy(t->dir, "/tmp/qcow2-writer-XXXXXX");
	cr_assert(mkdtemp(t->dir));
	cr_assert_eq(chdir(t->dir), 0);
	strcpy(t->image, "image.qcow2");
	t->options = options;
	t->size = DISK;
	t->state = 12345;
	t->disk = calloc(1, DISK);
	t->below = malloc(DISK);
	memset(t->below, 0xbb, DISK);
	write_file("below.raw", t->below, DISK);
	return t;
}

void trial_free(struct trial *t)
{
	char command[64];

	close_layer(t);
	snprintf(command, sizeof(command), "rm -r %s", t->dir);
	cr_assert_eq(system(command), 0);
	free(t->disk);
	free(t->below);
	free(t);
}

/* ---- Judging ----------------------------------------------------------------------------------- */

bool have_qemu_img(void)
{
	return system("qemu-img --version >/dev/null 2>&1") == 0;
}

void compare_with(struct trial *t, const char *path, size_t len)
{
	uint8_t *got = malloc(len + 1);
	FILE *f = fopen(path, "rb");

	cr_assert(f);
	cr_assert_eq(fread(got, 1, len + 1, f), len, "%s: length", t->options);
	fclose(f);
	for (size_t i = t->size; i < len; i++)
		cr_assert_eq(got[i], 0, "\"%s\": tail of %s", t->options, path);
	if (memcmp(got, t->disk, t->size)) {
		size_t i = 0;

		while (got[i] == t->disk[i])
			i++;
		cr_assert(false, "\"%s\": byte %zu of %s", t->options, i, path);
	}
	free(got);
}

static void judge(struct trial *t)
{
	struct stat st;
	const size_t unit = t->ly.unit;

	cr_assert(img_store_publish(t->ly.store, &t->err), "%s", t->err.text);
	if (((struct qcow2 *)t->ly.priv)->data_file)
		cr_assert(img_store_publish(((struct qcow2 *)t->ly.priv)->data_file, &t->err));
	close_layer(t);
	cr_assert_eq(stat(t->image, &st), 0);
	cr_assert_eq(st.st_size % unit, 0, "\"%s\" ends within a cluster", t->options);
	cr_assert_eq(system("qemu-img check image.qcow2 >check.log 2>&1 &&"
			    "qemu-img convert -O raw image.qcow2 out.raw"), 0, "\"%s\"", t->options);
	compare_with(t, "out.raw", img_round_up(t->size, 512));
}

void round_trip(struct trial *t)
{
	cr_assert(create_on(t, open_store(t)), "\"%s\": %s", t->options, t->err.text);
	cr_assert(write_image(t), "\"%s\": %s", t->options, t->err.text);
	judge(t);
	trial_free(t);
}

