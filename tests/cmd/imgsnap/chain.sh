# SPDX-License-Identifier: LGPL-2.1-or-later
# Commit, rebase and flatten of three layers of all formats that stand on others, whose disks are
# shorter and longer than each other: the disk of the top is the same afterwards.
. "$srcdir/tests/functions.sh"
requires jq --version
requires python3 --version

# Disks of pieces that are data, zeros, or what the one below has there.
python3 - <<'END'
import random
choose = random.Random(8)
def disk(name, size, below=b""):
    content, at = bytearray(size), 0
    while at < size:
        n = choose.choice([4 << 10, 12 << 10, 64 << 10, 100 << 10, 640 << 10])
        end, kind = min(at + n, size), choose.random()
        if kind < 0.3:
            content[at:end] = bytes([choose.randrange(1, 256)]) * (end - at)
        elif kind < 0.85:
            content[at:at + len(below[at:end])] = below[at:end]
        at = end
    open(name, "wb").write(content)
    return content
sizes = {"same": (3, 3, 3), "longer": (4, 2, 3), "shorter": (2, 4, 3)}
for name, (top, middle, base) in sizes.items():
    below = disk(name + ".base", base << 20)
    between = disk(name + ".middle", middle << 20, below)
    disk(name + ".top", top << 20, between)
END

# chain FORMAT SIZES: base, mid and top, top.FORMAT in front; a VMDK or VDI chain is of one format.
chain() {
	local format=$1 sizes=$2

	mid=mid.qcow2 base=base.raw top=top.$format
	case $format in vmdk | vdi) mid=mid.$format base=base.$format ;; esac
	rm -f top.* mid.* base.*
	imgconv -q -f raw "$sizes.base" $base
	imgconv -q -f raw -B $base -F "${base##*.}" "$sizes.middle" $mid
	imgconv -q -f raw -B $mid -F "${mid##*.}" "$sizes.top" "$top"
}

# holds SIZES WHAT: the disk of the top is what it was, and the image is sound.
holds() {
	imgcmp -q -F raw $top "$1.top" || fail "$2: the disk is another one"
	imgcheck -q $top || fail "$2: the image is damaged"
	imgcheck -q $mid || fail "$2: the one below is damaged"
}

for format in qcow2 qcow cow vmdk vdi; do
	for sizes in same $(few "longer shorter" longer); do
		! left_out || continue
		what="$format, $sizes"
		chain $format $sizes
		imgsnap commit -q $top
		holds $sizes "commit, $what"
		same 0 "$(imgmap --output=json $top | jq '[.[] | select(.depth == 0 and .data)] | length')" \
			"commit, $what: not emptied"
		chain $format $sizes
		imgsnap commit -q -b $base $top 2>/dev/null
		holds $sizes "commit further down, $what"
		chain $format $sizes
		imgsnap rebase -q -b $base -F "${base##*.}" $top
		holds $sizes "rebase, $what"
		rm $mid
		imgcmp -q -F raw $top $sizes.top || fail "rebase, $what: not without the one between"
		imgsnap flatten -q $top
		rm $base
		imgcmp -q -F raw $top $sizes.top || fail "flatten, $what: the disk is another one"
	done
done
