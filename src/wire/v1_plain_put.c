/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <string.h>

#include "base/check.h"
#include "flow/plain.h"
#include "wire/v1.h"
#include "wire/v1_attr.h"

enum {
	HEADER_BYTES = 8,
	/* header, addresses, six numbers, NAT of addresses and ports, SYNPROXY */
	PLAIN_BYTES_MAX = HEADER_BYTES + 36 + 6 * 8 + 2 * 20 + 2 * 8 + 16,
};

/* A record of so many bytes, a multiple of 4; returns where the next one begins. */
static inline uint8_t *put(uint8_t *p, enum v1_attr attr, const void *value, size_t bytes)
{
	uint32_t header =
		__builtin_bswap32((uint32_t)(V1_RECORD_HEADER_BYTES + bytes) << 16 | attr);

	memcpy(p, &header, sizeof(header));
	memcpy(p + V1_RECORD_HEADER_BYTES, value, bytes);
	return p + V1_RECORD_HEADER_BYTES + bytes;
}

static inline uint8_t *put_u32(uint8_t *p, enum v1_attr attr, uint32_t v)
{
	v = __builtin_bswap32(v);
	return put(p, attr, &v, sizeof(v));
}

/* A shorter number and the zeros behind it, which the length does not count. */
static inline uint8_t *put_short(uint8_t *p, enum v1_attr attr, size_t bytes, uint32_t v)
{
	uint8_t *end = put_u32(p, attr, v << 8 * (4 - bytes));

	p[1] = (uint8_t)(V1_RECORD_HEADER_BYTES + bytes);
	return end;
}

static uint8_t *put_nat(uint8_t *p, const struct flow_plain *f)
{
	size_t addr = f->ipv6 ? 16 : 4;

	if (f->has & FLOW_PLAIN_SNAT)
		p = put(p, f->ipv6 ? V1_SNAT_IPV6 : V1_SNAT_IPV4, f->snat, addr);
	if (f->has & FLOW_PLAIN_DNAT)
		p = put(p, f->ipv6 ? V1_DNAT_IPV6 : V1_DNAT_IPV4, f->dnat, addr);
	if (f->has & FLOW_PLAIN_SNAT_PORT)
		p = put_short(p, V1_SPAT_PORT, 2, f->snat_port_be);
	if (f->has & FLOW_PLAIN_DNAT_PORT)
		p = put_short(p, V1_DPAT_PORT, 2, f->dnat_port_be);
	return p;
}

/* In the order of wire_v1_put_flow(), with lengths that the compiler knows. */
size_t wire_v1_put_plain(struct wbuf *w, enum wire_v1_type type, uint8_t flags, uint32_t seq,
	const struct flow_plain *f, const struct wire_v1_options *opt)
{
	static const uint8_t naught[12];
	uint8_t bytes[PLAIN_BYTES_MAX], *p = bytes + HEADER_BYTES;
	size_t len;

	CHECK(type <= WIRE_V1_CT_DEL && !opt->tcp_window_tracking);
	CHECK((flags & ~(WIRE_V1_HELLO | WIRE_V1_HELLO_BACK)) == 0);
	p = f->ipv6 ? put(p, V1_IPV6, f->addrs, 32) : put(p, V1_IPV4, f->addrs, 8);
	p = put_u32(p, V1_STATUS, f->has & FLOW_PLAIN_STATUS ? f->status : 0);
	p = put_short(p, V1_L4PROTO, 1, f->l4);
	p = put(p, V1_PORT, f->ports, 4);
	if (f->has & FLOW_PLAIN_TCP_STATE && f->l4 == IPPROTO_TCP)
		p = put_short(p, V1_TCP_STATE, 1, f->tcp_state);
	if (f->has & FLOW_PLAIN_TIMEOUT && !opt->without_timeout)
		p = put_u32(p, V1_TIMEOUT, f->timeout);
	if (f->has & FLOW_PLAIN_MARK)
		p = put_u32(p, V1_MARK, f->mark);
	if (f->has >= FLOW_PLAIN_SNAT)
		p = put_nat(p, f);
	if (f->has & FLOW_PLAIN_NO_SYNPROXY)
		p = put(p, V1_SYNPROXY, naught, sizeof(naught));
	len = (size_t)(p - bytes);
	if (w->bad || len > w->cap - w->used)
		return 0;
	seq = __builtin_bswap32(seq);
	bytes[0] = (uint8_t)(WIRE_V1_VERSION << 4 | type);
	bytes[1] = flags;
	bytes[2] = 0;
	bytes[3] = (uint8_t)len;
	memcpy(bytes + 4, &seq, sizeof(seq));
	wbuf_copy(w, bytes, len);
	return len;
}
