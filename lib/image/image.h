/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stack of layers seen as one disk: what the copy engine needs beyond libimg.h. */
#ifndef IMG_IMAGE_IMAGE_H
#define IMG_IMAGE_IMAGE_H

#include "format/format.h"
#include "store/ranges.h"
#include "store/recrypt.h"

/* What came last through a pipe that is called raw, for it may be an image known by its end. */
struct img_ending {
	bool probed;			/* nobody said that it is raw */
	size_t len;
	uint8_t bytes[IMG_PEEK_BYTES];
};

struct img {
	struct img_layer *layers;	/* [0] is the active one */
	size_t n_layers;
	const char *doubt;		/* why a probed raw may be wrong; a phrase, or NULL */
	struct img_target *target;	/* while a new image is being written, else NULL */
	struct img_disk *disk;		/* while an image is written in place, else NULL */
	bool any_below;			/* is written over whatever it stands on: IMG_OPEN_MISMATCH */
	struct img_at_once *at_once;	/* while all that is written is kept until img_finish() */
	struct img_rangeset left_out;	/* guest bytes that read as zeros: img_leave_out() */
	struct img_rangeset doubted;	/* guest bytes of a salvage: img_doubt_zeros() */
	bool passing;			/* the top layer is read while it comes: pass.c */
	uint64_t passed;		/* bytes of its file that are not needed any more */
	struct img_ending ending;	/* of a stream */
};

/* ---- Opening (open.c) -------------------------------------------------------------------------- */

/* Whether both are names of one file, which is there. */
bool img_same_file(const char *a, const char *b);
/*
 * For an image that was opened with IMG_OPEN_AT_ONCE, behind img_finish(): it is open as before, and its
 * file was locked all the time.  After a failure only img_close() may follow.
 */
bool img_open_again(struct img *im, struct img_err *err) IMG_MUST_CHECK;
/* Closes the layers from depth on; the disk of im is nothing there from now on. */
void img_drop_layers(struct img *im, size_t depth);

/* Refuses a file that no driver claims when kind, from img_foreign_format(), is not NULL (layer.c). */
bool img_check_foreign(const char *name, const char *kind, struct img_err *err) IMG_MUST_CHECK;
/* Whether a file that is raw by its bytes is a part of an image by its name (layer.c). */
bool img_is_plain_part(const struct img_store *st);

/* ---- What a salvage hides (doubt.c) -------------------------------------------------------------- */

/*
 * Looks at the zeros of a layer that says so (struct img_salvaged), notes those that hide something,
 * and makes them guesses.
 */
bool img_doubt_zeros(struct img *im, struct img_err *err) IMG_MUST_CHECK;

/* ---- Who stands on an image (children.c) --------------------------------------------------------- */

struct img_child_search {
	size_t first, end;		/* layers on which they may stand */
	const struct img_gate *gate;	/* of the files that they name, NULL: deny */
	/* below: the file of the layer that path stands on, for sure. */
	void (*found)(void *ctx, const char *path, const char *below);
	void *ctx;
};

/* Looks for images that are no layers of im, beside those in front of how->end.  IMG_E_IO, _NOMEM. */
bool img_find_children(const struct img *im, const struct img_child_search *how,
		       struct img_err *err) IMG_MUST_CHECK;

/* ---- Reading (read.c) ------------------------------------------------------------------------ */

/*
 * Bytes of one extent as img_extent() gave it, or a part of it [at, at + len).  Lost ones fail
 * with their class, and the sentence names the guest range.  Any number of threads.
 */
bool img_read_extent(struct img *im, const struct img_extent *ex, uint64_t at, void *buf,
		     size_t len, struct img_err *err) IMG_MUST_CHECK;
/* Whether a read of im may wait for another machine. */
bool img_is_far(const struct img *im);
/*
 * With how many threads to read im: wanted, or if that is 0 one for each core, but eight where reads wait
 * for another machine; from 1 to most.
 */
unsigned img_reading_threads(const struct img *im, unsigned wanted, unsigned most);
/* Fails with the loss of ex: the sentence that users see. */
bool img_fail_lost(struct img *im, const struct img_extent *ex, struct img_err *err);
/*
 * The next bytes of a stream; *got < len: this was the end, and img_size() is known from now on.
 * One thread, all of it in order.  IMG_E_ARGUMENT: it was taken for raw, and ends as an image does.
 */
bool img_read_stream(struct img *im, uint64_t at, void *buf, size_t len, size_t *got,
		     struct img_err *err) IMG_MUST_CHECK;
