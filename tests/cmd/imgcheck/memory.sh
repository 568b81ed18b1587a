# SPDX-License-Identifier: LGPL-2.1-or-later
# However large a disk is, to check its image takes no more memory than --memory, and a little.
. "$srcdir/tests/functions.sh"
requires python3 --version
[ -z "${SANITIZER-}" ] || skip "sanitizers take memory of their own"

# peak COMMAND...: runs it, and prints the KiB that it had at most.
cat >peak.py <<'END'
import resource
import subprocess
import sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
END

# bounded IMAGE: with 4 MiB for counting.  A repair that has nothing to do is no more than a check.
bounded() {
	for repair in "" --repair; do
		peak=$(python3 peak.py imgcheck -q $repair --memory=4M "$1") || fail "$1"
		[ "$peak" -lt $((24 << 10)) ] || fail "imgcheck $repair $1 takes $peak KiB"
	done
}

imgcreate a.qcow2 64T
imgcreate b.vdi 32T
imgcreate c.vmdk 1T
imgcreate d.qcow 16T
imgcreate e.cow 1T
for image in a.qcow2 b.vdi c.vmdk d.qcow e.cow; do bounded "$image"; done
