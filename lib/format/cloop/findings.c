/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The constants behind findings.h. */
#include "format/cloop/findings.h"

#define CLOOP_FINDING(name, id, severity, text) \
	const struct img_finding_kind cloop_found_##name = { id, IMG_##severity, text };
CLOOP_FINDINGS(CLOOP_FINDING)
#undef CLOOP_FINDING

#define CLOOP_FINDING(name, id, severity, text) &cloop_found_##name,
const struct img_finding_kind *const cloop_finding_kinds[] = {
	CLOOP_FINDINGS(CLOOP_FINDING) NULL
};
#undef CLOOP_FINDING
