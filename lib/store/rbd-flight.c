/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests that are under way.  Reads wait for their bytes.  Changes do not: who makes one waits for
 * room among those under way, and for others of the same bytes.
 *
 * librbd may never end a change when the cluster has gone silent (seen with 16.2, where an object map
 * could not be written), however long its requests may take.  So a thread watches, and gives up what does
 * not land.
 */
#include "store/rbd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/deadline.h"
#include "base/err.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"

/* Bytes of changes under way, which are held or copied. */
#define BYTES_UNDER_WAY (UINT64_C(32) << 20)
/* A change of zeros counts for so much, and is cut into pieces that the cluster has in one go. */
#define ZEROS_COUNT (UINT64_C(2) << 20)
#define ZERO_PIECE (UINT64_C(1) << 30)
/* Bytes of a read that goes out as one of several. */
#define READ_PIECE (UINT64_C(2) << 20)
enum { READS = 16 };
/* So many answers a change may need: of the object map, and of the object. */
enum { ANSWERS = 2 };

enum state { UNDER_WAY, LANDED, GIVEN_UP };

struct img_rbd_flight {
	struct img_rbd_flights *flights;	/* may be gone if it is given up */
	struct img_rbd_library lib;
	_Atomic enum state state;
	struct img_rbd_flight *next, **previous;
	uint64_t at, len;
	uint64_t counts;	/* for so many bytes under way */
	bool zeros, thick;
	struct img_hold *hold;	/* NULL: bytes are in copy */
	uint8_t copy[];
};

void img_rbd_flights_init(struct img_rbd_flights *flights, struct img_rbd *rbd)
{
	*flights = (struct img_rbd_flights){ .rbd = rbd };
	pthread_mutex_init(&flights->lock, NULL);
	pthread_cond_init(&flights->landed, NULL);
	img_deadline_init_cond(&flights->watched);
}

/* ---- Who watches --------------------------------------------------------------------------------- */

/* By when one of those that are under way now has to land. */
static struct timespec next_deadline(const struct img_rbd_flights *flights)
{
	return img_deadline_in(flights->rbd->patience * ANSWERS);
}

/* With the lock held; of a flight that has got all of it as it says. */
static void leave_list(struct img_rbd_flights *flights, struct img_rbd_flight **previous,
		       struct img_rbd_flight *next, uint64_t counts)
{
	*previous = next;
	if (next)
		next->previous = previous;
	flights->bytes -= counts;
}

/* With the lock held.  What lands just now takes care of itself; what is given up does, if it ever lands. */
static void give_up(struct img_rbd_flights *flights)
{
	struct img_rbd_flight *next;

	/* Whoever waits for its bytes goes on as soon as it is told, and is to know why. */
	if (!flights->error)
		flights->error = -ETIMEDOUT;
	flights->rbd->is_silent = true;
	for (struct img_rbd_flight *f = flights->first; f; f = next) {
		struct img_rbd_flight **previous = f->previous;
		struct img_hold *hold = f->hold;
		const uint64_t counts = f->counts;

		next = f->next;
		if (atomic_exchange(&f->state, GIVEN_UP) == LANDED)
			continue;
		leave_list(flights, previous, next, counts);
		if (hold)
			img_hold_lose(hold);
	}
	pthread_cond_broadcast(&flights->landed);
}

static void *watch(void *arg)
{
	struct img_rbd_flights *flights = arg;
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&flights->lock);

	while (!flights->is_over) {
		const struct timespec until = flights->first ? flights->deadline : next_deadline(flights);

		(void)pthread_cond_timedwait(&flights->watched, &flights->lock, &until);
		if (flights->first && img_deadline_is_over(flights->deadline))
			give_up(flights);
	}
	return NULL;
}

/* With the lock held.  Without a thread librbd's word has to do. */
static void begin_watch(struct img_rbd_flights *flights)
{
	if (!flights->is_watched && flights->rbd->patience)
		flights->is_watched = !pthread_create(&flights->watch, NULL, watch, flights);
}

