/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libimg: virtual-disk images as data.
 *
 * Everything that a program outside may use, and nothing else.  All sizes and offsets are bytes.
 * Functions that can fail return false (constructors: NULL) and fill the caller's struct img_err;
 * out parameters are untouched on failure.  Unless a comment says otherwise a function may be
 * called from any thread, and an object from one thread at a time.
 */
#ifndef LIBIMG_H
#define LIBIMG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

#define IMG_MUST_CHECK __attribute__((warn_unused_result))
#define IMG_PRINTF(fmt_index, first) __attribute__((format(printf, fmt_index, first)))

/* ---- Errors ---------------------------------------------------------------------------------- */

enum img_code {
	IMG_OK,
	IMG_E_ARGUMENT,		/* the caller asked for something that makes no sense */
	IMG_E_IO,		/* the system refused a read, write, sync, open ... */
	IMG_E_NOMEM,
	IMG_E_NOSPACE,		/* ENOSPC, EDQUOT, EFBIG */
	IMG_E_NOT_THIS_FORMAT,	/* the file is not an image of the format asked for */
	IMG_E_CORRUPT,		/* the file contradicts itself or its specification */
	IMG_E_INCOMPLETE,	/* the file ends before bytes that it refers to */
	IMG_E_UNSUPPORTED,	/* legal, but nothing here can do it */
	IMG_E_RANGE,		/* beyond a limit of the format or of the disk */
	IMG_E_DENIED,		/* the gate, the lock rules or the system's permissions said no */
	IMG_E_BUSY,		/* somebody else has the image open in a way that excludes ours */
	IMG_E_KEY,		/* a key is missing or wrong */
	IMG_E_MISMATCH,		/* not written: it stands on what it was not made for */
	IMG_E_CANCELLED,
	IMG_E_AMBIGUOUS,	/* an archive holds not just one file that may be meant */
};

/* Lives on the caller's stack; nothing to free.  Start with {0}. */
struct img_err {
	enum img_code code;	/* class of failure; decides the exit status */
	int os_errno;		/* errno of the failing system call, or 0 */
	char text[640];		/* "outer: inner: cause", in the user's language */
};

/* Each returns false, so that a failing line reads `return img_fail(...)`.  err may be NULL. */
bool img_fail(struct img_err *err, enum img_code code, const char *fmt, ...) IMG_PRINTF(3, 4);
/*
 * The same with errno's text behind ": ".  The code follows from errno: IMG_E_NOSPACE, _NOMEM,
 * _DENIED, _BUSY or _IO.
 */
bool img_fail_os(struct img_err *err, const char *fmt, ...) IMG_PRINTF(2, 3);
/* Puts "fmt: " in front of the text that err already has; code and os_errno stay. */
bool img_within(struct img_err *err, const char *fmt, ...) IMG_PRINTF(2, 3);

/* ---- Reports: collected first, printed later ------------------------------------------------- */

#include "libimg-report.h"

/* ---- Formats --------------------------------------------------------------------------------- */

struct img_format;

enum {
	IMG_FMT_CREATE     = 1 << 0,	/* can be written as a new image */
	IMG_FMT_BACKING    = 1 << 1,	/* can stand on a backing file */
	IMG_FMT_COMPRESS   = 1 << 2,	/* can hold compressed units */
	IMG_FMT_SEQUENTIAL = 1 << 3,	/* a new image can go out front to back, into a pipe */
	IMG_FMT_STREAM     = 1 << 4,	/* can be read front to back, without a spool */
	IMG_FMT_SNAPSHOT   = 1 << 5,	/* holds internal snapshots */
	IMG_FMT_RESIZE     = 1 << 6,	/* its disk can be made larger or smaller in place */
	IMG_FMT_AMEND_ONCE = 1 << 7,	/* img_amend() is whole at each moment with IMG_OPEN_AT_ONCE only */
};

enum img_option_type { IMG_OPT_SIZE, IMG_OPT_NUMBER, IMG_OPT_FLAG, IMG_OPT_TEXT, IMG_OPT_CHOICE };

/* One creation option, as given by -o name=value.  Tables end with a NULL name. */
struct img_option {
	const char *name;
	enum img_option_type type;
	const char *choices;		/* IMG_OPT_CHOICE: "off|metadata|falloc|full" */
	const char *fallback;		/* value when not given, or NULL */
	const char *help;		/* translatable */
};

