/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What imgresize remarks on, in words; ids are for programs and stay. */
#include <inttypes.h>
#include "common/text.h"
#include "imgresize/imgresize.h"

const char *remark_id(enum remark_kind kind)
{
	static const char *const ids[] = {
		[REMARK_PRIMARY_DAMAGED] = "gpt-primary-damaged",
		[REMARK_BACKUP_DAMAGED] = "gpt-backup-damaged",
		[REMARK_TABLE_LEFT] = "table-left",
		[REMARK_CONTENT_CUT] = "content-cut",
		[REMARK_DATA_CUT] = "data-cut",
		[REMARK_TOO_LARGE] = "file-system-too-large",
		[REMARK_BEYOND] = "partition-beyond-end",
		[REMARK_UNREACHABLE] = "mbr-reach",
		[REMARK_NO_ROOM] = "no-room-to-grow",
	};

	return ids[kind];
}

static void say_too_large(const struct remark *remark, struct img_err *text)
{
	if (remark->partition)
		img_fail(text, IMG_OK, _("the file system in partition %u takes %" PRIu64
					 " bytes, more than the partition has"),
			 remark->partition, remark->bytes);
	else
		img_fail(text, IMG_OK, _("the file system takes %" PRIu64
					 " bytes, more than the disk has"), remark->bytes);
}

void remark_sentence(const struct remark *remark, const struct plan *plan, struct img_err *text)
{
	switch (remark->kind) {
	case REMARK_PRIMARY_DAMAGED:
		img_fail(text, IMG_OK, _("the first copy of the partition table is damaged, and is made "
					 "from the second one"));
		return;
	case REMARK_BACKUP_DAMAGED:
		img_fail(text, IMG_OK, _("the second copy of the partition table is damaged or not there, "
					 "and is made from the first one"));
		return;
	case REMARK_TABLE_LEFT:
		img_fail(text, IMG_OK, _("the partition table (%s) is left as it is"),
			 plan->table.name);
		return;
	case REMARK_CONTENT_CUT:
		img_fail(text, IMG_OK, _("the last %" PRIu64 " bytes of what the disk holds (%s) are cut "
					 "off"), remark->bytes, plan->content.type);
		return;
	case REMARK_DATA_CUT:
		img_fail(text, IMG_OK, _("data behind the new end are cut off: %" PRIu64
					 " bytes are stored there, in no partition"), remark->bytes);
		return;
	case REMARK_TOO_LARGE:
		say_too_large(remark, text);
		return;
	case REMARK_BEYOND:
		img_fail(text, IMG_OK, _("partition %u ends behind the end of the disk; %" PRIu64
					 " bytes would have room for it"), remark->partition,
			 remark->bytes);
		return;
	case REMARK_UNREACHABLE:
		img_fail(text, IMG_OK, _("its partition table (MBR) cannot use what lies behind %" PRIu64
					 " bytes"), remark->bytes);
		return;
	case REMARK_NO_ROOM:
		img_fail(text, IMG_OK, _("partition %u has all the room there is already"),
			 remark->partition);
		return;
	}
}
