# Sample images that travel with the sources: EXTRA_DIST += %D%/qcow2/good-x.img
