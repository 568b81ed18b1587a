/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compressed clusters one by one, for who wants to know whether an entry leads to one.  One thread. */
#ifndef QCOW2_DECODER_H
#define QCOW2_DECODER_H

#include "format/qcow2/qcow2.h"

struct qcow2_decoder {
	struct img_store *file;		/* borrowed */
	const struct img_codec *codec;	/* NULL: it is not built in */
	void *cx;			/* of the codec; owned */
	size_t size;			/* bytes of a cluster */
	uint8_t *stored;		/* owned */
	uint8_t *plain;			/* what was decoded last, size bytes; owned */
};

/* To be closed even on failure. */
bool qcow2_decoder_open(struct qcow2_decoder *d, const struct qcow2_header *hdr,
			struct img_store *file, struct img_err *err) IMG_MUST_CHECK;
void qcow2_decoder_close(struct qcow2_decoder *d);
/* *does: the compressed cluster is in the file and can be decoded; to d->plain.  IMG_E_IO. */
bool qcow2_decoder_try(struct qcow2_decoder *d, const struct qcow2_cluster *cluster, bool *does,
		       struct img_err *err) IMG_MUST_CHECK;

#endif
