# Documents that travel with the sources: EXTRA_DIST += %D%/file.md
