/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_SIM_NODE_H
#define CTSYNC_TESTS_SIM_NODE_H

#include "tests/sim/sim.h"

/* One machine: its kernel's table, and the daemon around an engine: what moves facts and bytes. */
void node_init(struct sim *, unsigned index);
void node_fini(struct sim_node *);

/* The daemon starts; lower_seq: its first sequence number is below the last one's. */
void node_start(struct sim *, struct sim_node *, bool lower_seq);
void node_crash(struct sim *, struct sim_node *); /* the daemon dies; the kernel goes on */
void node_reboot(struct sim *, struct sim_node *); /* the machine falls over and stays down */

/* Its outputs are pulled soon. To be called after every input. */
void node_wake(struct sim *, struct sim_node *);

/* The kernel has queued an event: the daemon reads it soon. */
void node_events_ready(struct sim *, struct sim_node *);

/* Gives a command; returns its id. */
uint64_t node_command(struct sim *, struct sim_node *, enum engine_command_kind);

/* True if the last command to have ended is this one. */
static inline bool node_has_done(const struct sim_node *n, uint64_t id)
{
	for (unsigned i = 0; i < n->commands_count; i++)
		if (n->commands[i].id == id)
			return false;
	return true;
}

#endif
