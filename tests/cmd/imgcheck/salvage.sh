# SPDX-License-Identifier: LGPL-2.1-or-later
# imgcheck --salvage brings back what is left, says what of it is certain, and writes nothing else.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires qemu-io --version
requires python3 --version
requires jq --version

size=8388608

# put FILE OFFSET: standard input goes there.
put() {
	dd of="$1" bs=64k seek="$2" oflag=seek_bytes conv=notrunc status=none
}

# number FILE OFFSET BYTES: that field, in decimal.
number() {
	echo $((0x$(od -An -v -tx1 -j "$2" -N "$3" "$1" | tr -d ' \n')))
}

# put_number FILE OFFSET VALUE: 64 bits.
put_number() {
	printf '%016x' "$3" | sed 's/../\\x&/g' | xargs -0 printf '%b' | put "$1" "$2"
}

zeros() {
	head -c "$1" /dev/zero
}

# The same bytes each time.
noise() {
	python3 -c 'import random, sys
sys.stdout.buffer.write(random.Random(int(sys.argv[2])).randbytes(int(sys.argv[1])))' "$1" "${2:-1}"
}

# Noise that compresses.
text() {
	noise "$1" | tr '\0-\377' 'a-pa-pa-pa-pa-pa-pa-pa-pa-pa-pa-pa-pa-pa-pa-pa-p'
}

content() {
	qemu-img convert -O raw "$1" out.raw
	sha256sum <out.raw
}

# salvage STATUS DAMAGED OPTION...: and nothing changes in DAMAGED.
salvage() {
	local status=$1 damaged=$2 before

	shift 2
	before=$(sha256sum <"$damaged")
	rm -f new.qcow2
	echo "$options $compressed: $damage"
	exits "$status" imgcheck --salvage -o new.qcow2 --output=json "$@" "$damaged" >report.json
	same "$before" "$(sha256sum <"$damaged")" "the damaged image was changed"
}

# all_of STATUS DAMAGED OPTION...: all that original.raw holds comes back.
all_of() {
	salvage "$@"
	same "$want" "$(content new.qcow2)" "the content of $damage: $options"
}

# field NAME: of the report.
field() {
	jq ".salvage[\"$1\"]" report.json
}

text $size >original.raw
for ((at = 0; at < 4; at++)); do zeros 1048576 | put original.raw $((at * 2097152 + 524288)); done
want=$(sha256sum <original.raw)

# fresh: x.qcow2, and where its tables lie.
fresh() {
	qemu-img convert -O qcow2 $compressed -o "$options" original.raw x.qcow2
	cluster=$((1 << $(number x.qcow2 20 4)))
	l1=$(number x.qcow2 40 8)
	n_l1=$(number x.qcow2 36 4)
	l2=$(($(number x.qcow2 "$l1" 8) & 0x00fffffffffffe00))
}

