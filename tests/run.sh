#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# run.sh COMMAND ARG...: runs a test for the harness. One that hangs is a failure, not a wait; the
# log's last line says what it cost, for count.sh.

TIMEFORMAT='took %R s: user %U, system %S'
time timeout 900 "$@"
