# SPDX-License-Identifier: LGPL-2.1-or-later
# A conversion in place is killed at its writes, or at some of them ($STEP: each so many): whoever
# reads the file sees the same disk, and the same command run again ends as if nothing had happened.
# Then writes fail: the disk is the same, and so is what the next run makes of it.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires strace -V

calls=pwrite64,pwritev,ftruncate,fallocate,fsync,fdatasync,unlinkat,linkat,renameat,renameat2,utimensat
program=$(type -P imgconv)

# met INJECTED N ARG...: of imgconv; false: there are less than N calls.
met() {
	! strace -f -qq -o trace.txt -e trace=$calls -e "inject=$calls:$1:when=$2" \
		"$program" -q --in-place "${@:3}" 2>/dev/null
}

# goes INJECTED STEP FILE DISK ARG...: FILE holds what the raw DISK does.
goes() {
	local injected=$1 step=${STEP-$2} file=$3 disk=$4 n=0 going=true what

	shift 4
	hash=$(hash_padded "$disk")
	while $going; do
		n=$((n + step))
		what="$file, $*: $injected at call $n"
		rm -rf work seen
		mkdir work
		cp -p "$file" work/image
		met "$injected" $n "$@" work/image || going=false
		cp -pr work seen
		# Raw may not be whole sectors; imgconv makes no difference of that.
		imgconv -q -O raw seen/image seen.raw || fail "$what: cannot be read"
		same "$hash" "$(hash_padded seen.raw)" "$what: another disk"
		imgconv -q --in-place "$@" work/image || fail "$what: it cannot be done again"
		same image "$(cd work && ls)" "$what: the files"
		imgconv -q -O raw work/image seen.raw
		same "$hash" "$(hash_padded seen.raw)" "$what: another disk in the end"
		case $* in
		*qcow2*) clean work/image ;;
		*) same "$hash" "$(hash_padded work/image)" "$what: not raw in the end" ;;
		esac
	done
	[ $n -gt $((8 + step)) ] || fail "$file, $*: only $n calls were met"
}

truncate -s $((3 * mib + 100)) disk.raw
place disk.raw 0 noise 70000
place disk.raw $mib noise 300000
place disk.raw $((3 * mib)) text 100
cp -p disk.raw adopted.qcow2
imgconv -q --in-place -f raw -O qcow2 adopted.qcow2

# The second half of the disk lies in front of the first, and pieces of both change places.
commands=()
for i in {24..47} {0..23}; do
	commands+=(-c "write -P $((i + 1)) $((i * 7 % 48 * 65536)) 64k")
done
qemu-img create -q -f qcow2 scattered.qcow2 $((3 * mib))
qemu-io -f qcow2 "${commands[@]}" scattered.qcow2 >/dev/null
qemu-img convert -O raw scattered.qcow2 whole.raw

# For programs that know of no journal the file is raw until all but its first bytes is there.
cp disk.raw last.raw
strace -f -qq -y -o trace.txt -e trace=pwrite64 "$program" -q --in-place -O qcow2 last.raw
grep '/last.raw>' trace.txt | tail -n 1 | grep -q ', 0) *= ' || fail "the header is not written last"

goes signal=KILL 1 disk.raw disk.raw -O qcow2
goes signal=KILL 1 adopted.qcow2 disk.raw --undo
goes signal=KILL 23 scattered.qcow2 whole.raw -O raw
goes error=EIO 2 disk.raw disk.raw -O qcow2
goes error=ENOSPC 37 scattered.qcow2 whole.raw -O raw
