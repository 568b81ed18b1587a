/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The qcow2 driver's own header: what its files offer each other.
 *
 * header.c and entry.c are pure functions on bytes; a layer that is read is a header, a map and a
 * pool of decoders; a layer that is being made has its state in struct qcow2_new.
 */
#ifndef QCOW2_QCOW2_H
#define QCOW2_QCOW2_H

#include "cipher/luks.h"
#include "format/format.h"
#include "format/qcow2/findings.h"
#include "format/qcow2/layout.h"

/* ---- header.c -------------------------------------------------------------------------------- */

struct qcow2_bytes {
	uint8_t *raw;
	size_t len;
};

/* §"Header" and §"Header extensions", in host order.  Of version 2 the missing fields are filled. */
struct qcow2_header {
	uint32_t version;		/* 2 or 3 */
	unsigned cluster_bits;
	uint64_t size;			/* guest bytes */
	uint32_t crypt;			/* QCOW2_CRYPT_* */
	uint32_t l1_entries;
	uint64_t l1_off;
	uint64_t reftable_off;
	uint32_t reftable_clusters;
	uint32_t n_snapshots;
	uint64_t snapshots_off;
	uint64_t incompatible, compatible, autoclear;
	unsigned refcount_order;	/* entries are 1 << refcount_order bits wide */
	unsigned compression;		/* QCOW2_COMPRESSION_* */
	uint32_t n_bitmaps;		/* 0: no bitmaps extension */
	uint64_t bitmap_dir_off, bitmap_dir_len;
	uint64_t crypt_off, crypt_len;	/* where the LUKS header lies; 0: no such extension */
	/* Owned; NULL when the image does not say.  Never empty. */
	char *backing, *backing_format, *data_file;
	/* What others put there, kept as it is; owned, NULL when len is 0. */
	struct qcow2_bytes more_fields;		/* of a header that is longer than ours */
	struct qcow2_bytes more_extensions;	/* unknown ones: type, length, data, padding */
	struct qcow2_bytes more_names;		/* feature name table: rows of unknown bits */
};

/*
 * Decodes and validates raw[0, len), the first cluster of a file or as much of it as the file has.
 * out is owned by the caller, qcow2_header_clear() frees what it holds.
 * Errors: IMG_E_NOT_THIS_FORMAT (magic, version), IMG_E_INCOMPLETE, IMG_E_CORRUPT, IMG_E_RANGE
 * (a limit of layout.h), IMG_E_UNSUPPORTED (an incompatible feature, named), IMG_E_NOMEM.
 */
bool qcow2_header_decode(const uint8_t *raw, size_t len, struct qcow2_header *out,
			 struct img_err *err) IMG_MUST_CHECK;
/*
 * The inverse: fills all of raw[0, len), the first cluster, with header, extensions (of version 3
 * also the feature name table, where there is room for it) and backing name, zeros behind.  They
 * stand in the order that QEMU uses, so that a rewritten header differs little; only the bitmaps,
 * which come and go, stand behind all others.
 * len is the cluster size.  Errors: those of qcow2_header_validate(); IMG_E_RANGE when the names
 * do not fit.
 */
bool qcow2_header_encode(const struct qcow2_header *hdr, uint8_t *raw, size_t len,
			 struct img_err *err) IMG_MUST_CHECK;
/*
 * Puts into a first sector what changes while an image is in use: disk size, L1 table, refcount
 * table and width, snapshots, and of version 3 the features.
 */
void qcow2_header_put_numbers(const struct qcow2_header *hdr, uint8_t *raw);
/* The numbers of hdr against the limits and against each other.  Errors as decode. */
bool qcow2_header_validate(const struct qcow2_header *hdr, struct img_err *err) IMG_MUST_CHECK;
/* Of these the ones that say how to read the others: version, clusters, refcounts. */
bool qcow2_header_validate_widths(const struct qcow2_header *hdr, struct img_err *err)
	IMG_MUST_CHECK;
void qcow2_header_clear(struct qcow2_header *hdr);

/* ---- remains.c ------------------------------------------------------------------------------- */

