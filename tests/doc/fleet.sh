# SPDX-License-Identifier: LGPL-2.1-or-later
# doc/fleet as it is written: a catalogue by GNU parallel, stopped in the middle and run again, and with a
# machine that is gone, the way into it of the other engines, and one image by two writers.  kubectl knows all
# fields of the Job.
. "$srcdir/tests/functions.sh"
requires parallel --version
requires jq --version

fleet=$srcdir/doc/fleet
export HOME=$PWD

# disk FILE DATA SIZE
disk() {
	head -c "$2" /dev/urandom >"$1"
	truncate -s "$3" "$1"
}

disk 'a web.raw' 64k 256k
disk b.raw 64k 256k
disk bad.raw 256k 256k
disk big.raw 16M 20M
imgconv b.raw b.vdi
imgconv bad.raw bad.qcow2
truncate -s 300k bad.qcow2
rm bad.raw
printf '%s\t%s\n' 'a web.raw' 'a web.qcow2' b.vdi b.vmdk bad.qcow2 bad.raw big.raw big.qcow2 >catalogue

# ended N: whether so many images have a result.
ended() {
	[ "$(find results -name '*.exit' 2>/dev/null | wc -l)" -ge "$1" ]
}

# whole: those that are done, and what shows whether they were made anew.
whole() {
	stat -c '%n %i %y' 'a web.qcow2' b.vmdk
}

# statuses WANT WHAT: how each image has ended.
statuses() {
	same "$1" "$(cd results && grep . ./*.exit | tr '\n' ' ')" "$2"
}

# is_made SOURCE N TARGET: the image is the disk, and so says the report of its line.
is_made() {
	imgcmp -q "$1" "$3" || fail "$3 is not the disk"
	same "$(sha256sum <"$1" | cut -d ' ' -f 1)" "$(jq -r .digest.value "results/$2.json")" "digest of $3"
}

# ---- Stopped while the last one is on its way, which takes half a minute, then run again

mkdir results
echo old >results/3.json
JOBS=4 sh "$fleet/parallel.sh" catalogue results -r 512k >out 2>&1 &
engine=$!
cleanup_fn kill "$engine"
becomes ended 3 || fail "three images do not come to an end: $(cat out)"
kill "$engine"
! wait "$engine" || fail "the engine took no notice"
becomes ended 4 || fail "the copy did not hear of the end: $(cat out)"
statuses './1.exit:0 ./2.exit:0 ./3.exit:4 ./4.exit:143 ' "the first run"
same "" "$(find . -name 'big.qcow2*' -o -name 'bad.raw*' -o -name '*.part')" "half an image"
[ ! -e results/3.json ] || fail "a report of an image that failed"
grep -q 'bad.qcow2: .* cannot be read' results/3.log || fail "$(cat results/3.log)"
before=$(whole)

exits 1 sh "$fleet/parallel.sh" catalogue results
statuses './1.exit:0 ./2.exit:0 ./3.exit:4 ./4.exit:0 ' "the second run"
same "$before" "$(whole)" "what was done already"
same '3 4' "$(sed 1d results/jobs | sed 's/.*catalogue \([0-9]*\) .*/\1/' | sort | xargs)" "what was done again"
is_made 'a web.raw' 1 'a web.qcow2'
is_made b.raw 2 b.vmdk
is_made big.raw 4 big.qcow2

# ---- Without the results of what was done the images tell

rm -r results
exits 1 sh "$fleet/parallel.sh" catalogue results
same "$before" "$(whole)" "what was done already, by its bytes"
same true "$(jq .skipped results/4.json)" "the report of what was there"

# ---- With a machine that is gone, which takes what it gets and fails it at once

cat >ssh <<'END'
#!/bin/sh
# Called as GNU parallel calls ssh: [OPTION]... HOST -- COMMAND.  There is a SHELL, as sshd gives one: without
# it GNU parallel does nothing and says 0.
while [ "$1" != here ]; do
	[ "$1" != gone ] || exit 255
	shift
done
shift 2
SHELL=/bin/sh exec sh -c "$*"
END
chmod +x ssh
rm -r results
PARALLEL_SSH=$PWD/ssh HOSTS=gone,here exits 1 sh "$fleet/parallel.sh" catalogue results 2>err
statuses './1.exit:0 ./2.exit:0 ./3.exit:4 ./4.exit:0 ' "a machine that is gone"

# ---- With an engine that does nothing and says that all is well

mkdir lies
printf '#!/bin/sh\nexec cat >/dev/null\n' >lies/parallel
chmod +x lies/parallel
PATH=$PWD/lies:$PATH exits 1 sh "$fleet/parallel.sh" catalogue results
PATH=$PWD/lies:$PATH exits 4 sh "$fleet/parallel.sh" catalogue other-results
PATH=$PWD/lies:$PATH exits 2 sh "$fleet/split.sh" big.qcow2 parts.raw 2 other-parts

# ---- As tasks of Slurm, which has a shell of its own for each

rm -r results big.qcow2
mkdir results
SLURM_SUBMIT_DIR=$fleet SLURM_ARRAY_TASK_ID=4 SLURM_CPUS_PER_TASK=1 sh "$fleet/slurm.sh" catalogue results
is_made big.raw 4 big.qcow2
echo 0 >results/5.exit
exits 1 sh "$fleet/convert.sh" catalogue 5 results 2>err
[ ! -e results/5.exit ] || fail "an old status of a line that is none"
grep -q 'line 5 of the catalogue' err || fail "$(cat err)"

# ---- One image by two writers

truncate -s 20M parts.raw
sh "$fleet/split.sh" big.qcow2 parts.raw 2 parts
cmp big.raw parts.raw || fail "the parts do not make the whole"
same '0+12582912 12582912+8388608 ' "$(tr '\n' ' ' <parts/parts)" "the parts"
for part in 0+12582912 12582912+8388608; do
	same "$(tail -c +$((${part%+*} + 1)) big.raw | head -c "${part#*+}" | sha256sum | cut -d ' ' -f 1)" \
		"$(jq -r .digest.value "parts/part-$part.json")" "the digest of $part"
done

truncate -s 256K bad.raw
exits 1 sh "$fleet/split.sh" bad.qcow2 bad.raw 1 bad-parts 2>err
exits 255 sh "$fleet/split.sh" big.qcow2 parts.raw 3 parts 2>err
grep -q 'parts holds the results of another split' err || fail "$(cat err)"
exits 255 sh "$fleet/split.sh" none.qcow2 parts.raw 2 none 2>err
grep -q 'none.qcow2 has no size' err || fail "$(cat err)"
exits 255 sh "$fleet/split.sh" big.qcow2 parts.raw two none 2>err

# ---- The page has the table that its formula gives

sh "$fleet/limits.sh" >table
[ "$(wc -l <table)" = 4 ] || fail "no table"
while read -r row; do
	grep -Fxq "$row" "$fleet.md" || fail "the page has not: $row"
done <table

# ---- kubectl drops what it does not know when it changes the image, and keeps it when it adds a label

command -v kubectl >/dev/null || exit 0
# values: each value with the way to it, but those that differ on purpose.
values() {
	jq -c 'paths(scalars) as $way | [$way, getpath($way)]' | grep -v -e '"image"' -e '"labels"' | sort
}
job=$fleet/kubernetes.yaml
kubectl label --local -f "$job" new=label -o json | values >written
kubectl set image --local -f "$job" imgconv=other -o json | values >known
[ -s written ] || fail "no Job"
same "" "$(comm -23 written known)" "what kubectl does not know"
