# SPDX-License-Identifier: LGPL-2.1-or-later
# A short run of the fuzz target of descriptors, over one of each kind.
. "$srcdir/tests/functions.sh"
requires bsdtar --version

mkdir corpus
truncate -s 64k a.raw
imgova create --network LAN --firmware efi --name web a.ova a.raw a.raw
bsdtar -xOf a.ova web.ovf >corpus/web.ovf
bsdtar -xOf a.ova web.mf >corpus/web.mf
sed 's|envelope/1|envelope/2|; s|Item>|StorageItem>|' corpus/web.ovf >corpus/two.ovf
echo "<domain><name>x</name><memory unit='GiB'>2</memory><vcpu>4</vcpu><os firmware='efi'/><devices>
<disk><target bus='sata'/></disk><interface><source bridge='b'/></interface></devices></domain>" \
	>corpus/domain

target=$builddir/tests/fuzz/ovf
if "$target" -help=1 2>/dev/null | grep -q libFuzzer; then
	"$target" -seed=1 -runs=20000 -max_total_time=5 -timeout=20 -rss_limit_mb=1024 \
		-malloc_limit_mb=64 corpus
else
	"$target" -m 30 corpus/*
fi
