/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See ceph.h. */
#include "common/ceph.h"

#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/text.h"

static bool set_variable(const char *name, const char *value, struct img_err *err)
{
	return !setenv(name, value, 1) || img_fail_os(err, "%s", name);
}

/* Behind what CEPH_ARGS says already, so that it counts. */
static bool add_arguments(const char *arguments, struct img_err *err)
{
	const char *old = getenv("CEPH_ARGS");
	char *all;
	bool ok;

	if (asprintf(&all, "%s%s%s", old ? old : "", old ? " " : "", arguments) < 0)
		return out_of_memory(err);
	ok = set_variable("CEPH_ARGS", all, err);
	free(all);
	return ok;
}

/* An argument that names none takes back what CEPH_ARGS says, which would come before CEPH_CONF. */
bool ceph_set_conf(const struct cli_option *row, void *field, const char *text, struct img_err *err)
{
	(void)row, (void)field;
	return set_variable("CEPH_CONF", text, err) && add_arguments("--conf=", err);
}

/* Arguments end at a blank, so an id cannot have one there. */
bool ceph_set_id(const struct cli_option *row, void *field, const char *text, struct img_err *err)
{
	char arguments[128];
	const int len = snprintf(arguments, sizeof(arguments), "--id %s", text);

	(void)row, (void)field;
	if (!*text || strpbrk(text, " \t\n\"'\\") || (size_t)len >= sizeof(arguments))
		return img_fail(err, IMG_E_ARGUMENT, _("\"%s\" is not the id of a client"), text);
	return add_arguments(arguments, err);
}

bool ceph_set_timeout(const struct cli_option *row, void *field, const char *text, struct img_err *err)
{
	char arguments[192];
	unsigned seconds;

	(void)field;
	if (!cli_set_count(row, &seconds, text, err))
		return false;
	(void)snprintf(arguments, sizeof(arguments),
		       "--client_mount_timeout=%u --rados_mon_op_timeout=%u --rados_osd_op_timeout=%u",
		       seconds, seconds, seconds);
	return add_arguments(arguments, err);
}
