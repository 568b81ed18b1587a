/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a salvage says of itself: a report, and the map. */
#include <stdio.h>
#include "common/memory.h"
#include "common/text.h"
#include "imgcheck/salvage.h"

static const char *const kind_names[PIECE_KINDS] = {
	[PIECE_CERTAIN] = "certain", [PIECE_GUESSED] = "guessed", [PIECE_LOST] = "lost",
};

static void add_text(struct img_node *to, const char *key, const char *label, const char *value)
{
	img_node_text(to, key, value);
	img_node_label(to, label);
}

static void add_bytes(struct img_node *to, const char *key, const char *label, uint64_t value)
{
	img_node_u64(to, key, value, IMG_UNIT_BYTES);
	img_node_label(to, label);
}

static void add_names(const struct salvage_outcome *out, struct img_node *to)
{
	add_text(to, "source", _("source"), out->source);
	add_text(to, "source-format", _("source format"), out->source_format);
	add_text(to, "target", _("target"), out->target);
	add_text(to, "target-format", _("target format"), out->target_format);
}

static void add_amounts(const struct salvage_outcome *out, struct img_node *to)
{
	add_bytes(to, "virtual-size", _("virtual size"), out->bytes[PIECE_CERTAIN] +
		  out->bytes[PIECE_GUESSED] + out->bytes[PIECE_LOST]);
	img_node_flag(to, "size-guessed", out->told.size_guessed);
	img_node_label(to, _("the size is a guess"));
	add_bytes(to, "certain", _("certain"), out->bytes[PIECE_CERTAIN]);
	add_bytes(to, "guessed", _("guessed"), out->bytes[PIECE_GUESSED]);
	add_bytes(to, "lost", _("lost"), out->bytes[PIECE_LOST]);
	add_bytes(to, "unplaced", _("in the file without a place on the disk"),
		  out->told.unplaced);
}

static void add_place(struct img_node *to, const char *key, uint64_t value)
{
	if (value != IMG_NOWHERE)
		img_node_u64(to, key, value, IMG_UNIT_NONE);
}

static void add_notes(const struct salvage_outcome *out, struct img_node *to)
{
	struct img_node *list;

	if (!out->told.n_notes)
		return;
	list = img_node_list(to, "notes");
	img_node_label(to, _("what was done"));
	for (size_t i = 0; i < out->told.n_notes; i++) {
		const struct img_finding *note = &out->told.notes[i];
		struct img_node *map = img_node_map(list, "note");

		img_node_text(map, "id", note->kind->id);
		img_node_u64(map, "count", note->n, IMG_UNIT_NONE);
		add_place(map, "host-offset", note->host);
		add_place(map, "guest-offset", note->guest);
		img_node_text(map, "text", _(note->kind->text));
	}
}

/* Programs get the reason in English: only the human style is translated. */
static void add_pieces(const struct salvage_outcome *out, bool all, bool human, struct img_node *to)
{
	struct img_node *list = NULL;

	for (size_t i = 0; i < out->pieces.n; i++) {
		const struct piece *one = &out->pieces.v[i];

		if (!all && one->kind == PIECE_CERTAIN)
			continue;
		if (!list) {
			list = img_node_list(to, "map");
			img_node_label(to, _("map"));
		}
		struct img_node *map = img_node_map(list, "extent");

		img_node_u64(map, "start", one->start, IMG_UNIT_NONE);
		img_node_u64(map, "length", one->len, IMG_UNIT_NONE);
		img_node_text(map, "state", kind_names[one->kind]);
		if (one->why)
			img_node_text(map, "reason", human ? _(one->why) : one->why);
	}
}

/* A report of the whole disk (all), or of what is not certain. */
static struct img_node *build(const struct salvage_outcome *out, bool all, bool human,
			      struct img_err *err)
{
	struct img_node *root = img_node_root("imgcheck"), *to;

	if (!root) {
		out_of_memory(err);
		return NULL;
	}
	to = img_node_map(root, "salvage");
	img_node_label(root, _("salvage"));
	add_names(out, to);
	add_amounts(out, to);
	add_notes(out, to);
	add_pieces(out, all, human, to);
	return root;
}

bool salvage_print(const struct salvage_outcome *out, enum img_style style, struct img_err *err)
{
	struct img_node *root = build(out, false, style == IMG_STYLE_HUMAN, err);

	const bool ok = root && img_report_write(root, style, stdout, err);

	img_node_free(root);
	return ok;
}

bool salvage_write_map(const struct salvage_outcome *out, const char *path, struct img_err *err)
{
	struct img_node *root = build(out, true, false, err);
	const bool ok = root && img_report_save(root, IMG_STYLE_JSON, path, err);

	img_node_free(root);
	return ok;
}
