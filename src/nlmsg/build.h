/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NLMSG_BUILD_H
#define CTSYNC_NLMSG_BUILD_H

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "flow/flow.h"

/*
 * A message under construction in the caller's memory. Private to nlmsg.
 *
 * What does not fit is left out and noted; the message's length is written at the end alone, and
 * only if all of it did fit. Padding is zeroed, so that a message tells nothing of what was in its
 * memory before. Inline: a request has some thirty attributes, most of them of a size that the
 * compiler knows.
 */
struct build {
	uint8_t *msg; /* struct nlmsghdr, aligned to 4 */
	uint8_t *at; /* where the next attribute goes */
	uint8_t *end; /* of what may be written */
	bool full; /* something was left out */
};

/* Goes on after what the message holds; cap [bytes] is counted from msg. */
static inline struct build build_after(struct nlmsghdr *msg, size_t cap)
{
	struct build b = {(uint8_t *)msg, (uint8_t *)msg, (uint8_t *)msg, true};
	size_t used = NLMSG_ALIGN((size_t)msg->nlmsg_len);

	if (used > cap)
		return b;
	memset(b.msg + msg->nlmsg_len, 0, used - msg->nlmsg_len);
	b.at = b.msg + used;
	b.end = b.msg + cap;
	b.full = false;
	return b;
}

/* Returns the message's length [bytes], a multiple of 4; 0 if it does not fit. */
static inline size_t build_end(const struct build *b)
{
	uint32_t len = (uint32_t)(b->at - b->msg);

	if (b->full)
		return 0;
	memcpy(b->msg + offsetof(struct nlmsghdr, nlmsg_len), &len, sizeof(len));
	return len;
}

static inline uint8_t *build_room(struct build *b, size_t bytes)
{
	uint8_t *at = b->at;

	if ((size_t)(b->end - at) < bytes) {
		b->full = true;
		return NULL;
	}
	b->at = at + bytes;
	return at;
}

/* An attribute with its padding, where there is room for it; returns where the next one goes. */
static inline uint8_t *attr_put(uint8_t *at, uint16_t type, const void *data, size_t len)
{
	const struct nlattr head = {(uint16_t)(NLA_HDRLEN + len), type};
	size_t padded = NLA_ALIGN(len);

	memcpy(at, &head, sizeof(head));
	if (padded > len)
		memset(at + NLA_HDRLEN + padded - NLA_ALIGNTO, 0, NLA_ALIGNTO);
	if (len > 0)
		memcpy(at + NLA_HDRLEN, data, len);
	return at + NLA_HDRLEN + padded;
}

/* The head of a nest of len bytes, itself included; returns where its first attribute goes. */
static inline uint8_t *attr_nest(uint8_t *at, uint16_t type, size_t len)
{
	const struct nlattr head = {(uint16_t)len, type | NLA_F_NESTED};

	memcpy(at, &head, sizeof(head));
	return at + NLA_HDRLEN;
}

static inline void put(struct build *b, uint16_t type, const void *data, size_t len)
{
	uint8_t *at = NULL;

	if (len <= UINT16_MAX - NLA_HDRLEN)
		at = build_room(b, NLA_HDRLEN + NLA_ALIGN(len));
	else
		b->full = true;
	if (at)
		attr_put(at, type, data, len);
}

static inline void put_u8(struct build *b, uint16_t type, uint8_t value)
{
	put(b, type, &value, sizeof(value));
}

static inline void put_u16_be(struct build *b, uint16_t type, uint16_t value_be)
{
	put(b, type, &value_be, sizeof(value_be));
}

static inline void put_u32(struct build *b, uint16_t type, uint32_t value)
{
	uint32_t value_be = htonl(value);

	put(b, type, &value_be, sizeof(value_be));
}

static inline void put_u64(struct build *b, uint16_t type, uint64_t value)
{
	uint64_t value_be = htobe64(value);

	put(b, type, &value_be, sizeof(value_be));
}

/* A nest's head is given its length by nest_end(); what lies between is the nest. */
static inline uint8_t *nest_start(struct build *b, uint16_t type)
{
	uint8_t *nest = build_room(b, NLA_HDRLEN);

	if (nest)
		attr_nest(nest, type, NLA_HDRLEN);
	return nest;
}

static inline void nest_end(struct build *b, uint8_t *nest)
{
	size_t len = nest ? (size_t)(b->at - nest) : 0;
	uint16_t nla_len = (uint16_t)len;

	if (len > UINT16_MAX)
		b->full = true;
	else if (nest)
		memcpy(nest + offsetof(struct nlattr, nla_len), &nla_len, sizeof(nla_len));
}

static inline void put_addr(struct build *b, uint16_t type, const union flow_addr *addr, bool is_v4)
{
	if (is_v4)
		put(b, type, &addr->v4_be, sizeof(addr->v4_be));
	else
		put(b, type, addr->v6_be, sizeof(addr->v6_be));
}

/* A request of one of ctnetlink's types, subsystem included, for an address family. */
struct build build_begin(
	void *buf, size_t cap, uint16_t type, uint16_t nl_flags, uint32_t seq, uint8_t l3);

/* The protocols whose key, and whose part of a NAT mapping, is a pair of 16-bit cells. */
bool build_has_cells(uint8_t l4);

/* A tuple's l3 is AF_INET or, taken for it otherwise, AF_INET6. */
void put_tuple(struct build *, uint16_t type, const struct flow_tuple *, bool has_zone);

/* The nests of one protocol, CTA_PROTOINFO around it, with what the flow has of it. */
void put_protoinfo_tcp(struct build *, const struct flow *);
void put_protoinfo_sctp(struct build *, const struct flow *);
void put_protoinfo_dccp(struct build *, const struct flow *);

/* CTA_SEQ_ADJ_* of both directions and CTA_SYNPROXY, each only if the flow has all three values. */
void put_seqadj(struct build *, const struct flow *);
void put_synproxy(struct build *, const struct flow *);

/* CTA_HELP, if the flow names a helper. */
void put_help(struct build *, const struct flow *);

#endif
