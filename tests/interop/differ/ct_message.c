/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections to and from netlink messages. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nfnetlink.h>

#include "tests/interop/differ/pair.h"

enum { HELP_INFO_MAX = 1024, PADDING = 0xa5 };

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

/* Takes so many bytes of an info off its end, so that what is left of the message can be compared. */
static void shorten_info(struct message *m, size_t to)
{
	size_t len, cut;
	uint8_t *info = message_find(m, path_of_info, &len), *end;
	struct nlmsghdr *nlh = message_header(m);
	struct nlattr *attr, *help;
	const uint16_t path_of_help[] = {CTA_HELP, 0};

	attr = (struct nlattr *)(info - NLA_HDRLEN);
	cut = NLA_ALIGN(len) - NLA_ALIGN(to);
	end = info + NLA_ALIGN(len);
	memset(info + to, 0, NLA_ALIGN(len) - to);
	help = (struct nlattr *)(message_find(m, path_of_help, &len) - NLA_HDRLEN);
	help->nla_len = (uint16_t)(help->nla_len - cut);
	attr->nla_len = (uint16_t)(NLA_HDRLEN + to);
	memmove(end - cut, end, (size_t)(m->bytes + nlh->nlmsg_len - end));
	nlh->nlmsg_len -= (uint32_t)cut;
}

/* Theirs may have written a part of a helper's info: then so much of ours is compared. */
static void allow_lost_info(struct differ *d, const struct ct_pair *p, struct message m[SIDES])
{
	size_t len[SIDES];
	const uint8_t *info[SIDES];

	if (!p->info_lost)
		return;
	for (unsigned s = 0; s < SIDES; s++)
		info[s] = message_find(&m[s], path_of_info, &len[s]);
	if (!info[OURS] || !info[THEIRS] || len[THEIRS] >= len[OURS])
		return;
	differ_except(d, EX_HELPER_INFO_LENGTH);
	shorten_info(&m[OURS], len[THEIRS]);
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
	if (!same_int(d, "nfct_nlmsg_build", got))
		return;
	if (got[OURS] == 0)
		allow_lost_info(d, p, m);
	if (same_messages(d, "bytes of nfct_nlmsg_build", m) && got[OURS] == 0)
		parse_built(d, m, p->info_lost);
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
			got[s] = api_of[s].nfct_build_conntrack(ssh, &m[s], 4096, type, flags,
				p->of[s]);
	}
	if (is_query && of_object && got[OURS] == -1 && got[THEIRS] == 1 &&
		message_header(&m[THEIRS])->nlmsg_len == 0) {
		differ_except(d, EX_QUERY_WITHOUT_L3);
		return;
	}
	if (!same_failure(d, is_query ? "nfct_build_query" : "nfct_build_conntrack", got) ||
		got[OURS] < 0)
		return;
	allow_lost_info(d, p, m);
	same_messages(d, is_query ? "bytes of nfct_build_query" : "bytes of nfct_build_conntrack",
		m);
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

static void parse_message(struct differ *d, struct ct_pair *p, struct message *m)
{
	static const char *const names[] = {"nfct_parse_conntrack", "nfct_payload_parse",
		"nfct_nlmsg_parse", "nfct_nlmsg_parse"};
	struct parse parse = {.how = below(d, 4), .wanted = one_in(d, 4) ? below(d, 8) : NFCT_T_ALL};
	bool survived[SIDES];
	size_t len;

	parse.l3 = one_in(d, 2) ? AF_INET : AF_INET6;
	message_copies(d, m, parse.message);
	BOTH (s) {
		parse.ct[s] = p->of[s];
		survived[s] = side_survives(s, parse_one, &parse);
	}
	if (!survived[OURS] && !d->same_library) {
		differ_report(d, "parse", "ours ended the process");
	} else if (!survived[THEIRS]) {
		differ_except(d, EX_EXIT_ON_KERNEL_DATA);
		ct_destroy(p);
		ct_new(d, p);
	} else {
		same_int(d, names[parse.how], parse.got);
	}
	BOTH (s)
		free(parse.message[s]);
	if (survived[THEIRS] && message_find(m, path_of_info, &len) && len > p->their_info)
		p->their_info = len;
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
