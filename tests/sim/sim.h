/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_SIM_SIM_H
#define CTSYNC_TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine.h"
#include "tests/sim/agenda.h"
#include "tests/sim/coverage.h"
#include "tests/sim/kernel_model.h"
#include "tests/sim/dice.h"
#include "tests/sim/keeper.h"
#include "tests/sim/trace.h"

/* One run: a cluster, its network and its clock, all derived from a seed. */
enum {
	SIM_NODES_MAX = 3,
	SIM_LINKS_MAX = 3,
	SIM_DATAGRAM_MAX = 9000,
	SIM_COMMANDS_MAX = 64, /* unanswered commands of one node */

	/* Promises that the invariants check. */
	SIM_CONVERGE_S = 75, /* from the last fault to equal tables everywhere */
	SIM_AGREE_AGAIN_S = 2,
	SIM_TICKS_AT_ONCE_MAX = 200, /* ticks that do not move the deadline past now */
	SIM_STEPS_MAX = 3000000, /* jobs of one run */
	SIM_DATAGRAMS_PER_S_MAX = 20000, /* of one node, at this size of table */
};

/* What happens to datagrams whose bytes change on the way. */
enum sim_corruption {
	SIM_CORRUPT_DROPPED, /* UDP's checksum finds out: to us, a loss */
	SIM_CORRUPT_DELIVERED, /* checksum off: content may be wrong until the next full bulk */
};

struct sim_params {
	unsigned nodes, slots;
	unsigned faults_ms; /* how long faults and traffic go on */

	unsigned loss_permille[SIM_NODES_MAX]; /* by receiver */
	unsigned duplicate_permille, corrupt_permille;
	enum sim_corruption corruption;
	int64_t delay_us, jitter_us;

	unsigned traffic_ms; /* between two rounds of traffic */
	unsigned traffic_round; /* changes in a round, at the most */
	unsigned prefilled; /* flows in each kernel before the first daemon starts */

	size_t events_cap;
	int64_t events_delay_us;
	unsigned gather_permille; /* readings of events that another one follows in any case */
	unsigned dump_abort_permille, refuse_permille;
	bool dump_ahead; /* a dump may tell of changes whose events are still to be read */

	unsigned fault_ms; /* between two faults, on average; 0: none */
	unsigned weight_crash, weight_reboot, weight_freeze, weight_cut, weight_block;
	unsigned weight_stall, weight_command, weight_link;
	uint32_t seq_apart; /* from one node's first sequence number to the next one's */
	unsigned lower_seq_permille; /* restarts with a lower first_seq */
	unsigned late_tick_permille;

	struct engine_config config; /* but for what differs from start to start */
};

struct oldpeer;

/* What a receiver is known to have seen of one slot of an owner's kernel. */
struct sim_view {
	int at; /* index into the owner's history; -1: nothing */
	bool shown; /* just before the datagram at hand */
};

/* What a node's peers said of a slot, when one of them was last seen to say anything. */
struct sim_word {
	mono at, ends; /* by its own timeout; at 0: never */
	uint32_t version;
	bool ours; /* it was in the local table as well */
};

struct sim_node {
	unsigned index;
	bool running;
	unsigned boot; /* counts starts */
	struct engine *engine;
	struct oldpeer *old; /* in the engine's place, or NULL: see oldpeer.h */
	bool was_old; /* there has been one */
	uint8_t *memory; /* with a guard page on both sides */
	size_t memory_bytes;
	struct engine_config config;
	struct engine_addr addr; /* on link 0: sim_addr() */
	bool down[SIM_LINKS_MAX]; /* its interface, or its cable */
	struct kernel_model kernel;
	struct keeper keeper;

	bool woken; /* a pump is on the agenda */
	uint64_t tick; /* number of the valid tick job */
	mono tick_at;
	unsigned ticks_at_once;
	mono frozen_until, blocked_until, stalled_until;
	mono overrun_at; /* events were lost */
	mono answered_at; /* a write was */
	bool drain_due; /* reading of events is on the agenda */
	mono started;

