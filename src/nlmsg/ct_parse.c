/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "nlmsg/ct.h"
#include "nlmsg/parse.h"

enum { CT_TIMESTAMP_EVENT = 27 }; /* CTA_TIMESTAMP_EVENT of Linux 6.14, which older headers lack */

static void parse_tcp_flags(
	struct parse *p, const struct attr *a, enum flow_dir dir, struct flow_tcp *tcp)
{
	uint8_t v[2]; /* struct nf_ct_tcp_flags: flags, mask */

	if (!take(p, a, v, sizeof(v)))
		return;
	tcp->flags[dir] = v[0];
	tcp->flags_mask[dir] = v[1];
	mark_set(p, dir == FLOW_ORIG ? FLOW_TCP_FLAGS_ORIG : FLOW_TCP_FLAGS_REPL);
	mark_set(p, dir == FLOW_ORIG ? FLOW_TCP_MASK_ORIG : FLOW_TCP_MASK_REPL);
}

static void parse_tcp(struct parse *p, const struct attr *nest)
{
	struct flow_tcp *tcp = &p->flow->tcp;
	struct attr_walk w = attr_walk_nest(nest);
	struct attr a;

	while (attr_next(&w, &a)) {
		switch (a.type) {
		case CTA_PROTOINFO_TCP_STATE:
			take_u8(p, &a, FLOW_TCP_STATE, &tcp->state);
			break;
		case CTA_PROTOINFO_TCP_WSCALE_ORIGINAL:
			take_u8(p, &a, FLOW_TCP_WSCALE_ORIG, &tcp->wscale[FLOW_ORIG]);
			break;
		case CTA_PROTOINFO_TCP_WSCALE_REPLY:
			take_u8(p, &a, FLOW_TCP_WSCALE_REPL, &tcp->wscale[FLOW_REPL]);
			break;
		case CTA_PROTOINFO_TCP_FLAGS_ORIGINAL:
			parse_tcp_flags(p, &a, FLOW_ORIG, tcp);
			break;
		case CTA_PROTOINFO_TCP_FLAGS_REPLY:
			parse_tcp_flags(p, &a, FLOW_REPL, tcp);
			break;
		default:
			break;
		}
	}
	parse_finish(p, &w);
}

static void parse_sctp(struct parse *p, const struct attr *nest)
{
	struct flow_sctp *sctp = &p->flow->sctp;
	struct attr_walk w = attr_walk_nest(nest);
	struct attr a;

	while (attr_next(&w, &a)) {
		switch (a.type) {
		case CTA_PROTOINFO_SCTP_STATE:
			take_u8(p, &a, FLOW_SCTP_STATE, &sctp->state);
			break;
		case CTA_PROTOINFO_SCTP_VTAG_ORIGINAL:
			take_u32(p, &a, FLOW_SCTP_VTAG_ORIG, &sctp->vtag[FLOW_ORIG]);
			break;
		case CTA_PROTOINFO_SCTP_VTAG_REPLY:
			take_u32(p, &a, FLOW_SCTP_VTAG_REPL, &sctp->vtag[FLOW_REPL]);
			break;
		default:
			break;
		}
	}
	parse_finish(p, &w);
}

static void parse_dccp(struct parse *p, const struct attr *nest)
{
	struct flow_dccp *dccp = &p->flow->dccp;
	struct attr_walk w = attr_walk_nest(nest);
	struct attr a;

	while (attr_next(&w, &a)) {
		switch (a.type) {
		case CTA_PROTOINFO_DCCP_STATE:
			take_u8(p, &a, FLOW_DCCP_STATE, &dccp->state);
			break;
		case CTA_PROTOINFO_DCCP_ROLE:
			take_u8(p, &a, FLOW_DCCP_ROLE, &dccp->role);
			break;
		case CTA_PROTOINFO_DCCP_HANDSHAKE_SEQ:
			take_u64(p, &a, FLOW_DCCP_HANDSHAKE_SEQ, &dccp->handshake_seq);
			break;
		default:
			break;
		}
	}
	parse_finish(p, &w);
}