/*
 * Before anything is asked of im: if it came with IMG_OPEN_ONCE and can be read in one pass of a kind
 * up to most, im->passing is true from now on.  Else it is read as any other.
 */
bool img_begin_pass(struct img *im, enum img_pass most, struct img_err *err) IMG_MUST_CHECK;
/* What `extents` of a pass in the order of the disk told of was read: what is in front can go. */
void img_pass_by(struct img *im, const struct img_extent *extents, size_t n);
/* Behind the last extent: reads to the end of the stream.  salvage: contradictions do not matter. */
bool img_end_pass(struct img *im, bool salvage, struct img_err *err) IMG_MUST_CHECK;
/* Still being read: where it ends is not known yet. */
static inline bool img_is_stream(const struct img *im)
{
	return im->layers[0].size == IMG_SIZE_UNKNOWN;
}

/* That nobody has removed, while it was read, what was read of it until now. */
static inline bool img_confirm(const struct img *im, struct img_err *err)
{
	for (size_t i = 0; i < im->n_layers; i++)
		if (!img_store_confirm(im->layers[i].store, err))
			return false;
	return true;
}

/* The extent at `at` in the layers from depth on; depth of the answer counts from the top. */
bool img_extent_from(struct img *im, size_t depth, uint64_t at, uint64_t limit,
		     struct img_extent *out, struct img_err *err) IMG_MUST_CHECK;
/* As img_read(), of the layers from depth on. */
bool img_read_from(struct img *im, size_t depth, uint64_t at, void *buf, size_t len,
		   struct img_err *err) IMG_MUST_CHECK;

/* Puts spans, as img_leave_out() wants them of im, into set; img_leave_out() says what fails. */
bool img_spans_add(const struct img *im, const struct img_span *spans, size_t n,
		   struct img_rangeset *set, struct img_err *err) IMG_MUST_CHECK;
/* Makes a hole of what ex begins with, or cuts it in front of the next bytes that are left out. */
void img_hide_left_out(const struct img *im, struct img_extent *ex);

/* ---- Writing in place (disk.c) --------------------------------------------------------------- */

struct img_disk;
/* Makes im->disk of an image whose layers are open.  cache: as the user said it. */
bool img_disk_new(struct img *im, enum img_cache cache, struct img_err *err) IMG_MUST_CHECK;
/* Accepts NULL. */
void img_disk_free(struct img_disk *disk);
/* False for NULL, and after img_disk_finish(). */
bool img_disk_is_open(const struct img_disk *disk);
/*
 * Of an image with a disk, before its first request: zeros are said even where nothing lies below,
 * because something will.
 */
void img_disk_say_zeros(struct img *im);
/* Of an image with a disk: what it stands on is open, too, if there is any.  IMG_E_DENIED. */
bool img_disk_check_sight(const struct img *im, struct img_err *err) IMG_MUST_CHECK;
/* The cache mode of the files: what is durable at once is so by a flush behind each request. */
enum img_cache img_disk_store_cache(enum img_cache cache);
/*
 * Around what reads the top layer: until the last one is out, no space that the image does not need
 * any more is used again.  Accept NULL.
 */
void img_disk_enter(struct img_disk *disk);
void img_disk_leave(struct img_disk *disk);
bool img_disk_finish(struct img *im, struct img_err *err) IMG_MUST_CHECK;
/* The driver has ended the disk itself: there is nothing left for img_disk_finish() to do. */
void img_disk_ended(struct img_disk *disk);

/* ---- All at once (at_once.c) ----------------------------------------------------------------- */

/*
 * The files of the top layer that are being changed.  What is written is kept beside them, and then
 * goes through a journal.
 */
struct img_at_once;
/* For the image at how->path, which stays the caller's and must outlive it. */
struct img_at_once *img_at_once_new(const struct img_open *how, struct img_err *err);
/*
 * What is written to the answer reaches store, which it takes over even on failure, in the commit.
 * ref: as what the image names it; NULL, and the first: the image itself.
 */
struct img_store *img_at_once_change(struct img_at_once *once, struct img_store *store,
				     const struct img_reference *ref, struct img_err *err);
/* How the image was opened, and its file itself; live as long as once, or what keeps them. */
const struct img_open *img_at_once_how(const struct img_at_once *once);
struct img_store *img_at_once_file(const struct img_at_once *once);
/* Bytes of the blocks that are kept beside the files, zeros aside.  IMG_E_IO, IMG_E_NOMEM. */
bool img_at_once_kept(const struct img_at_once *once, uint64_t *bytes,
		      struct img_err *err) IMG_MUST_CHECK;
