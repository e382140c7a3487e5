/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_IO_DRAIN_H
#define CTSYNC_IO_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

/*
 * When to read a busy socket. Idle: at once when it is readable, since latency counts.
 * Busy (messages_busy or more within gather_ns): not before gather_ns after the last reading, so
 * that one wake-up takes many; twice as long while messages_many would not come in that time,
 * since a wake-up costs as much as several messages (drain_stretch()). It goes idle again after
 * DRAIN_QUIET_GATHERINGS in a row that brought fewer than messages_busy: events come in bursts, and
 * the first ones of a burst that is met idle cost a wake-up and a datagram each. Pure: it reads no
 * clock and knows no socket.
 *
 * A socket whose buffer might overflow meanwhile is gathered for as long as brings messages_full,
 * gather_ns at the most; drain_bound() says so. That begins with DRAIN_FIRST_PART of gather_ns.
 *
 * Use: watch the socket while drain_wants_wake(); read it when it is readable or when
 * drain_deadline() has come, until it is empty; then call drain_done() and look again. Who has a
 * reason may read it sooner.
 */
struct drain {
	int64_t gather_ns;
	unsigned messages_busy;
	unsigned messages_many; /* 0: never longer than gather_ns */
	unsigned messages_full; /* 0: no bound */
	int64_t interval_ns; /* busy: of the present gathering */
	bool busy;
	unsigned quiet; /* busy: gatherings in a row that brought too few */
	mono next; /* busy: when to read */
	mono last; /* busy: when it was read */
	mono window; /* idle: since when messages are counted */
	unsigned window_messages;
	uint64_t switches; /* idle to busy */
};

enum {
	DRAIN_MESSAGES_BUSY = 16,
	DRAIN_GATHER_NS = 1000000,
	DRAIN_QUIET_GATHERINGS = 16,
	DRAIN_MESSAGES_MANY = 64
};

enum { DRAIN_FIRST_PART = 4, DRAIN_LEAST_PART = 64 }; /* of gather_ns */

void drain_init(struct drain *, unsigned messages_busy, int64_t gather_ns);
void drain_stretch(struct drain *, unsigned messages_many);
void drain_bound(struct drain *, unsigned messages_full);

/* Has the socket been read until empty (or as far as one turn may), giving so many messages? */
void drain_done(struct drain *, mono now, unsigned messages);

/* Is the socket to be watched? */
static inline bool drain_wants_wake(const struct drain *d)
{
	return !d->busy;
}

/* When the socket is to be read without having been watched; MONO_NEVER when idle. */
static inline mono drain_deadline(const struct drain *d)
{
	return d->busy ? d->next : MONO_NEVER;
}

#endif
