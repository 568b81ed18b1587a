# SPDX-License-Identifier: LGPL-2.1-or-later
# Snapshots of QEMU's are listed, applied, renamed and deleted by us, and ours by QEMU: each shows what
# the disk was, and qemu-img check finds no error and no leak at any time.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires jq --version
requires qemu-io --version
requires python3 --version

# listed IMAGE: id and name of each snapshot as QEMU sees them; ours must agree on all that both tell.
listed() {
	qemu-img info --output=json "$1" | jq -r '.snapshots // [] | .[] |
		"\(.id) \(.name) \(."date-sec") \(."vm-state-size")"' >theirs
	imgsnap list --output=json "$1" | jq -r '.snapshots[] |
		"\(.id) \(.name) \(."date-sec") \(."vm-state-size")"' >ours
	diff theirs ours || fail "$1: the lists do not agree"
	cut -d ' ' -f 1-2 ours
}

# hash_snapshot IMAGE NAME: of what it shows, as QEMU reads it and as we do.
hash_snapshot() {
	local theirs

	qemu-img convert -l "$2" -O raw "$1" seen.raw
	theirs=$(hash_of cat seen.raw)
	same "$theirs" "$(hash_of imgconv -q -l "$2" -O raw "$1" -)" "$1: snapshot $2"
	echo "$theirs"
}

# live IMAGE: hash of the disk.
live() {
	qemu-img convert -O raw "$1" seen.raw
	hash_of cat seen.raw
}

# scribble N: writes that differ for each N, data and zeros and holes.
scribble() {
	qemu-io -c "write -P $1 ${1}M 1500k" -c "write -P 9 $((10 + $1))M 4k" \
		-c "write -z $((3 + $1))M 300k" -c "discard $((8 + $1))M 128k" disk.qcow2 >/dev/null
}

make_disk disk.raw $((16 * mib))
for options in cluster_size=512,refcount_bits=64 cluster_size=4k,refcount_bits=4 extended_l2=on \
	compat=0.10 compressed; do
	what=$options
	if [ $options = compressed ]; then
		qemu-img convert -c -O qcow2 disk.raw disk.qcow2
	else
		qemu-img convert -O qcow2 -o $options disk.raw disk.qcow2
	fi
	declare -A hash=()

	# Turns of both.
	hash[a]=$(live disk.qcow2)
	imgsnap create disk.qcow2 a
	clean disk.qcow2
	scribble 1
	hash[b]=$(live disk.qcow2)
	qemu-img snapshot -c b disk.qcow2
	scribble 2
	hash[c]=$(live disk.qcow2)
	imgsnap create disk.qcow2 c
	clean disk.qcow2
	scribble 3
	hash[now]=$(live disk.qcow2)
	clean disk.qcow2
	same "1 a
2 b
3 c" "$(listed disk.qcow2)" "$what"
	for name in a b c; do
		same "${hash[$name]}" "$(hash_snapshot disk.qcow2 $name)" "$what: $name"
	done

	# Back to theirs, which keeps what there is, and to ours by QEMU.
	imgsnap apply -q disk.qcow2 b
	clean disk.qcow2
	same "${hash[b]}" "$(live disk.qcow2)" "$what: applied by us"
	same "${hash[now]}" "$(hash_snapshot disk.qcow2 before-b)" "$what: kept"
	scribble 4
	clean disk.qcow2
	qemu-img snapshot -a before-b disk.qcow2
	same "${hash[now]}" "$(live disk.qcow2)" "$what: applied by QEMU"
	imgsnap apply --discard-current disk.qcow2 c
	clean disk.qcow2
	same "${hash[c]}" "$(live disk.qcow2)" "$what: applied by us"

	imgsnap rename disk.qcow2 b renamed
	imgsnap delete disk.qcow2 a
	clean disk.qcow2
	qemu-img snapshot -d renamed disk.qcow2
	clean disk.qcow2
	same "3 c