	unsigned ops_in_flight;
	mono op_last, result_last; /* writes and their answers keep their order */
	unsigned machine_boot; /* counts machine starts */
	bool dumping;
	unsigned dump_next, dump_left;
	mono dump_began, dumped_from; /* the last one; the last one that was complete */

	struct {
		uint64_t id;
		enum engine_command_kind kind;
	} commands[SIM_COMMANDS_MAX];
	unsigned commands_count;
	uint64_t command_next;
	struct engine_event done; /* the last ENGINE_EVENT_DONE */
	uint64_t dones;
	mono promoted_at; /* when the last promotion was told to have ended, or was asked for */
	bool promoted;
	bool took_over; /* wrote remote flows as its own since its start */
	bool committed; /* wrote flows into its kernel without telling its peers */
	bool was_frozen;
	bool flushed; /* its tables were emptied by hand since its start */
	bool purged; /* was told to purge its kernel, now or later */
	uint32_t heard[TRAFFIC_SLOTS_MAX]; /* version of the last event that the engine was told */
	mono heard_at[TRAFFIC_SLOTS_MAX]; /* when that was */
	uint32_t left[TRAFFIC_SLOTS_MAX]; /* version that a scheduled purge has left to a peer */
	uint8_t *buf; /* [config.datagram_bytes], so that a longer write is seen */

	uint64_t counters[COUNTERS]; /* of the running engine, when last looked at */
	uint64_t second_start_ns, second_datagrams; /* for the rate limit */

	struct sim_view *views[SIM_NODES_MAX]; /* by owner: [slots] */
	int viewed[SIM_NODES_MAX]; /* as this one of its peers; -1: not yet */
	struct sim_view *views_left[SIM_NODES_MAX][LIMIT_PEERS]; /* as others before, or NULL */
	struct sim_word words[TRAFFIC_SLOTS_MAX];
};

/* What its peers tell goes into its kernel, by and by. */
static inline bool sim_injects(const struct sim_node *n)
{
	return n->config.external_cache_off || n->config.standby_warm;
}

struct sim {
	uint64_t seed;
	struct sim_params params;
	mono now;
	struct trace trace;
	struct agenda agenda;
	struct rng rng_net, rng_kernel, rng_traffic, rng_fault, rng_node, rng_expect, rng_keeper;
	struct sim_node nodes[SIM_NODES_MAX];
	bool cut[SIM_NODES_MAX][SIM_NODES_MAX]; /* [from][to] */
	unsigned home[TRAFFIC_SLOTS_MAX]; /* the node that a connection's packets go through */
	uint32_t version; /* last one given to a flow */
	uint64_t steps;
	bool quiet; /* faults and traffic are over */
	bool relaxed; /* content invariants are off: see SIM_CORRUPT_DELIVERED */
	mono checked; /* last look at everything */
	void *job_data; /* of the running job: freed also if the run fails in it */
	struct coverage coverage;
};

/* A node's address on a link; and the node that has this one, -1: none. */
struct engine_addr sim_addr(const struct sim_node *, unsigned link);
int sim_node_of(const struct sim *, const struct engine_addr *);

/*
 * The node that a peer is. One that restarted on a link where it had not been heard before may
 * be two peers: the one that was heard last, and its former life, which is none.
 */
int sim_node_of_peer(const struct sim *, const struct engine_status *, unsigned peer);

#define sim_fail(sim, ...) trace_fail(&(sim)->trace, __VA_ARGS__)

/* The caller zeroed *sim, and set trace.way_out before anything can fail. */
void sim_init(struct sim *, uint64_t seed, const struct sim_params *, bool verbose);
void sim_fini(struct sim *);

/* Lets time pass up to a moment. */
void sim_run_until(struct sim *, mono);
static inline void sim_run_ms(struct sim *s, int64_t ms)
{
	sim_run_until(s, mono_add_ms(s->now, ms));
}

/* Puts a job on the agenda, delay_ns from now. */
void sim_later(struct sim *, int64_t delay_ns, const struct job *);

#endif
