/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The constants behind findings.h. */
#include "format/vmdk/findings.h"

#define VMDK_FINDING(name, id, severity, text) \
	const struct img_finding_kind vmdk_found_##name = { id, IMG_##severity, text };
VMDK_FINDINGS(VMDK_FINDING)
#undef VMDK_FINDING

#define VMDK_FINDING(name, id, severity, text) &vmdk_found_##name,
const struct img_finding_kind *const vmdk_finding_kinds[] = { VMDK_FINDINGS(VMDK_FINDING) NULL };
#undef VMDK_FINDING
