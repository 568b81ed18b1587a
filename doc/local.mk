# Documents that travel with the sources, and those that are installed.

dist_doc_DATA = %D%/from-qemu-img
EXTRA_DIST += %D%/architecture.md
