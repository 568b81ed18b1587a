# SPDX-License-Identifier: LGPL-2.1-or-later
# A short run of the fuzz target that repairs, over the samples of damage.
. "$srcdir/tests/functions.sh"

mkdir corpus
for sample in "$srcdir"/testdata/check/*.{qcow2,qcow,cow,cloop,vmdk} \
	"$srcdir"/testdata/{qcow2,vdi}/good-* "$srcdir"/testdata/vmdk/*-{sparse,second}*; do
	case $sample in
	*.xz) ;;
	*) [ "$(stat -c %s "$sample")" -gt 65536 ] || cp "$sample" corpus ;;
	esac
done
# Of qcow a repair gives back what lies at the end.
cp "$srcdir/testdata/check/qcow.cluster.leak.qcow" corpus/tail.qcow
chmod u+w corpus/tail.qcow
truncate -s +4K corpus/tail.qcow

target=$builddir/tests/fuzz/repair
if "$target" -help=1 2>/dev/null | grep -q libFuzzer; then
	"$target" -seed=1 -runs=20000 -max_total_time=15 -timeout=20 -rss_limit_mb=2048 \
		-malloc_limit_mb=512 corpus
else
	"$target" -m "$(few 200 60)" corpus/*
fi
