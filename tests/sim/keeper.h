/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_SIM_KEEPER_H
#define CTSYNC_TESTS_SIM_KEEPER_H

#include "core/engine.h"
#include "tests/lib/recordset.h"

/*
 * The file in which a warm node keeps what it has written for peers: it outlives the daemon, and
 * not the machine. Every now and then it is written as a whole.
 */
struct keeper {
	struct recordset kept, anew; /* anew: of a rewriting, while it goes on */
	struct recordset former; /* what the running engine was given */
	bool rewriting, has_key;
	uint8_t hash_key[16];
};

struct sim;
struct sim_node;

void keeper_start(struct sim *, struct sim_node *); /* before the engine is made */
void keeper_take(struct sim *, struct sim_node *); /* what the engine has to add */
void keeper_run(struct sim *, struct sim_node *);
void keeper_reboot(struct sim_node *);
void keeper_fini(struct sim_node *);

#endif