static void end_watch(struct img_rbd_flights *flights)
{
	pthread_mutex_lock(&flights->lock);
	flights->is_over = true;
	pthread_cond_signal(&flights->watched);
	pthread_mutex_unlock(&flights->lock);
	if (flights->is_watched)
		pthread_join(flights->watch, NULL);
}

/* ---- Changes ------------------------------------------------------------------------------------- */

/* With the lock held. */
static bool touches_any(const struct img_rbd_flights *flights, uint64_t at, uint64_t len)
{
	for (const struct img_rbd_flight *f = flights->first; f; f = f->next)
		if (f->at < at + len && at < f->at + f->len)
			return true;
	return false;
}

static bool tell(struct img_rbd *rbd, int error, struct img_err *err)
{
	return img_rbd_fail(rbd, error, err, _("the cluster cannot do it"));
}

/* Joins those under way, when there is room. */
static bool take_off(struct img_rbd_flight *flight, struct img_err *err)
{
	struct img_rbd_flights *flights = flight->flights;
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&flights->lock);

	while (!flights->error && (touches_any(flights, flight->at, flight->len) ||
				   (flights->first && flights->bytes + flight->counts > BYTES_UNDER_WAY)))
		pthread_cond_wait(&flights->landed, &flights->lock);
	if (!tell(flights->rbd, flights->error, err))
		return false;
	begin_watch(flights);
	if (!flights->first)
		flights->deadline = next_deadline(flights);
	flight->next = flights->first;
	flight->previous = &flights->first;
	if (flight->next)
		flight->next->previous = &flight->next;
	flights->first = flight;
	flights->bytes += flight->counts;
	return true;
}

/* With the lock held.  Who is on the list of those cut off gets no answer any more. */
static void expect_nothing(struct img_rbd_flights *flights)
{
	flights->rbd->is_silent = true;
	flights->rbd->patience = 1;
	flights->deadline = next_deadline(flights);
	pthread_cond_signal(&flights->watched);
}

static void land(struct img_rbd_flight *flight, int error)
{
	struct img_rbd_flights *flights = flight->flights;

	if (atomic_exchange(&flight->state, LANDED) == GIVEN_UP) {
		free(flight);
		return;
	}
	pthread_mutex_lock(&flights->lock);
	leave_list(flights, flight->previous, flight->next, flight->counts);
	if (error >= 0)
		flights->deadline = next_deadline(flights);
	else if (!flights->error)
		flights->error = error;
	if (error == -ETIMEDOUT)
		flights->rbd->is_silent = true;
	if (error == -ESHUTDOWN)
		expect_nothing(flights);
	pthread_cond_broadcast(&flights->landed);
	pthread_mutex_unlock(&flights->lock);
	if (flight->hold)
		img_hold_drop(flight->hold);
	free(flight);
}

/* In a thread of librbd. */
static void change_ended(rbd_completion_t completion, void *arg)
{
	struct img_rbd_flight *flight = arg;
	const ssize_t result = flight->lib.result(completion);

	flight->lib.release(completion);
	land(flight, (int)result);
}

static int start_change(struct img_rbd_flight *flight, const void *from)
{
	const struct img_rbd *rbd = flight->flights->rbd;
	rbd_completion_t completion;
	int ret = rbd->lib.completion(flight, change_ended, &completion);

	if (ret < 0)
		return ret;
	if (flight->zeros)
		ret = rbd->lib.aio_write_zeroes(rbd->image, flight->at, flight->len, completion,
						flight->thick ? RBD_WRITE_ZEROES_FLAG_THICK_PROVISION : 0,
						0);
	else
		ret = rbd->lib.aio_write(rbd->image, flight->at, flight->len, from, completion);
	if (ret < 0)
		rbd->lib.release(completion);
	return ret;
}

/* The flight of a piece, with its bytes if nobody holds them. */
static struct img_rbd_flight *new_flight(const struct img_rbd_flight *piece, const void *from,
					 struct img_err *err)
{
	const size_t kept = from && !piece->hold ? piece->len : 0;
	struct img_rbd_flight *flight = malloc(sizeof(*flight) + kept);

