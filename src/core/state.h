/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_STATE_H
#define CTSYNC_CORE_STATE_H

#include "base/bucket.h"
#include "core/engine.h"
#include "core/table.h"
#include "wire/v1.h"

/* The engine's state, for the files of core/ alone. Each part belongs to the file named with it. */

/* A control message: waiting to be sent, or sent and kept for resending (sender.c). */
enum control_kind {
	CONTROL_ALIVE,
	CONTROL_ACK,
	CONTROL_NACK,
	CONTROL_RESYNC,
	CONTROL_MARK_HELLO,
	CONTROL_BULK_BEGIN,
	CONTROL_BULK_END,
};

struct control {
	uint8_t kind; /* enum control_kind */
	uint8_t peer; /* index; of ACK and NACK */
	uint32_t a, b; /* ACK, NACK: from, to; BULK_*: generation, flows */
	uint32_t seq; /* of a sent one */
};

enum bulk_state { BULK_NONE, BULK_WANTED, BULK_RUNNING };

/* Sending the whole local table (bulk.c). */
struct bulk {
	enum bulk_state state;
	bool again; /* asked for while one was running */
	bool spaced; /* wanted by a change of link, but too soon after the last such one */
	mono spaced_next;
	bool end_again; /* repair touched the last one: its end is to be said again */
	bool known; /* begin_seq is that of a bulk */
	uint32_t gen;
	uint32_t begin_seq;
	uint32_t end_seq; /* of the last END said */
	mono began;
	uint32_t flows; /* and expectations: sent since its begin */
	bool expects; /* the flows have been walked over */
	uint64_t cursor;
};

/* How far whole tables and repairs go ahead of what peers have acknowledged (pace.c). */
struct pace {
	uint32_t window; /* messages */
	uint32_t threshold; /* it doubles up to here, and grows by steps from there */
	uint32_t cut_seq; /* our next number when it was halved last */
	mono until; /* acknowledgements are waited for, but no longer; or never */
	uint32_t go_seq; /* none need be waited for before this number */
};

/* The dedicated links (link.c). */
struct links {
	unsigned current;
	bool usable[LIMIT_LINKS];
	mono follow_at; /* a peer is followed to another link from then on */
};

struct sender {
	uint32_t first_seq, next_seq;
	uint32_t said_seq; /* newest number of what is more than an ALIVE or an ACK */
	bool hello_done; /* a peer has answered our HELLO */
	bool hello_back; /* the next message answers a HELLO */
	bool stale_known; /* stale_seq is the newest number of a deletion given up unacknowledged */
	uint32_t stale_seq;
	bool gone_known; /* gone_seq is the newest number of a control message not kept any more */
	uint32_t gone_seq;
	bool gathering, filled; /* a reading follows; a datagram was filled since the last one */
	uint32_t fill; /* how many entries did */
	bool probe_due; /* flows were said since the last probe */
	mono alive_at;
	struct control queue[LIMIT_CONTROL_QUEUE];
	uint32_t queue_head, queue_count;
	struct control sent[LIMIT_CONTROL_RESEND];
	uint32_t sent_head, sent_count;
};

enum { PEER_OLD_BOOTS = 4 };

/* What is known of a peer's address on one link (addr.c). */
enum peer_addr_state {
	PEER_ADDR_NONE,
	PEER_ADDR_WRONG, /* this one was taken for the peer's, and is not */
	PEER_ADDR_GUESSED,
	PEER_ADDR_SURE,
};

struct peer_link {
	enum peer_addr_state state;
	struct engine_addr addr;
	mono late_since, late_last; /* nothing but old numbers came from there; or never */
};

struct peer {
	bool used;
	struct engine_addr addr; /* the one it was last heard from, on this link */
	unsigned link;
	struct peer_link links[LIMIT_LINKS];
	bool superseded; /* its process is another peer, which has its addresses */
	uint8_t successor;
	struct table remote;

