# SPDX-License-Identifier: LGPL-2.1-or-later
# Images on a Ceph cluster are sources and targets like files.  rbd and qemu-img judge what is there, and
# how much room it takes.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
. "$srcdir/tests/ceph.sh"
requires test -e /usr/lib/*/qemu/block-rbd.so

# holds IMAGE WHAT: rbd reads the disk there.
holds() {
	same "$want" "$(hash_of rbd export --no-progress "$1" -)" "$2"
}

start_ceph
make_disk disk.raw $((24 * mib))
truncate -s $((100 * mib)) disk.raw
qemu-img convert -O qcow2 disk.raw disk.qcow2
want=$(hash_of cat disk.raw)

# ---- Targets

for source in disk.raw disk.qcow2; do
	imgconv -q -O raw "$source" "rbd:rbd/$source"
	holds "$source" "$source to the cluster"
done
cat disk.raw | imgconv -q -O raw - rbd:rbd/piped
holds piped "a pipe to the cluster"
rbd import --no-progress disk.raw imported
used() { rbd du --format json "$1" | jq '.images[0].used_size'; }
[ "$(used disk.qcow2)" -le "$(used imported)" ] || fail "more objects than rbd import makes"
exits 1 imgconv -q -O raw disk.raw rbd:rbd/piped 2>err
grep -q "rbd:rbd/piped: exists already; only -n" err || fail "$(cat err)"

# Into what is there already, whatever it holds.
head -c $((8 * mib)) /dev/urandom | rbd import --no-progress - old
rbd resize --no-progress --size 100M old
imgconv -q -n -O raw disk.qcow2 rbd:rbd/old
holds old "into an image that was there"

new_pool data
rbd namespace create rbd/space
imgcreate -q -f raw rbd:rbd/space/made 100M \
	-o object_size=1M,data_pool=data,features=layering+exclusive-lock
rbd info --format json rbd/space/made | jq -e '.object_size == 1048576 and .data_pool == "data" and
	(.features | sort) == ["data-pool", "exclusive-lock", "layering"]' >info
exits 1 imgcreate -q -f raw rbd:rbd/wrong 1M -o features=hope 2>err
grep -q 'no feature "hope"' err
exits 1 imgcreate -q -f raw rbd:rbd/wrong 1M -o object_size=3M 2>err

# The data of one image on three stores, in a pool that could hold nothing else of it.
new_osd 1
new_osd 2
new_coded_pool coded
imgconv -q -O raw -o data_pool=coded disk.qcow2 rbd:rbd/coded
holds coded "to a pool with erasure coding"
same "$want" "$(hash_of imgconv -q -O raw rbd:rbd/coded -)" "from a pool with erasure coding"
same coded "$(rbd info --format json coded | jq -r .data_pool)" "where the data are"

# ---- Sources

name=rbd:rbd/disk.raw
same "$want" "$(hash_of imgconv -q -O raw $name -)" "to a pipe"
imgconv -q -O qcow2 $name out.qcow2
judged out.qcow2 disk.raw "from the cluster"
imgcmp -q $name disk.qcow2
imgmap --output=json $name | jq '[.[] | select(.zero | not) | .length] | add' >ours
rbd diff --whole-object --format json disk.raw | jq '[.[].length] | add' >theirs
cmp theirs ours
rbd snap create --no-progress disk.raw@before
imgconv -q -n -O raw out.qcow2 rbd:rbd/old
rbd resize --no-progress --allow-shrink --size 1M disk.raw
same "$want" "$(hash_of imgconv -q -O raw $name@before -)" "a snapshot"
exits 1 imgconv -q -n -O raw disk.raw $name@before 2>err
grep -q 'a snapshot can only be read' err

# A clone shows what it stands on; without an object map each object is asked.
rbd snap protect disk.raw@before
rbd clone --image-feature layering disk.raw@before clone
same "$want" "$(hash_of imgconv -q -O raw rbd:rbd/clone -)" "a clone"

# ---- Who is asked

(
	conf=$CEPH_CONF
	unset CEPH_CONF
	imgcmp -q --ceph-conf "$conf" rbd:rbd/old disk.raw
	imgcmp -q "rbd:rbd/old:conf=$conf:id=admin" disk.raw
	CEPH_ARGS="-c $conf -n client.admin" imgcmp -q rbd:rbd/old disk.raw
	CEPH_ARGS="-c none.conf" imgcmp -q --ceph-conf "$conf" rbd:rbd/old disk.raw
	port=$(sed -n 's/^mon_host = v2:127.0.0.1://p' "$conf")
	imgcmp -q "rbd:rbd/old:mon_host=v2\\:127.0.0.1\\:$port:keyring=$ceph_dir/keyring" disk.raw
)

# ---- Other formats, which get longer as they are written

for format in qcow2 vmdk; do
	imgconv -q -O $format disk.raw rbd:rbd/$format
	imginfo rbd:rbd/$format | grep -q "^format: *$format"
	imgcheck -q rbd:rbd/$format
	qemu-img compare -q -f $format rbd:rbd/$format disk.raw
done
imgcreate -q -f qcow2 rbd:rbd/guest 16M
load=(--pattern=randwrite --block-size=3k --requests=300 --depth=4)
imgbench "${load[@]}" --verify rbd:rbd/guest >bench.txt
qemu-img check -q rbd:rbd/guest
imgbench "${load[@]}" --verify-only rbd:rbd/guest >bench.txt

# ---- Another size

imgresize -q rbd:rbd/old 150M
imgresize -q --shrink rbd:rbd/old 100M
holds old "longer and shorter again"
imgresize -q rbd:rbd/guest 32M
qemu-img check -q rbd:rbd/guest

# ---- Snapshots are the cluster's

# snapshots WANT: their names, as rbd and imginfo have them.
snapshots() {
	same "$1" "$(rbd snap ls --format json vm | jq -r '.[].name' | xargs)" "rbd snap ls"
	same "$1" "$(imginfo --output=json rbd:rbd/vm | jq -r '.snapshots[].name' | xargs)" "imginfo"
}

# scribble IMAGE: changes some of it.
scribble() { rbd bench --io-type write --io-size 4K --io-total 64K --io-pattern rand "$1" >bench.txt; }

of_image() { hash_of rbd export --no-progress "$1" -; }

vm=rbd:rbd/vm
imgconv -q -O raw disk.raw $vm
imgsnap create $vm one
scribble vm
imgsnap create $vm two
snapshots "one two"
first=$(of_image vm@one) second=$(of_image vm@two)
[ "$first" != "$second" ] || fail "nothing has changed"
same "$first" "$(hash_of imgconv -q -l one -O raw $vm -)" "imgconv -l"
exits 1 imgsnap create $vm one 2>err
grep -q 'already with the id or name "one"' err
exits 1 imgsnap create $vm a/b 2>err
exits 1 imgsnap apply $vm three 2>err
grep -q 'there is no snapshot "three"' err
imgsnap apply -q --discard-current $vm "$(rbd snap ls --format json vm | jq '.[0].id')"
same "$first" "$(of_image vm)" "the image after apply by id"
imgsnap apply -q $vm two
same "$second" "$(of_image vm)" "the image after apply"
same "$first" "$(of_image vm@before-two)" "what it was"
imgsnap rename $vm before-two old
rbd snap protect vm@one
exits 1 imgsnap delete $vm one 2>err
grep -q '"one" is protected' err
imgsnap delete $vm old
snapshots "one two"
imgsnap create rbd:rbd/guest one
same one "$(qemu-img info --output=json rbd:rbd/guest | jq -r '.snapshots[].name')" "the snapshot of a qcow2 image"

# ---- What has changed from one to the other crosses both ways

rbd export --no-progress vm@one there.raw
imgconv -q -O qcow2 there.raw there.qcow2
imgsnap create there.qcow2 one
imgsnap diff $vm one two | imgsnap patch -q there.qcow2 -
same "$second" "$(hash_content there.qcow2)" "a patch from the cluster"
rbd import --no-progress there.raw theirs
rbd snap create --no-progress theirs@one
imgsnap diff $vm one two | rbd import-diff --no-progress - theirs
same "$second" "$(of_image theirs@two)" "import-diff of ours"
imgconv -q -O raw there.raw rbd:rbd/ours
imgsnap diff there.qcow2 one two --data-format=rbd --data=there.patch
exits 1 imgsnap patch -q rbd:rbd/ours there.patch 2>err
grep -q 'starts from the snapshot "one"' err
imgsnap create rbd:rbd/ours one
head -c 50000 there.patch | exits 4 imgsnap patch -q rbd:rbd/ours - 2>err
same "$first" "$(of_image ours)" "after a patch that was cut off"
cat there.patch | imgsnap patch -q rbd:rbd/ours -
same "$second" "$(of_image ours@two)" "a patch to the cluster"
rbd export-diff --no-progress --from-snap one vm@two - | imgsnap patch -q --force rbd:rbd/ours -
same "$second" "$(of_image ours)" "export-diff"
