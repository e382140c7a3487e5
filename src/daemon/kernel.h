/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_KERNEL_H
#define CTSYNC_DAEMON_KERNEL_H

#include "core/engine.h"
#include "io/drain.h"
#include "io/nldump.h"
#include "io/loop.h"
#include "io/nlbatch.h"
#include "io/nlsock.h"
#include "parser/config.h"

/*
 * The kernel's side of the daemon: three ctnetlink sockets between the kernel and the engine.
 * Events are drained as they come (io/drain.h), writes go in batches, dumps in steps; none of the
 * three waits for another.
 */
struct kernel {
	struct engine *engine;
	struct loop *loop;
	struct nlsock events;
	struct loop_watch events_watch;
	struct drain drain;
	struct nlbatch batch;
	struct nldump dump;
	uint32_t rcvbuf_max_bytes;
	mono clock; /* of the reading or writing under way */
	bool reading_dump;
	bool ops_left; /* the engine had more operations than one turn takes */
	uint64_t other, bad_attr, too_large;
};

/*
 * Opens the sockets, attaches the filter, joins the events. filter is the configured one if the
 * kernel is to apply it, else NULL. 0 or a negative errno; *what says which step failed.
 */
int kernel_open(struct kernel *, struct loop *, struct engine *, const struct config_general *,
	const char **what);
void kernel_close(struct kernel *);

/* One turn: reads due events, steps a dump, executes operations. */
void kernel_run(struct kernel *, mono now);

/* When kernel_run() is wanted although no socket is readable. */
mono kernel_deadline(const struct kernel *, mono now);

#endif
