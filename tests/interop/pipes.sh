# SPDX-License-Identifier: LGPL-2.1-or-later
# Images come in and go out through pipes, plain and compressed, raw and qcow2.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"

make_disk disk.raw $((11 * mib + 12345))
want=$(hash_padded disk.raw)

cat disk.raw | imgconv - in.qcow2
judged in.qcow2 disk.raw "raw from a pipe"
cat disk.raw | imgconv -c - in-packed.qcow2
judged in-packed.qcow2 disk.raw "raw from a pipe, compressed"
cat disk.raw | imgconv -f raw - back.raw
cmp back.raw disk.raw || fail "raw from a pipe to raw"

imgconv disk.raw -O qcow2 - | cat >out.qcow2
judged out.qcow2 disk.raw "qcow2 to a pipe"
imgconv -c disk.raw -O qcow2 - | cat >out-packed.qcow2
judged out-packed.qcow2 disk.raw "compressed qcow2 to a pipe"
for options in compat=0.10 cluster_size=512 extended_l2=on cluster_size=2M refcount_bits=1; do
	imgconv -o $options disk.raw -O qcow2 - | cat >out.qcow2
	judged out.qcow2 disk.raw "qcow2 to a pipe, $options"
done

for image in in.qcow2 in-packed.qcow2 out.qcow2 out-packed.qcow2; do
	same "$want" "$(hash_content $image)" "$image to a raw pipe"
	same "$want" "$(cat $image | imgconv - -O raw - | sha256sum | cut -d ' ' -f 1)" \
		"$image from a pipe to a pipe"
	cat $image | imgconv -f qcow2 - again.qcow2
	judged again.qcow2 disk.raw "$image from a pipe"
done
cat in.qcow2 | imgconv - -c -O qcow2 - | imgconv - -O qcow2 - | imgconv - last.raw
same "$want" "$(hash_of cat last.raw)" "through three pipes"

# A file behind standard output or input is as good as a name.
imgconv disk.raw -O qcow2 - >file.qcow2
judged file.qcow2 disk.raw "standard output is a file"
imgconv - -O raw named.raw <file.qcow2
same "$want" "$(hash_of cat named.raw)" "standard input is a file"