/* How a driver opens, makes and removes files meanwhile; lives as long as once. */
const struct img_opener *img_at_once_opener(struct img_at_once *once);
/*
 * What is changed has its room in the files already: until the journal is whole nothing is done to
 * them, not even what shows in the time of their last change.
 */
void img_at_once_needs_no_room(struct img_at_once *once);
/*
 * Brings all changes into the files, durable; the answers of img_at_once_change() are still open.
 * After a failure all of it was done, or nothing, or whoever opens the image next does it.
 */
bool img_at_once_commit(struct img_at_once *once, struct img_err *err) IMG_MUST_CHECK;
/* Accepts NULL.  Without a commit the files are as they were. */
void img_at_once_free(struct img_at_once *once);

/* ---- Longer at once (longer.c) ---------------------------------------------------------------- */

struct img_longer;
/*
 * Makes the file of the image at path, which is open for writing, longer, with room for all that is new.
 * Until one of the following, and after a crash, whoever opens the image finds it as long as it was.
 */
struct img_longer *img_longer_new(struct img_store *file, const char *path, uint64_t bytes,
				  struct img_err *err);
/* It stays so; durable, if the file is.  Frees longer in any case, as the others. */
bool img_longer_end(struct img_longer *longer, struct img_err *err) IMG_MUST_CHECK;
/* Another journal has taken the place of the one that says how long it was.  Accepts NULL. */
void img_longer_forget(struct img_longer *longer);
/* It is as long as it was.  Accepts NULL. */
void img_longer_undo(struct img_longer *longer);

/* ---- Links (link.c) ---------------------------------------------------------------------------- */

/*
 * For an image that is open with IMG_OPEN_WRITE and IMG_OPEN_AT_ONCE, maybe without what it stands on;
 * img_finish() makes it final, and after a failure the image is as it was.  Nothing of its disk is
 * looked at: the caller has made sure that it stays the same.
 *
 * Writes into it what it stands on from now on: backing as it is to be said, NULL: nothing; below: that
 * image, open, or NULL; any_state: that will change, where the format can say so.  Only img_finish()
 * and img_close() may follow.  IMG_E_UNSUPPORTED: its format cannot; IMG_E_ARGUMENT: not on that;
 * IMG_E_RANGE: the name is too long.
 */
bool img_link(struct img *im, const char *backing, const char *backing_format,
	      const struct img *below, bool any_state, struct img_err *err) IMG_MUST_CHECK;
/*
 * The image holds nothing any more, and what lies below shows through.  img_link() may follow.
 * IMG_E_UNSUPPORTED: its format, or this image, cannot.
 */
bool img_empty(struct img *im, struct img_err *err) IMG_MUST_CHECK;

/* ---- Snapshots beside a disk (snapshot_beside.c) ---------------------------------------------- */

/*
 * What libimg-snapshot.h says of the functions of the same names, of the file at disk, which is the
 * disk itself; the caller has locked it.  Each of them is durable at once, but for a name.
 * IMG_E_UNSUPPORTED: the file system cannot share blocks.
 */
/* Whether disk is a file, and not a device. */
bool img_beside_snapshot_possible(const char *disk);
/* The file of a snapshot, which the caller frees; IMG_E_ARGUMENT: there is none of that name. */
char *img_beside_snapshot_path(const char *disk, const char *name, struct img_err *err);
bool img_beside_snapshot_list(const char *disk, struct img_snapshot **out, size_t *n,
			      struct img_err *err) IMG_MUST_CHECK;
bool img_beside_snapshot_create(const char *disk, const struct img_snapshot_new *what,
				struct img_err *err) IMG_MUST_CHECK;
bool img_beside_snapshot_apply(const char *disk, const char *which,
			       const struct img_snapshot_new *keep, bool *kept, struct img_err *err)
	IMG_MUST_CHECK;
bool img_beside_snapshot_remove(const char *disk, const char *which, struct img_err *err)
	IMG_MUST_CHECK;
bool img_beside_snapshot_rename(const char *disk, const char *which, const char *name,
				struct img_err *err) IMG_MUST_CHECK;

/* ---- What was cut off (pending.c) ------------------------------------------------------------ */

