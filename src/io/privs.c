/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "io/privs.h"

static int find_ids(const char *user, const char *group, int *uid, int *gid)
{
	const struct passwd *pw;
	const struct group *gr;

	if (user && user[0] != '\0') {
		pw = getpwnam(user);
		if (!pw)
			return -ENOENT;
		*uid = (int)pw->pw_uid;
		*gid = (int)pw->pw_gid;
	}
	if (group && group[0] != '\0') {
		gr = getgrnam(group);
		if (!gr)
			return -ENOENT;
		*gid = (int)gr->gr_gid;
	}
	return 0;
}

int privs_drop(const char *user, const char *group)
{
	int uid = -1, gid = -1; /* -1: stays who it is */
	int err = find_ids(user, group, &uid, &gid);
	const bool change = uid >= 0 || gid >= 0;

	if (err)
		return err;
	if (!capng_have_capability(CAPNG_PERMITTED, CAP_NET_ADMIN))
		return -EPERM;
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN) < 0)
		return -EPERM;
	if (change)
		err = capng_change_id(uid, gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
	else
		err = capng_apply(CAPNG_SELECT_BOTH);
	if (err < 0)
		return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	/* Believe the kernel, not the library: what counts is what is left. */
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_get_caps_process() < 0 ||
		!capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) ||
		capng_have_capability(CAPNG_PERMITTED, CAP_SETUID) ||
		capng_have_capability(CAPNG_PERMITTED, CAP_SYS_ADMIN))
		return -EPERM;
	return 0;
}
