# SPDX-License-Identifier: LGPL-2.1-or-later
# The file system is full: an error that says so, the old target stays, nothing else is left.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"

make_disk disk.raw $((11 * mib))
mkdir fs
mount -t tmpfs -o size=1500k none fs 2>/dev/null || skip "no file system can be mounted here"
cleanup_fn umount "$workdir/fs"
cleanup_fn cd "$workdir"
cd fs
for how in '-O qcow2' '-c -O qcow2' '-O raw' '-O qcow2 -o preallocation=full' \
	'-O qcow2 -o preallocation=falloc' '-O raw -o preallocation=falloc' \
	'-O qcow2 -o data_file=target.data'; do
	echo old >target
	# shellcheck disable=SC2086
	exits 1 imgconv $how ../disk.raw target 2>../message.txt
	grep -q 'space' ../message.txt || fail "the reason is not given: $(cat ../message.txt)"
	same old "$(cat target)" "the old target, $how"
	only_files target
done

# The spool of a pipe, and the temporary file of a compressed one, are in $TMPDIR.
export TMPDIR=$PWD
imgconv ../disk.raw ../image.qcow2
cat ../image.qcow2 | exits 1 imgconv - -c -O qcow2 - >/dev/null 2>../message.txt
only_files target
same "$(hash_of cat ../disk.raw)" "$(hash_content ../image.qcow2)" "the source"
