/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_IO_PRIVS_H
#define CTSYNC_IO_PRIVS_H

/*
 * Gives up every privilege but CAP_NET_ADMIN, for good: empty bounding set, no new privileges by
 * exec. With a user or a group, or both (a user's default group is its own), the process also
 * becomes those, without supplementary groups. NULL or "": stays who it is.
 * Returns 0, -ENOENT (no such user or group), -EPERM (CAP_NET_ADMIN is not there to be kept, or
 * the kernel refused). After a failure the process must not go on.
 */
int privs_drop(const char *user, const char *group);

#endif
