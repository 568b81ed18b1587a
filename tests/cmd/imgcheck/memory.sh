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

# bounded COMMAND...: with 4 MiB for counting.
bounded() {
	peak=$(python3 peak.py "$@" --memory=4M) || fail "$*"
	[ "$peak" -lt $((24 << 10)) ] || fail "$* takes $peak KiB"
}

# A repair that has nothing to do is no more than a check.
imgcreate a.qcow2 64T
imgcreate b.vdi 32T
imgcreate c.vmdk 1T
imgcreate d.qcow 16T
imgcreate e.cow 1T
for image in a.qcow2 b.vdi c.vmdk d.qcow e.cow; do
	bounded imgcheck -q "$image"
	bounded imgcheck -q --repair "$image"
done

# Of these there is something to repair: a number of blocks that is too high, and zeros behind the end.
imgcreate f.vdi 8T
printf '\5' | dd of=f.vdi bs=1 seek=388 conv=notrunc status=none
imgcreate g.qcow 8T
truncate -s +1M g.qcow
for image in f.vdi g.qcow; do
	bounded imgcheck -q --salvage -o h.qcow2 "$image"
	rm h.qcow2
	bounded imgcheck -q --repair "$image"
	[ -e "$image.undo" ] || fail "$image: nothing was repaired"
done
