# SPDX-License-Identifier: LGPL-2.1-or-later
# ceph.sh FOLDER [OPTION]...: ceph.py on a cluster that keeps its objects as a real one does, in a file on the
# file system of TMPDIR.
folder=$(realpath "$1")
shift
. "$srcdir/tests/functions.sh"
ceph_store=bluestore
. "$srcdir/tests/ceph.sh"
start_ceph
python3 -B "$srcdir/tests/bench/ceph.py" "$@" "$folder"