/* Whether head[0, len) holds tables of an image, whatever its header says.  Pure. */
bool qcow2_remains(const uint8_t *head, size_t len);

/* ---- entry.c --------------------------------------------------------------------------------- */

/* What is needed to read a table entry, and to know which one to read. */
struct qcow2_geometry {
	unsigned cluster_bits;
	unsigned l2_bits;		/* an L2 table has 1 << l2_bits entries ... */
	unsigned l2_entry_len;		/* ... of 8 or, with subclusters, 16 bytes */
	bool zero_flag;			/* bit 0 of a standard descriptor means zeros */
	bool subclusters;		/* §"Extended L2 Entries" */
	bool data_file;			/* guest clusters lie in the external data file */
};

void qcow2_geometry_init(struct qcow2_geometry *geo, const struct qcow2_header *hdr);

static inline uint64_t qcow2_cluster_size(const struct qcow2_geometry *geo)
{
	return UINT64_C(1) << geo->cluster_bits;
}

/* log2 of the guest bytes that one L2 table, one L1 entry, is for; at most 39. */
static inline unsigned qcow2_l1_bits(const struct qcow2_geometry *geo)
{
	return geo->cluster_bits + geo->l2_bits;
}

/* Number of L1 entries for size guest bytes. */
uint64_t qcow2_l1_needed(const struct qcow2_geometry *geo, uint64_t size);

/*
 * Where the L2 table lies, 0: there is none.  False, with *why what is wrong, when the entry breaks
 * §"Cluster mapping".
 */
bool qcow2_l1_decode(const struct qcow2_geometry *geo, uint64_t entry, uint64_t *host,
		     const struct img_finding_kind **why) IMG_MUST_CHECK;
uint64_t qcow2_l1_encode(uint64_t host, bool copied);

enum qcow2_cluster_kind {
	QCOW2_CLUSTER_HOLE,		/* ask the layer below */
	QCOW2_CLUSTER_ZERO,
	QCOW2_CLUSTER_DATA,
	QCOW2_CLUSTER_COMPRESSED,
	QCOW2_CLUSTER_MIXED,		/* subclusters differ: see the two maps */
};

/* One L2 entry.  With subclusters: kind is that of all 32, unless MIXED. */
struct qcow2_cluster {
	enum qcow2_cluster_kind kind;
	bool allocated;			/* host is a cluster of ours (DATA: always) */
	bool copied;
	uint64_t host;			/* COMPRESSED: the first byte, any alignment */
	uint32_t stored_len;		/* COMPRESSED: bytes up to the end of the last sector */
	uint32_t data_map, zero_map;	/* MIXED: bit i is for subcluster i; neither: a hole */
};

/*
 * Decodes an L2 entry; bitmap is its second half, 0 without subclusters.  False, with *why
 * what is wrong, when the entry breaks the specification.
 */
bool qcow2_l2_decode(const struct qcow2_geometry *geo, uint64_t entry, uint64_t bitmap,
		     struct qcow2_cluster *out, const struct img_finding_kind **why) IMG_MUST_CHECK;
/*
 * How many of n > 0 entries from raw on, the first of which is sound, allocated and not compressed,
 * say the same of clusters that follow each other in the file; at least 1.
 */
size_t qcow2_l2_run(const struct qcow2_geometry *geo, const uint8_t *raw, size_t n);
/*
 * The inverse, into l2_entry_len bytes at raw.  COMPRESSED: stored_len is any length from 1 to
 * twice the cluster minus a sector, and host below qcow2_compressed_end().
 */
void qcow2_l2_encode(const struct qcow2_geometry *geo, const struct qcow2_cluster *cluster,
		     uint8_t *raw);
/* A compressed cluster cannot be described that starts here or behind. */
uint64_t qcow2_compressed_end(const struct qcow2_geometry *geo);

/* As qcow2_l1_decode(), for a refcount block. */
bool qcow2_reftable_decode(const struct qcow2_geometry *geo, uint64_t entry, uint64_t *host,
			   const struct img_finding_kind **why) IMG_MUST_CHECK;
