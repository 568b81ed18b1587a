/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See salvage_streams.h. */
#include "format/qcow2/salvage_streams.h"

#include <stdatomic.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/parallel.h"

enum {
	THREADS_MAX	= 16,		/* each has three clusters in memory */
	WORTH		= 8,		/* so many clusters are worth a thread */
};

/* What one thread failed at. */
struct failure {
	bool failed;
	size_t index;
	struct img_err err;
};

struct judging {
	const struct qcow2_streams *streams;
	const uint8_t *raw;
	size_t n;
	_Atomic size_t next;		/* entry that nobody looks at yet */
	_Atomic bool stop;
	struct failure *failures;	/* of each thread */
};

bool qcow2_streams_init(struct qcow2_streams *streams, unsigned threads, struct img_err *err)
{
	const size_t n = qcow2_cluster_size(streams->geo) / streams->geo->l2_entry_len;
	const bool parallel = streams->file->caps & IMG_STORE_PARALLEL;

	streams->threads = parallel ? img_thread_count(threads, THREADS_MAX) : 1;
	streams->n_decoders = 0;
	streams->decoders = img_calloc(streams->threads, sizeof(*streams->decoders), err);
	streams->sound = img_calloc(n, sizeof(*streams->sound), err);
	return streams->decoders && streams->sound;
}

void qcow2_streams_clear(struct qcow2_streams *streams)
{
	for (unsigned i = 0; i < streams->n_decoders; i++)
		qcow2_decoder_close(&streams->decoders[i]);
	free(streams->decoders);
	free(streams->sound);
}

/* Compressed entries have no COPIED flag. */
static bool can_be_right(const struct qcow2_streams *streams, const uint8_t *raw,
			 struct qcow2_cluster *cluster)
{
	const uint64_t entry = img_get_be64(raw);
	const uint64_t bitmap = streams->geo->subclusters ? img_get_be64(raw + 8) : 0;
	const struct img_finding_kind *why;

	return qcow2_l2_decode(streams->geo, entry, bitmap, cluster, &why) &&
	       cluster->kind == QCOW2_CLUSTER_COMPRESSED && !(entry & QCOW2_ENTRY_COPIED) &&
	       cluster->host < streams->file_size;
}

static bool judge_one(const struct judging *j, unsigned thread, size_t index, struct img_err *err)
{
	const struct qcow2_streams *streams = j->streams;
	struct qcow2_cluster cluster;

	if (!can_be_right(streams, j->raw + index * streams->geo->l2_entry_len, &cluster))
		return true;
	return qcow2_decoder_try(&streams->decoders[thread], &cluster, &streams->sound[index], err);
}

/* Who has taken an entry looks at it: nothing in front of the first failure is left out. */
static void work(void *ctx, unsigned i)
{
	struct judging *j = ctx;
	struct failure *failure = &j->failures[i];

	while (!j->stop && (failure->index = j->next++) < j->n) {
		if (judge_one(j, i, failure->index, &failure->err))
			continue;
		failure->failed = true;
		j->stop = true;
	}
}

static bool first_failure(const struct failure *failures, unsigned n, struct img_err *err)
{
	const struct failure *first = NULL;

	for (unsigned i = 0; i < n; i++)
		if (failures[i].failed && (!first || failures[i].index < first->index))
			first = &failures[i];
	if (first && err)
		*err = first->err;
	return !first;
}

/* As many as the work is worth, each with a decoder; decoders stay open for the next table. */
static bool open_decoders(struct qcow2_streams *streams, size_t n_streams, unsigned *threads,
			  struct img_err *err)
{
	*threads = (unsigned)img_min_u64(streams->threads, img_div_up(n_streams, WORTH));
	while (streams->n_decoders < *threads)
		if (!qcow2_decoder_open(&streams->decoders[streams->n_decoders++], streams->hdr,
					streams->file, err))
			return false;
	return true;
}

bool qcow2_streams_judge(struct qcow2_streams *streams, const uint8_t *raw, size_t n,
			 struct img_err *err)
{
	struct judging j = { .streams = streams, .raw = raw, .n = n };
	size_t n_streams = 0;
	unsigned threads;
	bool ok;

	for (size_t i = 0; i < n; i++) {
		struct qcow2_cluster cluster;

		streams->sound[i] = false;
		n_streams += can_be_right(streams, raw + i * streams->geo->l2_entry_len, &cluster);
	}
	if (!n_streams)
		return true;
	if (!open_decoders(streams, n_streams, &threads, err))
		return false;
	j.failures = img_calloc(threads, sizeof(*j.failures), err);
	if (!j.failures)
		return false;
	img_parallel(threads, work, &j);
	ok = first_failure(j.failures, threads, err);
	free(j.failures);
	return ok;
}
