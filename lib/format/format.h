/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The driver contract: what a format offers to the layers above.
 *
 * A driver says where things lie; plain bytes are moved by others.  It never opens a file itself:
 * what is named inside an image is opened through struct img_opener, which asks the gate.
 */
#ifndef IMG_FORMAT_FORMAT_H
#define IMG_FORMAT_FORMAT_H

#include "libimg.h"
#include "codec/codec.h"
#include "format/findings.h"
#include "format/history.h"
#include "format/opener.h"
#include "store/store.h"

/* ---- Options --------------------------------------------------------------------------------- */

/* Values of a creation option table, checked: types, choices, no unknown and no doubled names. */
struct img_settings;

/* text: "name=value,name=value", ",," is a comma; NULL: all fallbacks. */
struct img_settings *img_settings_parse(const struct img_option *table, const char *text,
					struct img_err *err);
/* The items of such a text that table has, or has not; the caller frees it. */
char *img_settings_part(const struct img_option *table, const char *text, bool in_table,
			struct img_err *err);
void img_settings_free(struct img_settings *set);
/* The table must have the name, with that type; asserted.  text and choice: NULL when not given. */
uint64_t img_settings_number(const struct img_settings *set, const char *name);
bool img_settings_flag(const struct img_settings *set, const char *name);
const char *img_settings_text(const struct img_settings *set, const char *name);
/* Whether there is such an option at all; the others are for one that there is. */
bool img_settings_has(const struct img_settings *set, const char *name);
bool img_settings_given(const struct img_settings *set, const char *name);
/* The space that the choice "preallocation" sets aside; OFF for any but "falloc" and "full". */
enum img_preallocation img_settings_preallocation(const struct img_settings *set);

/* ---- Layers ---------------------------------------------------------------------------------- */

/* The first and last bytes of a file, for probing. */
#define IMG_PEEK_BYTES 4096
#define IMG_REMAINS_BYTES (256 * 1024)
struct img_peek {
	const uint8_t *head;
	size_t head_len;	/* at most IMG_PEEK_BYTES */
	const uint8_t *tail;	/* the last tail_len bytes; NULL for a pipe */
	size_t tail_len;
	uint64_t size;		/* bytes, or IMG_SIZE_UNKNOWN */
	const char *name;	/* of the file, or NULL */
};

/* What shows through where a layer holds nothing: the layers below it, seen as one disk. */
struct img_below {
	/* As img_extent() and img_read(); any number of threads; zeros behind the end of that disk. */
	bool (*extent)(const struct img_below *self, uint64_t at, uint64_t limit,
		       struct img_extent *out, struct img_err *err);
	bool (*read)(const struct img_below *self, uint64_t at, void *buf, size_t len,
		     struct img_err *err);
};

/*
 * Copies guest bytes [from, to) of what lies below to host in st, which holds zeros there; below.c.
 * Any number of threads, for different bytes.
 */
bool img_below_copy(const struct img_below *below, uint64_t from, uint64_t to,
		    struct img_store *st, uint64_t host, struct img_err *err) IMG_MUST_CHECK;

/*
 * Copies bytes of a store to another place in it, which may overlap the first; holes stay holes, and
 * what lies behind the end are zeros.  job may be NULL.  move.c; IMG_E_CANCELLED.
 */
bool img_move(struct img_store *st, uint64_t to, uint64_t from, uint64_t len,
	      const struct img_job *job, struct img_err *err) IMG_MUST_CHECK;

/*
 * The same from one store to another; blocks are shared where both can, and `to` is written in its
 * order.
 */
bool img_copy_bytes(struct img_store *to, uint64_t to_at, struct img_store *from, uint64_t from_at,
		    uint64_t len, const struct img_job *job, struct img_err *err) IMG_MUST_CHECK;

/* Told of bytes of a file, in its order. */
struct img_used {
	bool (*run)(void *ctx, uint64_t at, uint64_t len, struct img_err *err);
	void *ctx;
};

/* What a salvage tells of itself. */
struct img_salvaged {
	struct img_findings notes;
	uint64_t unplaced;		/* bytes of the file that are in use for nobody knows what */
	bool size_guessed;
	/*
	 * For zeros that hide what another image has below: one bit of the layer, which nothing confirms,
	 * says which of them shows.  NULL: the layer knows better.
	 */
	const struct img_finding_kind *zeros;
};

