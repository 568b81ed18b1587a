/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The constants behind findings.h. */
#include "format/luks/findings.h"

#define LUKS_FINDING(name, id, severity, text) \
	const struct img_finding_kind luks_found_##name = { id, IMG_##severity, text };
LUKS_FINDINGS(LUKS_FINDING)
#undef LUKS_FINDING

#define LUKS_FINDING(name, id, severity, text) &luks_found_##name,
const struct img_finding_kind *const luks_finding_kinds[] = { LUKS_FINDINGS(LUKS_FINDING) NULL };
#undef LUKS_FINDING
