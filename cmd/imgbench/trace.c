/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See trace.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include "common/memory.h"
#include "common/text.h"
#include "imgbench/trace.h"

enum { LINE_BYTES = 16384, MAX_FIELDS = 8, MAX_PERCENT = 100 };

/* ---- Words of a line ------------------------------------------------------------------------- */

/* Cuts line at its spaces; more than MAX_FIELDS words count as one more. */
static unsigned split(char *line, char *fields[MAX_FIELDS])
{
	unsigned n = 0;

	for (char *word; (word = strsep(&line, " ")); n++)
		if (n == MAX_FIELDS)
			return n + 1;
		else
			fields[n] = word;
	return n;
}

/* Reads the digits at *text as a number up to max and goes behind them. */
static bool take_number(const char **text, uint64_t max, uint64_t *value)
{
	const char *p = *text;
	uint64_t n = 0;

	for (; *p >= '0' && *p <= '9'; p++) {
		const unsigned digit = (unsigned)(*p - '0');

		if (digit > max || n > (max - digit) / 10)
			return false;
		n = 10 * n + digit;
	}
	if (p == *text)
		return false;
	*text = p;
	*value = n;
	return true;
}

static bool number(const char *word, uint64_t max, uint64_t *value, struct img_err *err)
{
	const char *end = word;

	return (take_number(&end, max, value) && !*end) ||
	       img_fail(err, IMG_E_CORRUPT, _("\"%s\" is not a number from 0 to %" PRIu64), word,
			max);
}

/* ---- Which blocks are zero ------------------------------------------------------------------- */

/* The next run of a map: its kind and its blocks, at most left; a letter alone is all of them. */
static bool take_run(const char **map, uint64_t left, bool *zero, uint64_t *blocks)
{
	const char letter = **map;

	if (letter != 'd' && letter != 'z')
		return false;
	*zero = letter == 'z';
	*blocks = left;
	return !*++*map || (take_number(map, left, blocks) && *blocks);
}

/* Runs take turns, data first; there are at most as many as the map has letters, and one. */
static bool fill_runs(const char *map, uint32_t n_blocks, uint32_t *runs)
{
	uint64_t left = n_blocks, blocks;
	size_t n = 0;
	bool zero;

	for (runs[0] = 0; left; left -= blocks) {
		if (!take_run(&map, left, &zero, &blocks))
			return false;
		/* Odd places are zeros. */
		if (zero != (n % 2 != 0))
			runs[++n] = 0;
		runs[n] += (uint32_t)blocks;
	}
	return !*map;
}

static bool parse_map(const char *map, struct request *r, struct img_err *err)
{
	const uint32_t n_blocks = r->len / REQUEST_BLOCK;
	uint32_t *runs;

	if (!strcmp(map, "d"))
		return true;
	runs = calloc(strlen(map) + 2, sizeof(*runs));
	if (!runs)
		return out_of_memory(err);
	r->runs = runs;
	return fill_runs(map, n_blocks, runs) ||
	       img_fail(err, IMG_E_CORRUPT, _("the map \"%s\" does not fit %" PRIu32 " blocks"),
			map, n_blocks);
}

/* ---- Requests -------------------------------------------------------------------------------- */

static bool parse_range(char *const *words, uint64_t disk, struct request *r, struct img_err *err)
{
	const uint64_t unit = r->kind == REQUEST_READ ? REQUEST_SECTOR : REQUEST_BLOCK;
	uint64_t len;

	if (!number(words[0], INT64_MAX, &r->at, err) ||
	    !number(words[1], request_moves_data(r) ? REQUEST_MOVED_MAX : UINT32_MAX, &len, err))
		return false;
	if (!len || r->at % unit || len % unit)
		return img_fail(err, IMG_E_CORRUPT, _("offset and length of a request must be "
				"multiples of %" PRIu64), unit);
	if (r->at > disk || len > disk - r->at)
		return img_fail(err, IMG_E_CORRUPT, _("%" PRIu64 " bytes at %" PRIu64 " are not "
				"inside the disk of %" PRIu64 " bytes"), len, r->at, disk);
	r->len = (uint32_t)len;
	return true;
}

static bool parse_write(char *const *words, struct request *r, struct img_err *err)
{
	uint64_t percent;

	if (!number(words[1], MAX_PERCENT, &percent, err))
		return false;
	r->percent = (uint8_t)percent;
	return parse_map(words[0], r, err);
}

static bool parse_zero(const char *word, struct request *r, struct img_err *err)
{
	if (strcmp(word, "u") && strcmp(word, "k"))
		return img_fail(err, IMG_E_CORRUPT, _("\"%s\" is neither u nor k"), word);
	r->unmap = *word == 'u';
	return true;
}