4 before-b" "$(listed disk.qcow2)" "$what"
	same "${hash[c]}" "$(hash_snapshot disk.qcow2 c)" "$what: left"
	same "${hash[now]}" "$(hash_snapshot disk.qcow2 before-b)" "$what: left"
	imgsnap delete disk.qcow2 4
	imgsnap delete disk.qcow2 c
	clean disk.qcow2
	same "${hash[c]}" "$(live disk.qcow2)" "$what: the disk alone"
	same "" "$(listed disk.qcow2)" "$what: none"
	exits 0 imgcheck -q disk.qcow2
	same "" "$(imgcheck disk.qcow2 | grep 'behind the end')" "$what: nothing is behind the end"
done

# Disks of other sizes, what grew since included; QEMU goes back to them.
qemu-img create -q -f qcow2 disk.qcow2 1M
qemu-io -c 'write -P 1 0 1M' disk.qcow2 >/dev/null
small=$(live disk.qcow2)
imgsnap create disk.qcow2 small
qemu-img resize -q disk.qcow2 2G
qemu-io -c 'write -P 2 1536M 1M' disk.qcow2 >/dev/null
imgsnap create disk.qcow2 large
imgsnap apply disk.qcow2 small
clean disk.qcow2
same "$small" "$(live disk.qcow2)" "it is small again"
imgsnap apply disk.qcow2 large
clean disk.qcow2
qemu-io -c 'read -P 2 1536M 1M' -c 'read -P 1 0 1M' -c 'read -P 0 1M 1M' disk.qcow2 >out
! grep -q failed out || fail "what was large has lost something"
qemu-img snapshot -a small disk.qcow2
same "$small" "$(live disk.qcow2)" "small by QEMU"
clean disk.qcow2

# No disk at all.
qemu-img create -q -f qcow2 empty.qcow2 0
imgsnap create empty.qcow2 a
imgsnap apply empty.qcow2 a
clean empty.qcow2
qemu-img snapshot -d a empty.qcow2
clean empty.qcow2

# The state of a machine lies behind the disk, in the second L2 table here.  set_state SIZE STATE: what
# the first snapshot says of both.
set_state() {
	python3 - "$1" "$2" <<-'END'
		import struct, sys
		f = open('state.qcow2', 'r+b')
		size, state = (int(n) for n in sys.argv[1:])
		f.seek(64)
		at = struct.unpack('>Q', f.read(8))[0]
		f.seek(at + 32)
		f.write(struct.pack('>I', state))
		f.seek(at + 40)
		f.write(struct.pack('>QQ', state, size))
	END
}
qemu-img create -q -f qcow2 state.qcow2 1G
qemu-io -c 'write -P 5 0 1M' -c 'write -P 6 600M 1M' state.qcow2 >/dev/null
qemu-img snapshot -c state state.qcow2
qemu-io -c 'discard 512M 512M' state.qcow2 >/dev/null
qemu-img resize -q --shrink state.qcow2 512M
state=$(hash_content state.qcow2 -q -l state)
set_state $((512 * mib)) $((100 * mib))
imgsnap create state.qcow2 other
qemu-io -c 'write -P 7 0 2M' state.qcow2 >/dev/null
imgsnap rename state.qcow2 state machine
imgsnap apply -q state.qcow2 machine
imgsnap delete state.qcow2 other
clean state.qcow2
same $((100 * mib)) "$(imgsnap list --output=json state.qcow2 |
	jq '.snapshots[0]."vm-state-size"')" "the size of the state"
qemu-io -c 'read -P 5 0 1M' -c 'read -P 0 1M 1M' state.qcow2 >out
! grep -q failed out || fail "the disk beside a state"
set_state $((1024 * mib)) 0
same "$state" "$(hash_content state.qcow2 -q -l machine)" "the state"

# Space that only a snapshot had comes back; what was lost before stays as it was.
qemu-img create -q -f qcow2 disk.qcow2 40M
qemu-io -c 'write -P 1 0 10M' disk.qcow2 >/dev/null
imgsnap create disk.qcow2 a
qemu-io -c 'write -P 2 0 10M' disk.qcow2 >/dev/null
[ "$(imgsnap list --output=json disk.qcow2 | jq '.snapshots[0].exclusive')" -ge $((10 * mib)) ] ||
	fail "it has 10 MiB of its own"
imgsnap delete disk.qcow2 a
[ "$(stat -c %b disk.qcow2)" -lt $((11 * mib / 512)) ] || fail "nothing came back"
