# SPDX-License-Identifier: LGPL-2.1-or-later
# What an NBD server exports is a source and a target like a file: servers of nbdkit and QEMU that
# offer everything or next to nothing, that want whole blocks, that fail, and that go away.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires nbdkit --version
requires qemu-nbd --version

# serve NAME OPTION...: nbdkit at $uri; its process is $server.
serve() {
	local name=$1

	rm -f "$name" "$name.pid"
	uri="nbd+unix:///?socket=$PWD/$name"
	nbdkit -P "$PWD/$name.pid" -U "$PWD/$name" "${@:2}"
	while [ ! -s "$name.pid" ]; do sleep 0.02; done
	server=$(cat "$name.pid")
	cleanup_fn kill "$server"
}

make_disk disk.raw $((24 * mib))
truncate -s $((40 * mib)) disk.raw
qemu-img convert -O qcow2 disk.raw disk.qcow2
want=$(hash_of cat disk.raw)

# ---- Sources

for options in "" --filter=noextents --filter=noparallel \
	"--filter=blocksize-policy blocksize-minimum=4096 blocksize-error-policy=error" \
	"--filter=multi-conn multi-conn-mode=disable"; do
	read -ra words <<<"$options"
	serve "in" -r "${words[@]:0:1}" file disk.raw "${words[@]:1}"
	same "$want" "$(hash_of imgconv -q -O raw "$uri" -)" "raw behind nbdkit $options"
	imgconv -q -O qcow2 "$uri" out.qcow2
	judged out.qcow2 disk.raw "raw behind nbdkit $options"
	imgcmp -q "$uri" disk.qcow2
	kill "$server"
done

serve "in" -r file disk.raw
imgmap --output=json "$uri" | jq -c '.[] | [.start, .length, .zero]' >ours
imgmap --output=json disk.raw | jq -c '.[] | [.start, .length, .zero]' >file
cmp file ours
exits 1 imgconv -q -O raw disk.qcow2 "$uri" 2>err
grep -q "allows reading alone" err
kill "$server"

# Formats behind a server that shows their files, and behind one that opens them.
serve "in" -r file disk.qcow2
imginfo "$uri" | grep -q '^format: *qcow2'
imgcheck -q "$uri"
same "$want" "$(hash_of imgconv -q -O raw "$uri" -)" "qcow2 behind nbdkit"
exits 63 imgresize "$uri" 1G 2>err
grep -q ' resizable.qcow2 && imgresize resizable.qcow2 1G' err || fail "$(cat err)"
mkdir mnt
if imgmount "$uri" mnt 2>err; then
	cleanup_fn fusermount3 -q -u -z mnt
	cmp mnt/disk.raw disk.raw
	fusermount3 -u mnt
else
	grep -q 'cannot be mounted on\|not found' err || fail "$(cat err)"
fi
kill "$server"
qemu-nbd -t -r -x disk -k "$PWD/qemu" -f qcow2 --fork --pid-file="$PWD/qemu.pid" disk.qcow2
cleanup_fn kill "$(cat qemu.pid)"
uri="nbd+unix:///disk?socket=$PWD/qemu"
same "$want" "$(hash_of imgconv -q -O raw "$uri" -)" "behind qemu-nbd"

# ---- Targets

for options in "" --filter=nozero \
	"--filter=blocksize-policy blocksize-minimum=512 blocksize-error-policy=error"; do
	read -ra words <<<"$options"
	head -c $((40 * mib)) /dev/urandom >target.raw
	serve out "${words[@]:0:1}" file target.raw "${words[@]:1}"
	imgconv -q -O raw disk.qcow2 "$uri"
	kill "$server"
	cmp disk.raw target.raw
done

# A guest that writes, through an image whose file is behind the server: requests of any alignment.
load=(--pattern=randwrite --block-size=3k --requests=600 --depth=4)
for options in "" \
	"--filter=blocksize-policy blocksize-minimum=4096 blocksize-error-policy=error"; do
	read -ra words <<<"$options"
	imgcreate -q -f qcow2 guest.qcow2 16M
	truncate -s 32M guest.qcow2
	serve out "${words[@]:0:1}" file guest.qcow2 "${words[@]:1}"
	imgbench "${load[@]}" --verify "$uri" >bench.txt
	kill "$server"
	qemu-img check -q guest.qcow2
	imgbench "${load[@]}" --verify-only guest.qcow2 >bench.txt
done

# ---- What goes wrong

exits 1 imginfo "nbd+unix:///?socket=$PWD/nobody" 2>err
grep -q "nbd+unix:///?socket=$PWD/nobody: " err
truncate -s 8M small.raw
serve out file small.raw
exits 1 imgconv -q -O raw disk.qcow2 "$uri" 2>err
kill "$server"

# A read that fails ends the copy, and nothing is left that looks whole.
serve "in" -r --filter=error file disk.raw error-pread=EIO error-pread-rate=100% \
	error-pread-file="$PWD/broken"
touch broken
exits 1 imgconv -q -f raw -O qcow2 "$uri" broken.qcow2 2>err
grep -q "$(basename "$PWD")/in: .*[Ii]nput/output error" err
[ ! -e broken.qcow2 ] || fail "half a copy has a name"
kill "$server"

# So does a server that goes away in the midst of it; nobody waits for its answer.
serve "in" -r --filter=rate file disk.raw rate=8M
timeout 60 imgconv -q -f raw -O qcow2 "$uri" gone.qcow2 2>err &
copy=$!
sleep 0.5
kill -9 "$server"
status=0
wait $copy || status=$?
same 1 "$status" "a server that went away: $(cat err)"
[ ! -e gone.qcow2 ] || fail "half a copy has a name"
