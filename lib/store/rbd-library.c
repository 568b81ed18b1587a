/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See rbd-library.h. */
#include "store/rbd-library.h"

#include "base/lazy.h"

bool img_rbd_load(struct img_rbd_library *lib, struct img_err *err)
{
	const struct img_lazy_symbol rados[] = {
		{ "rados_create", &lib->create },
		{ "rados_conf_read_file", &lib->read_conf },
		{ "rados_conf_parse_env", &lib->read_args },
		{ "rados_conf_set", &lib->set_conf },
		{ "rados_conf_get", &lib->get_conf },
		{ "rados_connect", &lib->connect },
		{ "rados_shutdown", &lib->shutdown },
		{ "rados_ioctx_create", &lib->pool_open },
		{ "rados_ioctx_destroy", &lib->pool_close },
		{ "rados_ioctx_set_namespace", &lib->pool_space },
		{ "rados_set_pool_full_try", &lib->pool_full_try },
		{ "rados_stat", &lib->object_stat },
		{ "rados_create_read_op", &lib->op_create },
		{ "rados_read_op_omap_get_vals_by_keys", &lib->op_get_keys },
		{ "rados_read_op_operate", &lib->op_run },
		{ "rados_release_read_op", &lib->op_release },
		{ "rados_omap_get_next", &lib->keys_next },
		{ "rados_omap_get_end", &lib->keys_end },
		{ "rados_lock_exclusive", &lib->object_lock },
		{ "rados_unlock", &lib->object_unlock },
		{ NULL, NULL },
	};
	const struct img_lazy_symbol rbd[] = {
		{ "rbd_open", &lib->open },
		{ "rbd_open_read_only", &lib->open_read_only },
		{ "rbd_get_id", &lib->get_id },
		{ "rbd_close", &lib->close },
		{ "rbd_namespace_exists", &lib->namespace_exists },
		{ "rbd_create4", &lib->create4 },
		{ "rbd_remove_with_progress", &lib->remove },
		{ "rbd_rename", &lib->rename },
		{ "rbd_resize", &lib->resize },
		{ "rbd_stat", &lib->stat },
		{ "rbd_get_size", &lib->get_size },
		{ "rbd_get_stripe_unit", &lib->get_stripe_unit },
		{ "rbd_get_features", &lib->get_features },
		{ "rbd_get_flags", &lib->get_flags },
		{ "rbd_lock_acquire", &lib->lock_acquire },
		{ "rbd_list_lockers", &lib->list_lockers },
		{ "rbd_watchers_list", &lib->watchers_list },
		{ "rbd_watchers_list_cleanup", &lib->watchers_cleanup },
		{ "rbd_diff_iterate2", &lib->diff_iterate2 },
		{ "rbd_aio_read2", &lib->aio_read2 },
		{ "rbd_aio_write", &lib->aio_write },
		{ "rbd_aio_write_zeroes", &lib->aio_write_zeroes },
		{ "rbd_flush", &lib->flush },
		{ "rbd_aio_create_completion", &lib->completion },
		{ "rbd_aio_wait_for_complete", &lib->wait },
		{ "rbd_aio_get_return_value", &lib->result },
		{ "rbd_aio_release", &lib->release },
		{ "rbd_image_options_create", &lib->options_create },
		{ "rbd_image_options_destroy", &lib->options_destroy },
		{ "rbd_image_options_set_string", &lib->options_string },
		{ "rbd_image_options_set_uint64", &lib->options_number },
		{ "rbd_snap_get_id", &lib->snap_id },
		{ "rbd_snap_list", &lib->snap_list },
		{ "rbd_snap_list_end", &lib->snap_list_end },
		{ "rbd_snap_create", &lib->snap_create },
		{ "rbd_snap_remove", &lib->snap_remove },
		{ "rbd_snap_rollback", &lib->snap_rollback },
		{ "rbd_snap_rename", &lib->snap_rename },
		{ "rbd_snap_set", &lib->snap_set },
		{ "rbd_snap_get_timestamp", &lib->snap_time },
		{ "rbd_snap_is_protected", &lib->snap_is_protected },
		{ "rbd_snap_get_namespace_type", &lib->snap_namespace },
		{ NULL, NULL },
	};

	return img_lazy_load(RADOS_SONAME, rados, err) && img_lazy_load(RBD_SONAME, rbd, err);
}
