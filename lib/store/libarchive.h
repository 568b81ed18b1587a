/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The functions of libarchive that are used, loaded when the first archive is opened. */
#ifndef IMG_STORE_LIBARCHIVE_H
#define IMG_STORE_LIBARCHIVE_H

#include <archive.h>
#include <archive_entry.h>
#include "libimg.h"

/* With the types that its headers give them. */
struct img_libarchive {
	void *library;
	__typeof__(archive_read_new) *read_new;
	__typeof__(archive_read_free) *read_free;
	__typeof__(archive_read_support_format_tar) *add_tar;
	__typeof__(archive_read_support_format_zip) *add_zip;
	__typeof__(archive_read_support_format_7zip) *add_7zip;
	__typeof__(archive_read_support_format_iso9660) *add_iso9660;
	__typeof__(archive_read_support_format_cpio) *add_cpio;
	__typeof__(archive_read_support_format_raw) *add_raw;
	__typeof__(archive_read_support_filter_bzip2) *add_bzip2;
	__typeof__(archive_read_support_filter_compress) *add_compress;
	__typeof__(archive_read_support_filter_lz4) *add_lz4;
	__typeof__(archive_read_support_filter_lzip) *add_lzip;
	__typeof__(archive_read_support_filter_xz) *add_xz;
	__typeof__(archive_read_support_filter_zstd) *add_zstd;
	__typeof__(archive_read_set_read_callback) *set_read;
	__typeof__(archive_read_set_skip_callback) *set_skip;
	__typeof__(archive_read_set_seek_callback) *set_seek;
	__typeof__(archive_read_set_callback_data) *set_data;
	__typeof__(archive_read_open1) *open;
	__typeof__(archive_read_next_header) *next_header;
	__typeof__(archive_read_data_block) *data_block;
	__typeof__(archive_read_data_skip) *data_skip;
	__typeof__(archive_filter_bytes) *filter_bytes;
	__typeof__(archive_format) *format;
	__typeof__(archive_error_string) *error_string;
	__typeof__(archive_set_error) *set_error;
	__typeof__(archive_entry_pathname) *pathname;
	__typeof__(archive_entry_pathname_utf8) *pathname_utf8;
	__typeof__(archive_entry_filetype) *filetype;
	__typeof__(archive_entry_hardlink) *hardlink;
	__typeof__(archive_entry_size) *size;
	__typeof__(archive_entry_size_is_set) *size_is_set;
	__typeof__(archive_entry_sparse_count) *sparse_count;
	__typeof__(archive_entry_is_data_encrypted) *is_encrypted;
	__typeof__(archive_write_new) *write_new;
	__typeof__(archive_write_free) *write_free;
	__typeof__(archive_write_close) *write_close;
	__typeof__(archive_write_add_filter_gzip) *pack_gzip;
	__typeof__(archive_write_add_filter_lz4) *pack_lz4;
	__typeof__(archive_write_add_filter_xz) *pack_xz;
	__typeof__(archive_write_add_filter_zstd) *pack_zstd;
	__typeof__(archive_write_set_filter_option) *write_filter_option;
	__typeof__(archive_write_set_format_raw) *write_set_raw;
	__typeof__(archive_write_set_bytes_per_block) *write_block;
	__typeof__(archive_write_set_bytes_in_last_block) *write_last_block;
	__typeof__(archive_write_open) *write_open;
	__typeof__(archive_write_header) *write_header;
	__typeof__(archive_write_data) *write_data;
	__typeof__(archive_entry_new) *entry_new;
	__typeof__(archive_entry_free) *entry_free;
	__typeof__(archive_entry_set_filetype) *entry_set_filetype;
};

/* IMG_E_UNSUPPORTED names what is missing. */
bool img_libarchive_load(struct img_libarchive *la, struct img_err *err) IMG_MUST_CHECK;
/* *la may be all zero. */
void img_libarchive_unload(struct img_libarchive *la);

#endif
