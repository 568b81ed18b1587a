# One behaviour of a command each.

shell_tests += %D%/common/broken-pipe.sh %D%/common/completion.sh %D%/common/exit-table.sh \
	%D%/common/manual.sh %D%/common/translations.sh %D%/common/schemas.sh %D%/common/usage.sh
shell_tests += %D%/imgconv/backing.sh %D%/imgconv/digest.sh %D%/imgconv/doubt.sh \
	%D%/imgconv/formats.sh %D%/imgconv/in-place.sh %D%/imgconv/incomplete.sh %D%/imgconv/itself.sh \
	%D%/imgconv/pipes.sh %D%/imgconv/progress.sh %D%/imgconv/signals.sh %D%/imgconv/sparse.sh \
	%D%/imgconv/skip-free.sh %D%/imgconv/skip-free-mounted.sh \
	%D%/imgconv/parent.sh %D%/imgconv/special-files.sh %D%/imgconv/terminal.sh %D%/imgconv/trusted.sh \
	%D%/imgconv/untrusted.sh %D%/imgconv/with-snapshots.sh
shell_tests += %D%/imgbitmap/actions.sh %D%/imgbitmap/usage.sh
shell_tests += %D%/imgcheck/check.sh %D%/imgcheck/data.sh %D%/imgcheck/memory.sh \
	%D%/imgcheck/parts.sh \
	%D%/imgcheck/repair.sh %D%/imgcheck/repair-extents.sh %D%/imgcheck/salvage.sh \
	%D%/imgcheck/salvage-anchor.sh \
	%D%/imgcheck/salvage-vmdk.sh %D%/imgcheck/samples.sh %D%/imgcheck/several.sh \
	%D%/imgcheck/targets.sh
shell_tests += %D%/imgcompress/copy.sh %D%/imgcompress/deterministic.sh \
	%D%/imgcompress/dedup.sh %D%/imgcompress/replace.sh %D%/imgcompress/taken.sh
shell_tests += %D%/imgcompress/copy.sh %D%/imgcompress/in-place.sh %D%/imgcompress/taken.sh
shell_tests += %D%/imgcreate/backing.sh %D%/imgcreate/create.sh
shell_tests += %D%/imgcrypt/keys.sh %D%/imgcrypt/usage.sh
shell_tests += %D%/imginfo/formats.sh %D%/imginfo/gpt.sh %D%/imginfo/info.sh \
	%D%/imginfo/missing.sh
shell_tests += %D%/imgmap/lost.sh %D%/imgmap/map.sh %D%/imgmap/names.sh
shell_tests += %D%/imgcmp/all.sh %D%/imgcmp/compare.sh %D%/imgcmp/sizes.sh
shell_tests += %D%/imgmeasure/estimate.sh %D%/imgmeasure/exact.sh
shell_tests += %D%/imgamend/amend.sh %D%/imgamend/vmdk.sh
shell_tests += %D%/imgamend/amend.sh %D%/imgamend/killed.sh %D%/imgamend/vmdk.sh
shell_tests += %D%/imgresize/cow.sh %D%/imgresize/gpt-damage.sh %D%/imgresize/guard.sh \
	%D%/imgresize/report.sh %D%/imgresize/usage.sh
shell_tests += %D%/imgsnap/chain.sh %D%/imgsnap/chain-guards.sh %D%/imgsnap/diff.sh \
	%D%/imgsnap/extract.sh %D%/imgsnap/patch.sh %D%/imgsnap/usage.sh %D%/imgsnap/verbs.sh
shell_tests += %D%/imgcrypt/copy.sh
shell_tests += %D%/imgbench/doubt.sh %D%/imgbench/formats.sh %D%/imgbench/interrupted.sh \
	%D%/imgbench/matrix.sh %D%/imgbench/mismatch.sh %D%/imgbench/patterns.sh \
	%D%/imgbench/signals.sh %D%/imgbench/trace.sh %D%/imgbench/truncated.sh %D%/imgbench/usage.sh %D%/imgbench/verify.sh
shell_tests += %D%/imgmount/files.sh %D%/imgmount/killed.sh %D%/imgmount/loop.sh \
	%D%/imgmount/write.sh
EXTRA_DIST += %D%/imgmount/folder.sh
shell_tests += %D%/nbdkit-img/killed.sh %D%/nbdkit-img/locks.sh %D%/nbdkit-img/parameters.sh \
	%D%/nbdkit-img/serve.sh
EXTRA_DIST += %D%/nbdkit-img/client.py %D%/nbdkit-img/server.sh
EXTRA_DIST += %D%/common/schema.jq %D%/imgcheck/vmdk_damage.py