/* Whether an image can be read in one pass while it comes through a pipe. */
enum img_pass {
	IMG_PASS_NONE,
	/* What is where was told in front, and the bytes come in the order of the disk. */
	IMG_PASS_ORDERED,
	/* What is where is told with the bytes; some of them may come behind later ones. */
	IMG_PASS_TOLD,
};

/* A compressed unit as it lies in a file. */
struct img_packed {
	uint64_t at;			/* guest byte that it begins with */
	uint32_t len;			/* guest bytes of it */
	const struct img_codec *codec;	/* that decodes it; NULL: it was not built in */
	struct img_store *store;
	uint64_t host;
	uint32_t stored_len;		/* bytes; there may be some behind the end of the stream */
};

/* What stands around each compressed unit in the file. */
struct img_framing {
	bool always;			/* no unit is stored plain, even if it gets larger */
	bool unasked;			/* units are compressed even if nobody asks for it */
	uint32_t head;			/* bytes in front of those of the codec */
	uint32_t align;			/* a power of two: zeros fill the whole up to that; or 0 */
	/* Writes the head, for the unit at guest byte `at`.  Pure. */
	void (*fill)(uint64_t at, uint32_t encoded_len, uint8_t *head);
};

/* One image file, opened by its driver. */
struct img_layer {
	const struct img_format *format;
	struct img_store *store;	/* owned by the layer; set before open and create */
	void *priv;			/* the driver's own; freed by its close */
	/* Of which store is the data alone; owned, and set, as store is, or by create.  Or NULL. */
	struct img_store *header;
	/* Set by open and create: */
	uint64_t size;			/* guest bytes; IMG_SIZE_UNKNOWN for a stream */
	uint32_t unit;			/* bytes; what is allocated together, a power of two */
	char *backing;			/* as in the image, or NULL; the image layer frees it */
	char *backing_format;
	/*
	 * How the image knows the one below when it has no name for its file, for people to read;
	 * or NULL.  is_below of the format tells which file it is; the image layer frees it.
	 */
	char *below_id;
	struct img_store *const *data_files;	/* that hold guest bytes beside store; borrowed */
	size_t n_data_files;
	/* Set by the check, of a layer that is not open: */
	bool stands_alone;		/* the image names no other file */
	bool nothing_to_check;		/* nor has it anything but its data */
	/* Set before the first write of struct img_disk_ops: */
	const struct img_below *below;	/* borrowed; NULL: nothing there */
	/* Set by create when units are to be compressed: */
	const struct img_codec *codec;
	int codec_level;
	struct img_other_codec others[IMG_CODECS_MAX];	/* tried, too: each unit has the best */
	struct img_framing framing;	/* all 0: there is nothing around them */
	bool reads_as_zero;		/* new: what is never written reads as zeros */
	bool stores_zeros;		/* new: zeros are bytes like any other, and come as such */
	/* Set by open with IMG_OPEN_ONCE, of a store that is IMG_STORE_COMING: */
	enum img_pass pass;
	/* A copy of the source's stored bytes into a slot is allowed (no encryption, align met). */
	bool takes_plain;
	/* Set by create: what is stored of the disk is enciphered. */
	bool encrypted;
	/* Filled in by salvage; the layer's owner clears it: */
	struct img_salvaged salvaged;
};

/*
 * Makes guest bytes [from, to) of a layer, which holds nothing there and is open for writing, read as
 * zeros where what lies below it has any.  from or to may be inside a unit: what the unit holds on
 * their other side stays.  To be flushed; below.c.
 */
bool img_below_hide(struct img_layer *ly, uint64_t from, uint64_t to, struct img_err *err)
	IMG_MUST_CHECK;

struct img_layer_open {
	unsigned flags;			/* IMG_OPEN_* */
	const char *snapshot;		/* or NULL */
	uint64_t cache_size;		/* bytes of tables in memory at most */
	uint64_t size;			/* salvage: guest bytes, if they are known; or 0 */
	const struct img_opener *opener;
	/* NULL: there are none.  IMG_E_KEY, but for IMG_OPEN_NO_KEY, when no key opens it. */
	const struct img_keys *keys;
};

struct img_layer_create {
	uint64_t size;			/* guest bytes, or IMG_SIZE_UNKNOWN */
	const struct img_settings *settings;
	const char *backing, *backing_format;	/* to be written into the image, or NULL */
	bool compressed;
	bool dedup;			/* equal units will be stored once: write->share */
	bool in_place;			/* store exists and may be larger; see struct img_create */
	bool reads_as_zero;
	bool counted;			/* nothing of it is kept but its length: no key has to be good */
	const char *path;		/* that the image will have; NULL: it goes to a pipe */
	const struct img_layer *source;	/* open, whose disk it will hold; NULL: not known */
	const struct img_opener *opener;
	const struct img_secret *key;	/* that will open it, or NULL */
};

