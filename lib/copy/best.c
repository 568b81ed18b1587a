/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Units of which each is compressed by the codec that makes it smallest. */
#include <string.h>
#include "copy/copy.h"

bool img_best_init(struct img_work *work, struct img_err *err)
{
	for (size_t i = 0; i < IMG_CODECS_MAX && work->others[i].codec; i++) {
		const struct img_other_codec *other = &work->others[i];

		work->other_encoders[i] = img_codec_pool_new(other->codec, other->level, work->unit,
							     err);
		if (!work->other_encoders[i])
			return false;
	}
	return true;
}

void img_best_fini(struct img_work *work)
{
	for (size_t i = 0; i < IMG_CODECS_MAX; i++)
		img_codec_pool_free(work->other_encoders[i]);
}

/* No more than `most` bytes; *used 0: it takes more. */
static bool attempt(const struct img_work *work, size_t i, const uint8_t *in, uint8_t *out,
		    size_t most, size_t *used, struct img_err *err)
{
	void *cx = img_codec_pool_get(work->other_encoders[i], err);
	const bool ok = cx && work->others[i].codec->encode(cx, in, work->unit, out, most, used, err);

	if (cx)
		img_codec_pool_put(work->other_encoders[i], cx);
	return ok;
}

bool img_best_encode(const struct img_work *work, uint8_t *spare, const uint8_t *in, uint8_t *out,
		     size_t *used, unsigned *codec, struct img_err *err)
{
	*codec = 0;
	for (size_t i = 0; i < IMG_CODECS_MAX && work->others[i].codec; i++) {
		const size_t most = *used ? *used - 1 : img_encoded_max(&work->framing, work->unit);
		size_t made = 0;

		if (most && !attempt(work, i, in, spare, most, &made, err))
			return false;
		if (!made)
			continue;
		memcpy(out, spare, made);
		*used = made;
		*codec = (unsigned)i + 1;
	}
	return true;
}
