/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Formats that targets take and the library has no driver for: VHD and VHDX, by what they begin and
 * end with.  Virtual Hard Disk Image Format Specification 1.0, "Hard Disk Footer Format"; [MS-VHDX]
 * 2.2.1.
 */
#include <string.h>
#include "imgcheck/facts.h"

enum {
	VHD_FOOTER_LEN = 512,
	VHD_SIZE = 48,		/* u64, of the disk now */
	VHD_TYPE = 60,		/* u32 */
	VHD_SUM = 64,		/* u32 */
	VHD_TYPE_FIXED = 2,
};

static const uint8_t vhd_magic[] = { 'c', 'o', 'n', 'e', 'c', 't', 'i', 'x' };
static const uint8_t vhdx_magic[] = { 'v', 'h', 'd', 'x', 'f', 'i', 'l', 'e' };

/* Big-endian. */
static uint64_t number_at(const uint8_t *raw, size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value = value << 8 | raw[i];
	return value;
}

/* The complement of the sum of all bytes but those of the sum itself. */
static bool sum_is_right(const uint8_t *footer)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < VHD_FOOTER_LEN; i++)
		sum += i < VHD_SUM || i >= VHD_SUM + 4 ? footer[i] : 0;
	return number_at(footer + VHD_SUM, 4) == (uint32_t)~sum;
}

bool facts_recognize_foreign(struct img *im, struct facts *facts, struct img_err *err)
{
	uint8_t head[sizeof(vhdx_magic)], footer[VHD_FOOTER_LEN];

	if (facts->size < sizeof(footer) || facts->size == IMG_SIZE_UNKNOWN)
		return true;
	if (!img_read(im, 0, head, sizeof(head), err) ||
	    !img_read(im, facts->size - sizeof(footer), footer, sizeof(footer), err))
		return false;
	if (!memcmp(head, vhdx_magic, sizeof(vhdx_magic))) {
		facts->format = "vhdx";
		facts->foreign = true;
		facts->size = IMG_SIZE_UNKNOWN;
	} else if (!memcmp(footer, vhd_magic, sizeof(vhd_magic)) && sum_is_right(footer)) {
		facts->format = "vhd";
		facts->foreign = true;
		facts->size = number_at(footer + VHD_SIZE, 8);
		facts->vhd.fixed = number_at(footer + VHD_TYPE, 4) == VHD_TYPE_FIXED;
	}
	return true;
}
