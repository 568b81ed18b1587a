/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is told of a snapshot, by whomever it is kept. */
#include "format/history.h"

#include "base/err.h"
#include "report/report.h"

void img_snapshot_tell(const struct img_snapshot *snap, struct img_node *to)
{
	img_node_text(to, "id", snap->id);
	img_node_label(to, _("id"));
	img_node_text(to, "name", snap->name);
	img_node_label(to, _("name"));
	img_node_u64(to, "virtual-size", snap->disk_size, IMG_UNIT_BYTES);
	img_node_label(to, _("virtual size"));
	img_node_u64(to, "vm-state-size", snap->state_len, IMG_UNIT_BYTES);
	img_node_label(to, _("VM state size"));
	img_node_u64(to, "date-sec", snap->seconds, IMG_UNIT_NONE);
	img_node_label(to, _("date, seconds since 1970"));
	img_node_u64(to, "date-nsec", snap->nanoseconds, IMG_UNIT_NONE);
	img_node_label(to, _("date, nanoseconds"));
	img_node_real(to, "vm-clock", (double)snap->clock / 1e9, IMG_UNIT_SECONDS);
	img_node_label(to, _("VM clock"));
}
