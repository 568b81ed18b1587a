# SPDX-License-Identifier: LGPL-2.1-or-later
# Chains of increments cross between a cluster and files both ways, whatever changes on the way (data, zeros,
# discards, the size) and however the image lies there: each snapshot has the content that it had.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
. "$srcdir/tests/ceph.sh"
requires test -e /usr/lib/*/qemu/block-rbd.so
requires qemu-io --version

RANDOM=14
steps=${STEPS-5}

# size_of_step N: bytes of the disk then; a disk gets longer and shorter.
size_of_step() { echo $(((6 + $1 * 5 % 7) * mib)); }

# scribble FORMAT IMAGE BYTES: data, written zeros and discards at some places.
scribble() {
	local i at len requests=()

	for ((i = 0; i < 12; i++)); do
		len=$((512 * (1 + RANDOM % 1200)))
		at=$((512 * ((RANDOM << 15 | RANDOM) % (($3 - len) / 512))))
		case $((RANDOM % 4)) in
		0) requests+=(-c "discard $at $len") ;;
		1) requests+=(-c "write -z $at $len") ;;
		*) requests+=(-c "write -P $((1 + RANDOM % 255)) $at $len") ;;
		esac
	done
	qemu-io -f "$1" "${requests[@]}" "$2" >/dev/null
}

of_cluster() { hash_of rbd export --no-progress "$1" -; }

start_ceph
new_osd 1
new_osd 2
new_coded_pool coded
rbd namespace create rbd/space
make_disk disk.raw "$(size_of_step 0)"

# ---- From a cluster: rbd export-diff and ours, into files of ours

# chain_from IMAGE: all snapshots of it, from one to the next, are made again in files.
chain_from() {
	local n from want image=$1 name=${1//\//-}

	imgconv -q -n -O raw disk.raw "rbd:$image"
	rbd snap create --no-progress "$image@s0"
	imgconv -q -O qcow2 "rbd:$image@s0" "$name.qcow2"
	imgconv -q -O qcow2 "rbd:$image@s0" "$name-theirs.qcow2"
	imgsnap create "$name.qcow2" s0
	imgsnap create "$name-theirs.qcow2" s0
	for ((n = 1; n <= steps; n++)); do
		from=s$((n - 1))
		rbd resize --no-progress --allow-shrink --size "$(size_of_step $n)B" "$image"
		scribble raw "rbd:$image" "$(size_of_step $n)"
		rbd snap create --no-progress "$image@s$n"
		imgsnap diff "rbd:$image" $from s$n | imgsnap patch -q "$name.qcow2" -
		rbd export-diff --no-progress --from-snap $from "$image@s$n" - |
			imgsnap patch -q "$name-theirs.qcow2" -
		want=$(of_cluster "$image@s$n")
		same "$want" "$(hash_content "$name.qcow2" -q -l s$n)" "$image: ours, step $n"
		same "$want" "$(hash_content "$name-theirs.qcow2" -q -l s$n)" "$image: export-diff, step $n"
	done
	clean "$name.qcow2"
}

rbd create --size 6M --object-size 128K rbd/small
rbd create --size 6M --object-size 1M --stripe-unit 64K --stripe-count 3 rbd/space/striped
rbd create --size 6M --data-pool coded rbd/coded
rbd create --size 6M rbd/parent
imgconv -q -n -O raw disk.raw rbd:rbd/parent
rbd snap create --no-progress parent@base
rbd snap protect parent@base
rbd clone parent@base clone
for image in rbd/small rbd/space/striped rbd/coded rbd/clone; do
	chain_from $image
done

# ---- To a cluster: from a qcow2 image, by rbd import-diff and by ours

imgconv -q -O qcow2 disk.raw local.qcow2
imgsnap create local.qcow2 s0
for image in theirs ours; do
	imgconv -q -O raw -o object_size=256k disk.raw rbd:rbd/$image
	rbd snap create --no-progress $image@s0
done
for ((n = 1; n <= steps; n++)); do
	imgsnap apply -q --discard-current local.qcow2 s$((n - 1))
	imgresize -q --shrink --force local.qcow2 "$(size_of_step $n)"
	scribble qcow2 local.qcow2 "$(size_of_step $n)"
	imgsnap create local.qcow2 s$n
	imgsnap diff local.qcow2 s$((n - 1)) s$n | rbd import-diff --no-progress - rbd/theirs
	imgsnap diff local.qcow2 s$((n - 1)) s$n | imgsnap patch -q rbd:rbd/ours -
done
for ((n = 0; n <= steps; n++)); do
	want=$(hash_content local.qcow2 -q -l s$n)
	same "$want" "$(of_cluster theirs@s$n)" "import-diff, step $n"
	same "$want" "$(of_cluster ours@s$n)" "patch, step $n"
done

# ---- What rbd writes is no disk, but for what it exports by default

rbd export --no-progress --export-format 2 ours v2
rbd export-diff --no-progress ours@s1 diff
for file in v2 diff; do
	exits 63 imgconv -q -O raw $file out.raw 2>err
	grep -q "$file: looks like a RBD" err || fail "$(cat err)"
done
