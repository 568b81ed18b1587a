/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of layouts, and images of them in memory. */
#include "disk/layout.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "unit/fake/files.h"

#define KIB 1024
#define MIB (1024 * KIB)

#define QCOW2 .format = "qcow2"

const struct layout layouts[] = {
	{ .name = "raw", .format = "raw", .size = MIB, .grain = 4 * KIB },
	{ .name = "raw, writethrough", .format = "raw", .size = MIB, .grain = 4 * KIB,
	  .cache = IMG_CACHE_WRITETHROUGH },

	{ .name = "LUKS", .format = "luks", .key = "a key",
	  .options = "iter-time=1,cipher-alg=aes-128,cipher-mode=cbc", .size = MIB,
	  .grain = 4 * KIB, .start = START_FULL },
	{ .name = "LUKS, writethrough", .format = "luks", .key = "a key",
	  .options = "iter-time=1,cipher-alg=aes-128,cipher-mode=cbc,preallocation=full",
	  .size = MIB / 2, .grain = 4 * KIB, .cache = IMG_CACHE_WRITETHROUGH },

	{ .name = "VDI, 512 B", .format = "vdi", .options = "block_size=512", .size = MIB,
	  .grain = 4 * KIB },
	{ .name = "VDI, 4 KiB", .format = "vdi", .options = "block_size=4k", .size = 2 * MIB,
	  .grain = 4 * KIB, .start = START_FULL },
	{ .name = "VDI, 64 KiB, writethrough", .format = "vdi", .options = "block_size=64k",
	  .size = 2 * MIB, .grain = 64 * KIB, .cache = IMG_CACHE_WRITETHROUGH },
	{ .name = "VDI, static", .format = "vdi", .options = "static=on,block_size=64k",
	  .size = MIB, .grain = 64 * KIB },

	{ .name = "VMDK, sparse", .format = "vmdk", .size = 2 * MIB, .grain = 64 * KIB },
	{ .name = "VMDK, zeroed grains, writethrough", .format = "vmdk",
	  .options = "zeroed_grain=on", .size = 2 * MIB, .grain = 64 * KIB, .start = START_FULL,
	  .cache = IMG_CACHE_WRITETHROUGH },
	{ .name = "VMDK, the disk ends in a grain", .format = "vmdk", .size = 2 * MIB - 5 * 512,
	  .grain = 64 * KIB },

	{ .name = "VMDK, backing", .format = "vmdk", .size = MIB, .grain = 64 * KIB,
	  .backing = true },
	{ .name = "VMDK, zeroed grains, backing", .format = "vmdk", .options = "zeroed_grain=on",
	  .size = MIB, .grain = 64 * KIB, .backing = true },
	{ .name = "VMDK, flat", .format = "vmdk", .options = "subformat=monolithicFlat",
	  .size = MIB, .grain = 4 * KIB, .data_file = "image-flat.vmdk" },
	{ .name = "VMDK, split", .format = "vmdk", .options = "subformat=twoGbMaxExtentSparse",
	  .size = 2 * MIB, .grain = 64 * KIB, .data_file = "image-s001.vmdk" },
	{ .name = "cow, QEMU's", .format = "cow", .size = MIB, .grain = 4 * KIB },
	{ .name = "cow, UML's, backing", .format = "cow", .options = "layout=uml-3", .size = MIB,
	  .grain = 4 * KIB, .backing = true },
	{ .name = "cow, UML's version 1, backing, writethrough", .format = "cow",
	  .options = "layout=uml-1", .size = MIB, .grain = 16 * KIB, .backing = true,
	  .cache = IMG_CACHE_WRITETHROUGH },

	{ .name = "qcow, 4 KiB", .format = "qcow", .size = MIB, .grain = 4 * KIB },
	{ .name = "qcow, 512 B, backing", .format = "qcow", .options = "cluster_size=512",
	  .size = MIB, .grain = 4 * KIB, .backing = true },
	/* More tables than may stay in memory. */
	{ .name = "qcow, 512 B, 32 tables", .format = "qcow", .options = "cluster_size=512",
	  .size = 8 * MIB, .grain = 64 * KIB, .cache_size = 4 * KIB },
	{ .name = "qcow, 64 KiB, writethrough", .format = "qcow", .options = "cluster_size=64k",
	  .size = 2 * MIB, .grain = 64 * KIB, .cache = IMG_CACHE_WRITETHROUGH,
	  .start = START_FULL },
	{ .name = "qcow, 4 KiB, compressed", .format = "qcow", .size = MIB, .grain = 4 * KIB,
	  .start = START_COMPRESSED },

	{ .name = "512 B", QCOW2, .options = "cluster_size=512", .size = MIB, .grain = 4 * KIB },
	/* The refcount table is full when the file has 2 MiB: as soon as something is added. */
	{ .name = "512 B, 64-bit counts, the table grows", QCOW2,
	  .options = "cluster_size=512,refcount_bits=64", .size = 5 * MIB / 2, .grain = 16 * KIB,
	  .start = START_FULL },
	{ .name = "4 KiB, version 2, backing", QCOW2, .options = "cluster_size=4k,compat=0.10",
	  .size = MIB, .grain = 4 * KIB, .backing = true },
	{ .name = "4 KiB, 1-bit counts", QCOW2, .options = "cluster_size=4k,refcount_bits=1",
	  .size = 2 * MIB, .grain = 4 * KIB },
	{ .name = "4 KiB, writethrough", QCOW2, .options = "cluster_size=4k", .size = MIB,
	  .grain = 4 * KIB, .cache = IMG_CACHE_WRITETHROUGH, .start = START_FULL },
	{ .name = "4 KiB, lazy refcounts", QCOW2, .options = "cluster_size=4k,lazy_refcounts=on",
	  .size = MIB, .grain = 4 * KIB, .lazy = true },
	{ .name = "64 KiB", QCOW2, .size = 2 * MIB, .grain = 64 * KIB },
	{ .name = "64 KiB, backing", QCOW2, .size = 2 * MIB, .grain = 64 * KIB, .backing = true },
	{ .name = "2 MiB", QCOW2, .options = "cluster_size=2M", .size = 8 * MIB,
	  .grain = 64 * KIB },
	{ .name = "extended L2, 16 KiB, backing", QCOW2,
	  .options = "cluster_size=16k,extended_l2=on", .size = MIB, .grain = 4 * KIB,
	  .backing = true },
	{ .name = "extended L2, 64 KiB", QCOW2, .options = "cluster_size=64k,extended_l2=on",
	  .size = 2 * MIB, .grain = 16 * KIB },
	{ .name = "data file", QCOW2, .options = "cluster_size=4k,data_file=data", .size = MIB,
	  .grain = 4 * KIB, .data_file = "data" },
	{ .name = "raw data file", QCOW2,
	  .options = "cluster_size=4k,data_file=data,data_file_raw=on", .size = MIB,
	  .grain = 4 * KIB, .data_file = "data" },
	{ .name = "4 KiB, compressed", QCOW2, .options = "cluster_size=4k", .size = MIB,
	  .grain = 4 * KIB, .start = START_COMPRESSED },
	{ .name = "extended L2, 16 KiB, compressed", QCOW2,
	  .options = "cluster_size=16k,extended_l2=on", .size = MIB, .grain = 4 * KIB,
	  .start = START_COMPRESSED },
	{ .name = "4 KiB, LUKS, backing", QCOW2, .key = "a key",
	  .options = "cluster_size=4k,encrypt.format=luks,encrypt.iter-time=1,"
		     "encrypt.cipher-mode=cbc,encrypt.ivgen-alg=essiv",
	  .size = MIB, .grain = 4 * KIB, .backing = true },
	{ .name = "16 KiB, extended L2, LUKS, preallocated", QCOW2, .key = "a key",
	  .options = "cluster_size=16k,extended_l2=on,encrypt.format=luks,encrypt.iter-time=1,"
		     "preallocation=metadata", .size = MIB, .grain = 4 * KIB },
	{ .name = "4 KiB, LUKS, data file", QCOW2, .key = "a key",
	  .options = "cluster_size=4k,encrypt.format=luks,encrypt.iter-time=1,data_file=data",
	  .size = MIB, .grain = 4 * KIB, .data_file = "data" },
	{ .name = "4 KiB, AES, preallocated", QCOW2, .key = "a key",
	  .options = "cluster_size=4k,encrypt.format=aes,preallocation=metadata", .size = MIB,
	  .grain = 4 * KIB, .start = START_FULL },
	{ .name = "qcow, 512 B, AES, backing", .format = "qcow", .key = "a key",
	  .options = "cluster_size=512,encrypt.format=aes", .size = MIB, .grain = 4 * KIB,
	  .backing = true },
	{ .name = "4 KiB, snapshot", QCOW2, .options = "cluster_size=4k", .size = MIB,
	  .grain = 4 * KIB, .start = START_SNAPSHOT },
	{ .name = "512 B, version 2, snapshot", QCOW2, .options = "cluster_size=512,compat=0.10",
	  .size = MIB / 2, .grain = 4 * KIB, .start = START_SNAPSHOT },
};
enum { N_LAYOUTS = sizeof(layouts) / sizeof(layouts[0]) };
const size_t n_layouts = N_LAYOUTS;
size_t layout_numbers[N_LAYOUTS];

