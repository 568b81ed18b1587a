/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "-o name=value,name=value" against the table of what a format understands. */
#include <assert.h>
#include <string.h>
#include "base/mem.h"
#include "format/format.h"

struct setting {
	char *text;		/* as given, or NULL */
	uint64_t number;	/* SIZE, NUMBER, FLAG: of text, or of the table's fallback */
};

struct img_settings {
	const struct img_option *table;
	struct setting *values;		/* beside the table's rows */
};

static size_t table_length(const struct img_option *table)
{
	size_t n = 0;

	while (table[n].name)
		n++;
	return n;
}

static size_t row_named(const struct img_option *table, const char *name, size_t len)
{
	size_t i = 0;

	while (table[i].name && (strlen(table[i].name) != len || memcmp(table[i].name, name, len)))
		i++;
	return i;
}

static bool is_choice(const char *choices, const char *text)
{
	const size_t len = strlen(text);

	while (*choices) {
		const size_t n = strcspn(choices, "|");

		if (n == len && !memcmp(choices, text, n))
			return true;
		choices += n + (choices[n] == '|');
	}
	return false;
}

static bool parse_flag(const char *text, uint64_t *value)
{
	*value = !strcmp(text, "on") || !strcmp(text, "yes") || !strcmp(text, "true");
	return *value || !strcmp(text, "off") || !strcmp(text, "no") || !strcmp(text, "false");
}

static bool parse_value(const struct img_option *row, const char *text, uint64_t *value,
			struct img_err *err)
{
	switch (row->type) {
	case IMG_OPT_SIZE:
		return img_size_parse(text, value, err) || img_within(err, "%s", row->name);
	case IMG_OPT_NUMBER:
		if (text[strspn(text, "0123456789")])
			break;
		return img_size_parse(text, value, err) || img_within(err, "%s", row->name);
	case IMG_OPT_FLAG:
		if (parse_flag(text, value))
			return true;
		return img_fail(err, IMG_E_ARGUMENT, _("%s is on or off, not \"%s\""), row->name,
				text);
	case IMG_OPT_CHOICE:
		if (is_choice(row->choices, text))
			return true;
		return img_fail(err, IMG_E_ARGUMENT, _("%s is one of %s, not \"%s\""), row->name,
				row->choices, text);
	case IMG_OPT_TEXT:
		return true;
	}
	return img_fail(err, IMG_E_ARGUMENT, _("%s is a number, not \"%s\""), row->name, text);
}

/* Copies one "name=value" to item, with ",," made ","; returns what follows it. */
static const char *cut_item(const char *text, char *item)
{
	for (;; text++) {
		if (text[0] == ',' && text[1] == ',')
			text++;
		else if (text[0] == ',' || !text[0])
			break;
		*item++ = *text;
	}
	*item = '\0';
	return *text ? text + 1 : text;
}

/* A flag may be given by its name alone. */
static bool take_item(struct img_settings *set, const char *item, struct img_err *err)
{
	const size_t len = strcspn(item, "=");
	const struct img_option *row = &set->table[row_named(set->table, item, len)];
	const char *text = item[len] ? item + len + 1 : "on";
	struct setting *value = &set->values[row - set->table];

	if (!row->name)
		return img_fail(err, IMG_E_ARGUMENT,
				_("there is no option \"%.*s\"; -o help lists those there are"),
				(int)len, item);
	if (!item[len] && row->type != IMG_OPT_FLAG)
		return img_fail(err, IMG_E_ARGUMENT, _("%s needs a value"), row->name);
	if (value->text)
		return img_fail(err, IMG_E_ARGUMENT, _("%s is given twice"), row->name);
	if (!parse_value(row, text, &value->number, err))
		return false;
	value->text = img_strdup(text, err);
	return value->text != NULL;
}

static bool take_fallbacks(struct img_settings *set, struct img_err *err)
{
	for (size_t i = 0; set->table[i].name; i++) {
		const struct img_option *row = &set->table[i];

		if (row->fallback && !parse_value(row, row->fallback, &set->values[i].number, err))
			return false;
	}
	return true;
}

static bool take_all(struct img_settings *set, const char *text, struct img_err *err)
{
	IMG_AUTO_FREE char *item = img_calloc(strlen(text) + 1, 1, err);

	if (!item)
		return false;
	while (*text) {
		text = cut_item(text, item);
		if (*item && !take_item(set, item, err))
			return false;
	}
	return true;
}

char *img_settings_part(const struct img_option *table, const char *text, bool in_table,
			struct img_err *err)
{
	char *part = img_calloc(strlen(text) + 1, 1, err);
	IMG_AUTO_FREE char *item = img_calloc(strlen(text) + 1, 1, err);
	char *end = part;

	if (!part || !item) {
		free(part);
		return NULL;
	}
	while (*text) {
		const char *next = cut_item(text, item);
		const struct img_option *row = &table[row_named(table, item, strcspn(item, "="))];

		/* As it is written, with what is in front of the next one. */
		if ((row->name != NULL) == in_table)
			end = mempcpy(end, text, (size_t)(next - text));
		text = next;
	}
	return part;
}

struct img_settings *img_settings_parse(const struct img_option *table, const char *text,
					struct img_err *err)
{
	static const struct img_option none[] = {{0}};
	struct img_settings *set = img_calloc(1, sizeof(*set), err);

	if (!set)
		return NULL;
	set->table = table ? table : none;
	set->values = img_calloc(table_length(set->table) + 1, sizeof(*set->values), err);
	if (set->values && take_fallbacks(set, err) && take_all(set, text ? text : "", err))
		return set;
	img_settings_free(set);
	return NULL;
}

void img_settings_free(struct img_settings *set)
{
	if (!set)
		return;
	for (size_t i = 0; set->values && i < table_length(set->table); i++)
		free(set->values[i].text);
	free(set->values);
	free(set);
}

static size_t row_of(const struct img_settings *set, const char *name)
{
	const size_t i = row_named(set->table, name, strlen(name));

	assert(set->table[i].name);
	return i;
}

uint64_t img_settings_number(const struct img_settings *set, const char *name)
{
	return set->values[row_of(set, name)].number;
}

bool img_settings_flag(const struct img_settings *set, const char *name)
{
	return img_settings_number(set, name) != 0;
}

const char *img_settings_text(const struct img_settings *set, const char *name)
{
	const size_t i = row_of(set, name);

	return set->values[i].text ? set->values[i].text : set->table[i].fallback;
}

enum img_preallocation img_settings_preallocation(const struct img_settings *set)
{
	const char *how = img_settings_text(set, "preallocation");

	if (!strcmp(how, "full"))
		return IMG_PREALLOC_FULL;
	return strcmp(how, "falloc") ? IMG_PREALLOC_OFF : IMG_PREALLOC_FALLOC;
}

bool img_settings_has(const struct img_settings *set, const char *name)
{
	return set->table[row_named(set->table, name, strlen(name))].name != NULL;
}

bool img_settings_given(const struct img_settings *set, const char *name)
{
	return set->values[row_of(set, name)].text != NULL;
}
