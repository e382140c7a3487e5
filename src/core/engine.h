/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_ENGINE_H
#define CTSYNC_CORE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"
#include "core/counters.h"
#include "core/limits.h"
#include "flow/expect.h"
#include "flow/expect_filter.h"
#include "flow/filter.h"
#include "flow/flow.h"

/*
 * The engine: connection tables and the replication protocol as a value. Facts go in, each with
 * the time at which it was observed; outputs are pulled. It makes no system call, reads no clock,
 * allocates nothing after engine_init and prints nothing, so that many of them run in one process
 * against model kernels and a model network (tests/sim), on the same objects the daemon links.
 *
 * Not thread-safe: one thread owns an engine. A call costs O(1) (amortised over table growth),
 * unless its comment says otherwise. Time never goes backwards from call to call.
 */
struct engine;

enum { ENGINE_ADDR_BYTES = 16 };

/* Who sent a datagram: IPv6 or v4-mapped address. The port is no part of an identity. */
struct engine_addr {
	uint8_t bytes[ENGINE_ADDR_BYTES];
};

/*
 * How nodes talk (doc/PROTOCOL.md): FTFW acknowledges and repairs, NOTRACK numbers its messages and
 * asks for a whole table where one is missing, ALARM says everything again and again.
 */
enum engine_mode { ENGINE_MODE_FTFW, ENGINE_MODE_ALARM, ENGINE_MODE_NOTRACK };

enum engine_role { ENGINE_ROLE_BACKUP, ENGINE_ROLE_PRIMARY, ENGINE_ROLE_FAULT };

/*
 * A standby's kernel holds what was written for peers, and the next process, however this one ends,
 * has to know it from what is our own. So whoever owns the engine keeps these facts in a file, and
 * hands what they come to to the next engine (engine_config.former).
 */
enum engine_record_kind {
	ENGINE_RECORD_WRITTEN, /* the flow is written for a peer, now */
	ENGINE_RECORD_GONE, /* it has ended, or is ours */
	ENGINE_RECORD_EMPTY, /* no flow is a peer's; all that was said before is void */
};

struct engine_record {
	uint64_t hash; /* of the flow's key, with engine_config.hash_key */
	uint32_t until_s; /* WRITTEN: when it runs out [s of the clock]; UINT32_MAX: unknown */
	uint32_t kind; /* enum engine_record_kind */
};

struct engine_config {
	enum engine_mode mode;
	unsigned links; /* how many dedicated links there are; 0: nothing is ever sent */
	unsigned link_default; /* the one to begin with */
	bool one_peer; /* all links lead to the same node and nobody else: UDP, TCP */
	uint32_t flows_max; /* per table, tombstones included: HashLimit */
	uint32_t datagram_bytes; /* most payload of one datagram: MTU less IP and UDP headers */
	uint32_t ack_window; /* ACKWindowSize: messages received until an ACK is forced */
	uint32_t resend_max; /* ResendQueueSize: tombstones kept for resending at the most */
	uint32_t commit_timeout_s; /* CommitTimeout; 0: as received, less its age */
	uint32_t purge_timeout_s; /* PurgeTimeout: from demote or fault to the kernel's purge */
	uint32_t poll_s; /* how often silent flows are looked at while there are any */
	bool tells_ended; /* without links: engine_next_ended() is asked after each call */
	bool polling; /* PollSecs: there are no events, every flow is looked at each poll_s */
	bool births_unheard; /* NewEvents off: what no other event tells of a flow is looked for
				each poll_s; not with polling or internal_cache_off */
	uint32_t refresh_s; /* ALARM: RefreshTime; every flow is sent at least this often */
	uint32_t
		cache_timeout_s; /* ALARM: CacheTimeout; what is not said again for so long, ends */
	bool internal_cache_off; /* NOTRACK: a flow is kept until it is sent, no longer */
	bool external_cache_off; /* FTFW, NOTRACK: what peers tell goes into the kernel at once */
	bool standby_warm; /* FTFW, NOTRACK: so does what is settled, in the background
			      (StandbyTable) */
	uint32_t warm_age_ms; /* WarmAge: a flow is settled no sooner than so long after it is told
			       */
	uint32_t warm_rate; /* WarmRate: writes into the kernel a second that warming may make */
	uint32_t sync_delay_ms; /* SyncDelay: a new flow is told of no sooner; 0: at once */
	uint32_t commit_large; /* a commit of more entries does without NEW events; 0: of
				  LIMIT_COMMIT_LARGE */
	bool startup_resync; /* kept for what it says; a resync is asked for in any case */
	bool tcp_window_tracking; /* Options { TCPWindowTracking } */
	bool commit_half_open; /* also inject TCP flows before their handshake's end */
	uint32_t memory_keep_bytes; /* unused memory of so much is kept for what comes next */
	uint32_t chunk_bytes; /* grain of the tables' memory; 0: ARENA_CHUNK_BYTES */
	uint32_t boot_id; /* differs from start to start; random */
	uint32_t first_seq; /* first sequence number: the time of day [s], as upstream */
	uint8_t hash_key[16]; /* secret; random, or the former process's with its record */
	bool keeps_record; /* standby_warm: engine_next_record() is asked */
	const struct engine_record *former; /* WRITTEN ones in the order of hash, each once; to
					       stay until engine_wants_former() says no */
	size_t former_count;
	struct flow_filter filter;
	struct expect_filter expect_filter; /* ExpectationSync: off unless it says so */
};