/*
 * A size as users write it: "65536", "64k", "1.5G"; k M G T P E are powers of 1024, b is bytes.
 * IMG_E_ARGUMENT: not a size; IMG_E_RANGE: does not fit 64 bits.
 */
bool img_size_parse(const char *text, uint64_t *bytes, struct img_err *err) IMG_MUST_CHECK;

size_t img_format_count(void);
const struct img_format *img_format_at(size_t index);
/* By its name, or by the extension of a file's name ("disk.qcow2"); NULL: none. */
const struct img_format *img_format_named(const char *name);
const struct img_format *img_format_for_file(const char *path);
const char *img_format_name(const struct img_format *format);
unsigned img_format_caps(const struct img_format *format);
const struct img_option *img_format_options(const struct img_format *format);
/* The same of a new image's place on a Ceph cluster, whatever its format. */
const struct img_option *img_rbd_options(void);
/* What img_amend() can change; NULL: nothing. */
const struct img_option *img_format_amend_options(const struct img_format *format);

/* ---- Extents --------------------------------------------------------------------------------- */

struct img_store;

/* The name of what holds the bytes, as shown to the user (usually a path). */
const char *img_store_name(const struct img_store *store);

/*
 * Whether path names no file, but what a server exports: nbd://HOST/EXPORT, nbd+unix:///EXPORT?socket=FILE
 * and the others that libnbd knows.  Pure.
 */
bool img_path_is_uri(const char *path);
/*
 * Whether it is an image on a Ceph cluster: rbd:POOL[/NAMESPACE]/IMAGE[@SNAPSHOT], with :NAME=VALUE behind it
 * for the client, its configuration (conf) and Ceph's settings.  A new one is named when it is whole.  Pure.
 */
bool img_path_is_rbd(const char *path);
/*
 * Whether both lead to the same file or block device, whatever they are called, or would if a file were made
 * there.  Not pipes and terminals, which many can use; "-" is a name as any other.  Of what is behind a
 * server and on a cluster one name counts, whatever it shows.
 */
bool img_path_same(const char *a, const char *b);
/* The path, for free(), that name (maybe with "file:") means in an image at base.  NULL: memory is out. */
char *img_resolve(const char *base, const char *name, struct img_err *err);

enum img_extent_kind {
	IMG_EXTENT_DATA,	/* guest bytes lie as they are at store[host, host + len) */
	IMG_EXTENT_ZERO,	/* reads as zeros, hides whatever is below */
	IMG_EXTENT_HOLE,	/* nothing in this layer (img_extent(): in any): reads as zeros */
	IMG_EXTENT_ENCODED,	/* compressed or encrypted: only the driver can read it */
	IMG_EXTENT_LOST,	/* should hold data, but the file cannot give it */
};

struct img_extent {
	uint64_t start, len;	/* guest bytes; len > 0 */
	enum img_extent_kind kind;
	unsigned depth;		/* the layer that answers; 0 is the active one */
	/*
	 * Where the bytes are: DATA and ENCODED always; ZERO when space is allocated for it (the
	 * bytes there read as zeros only if zero_in_store); otherwise store is NULL.  Borrowed from
	 * the image.
	 */
	struct img_store *store;
	uint64_t host, host_len;	/* bytes in store; host_len < len when compressed */
	bool zero_in_store;
	bool encrypted;		/* ENCODED: byte by byte, at host as it is on the disk; not compressed */
	bool guessed;		/* IMG_OPEN_SALVAGE: that these bytes belong here is a guess */
	bool left_out;		/* HOLE: there are bytes, but img_leave_out() said that none needs them */
	enum img_code loss;	/* LOST: IMG_E_INCOMPLETE, IMG_E_CORRUPT or IMG_E_IO */
	const char *why;	/* LOST: a static English phrase to translate; else NULL */
};

/*
 * Lengthens first by next when next continues it: guest bytes, kind, depth, and store bytes where
 * there are any.  Returns false, and changes nothing, when it does not.
 */
bool img_extent_join(struct img_extent *first, const struct img_extent *next);

/* ---- Images ---------------------------------------------------------------------------------- */

