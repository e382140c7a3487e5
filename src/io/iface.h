/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_IO_IFACE_H
#define CTSYNC_IO_IFACE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "io/nlsock.h"

/*
 * The state of a few network interfaces, by name, kept up to date by rtnetlink. An interface need
 * not exist; it may come, go, be renamed.
 */
enum { IFACE_MAX = 8 };

struct iface {
	char name[IF_NAMESIZE];
	unsigned index; /* 0: there is none of this name */
	unsigned mtu;
	bool up; /* IFF_UP */
	bool running; /* IFF_RUNNING: has a carrier */
};

struct iface_watch {
	struct nlsock sock; /* sock.fd: for the loop */
	unsigned count;
	struct iface ifaces[IFACE_MAX];
};

/* Called with what there was and what there is, after any difference between the two. */
typedef void iface_change_fn(void *ctx, const struct iface *old, const struct iface *now);

/* 0 or negative errno. */
int iface_watch_init(struct iface_watch *);
void iface_watch_fini(struct iface_watch *);

/*
 * Watches an interface; returns its index in ifaces[], whose state is set. -ENOSPC, -EINVAL (name),
 * other negative errnos.
 */
int iface_watch_add(struct iface_watch *, const char *name);

/* Reads what has happened. 0 or negative errno. */
int iface_watch_read(struct iface_watch *, iface_change_fn *, void *ctx);

/* The fresh state of one interface, without a watch. 0 (even if there is none) or negative errno.
 */
int iface_query(const char *name, struct iface *);

/* Whether an IPv4 address (network byte order) is one of the interface's now. */
bool iface_has_v4(const char *name, uint32_t addr_be);

#endif