/* A flow has one protocol, and what they keep shares memory: another one's nest is a bad one. */
static void parse_protoinfo(struct parse *p, const struct attr *nest)
{
	struct attr_walk w = attr_walk_nest(nest);
	struct attr proto = {NULL, 0, 0}; /* the last of the first kind */
	struct attr a;

	while (attr_next(&w, &a)) {
		if (a.type != CTA_PROTOINFO_TCP && a.type != CTA_PROTOINFO_SCTP &&
			a.type != CTA_PROTOINFO_DCCP)
			continue;
		if (proto.data && proto.type != a.type)
			p->bad = true;
		else
			proto = a;
	}
	parse_finish(p, &w);
	if (!proto.data)
		return;
	if (proto.type == CTA_PROTOINFO_TCP)
		parse_tcp(p, &proto);
	else if (proto.type == CTA_PROTOINFO_SCTP)
		parse_sctp(p, &proto);
	else
		parse_dccp(p, &proto);
}

/* The private data mean something to the helper that is named beside them; alone, nothing. */
static void parse_help(struct parse *p, const struct attr *nest)
{
	struct flow *f = p->flow;
	struct flow_span info = {NULL, 0};
	struct attr_walk w = attr_walk_nest(nest);
	bool has_name = false;
	struct attr a;

	while (attr_next(&w, &a)) {
		switch (a.type) {
		case CTA_HELP_NAME:
			has_name = take_text(p, &a, f->helper_name, sizeof(f->helper_name)) ||
				   has_name;
			break;
		case CTA_HELP_INFO:
			info = (struct flow_span){a.data, a.len};
			break;
		default:
			break;
		}
	}
	if (has_name)
		mark_set(p, FLOW_HELPER_NAME);
	if (has_name && info.data) {
		f->helper_info = info;
		mark_set(p, FLOW_HELPER_INFO);
	}
	parse_finish(p, &w);
}

/* The kernel of today writes 64-bit counters only; where both are present, these win. */
static void parse_counters(struct parse *p, const struct attr *nest, enum flow_dir dir)
{
	static const enum flow_attr ids[FLOW_DIRS][2] = {
		{FLOW_ORIG_COUNTER_PACKETS, FLOW_ORIG_COUNTER_BYTES},
		{FLOW_REPL_COUNTER_PACKETS, FLOW_REPL_COUNTER_BYTES},
	};
	struct flow_counters *c = &p->flow->counters[dir];
	bool wide[2] = {false, false};
	struct attr_walk w = attr_walk_nest(nest);
	struct attr a;

	while (attr_next(&w, &a)) {
		unsigned i = a.type == CTA_COUNTERS_BYTES || a.type == CTA_COUNTERS32_BYTES;
		uint64_t *value = i ? &c->bytes : &c->packets;
		uint32_t narrow;

		switch (a.type) {
		case CTA_COUNTERS_PACKETS:
		case CTA_COUNTERS_BYTES:
			take_u64(p, &a, ids[dir][i], value);
			wide[i] = wide[i] || a.len == sizeof(*value);
			break;
		case CTA_COUNTERS32_PACKETS:
		case CTA_COUNTERS32_BYTES:
			if (!wide[i] && take(p, &a, &narrow, sizeof(narrow))) {
				*value = ntohl(narrow);
				mark_set(p, ids[dir][i]);
			}
			break;
		default:
			break;
		}
	}
	parse_finish(p, &w);
}

static void parse_seqadj(struct parse *p, const struct attr *nest, enum flow_dir dir)
{
	static const enum flow_attr ids[FLOW_DIRS][3] = {
		{FLOW_ORIG_SEQADJ_CORRECTION_POS, FLOW_ORIG_SEQADJ_OFFSET_BEFORE,
			FLOW_ORIG_SEQADJ_OFFSET_AFTER},
		{FLOW_REPL_SEQADJ_CORRECTION_POS, FLOW_REPL_SEQADJ_OFFSET_BEFORE,
			FLOW_REPL_SEQADJ_OFFSET_AFTER},
	};
	struct flow_seqadj *s = &p->flow->seqadj[dir];
	struct attr_walk w = attr_walk_nest(nest);
	struct attr a;

	while (attr_next(&w, &a)) {
		switch (a.type) {
		case CTA_SEQADJ_CORRECTION_POS:
			take_u32(p, &a, ids[dir][0], &s->correction_pos);
			break;
		case CTA_SEQADJ_OFFSET_BEFORE:
			take_u32(p, &a, ids[dir][1], &s->offset_before);
			break;
		case CTA_SEQADJ_OFFSET_AFTER:
			take_u32(p, &a, ids[dir][2], &s->offset_after);
			break;
		default:
			break;
		}
	}
	parse_finish(p, &w);
}

