# Sample images that travel with the sources: EXTRA_DIST += %D%/qcow2/good-x.img
EXTRA_DIST += \
	%D%/qcow2/README \
	%D%/qcow2/bad-l1-size.qcow2 \
	%D%/qcow2/bad-l2-reserved.qcow2 \
	%D%/qcow2/bad-truncated.qcow2 \
	%D%/qcow2/good-deflate.qcow2 \
	%D%/qcow2/good-snapshot.qcow2 \
	%D%/qcow2/good-subclusters.qcow2.xz \
	%D%/qcow2/good-v2.qcow2 \
	%D%/qcow2/good-v3-512.qcow2 \
	%D%/qcow2/good-zstd.qcow2 \
	%D%/qcow2/unsupported-aes.qcow2 \
	%D%/qcow2/unsupported-feature.qcow2
