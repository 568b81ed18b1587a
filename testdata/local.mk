# Sample images that travel with the sources, a folder for each format, and what is found in some.
EXTRA_DIST += %D%/qcow2 %D%/raw %D%/vdi %D%/vmdk %D%/check
EXTRA_DIST += %D%/qcow2 %D%/raw %D%/vdi %D%/check
EXTRA_DIST += %D%/qcow %D%/qcow2 %D%/raw %D%/vdi %D%/check
EXTRA_DIST += %D%/cow %D%/qcow %D%/qcow2 %D%/raw %D%/vdi %D%/check
EXTRA_DIST += %D%/qcow2 %D%/raw %D%/vmdk %D%/check
EXTRA_DIST += %D%/cloop
