/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An open qcow image of version 1; each part belongs to the file that it is listed under. */
#ifndef QCOW1_H
#define QCOW1_H

#include <pthread.h>
#include "cipher/cipher.h"
#include "format/format.h"
#include "format/looks.h"
#include "format/qcow1/findings.h"
#include "format/qcow1/layout.h"

/* ---- header.c -------------------------------------------------------------------------------- */

struct qcow1_header {
	uint64_t size;			/* guest bytes */
	unsigned cluster_bits;
	unsigned l2_bits;		/* of the number of entries of an L2 table */
	uint32_t mtime;
	uint32_t crypt;
	uint64_t l1_off;
	uint64_t backing_off;		/* 0: there is none */
	uint32_t backing_len;
};

/*
 * From the first bytes of a file, QCOW1_HDR_LEN or all there are; checks all fields against each
 * other.  Pure.  IMG_E_NOT_THIS_FORMAT, IMG_E_INCOMPLETE, IMG_E_CORRUPT, IMG_E_RANGE.
 */
bool qcow1_header_decode(const uint8_t *raw, size_t len, struct qcow1_header *out,
			 struct img_err *err) IMG_MUST_CHECK;
/* The inverse: QCOW1_HDR_LEN bytes. */
void qcow1_header_encode(const struct qcow1_header *hdr, uint8_t *raw);
/* Of the file in st, with the name of its backing file, which is NULL or the caller's. */
bool qcow1_header_read(struct img_store *st, struct qcow1_header *out, char **backing,
		       struct img_err *err) IMG_MUST_CHECK;

static inline uint32_t qcow1_cluster_size(const struct qcow1_header *hdr)
{
	return UINT32_C(1) << hdr->cluster_bits;
}

static inline uint32_t qcow1_l2_entries(const struct qcow1_header *hdr)
{
	return UINT32_C(1) << hdr->l2_bits;
}

static inline uint32_t qcow1_l2_bytes(const struct qcow1_header *hdr)
{
	return qcow1_l2_entries(hdr) * QCOW1_ENTRY_LEN;
}

/* Guest bytes below one L2 table, as a power of two. */
static inline unsigned qcow1_l1_bits(const struct qcow1_header *hdr)
{
	return hdr->cluster_bits + hdr->l2_bits;
}

static inline uint32_t qcow1_l1_index(const struct qcow1_header *hdr, uint64_t guest)
{
	return (uint32_t)(guest >> qcow1_l1_bits(hdr));
}

static inline uint32_t qcow1_l2_index(const struct qcow1_header *hdr, uint64_t guest)
{
	return (uint32_t)(guest >> hdr->cluster_bits) & (qcow1_l2_entries(hdr) - 1);
}

/* Entries of the L1 table that a disk of that size needs; size is legal. */
static inline uint32_t qcow1_l1_needed(const struct qcow1_header *hdr, uint64_t size)
{
	const uint64_t reach = UINT64_C(1) << qcow1_l1_bits(hdr);

	return (uint32_t)(size / reach + (size % reach != 0));
}

/* ---- entry.c --------------------------------------------------------------------------------- */

enum qcow1_kind { QCOW1_HOLE, QCOW1_PLAIN, QCOW1_PACKED };

/* What an entry of an L2 table says. */
struct qcow1_cluster {
	enum qcow1_kind kind;
	uint64_t host;
	uint32_t stored_len;		/* bytes in the file; packed: less than a cluster */
};

struct qcow1_cluster qcow1_entry_decode(const struct qcow1_header *hdr, uint64_t entry);
/* len: bytes of a packed cluster; host: below 2^(63 - cluster_bits). */
uint64_t qcow1_entry_packed(const struct qcow1_header *hdr, uint64_t host, uint32_t len);
/* What is wrong with the cluster or L2 table, the file being what it is; NULL: nothing. */
const struct img_finding_kind *qcow1_cluster_damage(const struct qcow1_header *hdr,
						    const struct qcow1_cluster *cluster);
