/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections to and from netlink messages. */
#include "config.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nfnetlink.h>

#include "tests/interop/differ/pair.h"

enum { BOUND = 4096, PADDING = 0xa5, TIMESTAMP_EVENT = 27 };

static const uint16_t path_of_info[] = {CTA_HELP, CTA_HELP_INFO, 0};

static void begin(struct message *m, uint8_t family)
{
	struct nlmsghdr *nlh = message_header(m);
	struct nfgenmsg *nfg = (struct nfgenmsg *)(nlh + 1);

	memset(m, PADDING, sizeof(*m));
	*nlh = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(sizeof(*nfg)),
		.nlmsg_type = CONNTRACK << 8 | IPCTNL_MSG_CT_NEW};
	*nfg = (struct nfgenmsg){.nfgen_family = family};
}

/* Theirs may have written a part of a helper's info: then so much of ours is compared. */
static void allow_info(struct differ *d, const struct ct_pair *p, struct message m[SIDES])
{
	size_t len[SIDES];
	const uint8_t *info[SIDES];

	for (unsigned s = 0; s < SIDES; s++)
		info[s] = message_find(&m[s], path_of_info, &len[s]);
	if (info[OURS] && info[THEIRS] && p->info_lost && len[THEIRS] < len[OURS]) {
		differ_except(d, EX_HELPER_INFO_LENGTH);
		message_shorten(&m[OURS], path_of_info, (int)len[THEIRS]);
	} else if (!info[OURS] && info[THEIRS] &&
		   api_of[OURS].nfct_attr_is_set(p->of[OURS], ATTR_HELPER_INFO) == 0) {
		differ_except(d, EX_HELPER_INFO_UNSET);
		message_shorten(&m[THEIRS], path_of_info, GONE);
	}
}

static void allow_nat_ports(struct differ *d, struct message m[SIDES])
{
	static const uint16_t paths[][3] = {
		{CTA_NAT_SRC, CTA_NAT_PROTO, 0}, {CTA_NAT_DST, CTA_NAT_PROTO, 0}};
	size_t len;

	for (unsigned i = 0; i < 2; i++) {
		const uint16_t begin[] = {paths[i][0], paths[i][1], CTA_PROTONAT_PORT_MIN, 0};
		const uint16_t end[] = {paths[i][0], paths[i][1], CTA_PROTONAT_PORT_MAX, 0};
		uint8_t *from = message_find(&m[THEIRS], begin, &len);
		uint8_t *to = message_find(&m[THEIRS], end, &len);

		if (message_find(&m[THEIRS], paths[i], &len) && len == 0 &&
			message_shorten(&m[OURS], paths[i], 0))
			differ_except(d, EX_NAT_PORTS);
		if (from && to && memcmp(from, to, 2) != 0 && !d->same_library) {
			memcpy(to, from, 2);
			differ_except(d, EX_NAT_PORT_MAX);
		}
	}
}

/* Makes ours what theirs is known to build. */
static void allow_known(struct differ *d, const struct ct_pair *p, struct message m[SIDES])
{
	if (!d->same_library && message_zero_padding(&m[THEIRS]))
		differ_except(d, EX_PADDING);
	allow_info(d, p, m);
	allow_nat_ports(d, m);
}

/* Whether ours refused what is too long; the memory of theirs is larger than a program's. */
static bool beyond_bound(struct differ *d, const long got[SIDES], const struct message m[SIDES])
{
	if (got[OURS] != -1 || got[THEIRS] == -1 || errno_of[OURS] != EMSGSIZE ||
		((const struct nlmsghdr *)m[THEIRS].bytes)->nlmsg_len <= BOUND)
		return false;
	differ_except(d, EX_BUILD_BOUND);
	return true;
}

static bool same_messages(struct differ *d, const char *what, const struct message m[SIDES])
{
	return same_bytes(d, what, (const void *const[]){m[OURS].bytes, m[THEIRS].bytes},
		(const size_t[]){((const struct nlmsghdr *)m[OURS].bytes)->nlmsg_len,
			((const struct nlmsghdr *)m[THEIRS].bytes)->nlmsg_len});
}