/* Whether there is room beside the image at path: behind a server is none. */
bool img_has_beside(const char *path);
/* Where the journal of an image is.  The caller frees it. */
char *img_journal_path(const char *path, struct img_err *err);
/* Where that of a new change is to be.  IMG_E_DENIED: some names of the image do not lead to it. */
char *img_journal_place(const char *path, struct img_err *err);
/*
 * Opens the file of an image.  Where a change at once was cut off it is finished first, or, for who
 * only reads, shown as if it had been.  gate: for the other files of the image, NULL: deny.
 */
struct img_store *img_open_file(const char *path, unsigned flags, enum img_cache cache,
				const struct img_gate *gate, struct img_err *err);
/* The same for a file that the image at base names by ref, if the gate allows it. */
struct img_store *img_open_named(const struct img_open *how, const char *base,
				 const struct img_reference *ref, struct img_err *err);
/* Finishes a change at once of the image at path, open for writing as image, that was cut off. */
bool img_pending_finish(struct img_store *image, const char *path, const struct img_gate *gate,
			struct img_err *err) IMG_MUST_CHECK;
/* The image at path was replaced by a new one: takes a journal away that was for the old one. */
void img_pending_forget(const char *path);

/* ---- Half encrypted in place (recrypt.c) ------------------------------------------------------- */

/* What lies beside an image of which a change of its encryption was begun. */
struct img_recrypt_found {
	struct img_store *journal;	/* owned; NULL: nothing lies there that says anything */
	struct img_recrypt_header hdr;
	struct img_recrypt_record last;	/* any is false: all 0 */
	bool any;			/* of the records there is one */
};

/* Where that is: journal, or, if that is NULL, beside the image at path.  The caller frees it. */
char *img_recrypt_path(const char *path, const char *journal, struct img_err *err);
/*
 * Looks at journal, or, if that is NULL, beside the image at path, whose file image is, or NULL.  flags:
 * IMG_OPEN_WRITE or 0.  IMG_E_DENIED: it belongs to somebody else than the image.
 */
bool img_recrypt_find(const char *path, const char *journal, struct img_store *image, unsigned flags,
		      struct img_recrypt_found *out, struct img_err *err) IMG_MUST_CHECK;
void img_recrypt_found_clear(struct img_recrypt_found *found);
bool img_recrypt_state_of(struct img_store *file, const struct img_recrypt_found *found,
			  enum img_recrypt_state *out, struct img_err *err) IMG_MUST_CHECK;
/* Fails when file, the image at path, is half done or just begun.  IMG_E_DENIED. */
bool img_recrypt_refuse(struct img_store *file, const char *path, struct img_err *err)
	IMG_MUST_CHECK;
/* The image at path was replaced: what lies beside it was for the old one. */
void img_recrypt_forget(const char *path);

/* ---- Files that an image names (layer.c) ----------------------------------------------------- */

/* How a driver reaches what an image names; a struct img_opener first. */
struct img_named_files {
	struct img_opener opener;
	const struct img_open *how;	/* borrowed */
	const char *base;		/* of the image that names them; borrowed */
};
void img_named_files_init(struct img_named_files *files, const struct img_open *how,
			  const char *base);

/* ---- Checking (check.c, check_data.c) -------------------------------------------------------- */

/* All that is found in any format, NULL behind the last. */
extern const struct img_finding_kind *const img_check_kinds[];
/* What a caller's wishes mean to a driver. */
void img_checking_init(struct img_checking *how, const struct img_check *what,
		       const struct img_job *job);
/*
 * Checks the structures in the store of ly, which is not open and whose format can be checked; most
 * as in struct img_check.  result: for img_check_clear().
 */
bool img_check_layer(struct img_layer *ly, const struct img_checking *how, size_t most,
		     struct img_check_result *result, struct img_err *err) IMG_MUST_CHECK;
/*
 * Fails when guest bytes that could be read in the file of `before`, which is not open, cannot be in
 * `changed`, which that file would become together with those of opener (repair_guard.c).
 */
bool img_repair_guard(const struct img_layer *before, struct img_store *changed,
		      const struct img_opener *opener, const struct img_open *how,
		      struct img_err *err) IMG_MUST_CHECK;

struct img_repaired_file;
/* The files that an image in repair names (repair_files.c); a struct img_opener first. */
struct img_repair_files {
	struct img_opener opener;
	struct img_named_files reading;
	const struct img_repair *what;	/* borrowed */
	struct img_repaired_file *v;	/* the extents that were opened; owned */
	size_t n;
	bool trying;			/* changes go to overlays */
	struct img_err failure;		/* why one that is to be changed could not be opened */
};

/* reading: how files are opened that are not changed.  All are borrowed. */
void img_repair_files_init(struct img_repair_files *files, const struct img_open *reading,
			   const char *base, const struct img_repair *what);