/*
 * For formats that do not say what their backing file is, so that its first bytes do (backing.c).
 * what->backing is not NULL.  probe: what it seems to be; check: IMG_E_ARGUMENT when that is not
 * what->backing_format.
 */
bool img_backing_probe(const struct img_layer_create *what, const struct img_format **seen,
		       struct img_err *err) IMG_MUST_CHECK;
bool img_backing_check_probed(const struct img_layer_create *what, struct img_err *err)
	IMG_MUST_CHECK;

/* ---- Writing: reserve, store, publish -------------------------------------------------------- */

enum {
	IMG_SLOT_COMPRESSED = 1 << 0,	/* one unit as the codec made it, with its framing */
	IMG_SLOT_LED        = 1 << 1,	/* set by reserve: lead() comes before it is stored */
	IMG_SLOT_SHARED     = 1 << 2,	/* set by share: it is not stored, an equal one was */
};

/* A run of guest bytes on its way into the image; starts on a unit, ends on one or at the end. */
struct img_slot {
	uint64_t at;			/* guest */
	uint32_t len;			/* guest bytes */
	uint32_t stored_len;		/* bytes to be stored; equals len unless compressed */
	unsigned flags;			/* IMG_SLOT_* */
	struct img_store *store;	/* set by reserve: where the bytes go ... */
	uint64_t host;			/* ... and at which offset, all stored_len in one piece */
	unsigned codec;			/* COMPRESSED: 0: that of the layer, else others[codec - 1] */
	uint64_t twin;			/* SHARED: guest byte of the slot that was stored there */
};

struct img_write_ops {
	/*
	 * For a target that cannot seek: what will come, in guest order, before the first reserve.
	 * kind: DATA, or ZERO for what must hide the layer below.  NULL: the format has no need.
	 */
	bool (*announce)(struct img_layer *ly, uint64_t at, uint64_t len,
			 enum img_extent_kind kind, struct img_err *err);
	/* After the last announce: writes what stands in front of the data. */
	bool (*begin)(struct img_layer *ly, struct img_err *err);
	/*
	 * Picks the places of n slots, in guest order over the whole life of the image; cheap.  One
	 * caller at a time.  Slots that can lie behind each other do.
	 */
	bool (*reserve)(struct img_layer *ly, struct img_slot *slots, size_t n,
			struct img_err *err);
	/*
	 * In the place of reserve for one slot of a unit: its bytes are those of an earlier slot of the
	 * same length and flags, reserved and not shared itself, for the unit at slot->twin, which
	 * lies at slot->host.  Sets IMG_SLOT_SHARED unless no more can lie there.  NULL: units have a
	 * place of their own.
	 */
	bool (*share)(struct img_layer *ly, struct img_slot *slot, struct img_err *err);
	/*
	 * Writes what the driver has to say in front of a slot that reserve called IMG_SLOT_LED; as
	 * store otherwise.  NULL: there are none.
	 */
	bool (*lead)(struct img_layer *ly, const struct img_slot *slot, struct img_err *err);
	/*
	 * Moves the bytes of a slot that is not compressed; any order, many callers.  NULL: as they
	 * are to slot->store, which is how compressed ones go.
	 */
	bool (*store)(struct img_layer *ly, const struct img_slot *slot, const void *bytes,
		      struct img_err *err);
	/* Makes stored slots reachable, in guest order, one caller at a time. */
	bool (*publish)(struct img_layer *ly, const struct img_slot *slots, size_t n,
			struct img_err *err);
	/* Guest bytes that must read as zeros; in guest order among publish; one caller. */
	bool (*zero)(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err);
	/*
	 * Everything that close() must not fail at; tables, header, file length.  ly->size is the
	 * final size (a stream's is set by the caller before this).
	 */
	bool (*finish)(struct img_layer *ly, struct img_err *err);
};

/* ---- Writing at random: a disk in use ---------------------------------------------------------- */

/*
 * For a layer that was opened with IMG_OPEN_WRITE.  write, zero and discard: any number of threads,
 * guest bytes inside the disk, len > 0.  Requests that overlap need not be ordered.
 */
