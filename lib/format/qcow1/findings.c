/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The constants behind findings.h. */
#include "format/qcow1/findings.h"

#define QCOW1_FINDING(name, id, severity, text) \
	const struct img_finding_kind qcow1_found_##name = { id, IMG_##severity, text };
QCOW1_FINDINGS(QCOW1_FINDING)
#undef QCOW1_FINDING

#define QCOW1_FINDING(name, id, severity, text) &qcow1_found_##name,
const struct img_finding_kind *const qcow1_finding_kinds[] = {
	QCOW1_FINDINGS(QCOW1_FINDING) NULL
};
#undef QCOW1_FINDING
