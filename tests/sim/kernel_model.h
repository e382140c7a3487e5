/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_SIM_KERNEL_MODEL_H
#define CTSYNC_TESTS_SIM_KERNEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"
#include "core/engine.h"
#include "tests/sim/expect_model.h"
#include "tests/sim/history.h"
#include "tests/sim/traffic.h"

/*
 * A kernel's connection table as its user sees it through ctnetlink: flows by slot, a bounded
 * queue of events, piecewise dumps, and writes that it may refuse. A flow that is born while
 * nobody listens never sends an event ("silent"), and neither do the engine's own writes.
 */
struct kernel_entry {
	bool live, silent;
	bool given_time; /* its last write named nothing but a timeout: it is left to its timer */
	bool end_refused; /* somebody asked for its end, in vain */
	bool refused; /* so did this daemon for its last write, */
	uint32_t refused_version; /* that would have brought this */
	mono expires;
	mono ends; /* when it would, if none were frozen */
	struct flow flow; /* flow.timeout counts from the last change */
};

struct kernel_fact {
	enum kernel_event kind;
	bool is_expect;
	struct flow flow;
	struct expect expect;
};

struct kernel_model {
	unsigned slots;
	struct kernel_entry *entries; /* [slots] */
	struct history *history; /* [slots] */
	struct expect_model expects;
	uint32_t next_id;

	bool listened; /* somebody holds an event socket */
	bool births_unheard; /* but not the one of births */
	bool tells_parts; /* an update's event does not name the master */
	bool never_silent; /* nf_conntrack_events=1 */
	struct kernel_fact *events; /* ring [events_cap] */
	size_t events_first, events_count, events_cap;
	bool events_lost;

	unsigned refuse_permille; /* of writes */
	bool frozen; /* no flow expires any more */
};

void kernel_init(struct kernel_model *, unsigned slots, size_t events_cap);
void kernel_fini(struct kernel_model *);

/* Power off and on: the table is empty. */
void kernel_reboot(struct kernel_model *, mono now);

/* The socket's owner is gone, or there again. */
void kernel_listen(struct kernel_model *, bool);

/* Traffic. The flow's id and what is left of its life are set here. */
void kernel_put(struct kernel_model *, mono now, unsigned slot, const struct flow *);
void kernel_end(struct kernel_model *, mono now, unsigned slot);
void kernel_expire(struct kernel_model *, mono now);

/* Packets that change nothing but the timeout: no event tells. */
void kernel_touch(struct kernel_model *, mono now, unsigned slot);

/* No flow expires from now on. */
void kernel_freeze(struct kernel_model *);

/* Queues an event, if anybody is to hear it. */
void kernel_tell(struct kernel_model *, const struct kernel_fact *, bool silent);

/* The oldest event; false if there is none. */
bool kernel_next_event(struct kernel_model *, struct kernel_fact *);

/* What a dump says about a slot; false if it is empty. */
bool kernel_read(const struct kernel_model *, mono now, unsigned slot, struct flow *);

/* Carries out an engine's write; 0 or errno > 0. */
int kernel_write(struct kernel_model *, mono now, struct rng *, const struct kernel_op *);

unsigned kernel_count(const struct kernel_model *);

#endif