/* Count number index of a refcount block whose counts are 1 << order bits wide, order 0 to 6. */
uint64_t qcow2_refcount_get(const uint8_t *block, unsigned order, size_t index);
/* n counts from number index on, in bulk. */
void qcow2_refcounts_get(const uint8_t *block, unsigned order, size_t index, uint64_t *out,
			 size_t n);
/* The other bits of a shared byte stay; count must fit. */
void qcow2_refcount_put(uint8_t *block, unsigned order, size_t index, uint64_t count);
/* n times the same, from number index on. */
void qcow2_refcounts_put(uint8_t *block, unsigned order, size_t index, uint64_t count, size_t n);
/* The largest count of that width. */
uint64_t qcow2_refcount_max(unsigned order);

/* ---- Writing a new image: owned by the writing files ----------------------------------------- */

struct qcow2_new;
bool qcow2_create(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err);
/* What img_format.sequential promises. */
bool qcow2_sequential(const struct img_layer_create *what);
/* Accepts NULL. */
void qcow2_new_free(struct qcow2_new *fresh);
extern const struct img_write_ops qcow2_write_ops;
extern const struct img_option qcow2_create_options[];

/* ---- snapshot.c ------------------------------------------------------------------------------ */

/* §"Snapshots": one entry of the table. */
struct qcow2_snapshot {
	char *id, *name;		/* owned */
	uint64_t l1_off;
	uint32_t l1_entries;
	uint32_t seconds, nanoseconds;	/* since the Epoch */
	uint64_t clock;			/* nanoseconds that the guest had run */
	uint64_t state_len;		/* bytes of VM state */
	uint64_t disk_size;		/* guest bytes */
	uint64_t icount;		/* instructions, or IMG_SNAPSHOT_UNKNOWN */
	struct qcow2_bytes extra;	/* as it is in the file, known fields and others; owned */
};

struct qcow2_snapshots {
	struct qcow2_snapshot *v;	/* owned */
	size_t n;
	uint64_t table_len;		/* bytes in the file */
};

/*
 * Decodes the entry that starts at raw; *used is its length with padding.  Where it does not tell
 * the disk's size, that is disk_size.  Errors: IMG_E_INCOMPLETE (len is too short), IMG_E_NOMEM.
 */
bool qcow2_snapshot_decode(const uint8_t *raw, size_t len, uint64_t disk_size,
			   struct qcow2_snapshot *out, size_t *used, struct img_err *err)
	IMG_MUST_CHECK;
/* The bytes of the entry, with padding. */
uint64_t qcow2_snapshot_len(const struct qcow2_snapshot *snap);
/* The inverse of decoding: into qcow2_snapshot_len() bytes of zeros. */
void qcow2_snapshot_encode(const struct qcow2_snapshot *snap, uint8_t *raw);
void qcow2_snapshot_clear(struct qcow2_snapshot *snap);
/* The whole table.  Errors: IMG_E_INCOMPLETE, IMG_E_RANGE (a table over 64 MiB), IMG_E_IO, _NOMEM. */
bool qcow2_snapshots_read(const struct qcow2_header *hdr, struct img_store *st, uint64_t file_size,
			  struct qcow2_snapshots *out, struct img_err *err) IMG_MUST_CHECK;
void qcow2_snapshots_clear(struct qcow2_snapshots *list);
/* By id, else by name; NULL: none. */
const struct qcow2_snapshot *qcow2_snapshots_find(const struct qcow2_snapshots *list,
						  const char *id_or_name);
/* The same; IMG_E_ARGUMENT when there is none. */
const struct qcow2_snapshot *qcow2_snapshots_get(const struct qcow2_snapshots *list,
						 const char *id_or_name, struct img_err *err);

/* snapshot_ops.c: what users do with them. */
extern const struct img_snapshot_ops qcow2_snapshot_ops;

/* ---- The layer ------------------------------------------------------------------------------- */

struct qcow2_cache;
struct qcow2_disk;
struct qcow2_salvage;

