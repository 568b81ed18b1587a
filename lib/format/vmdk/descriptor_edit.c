/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A descriptor that changes, as a text, so that whatever others have written there stays: the lines
 * about extents and the number of cylinders when the disk gets another size, those about the parent,
 * or a single value.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "format/vmdk/layout.h"
#include "format/vmdk/resize.h"

/* One line of the text, with its end. */
struct line {
	const char *text;
	size_t len;
};

/* The next line of *rest; false: there is none. */
static bool next_line(const char **rest, struct line *out)
{
	const char *end = strchr(*rest, '\n');

	*out = (struct line){ *rest, end ? (size_t)(end - *rest) + 1 : strlen(*rest) };
	*rest += out->len;
	return out->len;
}

static size_t blanks(const char *text)
{
	return strspn(text, " \t");
}

/* Where the value of key begins in the line; NULL: it is not about that. */
static const char *value_of(const struct line *line, const char *key)
{
	const char *at = line->text + blanks(line->text);

	if (strncasecmp(at, key, strlen(key)))
		return NULL;
	at += strlen(key);
	at += blanks(at);
	if (*at != '=')
		return NULL;
	at += 1 + blanks(at + 1);
	return at + (*at == '"');
}

/* A number in the text; 0: it is not there. */
static uint64_t number_of(const char *text, const char *key)
{
	struct line line;

	while (next_line(&text, &line)) {
		const char *value = value_of(&line, key);

		if (value && isdigit((unsigned char)*value))
			return strtoull(value, NULL, 10);
	}
	return 0;
}

/* How many there are; the same as for the descriptor.  0: the text does not say what one is. */
static uint64_t cylinders_of(const char *text, uint64_t size)
{
	const uint64_t heads = number_of(text, "ddb.geometry.heads");
	const uint64_t sectors = number_of(text, "ddb.geometry.sectors");

	if (!heads || !sectors || heads > UINT16_MAX || sectors > UINT16_MAX)
		return 0;
	return size / (heads * sectors * VMDK_SECTOR);
}

static bool is_extent(const struct line *line)
{
	return vmdk_is_extent_line(line->text + blanks(line->text));
}

static size_t count_extents(const char *text)
{
	struct line line;
	size_t n = 0;

	while (next_line(&text, &line))
		n += is_extent(&line);
	return n;
}

/* Digits become another number; what is in front of them and behind them stays. */
static void put_number(FILE *to, const struct line *line, const char *digits, uint64_t number)
{
	const char *behind = digits + strspn(digits, "0123456789");

	fprintf(to, "%.*s%" PRIu64 "%.*s", (int)(digits - line->text), line->text, number,
		(int)(line->text + line->len - behind), behind);
}

static void put_extent(FILE *to, const struct line *line, const struct vmdk_extent_line *extent)
{
	const char *at = line->text + blanks(line->text);

	at += strcspn(at, " \t");
	put_number(to, line, at + blanks(at), extent->len / VMDK_SECTOR);
}

/* What is to become of a text. */
struct edit {
	void (*put)(FILE *to, const char *text, const struct edit *edit);
	const struct vmdk_descriptor *desc;	/* the disk as it will be, if that changes */
	const char *key, *value;		/* the single value, if one changes */
};

static void put_size(FILE *to, const char *text, const struct edit *edit)
{
	const struct vmdk_descriptor *desc = edit->desc;
	const uint64_t cylinders = cylinders_of(text, desc->size);
	const size_t n = count_extents(text);
	struct line line;
	size_t i = 0;

	while (next_line(&text, &line)) {
		const char *value = value_of(&line, "ddb.geometry.cylinders");

		if (!is_extent(&line)) {
			if (value && cylinders)
				put_number(to, &line, value, cylinders);
			else
				fwrite(line.text, 1, line.len, to);
			continue;
		}
		if (i < desc->n_extents)
			put_extent(to, &line, &desc->extents[i]);
		for (i++; i >= n && i < desc->n_extents; i++)
			vmdk_extent_line_put(to, &desc->extents[i]);
	}
}