	if (!flight) {
		img_fail(err, IMG_E_NOMEM, _("out of memory"));
		return NULL;
	}
	*flight = *piece;
	if (kept)
		memcpy(flight->copy, from, kept);
	return flight;
}

static bool change_piece(const struct img_rbd_flight *piece, const void *from, struct img_err *err)
{
	struct img_rbd_flight *flight = new_flight(piece, from, err);
	int ret;

	if (!flight)
		return false;
	if (!take_off(flight, err)) {
		free(flight);
		return false;
	}
	if (flight->hold)
		img_hold_add(flight->hold);
	ret = start_change(flight, flight->hold ? from : flight->copy);
	if (ret < 0)
		land(flight, ret);
	return tell(piece->flights->rbd, ret, err);
}

bool img_rbd_change(struct img_rbd_flights *flights, const struct img_rbd_change *what,
		    struct img_err *err)
{
	const uint8_t *bytes = what->from;
	const uint64_t most = bytes ? BYTES_UNDER_WAY / 4 : ZERO_PIECE;
	struct img_rbd_flight piece = {
		.flights = flights, .lib = flights->rbd->lib, .zeros = !bytes,
		.thick = what->thick, .hold = what->hold,
	};

	for (uint64_t done = 0; done < what->len; done += piece.len) {
		piece.at = what->at + done;
		piece.len = img_min_u64(what->len - done, most);
		piece.counts = bytes ? piece.len : ZEROS_COUNT;
		if (!change_piece(&piece, bytes ? bytes + done : NULL, err))
			return false;
	}
	return true;
}

void img_rbd_settle(struct img_rbd_flights *flights, uint64_t at, uint64_t len)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&flights->lock);

	while (touches_any(flights, at, len))
		pthread_cond_wait(&flights->landed, &flights->lock);
}

bool img_rbd_land(struct img_rbd_flights *flights, struct img_err *err)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&flights->lock);

	while (flights->first)
		pthread_cond_wait(&flights->landed, &flights->lock);
	return tell(flights->rbd, flights->error, err);
}

void img_rbd_flights_end(struct img_rbd_flights *flights)
{
	img_rbd_settle(flights, 0, UINT64_MAX);
	end_watch(flights);
	pthread_cond_destroy(&flights->watched);
	pthread_cond_destroy(&flights->landed);
	pthread_mutex_destroy(&flights->lock);
}

/* ---- Reads --------------------------------------------------------------------------------------- */

/* Waits for one; what it ends with if that is a failure and *error is none yet. */
static void finish_read(const struct img_rbd_library *lib, rbd_completion_t completion, int *error)
{
	ssize_t result;

	(void)lib->wait(completion);
	result = lib->result(completion);
	lib->release(completion);
	if (result < 0 && !*error)
		*error = (int)result;
}

static int start_read(struct img_rbd *rbd, uint64_t at, void *buf, size_t len,
		      rbd_completion_t *completion)
{
	int ret = rbd->lib.completion(NULL, NULL, completion);

	if (ret < 0)
		return ret;
	ret = rbd->lib.aio_read2(rbd->image, at, len, buf, *completion, rbd->read_flags);
	if (ret < 0)
		rbd->lib.release(*completion);
	return ret;
}

bool img_rbd_read(struct img_rbd *rbd, uint64_t at, void *buf, size_t len, struct img_err *err)
{
	rbd_completion_t v[READS];
	size_t started = 0, finished = 0, done = 0;
	int error = 0;

	while (done < len && !error) {
		/* Pieces end where a larger one would, so that none touches two objects. */
		const size_t piece = img_min_u64(len - done, READ_PIECE - (at + done) % READ_PIECE);

		if (started - finished == READS)
			finish_read(&rbd->lib, v[finished++ % READS], &error);
		if (error)
			break;
		error = start_read(rbd, at + done, (char *)buf + done, piece, &v[started % READS]);
		if (error >= 0) {
			started++;
			error = 0;
		}
		done += piece;
	}
	while (finished < started)
		finish_read(&rbd->lib, v[finished++ % READS], &error);
	return tell(rbd, error, err);
}
