/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a sanitizer watches, which makes everything several times as dear. */
#ifndef IMG_TEST_DISK_SANITIZED_H
#define IMG_TEST_DISK_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#endif