	/* what we hear: peer.c */
	mono heard;
	bool silent;
	bool seen; /* last_recv is set */
	uint32_t last_recv;
	bool last_hello; /* the last message taken had HELLO */
	mono before_since; /* nothing but old numbers comes since then; or never */
	bool is_ctsync;
	bool boot_known;
	uint32_t boot_id;
	uint32_t old_boots[PEER_OLD_BOOTS];
	uint8_t old_boots_count, old_boots_next;
	uint64_t lost;
	bool hello_open; /* a conntrackd that may still hear a HELLO of ours, up to hello_last */
	bool hello_gap; /* and something was lost since then */
	uint32_t hello_last;

	/* acknowledging: ack.c */
	bool ack_set;
	uint32_t ack_from;
	mono ack_at;
	uint32_t window;
	bool nack_wait; /* a NACK of ours is not yet known to have arrived */
	bool bulk_nack; /* one that was sent since the bulk's begin */
	bool nack_sent; /* and nack_seq is the last one's number */
	uint16_t nacks_queued; /* not sent yet */
	uint32_t nack_seq;
	mono nack_at; /* when the last one was queued */

	/* what it acknowledges: ack.c */
	bool answered; /* HELLO_BACK or an ACK has come */
	bool acked_set;
	uint32_t acked; /* all of ours up to here has arrived or been asked for again */
	bool island_set; /* also this range, behind a hole */
	uint32_t island_from, island_to;
	mono island_at;
	mono calm_since; /* nack_wait is off since then */
	uint32_t lag_seq; /* our newest number at lag_at */
	mono lag_at;

	/* its table: remote.c */
	uint32_t epoch; /* goes up with each bulk's begin, each restart and (NOTRACK) each loss */
	uint32_t sure_epoch; /* nothing was lost since its begin */
	bool older; /* there was something here when the epoch began: it may be there still */
	bool bulk_open; /* between a BEGIN and its clean END */
	bool synced; /* its table was complete here once since its last restart */
	bool unconfirmed; /* entries of an older epoch wait for a bulk, or for their timeout */
	bool hold; /* it came back empty: they wait for their timeout */
	uint32_t bulk_gen;
	uint32_t bulk_flows, bulk_total; /* with expectations */
	bool partial; /* its updates tell only changes */
	mono sweep_at; /* of a conntrackd peer: when unconfirmed entries go */
	bool missed; /* flows of it were refused: there was no room */
	bool data_since; /* a data message came since its restart */
	bool leaving; /* silent, and its place is wanted: its flows go */
	bool sweeping;
	uint32_t sweep_epoch;
	uint64_t sweep_cursor;
	uint64_t expire_cursor;

	/* asking and answering: peer.c, repair.c */
	mono introduce_next;
	bool resync_wanted;
	mono resync_at, resync_next;
	bool bulk_wanted;
	mono bulk_next;
	struct bucket repair;
	struct bucket told; /* events: a line in the log each */
	bool repair_pending;
	uint32_t repair_from, repair_to;
	bool ahead; /* it takes nothing of ours up to ahead_to: a wild number misled it */
	uint32_t ahead_from, ahead_to;
	mono ahead_until;

	/* where nobody acknowledges: loss.c */
	bool gap; /* something was lost, and is not known to be made good */
	mono gap_at; /* when the last loss was noticed */
	int64_t pause_ms; /* least time until the next resync for a loss */
	uint8_t asked; /* times that conntrackd was asked and did not send its table */
	uint32_t old, renamed; /* entries when it was asked; those of them heard of since */
	mono since; /* ALARM: all that it holds is to be heard within a refresh from then */
	mono expire_began; /* ALARM: a walk over its table, refresh.c */
};