struct img;
struct img_finding;
struct img_keys;
struct img_secret;

enum img_cache {
	IMG_CACHE_DEFAULT,	/* sources: writeback; new targets: unsafe */
	IMG_CACHE_WRITEBACK,	/* page cache, synced when asked */
	IMG_CACHE_WRITETHROUGH,	/* page cache, every write is durable when it returns */
	IMG_CACHE_NONE,		/* O_DIRECT, synced when asked */
	IMG_CACHE_DIRECTSYNC,	/* O_DIRECT, every write is durable when it returns */
	IMG_CACHE_UNSAFE,	/* page cache, never synced */
};

enum img_ref_kind {
	IMG_REF_BACKING,
	IMG_REF_DATA,
	IMG_REF_EXTENT,
	IMG_REF_HEADER,		/* of a new image; no image names it, and no gate is asked */
};

/* A file that is named inside an image. */
struct img_reference {
	enum img_ref_kind kind;
	const char *name;	/* as written in the image */
	const char *format;	/* as written in the image; NULL: not said */
	const char *path;	/* name resolved against the directory of the image that names it */
};

/* Decides whether a file named inside an image may be opened. */
struct img_gate {
	bool (*allow)(void *ctx, const struct img_reference *ref, struct img_err *err);
	void *ctx;
};
extern const struct img_gate img_gate_deny;	/* nothing: the default of the library */
/* Local regular files and block devices; extents only in the folder of the image, or below it. */
extern const struct img_gate img_gate_local;
/* The same, but extents may be anywhere, and backing files on a cluster: for who trusts the maker. */
extern const struct img_gate img_gate_anywhere;

enum {
	IMG_OPEN_WRITE       = 1 << 0,
	IMG_OPEN_FORCE_SHARE = 1 << 1,	/* read even what somebody else is writing */
	IMG_OPEN_NO_BACKING  = 1 << 2,	/* the top layer alone */
	IMG_OPEN_NO_LOCK     = 1 << 3,
	/* What is gone of the top layer's structures is rebuilt in memory: img_get_salvage(). */
	IMG_OPEN_SALVAGE     = 1 << 4,
	/*
	 * For one img_copy_run() alone: what comes through a pipe may be read as it comes, and is
	 * not kept.  Before it only size, name and format may be asked for, and nothing afterwards.
	 */
	IMG_OPEN_ONCE        = 1 << 5,
	/* Write although the image stands on one that is not what it was made for. */
	IMG_OPEN_MISMATCH    = 1 << 6,
	/*
	 * With IMG_OPEN_WRITE: what is changed reaches the files of the image in img_finish(), all
	 * of it or nothing, whatever cuts it off.  Until then it is kept beside, so this is for
	 * changes of a structure and not for what a guest writes.  A raw image on a cluster needs it not.
	 */
	IMG_OPEN_AT_ONCE     = 1 << 7,
	/*
	 * Only what an image says without its keys: encrypted bytes are IMG_EXTENT_ENCODED, and to read
	 * or write them is IMG_E_KEY.
	 */
	IMG_OPEN_NO_KEY      = 1 << 8,
	/* With IMG_OPEN_WRITE, of a raw image: others, who said so too, write other bytes of it. */
	IMG_OPEN_SHARE_WRITE = 1 << 9 | IMG_OPEN_NO_LOCK,
};

/*
 * The bytes of an image that cannot be had again without unpacking or reading a stream: those that a check
 * has read, for who opens the image behind it.  All zeros at first; by one thread, for one path and member.
 */
struct img_unpacked {
	struct img_store *store;	/* NULL: nothing is kept */
};
/* What was opened of them stays so. */
void img_unpacked_clear(struct img_unpacked *kept);

