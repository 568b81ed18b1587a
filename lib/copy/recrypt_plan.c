/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a change of the encryption in place comes to: which formats, where the disk goes, how much room. */
#include <inttypes.h>
#include "base/mem.h"
#include "base/num.h"
#include "cipher/luks_header.h"
#include "copy/chain.h"
#include "copy/recrypt.h"

enum {
	PLACE_ALIGN = 1 << 20,
	/* A disk moves up by so much: the further, the larger are windows, and the fewer are syncs. */
	PLACE_BEST = 16 << 20,
	WINDOW_MIN = RECRYPT_PIECE,
	WINDOWS = 16,
};

/* ---- What it is ---------------------------------------------------------------------------------- */

static bool recognize(const struct img_recrypt_run *run, const struct img_format **seen,
		      struct img_err *err)
{
	const struct img_open how = { .path = run->what->path, .format = run->what->format };
	const char *doubt = NULL;
	struct img_layer ly;

	/* Without its header an encrypted disk looks like nothing. */
	if (run->hdr.apart && run->what->kind != IMG_RECRYPT_ENCRYPT) {
		*seen = &img_format_luks;
		return true;
	}
	if (!img_layer_recognize(&ly, img_store_hold(run->file), &how, &doubt, err))
		return false;
	*seen = ly.format;
	img_store_close(ly.store);
	return !doubt || img_fail(err, IMG_E_CORRUPT, "%s: %s", run->what->path, _(doubt));
}

static bool check_format(const struct img_format *is, const struct img_recrypt_header *hdr,
			 struct img_err *err)
{
	if (hdr->apart && is->recrypt)
		return img_fail(err, IMG_E_ARGUMENT, _("the header of %s images is in them; --header is for "
				"raw disks"), is->name);
	if (is->recrypt)
		return true;
	if (is != &img_format_raw && is != &img_format_luks)
		return img_fail(err, IMG_E_UNSUPPORTED, _("the encryption of %s images is not changed in "
				"place; with another name for the new image a copy is made"), is->name);
	return hdr->kind == IMG_RECRYPT_ENCRYPT || is == &img_format_luks ||
	       img_fail(err, IMG_E_ARGUMENT, _("it is not encrypted"));
}

/*
 * Whoever says that it is raw may have said so for a disk that is encrypted by now: the record of a run whose
 * last sync did not get through is gone with it.
 */
static bool check_once(const struct img_recrypt_run *run, struct img_err *err)
{
	uint8_t raw[RECRYPT_BLOCK];
	struct img_peek peek = { .head = raw };

	if (run->what->kind != IMG_RECRYPT_ENCRYPT)
		return true;
	if (!img_store_read_some(run->file, 0, raw, sizeof(raw), &peek.head_len, err))
		return false;
	return !img_format_luks.probe(&peek) ||
	       img_fail(err, IMG_E_ARGUMENT, _("it is encrypted already"));
}

/* Snapshots of a raw disk are kept by a cluster, or are files that share its blocks. */
static bool list_snapshots(const struct img_recrypt_run *run, struct img_snapshot **list, size_t *n,
			   struct img_err *err)
{
	const struct img_store_history *kept = run->file->ops->history;
	const char *path = run->what->path;

	*list = NULL;
	*n = 0;
	if (kept)
		return kept->list(run->file, list, n, err);
	return !img_beside_snapshot_possible(path) || img_beside_snapshot_list(path, list, n, err);
}

static bool check_snapshots(const struct img_recrypt_run *run, struct img_err *err)
{
	struct img_snapshot *list;
	size_t n;

	if (run->what->kind != IMG_RECRYPT_ENCRYPT)
		return true;
	const bool ok = list_snapshots(run, &list, &n, err);

	img_snapshot_list_free(list, n);
	if (!ok)
		return false;
	return !n || img_fail(err, IMG_E_UNSUPPORTED, _("it has snapshots, which would stay in clear; they "
				"have to be removed first"));
}

/* ---- Before -------------------------------------------------------------------------------------- */

static bool open_old(struct img_recrypt_run *run, struct img_err *err)
{
	if (run->what->dry_run)
		return img_luks_look(img_recrypt_key_store(run), 0, 0, &run->old, err);
	return img_luks_unlock(img_recrypt_key_store(run), 0, 0, run->what->keys, &run->old, err);
}

/* The header and its key slots, without what may lie between them and the disk. */
static bool measure_header(struct img_recrypt_run *run, struct img_err *err)
{
	const uint64_t most = run->hdr.inside || run->hdr.apart ? RECRYPT_HEADER_MAX : run->hdr.from;
	struct img_luks *lk = img_luks_open(img_recrypt_key_store(run), run->seen.key_at, run->seen.key_len,
					    err);

	if (!lk)
		return false;
	run->hdr.old_len = img_min_u64(img_max_u64(lk->ops->extent(lk), RECRYPT_BLOCK), most);
	img_luks_close(lk);
	return true;
}