/* Where guest bytes lie in an image that is open. */
struct qcow2_map {
	struct img_store *file, *data;	/* borrowed; data is file unless there is a data file */
	/* Bytes; they grow while the image is written. */
	_Atomic uint64_t file_size, data_size;
	uint64_t *l1;			/* owned; while written: guarded by the cache's lock */
	size_t n_l1;			/* those that the file has */
	struct qcow2_cache *cache;	/* owned; L2 tables, and what disk.h adds */
};

/* img_layer.priv, for an image that is read and for one that is being made. */
struct qcow2 {
	struct qcow2_header header;
	struct qcow2_geometry geo;
	struct img_store *data_file;	/* owned; NULL: guest clusters lie in the layer's store */
	struct qcow2_new *fresh;	/* owned; NULL unless the image is being made */
	struct qcow2_map map;		/* empty while the image is being made */
	uint64_t cache_size;		/* bytes of tables in memory at most */
	struct qcow2_disk *disk;	/* owned; NULL unless the image is written in place */
	struct qcow2_bitmaps *bitmaps;	/* owned; NULL: not looked at yet */
	struct qcow2_salvage *salvage;	/* owned; NULL unless the image is salvaged */
	struct img_luks_volume volume;	/* owned; without a cipher: there is no key, or no need */
	struct img_codec_pool *decoders;	/* owned; NULL: the codec is not built in */
	const struct img_codec *codec;
};

/* driver.c: the header of a file.  Errors: those of qcow2_header_decode(); IMG_E_IO. */
bool qcow2_header_read(struct img_store *st, struct qcow2_header *out, struct img_err *err)
	IMG_MUST_CHECK;
/* key_area.c; see struct img_format. */
bool qcow2_key_area(struct img_store *st, uint64_t *at, uint64_t *len, struct img_err *err);

/*
 * driver.c: the disk of an image in which tables have moved is in use again; nothing of it is in
 * memory but the header, q->disk and q->bitmaps are free.  Errors: those of opening it.
 */
bool qcow2_restart(struct img_layer *ly, struct img_err *err) IMG_MUST_CHECK;

/*
 * missing.c: how many bytes the file of an image that is open must have lost at its end, at least.
 * Reads the refcount table and one L2 table.  Errors: IMG_E_IO, IMG_E_NOMEM.
 */
bool qcow2_missing(const struct qcow2 *q, uint64_t *bytes, struct img_err *err) IMG_MUST_CHECK;

/* check.c: what is wrong with an image. */
extern const struct img_check_ops qcow2_check_ops;

/* map.c: what img_format.extent promises.  Any number of threads. */
bool qcow2_map_extent(struct qcow2 *q, uint64_t at, uint64_t limit, struct img_extent *out,
		      struct img_err *err) IMG_MUST_CHECK;
/*
 * The descriptors of the cluster that holds guest byte at and of those behind it: *n of them, at
 * most max; 0 when the first is not compressed.  Any number of threads.
 * Errors: those of qcow2_cache_get().
 */
bool qcow2_map_compressed(struct qcow2 *q, uint64_t at, struct qcow2_cluster *out, size_t max,
			  size_t *n, struct img_err *err) IMG_MUST_CHECK;

/*
 * compressed.c: guest bytes of compressed clusters, any alignment.  *got < len: what follows is not
 * compressed; a request has written there since the caller looked.  Any number of threads.
 */
bool qcow2_read_compressed(struct qcow2 *q, uint64_t at, uint8_t *buf, size_t len, size_t *got,
			   struct img_err *err) IMG_MUST_CHECK;
/* compressed.c: that of the driver. */
bool qcow2_packed(struct img_layer *ly, uint64_t at, struct img_packed *out, size_t max, size_t *n,
		  struct img_err *err);

/* ---- encrypted.c: clusters that are enciphered --------------------------------------------------- */

static inline bool qcow2_is_encrypted(const struct qcow2 *q)
{
	return q->header.crypt != QCOW2_CRYPT_NONE;
}

/*
 * Fills q->volume of an image that is encrypted.  Errors: IMG_E_KEY (no key opens it; NULL: there are
 * none), and those of img_luks_unlock().
 */
