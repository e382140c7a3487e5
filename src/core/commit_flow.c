/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/commit_flow.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "flow/status.h"

enum {
	/* bits of the sender's kernel that mean nothing, or harm, in another one */
	STATUS_FOREIGN = FLOW_STATUS_EXPECTED | FLOW_STATUS_DYING | FLOW_STATUS_TEMPLATE |
			 FLOW_STATUS_UNTRACKED | FLOW_STATUS_HELPER | FLOW_STATUS_OFFLOAD |
			 FLOW_STATUS_HW_OFFLOAD,
	STATUS_GROWING = FLOW_STATUS_SEEN_REPLY | FLOW_STATUS_ASSURED,
};

static void unset(struct flow *f, const uint8_t *attrs, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		flow_mark_unset(f, (enum flow_attr)attrs[i]);
}

static void drop_private(struct flow *f)
{
	static const uint8_t attrs[] = {FLOW_ID, FLOW_USE, FLOW_ORIG_COUNTER_PACKETS,
		FLOW_REPL_COUNTER_PACKETS, FLOW_ORIG_COUNTER_BYTES, FLOW_REPL_COUNTER_BYTES,
		FLOW_SECMARK, FLOW_SECCTX, FLOW_TIMESTAMP_START, FLOW_TIMESTAMP_STOP,
		FLOW_TIMESTAMP_EVENT};

	unset(f, attrs, sizeof(attrs));
}

static void drop_nat(struct flow *f)
{
	static const uint8_t attrs[] = {FLOW_SNAT_IPV4, FLOW_DNAT_IPV4, FLOW_SNAT_IPV6,
		FLOW_DNAT_IPV6, FLOW_SNAT_PORT, FLOW_DNAT_PORT};

	unset(f, attrs, sizeof(attrs));
}

static void set_status(struct flow *f)
{
	f->status = (flow_has(f, FLOW_STATUS) ? f->status & ~(uint32_t)STATUS_FOREIGN : 0) |
		    FLOW_STATUS_CONFIRMED;
	flow_mark_set(f, FLOW_STATUS);
}

/* More flags of both directions; those that are known stay as they are. */
static void add_tcp_flags(struct flow *f, uint8_t flags)
{
	for (unsigned dir = 0; dir < FLOW_DIRS; dir++) {
		if (!flow_has(f, FLOW_TCP_FLAGS_ORIG))
			f->tcp.flags[dir] = f->tcp.flags_mask[dir] = 0;
		f->tcp.flags[dir] |= flags;
		f->tcp.flags_mask[dir] |= flags;
	}
	flow_mark_set(f, FLOW_TCP_FLAGS_ORIG);
	flow_mark_set(f, FLOW_TCP_FLAGS_REPL);
	flow_mark_set(f, FLOW_TCP_MASK_ORIG);
	flow_mark_set(f, FLOW_TCP_MASK_REPL);
}

/*
 * The link carries window scales without the flag that the kernel wants to see with them. Two zeros
 * are what a sender says that does not know them.
 */
static bool is_scaled(const struct flow *f)
{
	return flow_has(f, FLOW_TCP_WSCALE_ORIG) && flow_has(f, FLOW_TCP_WSCALE_REPL) &&
	       (f->tcp.wscale[FLOW_ORIG] != 0 || f->tcp.wscale[FLOW_REPL] != 0);
}

static void set_tcp_flags(struct flow *f, bool liberal)
{
	uint8_t flags = liberal ? FLOW_TCP_FLAG_BE_LIBERAL : 0;

	if (f->tuple[FLOW_ORIG].l4 != IPPROTO_TCP || !flow_has(f, FLOW_TCP_STATE))
		return;
	if (is_scaled(f))
		flags |= FLOW_TCP_FLAG_WINDOW_SCALE;
	if (flags)
		add_tcp_flags(f, flags);
}

void commit_flow_local(struct flow *f)
{
	drop_private(f);
	drop_nat(f);
	set_status(f);
}

void commit_flow_create(struct flow *f, bool liberal)
{
	bool spat = flow_is_spat(f), dpat = flow_is_dpat(f);
	bool snat = flow_is_snat(f) || spat, dnat = flow_is_dnat(f) || dpat;
	struct flow_tuple reply = f->tuple[FLOW_REPL];
	bool v6 = f->tuple[FLOW_ORIG].l3 == AF_INET6;

	drop_private(f);
	drop_nat(f);
	flow_setup_reply(f);
	set_status(f);
	f->status &= ~(uint32_t)(FLOW_STATUS_SRC_NAT | FLOW_STATUS_SRC_NAT_DONE |
				 FLOW_STATUS_DST_NAT | FLOW_STATUS_DST_NAT_DONE);
	if (snat) {
		f->snat = reply.dst;
		flow_mark_set(f, v6 ? FLOW_SNAT_IPV6 : FLOW_SNAT_IPV4);
		f->status |= FLOW_STATUS_SRC_NAT | FLOW_STATUS_SRC_NAT_DONE;
	}
	if (spat) {
		f->snat_port_be = reply.dport_be;
		flow_mark_set(f, FLOW_SNAT_PORT);
	}
	if (dnat) {
		f->dnat = reply.src;
		flow_mark_set(f, v6 ? FLOW_DNAT_IPV6 : FLOW_DNAT_IPV4);
		f->status |= FLOW_STATUS_DST_NAT | FLOW_STATUS_DST_NAT_DONE;
	}
	if (dpat) {
		f->dnat_port_be = reply.sport_be;
		flow_mark_set(f, FLOW_DNAT_PORT);
	}
	set_tcp_flags(f, liberal);
}