/* Kernel dumps (dumper.c). */
struct dump {
	bool wanted, asked, running, sweeping;
	bool overrun; /* wanted or running because of an overrun, or of the start */
	bool repair; /* events were lost since one began: wanted when that is over */
	bool complete; /* one has ended well since start or flush */
	bool flushed; /* the running one began before a flush: it is void, and repeated */
	bool deaf; /* births are not listened to: none is asked for, and a running one misses some
		    */
	uint8_t gen;
	uint64_t id;
	mono not_before, began, ended, poll_at;
	mono lost_at; /* when events were last told to be lost */
	int64_t took_ns;
	uint64_t cursor;
};

/* ALARM: everything is said again and again (refresh.c). */
struct refresh {
	mono began; /* of this round over the local table */
	uint64_t cursor;
	mono tick_at;
	mono again_at; /* when deletions are said once more */
	uint32_t again_seq; /* those that were said before this number */
};

/* No internal cache: what a dump tells is passed on (relay.c). */
struct relay {
	bool begin_due, end_due; /* marks that are to be said */
	uint32_t left; /* entries that go before the end mark */
	bool missed; /* there was no room for a change: a dump is to follow */
	bool stale; /* peers know more, until the end mark: see peers_know_more */
	bool collecting; /* the running dump is for a purge */
	bool collected; /* all that the purge is about is in the local table */
};

enum op_purpose { OP_COMMIT, OP_PURGE, OP_INJECT, OP_PURPOSES };

/* A kernel operation that is unanswered or waits to be repeated (kernel_ops.c). */
struct op {
	uint64_t id; /* 0: free */
	uint8_t kind; /* enum kernel_op_kind */
	uint8_t purpose; /* enum op_purpose */
	uint8_t peer;
	uint8_t tries;
	bool destroyed; /* an event said so meanwhile */
	bool without_status;
	bool keyless; /* without the ports that its protocol has */
	bool promote;
	bool hurried; /* an OP_INJECT that a commit waits for */
	uint32_t flow_id; /* of an OP_PURGE; 0: unknown */
	uint64_t state; /* hash of the entry that was written */
	/* of an OP_INJECT */
	bool renew; /* a DELETE that a CREATE follows */
	bool ending; /* the flow has ended for the peer that told it */
	/* the detached entry: of what is ending, or of what has ended while this was under way */
	uint32_t gone;
	uint64_t known; /* hash of the local entry that was updated */
	struct table_key key;
};

struct ops {
	struct op op[LIMIT_KERNEL_OPS_IN_FLIGHT];
	uint32_t free[LIMIT_KERNEL_OPS_IN_FLIGHT]; /* stack of free slots */
	uint32_t free_count;
	uint32_t again[LIMIT_KERNEL_OPS_IN_FLIGHT]; /* ring of slots to be repeated */
	uint32_t again_head, again_count;
	uint64_t ids;
	uint32_t by_purpose[OP_PURPOSES];
	bool unsure; /* of what the kernel has now: a dump is to follow the last answer */
};

/* What a commit or a purge tells at its end. */
struct tally {
	mono began;
	uint64_t written, refused, skipped;
	uint64_t expect_written, expect_refused; /* of the first two: expectations */
	struct {
		int err;
		uint64_t count;
	} errnos[ENGINE_ERRNOS_MAX];
};

enum commit_pass { COMMIT_FLOWS, COMMIT_RELATED, COMMIT_EXPECTATIONS };

/*
 * Where an entry of a peer's table hangs that the kernel does not have as it was told
 * (inject_list.c). The two lower bits are the entry's, the third is REMOTE_LATER.
 */
enum inject_list {
	INJECT_UNLISTED,
	INJECT_QUEUE, /* to be written, or ended, now */
	INJECT_RELATED, /* so are flows with a master and expectations, behind the others */
	INJECT_WAITING, /* warm: to be looked at when it has its age, in that order */
	INJECT_REFUSED = 5, /* warm: the kernel did not take it; it is tried again */
	INJECT_LATE, /* a related one whose master was not there: so is this, a moment later */
	INJECT_AGED = 7, /* warm: has its age, but not settled: told again, or by a promotion */
	INJECT_LISTS,
};