/*
 * Bytes of address space that engine_init() wants for this configuration. It is to be reserved,
 * zero-filled and page-aligned; pages are first touched as tables grow.
 */
size_t engine_memory_bytes(const struct engine_config *);

/* Sets an engine up in caller's memory; NULL if memory_bytes is less than it asks for. */
struct engine *engine_init(
	void *memory, size_t memory_bytes, const struct engine_config *, mono now);

/* The memory may serve something else. */
void engine_fini(struct engine *);

/* ---- facts in ---- */

/*
 * What the kernel told. The DUMP kinds belong to a dump that a KERNEL_OP_DUMP asked for:
 * BEGIN, any number of FLOWs, then END or (interrupted, inconsistent or failed) ABORT. Events go
 * on between them. flow is NULL for BEGIN, END and ABORT.
 */
enum kernel_event {
	KERNEL_EVENT_NEW,
	KERNEL_EVENT_UPDATE,
	KERNEL_EVENT_DESTROY,
	KERNEL_DUMP_BEGIN,
	KERNEL_DUMP_FLOW,
	KERNEL_DUMP_END,
	KERNEL_DUMP_ABORT,
};

void engine_kernel_event(struct engine *, mono now, enum kernel_event, const struct flow *);

/*
 * Several events (NEW, UPDATE, DESTROY) in their order, ENGINE_TOLD_MAX at the most. It is the same
 * as one by one but cheaper: what each of them needs of a large table is fetched for all at once.
 */
enum { ENGINE_TOLD_MAX = 16 };

struct kernel_told {
	enum kernel_event kind;
	struct flow flow;
};

void engine_kernel_events(struct engine *, mono now, const struct kernel_told *, size_t count);

/*
 * The same of an expectation: NEW, UPDATE, DESTROY, or DUMP_FLOW for a dumped one. A dump begins
 * with the flows, and the expectations, if they are replicated at all, follow before its END, so
 * that an expectation's master is known before it.
 */
void engine_kernel_expect(struct engine *, mono now, enum kernel_event, const struct expect *);
void engine_kernel_result(struct engine *, mono now, uint64_t op_id, int err); /* 0 or errno > 0 */

/*
 * False while what a dump told waits to be sent (internal_cache_off): no more of it is to be read
 * until then. The kernel keeps the rest of a dump for as long as that takes.
 */
bool engine_takes_dump(const struct engine *);

/*
 * Said after each reading of events: whether the next one follows shortly, whatever happens
 * (io/drain.h). What does not fill a datagram, behind one that it filled, is kept until then.
 */
void engine_gathering(struct engine *, bool more);

/* A bulk or a repair is held up until a peer acknowledges: its datagrams are not to wait. */
bool engine_is_paced(const struct engine *);

