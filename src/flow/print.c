/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "flow/print.h"
#include "flow/status.h"

static const char *const tcp_states[] = {
	[FLOW_TCP_NONE] = "NONE",
	[FLOW_TCP_SYN_SENT] = "SYN_SENT",
	[FLOW_TCP_SYN_RECV] = "SYN_RECV",
	[FLOW_TCP_ESTABLISHED] = "ESTABLISHED",
	[FLOW_TCP_FIN_WAIT] = "FIN_WAIT",
	[FLOW_TCP_CLOSE_WAIT] = "CLOSE_WAIT",
	[FLOW_TCP_LAST_ACK] = "LAST_ACK",
	[FLOW_TCP_TIME_WAIT] = "TIME_WAIT",
	[FLOW_TCP_CLOSE] = "CLOSE",
	[FLOW_TCP_SYN_SENT2] = "SYN_SENT2",
};

/* enum sctp_conntrack of the kernel (linux/netfilter/nf_conntrack_sctp.h) */
static const char *const sctp_states[] = {
	"NONE",
	"CLOSED",
	"COOKIE_WAIT",
	"COOKIE_ECHOED",
	"ESTABLISHED",
	"SHUTDOWN_SENT",
	"SHUTDOWN_RECD",
	"SHUTDOWN_ACK_SENT",
	"HEARTBEAT_SENT",
	"HEARTBEAT_ACKED",
};

/* enum ct_dccp_states of the kernel (linux/netfilter/nf_conntrack_dccp.h) */
static const char *const dccp_states[] = {
	"NONE",
	"REQUEST",
	"RESPOND",
	"PARTOPEN",
	"OPEN",
	"CLOSEREQ",
	"CLOSING",
	"TIMEWAIT",
	"IGNORE",
	"INVALID",
};

const char *flow_tcp_state_name(uint8_t state)
{
	return state < ARRAY_SIZE(tcp_states) ? tcp_states[state] : "NONE";
}

const char *flow_sctp_state_name(uint8_t state)
{
	return state < ARRAY_SIZE(sctp_states) ? sctp_states[state] : "NONE";
}

const char *flow_dccp_state_name(uint8_t state)
{
	return state < ARRAY_SIZE(dccp_states) ? dccp_states[state] : "NONE";
}

const char *flow_l3_name(uint8_t l3)
{
	switch (l3) {
	case AF_INET:
		return "ipv4";
	case AF_INET6:
		return "ipv6";
	}
	return "unknown";
}

const char *flow_l4_name(uint8_t l4)
{
	switch (l4) {
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_DCCP:
		return "dccp";
	case IPPROTO_GRE:
		return "gre";
	case IPPROTO_ICMPV6:
		return "icmpv6";
	case IPPROTO_SCTP:
		return "sctp";
	case IPPROTO_UDPLITE:
		return "udplite";
	}
	return "unknown";
}

void flow_print_addr(struct text *t, uint8_t l3, const union flow_addr *addr)
{
	char buf[INET6_ADDRSTRLEN];
	size_t at = 0;

	if (l3 != AF_INET) {
		if (inet_ntop(AF_INET6, addr->v6_be, buf, sizeof(buf)))
			text_puts(t, buf);
		return;
	}
	for (int i = 0; i < 4; i++) {
		unsigned v = addr->bytes[i];

		if (v >= 100)
			buf[at++] = (char)('0' + v / 100);
		if (v >= 10)
			buf[at++] = (char)('0' + v / 10 % 10);
		buf[at++] = (char)('0' + v % 10);
		buf[at++] = '.';
	}
	text_put(t, buf, at - 1);
}

/* For literals: inlined, so that their lengths are constants. */
static inline void print_name(struct text *t, const char *name)
{
	text_put(t, name, strlen(name));
}

/* name (with its "="), value and the blank that ends every field */
static inline void print_field(struct text *t, const char *name, uint64_t value)
{
	print_name(t, name);
	text_u64(t, value);
	text_putc(t, ' ');
}

static inline void print_key_field(struct text *t, const char *name, uint16_t key_be)
{
	print_name(t, name);
	text_hex(t, ntohs(key_be));
	text_putc(t, ' ');
}

static void print_word(struct text *t, const char *word)
{
	text_puts(t, word);
	text_putc(t, ' ');
}

