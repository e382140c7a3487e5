/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flow/plain.h"

#include <string.h>

#include "flow/pack_layout.h"

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
