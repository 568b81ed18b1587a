/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a file has holes.  Two lseek() calls at most for each answer: in a file of very many
 * pieces their number is what the time goes into.  They move the offset of the descriptor, which
 * nothing here uses, and so need no lock.
 *
 * Above an image of small pieces one long run of data is asked about again and again, and tmpfs walks
 * to its end each time: the last run is remembered.  Only of a file that is not written here, and only
 * data: who takes a hole for that reads zeros, while the other way around bytes would be lost.
 */
#include "store/file.h"

#include <errno.h>
#include <unistd.h>
#include "base/err.h"
#include "base/lock.h"
#include "base/num.h"
#include "store/fdio.h"

static void remember_data(struct img_file *file, uint64_t start, uint64_t end)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&file->data.lock);

	file->data.start = start;
	file->data.end = end;
}

/* Then *end is where the run ends. */
static bool is_known_data(struct img_file *file, uint64_t at, uint64_t *end)
{
	if (file->st.caps & IMG_STORE_WRITE)
		return false;
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&file->data.lock);

	if (at < file->data.start || at >= file->data.end)
		return false;
	*end = file->data.end;
	return true;
}

static void answer(struct img_store *st, uint64_t at, uint64_t end, bool hole, struct img_extent *out)
{
	*out = (struct img_extent){
		.start = at, .len = end - at,
		.kind = hole ? IMG_EXTENT_ZERO : IMG_EXTENT_DATA, .zero_in_store = hole,
		.store = st, .host = at, .host_len = end - at,
	};
}

bool img_file_extent(struct img_store *st, uint64_t at, uint64_t limit, struct img_extent *out,
		     struct img_err *err)
{
	struct img_file *file = (struct img_file *)st;
	uint64_t end = limit;
	bool hole = false;

	if (is_known_data(file, at, &end)) {
		answer(st, at, img_min_u64(limit, end), false, out);
		return true;
	}
	const off_t data = file->is_block ? (off_t)at : lseek(file->fd, (off_t)at, SEEK_DATA);

	if (data < 0 && errno == ENXIO) {		/* no data up to the end of the file */
		hole = true;
	} else if (data < 0 && !img_fd_unsupported(errno)) {
		return img_fail_os(err, _("cannot search for holes"));
	} else if (data > (off_t)at) {
		hole = true;
		end = img_min_u64(limit, (uint64_t)data);
	} else if (data == (off_t)at && !file->is_block) {
		const off_t next = lseek(file->fd, data, SEEK_HOLE);

		if (next > data) {		/* else it changed meanwhile: all is data */
			remember_data(file, at, (uint64_t)next);
			end = img_min_u64(limit, (uint64_t)next);
		}
	}
	answer(st, at, end, hole, out);
	return true;
}
