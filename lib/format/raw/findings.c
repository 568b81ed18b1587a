/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The constants behind findings.h. */
#include "format/raw/findings.h"

#define RAW_FINDING(name, id, severity, text) \
	const struct img_finding_kind raw_found_##name = { id, IMG_##severity, text };
RAW_FINDINGS(RAW_FINDING)
#undef RAW_FINDING

#define RAW_FINDING(name, id, severity, text) &raw_found_##name,
const struct img_finding_kind *const raw_finding_kinds[] = { RAW_FINDINGS(RAW_FINDING) NULL };
#undef RAW_FINDING