__attribute__((constructor)) static void count_layouts(void)
{
	for (size_t i = 0; i < N_LAYOUTS; i++)
		layout_numbers[i] = i;
}

/* ---- Making them --------------------------------------------------------------------------------- */

static uint64_t filled_bytes(const struct layout *layout)
{
	if (layout->backing)
		return layout->size;
	return layout->start == START_EMPTY ? 0 : layout->size / 4 * 3;
}

/* Writes what the image is to hold, or what it stands on holds, as "source": what the guest sees. */
static uint8_t *make_source(const struct layout *layout)
{
	uint8_t *bytes = calloc(1, layout->size);

	cr_assert_not_null(bytes);
	guest_fill(bytes, 0, filled_bytes(layout), 0);
	files_write("source", bytes, layout->size);
	return bytes;
}

/* VMDK and VDI images stand on such alone. */
static const char *backing_format(const struct layout *layout)
{
	const bool own = !strcmp(layout->format, "vmdk") || !strcmp(layout->format, "vdi");

	return own ? layout->format : "raw";
}

struct img_secret *layout_secret(const struct layout *layout)
{
	const size_t len = layout->key ? strlen(layout->key) : 0;
	struct img_secret *secret = layout->key ? img_secret_new(len, NULL) : NULL;

	if (!secret)
		return NULL;
	memcpy(img_secret_bytes(secret), layout->key, len);
	img_secret_set_len(secret, len);
	return secret;
}