/* By the values of l3 and l4, whatever is marked present: a tuple never set prints nothing. */
static void print_tuple(struct text *t, const struct flow_tuple *tuple)
{
	if (tuple->l3 == AF_INET || tuple->l3 == AF_INET6) {
		print_name(t, "src=");
		flow_print_addr(t, tuple->l3, &tuple->src);
		print_name(t, " dst=");
		flow_print_addr(t, tuple->l3, &tuple->dst);
		text_putc(t, ' ');
	}
	if (flow_l4_has_ports(tuple->l4)) {
		print_field(t, "sport=", ntohs(tuple->sport_be));
		print_field(t, "dport=", ntohs(tuple->dport_be));
	} else if (tuple->l4 == IPPROTO_GRE) {
		print_key_field(t, "srckey=0x", tuple->sport_be);
		print_key_field(t, "dstkey=0x", tuple->dport_be);
	} else if (flow_l4_is_icmp(tuple->l4)) {
		print_field(t, "type=", tuple->icmp_type);
		print_field(t, "code=", tuple->icmp_code);
		print_field(t, "id=", ntohs(tuple->icmp_id_be));
	}
}

static void print_counters(struct text *t, const struct flow_counters *counters)
{
	print_field(t, "packets=", counters->packets);
	print_field(t, "bytes=", counters->bytes);
}

static void print_protocol(struct text *t, const struct flow *f, unsigned flags)
{
	const struct flow_tuple *orig = &f->tuple[FLOW_ORIG];

	if (flags & FLOW_PRINT_L3) {
		text_left(t, flow_l3_name(orig->l3), 8);
		print_field(t, " ", orig->l3);
	}
	text_left(t, flow_l4_name(orig->l4), 8);
	print_field(t, " ", orig->l4);
	if (flow_has(f, FLOW_TIMEOUT))
		print_field(t, "", f->timeout);
	if (flow_has(f, FLOW_TCP_STATE))
		print_word(t, flow_tcp_state_name(f->tcp.state));
	if (flow_has(f, FLOW_SCTP_STATE))
		print_word(t, flow_sctp_state_name(f->sctp.state));
	if (flow_has(f, FLOW_DCCP_STATE))
		print_word(t, flow_dccp_state_name(f->dccp.state));
}

static void print_directions(struct text *t, const struct flow *f)
{
	print_tuple(t, &f->tuple[FLOW_ORIG]);
	if (flow_has(f, FLOW_ORIG_ZONE))
		print_field(t, "zone-orig=", f->tuple[FLOW_ORIG].zone);
	if (flow_has(f, FLOW_ORIG_COUNTER_PACKETS) && flow_has(f, FLOW_ORIG_COUNTER_BYTES))
		print_counters(t, &f->counters[FLOW_ORIG]);
	if (flow_has(f, FLOW_STATUS) && !(f->status & FLOW_STATUS_SEEN_REPLY))
		print_word(t, "[UNREPLIED]");
	print_tuple(t, &f->tuple[FLOW_REPL]);
	if (flow_has(f, FLOW_REPL_ZONE))
		print_field(t, "zone-reply=", f->tuple[FLOW_REPL].zone);
	if (flow_has(f, FLOW_REPL_COUNTER_PACKETS) && flow_has(f, FLOW_REPL_COUNTER_BYTES))
		print_counters(t, &f->counters[FLOW_REPL]);
}

void flow_print_head(struct text *t, const struct flow *f, unsigned flags)
{
	print_protocol(t, f, flags);
	print_directions(t, f);
	if (flow_has(f, FLOW_STATUS)) {
		if (f->status & FLOW_STATUS_HW_OFFLOAD)
			print_word(t, "[HW_OFFLOAD]");
		else if (f->status & FLOW_STATUS_OFFLOAD)
			print_word(t, "[OFFLOAD]");
		else if (f->status & FLOW_STATUS_ASSURED)
			print_word(t, "[ASSURED]");
	}
	if (flow_has(f, FLOW_MARK))
		print_field(t, "mark=", f->mark);
	if (flow_has(f, FLOW_SECMARK))
		print_field(t, "secmark=", f->secmark);
	if (flow_has(f, FLOW_SECCTX)) {
		print_name(t, "secctx=");
		text_put(t, f->secctx.data ? f->secctx.data : "", f->secctx.len);
		text_putc(t, ' ');
	}
	if (flow_has(f, FLOW_ZONE))
		print_field(t, "zone=", f->zone);
}

void flow_print_tail(struct text *t, const struct flow *f, unsigned flags)
{
	if (flow_has(f, FLOW_HELPER_NAME)) {
		print_name(t, "helper=");
		text_put(t, f->helper_name, strnlen(f->helper_name, sizeof(f->helper_name)));
		text_putc(t, ' ');
	}
	if (flow_has(f, FLOW_USE))
		print_field(t, "use=", f->use);
	if ((flags & FLOW_PRINT_ID) && flow_has(f, FLOW_ID))
		print_field(t, "id=", f->id);
}

void flow_print(struct text *t, const struct flow *f, unsigned flags)
{
	flow_print_head(t, f, flags);
	flow_print_tail(t, f, flags);
	text_trim(t, 1); /* the last field's blank */
}
