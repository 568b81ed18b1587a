/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is known of the partition table of a disk, whatever its kind. */
#ifndef CMD_GUEST_TABLE_H
#define CMD_GUEST_TABLE_H

#include "guest/gpt.h"
#include "guest/partitions.h"

enum table_kind {
	TABLE_NONE,
	TABLE_DOS,
	TABLE_GPT,
	TABLE_BROKEN,	/* signs of a GPT, of which no copy can be used */
	TABLE_FOREIGN,	/* libblkid knows its kind, and nothing here does */
};

struct table {
	enum table_kind kind;
	char name[16];			/* as libblkid calls it: "dos", "gpt", "sun"; empty: none */
	unsigned sector;		/* bytes */
	struct gpt gpt;
	struct partition *parts;
	size_t n;
};

/* Free with table_free(), also after a failure. */
bool table_read(struct sketch *sk, struct img *im, struct table *out, struct img_err *err)
	IMG_MUST_CHECK;
void table_free(struct table *table);
/* The partition that ends last, containers aside; NULL: there is none. */
struct partition *table_last(const struct table *table);
/* The container of logical partitions; NULL: there is none. */
struct partition *table_container(const struct table *table);
/* The shortest disk that all partitions and the table itself fit into; bytes. */
uint64_t table_need(const struct table *table);

#endif
