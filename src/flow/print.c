/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/mono.h"
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

/* One of the four bytes of an IPv4 address; returns the text's new end. */
static size_t put_byte(char *buf, size_t at, uint8_t v)
{
	if (v >= 100)
		buf[at++] = (char)('0' + v / 100);
	if (v >= 10)
		buf[at++] = (char)('0' + v / 10 % 10);
	buf[at++] = (char)('0' + v % 10);
	return at;
}

static size_t put_ipv4(char *buf, size_t at, const uint8_t bytes[4])
{
	for (int i = 0; i < 4; i++) {
		at = put_byte(buf, at, bytes[i]);
		buf[at++] = '.';
	}
	return at - 1; /* the last dot */
}

static size_t put_group(char *buf, size_t at, unsigned v)
{
	static const char digits[] = "0123456789abcdef";

	if (v >= 0x1000)
		buf[at++] = digits[v >> 12];
	if (v >= 0x100)
		buf[at++] = digits[v >> 8 & 15];
	if (v >= 0x10)
		buf[at++] = digits[v >> 4 & 15];
	buf[at++] = digits[v & 15];
	return at;
}

/* The longest run of zeros among the groups, the first of several; *from 8: none above 1. */
static unsigned longest_zeros(const unsigned groups[8], unsigned *from)
{
	unsigned best = 1, run = 0;

	*from = 8;
	for (unsigned i = 0; i < 8; i++) {
		run = groups[i] ? 0 : run + 1;
		if (run > best) {
			best = run;
			*from = i + 1 - run;
		}
	}
	return best;
}

/*
 * RFC 5952, with what the C library makes of addresses that have an IPv4 one in them. By hand,
 * since the C library's way takes as long as all the rest of a line.
 */