static struct img *open_path(const char *path, struct img_err *err)
{
	const struct img_open how = { .path = path, .format = "raw" };

	return img_open(&how, err);
}

/* Makes an image of what "source" holds; empty: of nothing. */
static void make_image(const struct layout *layout, const struct img_create *what, bool empty)
{
	struct img_err err = { 0 };
	struct img *im = img_create(what, &err);
	struct img *src = empty ? NULL : open_path("source", &err);
	const struct img_copy copy = {
		.src = src, .dst = im, .threads = 1, .compress = what->compressed,
	};
	struct img_copy_stats stats;

	cr_assert(im && (src || empty), "%s: %s", layout->name, err.text);
	cr_assert(!src || img_copy_run(&copy, NULL, &stats, &err), "%s: %s", layout->name, err.text);
	cr_assert(img_finish(im, &err), "%s: %s", layout->name, err.text);
	img_close(src);
	img_close(im);
}

static void make_images(const struct layout *layout)
{
	const struct img_create below = {
		.path = "backing", .format = backing_format(layout), .size = layout->size,
	};
	struct img_secret *key = layout_secret(layout);
	const struct img_create top = {
		.path = "image", .key = key, .format = layout->format, .size = layout->size,
		.options = layout->options, .compressed = layout->start == START_COMPRESSED,
		.backing = layout->backing ? "backing" : NULL,
		.backing_format = layout->backing ? below.format : NULL, .gate = &img_gate_local,
	};

	if (layout->backing)
		make_image(layout, &below, false);
	make_image(layout, &top, layout->backing || layout->start == START_EMPTY);
	img_secret_free(key);
}

