# SPDX-License-Identifier: LGPL-2.1-or-later
# imgcrypt and cryptsetup on each other's headers, of either version, alone and in front of data.
. "$srcdir/tests/functions.sh"
requires cryptsetup --version
requires jq --version

printf one >one
printf two >two
printf three >three

# Little work: what it is worth is not the question here.
quick=(--pbkdf-force-iterations 1000)
quick2=(--pbkdf-force-iterations 4 --pbkdf-memory 64 --pbkdf-parallel 1)

# they_open, we_open KEY: whether it opens the file that $image is.
they_open() {
	cryptsetup open --test-passphrase --key-file "$1" "$image" 2>/dev/null
}

we_open() {
	imgcrypt -q test --key-file="$1" "$image" 2>/dev/null
}

# opens KEY...: these do, for both, and no others.
opens() {
	local key

	for key in one two three; do
		if [[ " $* " = *" $key "* ]]; then
			they_open $key || fail "$image: cryptsetup does not open it with $key"
			we_open $key || fail "$image: imgcrypt does not open it with $key"
		else
			! they_open $key || fail "$image: cryptsetup opens it with $key"
			! we_open $key || fail "$image: imgcrypt opens it with $key"
		fi
	done
}

# back_and_forth WORK...: as cryptsetup has it.
back_and_forth() {
	opens one
	imgcrypt -q add-key --key-file=one --new-key-file=two --iterations=1000 --pbkdf=pbkdf2 "$image"
	opens one two
	cryptsetup -q luksAddKey "$@" --key-file two "$image" three
	opens one two three
	imgcrypt -q remove-key --key-file=one "$image"
	opens two three
	cryptsetup -q luksKillSlot --key-file two "$image" 2
	opens two
	rm -f ours theirs
	imgcrypt header-backup "$image" ours
	cryptsetup -q luksHeaderBackup "$image" --header-backup-file theirs
	cmp ours theirs || fail "$image: the backups differ"
	imgcrypt -q change-key --key-file=two --new-key-file=three --iterations=1000 \
		--pbkdf=pbkdf2 "$image"
	opens three
	cryptsetup -q luksHeaderRestore "$image" --header-backup-file ours
	opens two
	imgcrypt erase --force "$image"
	opens
	imgcrypt header-restore "$image" theirs
	opens two
	cryptsetup repair "$image" || fail "$image: cryptsetup has something to repair"
}

image=v1
truncate -s 4M $image
cryptsetup -q luksFormat --type luks1 "${quick[@]}" $image one
back_and_forth "${quick[@]}"

image=v1-cbc
truncate -s 4M $image
cryptsetup -q luksFormat --type luks1 "${quick[@]}" -c aes-cbc-essiv:sha256 -s 256 -h sha512 \
	$image one
back_and_forth "${quick[@]}"

image=v2
truncate -s 20M $image
cryptsetup -q luksFormat --type luks2 "${quick2[@]}" --label mine --uuid \
	12345678-1234-1234-1234-123456789abc $image one
same "mine 12345678-1234-1234-1234-123456789abc aes xts-plain64 512 argon2id 65536" \
	"$(imgcrypt list --output=json $image | jq -r '[.label, .uuid, .cipher, ."cipher-mode",
		."key-bits", .slots[0].derivation, .slots[0].memory] | join(" ")')" "what is listed"
back_and_forth "${quick2[@]}"

# What imgcrypt has derived with Argon2 cryptsetup can derive, too.
for pbkdf in argon2id argon2i; do
	imgcrypt -q change-key --key-file=two --new-key-file=two --pbkdf=$pbkdf --iterations=4 \
		--memory=64k --threads=1 $image
	opens two
done

# A token of others, and areas in which there is a hole, are no matter.
printf '{"type":"mine","keyslots":["%s"]}' \
	"$(imgcrypt list --output=json $image | jq -r '.slots[0].number')" |
	cryptsetup token import $image
imgcrypt -q change-key --key-file=two --new-key-file=three --iterations=1000 --pbkdf=pbkdf2 $image
opens three
cryptsetup luksDump $image | grep -q '0: mine' || fail "the token is gone"

# One of two copies is damaged: both programs go on with the other, and a change mends it.
for at in 4200 20600; do
	printf X | dd of=$image bs=1 seek=$at conv=notrunc status=none
	we_open three || fail "a damaged copy at $at"
	same false "$(imgcrypt list --output=json $image | jq '.copies | map(.sound) | all')" "$at"
	imgcrypt -q change-key --key-file=three --new-key-file=three --iterations=1000 \
		--pbkdf=pbkdf2 $image
	same true "$(imgcrypt list --output=json $image | jq '.copies | map(.sound) | all')" "$at"
	opens three
done

# A header in a file of its own.
image=header
for type in luks1 luks2; do
	rm -f header
	truncate -s 16M header
	truncate -s 1M data
	work=("${quick[@]}")
	[ $type = luks1 ] || work=("${quick2[@]}")
	cryptsetup -q luksFormat --type $type "${work[@]}" --header header data one
	imgcrypt -q add-key --key-file=one --new-key-file=two --iterations=1000 --pbkdf=pbkdf2 header
	opens one two
	same 0 "$(imgcrypt list --output=json header | jq '."payload-offset"')" "where the data start"
done