void engine_overrun(struct engine *, mono now); /* the kernel dropped events: a dump follows */
void engine_datagram(struct engine *, mono now, unsigned link, const struct engine_addr *from,
	const uint8_t *, size_t len);

/*
 * A link is usable (its interface is up and has a carrier; of TCP: connected) or is not. All are at
 * the start. While the current one is not, the first other one that is takes its place.
 */
void engine_link(struct engine *, mono now, unsigned link, bool usable);

/* The link that the next datagram goes by; false: it is not usable, and there is none. */
bool engine_current_link(const struct engine *, unsigned *link);

void engine_tick(struct engine *, mono now); /* at engine_deadline(), or whenever convenient */

enum engine_command_kind {
	ENGINE_COMMIT, /* write the remote tables into the kernel */
	ENGINE_PROMOTE, /* role PRIMARY: commit, then announce everything; idempotent */
	ENGINE_DEMOTE, /* role BACKUP: cancel a commit, purge later, ask peers for a resync */
	ENGINE_FAULT, /* role FAULT: cancel a commit, purge later */
	ENGINE_FLUSH, /* empty both tables; nothing is sent, the kernel is left alone */
	ENGINE_RESYNC_KERNEL, /* dump the kernel and put the local table right */
	ENGINE_RESYNC_PEERS, /* ask every peer for its table */
	ENGINE_BULK, /* send the whole local table */
	ENGINE_PURGE, /* delete from the kernel what the filter does not exclude */
	ENGINE_PURGE_LATER, /* the same after PurgeTimeout, unless one is scheduled already */
};

/* What COMMIT, RESYNC_KERNEL and PURGE are about. */
enum engine_scope { ENGINE_SCOPE_ALL, ENGINE_SCOPE_FLOWS, ENGINE_SCOPE_EXPECTATIONS };

/* Which tables FLUSH empties. */
enum engine_tables { ENGINE_TABLES_ALL, ENGINE_TABLES_LOCAL, ENGINE_TABLES_REMOTE };

struct engine_command {
	enum engine_command_kind kind;
	uint64_t id; /* comes back in ENGINE_EVENT_DONE */
	enum engine_scope scope;
	enum engine_tables tables;
};

/* Every command ends in exactly one ENGINE_EVENT_DONE, at once or later. */
void engine_command(struct engine *, mono now, const struct engine_command *);

/* Replaces two settings that may change while running; what is under way keeps the old ones. */
void engine_set_timeouts(struct engine *, uint32_t commit_timeout_s, uint32_t purge_timeout_s);

/* The same of warm_age_ms and warm_rate; without standby_warm they mean nothing. */
void engine_set_warm(struct engine *, uint32_t warm_age_ms, uint32_t warm_rate);

/* ---- outputs, pulled ---- */

/*
 * Builds the next datagram for a link from the newest state, at most cap bytes; returns its
 * length, or 0 if nothing is to be sent now. To be called when the socket can take it, until 0.
 */
size_t engine_next_datagram(struct engine *, mono now, uint8_t *buf, size_t cap, unsigned *link);

enum kernel_op_kind {
	KERNEL_OP_CREATE, /* exclusive: an existing entry is EEXIST */
	KERNEL_OP_UPDATE, /* only what the kernel lets change: timeout, mark, state, labels */
	KERNEL_OP_DELETE,
	KERNEL_OP_DUMP, /* answered by KERNEL_DUMP_*, not by a result */
	KERNEL_OP_EXPECT_CREATE, /* exclusive: an existing one is EEXIST */
	KERNEL_OP_EXPECT_DELETE,
	KERNEL_OP_EXPECT_FLUSH, /* every expectation goes; neither flow nor expect says anything */
};

struct kernel_op {
	enum kernel_op_kind kind;
	uint64_t id; /* to be given to engine_kernel_result() */
	union {
		struct flow flow; /* as it is to be written; nothing in it for a DUMP */
		struct expect expect; /* of the EXPECT kinds */
	};
};

/* The next operation; false if there is none or LIMIT_KERNEL_OPS_IN_FLIGHT are unanswered. */
bool engine_next_kernel_op(struct engine *, mono now, struct kernel_op *);

