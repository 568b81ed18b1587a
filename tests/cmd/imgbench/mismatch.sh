# SPDX-License-Identifier: LGPL-2.1-or-later
# An image over a parent that was changed is read with a warning, and written only when asked for.
. "$srcdir/tests/functions.sh"

head -c 200704 /dev/urandom >base.raw
imgcreate -f cow -o layout=uml-3 -b base.raw -F raw child.cow
touch -d @1000000000 base.raw
imgconv -q -O vdi base.raw base.vdi
imgcreate -q -f vdi -b base.vdi child.vdi
imgbench -q --pattern=write --requests=1 base.vdi
# An image that is found by its id must be named when it is another one now.
cp base.vdi changed.vdi

# load ARG...: a few writes.
load() {
	imgbench -q --pattern=write --requests=4 --verify "$@" 2>message
}

for image in child.cow '--parent=changed.vdi child.vdi'; do
	sum=$(sha256sum <"${image##* }")
	# shellcheck disable=SC2086
	exits 1 load $image
	grep -q 'is not written: .* --allow-mismatch' message || fail "$image: $(cat message)"
	same "$sum" "$(sha256sum <"${image##* }")" "$image after a refusal"
	# shellcheck disable=SC2086
	load --allow-mismatch $image || fail "$image: $(cat message)"
	grep -q changed message || fail "$image: no warning: $(cat message)"
	[ "$sum" != "$(sha256sum <"${image##* }")" ] || fail "$image: nothing was written"
done
exits 1 load --allow-mismatch --formats=raw --dir=. --size=1M
grep -q 'for one image' message || fail "$(cat message)"
