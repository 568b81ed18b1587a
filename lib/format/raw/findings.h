/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All that can be found in a raw image, each once. */
#ifndef RAW_FINDINGS_H
#define RAW_FINDINGS_H

#include "base/err.h"

#define RAW_FINDINGS(X) \
	X(gpt_cut, "raw.gpt.cut", CORRUPT, \
	  N_("the file ends before the disk that its partition table (GPT) was made for")) \
	X(gpt_behind, "raw.gpt.behind", NOTE, \
	  N_("behind the disk that its partition table (GPT) was made for the file goes on")) \
	X(gpt_first, "raw.gpt.first", NOTE, \
	  N_("the header of the partition table (GPT) is damaged, its copy at the end is not")) \
	X(gpt_second, "raw.gpt.second", NOTE, \
	  N_("the copy of the header of the partition table (GPT) is damaged"))

#define RAW_FINDING(name, id, severity, text) \
	extern const struct img_finding_kind raw_found_##name;
RAW_FINDINGS(RAW_FINDING)
#undef RAW_FINDING

/* All of them; NULL ends it. */
extern const struct img_finding_kind *const raw_finding_kinds[];

#endif
