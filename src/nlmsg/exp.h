/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NLMSG_EXP_H
#define CTSYNC_NLMSG_EXP_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/expect.h"
#include "nlmsg/ct.h"

/* ctnetlink's messages about expectations <-> struct expect; in all else as nlmsg/ct.h. */

/* Parses one message into *out, which is zeroed first; NLMSG_NOT_CT: not about expectations. */
enum nlmsg_result nlmsg_exp_parse(const struct nlmsghdr *, size_t len, struct expect *out);

/* The same over the bare CTA_EXPECT_* attributes; out is not zeroed. */
enum nlmsg_result nlmsg_exp_parse_attrs(
	const void *attrs, size_t len, uint8_t l3, struct expect *out);

enum nlmsg_event nlmsg_exp_event(const struct nlmsghdr *);

/*
 * Appends what the expectation has to a message that holds its headers, within cap [bytes] counted
 * from msg. Returns 0 or -EMSGSIZE, with the message as it was.
 */
int nlmsg_exp_append(struct nlmsghdr *msg, size_t cap, const struct expect *);

/*
 * Complete requests, as those of nlmsg/ct.h: the length [bytes], 0 if it does not fit or something
 * is missing. A creation needs the expected tuple, its mask and the master's tuple. A delete takes
 * the expected tuple and the zone, and ends the expectation that has them, whoever its master is.
 */
size_t nlmsg_exp_build(
	void *buf, size_t cap, uint16_t nl_flags, uint32_t seq, const struct expect *);
size_t nlmsg_exp_build_delete(
	void *buf, size_t cap, uint16_t nl_flags, uint32_t seq, const struct expect *);
size_t nlmsg_exp_build_dump(void *buf, size_t cap, uint32_t seq, uint8_t l3); /* l3 0: all */
size_t nlmsg_exp_build_flush(void *buf, size_t cap, uint16_t nl_flags, uint32_t seq);

#endif
