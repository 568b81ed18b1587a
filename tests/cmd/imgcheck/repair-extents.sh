# SPDX-License-Identifier: LGPL-2.1-or-later
# An image of several files is checked and repaired as one, through its descriptor.
. "$srcdir/tests/functions.sh"
requires python3 -c pass
requires jq --version

# spoil FILE: the first entry of the first grain table leads behind the end of the file.
spoil() {
	python3 - "$1" <<-'EOF'
		import struct, sys
		with open(sys.argv[1], "r+b") as file:
		    file.seek(56)
		    file.seek(512 * struct.unpack("<Q", file.read(8))[0])
		    file.seek(512 * struct.unpack("<I", file.read(4))[0])
		    file.write(struct.pack("<I", 0x7ffffff0))
	EOF
}

truncate -s 5G disk.raw
for at in 0 2046 4092; do	# where the extents begin
	head -c 100k /dev/urandom | dd of=disk.raw bs=1M seek=$at conv=notrunc status=none
done
mkdir vm
imgconv -O vmdk -o subformat=twoGbMaxExtentSparse disk.raw vm/disk.vmdk
imgcheck -q vm/disk.vmdk
sum=$(sha256sum vm/*)
spoil vm/disk-s001.vmdk
spoil vm/disk-s003.vmdk
exits 2 imgcheck vm/disk.vmdk >out
spoilt=$(sha256sum vm/*)

# A plan writes nothing, and knows what would be.
exits 2 imgcheck --repair --dry-run --output=json vm/disk.vmdk >plan
same true "$(jq '."corruptions-fixed" == .corruptions and .corruptions > 0' plan)" "the plan"
same "$spoilt" "$(sha256sum vm/*)" "a plan has written"

# Both extents are mended, each with an undo file; the others are left alone.
before=$(stat -c %y vm/disk.vmdk vm/disk-s002.vmdk)
imgcheck --repair --output=json vm/disk.vmdk >done
same 0 "$(jq .corruptions 'done')" "what is left"
same "$(jq '."corruptions-fixed"' plan)" "$(jq '."corruptions-fixed"' 'done')" "what was planned"
same 'vm/disk-s001.vmdk.undo vm/disk-s003.vmdk.undo' \
	"$(jq -r '."extent-undo-files"[]' 'done' | paste -sd ' ')" "the undo files"
same null "$(jq '."undo-file"' 'done')" "the descriptor was not changed"
same "$before" "$(stat -c %y vm/disk.vmdk vm/disk-s002.vmdk)" "what was right was written"
imgcmp -q vm/disk.vmdk disk.raw

# Each is brought back by its own.
imgcheck --undo=vm/disk-s001.vmdk.undo
imgcheck --undo=vm/disk-s003.vmdk.undo
same "$spoilt" "$(sha256sum vm/*)" "what was undone"

# Without undo files, and with sentences.
imgcheck --repair --no-undo-file vm/disk.vmdk >out
same "$(sed 's/ .*//' <<<"$sum")" "$(sha256sum vm/* | sed 's/ .*//')" "repaired without undo files"
imgcheck --repair vm/disk.vmdk >out
grep -q 'Nothing was repaired' out || fail "repaired once more: $(cat out)"
spoil vm/disk-s003.vmdk
imgcheck --repair vm/disk.vmdk >out
grep -q 'kept in vm/disk-s003.vmdk.undo ' out || fail "the sentences: $(cat out)"
grep -q 'kept in vm/disk.vmdk.undo' out && fail "an undo file that is not there: $(cat out)"
rm vm/*.undo

# One that may only be read stays as it is; so does all of an image that cannot be opened for it.
spoil vm/disk-s001.vmdk
sed -i 's/^RW \(.*disk-s001\)/RDONLY \1/' vm/disk.vmdk
exits 2 imgcheck --repair vm/disk.vmdk >out
grep -q 'Nothing was repaired' out || fail "RDONLY was repaired: $(cat out)"
