/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libfuse's own header, in the one version of its interface that imgmount is written for. */
#ifndef CMD_IMGMOUNT_FUSE3_H
#define CMD_IMGMOUNT_FUSE3_H

#define FUSE_USE_VERSION 35
#include <fuse_lowlevel.h>

#endif
