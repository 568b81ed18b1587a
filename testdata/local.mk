# Sample images that travel with the sources, a folder for each format.
EXTRA_DIST += %D%/qcow2 %D%/raw
