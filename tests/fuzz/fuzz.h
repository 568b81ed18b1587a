/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one function that a fuzzer calls, as libFuzzer names it. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif
