/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/reply_flow.h"

#include <arpa/inet.h>
#include <string.h>

#include "flow/print.h"
#include "flow/print_xml.h"
#include "flow/status.h"

static void json_member(struct text *t, const char *name)
{
	text_puts(t, ", \"");
	text_puts(t, name);
	text_puts(t, "\": ");
}

void reply_json_number(struct text *t, const char *name, uint64_t v)
{
	json_member(t, name);
	text_u64(t, v);
}

/* Only for words that need no escaping: our own names and the kernel's helper names. */
void reply_json_word(struct text *t, const char *name, const char *word)
{
	json_member(t, name);
	text_putc(t, '"');
	for (; *word; word++)
		text_putc(t, *word == '"' || *word == '\\' || *word < ' ' ? '?' : *word);
	text_putc(t, '"');
}

static void json_addr(struct text *t, const char *name, uint8_t l3, const union flow_addr *addr)
{
	char buf[INET6_ADDRSTRLEN] = "";

	if (inet_ntop(l3 == AF_INET6 ? AF_INET6 : AF_INET, addr->bytes, buf, sizeof(buf)))
		reply_json_word(t, name, buf);
}

void reply_json_tuple(struct text *t, const char *name, const struct flow_tuple *tuple)
{
	json_member(t, name);
	text_puts(t, "{\"l3\": ");
	text_u64(t, tuple->l3);
	json_addr(t, "src", tuple->l3, &tuple->src);
	json_addr(t, "dst", tuple->l3, &tuple->dst);
	if (flow_l4_is_icmp(tuple->l4)) {
		reply_json_number(t, "icmp_type", tuple->icmp_type);
		reply_json_number(t, "icmp_code", tuple->icmp_code);
		reply_json_number(t, "icmp_id", ntohs(tuple->icmp_id_be));
	} else if (flow_l4_has_ports(tuple->l4)) {
		reply_json_number(t, "sport", ntohs(tuple->sport_be));
		reply_json_number(t, "dport", ntohs(tuple->dport_be));
	} else if (tuple->l4 == IPPROTO_GRE) {
		reply_json_number(t, "srckey", ntohs(tuple->sport_be));
		reply_json_number(t, "dstkey", ntohs(tuple->dport_be));
	}
	text_putc(t, '}');
}

static void put_json(struct text *t, const struct engine_flow_view *view)
{
	const struct flow *f = &view->flow;

	/* One line a flow, written straight: a table of millions is shown this way. */
	text_puts(t, "{\"protocol\": \"");
	text_puts(t, flow_l4_name(f->tuple[FLOW_ORIG].l4));
	text_putc(t, '"');
	reply_json_number(t, "protonum", f->tuple[FLOW_ORIG].l4);
	reply_json_tuple(t, "original", &f->tuple[FLOW_ORIG]);
	if (flow_has(f, FLOW_REPL_L3PROTO))
		reply_json_tuple(t, "reply", &f->tuple[FLOW_REPL]);
	if (flow_has(f, FLOW_TIMEOUT))
		reply_json_number(t, "timeout", f->timeout);
	if (flow_has(f, FLOW_TCP_STATE))
		reply_json_word(t, "state", flow_tcp_state_name(f->tcp.state));
	if (flow_has(f, FLOW_SCTP_STATE))
		reply_json_word(t, "state", flow_sctp_state_name(f->sctp.state));
	if (flow_has(f, FLOW_DCCP_STATE))
		reply_json_word(t, "state", flow_dccp_state_name(f->dccp.state));
	if (flow_has(f, FLOW_STATUS))
		reply_json_number(t, "status", f->status);
	if (flow_has(f, FLOW_MARK))
		reply_json_number(t, "mark", f->mark);
	if (flow_has(f, FLOW_ZONE))
		reply_json_number(t, "zone", f->zone);
	if (flow_has(f, FLOW_ORIG_ZONE))
		reply_json_number(t, "zone_orig", f->tuple[FLOW_ORIG].zone);
	if (flow_has(f, FLOW_REPL_ZONE))
		reply_json_number(t, "zone_reply", f->tuple[FLOW_REPL].zone);
	if (flow_has(f, FLOW_HELPER_NAME))
		reply_json_word(t, "helper", f->helper_name);
	if (flow_has(f, FLOW_ID))
		reply_json_number(t, "id", f->id);
	reply_json_number(t, "age_ms", (uint64_t)view->age_ms);
	text_puts(t, view->silent ? ", \"silent\": true" : ", \"silent\": false");
	reply_json_number(t, "peer", view->peer);
	text_putc(t, '}');
}

void reply_dump_ages(struct text *t, int64_t age_ms, int64_t expires_ms)
{
	if (expires_ms >= 0) {
		text_puts(t, " [expires in ");
		text_i64(t, (expires_ms + 500) / 1000);
		text_puts(t, "s]");
	}
	text_puts(t, " [active since ");
	text_i64(t, age_ms / 1000);
	text_puts(t, "s]");
}

/* What conntrackd has of a flow in its caches. */
static void as_cached(struct flow *f, enum engine_table table)
{
	static const struct flow_tuple none;

	flow_mark_unset(f, FLOW_TIMEOUT);
	if (table == ENGINE_TABLE_LOCAL)
		return;
	flow_mark_unset(f, FLOW_ID);
	flow_mark_unset(f, FLOW_REPL_ZONE);
	f->tuple[FLOW_REPL] = none;
}

void reply_flow(struct text *t, const struct engine_flow_view *view, enum engine_table table,
	enum request_format format)
{
	static const struct flow_print_context nothing;
	struct flow cached;

	switch (format) {
	case REQUEST_TEXT:
		flow_print(t, &view->flow, 0);
		break;
	case REQUEST_JSON:
		put_json(t, view);
		break;
	case REQUEST_XML:
		flow_print_xml(t, &view->flow, 0, 0, &nothing);
		break;
	case REQUEST_DUMP:
		cached = view->flow;
		as_cached(&cached, table);
		flow_print(t, &cached, 0);
		reply_dump_ages(t, view->age_ms, view->expires_ms);
		break;
	case REQUEST_DUMP_XML:
		cached = view->flow;
		as_cached(&cached, table);
		flow_print_xml(t, &cached, 0, 0, &nothing);
		break;
	case REQUEST_FORMATS:
		break;
	}
}