bool prepare(const struct layout *layout, struct prepared *out)
{
	const char *const names[LAYOUT_FILES] = { "image", layout->data_file };

	*out = (struct prepared){ .layout = layout, .n_files = layout->data_file ? 2 : 1 };
	if (layout->start == START_SNAPSHOT && system("qemu-img --version >/dev/null 2>&1"))
		return false;
	out->content = make_source(layout);
	make_images(layout);
	if (layout->start == START_SNAPSHOT)
		cr_assert_not(system("qemu-img snapshot -c before image"));
	for (size_t i = 0; i < out->n_files; i++) {
		size_t len;

		out->bytes[i] = files_read(names[i], &len);
		cr_assert(out->bytes[i], "%s: %s", layout->name, names[i]);
		out->len[i] = len;
	}
	if (layout->backing) {
		size_t len;

		out->backing = files_read("backing", &len);
		out->backing_len = len;
	}
	return true;
}

void prepared_free(struct prepared *prep)
{
	for (size_t i = 0; i < prep->n_files; i++)
		free(prep->bytes[i]);
	free(prep->backing);
	free(prep->content);
	*prep = (struct prepared){ 0 };
}

void prepared_guest(const struct prepared *prep, struct guest *guest)
{
	guest_init_from(guest, prep->content, prep->layout->size);
}

/* ---- Opening them -------------------------------------------------------------------------------- */

/* Gives the data file that is there already. */
struct giver {
	struct img_opener opener;
	struct img_store *data;		/* NULL: it was given */
};

static bool give(const struct img_opener *self, const struct img_reference *ref,
		 struct img_store **out, struct img_err *err)
{
	struct giver *giver = (struct giver *)self;

	if (!giver->data)
		return img_fail(err, IMG_E_DENIED, "%s is not there", ref->name);
	*out = giver->data;
	giver->data = NULL;
	return true;
}

static bool open_layer(struct img *im, struct img_store *store, const char *format,
		       const struct img_layer_open *how, struct img_err *err)
{
	struct img_layer *ly = &im->layers[im->n_layers];

	*ly = (struct img_layer){ .format = img_format_named(format), .store = store };
	if (ly->format->open(ly, how, err)) {
		im->n_layers++;
		return true;
	}
	img_store_close(store);
	return false;
}

static bool open_layers(struct img *im, const struct prepared *prep,
			struct img_store *const *stores, unsigned flags, struct img_err *err)
{
	struct giver giver = { .opener = { .open = give }, .data = stores[1] };
	struct img_secret *key = layout_secret(prep->layout);
	const struct img_keys keys = { (const struct img_secret *const *)&key, key != NULL };
	const struct img_layer_open top = {
		.flags = flags, .keys = &keys, .opener = &giver.opener,
		.cache_size = prep->layout->cache_size ? prep->layout->cache_size : IMG_CACHE_SIZE,
	};
	const struct img_layer_open below = { .cache_size = IMG_CACHE_SIZE };
	const bool ok = open_layer(im, stores[0], prep->layout->format, &top, err);

	img_secret_free(key);
	img_store_close(giver.data);
	if (!ok || !prep->backing)
		return ok;
	struct img_store *backing = img_store_mem(prep->backing, prep->backing_len, err);
	return backing && open_layer(im, backing, backing_format(prep->layout), &below, err);
}

struct img *layout_open(const struct prepared *prep, struct img_store *const *stores,
			unsigned flags, struct img_err *err)
{
	struct img *im = calloc(1, sizeof(*im));

	cr_assert_not_null(im);
	im->layers = calloc(2, sizeof(*im->layers));
	cr_assert_not_null(im->layers);
	if (open_layers(im, prep, stores, flags, err) &&
	    (!(flags & IMG_OPEN_WRITE) || img_disk_new(im, prep->layout->cache, err)))
		return im;
	img_close(im);
	return NULL;
}
