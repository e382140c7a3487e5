/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_FLOW_VALUE_H
#define CTSYNC_TESTS_FLOW_VALUE_H

#include "flow/flow.h"

/* Where an attribute's value is and how long it is; len 0 for those without a value of their own.
 */
struct flow_value {
	void *at;
	size_t len;
};

static inline struct flow_value flow_tuple_value(struct flow *f, enum flow_attr a)
{
	struct flow_tuple *o = &f->tuple[FLOW_ORIG], *r = &f->tuple[FLOW_REPL], *m = &f->master;
	struct flow_value of[] = {
		[FLOW_ORIG_IPV4_SRC] = {&o->src, 4},
		[FLOW_ORIG_IPV4_DST] = {&o->dst, 4},
		[FLOW_REPL_IPV4_SRC] = {&r->src, 4},
		[FLOW_REPL_IPV4_DST] = {&r->dst, 4},
		[FLOW_ORIG_IPV6_SRC] = {&o->src, 16},
		[FLOW_ORIG_IPV6_DST] = {&o->dst, 16},
		[FLOW_REPL_IPV6_SRC] = {&r->src, 16},
		[FLOW_REPL_IPV6_DST] = {&r->dst, 16},
		[FLOW_ORIG_PORT_SRC] = {&o->sport_be, 2},
		[FLOW_ORIG_PORT_DST] = {&o->dport_be, 2},
		[FLOW_REPL_PORT_SRC] = {&r->sport_be, 2},
		[FLOW_REPL_PORT_DST] = {&r->dport_be, 2},
		[FLOW_ICMP_TYPE] = {&o->icmp_type, 1},
		[FLOW_ICMP_CODE] = {&o->icmp_code, 1},
		[FLOW_ICMP_ID] = {&o->icmp_id_be, 2},
		[FLOW_ORIG_L3PROTO] = {&o->l3, 1},
		[FLOW_REPL_L3PROTO] = {&r->l3, 1},
		[FLOW_ORIG_L4PROTO] = {&o->l4, 1},
		[FLOW_REPL_L4PROTO] = {&r->l4, 1},
		[FLOW_MASTER_IPV4_SRC] = {&m->src, 4},
		[FLOW_MASTER_IPV4_DST] = {&m->dst, 4},
		[FLOW_MASTER_IPV6_SRC] = {&m->src, 16},
		[FLOW_MASTER_IPV6_DST] = {&m->dst, 16},
		[FLOW_MASTER_PORT_SRC] = {&m->sport_be, 2},
		[FLOW_MASTER_PORT_DST] = {&m->dport_be, 2},
		[FLOW_MASTER_L3PROTO] = {&m->l3, 1},
		[FLOW_MASTER_L4PROTO] = {&m->l4, 1},
		[FLOW_ORIG_ZONE] = {&o->zone, 2},
		[FLOW_REPL_ZONE] = {&r->zone, 2},
		[FLOW_ATTR_COUNT] = {NULL, 0},
	};

	return of[a];
}

