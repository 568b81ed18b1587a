/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loading libarchive; see libarchive.h. */
#include "store/libarchive.h"

#include "base/lazy.h"

bool img_libarchive_load(struct img_libarchive *la, struct img_err *err)
{
	const struct img_lazy_symbol symbols[] = {
		{ "archive_read_new", &la->read_new },
		{ "archive_read_free", &la->read_free },
		{ "archive_read_support_format_tar", &la->add_tar },
		{ "archive_read_support_format_zip", &la->add_zip },
		{ "archive_read_support_format_7zip", &la->add_7zip },
		{ "archive_read_support_format_iso9660", &la->add_iso9660 },
		{ "archive_read_support_format_cpio", &la->add_cpio },
		{ "archive_read_support_format_raw", &la->add_raw },
		{ "archive_read_support_filter_bzip2", &la->add_bzip2 },
		{ "archive_read_support_filter_compress", &la->add_compress },
		{ "archive_read_support_filter_lz4", &la->add_lz4 },
		{ "archive_read_support_filter_lzip", &la->add_lzip },
		{ "archive_read_support_filter_xz", &la->add_xz },
		{ "archive_read_support_filter_zstd", &la->add_zstd },
		{ "archive_read_set_read_callback", &la->set_read },
		{ "archive_read_set_skip_callback", &la->set_skip },
		{ "archive_read_set_seek_callback", &la->set_seek },
		{ "archive_read_set_callback_data", &la->set_data },
		{ "archive_read_open1", &la->open },
		{ "archive_read_next_header", &la->next_header },
		{ "archive_read_data_block", &la->data_block },
		{ "archive_read_data_skip", &la->data_skip },
		{ "archive_filter_bytes", &la->filter_bytes },
		{ "archive_format", &la->format },
		{ "archive_error_string", &la->error_string },
		{ "archive_set_error", &la->set_error },
		{ "archive_entry_pathname", &la->pathname },
		{ "archive_entry_pathname_utf8", &la->pathname_utf8 },
		{ "archive_entry_filetype", &la->filetype },
		{ "archive_entry_hardlink", &la->hardlink },
		{ "archive_entry_size", &la->size },
		{ "archive_entry_size_is_set", &la->size_is_set },
		{ "archive_entry_sparse_count", &la->sparse_count },
		{ "archive_entry_is_data_encrypted", &la->is_encrypted },
		{ "archive_write_new", &la->write_new },
		{ "archive_write_free", &la->write_free },
		{ "archive_write_close", &la->write_close },
		{ "archive_write_add_filter_gzip", &la->pack_gzip },
		{ "archive_write_add_filter_lz4", &la->pack_lz4 },
		{ "archive_write_add_filter_xz", &la->pack_xz },
		{ "archive_write_add_filter_zstd", &la->pack_zstd },
		{ "archive_write_set_filter_option", &la->write_filter_option },
		{ "archive_write_set_format_raw", &la->write_set_raw },
		{ "archive_write_set_bytes_per_block", &la->write_block },
		{ "archive_write_set_bytes_in_last_block", &la->write_last_block },
		{ "archive_write_open", &la->write_open },
		{ "archive_write_header", &la->write_header },
		{ "archive_write_data", &la->write_data },
		{ "archive_entry_new", &la->entry_new },
		{ "archive_entry_free", &la->entry_free },
		{ "archive_entry_set_filetype", &la->entry_set_filetype },
		{ NULL, NULL },
	};

	la->library = img_lazy_load(LIBARCHIVE_SONAME, symbols, err);
	return la->library;
}

void img_libarchive_unload(struct img_libarchive *la)
{
	img_lazy_unload(la->library);
	la->library = NULL;
}