static bool measure_encrypted(struct img_recrypt_run *run, struct img_err *err)
{
	struct img_recrypt_header *hdr = &run->hdr;
	const struct img_luks_volume *old = &run->old;
	uint64_t there;

	if (!open_old(run, err))
		return run->header && img_within_file(err, run->what->header);
	if (!old->payload_at && !hdr->apart)
		return img_fail(err, IMG_E_UNSUPPORTED, _("the header is that of data in another file"));
	if (old->payload_at && hdr->apart)
		return img_fail(err, IMG_E_UNSUPPORTED, _("%s: says that the disk starts at 0x%" PRIx64 " of "
				"the file; with a header of its own it is changed in place from the start of "
				"a file alone"), run->what->header, old->payload_at);
	if (hdr->before < old->payload_at)
		return img_fail(err, IMG_E_INCOMPLETE, _("the file ends at 0x%" PRIx64 ", and the encrypted "
				"data start at 0x%" PRIx64), hdr->before, old->payload_at);
	there = img_round_down(hdr->before - old->payload_at, old->sector);
	if (old->payload_len > there)
		return img_fail(err, IMG_E_INCOMPLETE, _("the file ends at 0x%" PRIx64 ", and the disk "
				"does not"), hdr->before);
	hdr->from = old->payload_at;
	hdr->len = old->payload_len ? old->payload_len : there;
	return measure_header(run, err);
}

/* ---- Afterwards ---------------------------------------------------------------------------------- */

static bool make_wish(struct img_recrypt_run *run, struct img_err *err)
{
	img_settings_free(run->settings);
	run->settings = img_settings_parse(img_format_luks.create_options, run->what->options, err);
	return run->settings && img_luks_wish_make_file(run->settings, &run->wish, err);
}

/*
 * A disk that is encrypted stays where it is if there is room for the new header; else it moves by at
 * least what makes a window.
 */
static uint64_t place_for(const struct img_recrypt_header *hdr)
{
	const uint64_t least = img_round_up(hdr->new_len, PLACE_ALIGN);

	if (!hdr->from)
		return img_max_u64(least, img_min_u64(PLACE_BEST, img_round_up(hdr->len, PLACE_ALIGN)));
	return hdr->new_len <= hdr->from
		? hdr->from : img_max_u64(least, img_round_up(hdr->from, PLACE_ALIGN) + PLACE_ALIGN);
}

static bool plan_header(struct img_recrypt_run *run, struct img_err *err)
{
	struct img_recrypt_header *hdr = &run->hdr;
	struct img_luks_new full;

	if (!make_wish(run, err))
		return false;
	if (hdr->inside)
		img_luks_wish_inside(&run->wish);
	full = run->wish.what;
	if (hdr->inside && full.version != 1)
		return img_fail(err, IMG_E_UNSUPPORTED, _("inside an image there can only be LUKS of version "
				"1"));
	full.detached = hdr->apart;
	if (!img_luks_complete(&full, err))
		return false;
	hdr->new_len = img_luks_header_len(&full);
	if (hdr->inside)
		return true;
	hdr->to = hdr->apart ? 0 : place_for(hdr);
	if (hdr->kind == IMG_RECRYPT_ENCRYPT && !run->device)
		hdr->len = img_round_up(hdr->len, full.sector);
	return hdr->len % full.sector == 0 ||
	       img_fail(err, IMG_E_RANGE, _("%" PRIu64 " bytes are no whole sectors of %" PRIu32), hdr->len,
			full.sector);
}

/* In sectors of any size, and for the journal in whole pieces. */
static void choose_window(struct img_recrypt_header *hdr)
{
	const uint64_t apart = hdr->from > hdr->to ? hdr->from - hdr->to : hdr->to - hdr->from;
	const uint64_t best = img_min_u64(img_max_u64(hdr->len / WINDOWS, WINDOW_MIN),
					  RECRYPT_WINDOW_MAX);

	hdr->window = apart ? img_min_u64(best, apart) : best;
	hdr->window = img_round_down(hdr->window, hdr->window < RECRYPT_PIECE ? RECRYPT_BLOCK
									      : RECRYPT_PIECE);
}

/* ---- Room ---------------------------------------------------------------------------------------- */

/* What is a hole becomes bytes, wherever it is. */
static bool count_data(const struct img_recrypt_run *run, uint64_t *bytes, struct img_err *err)
{
	struct img_extent ex;

	*bytes = 0;
	for (uint64_t at = 0; at < run->hdr.before; at += ex.len) {
		if (!img_store_extent(run->file, at, run->hdr.before, &ex, err))
			return false;
		*bytes += ex.kind == IMG_EXTENT_DATA ? ex.len : 0;
	}
	return true;
}

