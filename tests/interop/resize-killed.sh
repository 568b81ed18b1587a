# SPDX-License-Identifier: LGPL-2.1-or-later
# imgresize is killed at each of its writes: whoever reads the image then sees it as it was or as it is
# to be, and the same command run again ends as if nothing had happened.  Of most formats each seventh
# write will do ($STEP: each so many), since what brings them into the files is the same for all.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires strace -V
requires sgdisk --version
PATH=$PATH:/sbin:/usr/sbin

calls=pwrite64,pwritev,ftruncate,fallocate,fsync,fdatasync,unlinkat,linkat,renameat,renameat2
program=$(type -P imgresize)
keys=()

# killed_at N ARG...: true when it came to an N-th call; all processes of it are dead then.
killed_at() {
	local n=$1
	shift

	! strace -f -qq -o trace.txt -e trace=$calls -e "inject=$calls:signal=KILL:when=$n" \
		"$program" -q "$@" 2>/dev/null
}

# content FORMAT FILE: its size, what the old disk had, and how much there is of anything.
content() {
	imgconv -q "${keys[@]}" -f "$1" -O raw "$2" seen.raw || return 1
	echo "$(stat -c '%s %b' seen.raw) $(head -c 12M seen.raw | sha256sum)"
}

# Before: image.* and its other files in before/.  goes FORMAT FILE ARG...: of imgresize.
goes() {
	local format=$1 file=$2 step=$3 n=0 met=true old new seen

	shift 3
	old=$(content "$format" before/"$file")
	rm -rf whole
	cp -r before whole
	imgresize -q "${keys[@]}" -f "$format" whole/"$file" "$@"
	new=$(content "$format" whole/"$file")
	[ "$old" != "$new" ] || fail "$format: nothing changed"
	while $met; do
		n=$((n + ${STEP-$step}))
		what="$format, $*: killed at call $n"
		rm -rf work
		cp -r before work
		killed_at $n "${keys[@]}" -f "$format" work/"$file" "$@" || met=false
		seen=$(content "$format" work/"$file") || fail "$what: cannot be read"
		[ "$seen" = "$old" ] || [ "$seen" = "$new" ] || fail "$what: other content"
		imgresize -q "${keys[@]}" -f "$format" work/"$file" "$@" || fail "$what: it cannot be done again"
		same "$new" "$(content "$format" work/"$file")" "$what: done again"
		[ "$format" = raw ] || imgcheck -q -f "$format" work/"$file" || fail "$what: imgcheck"
		same "$(cd whole && ls)" "$(cd work && ls)" "$what: the files"
	done
	[ $n -gt 8 ] || fail "$format: only $n calls were met"
}

truncate -s 12M disk.raw
sgdisk -n 1:2048:16383 disk.raw >/dev/null
head -c $mib /dev/urandom >noise
place disk.raw $((2 * mib)) noise $mib

fresh() {
	rm -rf before
	mkdir before
	imgconv -q "${keys[@]}" -O "$1" ${3:+-o "$3"} disk.raw before/"$2"
}

fresh raw image
goes raw image 1 20M
goes raw image 2 --shrink 10M
fresh qcow2 image cluster_size=4k
goes qcow2 image 7 --shrink --compact 9M
fresh vdi image block_size=64k
goes vdi image 7 17G
fresh qcow image
goes qcow image 7 --shrink 9M
fresh cow image
goes cow image 7 900M
fresh vmdk image.vmdk subformat=twoGbMaxExtentFlat
goes vmdk image.vmdk 7 4200M

# The file is longer before the change is whole: whoever reads it sees no more than there was.
keys=(--key-file key)
printf imgtools >key
fresh luks image iter-time=1
goes luks image 6 14M
