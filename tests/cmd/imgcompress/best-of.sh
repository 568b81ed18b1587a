# SPDX-License-Identifier: LGPL-2.1-or-later
# imgcompress --best-of: each block of a cloop image has the codec that makes it smallest, the report
# tells how many each codec has, and the disk is the same; refused where a format has one way for all.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"

make_disk disk.raw $((12 * mib))
# Bytes without a pattern are plain, and six bits of eight are best without matches.
head -c 256K /dev/urandom >random
place disk.raw $((10 * mib)) random $((256 * 1024))
base64 -w 0 random >sixbits
place disk.raw $((11 * mib)) sixbits $((256 * 1024))

for codec in zlib lz4 lzo xz; do
	imgcompress -q -O cloop -o version=4.0 --codec=$codec disk.raw one.$codec 2>/dev/null || rm -f one.$codec
done
[ -e one.xz ] && [ -e one.lz4 ] || skip "this needs xz and lz4"

imgcompress --best-of=deflate,xz,lz4 -O cloop --output=json disk.raw best >report.json
imgcmp -q disk.raw best || fail "another disk"
imgcheck -q best || fail "imgcheck"
for codec in zlib xz lz4; do
	[ "$(stat -c %s best)" -le "$(stat -c %s one.$codec)" ] || fail "$codec alone is smaller"
done
[ "$(jq '.blocks.zlib' report.json)" -gt 0 ] && [ "$(jq '.blocks.xz' report.json)" -gt 0 ] ||
	fail "$(cat report.json)"
same "$(jq .compressed report.json)" "$(jq '[.blocks[]] | add * 65536' report.json)" "blocks of all codecs"
imgcompress -q --best-of=deflate,xz,lz4 -O cloop --threads=1 disk.raw alone
cmp best alone || fail "the bytes depend on the threads"

# says STATUS TEXT ARG...: refused with that sentence.
says() {
	local status=$1 text=$2
	shift 2

	exits "$status" imgcompress "$@" 2>err
	grep -q "$text" err || fail "$*: $(cat err)"
}

says 1 "in the same way" --best-of=deflate,zstd disk.raw new.qcow2
says 1 "do not go together" --best-of=xz --codec=xz -O cloop disk.raw new
says 1 "needs version=4.0" --best-of=zlib,xz -o version=2.0 -O cloop disk.raw new
says 1 "not twice" --best-of=zlib,xz,xz -O cloop disk.raw new
says 1 "names zlib" --best-of=zlib,zstd -O cloop disk.raw new
[ ! -e new ] || fail "something is left"