/* What was built, parsed again. */
static void parse_built(struct differ *d, struct message m[SIDES], bool info_lost)
{
	struct ct_pair fresh;
	long got[SIDES];

	ct_new(d, &fresh);
	BOTH (s)
		got[s] = api_of[s].nfct_nlmsg_parse(message_header(&m[s]), fresh.of[s]);
	fresh.info_lost = info_lost;
	same_int(d, "nfct_nlmsg_parse of what was built", got);
	ct_observe(d, &fresh);
	ct_destroy(&fresh);
}

static void build_message(struct differ *d, struct ct_pair *p)
{
	static struct message m[SIDES];
	uint8_t family = (uint8_t)(one_in(d, 2) ? AF_INET : AF_INET6);
	long got[SIDES];

	differ_step(d, "build a message");
	BOTH (s) {
		begin(&m[s], family);
		got[s] = api_of[s].nfct_nlmsg_build(message_header(&m[s]), p->of[s]);
	}
	if (beyond_bound(d, got, m) || !same_failure(d, "nfct_nlmsg_build", got))
		return;
	if (got[OURS] < 0)
		return;
	allow_known(d, p, m);
	if (same_messages(d, "bytes of nfct_nlmsg_build", m))
		parse_built(d, m, p->info_lost);
}

static bool cannot_build(const struct ct_pair *p)
{
	static struct message m;

	begin(&m, AF_INET);
	return api_of[THEIRS].nfct_nlmsg_build(message_header(&m), p->of[THEIRS]) == -1;
}

/* The older functions, which are given a buffer and its size. */
static void build_whole(struct differ *d, struct ct_pair *p)
{
	static struct message m[SIDES];
	static char handle[SIDES]; /* is not looked at */
	uint16_t type = (uint16_t)(CONNTRACK << 8 | below(d, 4));
	uint16_t flags = (uint16_t)below(d, 0x1000);
	unsigned query = below(d, NFCT_Q_CREATE_UPDATE + 3);
	uint32_t family = below(d, 300);
	bool is_query = one_in(d, 2), of_object = true;
	long got[SIDES];

	if (query > NFCT_Q_CREATE_UPDATE)
		query += 90;
	else
		of_object = query < NFCT_Q_FLUSH || query == NFCT_Q_CREATE_UPDATE;
	differ_step(d, is_query ? "build query %u" : "build a whole message %u",
		is_query ? query : type);
	BOTH (s) {
		struct nfnl_subsys_handle *ssh = (void *)&handle[s];
		const void *data = of_object ? (const void *)p->of[s] : &family;

		memset(&m[s], PADDING, sizeof(m[s]));
		if (is_query)
			got[s] = api_of[s].nfct_build_query(ssh, query, data, &m[s], 4096);
		else
			got[s] = api_of[s].nfct_build_conntrack(
				ssh, &m[s], 4096, type, flags, p->of[s]);
	}
	if (is_query && of_object && got[OURS] == -1 && got[THEIRS] == 1 && cannot_build(p)) {
		differ_except(d, EX_QUERY_EMPTY);
		return;
	}
	if (beyond_bound(d, got, m))
		return;
	if (!same_failure(d, is_query ? "nfct_build_query" : "nfct_build_conntrack", got) ||
		got[OURS] < 0)
		return;
	allow_known(d, p, m);
	same_messages(
		d, is_query ? "bytes of nfct_build_query" : "bytes of nfct_build_conntrack", m);
}

void ct_build(struct differ *d, struct ct_pair *p)
{
	if (one_in(d, 4))
		build_whole(d, p);
	else
		build_message(d, p);
}

/* A way to have a message parsed. */
struct parse {
	struct nlmsghdr *message[SIDES];
	struct nf_conntrack *ct[SIDES];
	unsigned how, wanted;
	uint16_t l3;
	long got[SIDES];
};

static void parse_one(enum side s, void *arg)
{
	struct parse *parse = arg;
	const struct nlmsghdr *nlh = parse->message[s];
	size_t header = NLMSG_LENGTH(sizeof(struct nfgenmsg));

	if (parse->how == 0)
		parse->got[s] = api_of[s].nfct_parse_conntrack(parse->wanted, nlh, parse->ct[s]);
	else if (parse->how == 1)
		parse->got[s] = api_of[s].nfct_payload_parse((const uint8_t *)nlh + header,
			nlh->nlmsg_len - header, parse->l3, parse->ct[s]);
	else
		parse->got[s] = api_of[s].nfct_nlmsg_parse(nlh, parse->ct[s]);
}