struct img_disk_ops {
	bool (*write)(struct img_layer *ly, uint64_t at, const void *buf, size_t len,
		      struct img_err *err);
	bool (*zero)(struct img_layer *ly, uint64_t at, uint64_t len, bool unmap,
		     struct img_err *err);
	bool (*discard)(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err);
	/*
	 * Makes durable what requests did that have ended; others may go on meanwhile.  One caller
	 * at a time.  *freed: space was freed that reclaim could give back.
	 */
	bool (*flush)(struct img_layer *ly, bool *freed, struct img_err *err);
	/*
	 * Every request has ended that was under way when the last flush began: what had been freed
	 * before it may be given back and used again.  NULL: flush never says that there is any.
	 */
	bool (*reclaim)(struct img_layer *ly, struct img_err *err);
	/*
	 * Everything that close() must not fail at, after a flush; no request is under way.  NULL:
	 * a flush leaves nothing to do.
	 */
	bool (*finish)(struct img_layer *ly, struct img_err *err);
};

/* ---- Changing the size of the disk -------------------------------------------------------------- */

struct img_layer_resize {
	uint64_t size;			/* guest bytes; never ly->size */
	enum img_preallocation preallocation;	/* of what is new; OFF when it gets smaller */
	bool compact;			/* move what lies last in the file into room that is free */
	const struct img_job *job;	/* or NULL */
	const struct img_opener *opener;	/* of files beside the image: all of its calls */
};

/* ---- Changing what an image stands on ------------------------------------------------------------ */

struct img_layer_link {
	const char *backing;		/* as it is to be written into the image; NULL: nothing */
	const char *backing_format;	/* or NULL */
	const struct img_layer *below;	/* what that is, open; NULL: it is not looked at */
	/* It will change, and is the right one all the same: where the format can say so. */
	bool any_state;
};

/*
 * For formats that do not say what their backing file is (backing.c): IMG_E_ARGUMENT when what it
 * looks like is not to->backing_format.
 */
bool img_backing_check_linked(const struct img_layer_link *to, struct img_err *err) IMG_MUST_CHECK;

/* ---- Checking ---------------------------------------------------------------------------------- */

/* Notes what a salvage did, at a place of the file or of the disk; step as in img_findings_add(). */
bool img_salvaged_note(struct img_salvaged *told, const struct img_finding_kind *kind, uint64_t host,
		       uint64_t guest, uint64_t step, struct img_err *err) IMG_MUST_CHECK;

struct img_checking {
	unsigned threads;		/* at least 1 */
	uint64_t memory;		/* bytes for counting at most */
	const struct img_job *job;	/* or NULL */
	/* Of files that the image names: for reading; extents for writing, too, in a repair. */
	const struct img_opener *opener;
};

struct img_check_ops {
	const struct img_finding_kind *const *kinds;	/* all, NULL behind the last */
	/*
	 * Finds what is wrong in the structures of the image in st; never writes.  ly has a store
	 * and is not open: whatever the file holds is looked at as it is.  Sets the numbers of
	 * result that it knows.  An image that cannot be used at all is a finding.
	 * IMG_E_UNSUPPORTED: legal, but unknown here.
	 */
	bool (*check)(struct img_layer *ly, const struct img_checking *how,
		      struct img_findings *out, struct img_check_result *result,
		      struct img_err *err);
	/*
	 * Mends in place, in the store of ly, what can be mended without a guess and without losing
	 * anything that can be read or could be found; whatever it was cut off at, the image is no
	 * worse than before and a second one ends the same.  How much that was is for another check
	 * to say.  NULL: nothing can be.
	 */
	bool (*repair)(struct img_layer *ly, const struct img_checking *how,
		       enum img_repair_level level, struct img_err *err);
};

/* ---- The driver ------------------------------------------------------------------------------ */

struct img_adopt_ops;
struct img_recrypt_ops;
struct img_layer_compact;
struct img_layer_compacted;
struct img_layer_pack;
struct img_layer_packed;

