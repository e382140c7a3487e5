/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_IO_SYSCTL_H
#define CTSYNC_IO_SYSCTL_H

#include <stdint.h>

/*
 * One number of /proc/sys/net/netfilter, of the network namespace the process is in. name is the
 * bare one, such as "nf_conntrack_events".
 * Returns 0 or a negative errno: -ENOENT if there is no such sysctl (module not loaded), -EINVAL
 * for a name with a slash or a value that is no number, -EACCES, -EPERM, -EROFS.
 */
int sysctl_read(const char *name, int64_t *value);
int sysctl_write(const char *name, int64_t value);

#endif