/* What the kernel does not change on an entry that is there. */
static void drop_fixed(struct flow *f)
{
	static const uint8_t attrs[] = {FLOW_MASTER_IPV4_SRC, FLOW_MASTER_IPV4_DST,
		FLOW_MASTER_IPV6_SRC, FLOW_MASTER_IPV6_DST, FLOW_MASTER_PORT_SRC,
		FLOW_MASTER_PORT_DST, FLOW_MASTER_L3PROTO, FLOW_MASTER_L4PROTO, FLOW_HELPER_NAME,
		FLOW_HELPER_INFO};

	drop_private(f);
	drop_nat(f);
	unset(f, attrs, sizeof(attrs));
}

void commit_flow_updated(struct flow *f, const struct flow *known)
{
	static const uint8_t attrs[] = {FLOW_REPL_IPV4_SRC, FLOW_REPL_IPV4_DST, FLOW_REPL_IPV6_SRC,
		FLOW_REPL_IPV6_DST, FLOW_REPL_PORT_SRC, FLOW_REPL_PORT_DST, FLOW_REPL_L3PROTO,
		FLOW_REPL_L4PROTO, FLOW_REPL_ZONE};

	drop_fixed(f);
	set_status(f);
	if (!known || !flow_has(known, FLOW_STATUS))
		return;
	f->status = known->status | (f->status & STATUS_GROWING);
	unset(f, attrs, sizeof(attrs));
}

void commit_flow_update(struct flow *f, const struct flow *known, bool liberal, bool without_status)
{
	uint32_t growing = flow_has(f, FLOW_STATUS) ? f->status & STATUS_GROWING : 0;

	drop_fixed(f);
	if (without_status) {
		flow_mark_unset(f, FLOW_STATUS);
	} else {
		f->status = growing | FLOW_STATUS_CONFIRMED;
		if (known && flow_has(known, FLOW_STATUS))
			f->status |= known->status;
		flow_mark_set(f, FLOW_STATUS);
	}
	set_tcp_flags(f, liberal);
}

void commit_flow_loosen(struct flow *f)
{
	add_tcp_flags(f, FLOW_TCP_FLAG_BE_LIBERAL);
}

bool commit_flow_is_keyless(const struct flow *f)
{
	uint8_t l4 = f->tuple[FLOW_ORIG].l4;

	return (flow_l4_has_ports(l4) || l4 == IPPROTO_GRE) && !flow_has(f, FLOW_ORIG_PORT_SRC);
}

static unsigned tcp_progress(uint8_t state)
{
	static const uint8_t progress[FLOW_TCP_STATES] = {
		[FLOW_TCP_SYN_SENT] = 1,
		[FLOW_TCP_SYN_SENT2] = 2,
		[FLOW_TCP_SYN_RECV] = 3,
		[FLOW_TCP_ESTABLISHED] = 4,
		[FLOW_TCP_FIN_WAIT] = 5,
		[FLOW_TCP_CLOSE_WAIT] = 6,
		[FLOW_TCP_LAST_ACK] = 7,
		[FLOW_TCP_TIME_WAIT] = 8,
		[FLOW_TCP_CLOSE] = 9,
	};

	return state < FLOW_TCP_STATES ? progress[state] : 0;
}

static bool tcp_is_over(uint8_t state)
{
	return tcp_progress(state) >= tcp_progress(FLOW_TCP_LAST_ACK);
}

bool commit_flow_forward(struct flow *f, const struct flow *known)
{
	static const uint8_t attrs[] = {FLOW_TCP_STATE, FLOW_TCP_FLAGS_ORIG, FLOW_TCP_FLAGS_REPL,
		FLOW_TCP_MASK_ORIG, FLOW_TCP_MASK_REPL, FLOW_TCP_WSCALE_ORIG, FLOW_TCP_WSCALE_REPL};

	if (!flow_has(f, FLOW_TCP_STATE))
		return false;
	if (!flow_has(known, FLOW_TCP_STATE) ||
		tcp_progress(f->tcp.state) > tcp_progress(known->tcp.state) ||
		(flow_tcp_is_half_open(f->tcp.state) && tcp_is_over(known->tcp.state)))
		return true;
	unset(f, attrs, sizeof(attrs));
	return false;
}

void commit_flow_key(struct flow *out, const struct flow *f)
{
	static const uint8_t attrs[] = {FLOW_ORIG_IPV4_SRC, FLOW_ORIG_IPV4_DST, FLOW_ORIG_IPV6_SRC,
		FLOW_ORIG_IPV6_DST, FLOW_ORIG_PORT_SRC, FLOW_ORIG_PORT_DST, FLOW_ICMP_TYPE,
		FLOW_ICMP_CODE, FLOW_ICMP_ID, FLOW_ORIG_L3PROTO, FLOW_ORIG_L4PROTO, FLOW_ZONE,
		FLOW_ORIG_ZONE};

	memset(out, 0, sizeof(*out));
	out->tuple[FLOW_ORIG] = f->tuple[FLOW_ORIG];
	out->zone = f->zone;
	for (unsigned i = 0; i < sizeof(attrs); i++)
		if (flow_has(f, (enum flow_attr)attrs[i]))
			flow_mark_set(out, (enum flow_attr)attrs[i]);
}