struct img_open {
	const char *path;	/* "-": standard input */
	const char *format;	/* NULL: probe */
	const char *snapshot;	/* id or name of an internal snapshot of the top layer, or NULL */
	unsigned flags;		/* IMG_OPEN_* */
	enum img_cache cache;
	const struct img_gate *gate;	/* NULL: img_gate_deny */
	uint64_t cache_size;	/* bytes of tables kept in memory at most; 0: IMG_CACHE_SIZE */
	/*
	 * Guest bytes, if they are known; or 0.  For IMG_OPEN_SALVAGE, and for cloop, whose last block
	 * they end in; else IMG_E_ARGUMENT.
	 */
	uint64_t size;
	/* What it stands on, whatever it says; no gate.  IMG_E_ARGUMENT: it stands on nothing. */
	const char *parent;	/* NULL: what it says */
	const struct img_keys *keys;	/* that encrypted layers may try while it is opened, or NULL */
	/*
	 * The file that holds the header of the top layer, a LUKS image, while the file at path holds
	 * the data alone; only read.  NULL: the image begins with it.  Without a format it is luks.
	 */
	const char *header;
	/*
	 * Which member of the archive at path is meant, as for img_member_is(), and of a compressed file
	 * "1": the only one.  NULL: what path names may be an archive or compressed nevertheless, and is
	 * then unpacked, if it looks like no disk and format is not "raw"; of an archive the only member
	 * that looks like an image, or the only file.  IMG_E_AMBIGUOUS: that is not one member.
	 */
	const char *member;
	uint64_t max_size;	/* bytes that are unpacked at most; 0: IMG_MAX_UNPACKED */
	/*
	 * Told once, by a sentence, when a stream that has to be read out of order goes to a temporary
	 * file, because memory is not enough for it.  By any thread.  NULL: nobody is told.
	 */
	void (*spooled)(void *ctx, const char *text);
	void *spooled_ctx;
	struct img_unpacked *unpacked;	/* taken in the place of path, if there is any; or NULL */
};

/* Bytes that come out of a compressed file: a few of them can unpack to more than any disk holds. */
#define IMG_MAX_UNPACKED (UINT64_C(1) << 40)

/* Holds all tables of a 1 TiB disk in 64 KiB clusters; what is not used takes no memory. */
#define IMG_CACHE_SIZE (UINT64_C(160) << 20)

#define IMG_SIZE_UNKNOWN UINT64_MAX

/*
 * Opens an image and all layers below it; only the top one for writing.  Close with img_close().
 * Errors: IMG_E_UNSUPPORTED when the format cannot be written in place, IMG_E_CORRUPT when an
 * image to be written is marked as damaged, IMG_E_MISMATCH when it stands on one that is not what it
 * was made for (img_layer_oddity() tells of that when it is only read), IMG_E_KEY when a layer is
 * encrypted and none of the keys opens it.
 */
struct img *img_open(const struct img_open *how, struct img_err *err);
/* Never fails, accepts NULL.  Not finished: a new image is gone, one in use as if power was lost. */
void img_close(struct img *im);

/* Guest bytes; IMG_SIZE_UNKNOWN while a pipe is being read. */
uint64_t img_size(const struct img *im);
size_t img_depth(const struct img *im);	/* number of layers, at least 1 */
const struct img_format *img_layer_format(const struct img *im, size_t depth);
const char *img_layer_name(const struct img *im, size_t depth);
/*
 * Whether path, as in img_path_same(), is a file of im: of any layer, with its header and the files of its
 * data, and what the lowest one names below it; of a new image what will be its own.  Of an archive, none.
 */
bool img_has_file(const struct img *im, const char *path);
/* That a file that is to be made at path is none of those of source, which may be NULL.  IMG_E_ARGUMENT. */
bool img_check_source(const struct img *source, const char *path, struct img_err *err) IMG_MUST_CHECK;
/* True when a raw answer came from probing, and something suggests that it is wrong; why is set. */
bool img_probe_doubtful(const struct img *im, const char **why);

/*
 * Whether the top layer is a file as it is: nothing that was unpacked on the way, no member of an
 * archive, no device, stream or server.
 */
bool img_is_file(const struct img *im);

/*
 * What there is to know about a layer although it can be read, translated: it stands on an image
 * that is not the one it was made for, or a damaged part of it had to be replaced by a copy.  NULL:
 * nothing.  May change from NULL while the image is being read.  Any thread.
 */
const char *img_layer_oddity(const struct img *im, size_t depth);

/*
 * What is at `at`, and how far does that go, at most to `limit` (at < limit <= img_size())?
 * The answer of the whole stack.  May be shorter than the longest truth; join with
 * img_extent_join().  Any number of threads.
 * Errors: IMG_E_RANGE, IMG_E_IO, IMG_E_NOMEM.  Damage is an answer (IMG_EXTENT_LOST), not an error.
 */
