# SPDX-License-Identifier: LGPL-2.1-or-later
# The main job, shown on a real disk: made here, converted, looked at, compared, and sent through
# pipes both ways. Ends with an error as soon as one byte of content differs.
. "$srcdir/tests/functions.sh"

export PATH=$PATH:/usr/sbin:/sbin
for tool in sfdisk mke2fs; do
	command -v "$tool" >/dev/null || fail "$tool is missing; ./autogen.sh demo installs it"
done

# step TEXT...: says in plain words what comes next.
step() {
	printf '\n== %s\n' "$*"
}

# show COMMAND ARG...: what the user would type, and what it prints.
show() {
	printf '$ %s\n' "$*"
	eval "$*"
}

# hash_of COMMAND...: SHA-256 of what it writes.
hash_of() {
	"$@" | sha256sum | cut -d ' ' -f 1
}

# gather FOLDER BYTES: fills it with this machine's own files, about so much of them.
gather() {
	mkdir "$1"
	find /usr/bin /usr/lib /usr/share -xdev -type f -readable -printf '%s %p\n' |
		awk -v left="$2" '{ left -= $1; if (left > 0) { sub(/^[0-9]+ \//, ""); print } }' |
		tar -C / -T - -cf - | tar -C "$1" -xf -
}

# make_disk FILE FOLDER: 1 GiB with a partition table and one ext4 partition from FOLDER.
make_disk() {
	local mib=$((1024 * 1024))

	truncate -s 1G "$1"
	printf 'label: gpt\nstart=1MiB, size=1000MiB, type=linux, name=demo\n' | sfdisk -q "$1"
	mke2fs -q -F -t ext4 -L demo -d "$2" -E offset=$mib "$1" 1000M
}

step "Making a disk: 1 GiB, a GPT partition table, ext4 filled from this machine's own files"
gather files $((400 * 1024 * 1024))
make_disk disk.raw files
rm -rf files
show ls -lsh disk.raw
want=$(hash_of cat disk.raw)
echo "Its content has the SHA-256 $want"

step "Converting it to qcow2: what the disk does not use takes no space in the image"
show "time imgconv disk.raw disk.qcow2"
show ls -lsh disk.qcow2

step "What the image says about itself"
show imginfo disk.qcow2

step "Where each part of the disk lies in the image (the first lines of it)"
show "imgmap disk.qcow2 >map.txt; head -n 12 map.txt; wc -l <map.txt"

step "Comparing the two, bit by bit, through two formats: they hold the same disk"
show imgcmp disk.raw disk.qcow2

step "The same, out of one pipe and with no second look at the input"
show "cat disk.raw | imgconv - -O qcow2 piped.qcow2"

step "And back through a pipe: qcow2 in, raw out, straight to sha256sum"
show "imgconv piped.qcow2 -O raw - | sha256sum | tee hash.txt"

step "The verdict"
found=$(cut -d ' ' -f 1 hash.txt)
[ "$found" = "$want" ] || fail "the piped image holds $found, the disk $want"
found=$(hash_of imgconv disk.qcow2 -O raw -)
[ "$found" = "$want" ] || fail "disk.qcow2 holds $found, the disk $want"
if command -v qemu-img >/dev/null; then
	qemu-img convert -O raw disk.qcow2 judge.raw
	cmp judge.raw disk.raw || fail "qemu-img reads something else from disk.qcow2"
	echo "qemu-img, an independent reader, finds the same bytes in disk.qcow2."
fi
echo "Every copy holds exactly the bytes of the disk."