bool qcow2_unlock(struct qcow2 *q, const struct img_keys *keys, struct img_err *err) IMG_MUST_CHECK;
/*
 * Guest bytes that lie enciphered at host, in one piece, any alignment.  Any number of threads.
 * Errors: IMG_E_KEY, IMG_E_IO, IMG_E_INCOMPLETE.
 */
bool qcow2_read_encrypted(struct qcow2 *q, uint64_t guest, uint64_t host, void *buf, size_t len,
			  struct img_err *err) IMG_MUST_CHECK;
/*
 * Guest bytes to host, in one piece; enciphered in an image that is encrypted.  There nobody else may
 * write to the same sectors meanwhile.
 */
bool qcow2_write_data(struct qcow2 *q, uint64_t guest, uint64_t host, const void *buf, size_t len,
		      struct img_err *err) IMG_MUST_CHECK;
/* Bytes of an image with LUKS, as they lie at `from`, become those that belong to `to`; len: sectors. */
bool qcow2_reseal(struct qcow2 *q, uint64_t from, uint64_t to, uint8_t *buf, size_t len,
		  struct img_err *err) IMG_MUST_CHECK;
/* What struct img_write_ops promises of store, for a new image that is encrypted. */
bool qcow2_store_encrypted(struct img_layer *ly, const struct img_slot *slot, const void *bytes,
			   struct img_err *err) IMG_MUST_CHECK;

/* ---- header_store.c: the header of an image in use ------------------------------------------- */

/*
 * Makes the file agree with the numbers of q->header (see qcow2_header_put_numbers()).  One sector
 * is written, which a loss of power leaves old or new.  Does not sync.  One caller at a time.
 * Errors: IMG_E_IO; IMG_E_CORRUPT when this image's header is not there any more.
 */
bool qcow2_header_patch(struct qcow2 *q, struct img_err *err) IMG_MUST_CHECK;
/*
 * Makes the file agree with all of q->header; what that points to is durable already.  The sectors
 * that differ are written and synced one by one, the first one last.  Where bitmaps come, change or
 * go, or where the backing file does and there are neither bitmaps nor extensions of others, the
 * header so says at any moment what it said before or what it says now; only the name of a feature
 * may be cut.  This does not hold for names so long that what changes lies in several sectors, nor
 * where a tiny cluster has no room for two names.
 * One caller at a time.  Errors: IMG_E_RANGE (it does not fit, nothing was written), IMG_E_IO,
 * IMG_E_NOMEM; IMG_E_CORRUPT as above.
 */
bool qcow2_header_rewrite(struct qcow2 *q, struct img_err *err) IMG_MUST_CHECK;

/* ---- What others need of an image that is written in place ----------------------------------- */

/*
 * n clusters of the file that follow each other, for tables: all zero, and counted as used, which
 * is durable.
 */
bool qcow2_disk_take(struct qcow2 *q, size_t n, uint64_t *host, struct img_err *err)
	IMG_MUST_CHECK;
/* What was taken is no table of the disk for qcow2_disk_has_table(). */
void qcow2_disk_unguard(struct qcow2 *q, uint64_t host, uint64_t n);
/* Nothing refers to the n clusters from host on any more: they are free after the next flush. */
void qcow2_disk_release(struct qcow2 *q, uint64_t host, uint64_t n);

/* Whether a table of the disk lies in one of the n clusters from host on. */
bool qcow2_disk_has_table(struct qcow2 *q, uint64_t host, uint64_t n);

/* ---- bitmap.c: persistent bitmaps, of an image that is written ------------------------------- */

struct qcow2_bitmaps;

/*
 * Before the first write: loads the bitmaps that have to record.  Those of a directory that is
 * damaged are inconsistent from now on.
 */
bool qcow2_bitmaps_start(struct qcow2 *q, struct img_err *err) IMG_MUST_CHECK;
/*
 * Guest bytes [at, at + len), len > 0, are about to change.  The first call writes and syncs, so
 * that the bitmaps are inconsistent if finish is never called.  After start; any thread.
 */
bool qcow2_bitmaps_mark(struct qcow2 *q, uint64_t at, uint64_t len, struct img_err *err)
	IMG_MUST_CHECK;