static inline struct flow_value flow_value(struct flow *f, enum flow_attr a)
{
	struct flow_seqadj *so = &f->seqadj[FLOW_ORIG], *sr = &f->seqadj[FLOW_REPL];
	struct flow_value of[] = {
		[FLOW_TCP_STATE] = {&f->tcp.state, 1},
		[FLOW_SNAT_IPV4] = {&f->snat, 4},
		[FLOW_DNAT_IPV4] = {&f->dnat, 4},
		[FLOW_SNAT_PORT] = {&f->snat_port_be, 2},
		[FLOW_DNAT_PORT] = {&f->dnat_port_be, 2},
		[FLOW_TIMEOUT] = {&f->timeout, 4},
		[FLOW_MARK] = {&f->mark, 4},
		[FLOW_ORIG_COUNTER_PACKETS] = {&f->counters[FLOW_ORIG].packets, 8},
		[FLOW_REPL_COUNTER_PACKETS] = {&f->counters[FLOW_REPL].packets, 8},
		[FLOW_ORIG_COUNTER_BYTES] = {&f->counters[FLOW_ORIG].bytes, 8},
		[FLOW_REPL_COUNTER_BYTES] = {&f->counters[FLOW_REPL].bytes, 8},
		[FLOW_USE] = {&f->use, 4},
		[FLOW_ID] = {&f->id, 4},
		[FLOW_STATUS] = {&f->status, 4},
		[FLOW_TCP_FLAGS_ORIG] = {&f->tcp.flags[FLOW_ORIG], 1},
		[FLOW_TCP_FLAGS_REPL] = {&f->tcp.flags[FLOW_REPL], 1},
		[FLOW_TCP_MASK_ORIG] = {&f->tcp.flags_mask[FLOW_ORIG], 1},
		[FLOW_TCP_MASK_REPL] = {&f->tcp.flags_mask[FLOW_REPL], 1},
		[FLOW_SECMARK] = {&f->secmark, 4},
		[FLOW_ORIG_SEQADJ_CORRECTION_POS] = {&so->correction_pos, 4},
		[FLOW_ORIG_SEQADJ_OFFSET_BEFORE] = {&so->offset_before, 4},
		[FLOW_ORIG_SEQADJ_OFFSET_AFTER] = {&so->offset_after, 4},
		[FLOW_REPL_SEQADJ_CORRECTION_POS] = {&sr->correction_pos, 4},
		[FLOW_REPL_SEQADJ_OFFSET_BEFORE] = {&sr->offset_before, 4},
		[FLOW_REPL_SEQADJ_OFFSET_AFTER] = {&sr->offset_after, 4},
		[FLOW_SCTP_STATE] = {&f->sctp.state, 1},
		[FLOW_SCTP_VTAG_ORIG] = {&f->sctp.vtag[FLOW_ORIG], 4},
		[FLOW_SCTP_VTAG_REPL] = {&f->sctp.vtag[FLOW_REPL], 4},
		[FLOW_HELPER_NAME] = {f->helper_name, 15},
		[FLOW_DCCP_STATE] = {&f->dccp.state, 1},
		[FLOW_DCCP_ROLE] = {&f->dccp.role, 1},
		[FLOW_DCCP_HANDSHAKE_SEQ] = {&f->dccp.handshake_seq, 8},
		[FLOW_TCP_WSCALE_ORIG] = {&f->tcp.wscale[FLOW_ORIG], 1},
		[FLOW_TCP_WSCALE_REPL] = {&f->tcp.wscale[FLOW_REPL], 1},
		[FLOW_ZONE] = {&f->zone, 2},
		[FLOW_SECCTX] = {&f->secctx, sizeof(f->secctx)},
		[FLOW_TIMESTAMP_START] = {&f->timestamp_start, 8},
		[FLOW_TIMESTAMP_STOP] = {&f->timestamp_stop, 8},
		[FLOW_HELPER_INFO] = {&f->helper_info, sizeof(f->helper_info)},
		[FLOW_LABELS] = {f->labels, sizeof(f->labels)},
		[FLOW_SNAT_IPV6] = {&f->snat, 16},
		[FLOW_DNAT_IPV6] = {&f->dnat, 16},
		[FLOW_SYNPROXY_ISN] = {&f->synproxy_isn, 4},
		[FLOW_SYNPROXY_ITS] = {&f->synproxy_its, 4},
		[FLOW_SYNPROXY_TSOFF] = {&f->synproxy_tsoff, 4},
		[FLOW_ATTR_COUNT] = {NULL, 0},
	};

	return of[a].len ? of[a] : flow_tuple_value(f, a);
}

/* What makes the key, apart from the ICMP attributes all of the original tuple or the zones. */
static inline bool flow_value_is_key(enum flow_attr a)
{
	return a <= FLOW_ORIG_IPV4_DST || a == FLOW_ORIG_IPV6_SRC || a == FLOW_ORIG_IPV6_DST ||
	       a == FLOW_ORIG_PORT_SRC || a == FLOW_ORIG_PORT_DST ||
	       (a >= FLOW_ICMP_TYPE && a <= FLOW_ORIG_L3PROTO) || a == FLOW_ORIG_L4PROTO ||
	       a == FLOW_ZONE || a == FLOW_ORIG_ZONE || a == FLOW_REPL_ZONE;
}

#endif