/*
 * Ends the trial: *changed becomes true if a file was.  What is changed from now on is so for good,
 * and only files that were may be.
 */
void img_repair_files_settle(struct img_repair_files *files, bool *changed);
/* Also fails when one that is to be changed could not be opened, whatever the driver made of it. */
bool img_repair_files_sync(struct img_repair_files *files, struct img_err *err) IMG_MUST_CHECK;
/* The undo file of one that was changed, or NULL: none was. */
const char *img_repair_files_undo(const struct img_repair_files *files);
void img_repair_files_clear(struct img_repair_files *files);
/* Reads all that the top layer of im holds, with so many threads; finds what cannot be read. */
bool img_check_data(struct img *im, const struct img_checking *how, struct img_findings *out,
		    struct img_err *err) IMG_MUST_CHECK;
extern const struct img_finding_kind img_found_lost, img_found_undecodable;

/* ---- Names inside images (gate.c) ------------------------------------------------------------ */

/*
 * As img_resolve(), for what ref names, if gate (NULL: deny) allows that to be touched; ref->path is ignored.
 */
char *img_allowed_path(const struct img_gate *gate, const char *base,
		       const struct img_reference *ref, struct img_err *err);
/* Opens what ref names if gate (NULL: deny) allows it; the caller owns the store. */
struct img_store *img_open_reference(const struct img_gate *gate, const struct img_reference *ref,
				     unsigned flags, enum img_cache cache, struct img_err *err);

/*
 * Gives above, which has a below_id, the name of the file that it is the id of (above->backing).
 * IMG_E_ARGUMENT: there is none; or why the one that there is cannot be used.  (below.c)
 */
bool img_find_below(struct img_layer *above, const struct img_open *how, struct img_err *err)
	IMG_MUST_CHECK;

/* As img_within() for the name of a file, which stands there already when its store failed. */
bool img_within_file(struct img_err *err, const char *name);

/* ---- One layer (layer.c) --------------------------------------------------------------------- */

/*
 * Opens store, which it takes over even on failure, as how->format or as what it looks like.  opener
 * (NULL: that of how): of files that the image names.
 */
bool img_layer_open(struct img_layer *ly, struct img_store *store, const struct img_open *how,
		    const struct img_opener *opener, const char **doubt,
		    struct img_err *err) IMG_MUST_CHECK;
/* Only finds out the format, and makes a pipe seekable for one that must seek; nothing is open. */
bool img_layer_recognize(struct img_layer *ly, struct img_store *store, const struct img_open *how,
			 const char **doubt, struct img_err *err) IMG_MUST_CHECK;
/* Opens ly, which has a store and a format, and closes it; the store stays the caller's. */
bool img_layer_open_as(struct img_layer *ly, const struct img_open *how, struct img_err *err)
	IMG_MUST_CHECK;
/* The same with another way to the files that it names. */
bool img_layer_open_with(struct img_layer *ly, const struct img_open *how,
			 const struct img_opener *opener, struct img_err *err) IMG_MUST_CHECK;
void img_layer_close_as(struct img_layer *ly);
/* Which format st has by its first bytes, and by its last ones if one can go there; raw: no other. */
bool img_look_at(struct img_store *st, const struct img_format **format, struct img_err *err)
	IMG_MUST_CHECK;
/* Whether a stream has to be known to its end before it can be called raw. */
bool img_needs_end(struct img_store *st, bool *needed, struct img_err *err) IMG_MUST_CHECK;
/*
 * Whether what becomes of im is whole at each moment: it is kept until img_finish(), or it is nothing but
 * bytes, a length and snapshots, each of which a cluster changes in one step.
 */
bool img_is_at_once(const struct img *im);
/* Whether a change at once can be made of the image at path; IMG_E_UNSUPPORTED. */
bool img_check_journal(const char *path, struct img_err *err) IMG_MUST_CHECK;
/* The snapshots that whoever keeps its bytes has of the disk; NULL: there are none of that kind. */
const struct img_store_history *img_layer_history(const struct img_layer *ly);
/* Puts a spool in front of the stream *st, which it owns from then on. */
bool img_put_spool(struct img_store **st, const struct img_open *how, struct img_err *err)
	IMG_MUST_CHECK;
/*
 * What st holds for how: the member of an archive that is meant, what is compressed, or st itself if it
 * looks like a disk.  Takes st over even on failure.  The result is a stream with IMG_OPEN_ONCE only, or
 * if st is one.  (unpack.c)
 */
