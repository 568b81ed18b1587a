# SPDX-License-Identifier: LGPL-2.1-or-later
# What the scripts of this folder share: an image that is shown in the folder "mnt".
[ -x "$builddir/cmd/imgmount/imgmount" ] || skip "imgmount is not built"
requires fusermount3 --version
requires test -r /dev/fuse -a -w /dev/fuse

mib=$((1024 * 1024))
mkdir mnt
cleanup_fn leave_folder

# show OPTION... IMAGE: $mounter is the job that does.
show() {
	imgmount --foreground "$@" mnt 2>err &
	mounter=$!
	until [ -e mnt/disk.raw ]; do
		[ -d /proc/$mounter ] || not_shown "$@"
		sleep 0.02
	done
}

not_shown() {
	! grep -q 'cannot be mounted on' err || skip "this needs: mounting"
	fail "imgmount $*: $(cat err)"
}

# hide: unmounts, and waits until the image is whole.
hide() {
	fusermount3 -u mnt
	wait $mounter || fail "the end of imgmount: $(cat err)"
}

# A loop of a failed test may still stand on it.
leave_folder() {
	! mountpoint -q mnt || fusermount3 -u -z mnt
}
