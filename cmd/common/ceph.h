/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How clusters of Ceph are reached, for all rbd: names of a command. */
#ifndef CMD_CEPH_H
#define CMD_CEPH_H

#include "common/cli.h"

/*
 * They go to the variables that Ceph's own programs read, CEPH_CONF and CEPH_ARGS; there is no field.
 * Before any thread is started.
 */
cli_set ceph_set_conf, ceph_set_id, ceph_set_timeout;

#define CEPH_ROWS \
	{ 0, "ceph-conf", "FILE", ceph_set_conf, 0, N_("the configuration of Ceph, for rbd: names") }, \
	{ 0, "ceph-id", "ID", ceph_set_id, 0, N_("be client.ID there (default: admin)") }, \
	{ 0, "timeout", "SECONDS", ceph_set_timeout, 0, \
	  N_("wait no longer for an answer of Ceph (default: as configured)") }

#endif