static size_t put_ipv6(char *buf, const uint8_t bytes[16])
{
	unsigned groups[8], zeros_from, zeros;
	size_t at = 0;

	for (int i = 0; i < 8; i++)
		groups[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
	zeros = longest_zeros(groups, &zeros_from);
	for (unsigned i = 0; i < 8; i++) {
		if (i == zeros_from) {
			buf[at++] = ':';
			i += zeros - 1;
			if (i == 7)
				buf[at++] = ':';
			continue;
		}
		if (i > 0)
			buf[at++] = ':';
		if (i == 6 && zeros_from == 0 &&
			(zeros == 6 || (zeros == 5 && groups[5] == 0xffff)))
			return put_ipv4(buf, at, bytes + 12);
		at = put_group(buf, at, groups[i]);
	}
	return at;
}

void flow_print_addr(struct text *t, uint8_t l3, const union flow_addr *addr)
{
	char buf[INET6_ADDRSTRLEN];

	if (l3 == AF_INET)
		text_put(t, buf, put_ipv4(buf, 0, addr->bytes));
	else
		text_put(t, buf, put_ipv6(buf, addr->bytes));
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

void flow_print_tuple(struct text *t, const char *prefix, const struct flow_tuple *tuple)
{
	if (tuple->l3 == AF_INET || tuple->l3 == AF_INET6) {
		print_name(t, prefix);
		print_name(t, "src=");
		flow_print_addr(t, tuple->l3, &tuple->src);
		text_putc(t, ' ');
		print_name(t, prefix);
		print_name(t, "dst=");
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
	flow_print_tuple(t, "", &f->tuple[FLOW_ORIG]);
	if (flow_has(f, FLOW_ORIG_ZONE))
		print_field(t, "zone-orig=", f->tuple[FLOW_ORIG].zone);
	if (flow_has(f, FLOW_ORIG_COUNTER_PACKETS) && flow_has(f, FLOW_ORIG_COUNTER_BYTES))
		print_counters(t, &f->counters[FLOW_ORIG]);
	if (flow_has(f, FLOW_STATUS) && !(f->status & FLOW_STATUS_SEEN_REPLY))
		print_word(t, "[UNREPLIED]");
	flow_print_tuple(t, "", &f->tuple[FLOW_REPL]);
	if (flow_has(f, FLOW_REPL_ZONE))
		print_field(t, "zone-reply=", f->tuple[FLOW_REPL].zone);
	if (flow_has(f, FLOW_REPL_COUNTER_PACKETS) && flow_has(f, FLOW_REPL_COUNTER_BYTES))
		print_counters(t, &f->counters[FLOW_REPL]);
}

static void print_head(struct text *t, const struct flow *f, unsigned flags)
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

static void print_tail(struct text *t, const struct flow *f, unsigned flags)
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

static void print_padded(struct text *t, unsigned value, unsigned width, char pad)
{
	for (unsigned limit = 10; --width > 0; limit *= 10)
		if (value < limit)
			text_putc(t, pad);
	text_u64(t, value);
}

/* As ctime() has it: "Tue Nov 14 22:13:20 2023". */
static void print_date(struct text *t, struct flow_date date)
{
	static const char weekdays[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	text_put(t, weekdays + 3 * (date.weekday % 7), 3);
	text_putc(t, ' ');
	text_put(t, months + 3 * ((date.month + 11) % 12), 3);
	print_padded(t, date.day, 3, ' ');
	text_putc(t, ' ');
	print_padded(t, date.hour, 2, '0');
	text_putc(t, ':');
	print_padded(t, date.min, 2, '0');
	text_putc(t, ':');
	print_padded(t, date.sec, 2, '0');
	text_putc(t, ' ');
	text_u64(t, date.year);
}

static void print_times(
	struct text *t, const struct flow *f, unsigned flags, const struct flow_print_context *c)
{
	uint64_t start_s = f->timestamp_start / NS_PER_SEC;
	uint64_t stop_s = f->timestamp_stop / NS_PER_SEC;

	if (flow_has(f, FLOW_TIMESTAMP_START))
		print_field(t, "delta-time=", (f->timestamp_stop ? stop_s : c->now_s) - start_s);
	if (!(flags & FLOW_PRINT_TIMESTAMP))
		return;
	if (flow_has(f, FLOW_TIMESTAMP_START)) {
		print_name(t, "[start=");
		print_date(t, c->date_of(start_s));
		print_name(t, "] ");
	}
	if (flow_has(f, FLOW_TIMESTAMP_STOP)) {
		print_name(t, "[stop=");
		print_date(t, c->date_of(stop_s));
		print_name(t, "] ");
	}
}

const char *flow_next_label(const struct flow_print_context *c, unsigned *bit)
{
	unsigned end = c->labels.len / sizeof(uint32_t) * 32;
	const char *name = NULL;

	while (!name && *bit < end) {
		uint32_t word;

		memcpy(&word, (const uint8_t *)c->labels.data + *bit / 32 * sizeof(word),
			sizeof(word));
		word >>= *bit % 32;
		if (word == 0) {
			*bit = (*bit / 32 + 1) * 32;
			continue;
		}
		*bit += (unsigned)__builtin_ctz(word);
		name = c->label_name(c->label_names, *bit);
		if (name && !*name)
			name = NULL;
		++*bit;
	}
	return name;
}

static void print_labels(struct text *t, const struct flow_print_context *c)
{
	const char *before = "labels=", *name;
	unsigned bit = 0;

	while ((name = flow_next_label(c, &bit))) {
		text_puts(t, before);
		text_puts(t, name);
		before = ",";
	}
	if (*before == ',')
		text_putc(t, ' ');
}

void flow_print_event(struct text *t, unsigned event)
{
	switch (event) {
	case FLOW_EVENT_NEW:
		print_name(t, "    [NEW] ");
		break;
	case FLOW_EVENT_UPDATE:
		print_name(t, " [UPDATE] ");
		break;
	case FLOW_EVENT_DESTROY:
		print_name(t, "[DESTROY] ");
		break;
	}
}

void flow_print_with(
	struct text *t, const struct flow *f, unsigned flags, const struct flow_print_context *c)
{
	print_head(t, f, flags);
	if (c->date_of)
		print_times(t, f, flags, c);
	print_tail(t, f, flags);
	if (c->label_names && flow_has(f, FLOW_LABELS))
		print_labels(t, c);
	text_trim(t, 1); /* the last field's blank */
}

void flow_print(struct text *t, const struct flow *f, unsigned flags)
{
	static const struct flow_print_context nothing;

	flow_print_with(t, f, flags, &nothing);
}