/* After the last write has been flushed: writes them back, and says that none is in use. */
bool qcow2_bitmaps_finish(struct qcow2 *q, struct img_err *err) IMG_MUST_CHECK;
/*
 * bitmap_resize.c: the disk has size bytes, which becomes q->header.size; what a bitmap says of the
 * guest bytes that are left stays.  One that cannot be told is inconsistent from then on.
 * Errors: IMG_E_RANGE (a bitmap would be larger than 512 MiB), IMG_E_IO, IMG_E_NOMEM.
 */
bool qcow2_bitmaps_resize(struct qcow2 *q, uint64_t size, struct img_err *err) IMG_MUST_CHECK;
/* What is in memory; the file keeps what it has.  Without bitmaps a no-op. */
void qcow2_bitmaps_free(struct qcow2 *q);

/* disk.c: an image that is written in place.  Its threads share all of struct qcow2. */
extern const struct img_disk_ops qcow2_disk_ops;
/* Makes q->disk of a layer that is open.  IMG_E_UNSUPPORTED, IMG_E_CORRUPT, IMG_E_IO, IMG_E_NOMEM. */
bool qcow2_disk_start(struct img_layer *ly, struct img_err *err) IMG_MUST_CHECK;
/* Everything written and durable, what was set aside given back; no request is under way. */
bool qcow2_disk_finish(struct img_layer *ly, struct img_err *err) IMG_MUST_CHECK;
/* Accepts a layer that has none. */
void qcow2_disk_free(struct qcow2 *q);
/* flush.c: makes durable what was written to the files of ctx, a struct qcow2. */
bool qcow2_disk_barrier(void *ctx, struct img_err *err) IMG_MUST_CHECK;

/* ---- rebuild.c: reference counts made anew -------------------------------------------------------- */

/*
 * Gives the image reference counts of 1 << order bits that are what its tables say, in new clusters
 * behind the end of the file, and clears the dirty bit; then sets COPIED flags right that were
 * wrong.  Works on q->header and q->map.file alone; what else q knows of the file is out of date
 * afterwards.  At any moment the file has whole reference counts, the old ones or the new.
 * Version 2: order must be 4.
 * Errors: IMG_E_CORRUPT when damage keeps the references from being known, IMG_E_RANGE when a count
 * does not fit, IMG_E_IO, IMG_E_NOSPACE, IMG_E_NOMEM.
 */
bool qcow2_rebuild_refcounts(struct qcow2 *q, unsigned order, struct img_err *err) IMG_MUST_CHECK;

/* amend.c: what img_format.amend promises. */
extern const struct img_option qcow2_amend_options[];
bool qcow2_amend(struct img_layer *ly, const struct img_settings *set, const struct img_job *job,
		 struct img_err *err) IMG_MUST_CHECK;
bool qcow2_link(struct img_layer *ly, const struct img_layer_link *to, struct img_err *err);

/* resize.c: what img_format.resize promises. */
bool qcow2_resize(struct img_layer *ly, const struct img_layer_resize *how, struct img_err *err)
	IMG_MUST_CHECK;
/* compact.c: clusters that nothing refers to are given back, too, if that is certain. */
bool qcow2_compact_round(struct img_layer *ly, const struct img_layer_compact *how,
			 struct img_layer_compacted *out, struct img_err *err);
/* pack.c */
bool qcow2_pack(struct img_layer *ly, const struct img_layer_pack *how, struct img_layer_packed *out,
		struct img_err *err);
bool qcow2_empty(struct img_layer *ly, struct img_err *err);

/* used.c: what img_format.visit_used promises. */
bool qcow2_visit_used(struct img_layer *ly, const struct img_used *used, const struct img_job *job,
		      struct img_err *err) IMG_MUST_CHECK;

/* recrypt.c */
extern const struct img_recrypt_ops qcow2_recrypt_ops;

/* info.c: what img_format.info promises. */
bool qcow2_info(struct img_layer *ly, struct img_node *report, struct img_err *err) IMG_MUST_CHECK;

#endif
