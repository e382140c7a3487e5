/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mono.h"
#include "flow/print_xml.h"
#include "flow/status.h"

static void open_tag(struct text *t, const char *element)
{
	text_putc(t, '<');
	text_puts(t, element);
	text_putc(t, '>');
}

static void close_tag(struct text *t, const char *element)
{
	text_put(t, "</", 2);
	text_puts(t, element);
	text_putc(t, '>');
}

void flow_print_xml_number(struct text *t, const char *element, uint64_t value)
{
	open_tag(t, element);
	text_u64(t, value);
	close_tag(t, element);
}

static void hex_key(struct text *t, const char *element, uint16_t key_be)
{
	open_tag(t, element);
	text_put(t, "0x", 2);
	text_hex(t, ntohs(key_be));
	close_tag(t, element);
}

void flow_print_xml_text(struct text *t, const char *element, const char *s, size_t len)
{
	open_tag(t, element);
	for (size_t i = 0; i < len; i++) {
		switch (s[i]) {
		case '<':
			text_puts(t, "&lt;");
			break;
		case '>':
			text_puts(t, "&gt;");
			break;
		case '&':
			text_puts(t, "&amp;");
			break;
		default:
			text_putc(t, s[i]);
		}
	}
	close_tag(t, element);
}

void flow_print_xml_begin(struct text *t, unsigned event)
{
	switch (event) {
	case FLOW_EVENT_NEW:
		text_puts(t, "<flow type=\"new\">");
		return;
	case FLOW_EVENT_UPDATE:
		text_puts(t, "<flow type=\"update\">");
		return;
	case FLOW_EVENT_DESTROY:
		text_puts(t, "<flow type=\"destroy\">");
		return;
	}
	text_puts(t, "<flow>");
}

void flow_print_xml_protocol(struct text *t, const char *layer, uint8_t number, const char *name)
{
	text_putc(t, '<');
	text_puts(t, layer);
	text_puts(t, " protonum=\"");
	text_u64(t, number);
	text_puts(t, "\" protoname=\"");
	text_puts(t, name);
	text_puts(t, "\">");
}

static void xml_addr(struct text *t, const char *element, uint8_t l3, const union flow_addr *addr)
{
	open_tag(t, element);
	if (l3 == AF_INET || l3 == AF_INET6)
		flow_print_addr(t, l3, addr);
	close_tag(t, element);
}

void flow_print_xml_addrs(struct text *t, const struct flow_tuple *tuple)
{
	xml_addr(t, "src", tuple->l3, &tuple->src);
	xml_addr(t, "dst", tuple->l3, &tuple->dst);
}

void flow_print_xml_key(struct text *t, const struct flow_tuple *tuple)
{
	if (flow_l4_has_ports(tuple->l4)) {
		flow_print_xml_number(t, "sport", ntohs(tuple->sport_be));
		flow_print_xml_number(t, "dport", ntohs(tuple->dport_be));
	} else if (tuple->l4 == IPPROTO_GRE) {
		hex_key(t, "srckey", tuple->sport_be);
		hex_key(t, "dstkey", tuple->dport_be);
	} else if (flow_l4_is_icmp(tuple->l4)) {
		flow_print_xml_number(t, "type", tuple->icmp_type);
		flow_print_xml_number(t, "code", tuple->icmp_code);
		flow_print_xml_number(t, "id", ntohs(tuple->icmp_id_be));
	}
}

void flow_print_xml_date(struct text *t, const struct flow_print_context *c)
{
	struct flow_date date;

	if (!c->date_of)
		return;
	date = c->date_of(c->now_s);
	open_tag(t, "when");
	flow_print_xml_number(t, "hour", date.hour);
	text_puts(t, date.min < 10 ? "<min>0" : "<min>");
	text_u64(t, date.min);
	text_puts(t, date.sec < 10 ? "</min><sec>0" : "</min><sec>");
	text_u64(t, date.sec);
	close_tag(t, "sec");
	flow_print_xml_number(t, "wday", date.weekday + 1u);
	flow_print_xml_number(t, "day", date.day);
	flow_print_xml_number(t, "month", date.month);
	flow_print_xml_number(t, "year", date.year);
	close_tag(t, "when");
}

static void direction(struct text *t, const struct flow *f, enum flow_dir dir)
{
	const struct flow_tuple *tuple = &f->tuple[dir];
	bool orig = dir == FLOW_ORIG;

	text_puts(t, orig ? "<meta direction=\"original\">" : "<meta direction=\"reply\">");
	flow_print_xml_protocol(t, "layer3", tuple->l3, flow_l3_name(tuple->l3));
	flow_print_xml_addrs(t, tuple);
	close_tag(t, "layer3");
	flow_print_xml_protocol(t, "layer4", tuple->l4, flow_l4_name(tuple->l4));
	flow_print_xml_key(t, tuple);
	close_tag(t, "layer4");
	if (flow_has(f, orig ? FLOW_ORIG_ZONE : FLOW_REPL_ZONE))
		flow_print_xml_number(t, "zone", tuple->zone);
	if (flow_has(f, orig ? FLOW_ORIG_COUNTER_PACKETS : FLOW_REPL_COUNTER_PACKETS) &&
		flow_has(f, orig ? FLOW_ORIG_COUNTER_BYTES : FLOW_REPL_COUNTER_BYTES)) {
		open_tag(t, "counters");
		flow_print_xml_number(t, "packets", f->counters[dir].packets);
		flow_print_xml_number(t, "bytes", f->counters[dir].bytes);
		close_tag(t, "counters");
	}
	close_tag(t, "meta");
}