const struct img_finding_kind *qcow1_l1_damage(const struct qcow1_header *hdr, uint64_t entry,
					       uint64_t file_size);

/* ---- tables.c -------------------------------------------------------------------------------- */

/* Entries of the L1 table that are read together; a power of two. */
enum { QCOW1_PIECE_ENTRIES = 8192 };

/* An L2 table in memory. */
struct qcow1_table {
	struct qcow1_table *next;	/* in the same bucket */
	uint32_t index;			/* of its entry in the L1 table */
	unsigned users;			/* of whom has it; the lock guards it, and all below */
	bool used;			/* since the last search for room */
	bool dirty;			/* maybe not as in the file: stays in memory */
	bool changed;			/* since a flush last looked */
	bool unnamed;			/* the L1 table in the file does not have it yet */
	uint64_t host;
	_Atomic uint64_t entries[];	/* in host order */
};

/*
 * Both levels of tables, read when they are asked for.  Of the second level as many stay in memory
 * as were allowed, and those that are dirty.  Any number of threads.
 */
struct qcow1_tables {
	const struct qcow1_header *hdr;
	struct img_store *file;
	_Atomic uint64_t file_size;	/* when it was opened; grows as the disk is written */
	uint32_t n_l1;
	struct img_store *given;	/* borrowed; has the first n_given entries of it */
	uint32_t n_given;
	_Atomic(_Atomic uint64_t *) *pieces;	/* of the L1 table, owned; NULL: not read yet */
	struct img_looks looks;		/* at other pieces, where the whole table has no room */
	pthread_mutex_t lock;		/* guards all below, and what a disk in use adds */
	struct qcow1_table **buckets;	/* owned */
	uint32_t n_buckets;		/* a power of two */
	uint32_t hand;			/* the bucket where room is looked for next */
	size_t n, most;			/* tables in memory */
	uint64_t cleaned;		/* how often dirty ones have been written */
};

bool qcow1_tables_init(struct qcow1_tables *t, const struct qcow1_header *hdr,
		       struct img_store *file, uint64_t cache_size, struct img_err *err)
	IMG_MUST_CHECK;
/* Accepts zeroed ones. */
void qcow1_tables_clear(struct qcow1_tables *t);
/*
 * The first n entries of the L1 table are those at the start of given, which is borrowed, whatever
 * the file says; before all others.
 */
void qcow1_l1_give(struct qcow1_tables *t, struct img_store *given, uint32_t n);
/* The entry of the L1 table; NULL: it cannot be read.  Behind the end of the file it is zero. */
_Atomic uint64_t *qcow1_l1_entry(struct qcow1_tables *t, uint32_t index, struct img_err *err)
	IMG_MUST_CHECK;
/*
 * The same for reading alone, with those of its piece behind it: good until *held, which was NULL and
 * may be a mutex then, is unlocked.
 */
const _Atomic uint64_t *qcow1_l1_look(struct qcow1_tables *t, uint32_t index,
				      pthread_mutex_t **held, struct img_err *err) IMG_MUST_CHECK;
/* Whether the file is long enough to hold that entry of the L1 table. */
bool qcow1_l1_has(const struct qcow1_tables *t, uint32_t index);
/*
 * The L2 table of an entry that is not zero and has no damage, until it is put back; NULL: it
 * cannot be read.
 */
struct qcow1_table *qcow1_table_get(struct qcow1_tables *t, uint32_t index, uint64_t host,
				    struct img_err *err) IMG_MUST_CHECK;
/* A new one without entries, unnamed, until it is put back; the lock is held. */
struct qcow1_table *qcow1_table_new(struct qcow1_tables *t, uint32_t index, uint64_t host,
				    struct img_err *err) IMG_MUST_CHECK;
void qcow1_table_put(struct qcow1_tables *t, struct qcow1_table *table);

/* ---- map.c ----------------------------------------------------------------------------------- */