/* Of what ours alone knows, the value. */
static void allow_event_time(struct differ *d, struct ct_pair *p, struct message *m)
{
	const uint16_t path[] = {TIMESTAMP_EVENT, 0};
	const uint8_t *found;
	uint64_t value;
	size_t len;

	found = message_find(m, path, &len);
	if (!found || len != sizeof(value) || d->same_library)
		return;
	memcpy(&value, found, sizeof(value));
	if (api_of[OURS].nfct_get_attr_u64(p->of[OURS], ATTR_TIMESTAMP_EVENT) != be64toh(value))
		differ_report(d, "ATTR_TIMESTAMP_EVENT", "is not what was parsed");
	else if (api_of[THEIRS].nfct_attr_is_set(p->of[THEIRS], ATTR_TIMESTAMP_EVENT) == -1)
		differ_except(d, EX_TIMESTAMP_EVENT);
}

/* What became of a message that both took, or that one did not. */
static void parsed(
	struct differ *d, struct ct_pair *p, struct message *m, const struct parse *parse)
{
	static const char *const names[] = {"nfct_parse_conntrack", "nfct_payload_parse",
		"nfct_nlmsg_parse", "nfct_nlmsg_parse"};
	struct oddities odd = message_oddities(m, MESSAGE_CT);

	if (odd.malformed && (parse->got[OURS] == -1 || !d->same_library)) {
		if (parse->got[THEIRS] >= 0 && parse->got[OURS] == -1)
			differ_except(d, EX_MALFORMED);
	} else if (odd.empty_again && parse->got[OURS] == parse->got[THEIRS] && !d->same_library) {
		differ_except(d, EX_EMPTY_AGAIN);
	} else if (odd.tuple_order && parse->got[OURS] == parse->got[THEIRS] && !d->same_library) {
		differ_except(d, EX_TUPLE_ORDER);
	} else {
		if (same_int(d, names[parse->how], parse->got) && parse->got[OURS] >= 0 &&
			(parse->how > 0 || parse->got[OURS] > 0))
			allow_event_time(d, p, m);
		return;
	}
	ct_destroy(p);
	ct_new(d, p);
}

static void parse_message(struct differ *d, struct ct_pair *p, struct message *m)
{
	struct parse parse = {
		.how = below(d, 4), .wanted = one_in(d, 4) ? below(d, 8) : NFCT_T_ALL};
	bool survived[SIDES];
	size_t len;

	parse.l3 = one_in(d, 2) ? AF_INET : AF_INET6;
	message_copies(d, m, parse.message);
	BOTH (s) {
		parse.ct[s] = p->of[s];
		survived[s] = side_survives(s, parse_one, &parse);
	}
	if (survived[THEIRS] && message_find(m, path_of_info, &len) && len > p->their_info)
		p->their_info = len;
	if (!survived[OURS] && !d->same_library) {
		differ_report(d, "parse", "ours ended the process");
	} else if (!survived[THEIRS]) {
		differ_except(d, EX_EXIT_ON_KERNEL_DATA);
		ct_destroy(p);
		ct_new(d, p);
	} else {
		parsed(d, p, m, &parse);
	}
	BOTH (s)
		free(parse.message[s]);
}

/* A message of whatever protocol, for an object of its own. */
static void parse_captured(struct differ *d, struct message *m)
{
	struct ct_pair fresh;

	if (!message_captured(d, m))
		return;
	if (one_in(d, 2))
		message_mutate(d, m, one_in(d, 2));
	differ_step(d, "parse a recorded message of %u bytes", message_header(m)->nlmsg_len);
	ct_new(d, &fresh);
	parse_message(d, &fresh, m);
	if (!d->differed)
		ct_observe(d, &fresh);
	if (!d->differed)
		ct_print(d, &fresh);
	if (!d->differed)
		build_message(d, &fresh);
	ct_destroy(&fresh);
}

void ct_parse(struct differ *d, struct ct_pair *p, uint8_t l4)
{
	static struct message m;
	bool rough = one_in(d, 3);

	if (one_in(d, 3)) {
		parse_captured(d, &m);
		return;
	}
	message_random(d, &m, MESSAGE_CT, l4, rough);
	if (one_in(d, 3))
		message_mutate(d, &m, rough);
	differ_step(d, "parse a message of %u bytes", message_header(&m)->nlmsg_len);
	parse_message(d, p, &m);
}
