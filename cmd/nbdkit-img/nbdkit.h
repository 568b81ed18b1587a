/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbdkit's own header, in the one version of its interface that the plugin is written for. */
#ifndef CMD_NBDKIT_IMG_NBDKIT_H
#define CMD_NBDKIT_IMG_NBDKIT_H

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#endif
