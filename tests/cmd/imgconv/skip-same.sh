# SPDX-License-Identifier: LGPL-2.1-or-later
# --skip-same leaves a target alone exactly if it has the format and the disk, and --report tells of it.
. "$srcdir/tests/functions.sh"
requires qemu-io --version
requires jq --version

dd if=/dev/urandom of=disk.raw bs=64k count=20 status=none
truncate -s 4M disk.raw
sum=$(sha256sum <disk.raw | cut -d ' ' -f 1)

# convert WHAT: whether a copy was "made" or "skipped", and what it has become.
convert() {
	local before after

	before=$(stat -c %i.%y "$1" 2>/dev/null) || true
	imgconv --skip-same --digest=sha256 --report=report disk.raw "$1" "${@:2}" >out
	after=$(stat -c %i.%y "$1")
	same "" "$(cat out)" "standard output"
	same "$sum" "$(jq -r .digest.value report)" "digest"
	[ "$before" = "$after" ] && echo skipped || echo made
	qemu-img compare -q disk.raw "$1" || fail "$1 is not the disk"
	same "$([ "$before" = "$after" ] && echo true || echo null)" "$(jq .skipped report)" "report"
}

for target in new.raw new.qcow2 new.vmdk; do
	same made "$(convert $target)" "the first $target"
	same skipped "$(convert $target)" "the second $target"
done
same made "$(convert new.qcow2 -O vdi)" "another format"
same made "$(convert new.qcow2)" "and back"
qemu-io -c 'write -P 7 3M 1' new.qcow2 >/dev/null
same made "$(convert new.qcow2)" "another byte"
truncate -s 1M new.qcow2
same made "$(convert new.qcow2)" "a target that was cut off"
truncate -s 5M new.raw
same made "$(convert new.raw)" "another size"

# Nothing but the disk tells, whatever else the image is: a raw file whose size is no whole sector, a header
# beside it, an option of that name that is something else, and what is compressed as a whole.
echo key >key
head -c 1000001 disk.raw >odd.raw
for how in "odd.raw t.raw" "odd.raw t.qcow2" "odd.raw t.vmdk" \
	"disk.raw t.luks -o header=t.hdr,iter-time=1 --new-key-file=key" \
	"disk.raw t.cloop -o version=4.0,header=last" "disk.raw t.xz -O raw --filter=xz" \
	"disk.raw t.gz -O qcow2 --filter=gzip"; do
	for want in null true; do
		# shellcheck disable=SC2086
		imgconv --skip-same --digest=sha256 --report=report $how
		same "$want" "$(jq .skipped report)" "skipped: $how"
		same "$(sha256sum <"${how%% *}" | cut -d ' ' -f 1)" "$(jq -r .digest.value report)" "digest: $how"
	done
done
imgconv disk.raw plain.raw
imgconv --skip-same --filter=xz --report=report disk.raw plain.raw
same null "$(jq .skipped report)" "one that is not compressed, and should be"

# The rate is that of a comparison, too, and who ends it changes nothing.
imgconv disk.raw slow.qcow2
before=$(stat -c %i.%y slow.qcow2)
exits 124 timeout 1 imgconv --skip-same -r 1 disk.raw slow.qcow2
same "$before" "$(stat -c %i.%y slow.qcow2)" "a comparison that was ended"

imgconv --skip-same --output=xml --report=report disk.raw new.raw
grep -q '<skipped>true</skipped>' report || fail "XML: $(cat report)"
! xmllint --version >/dev/null 2>&1 || xmllint --noout --relaxng "$srcdir/doc/imgconv.rng" report 2>message ||
	fail "XML: $(cat message)"
exits 1 imgconv --skip-same - new.raw <disk.raw 2>/dev/null
exits 1 imgconv --skip-same --salvage disk.raw new.raw 2>/dev/null
exits 1 imgconv --report=none/report disk.raw other.raw 2>message
grep -q none/report message || fail "what cannot be written is not said: $(cat message)"
