/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The constants behind findings.h. */
#include "format/cow/findings.h"

#define COW_FINDING(name, id, severity, text) \
	const struct img_finding_kind cow_found_##name = { id, IMG_##severity, text };
COW_FINDINGS(COW_FINDING)
#undef COW_FINDING

#define COW_FINDING(name, id, severity, text) &cow_found_##name,
const struct img_finding_kind *const cow_finding_kinds[] = { COW_FINDINGS(COW_FINDING) NULL };
#undef COW_FINDING
