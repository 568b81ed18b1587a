/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes of a disk that nobody needs. */
#include <inttypes.h>
#include "base/err.h"
#include "extent/extent.h"
#include "image/image.h"

void img_hide_left_out(const struct img *im, struct img_extent *ex)
{
	if (img_extent_reads_as_zero(ex) || !img_extent_cut(ex, &im->left_out))
		return;
	*ex = (struct img_extent){
		.start = ex->start, .len = ex->len, .kind = IMG_EXTENT_HOLE, .left_out = true,
	};
}

static bool check_span(const struct img *im, const struct img_span *span, uint64_t floor,
		       struct img_err *err)
{
	if (!span->len || span->start < floor)
		return img_fail(err, IMG_E_ARGUMENT,
				_("the bytes to be left out at %" PRIu64 " are not in order"),
				span->start);
	return (span->start < img_size(im) && span->len <= img_size(im) - span->start) ||
	       img_fail(err, IMG_E_RANGE,
			_("the bytes to be left out at %" PRIu64 " are not inside the disk of %"
			  PRIu64 " bytes"), span->start, img_size(im));
}

bool img_spans_add(const struct img *im, const struct img_span *spans, size_t n,
		   struct img_rangeset *set, struct img_err *err)
{
	uint64_t floor = 0;

	for (size_t i = 0; i < n; i++) {
		if (!check_span(im, &spans[i], floor, err) ||
		    !img_rangeset_include(set, spans[i].start, spans[i].len, err))
			return false;
		floor = spans[i].start + spans[i].len + 1;
	}
	return true;
}

bool img_leave_out(struct img *im, const struct img_span *spans, size_t n, struct img_err *err)
{
	if (im->disk || im->target || im->passing || img_is_stream(im))
		return img_fail(err, IMG_E_DENIED,
				_("%s: parts can be left out of an image that is only read, and "
				  "from a file"), img_layer_name(im, 0));
	if (img_spans_add(im, spans, n, &im->left_out, err))
		return true;
	img_rangeset_clear(&im->left_out);
	return false;
}
