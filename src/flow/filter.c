/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "flow/filter.h"

void flow_filter_add_protocol(struct flow_filter *filter, uint8_t l4)
{
	filter->protocols[l4 / 32] |= UINT32_C(1) << (l4 % 32);
}

bool flow_filter_has_protocol(const struct flow_filter *filter, uint8_t l4)
{
	return filter->protocols[l4 / 32] >> (l4 % 32) & 1;
}

void flow_filter_add_tcp_state(struct flow_filter *filter, uint8_t state)
{
	if (state < 16)
		filter->tcp_states |= (uint16_t)(1u << state);
}

/* The network mask of prefix_len bits, in network byte order; prefix_len may exceed 32. */
static uint32_t mask_be(unsigned prefix_len)
{
	if (prefix_len >= 32)
		return UINT32_MAX;
	return htonl(~(UINT32_MAX >> prefix_len));
}

/* The part of the mask that falls on word i of an IPv6 address. */
static uint32_t mask_word_be(unsigned prefix_len, unsigned i)
{
	return prefix_len > i * 32 ? mask_be(prefix_len - i * 32) : 0;
}

int flow_filter_add_net(
	struct flow_filter *filter, uint8_t l3, const union flow_addr *addr, uint8_t prefix_len)
{
	struct flow_filter_net net = {.l3 = l3, .prefix_len = prefix_len};

	if (!(l3 == AF_INET && prefix_len <= 32) && !(l3 == AF_INET6 && prefix_len <= 128))
		return -EINVAL;
	for (unsigned i = 0; i < (l3 == AF_INET ? 1 : 4); i++)
		net.addr.v6_be[i] = addr->v6_be[i] & mask_word_be(prefix_len, i);
	for (unsigned i = 0; i < filter->nets_count; i++) {
		const struct flow_filter_net *have = &filter->nets[i];

		if (have->l3 == l3 && have->prefix_len == prefix_len &&
			memcmp(&have->addr, &net.addr, sizeof(net.addr)) == 0)
			return -EEXIST;
	}
	if (filter->nets_count >= FLOW_FILTER_NETS_MAX)
		return -ENOSPC;
	filter->nets[filter->nets_count++] = net;
	return 0;
}

static bool net_has(const struct flow_filter_net *net, const union flow_addr *addr)
{
	if (net->l3 == AF_INET)
		return ((addr->v4_be ^ net->addr.v4_be) & mask_be(net->prefix_len)) == 0;
	for (unsigned i = 0; i < 4; i++) {
		uint32_t diff = addr->v6_be[i] ^ net->addr.v6_be[i];

		if (diff & mask_word_be(net->prefix_len, i))
			return false;
	}
	return true;
}

static bool nets_have(const struct flow_filter *filter, const struct flow *f)
{
	const struct flow_tuple *orig = &f->tuple[FLOW_ORIG], *repl = &f->tuple[FLOW_REPL];
	bool with_repl = flow_has_addrs(f, FLOW_REPL) && repl->l3 == orig->l3;

	for (unsigned i = 0; i < filter->nets_count; i++) {
		const struct flow_filter_net *net = &filter->nets[i];

		if (net->l3 != orig->l3)
			continue;
		if (net_has(net, &orig->src) || (with_repl && net_has(net, &repl->src)))
			return true;
	}
	return false;
}

static bool agrees(enum flow_filter_policy policy, bool listed)
{
	switch (policy) {
	case FLOW_FILTER_OFF:
		return true;
	case FLOW_FILTER_ACCEPT:
		return listed;
	case FLOW_FILTER_IGNORE:
		return !listed;
	}
	return true;
}

static bool marks_have(const struct flow_filter *filter, uint32_t mark)
{
	for (unsigned i = 0; i < filter->marks_count; i++)
		if ((mark & filter->marks[i].mask) == filter->marks[i].value)
			return true;
	return false;
}

bool flow_filter_match_tuples(const struct flow_filter *filter, const struct flow *f)
{
	bool has_l4 = flow_has(f, FLOW_ORIG_L4PROTO);
	uint8_t l4 = f->tuple[FLOW_ORIG].l4;

	if (filter->protocol_policy != FLOW_FILTER_OFF &&
		!agrees(filter->protocol_policy, has_l4 && flow_filter_has_protocol(filter, l4)))
		return false;
	if (filter->address_policy == FLOW_FILTER_OFF)
		return true;
	return flow_has_addrs(f, FLOW_ORIG) && agrees(filter->address_policy, nets_have(filter, f));
}

bool flow_filter_match(const struct flow_filter *filter, const struct flow *f)
{
	bool has_l4 = flow_has(f, FLOW_ORIG_L4PROTO);
	uint8_t l4 = f->tuple[FLOW_ORIG].l4;

	if (filter->state_policy != FLOW_FILTER_OFF && has_l4 && l4 == IPPROTO_TCP &&
		flow_has(f, FLOW_TCP_STATE)) {
		bool listed = f->tcp.state < 16 && (filter->tcp_states >> f->tcp.state & 1);

		if (!agrees(filter->state_policy, listed))
			return false;
	}
	if (filter->mark_policy != FLOW_FILTER_OFF &&
		!agrees(filter->mark_policy,
			marks_have(filter, flow_has(f, FLOW_MARK) ? f->mark : 0)))
		return false;
	return flow_filter_match_tuples(filter, f);
}

int flow_filter_add_mark(struct flow_filter *filter, uint32_t value, uint32_t mask)
{
	if (value & ~mask)
		return -EINVAL;
	for (unsigned i = 0; i < filter->marks_count; i++)
		if (filter->marks[i].value == value && filter->marks[i].mask == mask)
			return -EEXIST;
	if (filter->marks_count == FLOW_FILTER_MARKS_MAX)
		return -ENOSPC;
	filter->marks[filter->marks_count].value = value;
	filter->marks[filter->marks_count++].mask = mask;
	return 0;
}
