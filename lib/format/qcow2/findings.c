/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The constants behind findings.h. */
#include "format/qcow2/findings.h"

#define QCOW2_FINDING(name, id, severity, text) \
	const struct img_finding_kind qcow2_found_##name = { id, IMG_##severity, text };
QCOW2_FINDINGS(QCOW2_FINDING)
#undef QCOW2_FINDING

#define QCOW2_FINDING(name, id, severity, text) &qcow2_found_##name,
const struct img_finding_kind *const qcow2_finding_kinds[] = { QCOW2_FINDINGS(QCOW2_FINDING) NULL };
#undef QCOW2_FINDING
