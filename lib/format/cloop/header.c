/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header of a cloop file from and to bytes, and what is legal in it.  Pure but for the read. */
#include <inttypes.h>
#include <stdio.h>
#include "base/bytes.h"
#include "base/num.h"
#include "format/cloop/cloop.h"

/* How the script goes on before version 1.0, which has no line for the version. */
static const char old_script[] = "#!/bin/sh\ninsmod cloop.o file=";
/* How the usual script begins, whatever the version is. */
static const char shell[] = "#!/bin/sh\n#V";
/* Where we note how long the disk is: behind the end of the script, so no shell minds. */
static const char size_line[] = "\n#size ";

static const struct {
	const char *text;
	enum cloop_version version;
} versions[] = {
	{ "V1.0", CLOOP_V1 },
	{ "V2.0", CLOOP_V2 },
	{ "V4.0", CLOOP_V4 },
};

const char *cloop_version_name(enum cloop_version version)
{
	switch (version) {
	case CLOOP_V0:
		break;
	case CLOOP_V1:
		return "1.0";
	case CLOOP_V2:
		return "2.0";
	case CLOOP_V4:
		return "4.0";
	}
	return "0.68";
}

bool cloop_version_of(const uint8_t *raw, size_t len, enum cloop_version *version)
{
	if (len < sizeof(old_script) - 1)
		return false;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (!memcmp(raw + CLOOP_HDR_VERSION, versions[i].text, CLOOP_VERSION_LEN)) {
			*version = versions[i].version;
			return true;
		}
	*version = CLOOP_V0;
	return !memcmp(raw, old_script, sizeof(old_script) - 1);
}

/* The size that is noted in the script; 0: none is. */
static uint64_t noted_size(const uint8_t *raw)
{
	char script[CLOOP_SCRIPT_LEN + 1] = { 0 };
	const char *line;
	uint64_t size;
	char end;

	memcpy(script, raw, CLOOP_SCRIPT_LEN);
	line = strstr(script, size_line);
	if (!line || sscanf(line + sizeof(size_line) - 1, "%20" SCNu64 "%c", &size, &end) != 2 ||
	    end != '\n')
		return 0;
	return size;
}

/* Old indexes are in the order of the machine that wrote them; the first entry gives it away. */
static bool find_order(const uint8_t *raw, size_t len, struct cloop_header *hdr,
		       struct img_err *err)
{
	const uint64_t first = cloop_data_off(hdr);

	if (hdr->version != CLOOP_V1)
		return true;
	if (len < CLOOP_DECODE_LEN)
		return img_fail(err, IMG_E_INCOMPLETE,
				_("the file ends inside the header, after %zu bytes"), len);
	hdr->little = img_get_le64(raw + CLOOP_HDR_LEN) == first;
	if (!hdr->little && img_get_be64(raw + CLOOP_HDR_LEN) != first)
		return img_fail(err, IMG_E_CORRUPT, _("the first block is not where the index ends, "
				"so the byte order of the index is not known"));
	return true;
}

static bool validate(const struct cloop_header *hdr, struct img_err *err)
{
	if (!hdr->block_size || hdr->block_size % CLOOP_SECTOR ||
	    hdr->block_size > CLOOP_BLOCK_SIZE_MAX)
		return img_fail(err, IMG_E_CORRUPT, _("a block size of %" PRIu32 " bytes"),
				hdr->block_size);
	return true;
}

/* The place of the index, when it lies before a header that ends at end. */
static bool place_before(struct cloop_header *hdr, uint64_t end, struct img_err *err)
{
	const uint64_t len = cloop_index_len(hdr, hdr->n_blocks);

	if (hdr->version < CLOOP_V2)
		return img_fail(err, IMG_E_NOT_THIS_FORMAT, _("this is not a cloop image"));
	hdr->at_end = true;
	if (end < CLOOP_HDR_LEN + len)
		return img_fail(err, IMG_E_CORRUPT,
				_("%" PRIu32 " blocks have no room in a file of %" PRIu64 " bytes"),
				hdr->n_blocks, end);
	hdr->index_off = end - CLOOP_HDR_LEN - len;
	return true;
}

bool cloop_is_script(const uint8_t *raw, size_t len)
{
	return len >= sizeof(old_script) - 1 && (!memcmp(raw, shell, sizeof(shell) - 1) ||
						 !memcmp(raw, old_script, sizeof(old_script) - 1));
}

bool cloop_header_decode(const uint8_t *raw, size_t len, uint64_t end, struct cloop_header *out,
			 struct img_err *err)
{
	struct cloop_header hdr = { .index_off = CLOOP_HDR_LEN };

	if (!cloop_version_of(raw, len, &hdr.version)) {
		if (cloop_is_script(raw, len))
			return img_fail(err, IMG_E_UNSUPPORTED,
					_("version %.3s of the format is not known here"),
					(const char *)raw + CLOOP_HDR_VERSION + 1);
		return img_fail(err, IMG_E_NOT_THIS_FORMAT, _("this is not a cloop image"));
	}
	if (len < CLOOP_HDR_LEN)
		return img_fail(err, IMG_E_INCOMPLETE,
				_("the file ends inside the header, after %zu bytes"), len);
	hdr.block_size = img_get_be32(raw + CLOOP_HDR_BLOCK_SIZE);
	hdr.n_blocks = img_get_be32(raw + CLOOP_HDR_BLOCKS);
	if (!validate(&hdr, err) || (end && !place_before(&hdr, end, err)) ||
	    (!end && !find_order(raw, len, &hdr, err)))
		return false;
	const uint64_t most = (uint64_t)hdr.n_blocks * hdr.block_size, size = noted_size(raw);
	/* A note that was copied with an older script is no note. */
	if (size <= most && most - size < hdr.block_size)
		hdr.size = size;
	*out = hdr;
	return true;
}

void cloop_header_encode(const struct cloop_header *hdr, uint8_t *raw)
{
	memset(raw, 0, CLOOP_HDR_LEN);
	/* QEMU looks at the first three lines. */
	snprintf((char *)raw, CLOOP_SCRIPT_LEN,
		 "#!/bin/sh\n#V%s Format\n"
		 "modprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n"
		 "exit $?%s%" PRIu64 "\n", cloop_version_name(hdr->version), size_line, hdr->size);
	img_put_be32(raw + CLOOP_HDR_BLOCK_SIZE, hdr->block_size);
	img_put_be32(raw + CLOOP_HDR_BLOCKS, hdr->n_blocks);
}

bool cloop_header_read(struct img_store *st, struct cloop_header *out, struct img_err *err)
{
	uint8_t raw[CLOOP_DECODE_LEN];
	struct img_err why = { 0 };
	uint64_t size;
	size_t got;

	if (!img_store_read_some(st, 0, raw, sizeof(raw), &got, err))
		return false;
	if (cloop_header_decode(raw, got, 0, out, &why))
		return true;
	/* As the kernel does it: what is no header at the start may have one at the end. */
	if (why.code == IMG_E_NOT_THIS_FORMAT) {
		if (!img_store_size(st, &size, err))
			return false;
		if (size >= CLOOP_HDR_LEN)
			return img_store_read(st, size - CLOOP_HDR_LEN, raw, CLOOP_HDR_LEN, err) &&
			       cloop_header_decode(raw, CLOOP_HDR_LEN, size, out, err);
	}
	if (err)
		*err = why;
	return false;
}
