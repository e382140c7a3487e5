/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_IO_NOTIFY_H
#define CTSYNC_IO_NOTIFY_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include "base/mono.h"

/*
 * What the service manager wants to know: datagrams of "NAME=value" lines to $NOTIFY_SOCKET
 * (sd_notify(3) describes them). Without that variable every call succeeds and does nothing.
 */
struct notify {
	int fd; /* -1: nobody wants to know */
	struct sockaddr_un addr;
	socklen_t addr_len;
	int64_t watchdog_ns; /* half of $WATCHDOG_USEC; 0: no watchdog */
	mono watchdog_at;
};

/*
 * Reads the environment ($WATCHDOG_PID is honoured). 0, or a negative errno if the address is
 * unusable; the struct is valid in any case.
 */
int notify_init(struct notify *, mono now);
void notify_fini(struct notify *);

/* Each: 0 or the negative errno of sendmsg(). text may not hold a newline. */
int notify_ready(struct notify *);
int notify_reloading(struct notify *, mono now);
int notify_stopping(struct notify *);
int notify_main_pid(struct notify *, pid_t pid);
int notify_status(struct notify *, const char *text);

/* Sends WATCHDOG=1 when half the interval has passed; to be called at notify_deadline(). */
int notify_tick(struct notify *, mono now);
mono notify_deadline(const struct notify *);

#endif
