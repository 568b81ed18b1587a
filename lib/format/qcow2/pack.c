/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One round of a file that is packed and compressed in place.  References are counted before and
 * afterwards, and each refcount changes by the difference, as with snapshots; as all references to a
 * cluster change alike, what snapshots share stays shared.
 */
#include <string.h>

#include "base/num.h"
#include "format/level.h"
#include "format/qcow2/pack.h"
#include "format/qcow2/resize.h"

/* Clusters that many compressed ones touch are counted for each of them: 16 bits are enough. */
enum { ORDER_MIN = 4 };

/* ---- Whether it can be ----------------------------------------------------------------------------- */

static const char *codec_name(const struct qcow2 *q)
{
	return q->header.compression == QCOW2_COMPRESSION_ZSTD ? "zstd" : "deflate";
}

static bool check_codec(const struct qcow2 *q, const char *wanted, struct img_err *err)
{
	if (!q->codec)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("its clusters are compressed with zstd, which was not built in"));
	if (!wanted || !strcmp(wanted, codec_name(q)) ||
	    (!strcmp(wanted, "zlib") && !strcmp(codec_name(q), "deflate")))
		return true;
	return img_fail(err, IMG_E_ARGUMENT, _("what is compressed in this image is so with %s, and "
			"an image has one way for all; %s needs a new image"), codec_name(q), wanted);
}

static bool check(const struct qcow2 *q, const struct img_layer_pack *how, int *level,
		  struct img_err *err)
{
	if (q->header.crypt != QCOW2_CRYPT_NONE)
		return img_fail(err, IMG_E_UNSUPPORTED, _("it is encrypted, and what is encrypted "
				"cannot be compressed"));
	if (q->data_file)
		return img_fail(err, IMG_E_UNSUPPORTED, _("its data lie in a file of their own, which "
				"cannot hold compressed clusters"));
	if (q->header.refcount_order < ORDER_MIN)
		return img_fail(err, IMG_E_UNSUPPORTED, _("its reference counts of %u bits are too "
				"small for compressed clusters; \"imgamend -o refcount_bits=16\" makes "
				"them wider"), 1u << q->header.refcount_order);
	return check_codec(q, how->codec, err) &&
	       img_level_of(how->level, q->codec, q->codec->level_default, level, err);
}

/* ---- Tables ---------------------------------------------------------------------------------------- */

static uint64_t go(void *ctx, uint64_t host, uint64_t len, bool data)
{
	const struct qcow2_window *w = ctx;
	const struct img_pack_unit *one = img_pack_units_find(&w->units, host);

	(void)len;
	(void)data;
	return one ? host - one->host + one->now : host;
}

static bool recast(void *ctx, struct qcow2_cluster *c)
{
	const struct qcow2_window *w = ctx;
	const struct img_pack_unit *one = img_pack_units_find(&w->units, c->host);

	if (!one || (one->now == one->host && !one->recoded))
		return false;
	if (one->recoded)
		*c = (struct qcow2_cluster){ .kind = QCOW2_CLUSTER_COMPRESSED, .allocated = true };
	c->host = one->now;
	if (c->kind == QCOW2_CLUSTER_COMPRESSED)
		c->stored_len = one->now_len;
	return true;
}

/* Tables have moved with all that is used.  Flags that QEMU left wrong are set right on the way. */
static bool follow(struct qcow2_window *w, struct img_err *err)
{
	const struct qcow2_referring how = { .refer = go, .recast = recast, .ctx = w, .moved = true };
	struct qcow2_header *hdr = &w->q->header;
	struct img_store *file = w->q->map.file;
	struct qcow2_stretches freed = { 0 };
	struct qcow2_refs *now = NULL;
	uint64_t used;
	const bool ok = qcow2_references_visit(hdr, file, w->refs, &how, err) &&
			(now = qcow2_refs_collect_certain(hdr, file, err)) &&
			qcow2_refs_shift(w->refs, now, hdr, file, &freed, &used, err) &&
			qcow2_copied_check(now, hdr, file, true, NULL, err);

	qcow2_refs_free(now);
	qcow2_stretches_clear(&freed);
	return ok;
}

/* ---- A round --------------------------------------------------------------------------------------- */

static void tell(const struct qcow2_window *w, const struct img_packing *p,
		 struct img_layer_packed *out)
{
	const unsigned bits = w->q->geo.cluster_bits;
	const bool over = w->to == w->pic.n;

	*out = (struct img_layer_packed){
		.from = over ? 0 : p->at >> bits << bits, .end = over ? 0 : w->pic.n << bits,
		.seen = w->to << bits,
	};
	img_pack_count(p, out);
}

static bool run_window(struct img_layer *ly, struct qcow2_window *w, struct img_packing *p,
		       uint64_t most, struct img_err *err)
{
	struct qcow2 *q = w->q;

	if (!qcow2_window_open(w, most, err))
		return false;
	p->at = w->at;
	qcow2_bitmaps_free(q);
	qcow2_disk_free(q);
	return img_pack(p, err) &&
	       (!img_pack_units_changed(&w->units) ||
		(follow(w, err) && qcow2_header_rewrite(q, err))) &&
	       qcow2_restart(ly, err) && qcow2_trim(q, err) && qcow2_header_patch(q, err);
}

bool qcow2_pack(struct img_layer *ly, const struct img_layer_pack *how, struct img_layer_packed *out,
		struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	struct qcow2_window w = { .q = q, .from = how->from >> q->geo.cluster_bits };
	struct img_packing p = {
		.file = q->map.file, .units = &w.units, .codec = q->codec,
		.size = qcow2_cluster_size(&q->geo), .reach = qcow2_compressed_end(&q->geo),
		.room = qcow2_window_room, .ctx = &w, .recode = how->recode, .threads = how->threads,
		.job = how->compact.job,
	};
	bool ok;

	if (!check(q, how, &p.level, err))
		return false;
	if (!how->compact.room)
		return true;
	ok = qcow2_consistent(q, err) && qcow2_l1_take_whole(q, err) &&
	     qcow2_hollow(ly, &how->compact, err) && qcow2_disk_finish(ly, err) &&
	     qcow2_trim(q, err) &&
	     qcow2_refs_without_leaks(ly, how->compact.job, &w.refs, err) &&
	     run_window(ly, &w, &p, how->compact.room, err);
	if (ok)
		tell(&w, &p, out);
	qcow2_window_clear(&w);
	return ok;
}
