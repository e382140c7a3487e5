/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <string.h>

#include <sys/socket.h>

#include "core/limits.h"
#include "flow/status.h"
#include "tests/sim/traffic.h"
#include "wire/v1.h"

/* Status bits that a write into a kernel may add or take away. */
enum {
	STATUS_ADAPTED = FLOW_STATUS_EXPECTED | FLOW_STATUS_OFFLOAD | FLOW_STATUS_HW_OFFLOAD |
			 FLOW_STATUS_DYING | FLOW_STATUS_TEMPLATE | FLOW_STATUS_UNTRACKED |
			 FLOW_STATUS_HELPER | FLOW_STATUS_CONFIRMED | FLOW_STATUS_SRC_NAT |
			 FLOW_STATUS_DST_NAT | FLOW_STATUS_SRC_NAT_DONE | FLOW_STATUS_DST_NAT_DONE |
			 FLOW_STATUS_SEQ_ADJUST | FLOW_STATUS_ASSURED | FLOW_STATUS_SEEN_REPLY,
};

/* Those of them that are each kernel's own. */
enum {
	STATUS_OWN = FLOW_STATUS_EXPECTED | FLOW_STATUS_OFFLOAD | FLOW_STATUS_HW_OFFLOAD |
		     FLOW_STATUS_DYING | FLOW_STATUS_TEMPLATE | FLOW_STATUS_UNTRACKED |
		     FLOW_STATUS_HELPER | FLOW_STATUS_CONFIRMED,
};

static bool same_set(const struct flow *a, const struct flow *b, enum flow_attr attr)
{
	return flow_has(a, attr) == flow_has(b, attr);
}

/* Both lack it, or both have it and equal says that the values agree. */
static bool same_value(const struct flow *a, const struct flow *b, enum flow_attr attr, bool equal)
{
	return same_set(a, b, attr) && (!flow_has(a, attr) || equal);
}

static bool same_addr(const struct flow_tuple *a, const struct flow_tuple *b)
{
	size_t n = a->l3 == AF_INET6 ? 16 : 4;

	return memcmp(&a->src, &b->src, n) == 0 && memcmp(&a->dst, &b->dst, n) == 0;
}

static bool same_ports(const struct flow_tuple *a, const struct flow_tuple *b)
{
	return a->sport_be == b->sport_be && a->dport_be == b->dport_be;
}

static bool wire_has_ports(uint8_t l4)
{
	return flow_l4_has_ports(l4) || l4 == IPPROTO_GRE;
}

static bool has_both_vtags(const struct flow *f)
{
	return flow_has(f, FLOW_SCTP_STATE) && flow_has(f, FLOW_SCTP_VTAG_ORIG) &&
	       flow_has(f, FLOW_SCTP_VTAG_REPL);
}

static bool same_l4(const struct flow *a, const struct flow *b, const struct traffic_compare *c)
{
	switch (a->tuple[FLOW_ORIG].l4) {
	case IPPROTO_TCP:
		if (c->window_scale && !c->rewritten &&
			(!same_set(a, b, FLOW_TCP_WSCALE_ORIG) ||
				a->tcp.wscale[0] != b->tcp.wscale[0] ||
				a->tcp.wscale[1] != b->tcp.wscale[1]))
			return false;
		return same_value(a, b, FLOW_TCP_STATE, a->tcp.state == b->tcp.state);
	case IPPROTO_SCTP:
		if (c->over_wire && !has_both_vtags(a)) /* damaged on the way here: not sent on */
			return true;
		return same_value(a, b, FLOW_SCTP_STATE, a->sctp.state == b->sctp.state) &&
		       same_value(a, b, FLOW_SCTP_VTAG_ORIG, a->sctp.vtag[0] == b->sctp.vtag[0]) &&
		       same_value(a, b, FLOW_SCTP_VTAG_REPL, a->sctp.vtag[1] == b->sctp.vtag[1]);
	case IPPROTO_DCCP:
		return same_value(a, b, FLOW_DCCP_STATE, a->dccp.state == b->dccp.state) &&
		       same_value(a, b, FLOW_DCCP_ROLE, a->dccp.role == b->dccp.role);
	default:
		return true;
	}
}

static bool labels_any(const struct flow *f)
{
	static const uint8_t none[FLOW_LABELS_BYTES_MAX];

	return flow_has(f, FLOW_LABELS) && memcmp(f->labels, none, sizeof(none)) != 0;
}

static bool same_labels(const struct flow *a, const struct flow *b)
{
	return labels_any(a) == labels_any(b) &&
	       (!labels_any(a) || memcmp(a->labels, b->labels, sizeof(a->labels)) == 0);
}

