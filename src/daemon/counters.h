/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_COUNTERS_H
#define CTSYNC_DAEMON_COUNTERS_H

/*
 * The daemon's own counters, beside the engine's (core/counters.h): what the shells around the
 * engine saw. X(NAME, "name", "what it counts"); listed in ctsyncctl(8).
 */
#define DAEMON_COUNTERS(X)                                                                         \
	X(EVENT_MESSAGES, "event_messages", "messages read from the event socket")                 \
	X(EVENT_DATAGRAMS, "event_datagrams", "datagrams read from the event socket")              \
	X(EVENT_TRUNCATED, "event_truncated",                                                      \
		"datagrams there that did not fit or were malformed")                              \
	X(EVENT_OTHER, "event_other", "messages there about something else")                       \
	X(EVENT_BAD_ATTR, "event_bad_attr", "messages of the kernel with a malformed attribute")   \
	X(EVENT_BUFFER, "event_buffer_bytes", "room for unread events")                            \
	X(EVENT_GATHERINGS, "event_gatherings", "times the event socket was found busy")           \
	X(STATS_LINES, "stats_lines", "ended flows told by Stats")                                 \
	X(STATS_LOST, "stats_lost", "lines of the Stats log for which there was no room")          \
	X(DUMP_RESIZED, "dump_resized",                                                            \
		"dumps repeated, for the kernel's hash table was resized meanwhile")               \
	X(WRITE_BATCHES, "write_batches", "batches of requests sent to the kernel")                \
	X(WRITE_LOST, "write_answers_lost", "requests whose answer was lost")                      \
	X(WRITE_TOO_LARGE, "write_too_large", "operations that fit no request")                    \
	X(RECORD_BYTES, "record_bytes", "length of the record of flows written for peers")         \
	X(RECORD_REWRITES, "record_rewrites", "times it was written as a whole")                   \
	X(RECORD_CLEARED, "record_cleared", "times what it said was given up for want of room")    \
	X(RECORD_DROPPED, "record_dropped", "changes that could not be written to it")             \
	X(LINK_SENT, "link_sent", "datagrams sent on the sync link")                               \
	X(LINK_SENT_BYTES, "link_sent_bytes", "payload bytes sent there")                          \
	X(LINK_RECEIVED, "link_received", "datagrams received there")                              \
	X(LINK_RECEIVED_BYTES, "link_received_bytes", "payload bytes received there")              \
	X(LINK_SEND_ERRORS, "link_send_errors", "datagrams that could not be sent")                \
	X(LINK_SEND_FULL, "link_send_full", "times the link had no room; sent later")              \
	X(LINK_RECEIVE_ERRORS, "link_receive_errors", "failed receptions")                         \
	X(LINK_TRUNCATED, "link_truncated", "datagrams larger than any UDP datagram")              \
	X(LINK_WRONG_INTERFACE, "link_wrong_interface", "datagrams from another interface")        \
	X(LINK_OWN, "link_own", "datagrams that we sent ourselves")                                \
	X(LINK_WRONG_SOURCE, "link_wrong_source", "datagrams and connections not of the peer")     \
	X(LINK_CONNECTS, "link_connects", "TCP connections to the peer")                           \
	X(LINK_ACCEPTS, "link_accepts", "TCP connections of the peer")                             \
	X(LINK_BREAKS, "link_breaks", "TCP connections that have ended")                           \
	X(LINK_OUT_OF_STEP, "link_out_of_step", "of these, closed: no message could begin there")  \
	X(CONTROL_ACCEPTED, "control_accepted", "control connections")                             \
	X(CONTROL_REFUSED, "control_refused", "control connections refused: too many")             \
	X(CONTROL_DROPPED, "control_dropped", "control connections that said or read nothing")     \
	X(CONTROL_PAUSED, "control_paused", "times no descriptor was left for one")                \
	X(CONTROL_TOO_LONG, "control_too_long", "control requests that were too long")             \
	X(CONTROL_MALFORMED, "control_malformed", "control requests that were not understood")     \
	X(MEMORY_RELEASED, "memory_released_bytes",                                                \
		"memory of the tables given back after a burst")                                   \
	X(PURGES, "control_purges", "requests to delete the kernel's entries")                     \
	X(RESYNCS, "control_resyncs", "requests to read the kernel's tables anew")

#define X(name, text, help) DAEMON_COUNTER_##name,
enum daemon_counter { DAEMON_COUNTERS(X) DAEMON_COUNTER_COUNT };
#undef X

extern const char *const daemon_counter_names[DAEMON_COUNTER_COUNT];

#endif
