/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_FLOW_EXPECT_PACK_H
#define CTSYNC_FLOW_EXPECT_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/expect.h"

/*
 * The form in which tables hold an expectation, beside the flows (flow/pack.h): its key, then what
 * else is known. A key's first byte tells expectations from flows.
 *
 * Key: the expected tuple, its mask, the master's original tuple and the zone; what is absent
 * counts as 0 in it. All attributes come back as they were, and so does their presence; of a
 * tuple, those that flow_head_of() takes, without addresses of another layer 3 protocol than its
 * own. The length of a key follows from its first byte.
 */
enum {
	EXPECT_KEY_BYTES_MAX = 128,
	EXPECT_PACKED_BYTES_MAX = 320,
};

/* True if packed bytes, or a key, are an expectation's. */
static inline bool expect_is_packed(const uint8_t *packed)
{
	return packed[0] >> 7; /* no flow's key has this bit in its first byte */
}

/* True if it has what a key needs: master, expected tuple and mask, of one family, with both
 * addresses and a layer 4 protocol each. */
bool expect_has_key(const struct expect *);

/* As their like in flow/pack.h. */
size_t expect_key_make(const struct expect *, uint8_t key[EXPECT_KEY_BYTES_MAX]);
size_t expect_pack(const struct expect *, uint8_t packed[EXPECT_PACKED_BYTES_MAX]);
size_t expect_key_len(const uint8_t *packed);
void expect_unpack(const uint8_t *packed, size_t len, struct expect *);

/* All that is packed is equal and present in both, but for the timeout. Both have a key. */
bool expect_same_state(const struct expect *, const struct expect *);

#endif