/*
 * With keeps_record: what is to be added to the record. To be pulled until false, and kept, before
 * an operation that engine_next_kernel_op() gave is carried out, and before the next is asked for.
 */
bool engine_next_record(struct engine *, struct engine_record *);

/*
 * The record as a whole, to make it shorter, or because engine_wants_rewrite() says that something
 * is missing: begin (false: not now), then next, which gives up to max records, until it returns
 * false. What engine_next_record() gives from the begin on counts, too, in the order of giving.
 */
bool engine_wants_rewrite(const struct engine *);
bool engine_rewrite_begin(struct engine *);
bool engine_rewrite_next(
	struct engine *, mono now, struct engine_record *, size_t max, size_t *count);

/* False from when engine_config.former is not looked at any more. */
bool engine_wants_former(const struct engine *);

/*
 * False while so many flows are created at once that hearing of births would cost as much as the
 * creations: of each the kernel makes an event for whoever listens, and drops it only then if it
 * was caused by the listener. Nobody need listen to NEW events until this is true again; before
 * the dump that is asked for then, somebody has to. It finds what was born unheard. With
 * births_unheard it is never true.
 */
bool engine_wants_births(const struct engine *);

/* Facts for the log and for whoever waits for a command. */
enum engine_event_kind {
	ENGINE_EVENT_DONE, /* a command: outcome, written, refused */
	ENGINE_EVENT_ROLE, /* role */
	ENGINE_EVENT_PEER_NEW, /* addr */
	ENGINE_EVENT_PEER_RESTARTED, /* addr */
	ENGINE_EVENT_PEER_LOST, /* addr: nothing heard for too long: ENGINE_SYNC_SILENT */
	ENGINE_EVENT_PEER_BACK, /* addr */
	ENGINE_EVENT_PEER_SYNCED, /* addr: its table is complete here; flows */
	ENGINE_EVENT_PEER_REFUSED, /* addr: LIMIT_PEERS are known already */
	ENGINE_EVENT_RESYNC_ASKED, /* addr: the peer asked for our table; flows */
	ENGINE_EVENT_OVERRUN, /* the kernel dropped events; a dump repairs it */
	ENGINE_EVENT_KERNEL_SYNCED, /* the local table equals the kernel's; flows, silent */
	ENGINE_EVENT_TABLE_FULL, /* at most once a minute */
	ENGINE_EVENT_PURGED, /* the scheduled purge: written */
	ENGINE_EVENT_LINK, /* link: it is the current one now */
	ENGINE_EVENT_NO_LINK, /* none is usable */
	ENGINE_EVENTS,
};

enum engine_outcome { ENGINE_OK, ENGINE_CANCELLED, ENGINE_BUSY, ENGINE_PARTIAL };

enum { ENGINE_ERRNOS_MAX = 8 };

struct engine_event {
	enum engine_event_kind kind;
	struct engine_addr addr;
	enum engine_role role;
	uint64_t command_id;
	enum engine_command_kind command;
	enum engine_outcome outcome; /* PARTIAL: some were refused by the kernel */
	uint64_t flows, silent;
	uint64_t written, refused; /* refused: all errnos together */
	uint64_t skipped; /* half-open TCP, expired: not tried on purpose */
	uint64_t expect_written, expect_refused; /* of written and refused: expectations */
	unsigned link;
	struct {
		int err;
		uint64_t count;
	} errnos[ENGINE_ERRNOS_MAX]; /* ends at count 0; the last one takes what has no slot */
	int64_t took_ns;
};

bool engine_next_event(struct engine *, struct engine_event *);

/*
 * Without links: a flow that ended unheard, found gone by a dump; as it was known, but for what it
 * may borrow (labels and the like), which is left out. False if there is none.
 */
bool engine_next_ended(struct engine *, struct flow *);

/*
 * Whole pages that hold nothing any more, to be asked for behind engine_tick(): the caller may give
 * them back, and then they have to read as zeros when they are used again (MADV_DONTNEED), or may
 * leave them as they are. False if there are none now.
 */
bool engine_next_release(struct engine *, void **addr, size_t *bytes);

