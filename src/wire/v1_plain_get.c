/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <string.h>

#include "base/check.h"
#include "flow/plain.h"
#include "wire/v1.h"
#include "wire/v1_attr.h"

/* A record's header as it stands in memory: its length and number, both in network byte order. */
static inline uint32_t header_of(enum v1_attr attr, size_t bytes)
{
	return __builtin_bswap32((uint32_t)(V1_RECORD_HEADER_BYTES + bytes) << 16 | attr);
}

/* The value of the record that the cursor stands at, if that is what it is; else NULL. */
static inline const uint8_t *take(struct rbuf *r, enum v1_attr attr, size_t bytes)
{
	size_t padded = V1_RECORD_HEADER_BYTES + ((bytes + 3) & ~(size_t)3);
	const uint8_t *at = r->at;
	uint32_t header;

	if (r->left < padded)
		return NULL;
	memcpy(&header, at, sizeof(header));
	if (header != header_of(attr, bytes))
		return NULL;
	r->at += padded;
	r->left -= padded;
	return at + V1_RECORD_HEADER_BYTES;
}

static inline uint32_t u32_of(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return __builtin_bswap32(v);
}

static inline uint16_t u16_of(const uint8_t *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return __builtin_bswap16(v);
}

static inline void get_u32(
	struct rbuf *r, enum v1_attr attr, uint32_t *out, uint16_t *has, enum flow_plain_has bit)
{
	const uint8_t *at = take(r, attr, sizeof(*out));

	if (at) {
		*out = u32_of(at);
		*has |= (uint16_t)bit;
	}
}

static bool get_tuple(struct rbuf *r, struct flow_plain *f)
{
	const uint8_t *l4;

	f->ipv6 = false;
	f->addrs = take(r, V1_IPV4, 8);
	if (!f->addrs) {
		f->ipv6 = true;
		f->addrs = take(r, V1_IPV6, 32);
	}
	if (!f->addrs)
		return false;
	get_u32(r, V1_STATUS, &f->status, &f->has, FLOW_PLAIN_STATUS);
	l4 = take(r, V1_L4PROTO, 1);
	if (!l4 || (*l4 != IPPROTO_TCP && *l4 != IPPROTO_UDP))
		return false;
	f->l4 = *l4;
	f->ports = take(r, V1_PORT, 4);
	return f->ports;
}

static void get_nat(struct rbuf *r, struct flow_plain *f)
{
	const uint8_t *port;

	f->snat = f->ipv6 ? take(r, V1_SNAT_IPV6, 16) : take(r, V1_SNAT_IPV4, 4);
	if (f->snat)
		f->has |= FLOW_PLAIN_SNAT;
	f->dnat = f->ipv6 ? take(r, V1_DNAT_IPV6, 16) : take(r, V1_DNAT_IPV4, 4);
	if (f->dnat)
		f->has |= FLOW_PLAIN_DNAT;
	port = take(r, V1_SPAT_PORT, 2);
	if (port) {
		f->snat_port_be = u16_of(port);
		f->has |= FLOW_PLAIN_SNAT_PORT;
	}
	port = take(r, V1_DPAT_PORT, 2);
	if (port) {
		f->dnat_port_be = u16_of(port);
		f->has |= FLOW_PLAIN_DNAT_PORT;
	}
}

/*
 * One pass in the order in which both ctsync and conntrackd write the attributes: at each place a
 * single comparison tells whether the expected one is there. Whatever else is there, or stands
 * elsewhere, is left in the cursor, and the message goes the long way.
 */
bool wire_v1_get_plain(const struct wire_v1_message *m, struct flow_plain *out)
{
	static const uint8_t naught[12];
	struct rbuf r = rbuf_of(m->payload, m->payload_len);
	const uint8_t *at;

	CHECK(m->type <= WIRE_V1_CT_DEL);
	out->has = 0;
	if (!get_tuple(&r, out))
		return false;
	if (out->l4 == IPPROTO_TCP) {
		at = take(&r, V1_TCP_STATE, 1);
		if (at) {
			out->tcp_state = *at;
			out->has |= FLOW_PLAIN_TCP_STATE;
		}
	}
	get_u32(&r, V1_TIMEOUT, &out->timeout, &out->has, FLOW_PLAIN_TIMEOUT);
	get_u32(&r, V1_MARK, &out->mark, &out->has, FLOW_PLAIN_MARK);
	if (r.left == 0)
		return true;
	get_nat(&r, out);
	at = take(&r, V1_SYNPROXY, sizeof(naught));
	if (at) {
		if (memcmp(at, naught, sizeof(naught)) != 0)
			return false;
		out->has |= FLOW_PLAIN_NO_SYNPROXY;
	}
	return r.left == 0;
}