bool qcow1_map_extent(struct qcow1_tables *t, uint64_t at, uint64_t limit, struct img_extent *out,
		      struct img_err *err) IMG_MUST_CHECK;
/*
 * The packed clusters from the one with the byte `at` on that lie behind each other on the disk and
 * are below the same L2 table; at most `most`.  *n may be 0.
 */
bool qcow1_map_packed(struct qcow1_tables *t, uint64_t at, struct qcow1_cluster *out, size_t most,
		      size_t *n, struct img_err *err) IMG_MUST_CHECK;

/* ---- The others ------------------------------------------------------------------------------ */

struct qcow1_new;
struct qcow1_disk;
struct qcow1_salvage;

struct qcow1 {
	struct qcow1_header header;
	struct qcow1_tables tables;
	struct img_cipher *cipher;	/* owned; NULL: there is no key, or no need */
	struct img_codec_pool *decoders;	/* owned */
	struct qcow1_new *fresh;	/* while a new image is being written, else NULL; owned */
	struct qcow1_disk *disk;	/* while it is written in place, else NULL; owned */
	struct qcow1_salvage *salvage;	/* of what is being salvaged, else NULL; owned */
};

/* driver.c; accepts NULL. */
void qcow1_free(struct qcow1 *q);
/* packed.c: guest bytes that are in packed clusters.  IMG_E_CORRUPT, IMG_E_INCOMPLETE. */
bool qcow1_read_packed(struct qcow1 *q, uint64_t at, void *buf, size_t len, struct img_err *err)
	IMG_MUST_CHECK;

/* ---- encrypted.c: clusters that are enciphered; packed ones never are ------------------------- */

static inline bool qcow1_is_encrypted(const struct qcow1 *q)
{
	return q->header.crypt != QCOW1_CRYPT_NONE;
}

/* Guest bytes that lie at host, in one piece, any alignment.  IMG_E_KEY. */
bool qcow1_read_encrypted(struct qcow1 *q, uint64_t guest, uint64_t host, void *buf, size_t len,
			  struct img_err *err) IMG_MUST_CHECK;
/*
 * Guest bytes to host, in one piece; enciphered in an image that is encrypted.  There nobody else may
 * write to the same sectors meanwhile.
 */
bool qcow1_write_data(struct img_layer *ly, uint64_t guest, uint64_t host, const void *buf,
		      size_t len, struct img_err *err) IMG_MUST_CHECK;
/* The same of zeros. */
bool qcow1_write_zeros(struct img_layer *ly, uint64_t guest, uint64_t host, uint64_t len,
		       struct img_err *err) IMG_MUST_CHECK;

/* packed.c: what its clusters are compressed with. */
const struct img_codec *qcow1_codec(const struct qcow1_header *hdr);
/* packed.c: a cluster of zeros, compressed to *len bytes, less than one; *out is the caller's. */
bool qcow1_pack_zeros(const struct qcow1_header *hdr, uint8_t **out, size_t *len,
		      struct img_err *err) IMG_MUST_CHECK;
/* create.c */
extern const struct img_option qcow1_create_options[];
bool qcow1_create(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err);

extern const struct img_disk_ops qcow1_disk_ops;	/* disk.c */
extern const struct img_check_ops qcow1_check_ops;	/* check.c */
/* resize.c */
bool qcow1_resize(struct img_layer *ly, const struct img_layer_resize *how, struct img_err *err);
bool qcow1_compact_round(struct img_layer *ly, const struct img_layer_compact *how,
			 struct img_layer_compacted *out, struct img_err *err);
/* pack.c */
bool qcow1_pack(struct img_layer *ly, const struct img_layer_pack *how, struct img_layer_packed *out,
		struct img_err *err);
/* link.c */
bool qcow1_link(struct img_layer *ly, const struct img_layer_link *to, struct img_err *err);
bool qcow1_empty(struct img_layer *ly, struct img_err *err);
/* info.c */
bool qcow1_info(struct img_layer *ly, struct img_node *report, struct img_err *err);

#endif
