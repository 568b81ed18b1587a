/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The checksum that file systems put on their metadata, as libext2fs has it. */
#ifndef CMD_GUEST_CRC32C_H
#define CMD_GUEST_CRC32C_H

#include <ext2fs/ext2fs.h>
#include <stddef.h>
#include <stdint.h>

/* The register behind len more bytes; it starts with all ones, and its complement is the sum. */
static inline uint32_t crc32c_add(uint32_t crc, const uint8_t *bytes, size_t len)
{
	return ext2fs_crc32c_le(crc, bytes, len);
}

#endif
