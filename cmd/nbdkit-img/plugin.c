/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The nbdkit plugin "img": what nbdkit asks, passed on to libimg.  Requests of all clients run at once
 * on one open image.  nbdkit makes a flush behind a write of what a client wants durable at once.
 */
#include <locale.h>
#include <stdio.h>
#include "common/cli.h"
#include "common/text.h"
#include "nbdkit-img/nbdkit.h"
#include "nbdkit-img/served.h"
#include "nbdkit-img/settings.h"
#include "nbdkit-img/tell.h"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

/* nbdkit has nothing to keep it in: one process serves one image. */
static struct served served = {
	.how = { .gate = &img_gate_local }, .lock = PTHREAD_MUTEX_INITIALIZER,
};

/* ---- The server -------------------------------------------------------------------------------- */

/* Of messages alone: nbdkit and its filters read and write numbers as in C. */
static void img_load(void)
{
	setlocale(LC_CTYPE, "");
	setlocale(LC_MESSAGES, "");
	bindtextdomain(CMD_TEXT_DOMAIN, LOCALEDIR);
	textdomain(CMD_TEXT_DOMAIN);
}

static void img_dump_plugin(void)
{
	printf("img_version=%s\nimg_formats=", img_version());
	for (size_t i = 0; i < img_format_count(); i++)
		printf("%s%s", i ? " " : "", img_format_name(img_format_at(i)));
	putchar('\n');
}

static int img_config(const char *key, const char *value)
{
	struct img_err err = { 0 };

	return tell(settings_take(&served.how, key, value, &err), &err);
}

static int img_config_complete(void)
{
	struct img_err err = { 0 };

	return tell(settings_check(&served.how, &err), &err);
}

static int img_get_ready(void)
{
	struct img_err err = { 0 };

	return tell(served_start(&served, &err), &err);
}

/* Nobody is left to be told of a failure but those who read the log. */
static void img_cleanup(void)
{
	struct img_err err = { 0 };

	(void)tell(served_end(&served, &err), &err);
}

/* ---- Clients ------------------------------------------------------------------------------------- */

static void *client_open(int readonly)
{
	struct img_err err = { 0 };
	struct img *im = served_enter(&served, readonly, &err);

	(void)tell(im, &err);
	return im;
}

static void client_close(void *handle)
{
	struct img_err err = { 0 };

	(void)handle;
	(void)tell(served_leave(&served, &err), &err);
}

static int64_t client_get_size(void *handle)
{
	return (int64_t)img_size(handle);
}

static int client_block_size(void *handle, uint32_t *minimum, uint32_t *preferred,
			     uint32_t *maximum)
{
	enum { LARGEST = 32 << 20 };	/* that nbdkit takes for a preferred one */
	const bool possible = !(served.unit & (served.unit - 1)) && served.unit <= LARGEST;

	(void)handle;
	*minimum = 1;
	*preferred = possible ? (uint32_t)served.unit : 4096;
	*maximum = UINT32_MAX;
	return 0;
}

/* It does not change while a client is connected. */
static int can_write(void *handle)
{
	(void)handle;
	return served.writable;
}

/* All clients share one image, so that a flush for one of them is one for all. */
static int can_always(void *handle)
{
	(void)handle;
	return 1;
}

/* ---- Requests ------------------------------------------------------------------------------------ */

static int request_read(void *handle, void *buf, uint32_t count, uint64_t offset, uint32_t flags)
{
	struct img_err err = { 0 };

	(void)flags;
	return tell(img_read(handle, offset, buf, count, &err), &err);
}

static int request_write(void *handle, const void *buf, uint32_t count, uint64_t offset,
			 uint32_t flags)
{
	struct img_err err = { 0 };

	(void)flags;
	return tell(img_write(handle, offset, buf, count, &err), &err);
}

/*
 * It counts as fast: where the format cannot say zeros the file system can.  One that cannot either is
 * found out too late to tell the client.
 */
static int request_zero(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
	struct img_err err = { 0 };

	return tell(img_write_zeros(handle, offset, count, flags & NBDKIT_FLAG_MAY_TRIM, &err),
		    &err);
}

static int request_trim(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
	struct img_err err = { 0 };

	(void)flags;
	return tell(img_discard(handle, offset, count, &err), &err);
}

static int request_flush(void *handle, uint32_t flags)
{
	struct img_err err = { 0 };

	(void)flags;
	return tell(img_flush(handle, &err), &err);
}

/*
 * Zeros that lie in a hole of the file take no room either.  Lost bytes are data: who reads them is
 * to be told that they are gone.
 */
static uint32_t type_of(const struct img_extent *ex)
{
	if (ex->kind != IMG_EXTENT_HOLE && ex->kind != IMG_EXTENT_ZERO)
		return 0;
	return NBDKIT_EXTENT_ZERO |
	       (!ex->store || ex->zero_in_store ? NBDKIT_EXTENT_HOLE : 0);
}

static int request_extents(void *handle, uint32_t count, uint64_t offset, uint32_t flags,
			   struct nbdkit_extents *extents)
{
	const uint64_t end = offset + count;
	struct img_err err = { 0 };
	struct img_extent ex;

	for (uint64_t at = offset; at < end; at = ex.start + ex.len) {
		if (!img_extent_of_bytes(handle, at, end, &ex, &err))
			return tell(false, &err);
		if (nbdkit_add_extent(extents, ex.start, ex.len, type_of(&ex)))
			return -1;
		if (flags & NBDKIT_FLAG_REQ_ONE)
			break;
	}
	return 0;
}

/* ---- The table ------------------------------------------------------------------------------------- */

static struct nbdkit_plugin plugin = {
	.name = "img",
	.longname = "disk images of imgtools",
	.version = PACKAGE_VERSION,
	.description = "serves a virtual-disk image of any format that libimg knows",
	.magic_config_key = "file",
	.config_help =
		"[file=]FILE            the image (required)\n"
		"format=FORMAT          its format (otherwise found out)\n"
		"snapshot=NAME          an internal snapshot instead of the disk\n"
		"parent=FILE            what the image stands on, whatever it says itself\n"
		"header=FILE            the header of a LUKS image that is the data alone\n"
		"key-file=FILE          a key of encrypted images; may be repeated\n"
		"key-fd=N               the same, from this open file descriptor\n"
		"cache=MODE             " CLI_CACHES "\n"
		"cache-size=SIZE        bytes of tables kept in memory at most\n"
		"force-share=true       read the image even if it is being written\n"
		"allow-mismatch=true    write even over a parent that the image was not made for\n"
		"trusted=true           open extents outside its folder, and backing files on Ceph\n"
		"untrusted=true         open no file that is named inside the image",
	.load = img_load,
	.unload = settings_clear,
	.dump_plugin = img_dump_plugin,
	.config = img_config,
	.config_complete = img_config_complete,
	.get_ready = img_get_ready,
	.cleanup = img_cleanup,
	.open = client_open,
	.close = client_close,
	.get_size = client_get_size,
	.block_size = client_block_size,
	.can_write = can_write,
	.can_flush = can_always,
	.can_trim = can_write,
	.can_zero = can_write,
	.can_fast_zero = can_write,
	.can_extents = can_always,
	.can_multi_conn = can_always,
	.pread = request_read,
	.pwrite = request_write,
	.zero = request_zero,
	.trim = request_trim,
	.flush = request_flush,
	.extents = request_extents,
};

struct nbdkit_plugin *plugin_init(void);
NBDKIT_REGISTER_PLUGIN(plugin)
