/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_LIMITS_H
#define CTSYNC_CORE_LIMITS_H

/* Every bound of the engine. What a bound refuses is counted under a name in counters.h. */
enum {
	LIMIT_PEERS = 8, /* senders with a table of their own */
	LIMIT_LINKS = 4, /* dedicated links */
	LIMIT_PEER_SILENCE_MS = 5000, /* a peer that says nothing for so long is silent */
	LIMIT_LONELY_MS = 60000, /* no peer heard for so long: deletions are kept for none */
	LIMIT_ALIVE_MS = 1000, /* something is sent at least this often */
	LIMIT_PROBE_MS = 100, /* and so long after data, that a loss of the last be noticed */
	LIMIT_GUESS_MAX = 1024, /* a ctsyncd on another link: numbers that may be missing */
	LIMIT_FOLLOW_MS = 250, /* after a change of link, until a peer is followed to another */
	LIMIT_FOLLOW_SPREAD_MS = 1024, /* and so much more by the boot id, so that nodes differ */
	LIMIT_TICK_MS = 100, /* grain of the engine's timers */
	LIMIT_HELD_GRAIN_MS = 5, /* SyncDelay: new flows are told of together, so much later */

	LIMIT_CONTROL_QUEUE = 256, /* control messages waiting to be sent */
	LIMIT_CONTROL_RESEND = 256, /* control messages kept for resending */
	LIMIT_REPAIR_WALK = 65536, /* flows looked at for one NACK; beyond it, a bulk */
	LIMIT_REPAIR_LOOKS = 4, /* flows looked at that cost as much as one resent */
	LIMIT_REPAIR_PER_SEC = 200000, /* flows one peer can make us resend a second */
	LIMIT_PACE_WINDOW = 8192, /* messages that bulks and repairs are ahead of a peer's ACKs, */
	LIMIT_PACE_WINDOW_MAX = 32768, /* and may come to be */
	LIMIT_PACE_MS = 100, /* they go on though nothing has been acknowledged for so long */
	LIMIT_BULK_INTERVAL_MS = 2000, /* between two bulks that the same peer asks for */
	LIMIT_RESYNC_INTERVAL_MS = 2000, /* between two resyncs asked of the same peer */
	LIMIT_GAP_MAX = 65536, /* a larger gap is repaired by a resync, not a NACK */
	LIMIT_SWEEP_MS = 30000, /* conntrackd sends no end of a bulk: sweep after this long */

	LIMIT_KERNEL_OPS_IN_FLIGHT = 1024,
	LIMIT_RECORDS = 4096, /* facts for the record that nobody has pulled yet */
	LIMIT_KERNEL_RETRIES = 2, /* of one operation: create, then update */
	LIMIT_EVENTS_QUEUE = 128, /* engine_event waiting to be read */
	LIMIT_EVENTS_PER_SEC = 8, /* told of one peer */
	LIMIT_COMMANDS = 16, /* commands under way */
	LIMIT_COMMANDS_SPARE = 4, /* of them, for commits and promotions alone */
	LIMIT_SWEEP_SLICE = 8192, /* entries looked at in one go by a sweep or an expiry */
	LIMIT_COMMIT_LARGE = 4096, /* a commit of more entries does without NEW events */
	LIMIT_COMMIT_LATE = 8192, /* a warm one: of what is told meanwhile, so much is waited for */
	LIMIT_TAKE_SLICE = 1024, /* entries moved in one go behind a warm standby's promotion */
	LIMIT_COMMIT_SLICE = 4096, /* entries passed over for one kernel operation */
	LIMIT_DUMP_RETRY_MS = 1000, /* after a dump that failed */
	LIMIT_CALM_MS = 1000, /* no event lost for so long: an overload is over */
	LIMIT_REPAIR_PAUSE = 4, /* between two dumps while it lasts, in durations of the last */
	LIMIT_POLL_PAUSE = 20, /* between two polls, in durations of the last dump */
	LIMIT_RESYNC_DELAY_MS = 300, /* a new or restarted peer may send its table unasked */
	LIMIT_RESYNC_RETRY_MS = 10000, /* asked again of a peer whose bulk does not come */
	LIMIT_RESTART_MS = 2000, /* old numbers alone for so long: they are the peer's true ones */
	LIMIT_HOLE_MS = 3000, /* what is in a hole of a peer's acknowledgements is said again */
	LIMIT_LAG_MS = 3000, /* a peer that has not acknowledged for so long lags */
	LIMIT_LOSS_PAUSE_MS =
		30000, /* NOTRACK: between resyncs while losses go on; it grows to this */
	LIMIT_SETTLE_MS = 2000, /* NOTRACK: an ALIVE that much later ends conntrackd's table */
	LIMIT_RESYNC_TRIES = 3, /* NOTRACK: conntrackd that says nothing has nothing */
	LIMIT_AGAIN_MS = 1000, /* ALARM: a deletion is said once more after this */
	LIMIT_EXPIRE_WALK_MS = 30000, /* ALARM: a walk for what has ended lasts no longer */
	LIMIT_RELAY_QUEUE = 16384, /* no internal cache: with so many waiting no dump is read */
	LIMIT_HOLD_S = 3600, /* timeout of an unconfirmed flow that came without one */
	LIMIT_DEAD_TIMEOUT_S = 60, /* least timeout of a committed flow */
	LIMIT_RUN_OUT_S = 5, /* an end told with no more left than this may be a timeout's */
	LIMIT_RELATED_RETRY_MS = 1000, /* until a flow whose master was missing is tried again */
	LIMIT_YIELD_MS = 1000, /* until peers are told what was left to them */
	LIMIT_RELEASE_LOOK_MS = 1000, /* between two looks for memory that is not needed */
	LIMIT_RELEASE_STEP_MS = 10, /* between two steps of giving it back; of each: */
	LIMIT_RELEASE_MOVES = 512, /* entries that move */
	LIMIT_RELEASE_SLOTS = 65536, /* slots that one index moves */
	LIMIT_RELEASE_RANGES = 32, /* ranges of pages that are told */
	LIMIT_RELEASE_BYTES = 2 << 20, /* the largest range */
	LIMIT_WARM_BURST_MS = 5, /* WarmRate: so much of a second's writes may be made at once */
	LIMIT_WARM_GRAIN_MS = 2, /* and so long is waited for some more */
	LIMIT_WARM_RETRY_MS = 1000, /* until what the kernel has refused is tried again */
	LIMIT_WARM_RETRY_MAX_MS = 30000, /* it doubles up to this while nothing is taken */
	LIMIT_WARM_ROUND_MS = 30000, /* each flow's timeout is looked at once in so long */
	LIMIT_WARM_QUEUE = 8192, /* with so many to be written no timeout is looked at */
	LIMIT_WARM_REFRESH_S = 600, /* with more than this left, a new timeout is no news */
	LIMIT_INJECT_AGE = 20, /* events of so long after a write may be older [100 ms] */
};

#endif