/*
 * Keys of entries that a commit comes to next, from the table that it is in: their slots in the
 * local table are fetched into the cache meanwhile.
 */
enum { COMMIT_AHEAD_MAX = 8 };

struct commit_ahead {
	struct table_key ring[COMMIT_AHEAD_MAX];
	unsigned head, count;
};

struct commit {
	bool running, promote;
	bool walked; /* all flows have been looked at */
	bool more; /* a look was cut short, and goes on with the next pull */
	bool masters; /* the first pass has seen flows with a master */
	uint8_t scope; /* enum engine_scope */
	uint8_t pass; /* enum commit_pass */
	uint8_t peer;
	uint64_t cursor;
	struct commit_ahead ahead;
	struct tally tally;
	/* a warm standby: it is the difference that is written, from the chains */
	bool warm;
	uint32_t left[INJECT_LISTS]; /* so many entries of each are looked at */
	uint32_t hurried; /* writes that are unanswered */
};

/* A promotion moves what the kernel has into the local table (take.c). */
struct take {
	bool running;
	unsigned peer;
	uint64_t cursor;
};

struct purge {
	bool running, by_timer, walked, more;
	enum engine_scope scope;
	bool flush_expect; /* the expectations are still to be flushed */
	uint8_t table; /* 0: local, else peer's index + 1 */
	uint64_t cursor;
	bool scheduled;
	mono at;
	struct tally tally;
};

/* Giving memory back (release.c). */
struct release {
	mono look_at; /* not before, where there is something to look for */
	mono step_at;
	uint32_t chunks; /* empty ones that may be given back */
	uint16_t ranges; /* that may be told before the next step */
	bool thins; /* nearly empty chunks are being emptied */
	bool moved; /* the last one chosen has lost an entry */
};

/* A standby whose kernel has what has settled (warm.c). */
struct warm {
	struct bucket rate; /* of writes */
	bool dry; /* nothing is left of it, and there is more to write */
	bool woken; /* a tick has come for a write that is due: the next pull makes it */
	mono retry_at; /* when what was refused is tried again; it has to wait longer each time */
	int64_t retry_ms;
	uint32_t retry_left; /* of this try: entries that are still to be written */
	mono tick_at; /* the walk that keeps timeouts from running out */
	mono walk_began;
	uint64_t walk_cursor[LIMIT_PEERS];
};

/* Writing into the kernel what peers tell (inject.c). */
struct inject {
	struct entry_chain chain[INJECT_LISTS]; /* by enum inject_list */
	uint32_t expects; /* of the entries on the chains */
	struct warm warm;
	mono late_at; /* INJECT_LATE not before: their masters may be on the way */
	uint32_t gone; /* entries that are in no table any more, but are still to be ended */
	struct index ended; /* finds them */
	bool owner; /* the operator has said that what our kernel holds is ours */
	bool stood_down; /* and since then that another node carries it now */
	bool yielded; /* flows were left to peers, who have not been told */
	mono yielded_at;
	bool unsure; /* of what the kernel has: a dump is to tell, when its time has come */
	bool more; /* a look was cut short, and goes on with the next pull */
	uint8_t sweep_peer; /* of a dump's end */
	uint64_t sweep_cursor;
};

/* What the next process has to know (record.c). */
struct record {
	struct engine_record ring[LIMIT_RECORDS];
	uint32_t head, count;
	bool again; /* something is missing in what was told, or needless */
	bool rewriting;
	unsigned peer; /* of a rewriting: whose table it is at */
	uint64_t cursor;
};

/* What a former process wrote for peers, and none of them has told yet (former.c). */
struct former {
	struct table table; /* TABLE_FORMER */
	const struct engine_record *set; /* until it was compared with the kernel's table */
	size_t set_count;
	uint64_t sweep_cursor, cursor;
	mono since; /* all peers are in step; or never */
	bool ending; /* what is in the table goes */
};

