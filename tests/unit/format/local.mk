unit_tests += %D%/test
%C%_test_LDADD = tests/unit/fake/libfake.la $(unit_ldadd)
%C%_test_LDFLAGS = $(AM_LDFLAGS) $(failing_malloc_ldflags)
%C%_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests $(failing_malloc_cppflags)
%C%_test_SOURCES = \
	$(failing_malloc_sources) \
	%D%/below_test.c \
	%D%/cloop/blocks_test.c \
	%D%/cloop/entry_test.c \
	%D%/cloop/header_test.c \
	%D%/cloop/salvage_test.c \
	%D%/cloop/write_test.c \
	%D%/backing_test.c \
	%D%/cow/disk_test.c \
	%D%/cow/header_test.c \
	%D%/findings_test.c \
	%D%/qcow1/disk_test.c \
	%D%/qcow1/header_test.c \
	%D%/qcow1/map_test.c \
	%D%/qcow1/sample.h \
	%D%/qcow2/amend_test.c \
	%D%/qcow2/append_test.c \
	%D%/qcow2/bitmap_bits_test.c \
	%D%/qcow2/bitmap_dir_test.c \
	%D%/qcow2/bitmap_test.c \
	%D%/qcow2/cache_test.c \
	%D%/qcow2/check_test.c \
	%D%/qcow2/clusterset_test.c \
	%D%/qcow2/compressed_test.c \
	%D%/qcow2/counts_test.c \
	%D%/qcow2/create_test.c \
	%D%/qcow2/disk_damage_test.c \
	%D%/qcow2/disk_sample.h \
	%D%/qcow2/disk_test.c \
	%D%/qcow2/entry_test.c \
	%D%/qcow2/header_store_test.c \
	%D%/qcow2/header_test.c \
	%D%/qcow2/map_test.c \
	%D%/qcow2/options_test.c \
	%D%/qcow2/rebuild_test.c \
	%D%/qcow2/refs_judge_test.c \
	%D%/qcow2/refs_test.c \
	%D%/qcow2/remains_test.c \
	%D%/qcow2/runs_test.c \
	%D%/qcow2/salvage_mark_test.c \
	%D%/qcow2/salvage_test.c \
	%D%/qcow2/sample.h \
	%D%/qcow2/sequence_test.c \
	%D%/qcow2/snapshot_test.c \
	%D%/qcow2/space_test.c \
	%D%/qcow2/writer.c \
	%D%/qcow2/writer.h \
	%D%/raw/gpt_test.c \
	%D%/raw/raw_test.c \
	%D%/registry_test.c \
	%D%/settings_test.c \
	%D%/size_test.c \
	%D%/vdi/check_test.c \
	%D%/vdi/disk_test.c \
	%D%/vdi/header_test.c \
	%D%/vdi/map_test.c \
	%D%/vdi/repair_test.c \
	%D%/vdi/salvage_test.c \
	%D%/vdi/sample.h \
	%D%/vdi/write_test.c \
	%D%/vmdk/check_test.c \
	%D%/vmdk/descriptor_test.c \
	%D%/vmdk/descriptor_text_test.c \
	%D%/vmdk/disk_test.c \
	%D%/vmdk/entry_test.c \
	%D%/vmdk/header_test.c \
	%D%/vmdk/marker_test.c \
	%D%/vmdk/repair_test.c \
	%D%/vmdk/sample.h \
	%D%/vmdk/tables_test.c \
	%D%/vmdk/usage_test.c
	%D%/vmdk/sparse_new_test.c \
	%D%/vmdk/tables_test.c
