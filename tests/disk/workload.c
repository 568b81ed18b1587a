/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random requests of a guest. */
#include "disk/workload.h"

#include <assert.h>
#include <stdlib.h>
#include "base/num.h"

void workload_init(struct workload *load, uint64_t size, uint32_t grain, uint64_t seed)
{
	static const unsigned flushes[] = { 2, 10, 30 };

	*load = (struct workload){
		.random = random_from(seed), .size = size, .grain = grain,
		.buf = malloc(REQUEST_MAX),
	};
	assert(load->buf);
	load->hot_len = size / 4;
	load->hot_at = random_below(&load->random, 3 * load->hot_len / SECTOR) * SECTOR;
	load->flush_percent = flushes[random_below(&load->random, 3)];
	load->reopen_percent = 1;
}

void workload_free(struct workload *load)
{
	free(load->buf);
	load->buf = NULL;
}

static enum request_kind pick_kind(struct workload *load)
{
	const uint64_t r = random_below(&load->random, 100);

	if (random_chance(&load->random, load->flush_percent))
		return REQUEST_FLUSH;
	if (random_chance(&load->random, load->reopen_percent))
		return REQUEST_REOPEN;
	if (r < 60)
		return REQUEST_WRITE;
	if (r < 70)
		return REQUEST_ZERO;
	return r < 80 ? REQUEST_UNMAP : REQUEST_DISCARD;
}

/* A sector, a part of a grain, some grains. */
static uint64_t pick_len(struct workload *load)
{
	const uint64_t r = random_below(&load->random, 100), grain = load->grain;
	const uint64_t most = img_min_u64(REQUEST_MAX, load->size / 4);
	uint64_t len = SECTOR;

	if (r >= 35)
		len *= 1 + random_below(&load->random, img_min_u64(grain, 64 * 1024) / SECTOR);
	if (r >= 75)
		len = grain * (1 + random_below(&load->random, 4));
	if (r >= 90)
		len += SECTOR * random_below(&load->random, grain / SECTOR);
	return img_min_u64(len, most);
}

struct request workload_next(struct workload *load)
{
	struct request req = { .kind = pick_kind(load) };

	if (req.kind >= REQUEST_FLUSH)
		return req;
	req.len = pick_len(load);
	if (random_chance(&load->random, 75))
		req.at = load->hot_at +
			 random_below(&load->random, load->hot_len / SECTOR) * SECTOR;
	else
		req.at = random_below(&load->random, load->size / SECTOR) * SECTOR;
	if (random_chance(&load->random, 40))
		req.at -= req.at % load->grain;
	req.len = img_min_u64(req.len, load->size - req.at);
	if (req.kind == REQUEST_WRITE)
		req.seq = ++load->seq;
	return req;
}

bool workload_do(struct workload *load, struct img *im, const struct request *req,
		 struct img_err *err)
{
	switch (req->kind) {
	case REQUEST_WRITE:
		guest_fill(load->buf, req->at, req->len, req->seq);
		return img_write(im, req->at, load->buf, req->len, err);
	case REQUEST_ZERO:
	case REQUEST_UNMAP:
		return img_write_zeros(im, req->at, req->len, req->kind == REQUEST_UNMAP, err);
	case REQUEST_DISCARD:
		return img_discard(im, req->at, req->len, err);
	default:
		return img_flush(im, err);
	}
}
