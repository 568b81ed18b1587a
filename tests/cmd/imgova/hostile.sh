# SPDX-License-Identifier: LGPL-2.1-or-later
# Appliances made to do harm: one sentence, its exit status, little memory, and nothing outside of the folder.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/cmd/imgova/changed.sh"
requires bsdtar --version
requires jq --version

seq 100000 >a.raw
truncate -s 4M a.raw
imgova create --name web web.ova a.raw
mkdir folder
bsdtar -xf web.ova -C folder

# bounded: from here on with little memory; sanitizers reserve all that there is.
bounded() {
	[ "${SANITIZER-}" ] || ulimit -v 400000
}

# refused STATUS TEXT ARG...: one sentence, and that status.
refused() {
	local status=$1 text=$2
	shift 2

	exits "$status" imgova "$@" >out 2>err
	grep -q -- "$text" err || fail "$(cat err)"
	same 1 "$(wc -l <err)" "sentences"
	[ ! -e no ] || fail "$*: something is left"
}

# finds APPLIANCE ID...: all that verify says.
finds() {
	exits 2 imgova verify --output=json "$1" >report.json
	shift
	same "$*" "$(jq -r '[.problems[].id] | unique | join(" ")' report.json)" "$(cat report.json)"
}

# ---- Names ---------------------------------------------------------------------------------------

for name in ../a.raw /etc/passwd %2e%2e/a.raw; do
	changed "s|web-disk1.vmdk|$name|"
	refused 1 'not in its own folder' list bad/web.ovf
	refused 1 'not in its own folder' extract -O raw --disk 1 bad/web.ovf no
done

# In an archive they are names of members, and the new images lie in the folder all the same.
changed 's|ovf:href="web-disk1.vmdk"|ovf:href="../../evil.vmdk"|'
tar --format=ustar -cPf up.ova --transform='s,bad/web-disk1,../../evil,;s,bad/,,' bad/web.ovf bad/web-disk1.vmdk
finds up.ova file.outside
mkdir -p x/y
imgova extract up.ova x/y/z
same "x x/y x/y/z x/y/z/1-evil.qcow2" "$(find x | sort | xargs)" "what is made"
imgcmp -q x/y/z/1-evil.qcow2 a.raw

# A link has no bytes, whatever it points to, and devices are no disks.
for kind in -s ''; do
	changed ''
	cp a.raw bad/first
	(cd bad && ln -f $kind first web-disk1.vmdk)
	tar --format=ustar -cf link.ova -C bad web.ovf first web-disk1.vmdk
	finds link.ova file.missing
	refused 4 'the file of disk "web-disk1.vmdk" is not there' extract link.ova no
	exits 4 imgconv -O raw --disk 1 link.ova no 2>err
done
mkfifo fifo
ln -f fifo bad/web-disk1.vmdk
refused 4 'is not there' extract -O raw --disk 1 bad/web.ovf no

# ---- Descriptors -----------------------------------------------------------------------------------

changed 's|ovf:href="web-disk1.vmdk"|& ovf:chunkSize="7"|'
refused 63 'cut into pieces' extract -O raw --disk 1 bad/web.ovf no
changed 's|<Disk |& ovf:parentRef="vmdisk0" |'
refused 63 'stands on another one' extract -O raw --disk 1 bad/web.ovf no
changed 's|ovf:fileRef="file1"||'
refused 4 'is empty: it has no file' extract -O raw --disk 1 bad/web.ovf no
{
	printf '<!DOCTYPE a [<!ENTITY a0 "aaaaaaaaaa">'
	for i in 1 2 3 4 5 6 7 8 9; do
		p='&a'$((i - 1))';'
		printf '<!ENTITY a%d "%s">' $i "$p$p$p$p$p$p$p$p$p$p"
	done
	printf ']><a>&a9;</a>'
} >bomb.ovf
(bounded; refused 63 'document type' list bomb.ovf)
cp bomb.ovf the
refused 63 '^imgova: the: the XML' list the
bsdtar --format=ustar -cf bomb.ova bomb.ovf
refused 63 'bomb.ovf: the XML has a document type' list bomb.ova
printf '<a>%.0s' {1..200000} >deep.ovf
(bounded; refused 1 'no XML' list deep.ovf)
{ echo '<a>'; head -c 5000000 /dev/zero | tr '\0' ' '; } >long.ovf
refused 1 'more than the' list long.ovf
bsdtar --format=ustar -cf long.ova long.ovf
refused 1 '"long.ovf" has more than the' list long.ova
# As many elements as there is room for.
{ printf '<a>'; head -c 1000000 /dev/zero | sed 's,\x0,<a/>,g'; printf '</a>'; } >wide.ovf
(bounded; refused 1 'no OVF' list wide.ovf)
refused 1 'no domain of libvirt' create --libvirt wide.ovf no a.raw