bool img_extent(struct img *im, uint64_t at, uint64_t limit, struct img_extent *out,
		struct img_err *err) IMG_MUST_CHECK;
/*
 * The same, of the bytes and not of the room they have: what lies in a hole of a file is ZERO although
 * the image has a place for it.  One question more to the file system for each answer.
 */
bool img_extent_of_bytes(struct img *im, uint64_t at, uint64_t limit, struct img_extent *out,
			 struct img_err *err) IMG_MUST_CHECK;
/* Guest bytes [at, at + len).  IMG_E_INCOMPLETE or IMG_E_CORRUPT for lost ones.  Any thread. */
bool img_read(struct img *im, uint64_t at, void *buf, size_t len, struct img_err *err)
	IMG_MUST_CHECK;

/* Bytes of a disk. */
struct img_span {
	uint64_t start, len;
};

/*
 * Nobody needs what is in these n spans, which rise and do not touch: where they have bytes there is a
 * hole from now on, for all who ask.  im must be open for reading alone, and not as a stream.  Before
 * anybody else uses im.
 * Errors: IMG_E_ARGUMENT (not such spans), IMG_E_RANGE (beyond the disk), IMG_E_DENIED, IMG_E_NOMEM.
 */
bool img_leave_out(struct img *im, const struct img_span *spans, size_t n, struct img_err *err)
	IMG_MUST_CHECK;
/* Adds what is known about the top layer (with_chain: a list of all layers) to report. */
bool img_info(struct img *im, bool with_chain, struct img_node *report, struct img_err *err)
	IMG_MUST_CHECK;

/* What an image that was opened with IMG_OPEN_SALVAGE needed. */
struct img_salvage {
	const struct img_finding *notes;	/* what was rebuilt, and how; borrowed from the image */
	size_t n_notes;
	uint64_t unplaced;	/* bytes of the file that are in use, but nobody knows for what */
	bool size_guessed;	/* that of the disk */
};

void img_get_salvage(const struct img *im, struct img_salvage *out);

/*
 * Writing into an image that was opened with IMG_OPEN_WRITE.  Any number of threads; what happens to
 * bytes that two requests change at once is up to the scheduler.  at + len <= img_size().
 * What ended before an img_flush() began survives a loss of power once that has returned true; with
 * writethrough and directsync a request is durable when it returns.
 * Errors: IMG_E_RANGE, IMG_E_IO, IMG_E_NOSPACE, IMG_E_NOMEM; IMG_E_CORRUPT when the image
 * contradicts itself: it is then marked so, and nothing more is written.
 */
bool img_write(struct img *im, uint64_t at, const void *buf, size_t len, struct img_err *err)
	IMG_MUST_CHECK;
/* As if zeros had been written.  unmap: the space may be given back. */
bool img_write_zeros(struct img *im, uint64_t at, uint64_t len, bool unmap, struct img_err *err)
	IMG_MUST_CHECK;
/* The content is not needed any more: space is given back where that is possible. */
bool img_discard(struct img *im, uint64_t at, uint64_t len, struct img_err *err) IMG_MUST_CHECK;
/*
 * Free when nothing was written since the last one.  Once a sync of the system has failed all
 * further ones fail: nobody knows what reached the disk.
 */
bool img_flush(struct img *im, struct img_err *err) IMG_MUST_CHECK;

/* What was asked of the files of the top layer since it was opened. */
struct img_traffic {
	uint64_t reads, read_bytes;
	uint64_t writes, written_bytes;
	uint64_t zeros, zeroed_bytes;	/* calls that zero, punch or set aside a range */
	uint64_t syncs;
};
/* Any thread. */
void img_get_traffic(const struct img *im, struct img_traffic *out);

