/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_KERNEL_H
#define CTSYNC_DAEMON_KERNEL_H

#include "core/engine.h"
#include "io/drain.h"
#include "io/nldump.h"
#include "io/loop.h"
#include "io/nlbatch.h"
#include "io/nlsock.h"
#include "daemon/record.h"
#include "daemon/stats.h"
#include "parser/config.h"

/* What a dump reads; see kernel_dump.c. */
enum kernel_table { KERNEL_TABLE_FLOWS, KERNEL_TABLE_EXPECTATIONS };

/*
 * The kernel's side of the daemon: three ctnetlink sockets between the kernel and the engine.
 * Events are drained as they come (io/drain.h), writes go in batches, dumps in steps; none of the
 * three waits for another. With PollSecs there is no socket for events.
 */
struct kernel {
	struct stats *stats;
	struct record *record;
	struct engine *engine;
	struct loop *loop;
	struct nlsock events;
	struct loop_watch events_watch;
	struct drain drain;
	struct nlbatch batch;
	struct nldump dump;
	enum kernel_table dumping;
	int64_t dump_buckets; /* of the kernel's hash table when the dump began; 0: unknown */
	bool polling; /* events is closed */
	bool has_expectations; /* they are replicated */
	bool hears_births; /* the socket has joined the group of NEW events */
	bool wants_own_events; /* Stats: a flow that we delete ends like any other */
	uint32_t read_max; /* datagrams of events in one turn */
	uint32_t rcvbuf_max_bytes;
	mono clock; /* of the reading or writing under way */
	struct kernel_told told[ENGINE_TOLD_MAX]; /* read, but not yet told to the engine */
	size_t told_count; /* 0 between readings */
	bool events_left; /* a turn's bound was reached */
	bool ops_left; /* the engine had more operations than one turn takes */
	uint64_t other, bad_attr, too_large, dump_resized;
};

/* Opens the sockets. 0 or a negative errno; *what says which step failed. */
int kernel_open(struct kernel *, struct loop *, struct engine *, struct stats *, struct record *,
	const struct config *, const char **what);
void kernel_close(struct kernel *);

/* One turn: reads due events, steps a dump, executes operations. */
void kernel_run(struct kernel *, mono now);

/* When kernel_run() is wanted although no socket is readable. */
mono kernel_deadline(const struct kernel *, mono now);

#endif