# ---- Archives --------------------------------------------------------------------------------------

head -c 1000 web.ova >cut.ova
refused 4 'member 1, "web.ovf"' list cut.ova
bsdtar --format=ustar -cf none.tar a.raw
refused 1 'neither a descriptor' list none.tar
: >empty
bsdtar --format=ustar -cf one.tar empty
head -c 512 one.tar >many.tar
for ((i = 0; i < 15; i++)); do
	cat many.tar many.tar >more.tar
	mv more.tar many.tar
done
(bounded; refused 1 'more than 16384 files' list many.tar)
for again in web.ovf web.mf; do
	bsdtar --format=ustar -cf twice.ova -C folder web.ovf web-disk1.vmdk web.mf $again
	finds twice.ova archive.twice
done

# Few bytes that become many, around the archive and in it: for who lists, verifies, extracts and converts.
truncate -s 66M zeros
changed 's|web-disk1.vmdk|disk.gz|'
gzip -c zeros >bad/disk.gz
bsdtar --format=ustar -cf bomb.ova -C bad web.ovf disk.gz
bsdtar --format=ustar -czf bomb.ova.gz -C bad web.ovf -C .. zeros
(
	bounded
	refused 1 'unpacks to more than the 1048576 bytes' extract -O raw --max-size 1M --disk 1 bomb.ova no
	refused 1 'bomb.ova.gz: unpacks to more than the 1048576 bytes' list --max-size 1M bomb.ova.gz
	refused 1 'bomb.ova.gz: unpacks to more than the 1048576 bytes' verify --max-size 1M bomb.ova.gz
	exits 1 imgconv -O raw --disk 1 --max-size 1M bomb.ova.gz no 2>err && grep -q 'unpacks to more than' err
)
exits 1 imgova create --max-size 1M --name bomb no bad/disk.gz 2>err && grep -q 'unpacks to more than' err
[ ! -e no ]

# What needs room beyond memory says so, once, and not with -q.
bsdtar --format=7zip --options=compression=store -cf big.7z folder/web.ovf zeros
gzip -c1 big.7z >big.7z.gz
for verb in list verify; do
	TMPDIR=$PWD imgova $verb big.7z.gz 2>said >out || true
	same 1 "$(grep -c 'big.7z.gz: has to be read out of order' said)" "$verb: $(cat said)"
	TMPDIR=$PWD imgova $verb -q big.7z.gz 2>said >out || true
	! grep 'out of order' said || fail "with -q"
	same "" "$(cat out)" "with -q"
done

# An appliance is read more than once.
refused 63 'has to be a file' list - <web.ova
refused 63 'has to be a file' verify fifo
exits 63 imgconv -O raw --disk 1 - no <web.ova 2>err
refused 1 '--disk says which' extract web.ova -

# ---- Manifests -------------------------------------------------------------------------------------

# lists LINE...: folder/web.ovf with a manifest of those lines.
lists() {
	rm -rf bad
	cp -r folder bad
	printf '%s\n' "$@" >bad/web.mf
}

mapfile -t right <folder/web.mf
lists "${right[@]}" "${right[0]/%???/000}"
finds bad/web.ovf manifest.twice
lists "${right[@]}" "SHA256(../a.raw)= 00" "SHA256(/etc/passwd)= 00"
finds bad/web.ovf manifest.missing
lists "${right[@]}" "nonsense"
finds bad/web.ovf manifest.unreadable
for line in "${right[0]/SHA256/SHA1}" "${right[0]}00" "${right[0]%??}"; do
	lists "$line" "${right[1]}"
	finds bad/web.ovf manifest.mismatch
done
lists "${right[0]/SHA256/NOHASH}" "${right[1]}"
refused 63 'no hash named "nohash"' verify bad/web.ovf
lists "${right[@]}"
for ((i = 0; i < 8200; i++)); do echo "${right[0]}"; done >>bad/web.mf
finds bad/web.ovf manifest.unreadable
lists "${right[@]}"
head -c 5000000 /dev/zero | tr '\0' '\n' >>bad/web.mf
refused 1 'has more than the' verify bad/web.ovf
