/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_IO_LOOP_H
#define CTSYNC_IO_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/mono.h"

/*
 * The event loop: epoll, one deadline, signals as events. The only reader of the monotonic clock.
 * Nothing is allocated after loop_init(); a watch is caller's memory and must stay where it is
 * while it is in the loop.
 */
enum { LOOP_READ = 1 << 0, LOOP_WRITE = 1 << 1, LOOP_HANGUP = 1 << 2 };

/*
 * ready: LOOP_READ, LOOP_WRITE, LOOP_HANGUP. An error or a hangup is reported even if nothing is
 * wanted, and again each turn until the descriptor is read, closed or removed.
 */
typedef void loop_watch_fn(void *ctx, unsigned ready);
typedef void loop_signal_fn(void *ctx, int signo);

struct loop_watch {
	int fd;
	unsigned wanted;
	bool in_loop;
	loop_watch_fn *fn;
	void *ctx;
};

enum { LOOP_EVENTS = 64 }; /* taken from the kernel at a time */

struct loop {
	int epoll_fd;
	mono now;
	bool no_pwait2; /* older kernel: deadlines are rounded up to milliseconds */
	struct loop_watch signal_watch;
	loop_signal_fn *on_signal;
	void *signal_ctx;
	struct epoll_event events[LOOP_EVENTS];
	int events_count, events_at;
};

/* 0 or the negative errno of epoll_create1(). */
int loop_init(struct loop *);
void loop_fini(struct loop *);

/*
 * From now on SIGTERM, SIGINT and SIGHUP are blocked and given to fn inside loop_run_once();
 * SIGPIPE is ignored. 0 or negative errno.
 */
int loop_catch_signals(struct loop *, loop_signal_fn *, void *ctx);

/* wanted: LOOP_READ | LOOP_WRITE, or 0 for now. 0 or negative errno. */
int loop_add(
	struct loop *, struct loop_watch *, int fd, unsigned wanted, loop_watch_fn *, void *ctx);

/* Changes the interest; no system call if it is that already. 0 or negative errno. */
int loop_want(struct loop *, struct loop_watch *, unsigned wanted);

/* Before the fd is closed. A removed watch is not called any more, even if it was due. */
void loop_remove(struct loop *, struct loop_watch *);

/*
 * One turn: waits until a watch is ready or the deadline is reached (MONO_NEVER: no deadline; one
 * in the past: no wait), sets the time, calls the watches. Returns the number called, or the
 * negative errno of epoll. The grain of the deadline is a nanosecond.
 */
int loop_run_once(struct loop *, mono deadline);

/* The time of this turn. Set by loop_init() and loop_run_once(). */
static inline mono loop_now(const struct loop *loop)
{
	return loop->now;
}

/* The clock itself (CLOCK_MONOTONIC), for measuring; a call costs some 20 ns. */
mono loop_clock(void);

#endif