struct img_store *img_unpack(struct img_store *st, const struct img_open *how, struct img_err *err);
/* Whether a file that begins so is compressed, or an archive that img_unpack() would look into.  Pure. */
bool img_looks_packed(const uint8_t *head, size_t len);
/*
 * What how->path names, unpacked so far that the members of the archive in it can be told, and seekable
 * for one that must be read so.  (unpack.c)
 */
struct img_store *img_open_packed(const struct img_open *how, struct img_err *err);
/* The member that how->member, or the look of it, means, of the archive in st; the same.  (archive.c) */
struct img_store *img_open_member(struct img_store *st, const struct img_open *how, struct img_err *err);
/* What how->path names, as it is: a file, a device, standard input, what a server exports. */
struct img_store *img_open_path(const struct img_open *how, struct img_err *err);
/* What how->path means; of what is packed that which is in it. */
struct img_store *img_open_top_store(const struct img_open *how, struct img_err *err);
/* Why layer depth does not go with the one below it: a phrase, or NULL. */
const char *img_layer_mismatch(const struct img *im, size_t depth);
/* Accepts a zeroed layer. */
void img_layer_close(struct img_layer *ly);

/* ---- Files that must not be one (apart.c) ----------------------------------------------------- */

/* That an image at path does not have itself as data file, or as what it stands on.  IMG_E_ARGUMENT. */
bool img_check_data_file(const char *path, const char *data_file, struct img_err *err) IMG_MUST_CHECK;
bool img_check_base(const char *path, const char *base, struct img_err *err) IMG_MUST_CHECK;
/* The same of what an image at path names, resolved.  IMG_E_CORRUPT. */
bool img_check_named(const char *path, const struct img_reference *ref, struct img_err *err)
	IMG_MUST_CHECK;
/* That no file of im, new and not published yet, is its data, or one of its source or of a layer below. */
bool img_check_apart(const struct img *im, const struct img_create *what, struct img_err *err)
	IMG_MUST_CHECK;

/* ---- Writing (create.c) ---------------------------------------------------------------------- */

/* What a new image has beyond its layer. */
struct img_target {
	char *backing_path;		/* what it stands on, resolved; or NULL */
	char *backing_format;
	const struct img_gate *gate;
	const struct img_secret *key;	/* its own; borrowed, as are keys */
	const struct img_keys *keys;	/* of what it stands on */
	struct img_store *pipe;		/* where the finished temporary file is poured, or NULL */
	const struct img_store *outer;	/* the pipe that a bundle around it goes to, or NULL; borrowed */
	struct img_store **extra;	/* files beside the image, owned by the driver */
	size_t n_extra;
	bool counted;			/* nothing is kept: all of its files are img_store_count() */
	struct img_store *inside;	/* the layer's, instead of a file: img_create_inside() */
	bool finished;
};

/* As img_create(), of files that are never made: for what they would be.  img_finish() counts all. */
struct img *img_create_counted(const struct img_create *what, struct img_err *err);

/* As img_create(), into st, which it takes over even on failure; what->path is for messages. */
struct img *img_create_inside(struct img_store *st, const struct img_create *what, struct img_err *err);
/* Sends all of a finished temporary file down a pipe, in which pipe_at bytes were before. */
bool img_pour(struct img_store *from, struct img_store *pipe, uint64_t pipe_at, struct img_err *err)
	IMG_MUST_CHECK;

/* A new image on a Ceph cluster, to be published when it is whole. */
struct img_store *img_rbd_target(const struct img_create *what, const struct img_format *format,
				 struct img_err *err);

/* A new file, or a pipe ("-": standard output), to be published when it is whole. */
struct img_store *img_open_new_store(const char *path, enum img_cache cache, struct img_err *err);
/* The same, compressed by filter on the way: img_store_packed(). */
struct img_store *img_open_new_packed(const char *path, enum img_cache cache, const char *filter,
				      struct img_err *err);
/* Whether img_target_rewrite() is possible. */
bool img_target_can_rewrite(const struct img *im);
/*
 * Of a new image that was all written: makes it one that img_write() can change, until img_finish().
 */
bool img_target_rewrite(struct img *im, struct img_err *err) IMG_MUST_CHECK;
/* The image that a new image stands on, opened for reading; NULL in *below: there is none. */
bool img_open_below(const struct img *im, struct img **below, struct img_err *err) IMG_MUST_CHECK;
/* Accepts NULL. */
void img_target_free(struct img_target *target);

#endif
