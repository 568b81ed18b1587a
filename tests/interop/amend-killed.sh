# SPDX-License-Identifier: LGPL-2.1-or-later
# imgamend is killed at each of its writes to a VMDK image: the image has all values of before or all
# new ones, and the same command run again does the rest.
. "$srcdir/tests/functions.sh"
requires jq --version
requires strace -V

calls=pwrite64,pwritev,ftruncate,fallocate,fsync,fdatasync,unlinkat,linkat,renameat,renameat2
amend="-o cid=abc,adapter_type=lsilogic,hwversion=13"

values() {
	imginfo --output=json "$1" | jq -r '."format-specific" | "\(.cid) \(."adapter-type") \(."hardware-version")"'
}

head -c 1M /dev/urandom >disk.raw
for type in monolithicSparse monolithicFlat; do
	rm -rf before
	mkdir before
	imgconv -q -o subformat=$type disk.raw before/image.vmdk
	old=$(values before/image.vmdk)
	new="2748 lsilogic 13"
	n=0
	journals=0
	met=true
	while $met; do
		n=$((n + 1))
		rm -rf work
		cp -r before work
		strace -f -qq -o trace -e trace=$calls -e "inject=$calls:signal=KILL:when=$n" \
			"$(type -P imgamend)" -q $amend work/image.vmdk 2>/dev/null && met=false
		seen=$(values work/image.vmdk)
		[ "$seen" = "$old" ] || [ "$seen" = "$new" ] || fail "$type: killed at $n: $seen"
		# A kill does not cut a write, as a loss of power does: what counts is the journal.
		[ "$(cd before && ls)" = "$(cd work && ls)" ] || journals=$((journals + 1))
		imgamend -q $amend work/image.vmdk || fail "$type: killed at $n: not again"
		same "$new" "$(values work/image.vmdk)" "$type: killed at $n"
		imgcmp -q disk.raw work/image.vmdk || fail "$type: killed at $n: another disk"
		same "$(cd before && ls)" "$(cd work && ls)" "$type: killed at $n: the files"
	done
	[ $journals -gt 0 ] || fail "$type: there was never a journal"
done