static void parse_synproxy(struct parse *p, const struct attr *nest)
{
	struct flow *f = p->flow;
	struct attr_walk w = attr_walk_nest(nest);
	struct attr a;

	while (attr_next(&w, &a)) {
		switch (a.type) {
		case CTA_SYNPROXY_ISN:
			take_u32(p, &a, FLOW_SYNPROXY_ISN, &f->synproxy_isn);
			break;
		case CTA_SYNPROXY_ITS:
			take_u32(p, &a, FLOW_SYNPROXY_ITS, &f->synproxy_its);
			break;
		case CTA_SYNPROXY_TSOFF:
			take_u32(p, &a, FLOW_SYNPROXY_TSOFF, &f->synproxy_tsoff);
			break;
		default:
			break;
		}
	}
	parse_finish(p, &w);
}

static void parse_timestamp(struct parse *p, const struct attr *nest)
{
	struct flow *f = p->flow;
	struct attr_walk w = attr_walk_nest(nest);
	struct attr a;

	while (attr_next(&w, &a)) {
		switch (a.type) {
		case CTA_TIMESTAMP_START:
			take_u64(p, &a, FLOW_TIMESTAMP_START, &f->timestamp_start);
			break;
		case CTA_TIMESTAMP_STOP:
			take_u64(p, &a, FLOW_TIMESTAMP_STOP, &f->timestamp_stop);
			break;
		default:
			break;
		}
	}
	parse_finish(p, &w);
}

static void parse_secctx(struct parse *p, const struct attr *nest)
{
	struct attr_walk w = attr_walk_nest(nest);
	struct attr a;

	while (attr_next(&w, &a)) {
		if (a.type != CTA_SECCTX_NAME)
			continue;
		p->flow->secctx.data = a.data;
		p->flow->secctx.len = (uint32_t)strnlen((const char *)a.data, a.len);
		mark_set(p, FLOW_SECCTX);
	}
	parse_finish(p, &w);
}

/* Words of 32 bits; what a last one lacks is zero. */
static void parse_labels(struct parse *p, const struct attr *a)
{
	struct flow *f = p->flow;

	if (a->len == 0)
		return;
	if (a->len > sizeof(f->labels)) {
		p->bad = true;
		return;
	}
	memset(f->labels, 0, sizeof(f->labels));
	memcpy(f->labels, a->data, a->len);
	f->labels_len = (uint8_t)NLA_ALIGN(a->len);
	flow_mark_set(f, FLOW_LABELS);
}

static void parse_attr(struct parse *p, const struct attr *a)
{
	struct flow *f = p->flow;

	switch (a->type) {
	case CTA_TUPLE_ORIG:
		parse_tuple(p, a, FLOW_ORIG, &f->tuple[FLOW_ORIG]);
		break;
	case CTA_TUPLE_REPLY:
		parse_tuple(p, a, FLOW_REPL, &f->tuple[FLOW_REPL]);
		break;
	case CTA_TUPLE_MASTER:
		parse_tuple(p, a, TUPLE_MASTER, &f->master);
		break;
	case CTA_STATUS:
		take_u32(p, a, FLOW_STATUS, &f->status);
		break;
	case CTA_PROTOINFO:
		parse_protoinfo(p, a);
		break;
	case CTA_HELP:
		parse_help(p, a);
		break;
	case CTA_TIMEOUT:
		take_u32(p, a, FLOW_TIMEOUT, &f->timeout);
		break;
	case CTA_MARK:
		take_u32(p, a, FLOW_MARK, &f->mark);
		break;
	case CTA_COUNTERS_ORIG:
		parse_counters(p, a, FLOW_ORIG);
		break;
	case CTA_COUNTERS_REPLY:
		parse_counters(p, a, FLOW_REPL);
		break;
	case CTA_USE:
		take_u32(p, a, FLOW_USE, &f->use);
		break;
	case CTA_ID:
		take_u32(p, a, FLOW_ID, &f->id);
		break;
	case CTA_SEQ_ADJ_ORIG:
		parse_seqadj(p, a, FLOW_ORIG);
		break;
	case CTA_SEQ_ADJ_REPLY:
		parse_seqadj(p, a, FLOW_REPL);
		break;
	case CTA_SECMARK:
		take_u32(p, a, FLOW_SECMARK, &f->secmark);
		break;
	case CTA_ZONE:
		take_u16(p, a, FLOW_ZONE, &f->zone);
		break;
	case CTA_SECCTX:
		parse_secctx(p, a);
		break;
	case CTA_TIMESTAMP:
		parse_timestamp(p, a);
		break;
	case CTA_LABELS:
		if (!p->labels)
			parse_labels(p, a);
		else if (a->len > 0)
			*p->labels = (struct flow_span){a->data, a->len};
		break;
	case CTA_SYNPROXY:
		parse_synproxy(p, a);
		break;
	case CT_TIMESTAMP_EVENT:
		take_u64(p, a, FLOW_TIMESTAMP_EVENT, &f->timestamp_event);
		break;
	default:
		break; /* of no concern, or newer than we are */
	}
}