struct command_slot {
	bool used;
	enum engine_command_kind kind;
	uint64_t id;
	mono began;
};

struct event_ring {
	struct engine_event event[LIMIT_EVENTS_QUEUE];
	uint32_t head, count;
	bool full_told;
	mono full_next;
};

/*
 * Data messages of the datagram that is being read, on their way into a remote table. They go
 * there together: what each of them needs of the index and of the store is fetched into the cache
 * for all of them first, so that they wait for the memory once and not one after the other.
 */
enum { ARRIVALS_MAX = 32 };

struct arrival {
	struct peer *peer;
	bool ended; /* CT_DEL */
	bool partial; /* a CT_UPD that may say only what has changed */
	struct wire_v1_message message; /* its bytes are the datagram's */
	struct table_key key;
	struct table_packed packed; /* unless it has ended */
};

struct arrivals {
	struct arrival arrival[ARRIVALS_MAX];
	unsigned count;
};

struct engine {
	struct engine_config config;
	mono start, now;
	enum engine_role role;
	bool was_active; /* has been PRIMARY since start or the last purge */
	uint64_t counters[COUNTERS];

	struct store store;
	struct table local;
	uint64_t local_silent;
	uint32_t tombs; /* dead entries that are queued or wait for an acknowledgement */
	uint32_t dead; /* all dead entries; the rest are marks of a running dump */
	uint32_t dead_expects; /* of them, expectations */
	struct entry_chain queued, held, repairs, sent, tomb; /* queue.c */

	struct links links;
	struct sender sender;
	struct bulk bulk;
	struct pace pace;
	struct refresh refresh;
	struct relay relay;
	struct peer peers[LIMIT_PEERS];
	unsigned peers_count;
	struct arrivals arrivals; /* empty between calls */
	bool peers_know_more; /* flows were forgotten that peers have not been told the end of */
	bool kernel_synced;
	struct dump dump;
	struct ops ops;
	struct commit commit;
	struct take take;
	struct purge purge;
	struct inject inject;
	struct release release;
	struct record record;
	struct former former;
	struct command_slot commands[LIMIT_COMMANDS];
	struct event_ring events;
	mono refused_next; /* when PEER_REFUSED may be told again */
	mono ticked;
};

/* FTFW: what is said is acknowledged, or said again. */
static inline bool engine_acknowledges(const struct engine *e)
{
	return e->config.mode == ENGINE_MODE_FTFW;
}

/* What peers tell goes into the kernel, at once or when it has settled: inject.h. */
static inline bool engine_injects(const struct engine *e)
{
	return e->config.external_cache_off || e->config.standby_warm;
}

/* There is someone to talk to, and words for other things than flows. */
static inline bool engine_has_control(const struct engine *e)
{
	return e->config.links > 0 && e->config.mode != ENGINE_MODE_ALARM;
}

/* Time never goes backwards, whatever a caller says. */
static inline void engine_set_now(struct engine *e, mono now)
{
	if (mono_before(e->now, now))
		e->now = now;
}

static inline void engine_count(struct engine *e, enum counter c)
{
	e->counters[c]++;
}

/* Coarse time, as entries keep it [100 ms since the engine's start]. */
static inline uint32_t engine_coarse(const struct engine *e, mono t)
{
	return (uint32_t)(mono_diff_ms(t, e->start) / 100);
}

/* The peers are the first peers_count of the array. */
static inline struct table *engine_table_of(struct engine *e, unsigned id)
{
	if (id == TABLE_FORMER)
		return &e->former.table;
	return id == TABLE_LOCAL ? &e->local : &e->peers[id - 1].remote;
}

/* What is left of a timeout [s] learned at touched; can be below 0. */
static inline int64_t engine_timeout_left(
	const struct engine *e, uint32_t touched, uint32_t timeout)
{
	return (int64_t)timeout - (int64_t)(engine_coarse(e, e->now) - touched) / 10;
}

#endif
