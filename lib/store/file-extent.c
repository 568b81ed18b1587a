/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a file has holes.  Two lseek() calls at most for each answer: in a file of very many
 * pieces their number is what the time goes into.  They move the offset of the descriptor, which
 * nothing here uses, and so need no lock.
 */
#include "store/file.h"

#include <errno.h>
#include <unistd.h>
#include "base/err.h"
#include "base/num.h"
#include "store/fdio.h"

bool img_file_extent(struct img_store *st, uint64_t at, uint64_t limit, struct img_extent *out,
		     struct img_err *err)
{
	const struct img_file *file = (struct img_file *)st;
	const off_t data = file->is_block ? (off_t)at : lseek(file->fd, (off_t)at, SEEK_DATA);
	uint64_t end = limit;
	bool hole = false;

	if (data < 0 && errno == ENXIO) {		/* no data up to the end of the file */
		hole = true;
	} else if (data < 0 && !img_fd_unsupported(errno)) {
		return img_fail_os(err, _("cannot search for holes"));
	} else if (data > (off_t)at) {
		hole = true;
		end = img_min_u64(limit, (uint64_t)data);
	} else if (data == (off_t)at && !file->is_block) {
		const off_t next = lseek(file->fd, data, SEEK_HOLE);

		if (next > data)		/* else it changed meanwhile: all is data */
			end = img_min_u64(limit, (uint64_t)next);
	}
	*out = (struct img_extent){
		.start = at, .len = end - at,
		.kind = hole ? IMG_EXTENT_ZERO : IMG_EXTENT_DATA, .zero_in_store = hole,
		.store = st, .host = at, .host_len = end - at,
	};
	return true;
}
