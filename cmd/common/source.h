/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a command opens the images that it reads, and the option rows for it. */
#ifndef CMD_SOURCE_H
#define CMD_SOURCE_H

#include "common/appliance.h"
#include "common/cli.h"
#include "common/secret.h"

/* Who goes through a disk from its start to its end wants no table twice. */
#define SOURCE_CACHE_SIZE (UINT64_C(16) << 20)

struct source_options {
	const char *format, *snapshot, *parent;
	enum img_cache cache;
	uint64_t cache_size;	/* bytes of tables at most; 0: SOURCE_CACHE_SIZE */
	uint64_t size;		/* of the disk; 0: nobody said it, the image does */
	const char *member;	/* of an archive; NULL: the image that there is */
	const char *disk;	/* of an appliance, as appliance_find() wants it; NULL: path is no such */
	uint64_t max_size;	/* bytes that are unpacked at most; 0: the default */
	const struct img_gate *gate;	/* as --untrusted and --trusted left it: for source_gate() */
	bool force_share;
	bool mismatch;		/* write over a parent that the image was not made for */
	const char *header;	/* of a LUKS image that holds the data alone; NULL: it has its own */
	const bool *quiet;	/* whether to say nothing of temporary files; NULL: say it */
	struct secrets *secrets;	/* of encrypted layers; NULL: their structure is enough */
};

/* What the field of --untrusted and --trusted means; NULL: neither was given. */
static inline const struct img_gate *source_gate(const struct img_gate *chosen)
{
	return chosen ? chosen : &img_gate_local;
}

/* The file that is meant, for who does more than to open it. */
struct source_place {
	const char *path, *member;	/* for img_open(); member NULL: none was said */
	char *owned;
	char number[APPLIANCE_MEMBER_TEXT];
};
/*
 * Where the image is that path and how->member or how->disk mean; all of them outlive *out, which
 * source_place_clear() clears after success.  IMG_E_ARGUMENT: both are given, or there is no such disk.
 */
bool source_find(const struct source_options *how, const char *path, struct source_place *out,
		 struct img_err *err) IMG_MUST_CHECK;
void source_place_clear(struct source_place *place);

/* The appliance at path; see appliance_open(). */
bool source_open_appliance(const struct source_options *how, const char *path, struct appliance *out,
			   struct img_err *err) IMG_MUST_CHECK;

/* What img_open() calls for a temporary file; NULL: nothing is to be said. */
typedef void source_told(void *ctx, const char *text);
source_told *source_spooled(const struct source_options *how);

/* Into a gate.  IMG_E_ARGUMENT when the other one was given before. */
cli_set source_set_untrusted, source_set_trusted;

/* Into a const char *: "ID_OR_NAME", "snapshot.id=ID" or "snapshot.name=NAME". */
cli_set source_set_snapshot;

/* How many layers have something odd, and saying so. */
size_t source_oddities(const struct img *im);
void source_warn(const struct cli *cli, const struct img *im);

/*
 * Opens path ("-": standard input) and says so when its content was guessed with doubt, or when
 * something about it is odd.
 */
struct img *source_open(const struct cli *cli, const struct source_options *how, const char *path,
			unsigned flags, struct img_err *err);

/*
 * As source_open(), of an image that is copied as a whole, which is not done to one that is raw only by
 * a doubtful guess: its copy would look whole.  IMG_E_CORRUPT.
 */
struct img *source_open_to_copy(const struct cli *cli, const struct source_options *how,
				const char *path, unsigned flags, struct img_err *err);
/* The same of an image of which all that was said already. */
struct img *source_open_again(const struct source_options *how, const char *path, unsigned flags,
			      struct img_err *err);
/*
 * As source_open(), of an image whose content is to be changed, which is not done to one that is raw
 * only by a guess.  IMG_E_DENIED.
 */
struct img *source_open_to_change(const struct cli *cli, const struct source_options *how,
				  const char *path, unsigned flags, struct img_err *err);
/*
 * Whether im, whose format was found out, may be changed: a guess that it is raw is not good enough.
 * option: what the user says instead ("-f raw").  IMG_E_DENIED.
 */
bool source_check_guess(struct img *im, const char *path, const char *option, struct img_err *err)
	IMG_MUST_CHECK;
/* Of a failure: names the option that overrules a refusal, or says what was not clear. */
void source_explain(struct img_err *err);

/* Says that what im was taken for is in doubt, if it is. */
void source_warn_of_doubt(const struct cli *cli, const char *path, const struct img *im);
/* Whether two operands name the same file; standard input is no file. */
bool source_is_same_file(const char *a, const char *b);

#define SOURCE_ROW_FORMAT(member) \
	{ 'f', "format", "FORMAT", cli_set_text, member, \
	  N_("format of the image (otherwise found out)") }
#define SOURCE_ROW_PARENT(member) \
	{ 0, "parent", "FILE", cli_set_text, member, \
	  N_("what the image stands on, whatever it says itself") }
#define SOURCE_ROW_HEADER(member) \
	{ 0, "header", "FILE", cli_set_text, member, \
	  N_("FILE holds the header of the LUKS image, which is the data alone") }
#define SOURCE_ROW_MISMATCH(member) \
	{ 0, "allow-mismatch", NULL, cli_set_flag, member, \
	  N_("write even over a parent that the image was not made for") }
#define SOURCE_ROW_FORCE_SHARE(member) \
	{ 'U', "force-share", NULL, cli_set_flag, member, \
	  N_("read the image even if it is being written") }
#define SOURCE_ROW_MEMBER(member) \
	{ 0, "member", "NAME|GLOB|N", cli_set_text, member, \
	  N_("the file in an archive that is the image") }
#define SOURCE_ROW_DISK(member) \
	{ 0, "disk", "N", cli_set_text, member, \
	  N_("of an appliance (OVA, OVF, box) that disk: a number, an id or a file") }
#define SOURCE_ROW_MAX_SIZE(member) \
	{ 0, "max-size", "SIZE", cli_set_amount, member, \
	  N_("unpack no more bytes than that (default 1T)") }
#define SOURCE_ROW_UNTRUSTED(member) \
	{ 0, "untrusted", NULL, source_set_untrusted, member, \
	  N_("open no file that is named inside an image") }
#define SOURCE_ROW_TRUSTED(member) \
	{ 0, "trusted", NULL, source_set_trusted, member, \
	  N_("open extents outside the folder of the image, and backing files on Ceph") }

#endif
