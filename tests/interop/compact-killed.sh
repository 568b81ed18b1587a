# SPDX-License-Identifier: LGPL-2.1-or-later
# imgcompress --in-place is killed at its writes, or at some of them ($STEP: each so many): whoever reads
# the image sees the same disk, and the same command run again ends as if nothing had happened.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires strace -V

calls=pwrite64,pwritev,ftruncate,fallocate,fsync,fdatasync,unlinkat,linkat,renameat,renameat2
program=$(type -P imgcompress)

# met N FILE: of imgcompress; false: there are less than N calls.
met() {
	! strace -f -qq -o trace.txt -e trace=$calls -e "inject=$calls:signal=KILL:when=$1" \
		"$program" -q -m 1 --in-place "$2" 2>/dev/null
}

hash() {
	imgconv -q -O raw "$1" - | sha256sum
}

# goes STEP FILE [PATH]: a file of that name with zeros in it, and others with names that begin like it;
# PATH leads to it while it is killed.
goes() {
	local step=${STEP-$1} file=$2 way=${3-work/$2} n=0 going=true what size

	old=$(hash $file)
	rm -rf whole
	mkdir whole
	cp --sparse=never ${file%.*}* whole
	imgcompress -q --in-place whole/$file
	size=$(du -cb --apparent-size whole/* | tail -1)
	while $going; do
		n=$((n + step))
		what="$file: killed at call $n"
		rm -rf work seen
		mkdir work
		cp --sparse=never ${file%.*}* work
		met $n "$way" || going=false
		[[ $way = work/* ]] || same "$way" "$(echo "$way"*)" "$what: what lies beside the link"
		cp -r work seen
		same "$old" "$(hash seen/$file)" "$what: another disk"
		imgcompress -q --in-place work/$file || fail "$what: it cannot be done again"
		same "$(ls whole)" "$(ls work)" "$what: the files"
		same "$size" "$(du -cb --apparent-size work/* | tail -1)" "$what: another length"
		same "$old" "$(hash work/$file)" "$what: another disk in the end"
		[[ $file = *.raw ]] || imgcheck -q work/$file || fail "$what: imgcheck"
		case $file in *.qcow2|*.vdi) qemu-img check -q work/$file || fail "$what: qemu-img" ;; esac
	done
	[ $n -gt 6 ] || fail "$file: only $n calls were met"
}

# filled FORMAT FILE KIB: of four pieces one is zeros and one is not written; the first comes last.
filled() {
	local commands=() i

	for i in {23..0}; do
		((i % 4 == 3)) || commands+=(-c "write -P $((i % 4 == 2 ? 0 : i + 1)) $((i * $3))k $3k")
	done
	qemu-io -f "$1" "${commands[@]}" "$2" >/dev/null
}

qemu-img create -q -f qcow2 disk.qcow2 3M
filled qcow2 disk.qcow2 64
qemu-img snapshot -c first disk.qcow2
qemu-io -c 'write -P 77 0 300k' disk.qcow2 >/dev/null
goes 5 disk.qcow2
imgcreate -q -f vdi old.vdi 24M
filled vdi old.vdi 1024
goes 7 old.vdi
imgcreate -q -f vmdk -o subformat=twoGbMaxExtentSparse split.vmdk 3M
filled vmdk split.vmdk 64
goes 7 split.vmdk
imgcreate -q -f qcow older.qcow 3M
filled qcow older.qcow 64
goes 7 older.qcow
ln -s work/older.qcow link
goes 11 older.qcow link
truncate -s 3M plain.raw
filled raw plain.raw 64
goes 1 plain.raw
