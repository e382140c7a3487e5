/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_KERNEL_EVENTS_H
#define CTSYNC_DAEMON_KERNEL_EVENTS_H

#include "daemon/kernel.h"

/* The socket on which the kernel tells of what happens; there is none when it is polled. */

/* Opens it, with the filter attached, and joins the groups. As kernel_open(). */
int kernel_events_open(struct kernel *, const struct config_general *, const char **what);

/*
 * Joins or leaves the group of NEW events, as engine_wants_births() says. 0, also if nothing is to
 * be done, or a negative errno; then they are not heard, and it is to be tried again.
 */
int kernel_events_hear_births(struct kernel *);

/* One bounded reading; true if it has not emptied the socket. */
bool kernel_events_read(struct kernel *, mono now);

/*
 * The engine takes every event after a dump's begin for newer than the dump, so what is older has
 * to be handed over before. Bounded: under overload the socket is never empty, and what that lets
 * through the next dump puts right.
 */
void kernel_events_catch_up(struct kernel *, mono now);

/* Its readability; ctx is the struct kernel. */
void kernel_events_on_readable(void *ctx, unsigned ready);

/* A message of a dump; ctx is the struct kernel. */
void kernel_events_on_dumped(void *ctx, const struct nlmsghdr *, size_t len);

#endif