static void state(struct text *t, const char *name)
{
	flow_print_xml_text(t, "state", name, strlen(name));
}

static void labels(struct text *t, const struct flow_print_context *c)
{
	const char *name;
	unsigned bit = 0;

	open_tag(t, "labels");
	while ((name = flow_next_label(c, &bit)))
		flow_print_xml_text(t, "label", name, strlen(name));
	close_tag(t, "labels");
}

static void times(
	struct text *t, const struct flow *f, unsigned flags, const struct flow_print_context *c)
{
	bool start = flow_has(f, FLOW_TIMESTAMP_START), stop = flow_has(f, FLOW_TIMESTAMP_STOP);

	if ((flags & FLOW_PRINT_TIMESTAMP) && (start || stop)) {
		open_tag(t, "timestamp");
		if (start)
			flow_print_xml_number(t, "start", f->timestamp_start);
		if (stop)
			flow_print_xml_number(t, "stop", f->timestamp_stop);
		close_tag(t, "timestamp");
	}
	if (start && stop)
		flow_print_xml_number(
			t, "deltatime", (f->timestamp_stop - f->timestamp_start) / NS_PER_SEC);
	else if (start)
		flow_print_xml_number(t, "deltatime", c->now_s - f->timestamp_start / NS_PER_SEC);
}

/* What opens the third meta element: a helper or a security context alone does not. */
static bool has_independent(const struct flow *f)
{
	static const uint8_t attrs[] = {FLOW_TCP_STATE, FLOW_SCTP_STATE, FLOW_DCCP_STATE,
		FLOW_TIMEOUT, FLOW_MARK, FLOW_SECMARK, FLOW_ZONE, FLOW_USE, FLOW_STATUS, FLOW_ID,
		FLOW_LABELS, FLOW_TIMESTAMP_START, FLOW_TIMESTAMP_STOP};

	for (size_t i = 0; i < sizeof(attrs); i++)
		if (flow_has(f, attrs[i]))
			return true;
	return false;
}

static void independent(
	struct text *t, const struct flow *f, unsigned flags, const struct flow_print_context *c)
{
	if (flow_has(f, FLOW_TCP_STATE))
		state(t, flow_tcp_state_name(f->tcp.state));
	if (flow_has(f, FLOW_SCTP_STATE))
		state(t, flow_sctp_state_name(f->sctp.state));
	if (flow_has(f, FLOW_DCCP_STATE))
		state(t, flow_dccp_state_name(f->dccp.state));
	if (flow_has(f, FLOW_TIMEOUT))
		flow_print_xml_number(t, "timeout", f->timeout);
	if (flow_has(f, FLOW_MARK))
		flow_print_xml_number(t, "mark", f->mark);
	if (c->label_names && flow_has(f, FLOW_LABELS))
		labels(t, c);
	if (flow_has(f, FLOW_SECMARK))
		flow_print_xml_number(t, "secmark", f->secmark);
	if (flow_has(f, FLOW_SECCTX))
		flow_print_xml_text(t, "secctx", f->secctx.data, f->secctx.len);
	if (flow_has(f, FLOW_ZONE))
		flow_print_xml_number(t, "zone", f->zone);
	if (flow_has(f, FLOW_USE))
		flow_print_xml_number(t, "use", f->use);
	if (flow_has(f, FLOW_ID))
		flow_print_xml_number(t, "id", f->id);
	if (flow_has(f, FLOW_STATUS) && (f->status & FLOW_STATUS_ASSURED))
		text_puts(t, "<assured/>");
	if (flow_has(f, FLOW_STATUS) && !(f->status & FLOW_STATUS_SEEN_REPLY))
		text_puts(t, "<unreplied/>");
	if (c->date_of)
		times(t, f, flags, c);
}

void flow_print_xml(struct text *t, const struct flow *f, unsigned event, unsigned flags,
	const struct flow_print_context *c)
{
	bool meta = has_independent(f);

	flow_print_xml_begin(t, event);
	direction(t, f, FLOW_ORIG);
	direction(t, f, FLOW_REPL);
	if (meta)
		text_puts(t, "<meta direction=\"independent\">");
	independent(t, f, flags, c);
	if (meta)
		close_tag(t, "meta");
	if (flags & FLOW_PRINT_DATE)
		flow_print_xml_date(t, c);
	if (flow_has(f, FLOW_HELPER_NAME))
		flow_print_xml_text(t, "helper", f->helper_name,
			strnlen(f->helper_name, sizeof(f->helper_name)));
	close_tag(t, "flow");
}