static bool check_room(const struct img_recrypt_run *run, struct img_err *err)
{
	struct img_moved room = { .space = run->stats->extra };

	if (!img_room_look(run->what->path, &room, err))
		return false;
	return run->what->dry_run || room.space <= room.free ||
	       img_fail(err, IMG_E_NOSPACE, _("%s: %" PRIu64 " bytes are needed meanwhile, and %"
			PRIu64 " are free; nothing was changed"), run->what->path, room.space, room.free);
}

static bool measure(struct img_recrypt_run *run, struct img_err *err)
{
	const struct img_recrypt_header *hdr = &run->hdr;
	uint64_t data, growth;
	const uint64_t unpacked = img_recrypt_unpack_room(run, &growth);

	if (!count_data(run, &data, err))
		return false;
	*run->stats = (struct img_recrypt_stats){
		.guest = img_recrypt_guest(hdr), .before = hdr->before, .after = hdr->after + growth,
		.extra = img_recrypt_end(hdr) + img_max_u64(hdr->after, data) - data + unpacked +
			 (hdr->apart ? hdr->new_len : 0),
	};
	return check_room(run, err);
}

/* ---- Devices ------------------------------------------------------------------------------------- */

static bool check_device(const struct img_recrypt_run *run, struct img_err *err)
{
	const struct img_recrypt_header *hdr = &run->hdr;

	if (!run->device)
		return true;
	if (hdr->inside)
		return img_fail(err, IMG_E_UNSUPPORTED, _("the encryption of %s images is changed in place "
				"in files alone, and this is a block device"), run->format->name);
	if (!run->what->journal)
		return img_fail(err, IMG_E_ARGUMENT, _("it is a block device, which has no files beside it: "
				"--journal has to say where to write down what is done"));
	return hdr->after <= hdr->before ||
	       img_fail(err, IMG_E_UNSUPPORTED, _("a block device keeps its size, and has no room for this "
			"header; with --header it is a file of its own"));
}

/* ---- The whole ----------------------------------------------------------------------------------- */

/* What nobody would take for a header could not be gone on with. */
static bool check_size(const struct img_recrypt_header *hdr, struct img_err *err)
{
	uint8_t raw[RECRYPT_BLOCK];
	struct img_recrypt_header back;

	if (img_min_u64(hdr->len, hdr->before) < RECRYPT_BLOCK)
		return img_fail(err, IMG_E_RANGE, _("a disk of less than %d bytes is not changed in place"),
				RECRYPT_BLOCK);
	img_recrypt_header_encode(hdr, raw);
	return img_recrypt_header_decode(raw, &back) ||
	       img_fail(err, IMG_E_RANGE, _("a disk of %" PRIu64 " bytes at 0x%" PRIx64 " is not changed in "
			"place"), hdr->len, hdr->from);
}

static bool plan_whole(struct img_recrypt_run *run, struct img_err *err)
{
	struct img_recrypt_header *hdr = &run->hdr;

	hdr->len = hdr->before;
	if (hdr->kind != IMG_RECRYPT_ENCRYPT && !measure_encrypted(run, err))
		return false;
	if (hdr->kind != IMG_RECRYPT_DECRYPT && !plan_header(run, err))
		return false;
	hdr->after = hdr->to + hdr->len;
	return true;
}

static bool plan_inside(struct img_recrypt_run *run, struct img_err *err)
{
	struct img_recrypt_header *hdr = &run->hdr;

	if (!img_recrypt_plan_inside(run, err) || (run->seen.key_len && !measure_header(run, err)) ||
	    (hdr->kind != IMG_RECRYPT_DECRYPT && !plan_header(run, err)))
		return false;
	hdr->after = hdr->len + img_round_up(hdr->new_len, run->seen.unit);
	return run->what->dry_run || !run->seen.encrypted || img_recrypt_unlock_inside(run, err);
}

bool img_recrypt_plan(struct img_recrypt_run *run, struct img_err *err)
{
	struct img_recrypt_header *hdr = &run->hdr;

	*hdr = (struct img_recrypt_header){ .kind = run->what->kind, .apart = run->what->header };
	if (!recognize(run, &run->format, err) || !check_format(run->format, hdr, err) ||
	    !check_once(run, err) ||
	    !check_snapshots(run, err) ||
	    !img_store_size(run->file, &hdr->before, err))
		return false;
	hdr->inside = run->format->recrypt;
	if (!(hdr->inside ? plan_inside : plan_whole)(run, err) || !check_device(run, err))
		return false;
	choose_window(hdr);
	return check_size(hdr, err) && measure(run, err);
}
