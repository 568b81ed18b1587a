/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The functions of librbd and librados that are used, loaded when the first image on a cluster is. */
#ifndef IMG_STORE_RBD_LIBRARY_H
#define IMG_STORE_RBD_LIBRARY_H

#include <rbd/librbd.h>
#include "libimg.h"

/* With the types that their headers give them. */
struct img_rbd_library {
	__typeof__(rados_create) *create;
	__typeof__(rados_conf_read_file) *read_conf;
	__typeof__(rados_conf_parse_env) *read_args;
	__typeof__(rados_conf_set) *set_conf;
	__typeof__(rados_conf_get) *get_conf;
	__typeof__(rados_connect) *connect;
	__typeof__(rados_shutdown) *shutdown;
	__typeof__(rados_ioctx_create) *pool_open;
	__typeof__(rados_ioctx_destroy) *pool_close;
	__typeof__(rados_ioctx_set_namespace) *pool_space;
	__typeof__(rados_set_pool_full_try) *pool_full_try;
	__typeof__(rados_stat) *object_stat;
	__typeof__(rados_create_read_op) *op_create;
	__typeof__(rados_read_op_omap_get_vals_by_keys) *op_get_keys;
	__typeof__(rados_read_op_operate) *op_run;
	__typeof__(rados_release_read_op) *op_release;
	__typeof__(rados_omap_get_next) *keys_next;
	__typeof__(rados_omap_get_end) *keys_end;
	__typeof__(rados_lock_exclusive) *object_lock;
	__typeof__(rados_unlock) *object_unlock;
	__typeof__(rbd_open) *open;
	__typeof__(rbd_open_read_only) *open_read_only;
	__typeof__(rbd_get_id) *get_id;
	__typeof__(rbd_close) *close;
	__typeof__(rbd_namespace_exists) *namespace_exists;
	__typeof__(rbd_create4) *create4;
	__typeof__(rbd_remove_with_progress) *remove;
	__typeof__(rbd_rename) *rename;
	__typeof__(rbd_resize) *resize;
	__typeof__(rbd_stat) *stat;
	__typeof__(rbd_get_size) *get_size;
	__typeof__(rbd_get_stripe_unit) *get_stripe_unit;
	__typeof__(rbd_get_features) *get_features;
	__typeof__(rbd_get_flags) *get_flags;
	__typeof__(rbd_lock_acquire) *lock_acquire;
	__typeof__(rbd_list_lockers) *list_lockers;
	__typeof__(rbd_watchers_list) *watchers_list;
	__typeof__(rbd_watchers_list_cleanup) *watchers_cleanup;
	__typeof__(rbd_diff_iterate2) *diff_iterate2;
	__typeof__(rbd_aio_read2) *aio_read2;
	__typeof__(rbd_aio_write) *aio_write;
	__typeof__(rbd_aio_write_zeroes) *aio_write_zeroes;
	__typeof__(rbd_flush) *flush;
	__typeof__(rbd_aio_create_completion) *completion;
	__typeof__(rbd_aio_wait_for_complete) *wait;
	__typeof__(rbd_aio_get_return_value) *result;
	__typeof__(rbd_aio_release) *release;
	__typeof__(rbd_image_options_create) *options_create;
	__typeof__(rbd_image_options_destroy) *options_destroy;
	__typeof__(rbd_image_options_set_string) *options_string;
	__typeof__(rbd_image_options_set_uint64) *options_number;
	__typeof__(rbd_snap_get_id) *snap_id;
	__typeof__(rbd_snap_list) *snap_list;
	__typeof__(rbd_snap_list_end) *snap_list_end;
	__typeof__(rbd_snap_create) *snap_create;
	__typeof__(rbd_snap_remove) *snap_remove;
	__typeof__(rbd_snap_rollback) *snap_rollback;
	__typeof__(rbd_snap_rename) *snap_rename;
	__typeof__(rbd_snap_set) *snap_set;
	__typeof__(rbd_snap_get_timestamp) *snap_time;
	__typeof__(rbd_snap_is_protected) *snap_is_protected;
	__typeof__(rbd_snap_get_namespace_type) *snap_namespace;
};

/* The libraries stay loaded, as their threads may outlive what they were for.  IMG_E_UNSUPPORTED. */
bool img_rbd_load(struct img_rbd_library *lib, struct img_err *err) IMG_MUST_CHECK;

#endif
