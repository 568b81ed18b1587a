# Documents that travel with the sources, and those that are installed.

dist_doc_DATA = %D%/from-qemu-img
dist_doc_DATA += %D%/imgconv.rng %D%/imginfo.rng %D%/imgmap.rng %D%/imgcmp.rng
dist_doc_DATA += %D%/imgconv.schema.json %D%/imginfo.schema.json
dist_doc_DATA += %D%/imgmap.schema.json %D%/imgcmp.schema.json
dist_doc_DATA += %D%/imgbench.rng %D%/imgbench.schema.json
dist_doc_DATA += %D%/imgamend.rng %D%/imgamend.schema.json
dist_doc_DATA += %D%/imgcompress.rng %D%/imgcompress.schema.json
dist_doc_DATA += %D%/imgcheck.rng %D%/imgcheck.schema.json
dist_doc_DATA += %D%/imgbitmap.rng %D%/imgbitmap.schema.json
dist_doc_DATA += %D%/imgmeasure.rng %D%/imgmeasure.schema.json
dist_doc_DATA += %D%/imgcrypt.rng %D%/imgcrypt.schema.json
dist_doc_DATA += %D%/imgova.rng %D%/imgova.schema.json
dist_doc_DATA += %D%/ovf.rng
dist_doc_DATA += %D%/imgresize.rng %D%/imgresize.schema.json
dist_doc_DATA += %D%/imgsnap.rng %D%/imgsnap.schema.json
EXTRA_DIST += %D%/architecture.md
dist_doc_DATA += %D%/imgsnap-diff.rng %D%/imgsnap-diff.schema.json
EXTRA_DIST += %D%/architecture.md %D%/patch-format.md
EXTRA_DIST += %D%/performance.md
EXTRA_DIST += %D%/fleet.md
EXTRA_DIST += %D%/fleet/convert.sh
EXTRA_DIST += %D%/fleet/kubernetes.yaml
EXTRA_DIST += %D%/fleet/limits.sh
EXTRA_DIST += %D%/fleet/parallel.sh
EXTRA_DIST += %D%/fleet/slurm.sh
EXTRA_DIST += %D%/fleet/split.sh
