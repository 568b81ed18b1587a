/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From mounting the folder to its end; nothing is said on standard error any more in the background. */
#include <signal.h>
#include <stdlib.h>
#include <syslog.h>
#include "imgmount/fuse3.h"
#include "common/text.h"
#include "imgmount/imgmount.h"

void session_complain(const struct mount *mount, const struct img_err *err)
{
	if (mount->background)
		syslog(LOG_DAEMON | LOG_ERR, "imgmount: %s", err->text);
	else
		cli_complain(&imgmount_cli, err);
}

/* ---- Mounting -------------------------------------------------------------------------------- */

/* Names may hold what separates options. */
static bool add_options(const struct mount *mount, struct fuse_args *args)
{
	char *list = NULL, *name = NULL;
	bool ok = asprintf(&name, "fsname=%s", mount->path) >= 0 &&
		  !fuse_opt_add_opt_escaped(&list, name) &&
		  !fuse_opt_add_opt(&list, "subtype=imgmount,default_permissions") &&
		  (mount->opt->write || !fuse_opt_add_opt(&list, "ro")) &&
		  (!mount->opt->allow_other || !fuse_opt_add_opt(&list, "allow_other")) &&
		  !fuse_opt_add_arg(args, "imgmount") && !fuse_opt_add_arg(args, "-o") &&
		  !fuse_opt_add_arg(args, list);

	free(list);
	free(name);
	return ok;
}

static struct fuse_session *new_session(struct mount *mount, struct img_err *err)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_session *se = NULL;

	if (add_options(mount, &args))
		se = fuse_session_new(&args, &requests, sizeof(requests), mount);
	if (!se)
		img_fail(err, IMG_E_NOMEM, _("FUSE cannot be set up"));
	fuse_opt_free_args(&args);
	return se;
}

/* ---- Running --------------------------------------------------------------------------------- */

/* What asked to stop a command asks to unmount: FUSE takes over only what nobody has. */
static bool hand_over_signals(struct fuse_session *se, struct img_err *err)
{
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	return !fuse_set_signal_handlers(se) ||
	       img_fail(err, IMG_E_IO, _("signals cannot be caught"));
}

static bool leave_terminal(struct mount *mount, struct img_err *err)
{
	if (mount->opt->foreground)
		return true;
	mount->background = background_enter(mount->ready, err);
	return mount->background;
}

static bool serve(struct mount *mount, struct fuse_session *se, struct img_err *err)
{
	struct fuse_loop_config config = { .clone_fd = 1, .max_idle_threads = 10 };
	bool ok;

	if (!hand_over_signals(se, err))
		return false;
	/* A number is the signal that asked to unmount. */
	ok = leave_terminal(mount, err) &&
	     (fuse_session_loop_mt(se, &config) >= 0 ||
	      img_fail(err, IMG_E_IO, _("the connection to the kernel broke off")));
	fuse_remove_signal_handlers(se);
	return ok;
}

bool session_run(struct mount *mount, const char *folder, struct img_err *err)
{
	struct fuse_session *se = new_session(mount, err);
	bool ok = false;

	if (!se)
		return false;
	if (fuse_session_mount(se, folder)) {
		img_fail(err, IMG_E_IO, _("%s: cannot be mounted on"), folder);
	} else {
		ok = serve(mount, se, err);
		fuse_session_unmount(se);
	}
	fuse_session_destroy(se);
	opened_free_all(mount);
	return ok;
}