static void put_parent_lines(FILE *to, const struct vmdk_descriptor *desc)
{
	fprintf(to, "parentCID=%08" PRIx32 "\n", desc->parent_cid);
	if (desc->parent)
		fprintf(to, "parentFileNameHint=\"%s\"\n", desc->parent);
}

/* Where the identifier of the parent stood, or at the end of a text that has none. */
static void put_parent(FILE *to, const char *text, const struct edit *edit)
{
	struct line line;
	bool done = false;

	while (next_line(&text, &line)) {
		const bool is_cid = value_of(&line, "parentCID");

		if (is_cid && !done)
			put_parent_lines(to, edit->desc);
		else if (!is_cid && !value_of(&line, "parentFileNameHint"))
			fwrite(line.text, 1, line.len, to);
		done |= is_cid;
	}
	if (!done)
		put_parent_lines(to, edit->desc);
}

/* What stands in the line from `old` on becomes value; between quotation marks blanks belong to it. */
static void put_value(FILE *to, const struct line *line, const char *old, const char *value)
{
	const char *behind = old + strcspn(old, old[-1] == '"' ? "\"\r\n" : " \t\r\n");

	fprintf(to, "%.*s%s%.*s", (int)(old - line->text), line->text, value,
		(int)(line->text + line->len - behind), behind);
}

static bool is_of_database(const char *key)
{
	return !strncasecmp(key, "ddb.", 4);
}

static bool has_value(const char *text, const char *key)
{
	struct line line;

	while (next_line(&text, &line))
		if (value_of(&line, key))
			return true;
	return false;
}

/* The database alone has quotation marks. */
static void put_new(FILE *to, const char *key, const char *value)
{
	fprintf(to, is_of_database(key) ? "%s = \"%s\"\n" : "%s=%s\n", key, value);
}

/*
 * Readers go by the first line of a key.  A new one comes last, but an identifier in front of the
 * parent's: QEMU takes the first "CID=" that there is, which parentCID ends with.
 */
static void put_changed(FILE *to, const char *text, const struct edit *edit)
{
	bool missing = !has_value(text, edit->key), done = missing, ended = true;
	struct line line;

	while (next_line(&text, &line)) {
		const char *old = done ? NULL : value_of(&line, edit->key);

		if (missing && !is_of_database(edit->key) && value_of(&line, "parentCID")) {
			put_new(to, edit->key, edit->value);
			missing = false;
		}
		if (old)
			put_value(to, &line, old, edit->value);
		else
			fwrite(line.text, 1, line.len, to);
		done |= old != NULL;
		ended = line.text[line.len - 1] == '\n';
	}
	if (missing && !ended)
		fputc('\n', to);
	if (missing)
		put_new(to, edit->key, edit->value);
}

static bool compose(const char *text, size_t len, const struct edit *edit, char **out,
		    size_t *out_len, struct img_err *err)
{
	IMG_AUTO_FREE char *copy = img_calloc(len + 1, 1, err);
	FILE *to = copy ? open_memstream(out, out_len) : NULL;
	bool ok;

	if (!to)
		return img_fail(err, IMG_E_NOMEM, _("out of memory while composing a text"));
	memcpy(copy, text, len);
	edit->put(to, copy, edit);
	ok = !ferror(to);
	if (!fclose(to) && ok)
		return true;
	free(*out);
	*out = NULL;
	return img_fail(err, IMG_E_NOMEM, _("out of memory while composing a text"));
}

bool vmdk_descriptor_edit(const char *text, size_t len, const struct vmdk_descriptor *desc,
			  bool links, char **out, size_t *out_len, struct img_err *err)
{
	const struct edit edit = { .put = links ? put_parent : put_size, .desc = desc };

	return compose(text, len, &edit, out, out_len, err);
}

bool vmdk_descriptor_set(const char *text, size_t len, const char *key, const char *value,
			 char **out, size_t *out_len, struct img_err *err)
{
	const struct edit edit = { .put = put_changed, .key = key, .value = value };

	return compose(text, len, &edit, out, out_len, err);
}