/* When engine_tick() is wanted at the latest; MONO_NEVER if nothing is pending. */
mono engine_deadline(const struct engine *);

/* ---- views ---- */

enum engine_table { ENGINE_TABLE_LOCAL, ENGINE_TABLE_REMOTE };

/* Why a peer is, or is not, in step; the first that applies. */
enum engine_sync {
	ENGINE_SYNCED,
	ENGINE_SYNC_SILENT, /* nothing heard for LIMIT_PEER_SILENCE_MS; ALARM: CacheTimeout */
	ENGINE_SYNC_HANDSHAKE, /* it has not answered our HELLO yet */
	ENGINE_SYNC_BULK, /* its table is being received; ALARM: not heard for RefreshTime yet */
	ENGINE_SYNC_GAP, /* messages were lost; what makes that good is awaited */
	ENGINE_SYNC_LAGGING, /* it has not acknowledged what we sent */
};

struct engine_peer_status {
	struct engine_addr addr;
	enum engine_sync sync;
	bool is_ctsync; /* has sent one of our marks */
	unsigned link; /* where it was last heard */
	uint64_t flows; /* in its remote table */
	uint64_t expectations; /* there, too */
	uint64_t bulk_flows; /* of a bulk being received: flows so far */
	uint64_t bulk_total; /* what its BEGIN announced; 0 if unknown */
	uint64_t unacked; /* messages of ours, up to the last with content, not acknowledged */
	uint64_t lost; /* messages it sent that did not arrive in order */
	int64_t heard_ago_ms;
};

struct engine_status {
	enum engine_mode mode;
	enum engine_role role;
	unsigned link; /* the current one */
	bool link_usable;
	bool kernel_synced; /* the local table is complete: dumped, no overrun since */
	bool committing, purge_scheduled;
	int64_t purge_in_ms;
	uint64_t local_flows, local_silent, remote_flows, tombstones, send_queue;
	uint64_t local_expectations, remote_expectations;
	uint64_t former_flows; /* in the kernel for a peer that has not told them since our start */
	uint64_t inject_queue; /* told by peers, not yet in the kernel: external_cache_off,
				  standby_warm */
	uint64_t warm_flows; /* standby_warm: of remote_flows, in the kernel as they were told */
	uint64_t warm_unsettled; /* of the others, those that are not to be written before a
				    promotion */
	int64_t warm_behind_ms; /* age of the oldest difference that is to be written; 0: none */
	uint64_t control_queue, control_kept; /* control messages to be sent, and for resending */
	uint64_t memory_bytes; /* touched by tables and index */
	unsigned peers_count;
	struct engine_peer_status peers[LIMIT_PEERS];
};

void engine_get_status(const struct engine *, mono now, struct engine_status *);
const uint64_t *engine_counters(const struct engine *); /* [COUNTERS], by enum counter */

/*
 * Walks a table in steps, so that showing millions of flows stalls nobody: start with *cursor 0;
 * false at the end. A flow that is there throughout is shown once; one that comes or goes
 * meanwhile may be missed. The timeout is what is left at now. peer is the owner's index in
 * engine_status.peers for REMOTE. Costs O(1) amortised over a walk.
 */
struct engine_flow_view {
	struct flow flow;
	unsigned peer;
	bool silent;
	int64_t age_ms; /* since it was first seen here */
	int64_t expires_ms; /* ALARM, REMOTE: until it ends unless it is said again; else -1 */
};

bool engine_show_next(const struct engine *, mono now, enum engine_table, uint64_t *cursor,
	struct engine_flow_view *);

/* The same of expectations. */
struct engine_expect_view {
	struct expect expect;
	unsigned peer;
	int64_t age_ms, expires_ms;
};

bool engine_show_next_expect(const struct engine *, mono now, enum engine_table, uint64_t *cursor,
	struct engine_expect_view *);

/* Looks one flow up by its original tuple and zones; for tests and `show`'s filters. */
bool engine_find(const struct engine *, enum engine_table, const struct flow *key,
	struct engine_flow_view *);

/* Every internal invariant, by CHECK. O(everything): for tests. */
void engine_check(const struct engine *);

#endif