/* Also on failure r->runs is the caller's to free. */
static bool parse_request(char *line, uint64_t disk, struct request *r, struct img_err *err)
{
	static const struct { char letter; uint8_t kind; unsigned n_words; } forms[] = {
		{ 'R', REQUEST_READ, 5 }, { 'W', REQUEST_WRITE, 7 }, { 'Z', REQUEST_ZERO, 6 },
		{ 'F', REQUEST_FLUSH, 3 },
	};
	char *words[MAX_FIELDS];
	const unsigned n = split(line, words);
	unsigned form = 0;
	uint64_t unused;

	while (form < 4 && (words[0][0] != forms[form].letter || words[0][1]))
		form++;
	if (form == 4)
		return img_fail(err, IMG_E_CORRUPT, _("\"%s\" is none of R, W, Z and F"), words[0]);
	if (n != forms[form].n_words)
		return img_fail(err, IMG_E_CORRUPT, _("a request %s has %u words, not %u"),
				words[0], forms[form].n_words, n);
	r->kind = forms[form].kind;
	if (r->kind != REQUEST_FLUSH && !parse_range(words + 1, disk, r, err))
		return false;
	if (r->kind == REQUEST_WRITE && !parse_write(words + 3, r, err))
		return false;
	if (r->kind == REQUEST_ZERO && !parse_zero(words[3], r, err))
		return false;
	return number(words[n - 2], INT64_MAX, &unused, err) &&
	       number(words[n - 1], INT64_MAX, &unused, err);
}

static bool make_room(struct trace *trace, struct img_err *err)
{
	const size_t room = trace->room ? 2 * trace->room : 4096;
	struct request *more;

	if (trace->n >= REQUEST_N_MAX)
		return img_fail(err, IMG_E_RANGE, _("the trace is too long"));
	if (trace->n < trace->room)
		return true;
	more = reallocarray(trace->requests, room, sizeof(*more));
	if (!more)
		return out_of_memory(err);
	trace->requests = more;
	trace->room = room;
	return true;
}

static bool parse_header(char *line, uint64_t *size, struct img_err *err)
{
	static const char start[] = "# recdisk 1 size ";

	if (strncmp(line, start, sizeof(start) - 1))
		return img_fail(err, IMG_E_CORRUPT, _("this is not a trace: it does not start with "
				"\"%sBYTES\""), start);
	return number(line + sizeof(start) - 1, INT64_MAX, size, err);
}

static bool parse_line(struct trace *trace, char *line, uint64_t line_number, struct img_err *err)
{
	if (line_number == 1)
		return parse_header(line, &trace->size, err);
	if (line[0] == '#')
		return true;
	if (!make_room(trace, err))
		return false;
	trace->requests[trace->n] = (struct request){ .at = 0 };
	return parse_request(line, trace->size, &trace->requests[trace->n++], err);
}

/* ---- The file -------------------------------------------------------------------------------- */

/* Takes the newline off; false for a line that is too long, or has a zero byte in it. */
static bool cut_newline(gzFile file, char *line)
{
	const size_t len = strlen(line);

	if (len && line[len - 1] == '\n') {
		line[len - 1] = '\0';
		return true;
	}
	return len && gzeof(file);
}

static bool read_error(gzFile file, struct img_err *err)
{
	int code;
	const char *text = gzerror(file, &code);

	if (code == Z_ERRNO)
		return img_fail_os(err, _("cannot be read"));
	return code >= 0 || img_fail(err, IMG_E_CORRUPT, _("cannot be unpacked: %s"), text);
}

static bool read_lines(struct trace *trace, gzFile file, char *line, struct img_err *err)
{
	uint64_t n = 0;

	while (gzgets(file, line, LINE_BYTES)) {
		n++;
		/* Where it ends too early, the last line is only a part of one. */
		if (!read_error(file, err))
			return false;
		if (!cut_newline(file, line))
			img_fail(err, IMG_E_CORRUPT, _("this is not a line of a trace"));
		else if (parse_line(trace, line, n, err))
			continue;
		return img_within(err, _("line %" PRIu64), n);
	}
	if (!read_error(file, err))
		return false;
	return n || img_fail(err, IMG_E_CORRUPT, _("the trace is empty"));
}

static gzFile open_trace(const char *path)
{
	int fd;

	if (strcmp(path, "-"))
		return gzopen(path, "re");
	fd = dup(STDIN_FILENO);
	return fd < 0 ? NULL : gzdopen(fd, "r");
}

bool trace_read(struct trace *trace, const char *path, struct img_err *err)
{
	char *line = malloc(LINE_BYTES);
	gzFile file = NULL;
	bool ok;

	*trace = (struct trace){ .size = 0 };
	if (!line)
		return out_of_memory(err);
	errno = 0;
	file = open_trace(path);
	ok = file ? read_lines(trace, file, line, err)
		  : img_fail_os(err, _("cannot be opened"));
	if (file)
		(void)gzclose_r(file);	/* nothing was written; read errors were looked at */
	free(line);
	return ok || img_within(err, "%s", path);
}

void trace_free(struct trace *trace)
{
	for (size_t i = 0; i < trace->n; i++)
		free((void *)trace->requests[i].runs);
	free(trace->requests);
	*trace = (struct trace){ .size = 0 };
}
