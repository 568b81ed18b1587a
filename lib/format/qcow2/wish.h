/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a new image is to be. */
#ifndef QCOW2_WISH_H
#define QCOW2_WISH_H

#include "format/luks_options.h"
#include "format/qcow2/qcow2.h"

enum qcow2_preallocation {
	QCOW2_PREALLOC_OFF,
	QCOW2_PREALLOC_METADATA,
	QCOW2_PREALLOC_FALLOC,
	QCOW2_PREALLOC_FULL,
};

/* Every combination that comes out of qcow2_wish_make() is legal. */
struct qcow2_wish {
	/* Owned by who asks; sizes and places are not filled in yet. */
	struct qcow2_header header;
	enum qcow2_preallocation preallocation;
	const struct img_codec *codec;
	int codec_level;
	struct img_luks_wish luks;	/* when header.crypt is QCOW2_CRYPT_LUKS */
};

/*
 * Refuses what the format forbids, and what cannot be written to a target that cannot seek.
 * wish is zeroed before and is the caller's to clear even on failure.
 * IMG_E_ARGUMENT, IMG_E_UNSUPPORTED, IMG_E_RANGE (size), IMG_E_NOMEM.
 */
bool qcow2_wish_make(const struct img_layer_create *what, bool can_seek, struct qcow2_wish *wish,
		     struct img_err *err) IMG_MUST_CHECK;

#endif
