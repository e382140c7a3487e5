/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_UNIT_CORE_HAND_H
#define CTSYNC_TESTS_UNIT_CORE_HAND_H

#include "base/buf.h"
#include "core_pair.h"
#include "wire/v1.h"

/* Node 0 of a pair, beside which the test plays a conntrackd by hand. */
struct hand {
	struct pair *p;
	struct engine_addr addr;
	uint8_t buf[2048];
	struct wbuf w;
};

void hand_new(struct hand *);
void hand_with(struct hand *, const struct engine_config *); /* NULL: defaults */

/* What the peer says. */
void hand_deliver(struct hand *); /* what is in w */
void hand_say_alive(struct hand *, uint8_t flags, uint32_t seq);
void hand_say_flow(struct hand *, enum wire_v1_type, uint8_t flags, uint32_t seq, uint32_t n);
void hand_say_mark(struct hand *, uint8_t flags, uint32_t seq, uint8_t kind, uint32_t boot,
	uint32_t value, uint32_t value2);
void hand_ack(struct hand *, uint32_t seq, uint32_t from, uint32_t to);

/* Lets the engine speak; true if it has said a message with this flag: the last one is kept. */
bool hand_heard(struct hand *, uint8_t flag, struct wire_v1_message *);

void hand_wait_ms(struct hand *, int64_t ms);

uint64_t hand_count(const struct hand *, enum counter);
bool hand_has(const struct hand *, uint32_t n); /* of the peer's flows */

#endif
