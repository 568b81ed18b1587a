/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The constants behind findings.h. */
#include "format/vdi/findings.h"

#define VDI_FINDING(name, id, severity, text) \
	const struct img_finding_kind vdi_found_##name = { id, IMG_##severity, text };
VDI_FINDINGS(VDI_FINDING)
#undef VDI_FINDING

#define VDI_FINDING(name, id, severity, text) &vdi_found_##name,
const struct img_finding_kind *const vdi_finding_kinds[] = { VDI_FINDINGS(VDI_FINDING) NULL };
#undef VDI_FINDING
