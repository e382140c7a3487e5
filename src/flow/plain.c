/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flow/plain.h"

#include <string.h>

#include "base/check.h"
#include "flow/pack_layout.h"
#include "flow/status.h"

enum { ADDR4 = 4, ADDR6 = 16, PORT = 2 };

static inline uint8_t *put(uint8_t *p, const void *value, size_t len)
{
	memcpy(p, value, len);
	return p + len;
}

size_t flow_plain_key(const struct flow_plain *f, uint8_t key[FLOW_KEY_BYTES_MAX])
{
	uint8_t *p = key + 2;

	key[0] = KEY_CELLS | (f->ipv6 ? KEY_IPV6 : 0);
	key[1] = f->l4;
	/* lengths that the compiler knows: calls of memcpy() would cost most here */
	p = f->ipv6 ? put(p, f->addrs, 2 * ADDR6) : put(p, f->addrs, 2 * ADDR4);
	p = put(p, f->ports, 2 * PORT);
	return (size_t)(p - key);
}

/* The parts of the reply tuple that NAT has changed, in the order of their groups. */
static uint8_t *put_nat(uint8_t *p, const struct flow_plain *f, uint32_t *groups)
{
	size_t addr = f->ipv6 ? ADDR6 : ADDR4;

	if (f->has & FLOW_PLAIN_DNAT && memcmp(f->dnat, f->addrs + addr, addr) != 0) {
		*groups |= GROUP(REPL_SRC);
		p = put(p, f->dnat, addr);
	}
	if (f->has & FLOW_PLAIN_SNAT && memcmp(f->snat, f->addrs, addr) != 0) {
		*groups |= GROUP(REPL_DST);
		p = put(p, f->snat, addr);
	}
	if (f->has & FLOW_PLAIN_DNAT_PORT && memcmp(&f->dnat_port_be, f->ports + PORT, PORT) != 0) {
		*groups |= GROUP(REPL_SPORT);
		p = put(p, &f->dnat_port_be, PORT);
	}
	if (f->has & FLOW_PLAIN_SNAT_PORT && memcmp(&f->snat_port_be, f->ports, PORT) != 0) {
		*groups |= GROUP(REPL_DPORT);
		p = put(p, &f->snat_port_be, PORT);
	}
	return p;
}

size_t flow_plain_pack(const struct flow_plain *f, uint8_t packed[FLOW_PACKED_BYTES_MAX])
{
	const uint16_t nat =
		FLOW_PLAIN_SNAT | FLOW_PLAIN_DNAT | FLOW_PLAIN_SNAT_PORT | FLOW_PLAIN_DNAT_PORT;
	uint8_t *at_groups = packed + flow_plain_key(f, packed), *p;
	uint16_t status = (uint16_t)f->status, status_high = (uint16_t)(f->status >> 16);
	uint32_t groups = GROUP(CELLS) | GROUP(REPL);

	p = at_groups + sizeof(groups);
	if (f->has & nat)
		p = put_nat(p, f, &groups);
	if (f->has & FLOW_PLAIN_STATUS) {
		groups |= GROUP(STATUS);
		p = put(p, &status, sizeof(status));
		if (status_high) {
			groups |= GROUP(STATUS_HIGH);
			p = put(p, &status_high, sizeof(status_high));
		}
	}
	if (f->has & FLOW_PLAIN_TIMEOUT) {
		groups |= GROUP(TIMEOUT);
		p = put(p, &f->timeout, sizeof(f->timeout));
	}
	if (f->has & FLOW_PLAIN_MARK) {
		groups |= GROUP(MARK);
		if (f->mark) {
			groups |= GROUP(MARK_VALUE);
			p = put(p, &f->mark, sizeof(f->mark));
		}
	}
	if (f->has & FLOW_PLAIN_TCP_STATE) {
		groups |= GROUP(TCP_STATE);
		*p++ = f->tcp_state;
	}
	if (f->has & FLOW_PLAIN_NO_SYNPROXY)
		groups |= GROUP(SYNPROXY);
	put(at_groups, &groups, sizeof(groups));
	return (size_t)(p - packed);
}

/* ---- the way back ---- */

static inline const uint8_t *take(const uint8_t **p, size_t len)
{
	const uint8_t *at = *p;

	*p += len;
	return at;
}

static inline uint32_t take_u32(const uint8_t **p)
{
	uint32_t v;

	memcpy(&v, take(p, sizeof(v)), sizeof(v));
	return v;
}