struct img_format {
	const char *name;			/* "qcow2" */
	const char *extensions;			/* "qcow2|qc2", or NULL */
	unsigned caps;				/* IMG_FMT_* */
	bool header_apart;		/* the header may be in another file: ly->header */
	bool identity;			/* each guest byte lies at its own offset in the store */
	bool tells_missing;		/* info tells what the file has lost at its end */
	bool size_unsaid;		/* an image may not say how long its disk is: open takes a size */
	const struct img_option *create_options;
	int (*probe)(const struct img_peek *peek);	/* pure; 0 (no) .. 100 (sure) */
	/*
	 * Whether the first bytes of a file (len up to IMG_REMAINS_BYTES) look like what is left of
	 * an image of this format after its header was overwritten.  Pure.  NULL: cannot tell.
	 */
	bool (*remains)(const uint8_t *head, size_t len);
	/*
	 * Whether a file of that name is a part of an image and holds bytes of its disk as they are, so
	 * that no driver knows it by its bytes.  Pure.  NULL: there are none.
	 */
	bool (*is_plain_part)(const char *name);
	/*
	 * Whether a file that no driver knows by these first bytes (len up to IMG_PEEK_BYTES) may be
	 * an image that is known by its last ones: then a pipe is read to its end before it is
	 * called raw.  Pure.  NULL: never.
	 */
	bool (*needs_end)(const uint8_t *head, size_t len);
	/* On failure nothing is left in ly but store.  IMG_E_NOT_THIS_FORMAT, _CORRUPT, ... */
	bool (*open)(struct img_layer *ly, const struct img_layer_open *how, struct img_err *err);
	/*
	 * As open, of a file that may be damaged in any way; only for reading.  What is gone of its
	 * structures is rebuilt in memory; extent() says what of the answer is guessed and what is
	 * lost.  NULL: what open makes of a damaged image is all that can be had.
	 */
	bool (*salvage)(struct img_layer *ly, const struct img_layer_open *how,
			struct img_err *err);
	/* Makes ly a new image that is being written.  NULL: cannot. */
	bool (*create)(struct img_layer *ly, const struct img_layer_create *what,
		       struct img_err *err);
	/*
	 * Whether the image that create would make can go out front to back.  NULL: as caps say, if
	 * nothing is compressed, and, with announce, the size is known.  Pure.
	 */
	bool (*sequential)(const struct img_layer_create *what);
	void (*close)(struct img_layer *ly);
	/*
	 * What is at `at` (< limit <= size); no I/O beyond what the first byte needs.  depth is
	 * left 0.  Any number of threads.  NULL while the layer is being created.
	 */
	bool (*extent)(struct img_layer *ly, uint64_t at, uint64_t limit, struct img_extent *out,
		       struct img_err *err);
	/*
	 * Guest bytes that extent() called ENCODED, any alignment.  Any number of threads.  NULL:
	 * the format has none.
	 */
	bool (*read)(struct img_layer *ly, uint64_t at, void *buf, size_t len,
		     struct img_err *err);
	/*
	 * The compressed units from the one that begins at guest byte `at` on, which extent() called
	 * ENCODED: up to max of them, each behind the one before on the disk.  *n ends in front of what
	 * is damaged, or is more than a codec made of a unit.  The streams themselves are not looked
	 * at.  Only of a layer that is read alone and has no pass; any number of threads.  NULL: units
	 * of this format are never taken as they are.
	 */
	bool (*packed)(struct img_layer *ly, uint64_t at, struct img_packed *out, size_t max,
		       size_t *n, struct img_err *err);
	/*
	 * A layer with a pass gets extent() in rising order from one thread (and from any behind a
	 * LOST one), and read() of what that gave; nothing in front of the host of an ENCODED extent
	 * is read for it or for a later one.
	 * The other calls are for IMG_PASS_TOLD alone; else NULL.  Instead of the first extent():
	 * there will be no pass, and ly becomes what open makes of it without IMG_OPEN_ONCE.
	 */
	bool (*settle)(struct img_layer *ly, struct img_err *err);
	/*
	 * Behind the last extent(): reads what is left of the stream, and fails when the whole of it
	 * contradicts what was read.
	 */
	bool (*conclude)(struct img_layer *ly, struct img_err *err);
	/*
	 * Then: the first bytes of the disk at or behind `at` that came too late for extent(), which
	 * took them for a hole; ENCODED, and read() gives them.  out->len is 0: there are none.
	 */
	bool (*late)(struct img_layer *ly, uint64_t at, struct img_extent *out,
		     struct img_err *err);
	/* What is special to the format; size, file and backing are added by the image layer. */
	bool (*info)(struct img_layer *ly, struct img_node *report, struct img_err *err);
	/*
	 * Whether st is the image that the open layer knows by below_id.  Failures are about st
	 * alone: it is the one, but must not be used, or it cannot be read.  NULL: below_id is
	 * never set.
	 */
	bool (*is_below)(const struct img_layer *ly, struct img_store *st, bool *yes,
			 struct img_err *err);
	/*
	 * What users should know about a layer although it can be read: an English phrase to be
	 * translated, or NULL.  oddity: about the file itself; may come up while it is being read.
	 * mismatch: below is not what the layer was made for.  Any thread.  NULL: nothing, ever.
	 */
	const char *(*oddity)(const struct img_layer *ly);
	const char *(*mismatch)(const struct img_layer *ly, const struct img_layer *below);
	const struct img_write_ops *write;	/* NULL: cannot be made */
	const struct img_disk_ops *disk;	/* NULL: cannot be written in place */
	/*
	 * Changes what the options of set say, of a layer that is open for writing and in which no
	 * request is under way; job may be NULL.  Nothing but close may follow, even on failure:
	 * what was written is durable then.  NULL: nothing can be changed.
	 */
	const struct img_option *amend_options;
	bool (*amend)(struct img_layer *ly, const struct img_settings *set,
		      const struct img_job *job, struct img_err *err);
	/*
	 * Makes the disk of a layer that is open for writing and was flushed how->size bytes long:
	 * what is new reads as zeros, whatever lies below or lay there once, and what was behind the
	 * new end is gone from the file.  Sets ly->size, and the layer goes on as a disk.  No request
	 * is under way.  All that is written, to the layer's store and to others that were opened for
	 * it or made by opener->create, gets into the files at once, later; so nothing needs an order
	 * or a sync, and after a failure only close follows.  NULL: the size cannot be changed.
	 * IMG_E_UNSUPPORTED: this image's cannot; IMG_E_RANGE: not to that.
	 */
	bool (*resize)(struct img_layer *ly, const struct img_layer_resize *how,
		       struct img_err *err);
	/* One round of a shorter file for the same disk: compact.h.  NULL: bytes have fixed places. */
	bool (*compact)(struct img_layer *ly, const struct img_layer_compact *how,
			struct img_layer_compacted *out, struct img_err *err);
	/* The same with plain units compressed on the way.  NULL: cannot. */
	bool (*pack)(struct img_layer *ly, const struct img_layer_pack *how,
		     struct img_layer_packed *out, struct img_err *err);
	/*
	 * Changes what the image stands on, and nothing of what it holds, under the same rules as
	 * resize; only close may follow.  NULL: cannot.  IMG_E_ARGUMENT: not on that; IMG_E_RANGE:
	 * the name is too long.
	 */
	bool (*link)(struct img_layer *ly, const struct img_layer_link *to, struct img_err *err);
	/*
	 * Makes the layer, of which snapshots keep theirs, hold nothing: what lies below shows through
	 * everywhere.  The same rules; only link and close may follow.  NULL: cannot.
	 */
	bool (*empty)(struct img_layer *ly, struct img_err *err);
	/*
	 * Shows which bytes of the layer's file the image needs, snapshots and all: with these at their
	 * places another file is the same image.  job may be NULL.  IMG_E_CORRUPT: not everything is
	 * understood that refers to some.  NULL: the disk is all that an image of this format holds.
	 */
	bool (*visit_used)(struct img_layer *ly, const struct img_used *used,
			   const struct img_job *job, struct img_err *err);
	/*
	 * Where in the file, which is not open as an image, the header lies that its keys are in.
	 * IMG_E_UNSUPPORTED: this image has none.  NULL: where there is one it starts the file.
	 */
	bool (*key_area)(struct img_store *st, uint64_t *at, uint64_t *len, struct img_err *err);
	const struct img_bitmap_ops *bitmap;	/* NULL: has no bitmaps */
	const struct img_snapshot_ops *snapshot;	/* NULL: has no snapshots */
	const struct img_check_ops *check;	/* NULL: nothing in it can be checked */
	const struct img_adopt_ops *adopt;	/* NULL: cannot be made around data; placement.h */
	/* NULL: its encryption does not change in place, or the image is its disk alone; recrypt.h */
	const struct img_recrypt_ops *recrypt;
};

#define IMG_FORMAT(name) extern const struct img_format img_format_##name;
#include "format/formats.def"
#undef IMG_FORMAT

/* The best answer of all drivers; *format is raw when none claims the file. */
int img_probe(const struct img_peek *peek, const struct img_format **format);
/* The name of a format that no driver here knows, if the file is of one; NULL: it is not. */
const char *img_foreign_format(const struct img_peek *peek);

#endif
