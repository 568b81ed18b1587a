# SPDX-License-Identifier: LGPL-2.1-or-later
# imgsnap is killed at some of its writes ($STEP: each so many): whoever opens the image then sees its
# snapshots and its disk as they were or as they are to be, and finds no damage and no leak.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires strace -V
requires jq --version
requires qemu-io --version

calls=pwrite64,pwritev,ftruncate,fallocate,fsync,fdatasync,unlinkat,linkat,renameat,renameat2
program=$(type -P imgsnap)

# killed_at N ARG...: true when it came to an N-th call.
killed_at() {
	local n=$1
	shift

	! strace -f -qq -o trace.txt -e trace=$calls -e "inject=$calls:signal=KILL:when=$n" \
		"$program" -q "$@" 2>/dev/null
}

# content IMAGE: hash of the disk and of each snapshot.
content() {
	local name

	hash_content "$1" -q
	for name in $(imgsnap list --output=json "$1" | jq -r '.snapshots[].name'); do
		echo "$name $(hash_content "$1" -q -l "$name")"
	done
}

# goes STEP VERB ARG...
goes() {
	local step=$1 verb=$2 n=0 met=true old new seen what

	shift 2
	old=$(content before.qcow2)
	cp before.qcow2 work.qcow2
	imgsnap -q "$verb" work.qcow2 "$@"
	new=$(content work.qcow2)
	[ "$old" != "$new" ] || fail "$verb: nothing changed"
	while $met; do
		n=$((n + ${STEP-$step}))
		what="$verb $*: killed at call $n"
		cp before.qcow2 work.qcow2
		killed_at $n "$verb" work.qcow2 "$@" || met=false
		imgcheck -q work.qcow2 || fail "$what: imgcheck"
		seen=$(content work.qcow2) || fail "$what: cannot be read"
		[ "$seen" = "$old" ] || [ "$seen" = "$new" ] || fail "$what: other content"
		[ "$seen" = "$old" ] || $met || same "$new" "$seen" "$what"
		# Whoever writes finishes what was begun.
		imgsnap -q create work.qcow2 last || fail "$what: it cannot be written"
		clean work.qcow2
	done
	[ $n -gt 8 ] || fail "$verb: only $n calls were met"
}

qemu-img create -q -f qcow2 -o cluster_size=4k before.qcow2 8M
qemu-io -c 'write -P 1 0 500k' -c 'write -P 2 3M 100k' before.qcow2 >/dev/null
imgsnap create before.qcow2 a
qemu-io -c 'write -P 3 100k 500k' before.qcow2 >/dev/null
goes 3 create b
goes 5 apply a
goes 5 apply --discard-current a
goes 3 delete a
