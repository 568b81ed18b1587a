# SPDX-License-Identifier: LGPL-2.1-or-later
# An image that is not raw is changed inside one on a Ceph cluster as it is in a file: its journal is an image
# beside it, and who is killed leaves what was there or what is to be.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
. "$srcdir/tests/ceph.sh"
requires test -e /usr/lib/*/qemu/block-rbd.so
requires qemu-io --version
requires strace -V

# has_journal NAME: "rbd ls" also names what a removal that was killed has left, and what nobody can open.
has_journal() { rbd info "$1.journal" >/dev/null 2>&1; }

# sound NAME: qemu-img finds no fault, and no journal is left.
sound() {
	local inside=rbd:rbd/$1

	clean "$inside"
	! has_journal "$1" || fail "the journal of $1 is still there"
}

# content IMAGE [OPTION...]: hash of the disk and of each snapshot.
content() {
	local name

	hash_content "$1" -q "${@:2}"
	for name in $(imgsnap list "${@:2}" --output=json "$1" | jq -r '.snapshots[].name'); do
		echo "$name $(hash_content "$1" -q -l "$name" "${@:2}")"
	done
}

watchers() { (rbd status --format json "$1" || echo '{}') 2>/dev/null | jq -r '.watchers[]?.address'; }

# forget_writers IMAGE...: whoever died with one of them open is not waited for.
forget_writers() {
	local image

	for image; do
		watchers "$image" | xargs -r -n 1 ceph osd blocklist add 2>/dev/null
		becomes is_free "$image"
	done
}

is_free() { [ -z "$(watchers "$1")" ]; }

start_ceph
qemu-img create -q -f qcow2 -o cluster_size=4k guest.qcow2 8M
qemu-io -c 'write -P 1 0 500k' -c 'write -P 2 3M 100k' guest.qcow2 >/dev/null
rbd import --no-progress guest.qcow2 guest
guest=rbd:rbd/guest

# ---- The same changes as in a file leave the same

for change in "imgsnap create @ one" "imgsnap create @ two" "imgsnap rename @ two second" \
	"imgsnap delete @ one" "imgresize -q @ 16M" "imgresize -q --shrink @ 8M" "imgsnap apply -q @ second" \
	"imgbitmap --add @ b0" "imgamend -q -o refcount_bits=32 @" "imgcompress --in-place -c @"; do
	${change//@/$guest}
	${change//@/guest.qcow2}
	sound guest
	same "$(content guest.qcow2)" "$(content $guest)" "$change"
done
[ "$(imginfo --output=json $guest | jq '."format-specific"')" = \
	"$(imginfo --output=json guest.qcow2 | jq '."format-specific"')" ] || fail "what imginfo tells"

# ---- Raw images have their own ways

make_disk disk.raw $((8 * mib))
imgcreate -q -f raw -o preallocation=full rbd:rbd/zeros 8M
imgcompress -q --in-place rbd:rbd/zeros
same 0 "$(rbd du --format json zeros | jq '.images[0].used_size')" "what zeros take"
rbd rm --no-progress zeros
imgconv -q -O raw disk.raw rbd:rbd/raw
imgsnap create rbd:rbd/raw one
same one "$(rbd snap ls --format json raw | jq -r '.[].name')" "the cluster's snapshot"
echo secret >key
crypt=(-q --in-place --key-file=key)
exits 63 imgcrypt encrypt "${crypt[@]}" rbd:rbd/raw 2>err
grep -q 'it has snapshots, which would stay in clear' err || fail "$(cat err)"
imgsnap delete rbd:rbd/raw one
imgcrypt encrypt "${crypt[@]}" -o iter-time=10 rbd:rbd/raw
imgcmp -q --key-file=key rbd:rbd/raw disk.raw
same "8388608 luks" "$(imginfo --output=json rbd:rbd/raw | jq -r '"\(."virtual-size") \(.format)"')" "LUKS"
for ((n = 110; n < 200; n += 60)); do
	strace -f -qq -o trace.txt -e trace=sendmsg -e "inject=sendmsg:signal=KILL:when=$n" \
		"$(type -P imgcrypt)" decrypt "${crypt[@]}" rbd:rbd/raw 2>/dev/null || true
	forget_writers raw raw.recrypt
done
[ "$(imginfo rbd:rbd/raw 2>err | grep '^format: *raw')" ] || imgcrypt decrypt "${crypt[@]}" rbd:rbd/raw
rbd export --no-progress raw - | cmp - disk.raw
imgconv -q --in-place -O qcow2 rbd:rbd/raw 2>/dev/null
judged rbd:rbd/raw disk.raw "raw became qcow2"
imgconv -q --in-place -O raw rbd:rbd/raw
rbd export --no-progress raw - | cmp - disk.raw
! has_journal raw || fail "the journal of raw is still there"

# ---- Killed

program=$(type -P imgsnap)
rbd import --no-progress guest.qcow2 before
old=$(content guest.qcow2)
imgsnap create guest.qcow2 more
new=$(content guest.qcow2)
seen_old=0 seen_new=0
for ((n = ${FIRST-20}; n; n += ${STEP-27})); do
	rbd rm --no-progress guest
	rbd cp --no-progress before guest
	strace -f -qq -o trace.txt -e trace=sendmsg -e "inject=sendmsg:signal=KILL:when=$n" \
		"$program" create $guest more 2>/dev/null && break
	seen=$(content $guest -U)
	case $seen in
	"$old") seen_old=$((seen_old + 1)) ;;
	"$new") seen_new=$((seen_new + 1)) ;;
	*) fail "killed at message $n: other content" ;;
	esac
	forget_writers guest guest.journal
	imgsnap create $guest last || fail "killed at message $n: it cannot be written"
	sound guest
done
[ $seen_old -gt 1 ] && [ $seen_new -gt 0 ] || fail "as before: $seen_old times, as after: $seen_new"

# What a killed removal has left goes with a later one, when its client counts as dead.
nothing_is_left() {
	imgsnap create $guest again
	imgsnap delete $guest again
	! rbd ls | grep -q 'guest\.journal'
}
becomes nothing_is_left || fail "of a journal something is left"