for how in " cluster_size=4k" "-c compat=0.10,cluster_size=4k" "-c cluster_size=64k" \
	"-c compression_type=zstd" " cluster_size=16k,extended_l2=on" \
	"-c cluster_size=16k,extended_l2=on"; do
	! left_out || continue
	compressed=${how%% *}
	options=${how#* }
	damage="no damage"
	fresh
	all_of 0 x.qcow2
	same 0 "$(field guessed)" "what is guessed of a whole image"

	damage="a zeroed header"
	zeros 512 | put x.qcow2 0
	all_of 0 x.qcow2 --size=$size
	same false "$(field size-guessed)" "whether the size that was given is a guess"
	all_of 5 x.qcow2
	same true "$(field size-guessed)" "whether the size that was found is a guess"

	damage="a header of noise"
	fresh
	noise 512 | put x.qcow2 0
	all_of 5 x.qcow2

	damage="another cluster size"
	fresh
	printf '\0\0\0\21' | put x.qcow2 20
	all_of 0 x.qcow2

	damage="an L1 table elsewhere"
	fresh
	put_number x.qcow2 40 $((l1 ^ 1 << 20))
	all_of 0 x.qcow2

	damage="a zeroed L1 table"
	fresh
	zeros $((8 * n_l1)) | put x.qcow2 "$l1"
	all_of 5 x.qcow2
	same 0 "$(field certain)" "what is certain without an L1 table"

	damage="an L1 table of noise"
	fresh
	noise $((8 * n_l1)) 2 | put x.qcow2 "$l1"
	all_of 5 x.qcow2

	damage="a bit of an L1 entry"
	fresh
	put_number x.qcow2 "$l1" $(($(number x.qcow2 "$l1" 8) ^ 1 << 33))
	all_of 5 x.qcow2

	damage="a zeroed refcount table"
	fresh
	zeros "$cluster" | put x.qcow2 "$(number x.qcow2 48 8)"
	all_of 0 x.qcow2

	damage="a zeroed L2 table"
	fresh
	zeros "$cluster" | put x.qcow2 $l2
	salvage 4 x.qcow2
	[ "$(field unplaced)" -gt 0 ] || fail "$damage: what it led to is forgotten"
done

# A table that was full can be made anew, and a bit of an entry can be guessed.
noise $size >original.raw
want=$(sha256sum <original.raw)
compressed=
for options in cluster_size=4k compat=0.10,cluster_size=4k; do
	for bytes in zeros noise; do
		! left_out || continue
		damage="a full L2 table, $bytes"
		fresh
		$bytes "$cluster" | put x.qcow2 $l2
		all_of 5 x.qcow2
		same 2097152 "$(field guessed)" "what is guessed"
	done
	for bit in 3 13 21 35 57 62; do
		! left_out || continue
		damage="bit $bit of an L2 entry"
		fresh
		entry=$(number x.qcow2 $((l2 + 80)) 8)
		put_number x.qcow2 $((l2 + 80)) $((entry ^ 1 << bit))
		all_of 5 x.qcow2
	done
done

# What the file does not have is lost, and nothing else is.
damage="a file that was cut off"
fresh
truncate -s 5M x.qcow2
salvage 4 x.qcow2 --map=map.json
[ "$(field certain)" -gt 5000000 ] && same 0 "$(field guessed)" "what is guessed of what was cut off"
same "$size" "$(jq '[.salvage.map[].length] | add' map.json)" "the length of the map"
content new.qcow2 >/dev/null
jq -r '.salvage.map[] | select(.state == "certain") | "\(.start) \(.length)"' map.json |
	while read -r start len; do
		cmp -s -n "$len" -i "$start" original.raw out.raw || fail "certain, but wrong: $start"
	done

# A snapshot knows what its image had.
qemu-img create -q -f qcow2 snap.qcow2 $size
qemu-io -c 'write -P 1 0 3M' -c 'write -P 2 4M 3M' snap.qcow2 >/dev/null
qemu-img snapshot -c before snap.qcow2
qemu-io -c 'write -P 3 1M 64k' snap.qcow2 >/dev/null
want=$(content snap.qcow2)
options="with a snapshot"
damage="no damage"
all_of 0 snap.qcow2
damage="a zeroed L1 table"
zeros 8 | put snap.qcow2 "$(number snap.qcow2 40 8)"
all_of 5 snap.qcow2

# Of many tables some are those of the snapshot still, and others went on from there.
qemu-img convert -O qcow2 -o cluster_size=4k original.raw snap.qcow2
qemu-img snapshot -c before snap.qcow2
for at in 1 4 5 7; do qemu-io -c "write -P $at ${at}M 300k" snap.qcow2 >/dev/null; done
want=$(content snap.qcow2)
cp snap.qcow2 half.qcow2
damage="a zeroed L1 table of four entries"
zeros 32 | put snap.qcow2 "$(number snap.qcow2 40 8)"
all_of 5 snap.qcow2
damage="half of an L1 table zeroed"
zeros 16 | put half.qcow2 $(($(number half.qcow2 40 8) + 16))
all_of 5 half.qcow2

# Other formats: what can be read.
cp original.raw some.raw
exits 0 imgcheck --salvage -q -o new.qcow2 some.raw
same "$(sha256sum <original.raw)" "$(content new.qcow2)" "the content of a raw image"

# What makes no sense.
exits 1 imgcheck --salvage x.qcow2 2>/dev/null
exits 1 imgcheck -o new.qcow2 x.qcow2 2>/dev/null
exits 1 imgcheck --salvage -o x.qcow2 x.qcow2 2>/dev/null
rm -f new.qcow2
exits 1 imgcheck --salvage -f qcow2 -o new.qcow2 original.raw 2>/dev/null
[ ! -e new.qcow2 ] || fail "there is an image of nothing"