struct img_create {
	const char *path;	/* "-": standard output */
	const char *format;	/* never NULL */
	uint64_t size;		/* guest bytes, or IMG_SIZE_UNKNOWN: known when finished */
	const char *options;	/* "cluster_size=1M,compat=0.10" (",," is a comma), or NULL */
	const char *backing;	/* path as it is to be written into the image, or NULL */
	const char *backing_format;
	bool compressed;	/* the units to come will be compressed */
	bool dedup;		/* ... and equal ones stored once: IMG_E_UNSUPPORTED where that cannot be */
	const struct img *source;	/* whose disk it will hold: an option "keep" asks it; or NULL */
	bool in_place;		/* write into the existing file or device; its content goes */
	bool reads_as_zero;	/* in_place: the target is known to be all zeros already */
	unsigned flags;		/* IMG_OPEN_NO_LOCK; in_place: IMG_OPEN_SHARE_WRITE */
	enum img_cache cache;
	const struct img_gate *gate;	/* for the backing file; NULL: img_gate_deny */
	/* What will open it, if it is encrypted; or NULL.  Borrowed until img_close(), as are keys. */
	const struct img_secret *key;
	bool encrypted;		/* it must be; IMG_E_ARGUMENT when nothing says how */
	const struct img_keys *keys;	/* of what it stands on; or NULL */
	/*
	 * Asked before anything is written to a device or a server that has room for so many bytes,
	 * and not for a raw image: false, with err set, if that is too little.  NULL: nobody knows.
	 */
	bool (*fits)(void *ctx, uint64_t room, struct img_err *err);
	void *fits_ctx;
	/* "gzip", "xz", "zstd" or "lz4": the file is compressed as a whole, with all cores; or NULL. */
	const char *filter;
};

/*
 * A new image, open for one copy (img_copy_run()).  It gets its name, replacing what was there, in
 * img_finish(); without that img_close() leaves no trace of it.  On a device or a server it is known
 * for what it is from img_finish() on, unless it is raw; without that the first bytes are zeros.
 */
struct img *img_create(const struct img_create *what, struct img_err *err);
/*
 * Ends the writing of a new image, or of one that was opened for writing: everything is durable
 * (unless the cache mode is unsafe), and what was set aside in advance is given back.  img_close()
 * must follow.
 */
bool img_finish(struct img *im, struct img_err *err) IMG_MUST_CHECK;

/* ---- Long operations ------------------------------------------------------------------------- */

/*
 * How a long operation talks back.  Any member may be NULL.  Each is called by one thread at a time,
 * not always the same one, and maybe while another one is being called.
 */
struct img_job {
	void (*progress)(void *ctx, uint64_t done, uint64_t total);	/* bytes of work */
	bool (*cancelled)(void *ctx);
	void (*warn)(void *ctx, const char *text);
	void *ctx;
};

struct img_copy {
	struct img *src, *dst;
	unsigned threads;	/* 0: one for each core, eight at least to read from a cluster */
	uint64_t memory;	/* bytes of buffers in flight at most; 0: the default */
	uint32_t zero_grain;	/* power of two: looked at as one when searching zeros; or 0 */
	uint64_t rate;		/* bytes of data a second at most; 0: no limit */
	/* Only these bytes of the disk (len 0: all), into a dst made with in_place.  IMG_E_RANGE. */
	uint64_t range_at, range_len;
	bool compress;
	/*
	 * Compressed units that src holds as dst would are taken as they are, without a look at them.
	 * recode: none are; verify: each is decoded, so that damage is found.
	 */
	bool recode, verify;
	bool dedup;		/* store equal units once; dst was made for that */
	bool salvage;		/* go on over lost extents; they read as zeros in dst */
	const char *digest;	/* name of a hash of the guest's content ("sha256"), or NULL */
	/* Told of each lost extent in guest order when salvage is set; may be NULL. */
	void (*lost)(void *ctx, const struct img_extent *extent);
	void *lost_ctx;
};

/* Ranges begin and end there, or end with the disk: who writes neighbours shares no block. */
#define IMG_COPY_RANGE_UNIT 4096

/* Codecs that the units of one image may have. */
#define IMG_CODECS_MAX 5

struct img_copy_stats {
	uint64_t guest;		/* bytes of the disk */
	uint64_t data;		/* of these: stored plain */
	uint64_t compressed;	/* of these: stored compressed */
	/* Units of that by codec: that of the image, and others where each unit may have its own. */
	uint64_t units[IMG_CODECS_MAX];
	uint64_t taken;		/* of compressed: as the source had them */
	uint64_t shared;	/* of data and compressed: stored by an equal unit before it */
	uint64_t zero;		/* of these: zeros and holes */
	uint64_t cloned;	/* of data: shared with the source, not moved */
	uint64_t lost;		/* of zero: could not be read (salvage) */
	char digest[129];	/* hexadecimal, or empty */
};