static bool helper_shown(const struct flow *f, bool over_wire)
{
	return flow_has(f, FLOW_HELPER_NAME) &&
	       !(over_wire && strlen(f->helper_name) > WIRE_V1_HELPER_NAME_MAX);
}

static bool same_helper(const struct flow *a, const struct flow *b, bool over_wire)
{
	bool shown = helper_shown(a, over_wire);

	return shown == helper_shown(b, over_wire) &&
	       (!shown || strcmp(a->helper_name, b->helper_name) == 0);
}

static bool same_master(const struct flow *a, const struct flow *b)
{
	bool has = flow_has(a, FLOW_MASTER_L4PROTO);

	return has == flow_has(b, FLOW_MASTER_L4PROTO) &&
	       (!has || (same_addr(&a->master, &b->master) && same_ports(&a->master, &b->master)));
}

static bool same_rest(const struct flow *a, const struct flow *b)
{
	if (!same_set(a, b, FLOW_ORIG_SEQADJ_CORRECTION_POS) || !same_set(a, b, FLOW_SYNPROXY_ISN))
		return false;
	return (!flow_has(a, FLOW_ORIG_SEQADJ_CORRECTION_POS) ||
		       memcmp(a->seqadj, b->seqadj, sizeof(a->seqadj)) == 0) &&
	       (!flow_has(a, FLOW_SYNPROXY_ISN) ||
		       (a->synproxy_isn == b->synproxy_isn && a->synproxy_its == b->synproxy_its &&
			       a->synproxy_tsoff == b->synproxy_tsoff));
}

static bool same_key(const struct flow *a, const struct flow *b, bool over_wire)
{
	const struct flow_tuple *x = &a->tuple[FLOW_ORIG], *y = &b->tuple[FLOW_ORIG];

	return x->l3 == y->l3 && x->l4 == y->l4 && same_addr(x, y) &&
	       ((over_wire && !wire_has_ports(x->l4) && !flow_l4_is_icmp(x->l4)) ||
		       same_ports(x, y)) &&
	       (flow_has(a, FLOW_ZONE) ? a->zone : 0) == (flow_has(b, FLOW_ZONE) ? b->zone : 0);
}

/* What not every flow has. */
static const char *optional_differs(
	const struct flow *want, const struct flow *got, const struct traffic_compare *c)
{
	if (!(c->leftovers && !labels_any(want)) && !same_labels(want, got))
		return "labels";
	if (!(c->leftovers && !helper_shown(want, c->over_wire)) &&
		!(c->moved && !flow_has(got, FLOW_HELPER_NAME)) &&
		!same_helper(want, got, c->over_wire))
		return "helper";
	if (!(c->leftovers && !flow_has(want, FLOW_MASTER_L4PROTO)) &&
		!((c->part || c->moved) && !flow_has(got, FLOW_MASTER_L4PROTO)) &&
		!same_master(want, got))
		return "master";
	if (!c->leftovers && !same_rest(want, got))
		return "sequence adjustment or SYN proxy";
	return NULL;
}

static uint32_t status_excused(const struct traffic_compare *c)
{
	return c->rewritten ? STATUS_ADAPTED : c->moved ? STATUS_OWN : 0;
}

/* What is told late, or written, has that much at least. */
static uint32_t timeout_max(const struct flow *want, const struct traffic_compare *c)
{
	bool least = c->moved && want->timeout < LIMIT_DEAD_TIMEOUT_S;

	return (least ? LIMIT_DEAD_TIMEOUT_S : want->timeout) + TRAFFIC_TIMEOUT_SLACK_S;
}

bool traffic_same(const struct flow *want, const struct flow *got, const struct traffic_compare *c,
	const char **what)
{
	const struct flow_tuple *w = &want->tuple[FLOW_REPL], *g = &got->tuple[FLOW_REPL];

	*what = NULL;
	if (!same_key(want, got, c->over_wire))
		*what = "original tuple";
	else if (want->mark != got->mark || !same_set(want, got, FLOW_MARK))
		*what = "mark";
	else if (flow_has(got, FLOW_TIMEOUT) && !c->rewritten &&
		 got->timeout > timeout_max(want, c))
		*what = "timeout";
	else if (!same_l4(want, got, c))
		*what = "protocol state";
	else if ((want->status ^ got->status) & ~status_excused(c))
		*what = "status";
	else if (!c->rewritten && !same_addr(w, g))
		*what = "reply addresses";
	else if (!c->rewritten && wire_has_ports(w->l4) && !same_ports(w, g))
		*what = "reply ports";
	else if (!c->rewritten)
		*what = optional_differs(want, got, c);
	return *what == NULL;
}