static inline uint16_t take_u16(const uint8_t **p)
{
	uint16_t v;

	memcpy(&v, take(p, sizeof(v)), sizeof(v));
	return v;
}

enum {
	GROUPS_NAT = GROUP(REPL_SRC) | GROUP(REPL_DST) | GROUP(REPL_SPORT) | GROUP(REPL_DPORT),
	/* what may follow, a value of each at the most */
	GROUPS_PLAIN = GROUP(CELLS) | GROUP(REPL) | GROUPS_NAT | GROUP(ID) | GROUP(STATUS) |
		       GROUP(STATUS_HIGH) | GROUP(TIMEOUT) | GROUP(MARK) | GROUP(MARK_VALUE) |
		       GROUP(TCP_STATE) | GROUP(TCP_WSCALE) | GROUP(TCP_FLAGS) | GROUP(SYNPROXY),
};

static void take_nat(const uint8_t **p, struct flow_plain *f, uint32_t groups)
{
	size_t addr = f->ipv6 ? ADDR6 : ADDR4;

	if (groups & GROUP(REPL_SRC)) {
		f->has |= FLOW_PLAIN_DNAT;
		f->dnat = take(p, addr);
	}
	if (groups & GROUP(REPL_DST)) {
		f->has |= FLOW_PLAIN_SNAT;
		f->snat = take(p, addr);
	}
	if (groups & GROUP(REPL_SPORT)) {
		f->has |= FLOW_PLAIN_DNAT_PORT;
		f->dnat_port_be = take_u16(p);
	}
	if (groups & GROUP(REPL_DPORT)) {
		f->has |= FLOW_PLAIN_SNAT_PORT;
		f->snat_port_be = take_u16(p);
	}
}

/* The reply tuple differs, but the kernel says that it has not done so. */
static void deny_nat(struct flow_plain *f)
{
	if (!(f->status & FLOW_STATUS_SRC_NAT_DONE))
		f->has &= (uint16_t) ~(FLOW_PLAIN_SNAT | FLOW_PLAIN_SNAT_PORT);
	if (!(f->status & FLOW_STATUS_DST_NAT_DONE))
		f->has &= (uint16_t) ~(FLOW_PLAIN_DNAT | FLOW_PLAIN_DNAT_PORT);
}

static void take_values(const uint8_t **p, struct flow_plain *f, uint32_t groups)
{
	if (groups & GROUP(ID))
		*p += sizeof(uint32_t);
	if (groups & GROUP(STATUS)) {
		f->has |= FLOW_PLAIN_STATUS;
		f->status = take_u16(p);
		if (groups & GROUP(STATUS_HIGH))
			f->status |= (uint32_t)take_u16(p) << 16;
		if (groups & GROUPS_NAT)
			deny_nat(f);
	}
	if (groups & GROUP(TIMEOUT)) {
		f->has |= FLOW_PLAIN_TIMEOUT;
		f->timeout = take_u32(p);
	}
	if (groups & GROUP(MARK)) {
		f->has |= FLOW_PLAIN_MARK;
		f->mark = groups & GROUP(MARK_VALUE) ? take_u32(p) : 0;
	}
	if (groups & GROUP(TCP_STATE)) {
		f->has |= FLOW_PLAIN_TCP_STATE;
		f->tcp_state = *take(p, 1);
	}
	*p += (groups & GROUP(TCP_WSCALE) ? 2 : 0) + (groups & GROUP(TCP_FLAGS) ? 4 : 0);
	if (groups & GROUP(SYNPROXY))
		f->has |= FLOW_PLAIN_NO_SYNPROXY;
}

bool flow_plain_unpack(const uint8_t *packed, size_t len, struct flow_plain *f)
{
	const uint8_t *p = packed + 2;
	uint32_t groups;

	f->has = 0;
	f->ipv6 = packed[0] & KEY_IPV6;
	f->l4 = packed[1];
	if ((packed[0] & ~KEY_IPV6) != KEY_CELLS || (f->l4 != FLOW_L4_TCP && f->l4 != FLOW_L4_UDP))
		return false;
	f->addrs = take(&p, f->ipv6 ? 2 * ADDR6 : 2 * ADDR4);
	f->ports = take(&p, 2 * PORT);
	groups = take_u32(&p);
	if (groups & ~(uint32_t)GROUPS_PLAIN || !(groups & GROUP(CELLS)))
		return false;
	if (groups & GROUPS_NAT)
		take_nat(&p, f, groups);
	take_values(&p, f, groups);
	CHECK(p == packed + len);
	return true;
}