static enum nlmsg_result parse_attrs(struct parse *p, const void *attrs, size_t len)
{
	struct attr_table table;
	const struct attr *a;

	attr_table_read(p, &table, attrs, len);
	while ((a = attr_table_next(&table)))
		parse_attr(p, a);
	return p->bad ? NLMSG_BAD_ATTR : NLMSG_OK;
}

enum nlmsg_result nlmsg_ct_parse_attrs(const void *attrs, size_t len, uint8_t l3, struct flow *out)
{
	struct parse p = {.flow = out, .set = out->set, .l3 = l3};

	return parse_attrs(&p, attrs, len);
}

enum nlmsg_result nlmsg_ct_parse_attrs_raw_labels(
	const void *attrs, size_t len, uint8_t l3, struct flow *out, struct flow_span *labels)
{
	struct parse p = {
		.flow = out, .set = out->set, .labels = labels, .l3 = l3, .is_lenient = true};

	*labels = (struct flow_span){NULL, 0};
	return parse_attrs(&p, attrs, len);
}

enum nlmsg_result nlmsg_ct_parse(const struct nlmsghdr *msg, size_t len, struct flow *out)
{
	const uint8_t *bytes = (const uint8_t *)msg;
	struct nlmsghdr head;
	struct nfgenmsg family;
	size_t heads_len = sizeof(head) + sizeof(family);

	memset(out, 0, sizeof(*out));
	if (len < sizeof(head))
		return NLMSG_TRUNCATED;
	memcpy(&head, bytes, sizeof(head));
	if (NFNL_SUBSYS_ID(head.nlmsg_type) != NFNL_SUBSYS_CTNETLINK)
		return NLMSG_NOT_CT;
	switch (NFNL_MSG_TYPE(head.nlmsg_type)) {
	case IPCTNL_MSG_CT_NEW:
	case IPCTNL_MSG_CT_GET:
	case IPCTNL_MSG_CT_DELETE:
		break;
	default:
		return NLMSG_NOT_CT;
	}
	if (head.nlmsg_len > len || head.nlmsg_len < heads_len)
		return NLMSG_TRUNCATED;
	memcpy(&family, bytes + sizeof(head), sizeof(family));
	return nlmsg_ct_parse_attrs(
		bytes + heads_len, head.nlmsg_len - heads_len, family.nfgen_family, out);
}

enum nlmsg_event nlmsg_ct_event(const struct nlmsghdr *msg)
{
	if (NFNL_SUBSYS_ID(msg->nlmsg_type) != NFNL_SUBSYS_CTNETLINK)
		return NLMSG_EVENT_NONE;
	switch (NFNL_MSG_TYPE(msg->nlmsg_type)) {
	case IPCTNL_MSG_CT_NEW:
		return msg->nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL) ? NLMSG_EVENT_NEW
								      : NLMSG_EVENT_UPDATE;
	case IPCTNL_MSG_CT_DELETE:
		return NLMSG_EVENT_DESTROY;
	default:
		return NLMSG_EVENT_NONE;
	}
}
