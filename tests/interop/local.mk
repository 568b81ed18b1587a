# Beside qemu-img: what it writes we read, what we write it reads, and what users do with both.

shell_tests += \
	%D%/amend-killed.sh %D%/amend.sh \
	%D%/bitmaps.sh \
	%D%/chain.sh \
	%D%/chain-killed.sh \
	%D%/check-samples.sh \
	%D%/check-vmdk.sh \
	%D%/check.sh \
	%D%/cloop-read.sh \
	%D%/cloop-repair.sh \
	%D%/cloop-write.sh \
	%D%/cow.sh \
	%D%/compact-killed.sh \
	%D%/create-matrix.sh \
	%D%/damaged.sh \
	%D%/determinism.sh \
	%D%/digest.sh \
	%D%/disk-caches.sh \
	%D%/disk-continued.sh \
	%D%/disk-killed.sh \
	%D%/disk-ours.sh \
	%D%/disk-qcow.sh \
	%D%/disk-vdi.sh \
	%D%/disk-vmdk.sh \
	%D%/encrypted.sh \
	%D%/full-disk.sh \
	%D%/inplace-killed.sh \
	%D%/inplace.sh \
	%D%/killed.sh \
	%D%/libyal.sh \
	%D%/locks.sh \
	%D%/imgcrypt.sh \
	%D%/luks.sh \
	%D%/luks-header.sh \
	%D%/luks-disk.sh \
	%D%/memory.sh \
	%D%/nbd-tls.sh \
	%D%/nbd.sh \
	%D%/new-on-device.sh \
	%D%/pipe-cloop.sh \
	%D%/pipe-ends.sh \
	%D%/pipe-vmdk.sh \
	%D%/pipes.sh \
	%D%/rbd-faults.sh \
	%D%/rbd-served.sh \
	%D%/rbd.sh \
	%D%/read-map.sh \
	%D%/read-matrix.sh \
	%D%/read-qcow.sh \
	%D%/read-snapshot.sh \
	%D%/read-states.sh \
	%D%/read-vdi.sh \
	%D%/reflink.sh \
	%D%/repair-vdi.sh \
	%D%/repair-vmdk-stream.sh \
	%D%/repair.sh \
	%D%/recrypt-killed.sh \
	%D%/recrypt-qcow2.sh \
	%D%/recrypt-power.sh \
	%D%/recrypt.sh \
	%D%/resize-killed.sh \
	%D%/resize-partitions.sh \
	%D%/resize-qcow2.sh \
	%D%/snapshots-killed.sh \
	%D%/snapshots.sh %D%/snapshots-raw.sh \
	%D%/truncated.sh \
	%D%/vmdk-read.sh \
	%D%/vmdk-write.sh \
	%D%/write-backing.sh \
	%D%/write-matrix.sh \
	%D%/write-qcow.sh \
	%D%/write-sizes.sh \
	%D%/write-vdi.sh \
	%D%/write-vmdk-stream.sh
EXTRA_DIST += %D%/disk.sh %D%/judge.sh %D%/power.py
