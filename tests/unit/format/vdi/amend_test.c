/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The UUID of an image changes, and nothing else. */
#include <string.h>
#include "sample.h"

static bool amend(struct sample *s, const char *options, struct img_err *err)
{
	struct img_settings *set = img_settings_parse(img_format_vdi.amend_options, options, err);
	bool ok;

	cr_assert(set, "%s", err->text);
	ok = img_format_vdi.amend(&s->ly, set, NULL, err);
	img_settings_free(set);
	return ok;
}

/* What is in the file, whose first bytes were old, has changed by the UUID alone. */
static void check_only_uuid(struct sample *s, const uint8_t *old, struct img_uuid *uuid)
{
	uint8_t now[VDI_DECODE_LEN];

	cr_assert(img_store_read(s->ly.store, 0, now, sizeof(now), NULL));
	memcpy(uuid->raw, now + VDI_HDR_UUID, IMG_UUID_BYTES);
	memcpy(now + VDI_HDR_UUID, old + VDI_HDR_UUID, IMG_UUID_BYTES);
	cr_assert_eq(memcmp(now, old, sizeof(now)), 0);
}

Test(vdi_amend, the_uuid_alone_changes)
{
	struct sample s;
	struct img_uuid uuid, want;
	struct img_err err = { 0 };
	uint8_t old[VDI_DECODE_LEN];

	sample_start(&s, sample_header(4));
	memcpy(old, s.bytes, sizeof(old));
	sample_open(&s, SAMPLE_BYTES);
	cr_assert(amend(&s, "", &err), "%s", err.text);
	check_only_uuid(&s, old, &uuid);
	cr_assert(img_uuid_equal(&uuid, &s.hdr.uuid));
	cr_assert(amend(&s, "uuid={12345678-9abc-4def-8123-456789abcdef}", &err), "%s", err.text);
	check_only_uuid(&s, old, &uuid);
	cr_assert(img_uuid_parse("12345678-9abc-4def-8123-456789abcdef", &want, &err));
	cr_assert(img_uuid_equal(&uuid, &want));
	cr_assert(amend(&s, "uuid=new", &err), "%s", err.text);
	check_only_uuid(&s, old, &uuid);
	cr_assert_not(img_uuid_equal(&uuid, &want));
	cr_assert_not(img_uuid_is_nil(&uuid));
	cr_assert_not(amend(&s, "uuid=1", &err));
	cr_assert_eq(err.code, IMG_E_ARGUMENT);
	cr_assert_not(amend(&s, "uuid=00000000-0000-0000-0000-000000000000", &err));
	sample_end(&s);
}
