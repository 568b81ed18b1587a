# SPDX-License-Identifier: LGPL-2.1-or-later
# Each format that can be made takes a load and gives it back, or says that it is not written in place.
. "$srcdir/tests/functions.sh"
requires jq --version

formats=$(imginfo --formats | sed -n '/written/s/ .*//p')
for format in $formats; do
	[ $format != cloop ] || continue
	options=()
	[ $format != luks ] || options=(-o iter-time=10)
	imgbench --formats=$format "${options[@]}" --dir=. --size=4M --pattern=randrw --block-size=12k \
		--requests=200 --flush-every=50 --depth=4 --verify --output=json >out
	same '[true,4194304,true]' "$(jq -c '[.verified, ."disk-size",
		(.cells[0]."written-bytes" > 1000000)]' out)" "$format"
	imgbench --formats=$format "${options[@]}" --dir=. --size=4M --pattern=read --requests=50 --fill \
		--output=json >out
	same 50 "$(jq '[.cells[0].kinds[].requests] | add' out)" "$format, reads"
done
[ "$(wc -w <<<"$formats")" -ge 7 ] || fail "only these formats: $formats"

exits 63 imgbench --formats=cloop --dir=. --size=4M --pattern=write 2>message
grep -q 'cloop images cannot be written in place' message || fail "$(cat message)"
imgbench -q --formats=cloop --dir=. --size=4M --pattern=randread --requests=50
