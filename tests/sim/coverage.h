/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_SIM_COVERAGE_H
#define CTSYNC_TESTS_SIM_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/counters.h"

/*
 * What really happened: X(NAME, "name", floor). The floor is how many times it has to have
 * happened in a run of COVERAGE_SEEDS seeds; a simulation without faults proves nothing.
 */
#define COVERAGE(X)                                                                                \
	X(SENT, "datagrams sent", 10000)                                                           \
	X(LOST, "datagrams lost", 1000)                                                            \
	X(DUPLICATED, "datagrams duplicated", 100)                                                 \
	X(OVERTAKEN, "datagrams overtaken", 100)                                                   \
	X(CORRUPTED, "datagrams corrupted", 50)                                                    \
	X(CUT, "partitions", 20)                                                                   \
	X(LINK, "links lost", 20)                                                                  \
	X(CRASHED, "daemons crashed", 20)                                                          \
	X(REBOOTED, "nodes rebooted", 20)                                                          \
	X(LOWER_SEQ, "restarts with a lower sequence number", 5)                                   \
	X(FROZEN, "daemons stopped for a while", 20)                                               \
	X(BLOCKED, "sockets without room", 20)                                                     \
	X(STALLED, "event sockets not read", 20)                                                   \
	X(OVERRUN, "event queues overrun", 20)                                                     \
	X(DEAFENED, "commits without NEW events", 20)                                              \
	X(UNHEARD, "flows born meanwhile", 1)                                                      \
	X(NEVER_HEARD, "flows born where no NEW events are wanted", 2000)                          \
	X(DUMP, "dumps", 200)                                                                      \
	X(DUMP_ABORTED, "dumps interrupted", 20)                                                   \
	X(DUMP_STALE, "dumped flows older than their events", 20)                                  \
	X(WRITTEN, "kernel writes done", 500)                                                      \
	X(REFUSED, "kernel writes refused", 50)                                                    \
	X(RECORDED, "writes for peers that a former daemon left a record of", 200)                 \
	X(REWRITTEN, "such records written as a whole", 200)                                       \
	X(COMMAND, "commands", 200)                                                                \
	X(BORN, "flows born", 2000)                                                                \
	X(REBORN, "flows born again on the same tuple", 500)                                       \
	X(CHANGED, "flows changed", 2000)                                                          \
	X(ENDED, "flows ended", 1000)                                                              \
	X(SILENT, "silent flows born", 50)                                                         \
	X(LATE_TICK, "ticks late by more than a second", 20)                                       \
	X(EXPECT_BORN, "expectations born", 2000)                                                  \
	X(EXPECT_ENDED, "expectations fulfilled", 300)                                             \
	X(EXPECT_VIEWS, "shown expectations compared", 5000)                                       \
	X(RELEASED, "ranges of memory given back", 200)                                            \
	X(VIEWS, "shown flows compared", 10000)

#define X(name, text, floor) COVERAGE_##name,
enum coverage_kind { COVERAGE(X) COVERAGE_KINDS };
#undef X

enum { COVERAGE_SEEDS = 200 };

struct coverage {
	uint64_t count[COVERAGE_KINDS];
	uint64_t engine[COUNTERS]; /* all engines' counters, over all their lives */
	int64_t converge_ms_max;
};

void coverage_add(struct coverage *to, const struct coverage *);
void coverage_print(const struct coverage *);

/* False, and the names are printed, if something did not happen often enough in so many seeds. */
bool coverage_enough(const struct coverage *, uint64_t seeds);

#endif
