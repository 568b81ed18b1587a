/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A header of version 2 of which one copy is damaged or older gets both from the one that is not. */
#include "cipher/luks_header.h"
#include "format/luks/luks.h"

static bool needs_repair(const struct img_luks *lk)
{
	const struct img_luks2_copy *copies = img_luks2_copies(lk);

	return copies[0].why.code || copies[1].why.code || copies[0].seqid != copies[1].seqid;
}

bool luks_repair(struct img_layer *ly, const struct img_checking *how, enum img_repair_level level,
		 struct img_err *err)
{
	struct img_luks *lk;
	bool ok;

	(void)how;
	if (level != IMG_REPAIR_ALL)
		return true;
	/* What cannot be opened is told of by the check, and stays as it is. */
	lk = img_luks_open(ly->store, 0, 0, NULL);
	ok = !lk || lk->ops->version != 2 || !needs_repair(lk) || lk->ops->write(lk, err);
	img_luks_close(lk);
	return ok;
}
