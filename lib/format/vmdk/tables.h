/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Grain tables in memory: bounded, shared by all threads and all files of an image. */
#ifndef VMDK_TABLES_H
#define VMDK_TABLES_H

#include "store/store.h"

struct vmdk_tables;

/* limit: bytes of tables that are kept at most, but at least one. */
struct vmdk_tables *vmdk_tables_new(uint64_t limit, struct img_err *err);
/* Accepts NULL. */
void vmdk_tables_free(struct vmdk_tables *tables);

/* A table of a file; what a copy of bytes is asked of. */
struct vmdk_table {
	struct img_store *file;
	uint64_t host;			/* all of it lies inside the file */
	size_t len;			/* bytes, more than 0, at most 2 MiB */
};

/*
 * Bytes [at, at + len) of the table; it is read when it is not here.  Any number of threads.
 * IMG_E_IO, IMG_E_NOMEM.
 */
bool vmdk_tables_copy(struct vmdk_tables *tables, const struct vmdk_table *table, size_t at,
		      void *out, size_t len, struct img_err *err) IMG_MUST_CHECK;

#endif
