# SPDX-License-Identifier: LGPL-2.1-or-later
# --parent: what an image stands on, whatever it says itself.
. "$srcdir/tests/functions.sh"

mkdir far
head -c 200704 /dev/urandom >parent.raw
imgconv -q -O vdi -o block_size=4k parent.raw parent.vdi
imgcreate -q -f vdi -b parent.vdi -o block_size=4k far.vdi
mv far.vdi far/child.vdi
sum=$(sha256sum <parent.raw)

# reads WARNING OPTION...: far/child.vdi holds what its parent does.
reads() {
	local warning=$1

	shift
	imgconv -q -O raw "$@" far/child.vdi out.raw 2>warned || fail "$*: $(cat warned)"
	same "$sum" "$(sha256sum <out.raw)" "content with $*"
	if [ -n "$warning" ]; then
		grep -q "$warning" warned || fail "$*: no warning: $(cat warned)"
	else
		same "" "$(cat warned)" "warnings with $*"
	fi
}

exits 1 imgconv -q -O raw far/child.vdi out.raw
reads "" --parent=parent.vdi
reads "" --parent=parent.raw
imgconv -q -O qcow2 parent.raw parent.qcow2
reads "" --parent=parent.qcow2
# Named by the user, not by the image.
reads "" --untrusted --parent=parent.vdi

# A copy of it has another UUID.
imgconv -q -O vdi parent.vdi other.vdi
reads "not the one that it was made for" --parent=other.vdi

imgmap --parent=parent.vdi far/child.vdi >/dev/null
imginfo --chain --parent=parent.vdi far/child.vdi | grep -q parent.vdi || fail "imginfo"
imgcmp -q --parent=parent.vdi far/child.vdi parent.raw || fail "imgcmp, first image"
imgcmp -q --second-parent=parent.qcow2 parent.raw far/child.vdi || fail "imgcmp, second image"
exits 2 imgcmp -q --second-parent=parent.vdi far/child.vdi parent.raw
imgbench -q --pattern=read --parent=parent.vdi far/child.vdi || fail "imgbench"
exits 1 imgbench -q --pattern=read far/child.vdi

# found FINDING OPTION...: what imgcheck says of far/child.vdi.
found() {
	local want=$1

	shift
	imgcheck "$@" far/child.vdi >found || true
	same "$want" "$(grep -o 'image\.[a-z]*' found | sort -u)" "imgcheck $*"
}
found image.chain
found "" --parent=parent.vdi
found image.mismatch --parent=other.vdi
exits 2 imgcheck -q --parent=other.vdi far/child.vdi
exits 1 imgcheck -q --parent=missing far/child.vdi
exits 1 imgcheck -q --parent=parent.vdi parent.vdi

exits 1 imgconv -q -O raw --parent=parent.vdi parent.raw out.raw
exits 1 imgconv -q -O raw --parent=missing far/child.vdi out.raw

# A header that is lost says nothing of a parent.
cp parent.raw changed.raw
head -c 120000 /dev/urandom | dd of=changed.raw conv=notrunc status=none
imgconv -q -O vdi -o block_size=4k -B parent.vdi changed.raw far.vdi
mv far.vdi far/child.vdi
dd if=/dev/zero of=far/child.vdi bs=512 count=1 conv=notrunc status=none
exits 5 imgcheck -q --salvage -o out.raw -O raw --parent=parent.vdi far/child.vdi
same "$(sha256sum <changed.raw)" "$(head -c 200704 out.raw | sha256sum)" "content salvaged"

# qcow2 knows its backing file by name; it may have been moved.
imgcreate -q -f qcow2 -b parent.raw -F raw child.qcow2
mv parent.raw moved.raw
exits 1 imgconv -q -O raw child.qcow2 out.raw
imgconv -q -O raw --parent=moved.raw child.qcow2 out.raw
same "$sum" "$(sha256sum <out.raw)" "content of the qcow2 image"
