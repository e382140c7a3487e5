/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_RELOAD_H
#define CTSYNC_DAEMON_RELOAD_H

struct daemon;

/*
 * SIGHUP: reopens the log, reads the configuration again, takes over what can change in a running
 * daemon and names what cannot. A file with errors changes nothing.
 */
void reload_config(struct daemon *);

#endif