/*
 * Copies the guest's content of src into dst, which must be new.  dst still needs img_finish().
 * The bytes of dst depend on src and the options alone, never on threads.
 * The error given is the first in guest order.
 */
bool img_copy_run(const struct img_copy *what, const struct img_job *job,
		  struct img_copy_stats *stats, struct img_err *err) IMG_MUST_CHECK;

/*
 * Copies the file of src as it is to path ("-": standard output): all snapshots, bitmaps and whatever
 * else the image holds, at the same places, so that what is shared stays shared.  What the image does
 * not need is left out.  A file gets its name when it is whole.  job may be NULL.
 * Errors: IMG_E_UNSUPPORTED (a format without snapshots; the image is not one file alone),
 * IMG_E_CORRUPT (not every reference of the image is right), and those of reading and writing.
 */
bool img_replicate(struct img *src, const char *path, enum img_cache cache,
		   const struct img_job *job, struct img_err *err) IMG_MUST_CHECK;

/*
 * Changes what an image is without copying it: its version, the widths of its tables, the names of
 * other files in it.  options: "name=value,..." (",," is a comma) of img_format_amend_options().
 * im must be open for writing, and may be so without its backing file (IMG_OPEN_NO_BACKING); only
 * img_close() may follow, whatever comes of it.  The guest's content stays the same, unless the
 * backing file changes.  What is refused leaves the image as it was.  job may be NULL.
 * Errors: IMG_E_ARGUMENT, IMG_E_UNSUPPORTED, IMG_E_CORRUPT, IMG_E_RANGE (a name or a count does not
 * fit), IMG_E_IO, IMG_E_NOSPACE, IMG_E_NOMEM, IMG_E_CANCELLED.
 */
bool img_amend(struct img *im, const char *options, const struct img_job *job,
	       struct img_err *err) IMG_MUST_CHECK;

/* How space is set aside for what reads as zeros. */
enum img_preallocation {
	IMG_PREALLOC_OFF,
	IMG_PREALLOC_METADATA,	/* tables only */
	IMG_PREALLOC_FALLOC,	/* space of the file system, which reads as zeros */
	IMG_PREALLOC_FULL,	/* written, where the system cannot set it aside */
};

struct img_resize {
	uint64_t size;		/* guest bytes */
	enum img_preallocation preallocation;	/* of what is new; OFF when it gets smaller */
	bool compact;		/* what lies last in the file moves into room that became free */
};

/*
 * Makes the disk of an image larger, by zeros, or smaller; what is behind the new end is gone.  im
 * must be open with IMG_OPEN_WRITE and IMG_OPEN_AT_ONCE, and stays a disk: what img_finish() makes
 * of it includes what is written before and afterwards.  After a failure only img_close() may
 * follow, and the image is as it was.  job may be NULL.
 * Errors: IMG_E_UNSUPPORTED (the format, or this image, keeps its size), IMG_E_RANGE (no disk of the
 * format has that size), IMG_E_DENIED (not open for it, or its backing file is not open),
 * IMG_E_MISMATCH (it would not fit what it stands on; IMG_OPEN_MISMATCH allows it), IMG_E_CORRUPT,
 * IMG_E_IO, IMG_E_NOSPACE, IMG_E_NOMEM, IMG_E_CANCELLED.
 */
bool img_resize(struct img *im, const struct img_resize *what, const struct img_job *job,
		struct img_err *err) IMG_MUST_CHECK;

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#include "libimg-archive.h"
#include "libimg-bitmap.h"
#include "libimg-bundle.h"
#include "libimg-chain.h"
#include "libimg-check.h"
#include "libimg-compact.h"
#include "libimg-compare.h"
#include "libimg-crypt.h"
#include "libimg-diff.h"
#include "libimg-hash.h"
#include "libimg-inplace.h"
#include "libimg-keys.h"
#include "libimg-measure.h"
#include "libimg-ovf.h"
#include "libimg-recrypt.h"
#include "libimg-snapshot.h"

#endif
