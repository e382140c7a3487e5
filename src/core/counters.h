/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CORE_COUNTERS_H
#define CTSYNC_CORE_COUNTERS_H

/*
 * Every counter of the engine: X(NAME, "name", "what it counts"). `ctsyncctl stats` prints all of
 * them, ctsyncctl(8) lists all of them, and tests/tidy compares the two.
 */
#define ENGINE_COUNTERS(X)                                                                         \
	X(KERNEL_NEW, "kernel_new", "events: a flow is new")                                       \
	X(KERNEL_UPDATE, "kernel_update", "events: a flow has changed")                            \
	X(KERNEL_DESTROY, "kernel_destroy", "events: a flow has ended")                            \
	X(KERNEL_FILTERED, "kernel_filtered", "events and dumped flows that the filter refused")   \
	X(KERNEL_NO_KEY, "kernel_no_key", "events without addresses or protocol")                  \
	X(KERNEL_DUMPED, "kernel_dumped", "flows read by dumps")                                   \
	X(KERNEL_DUMPS, "kernel_dumps", "dumps that ended well")                                   \
	X(KERNEL_DUMP_ABORTS, "kernel_dump_aborts", "dumps that failed and are repeated")          \
	X(KERNEL_OVERRUNS, "kernel_overruns", "times the kernel dropped events")                   \
	X(KERNEL_DEAFENED, "kernel_deafened",                                                      \
		"times a commit was so large that NEW events were done without")                   \
	X(KERNEL_PARTS, "kernel_parts",                                                            \
		"events of a related flow without its master: it waits for the next dump")         \
	X(KERNEL_SWEPT, "kernel_swept", "flows that ended unheard, found by a dump")               \
	X(EXPECT_NEW, "expect_new", "events: an expectation is new")                               \
	X(EXPECT_UPDATE, "expect_update", "events: an expectation has changed")                    \
	X(EXPECT_DESTROY, "expect_destroy", "events: an expectation has ended")                    \
	X(EXPECT_DUMPED, "expect_dumped", "expectations read by dumps")                            \
	X(EXPECT_FILTERED, "expect_filtered", "expectations that ExpectationSync leaves out")      \
	X(EXPECT_NO_KEY, "expect_no_key", "expectations without tuple, mask or master")            \
	X(EXPECT_NO_MASTER, "expect_no_master",                                                    \
		"expectations not replicated: their master is not in the local table")             \
	X(EXPECT_SWEPT, "expect_swept", "expectations that ended unheard, found by a dump")        \
	X(EXPECT_WRITTEN, "expect_written", "expectations created in the kernel")                  \
	X(EXPECT_ORPHANS, "expect_orphans",                                                        \
		"expectations a commit left out: their master is not here")                        \
	X(KERNEL_WRITTEN, "kernel_written", "flows created or updated in the kernel")              \
	X(KERNEL_DELETED, "kernel_deleted", "flows deleted from the kernel by us")                 \
	X(KERNEL_REFUSED, "kernel_refused", "operations that the kernel refused for good")         \
	X(COMMIT_SKIPPED, "commit_skipped",                                                        \
		"flows and expectations a commit left out: half-open, filtered, over")             \
	X(INJECT_CREATED, "inject_created", "flows created in the kernel as a peer told them")     \
	X(INJECT_CREATE_REFUSED, "inject_create_refused",                                          \
		"such creations that the kernel refused")                                          \
	X(INJECT_UPDATED, "inject_updated", "flows updated in the kernel as a peer told them")     \
	X(INJECT_UPDATE_REFUSED, "inject_update_refused", "such updates that the kernel refused")  \
	X(INJECT_DELETED, "inject_deleted", "flows ended in the kernel as a peer told them")       \
	X(INJECT_DELETE_REFUSED, "inject_delete_refused", "such ends that the kernel refused")     \
	X(INJECT_DELETE_RETRIED, "inject_delete_retried", "such ends that were tried again")       \
	X(INJECT_EXPECT_CREATED, "inject_expect_created",                                          \
		"expectations created in the kernel as a peer told them")                          \
	X(INJECT_EXPECT_DELETED, "inject_expect_deleted",                                          \
		"expectations deleted in the kernel as a peer told them")                          \
	X(INJECT_EXPECT_REFUSED, "inject_expect_refused",                                          \
		"such operations that the kernel refused")                                         \
	X(INJECT_KEPT, "inject_kept", "ends told by peers of flows that are ours as well")         \
	X(INJECT_RUN_OUT, "inject_run_out",                                                        \
		"ends told by peers that are left to our kernel's timer")                          \
	X(INJECT_YIELDED, "inject_yielded", "dumped flows left to the peer that tells them")       \
	X(TAKEN, "taken", "entries of a warm standby's kernel that a promotion made ours")         \
	X(INJECT_FULL, "inject_full", "ends told by peers not carried out: too many wait")         \
	X(FORMER_FOUND, "former_found",                                                            \
		"flows in the kernel that a former process wrote for a peer")                      \
	X(FORMER_OURS, "former_ours", "such flows that have had packets here since")               \
	X(FORMER_ENDED, "former_ended", "such flows that no peer tells any more, ended")           \
	X(RECORDS_LOST, "records_lost",                                                            \
		"changes that the record of written flows had no room for")                        \
	X(WARM_LOST, "warm_lost",                                                                  \
		"flows that our kernel ended while peers have them, to be written again")          \
	X(WARM_REFRESHED, "warm_refreshed", "flows written again because little time was left")    \
	X(WARM_RETRIED, "warm_retried", "writes that the kernel had refused, tried again")         \
	X(LOCAL_CREATED, "local_created", "entries made in the local table")                       \
	X(LOCAL_UPDATED, "local_updated", "changes of entries of the local table")                 \
	X(REMOTE_CREATED, "remote_created", "entries made in the remote tables")                   \
	X(REMOTE_UPDATED, "remote_updated", "changes of entries of the remote tables")             \
	X(EXPECT_LOCAL_CREATED, "expect_local_created", "expectations new in the local table")     \
	X(EXPECT_LOCAL_UPDATED, "expect_local_updated", "changes of expectations there")           \
	X(EXPECT_REMOTE_CREATED, "expect_remote_created", "expectations new in the remote tables") \
	X(EXPECT_REMOTE_UPDATED, "expect_remote_updated", "changes of expectations there")         \
	X(ENDED_PACKETS, "ended_packets", "packets of ended flows, if the kernel counts them")     \
	X(ENDED_BYTES, "ended_bytes", "bytes of ended flows, likewise")                            \
	X(LOCAL_FULL, "local_full", "flows not taken: the local table is full")                    \
	X(REMOTE_FULL, "remote_full", "flows not taken: a remote table is full")                   \
	X(MEMORY_FULL, "memory_full", "flows not taken: no memory of that size class is left")     \
	X(MEMORY_MOVED, "memory_moved", "entries moved, so that memory could be given back")       \
	X(SENT_DATAGRAMS, "sent_datagrams", "datagrams built")                                     \
	X(SENT_BYTES, "sent_bytes", "payload bytes of datagrams built")                            \
	X(SENT_FLOWS, "sent_flows", "messages about flows sent, resent ones included")             \
	X(SENT_EXPECTATIONS, "sent_expectations", "the same about expectations")                   \
	X(SENT_CONTROL, "sent_control", "control messages sent")                                   \
	X(COALESCED, "coalesced", "changes that needed no message of their own")                   \
	X(SHORT_LIVED, "short_lived",                                                              \
		"flows that ended or closed within SyncDelay: nothing was sent")                   \
	X(RESENT, "resent", "flows and tombstones sent again for a NACK")                          \
	X(REFRESHED, "refreshed", "flows sent again because it was time (ALARM mode)")             \
	X(REPAIR_LIMITED, "repair_limited", "NACKs cut short by a peer's rate limit")              \
	X(REPAIR_BULK, "repair_bulk", "NACKs too old to be walked, answered by a bulk")            \
	X(TOMBSTONES_DROPPED, "tombstones_dropped", "deletions given up before all acknowledged")  \
	X(TOO_BIG, "too_big", "flows not sent: larger than a datagram")                            \
	X(CONTROL_FULL, "control_full", "control messages not sent: queue full")                   \
	X(BULKS_SENT, "bulks_sent", "whole tables sent")                                           \
	X(BULKS_LIMITED, "bulks_limited", "whole tables put off: too soon after the last")         \
	X(PACE_WAITS, "pace_waits", "times that a whole table or a repair waited for a peer")      \
	X(PACE_CUTS, "pace_cuts", "times that a loss halved what these may be ahead by")           \
	X(RECEIVED_DATAGRAMS, "received_datagrams", "datagrams received")                          \
	X(RECEIVED_BYTES, "received_bytes", "payload bytes received")                              \
	X(RECEIVED_FLOWS, "received_flows", "messages about flows taken")                          \
	X(RECEIVED_EXPECTATIONS, "received_expectations", "messages about expectations taken")     \
	X(RECEIVED_CONTROL, "received_control", "control messages taken")                          \
	X(BAD_TRUNCATED, "bad_truncated", "messages cut short")                                    \
	X(BAD_SIZE, "bad_size", "messages whose length cannot be")                                 \
	X(BAD_VERSION, "bad_version", "messages of another protocol version")                      \
	X(BAD_HEADER, "bad_header", "messages with senseless type or flags")                       \
	X(IGNORED, "ignored", "messages with flags, for which ALARM mode has no use")              \
	X(BAD_PAYLOAD, "bad_payload", "messages with a malformed attribute")                       \
	X(EXPECTATIONS_IGNORED, "expectations_ignored",                                            \
		"messages about expectations while ExpectationSync is off")                        \
	X(LOST, "lost", "messages missing from the sequence")                                      \
	X(BEFORE, "before", "messages that came late or twice, dropped")                           \
	X(NACKS_SENT, "nacks_sent", "times we asked for lost messages")                            \
	X(NACKS_RECEIVED, "nacks_received", "times a peer asked for lost messages")                \
	X(RESYNCS_ASKED, "resyncs_asked", "times we asked a peer for its table")                   \
	X(RESYNCS_RECEIVED, "resyncs_received", "times a peer asked for our table")                \
	X(PEERS_REFUSED, "peers_refused", "datagrams of senders beyond the limit of peers")        \
	X(LINK_CHANGES, "link_changes", "times another link took a failed one's place")            \
	X(LINK_FOLLOWED, "link_followed", "times a peer was followed to another link")             \
	X(ADDR_GUESSES, "addr_guesses", "peers recognised on another link by their sequence")      \
	X(ADDR_GUESSES_WRONG, "addr_guesses_wrong", "of these, taken for another one")             \
	X(PEER_RESTARTS, "peer_restarts", "restarts of peers noticed")                             \
	X(REMOTE_SWEPT, "remote_swept", "flows that a peer's bulk did not name")                   \
	X(REMOTE_EXPIRED, "remote_expired", "flows not told of again until their time ran out")    \
	X(UNKNOWN_DELETED, "unknown_deleted", "deletions received of flows not known here")        \
	X(EVENTS_DROPPED, "events_dropped",                                                        \
		"facts for the log that nobody fetched in time, or too many of one peer")          \
	X(COMMANDS_REFUSED, "commands_refused", "commands refused: busy")

#define X(name, text, help) COUNTER_##name,
enum counter { ENGINE_COUNTERS(X) COUNTERS };
#undef X

struct counter_info {
	const char *name, *help;
};

extern const struct counter_info counter_info[COUNTERS];

#endif
