# Sample images that travel with the sources, a folder for each format, and what is found in some.
EXTRA_DIST += %D%/check %D%/cloop %D%/cow %D%/luks %D%/qcow %D%/qcow2 %D%/raw %D%/vdi %D%/vmdk
