/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filters of events, by the verdicts of this kernel; filters of dumps, by what they are built to.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netfilter/nfnetlink.h>

#include "tests/interop/differ/pair.h"

enum {
	MESSAGES = 24,
	ELEMENTS_MAX = 4,
	KINDS = NFCT_FILTER_MARK + 1, /* that both libraries know */
	MANY = 90, /* elements: more than an 8-bit jump passes */
	PADDING = 0xa5,
};

union element {
	struct nfct_filter_proto proto;
	struct nfct_filter_ipv4 v4;
	struct nfct_filter_ipv6 v6;
	struct nfct_filter_dump_mark mark;
	uint32_t l4;
};

/* What a filter was asked for, to know what it has to do. */
struct model {
	unsigned count[KINDS];
	enum nfct_filter_logic logic[KINDS];
	union element elements[KINDS][MANY];
};

/* What of a message a filter looks at. */
struct facts {
	bool is_ct;
	const uint8_t *l4, *v4[2], *v6[2], *mark;
	const uint8_t *state; /* of the protocol that it names */
	uint16_t state_proto;
};

static const uint8_t *field(struct message *m, const uint16_t *path, size_t bytes)
{
	size_t len;
	const uint8_t *at = message_find(m, path, &len);

	return at && len >= bytes ? at : NULL;
}

#define FIELD(m, bytes, ...) field(m, (const uint16_t[]){__VA_ARGS__, 0}, bytes)

static struct facts facts_of(struct message *m)
{
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_DCCP, IPPROTO_SCTP};
	struct facts f = {.is_ct = message_header(m)->nlmsg_type >> 8 == CONNTRACK};

	f.l4 = FIELD(m, 1, CTA_TUPLE_ORIG, CTA_TUPLE_PROTO, CTA_PROTO_NUM);
	f.mark = FIELD(m, 4, CTA_MARK);
	for (uint16_t i = 0; i < 2; i++) {
		f.v4[i] = FIELD(m, 4, CTA_TUPLE_ORIG, CTA_TUPLE_IP, CTA_IP_V4_SRC + i);
		f.v6[i] = FIELD(m, 16, CTA_TUPLE_ORIG, CTA_TUPLE_IP, CTA_IP_V6_SRC + i);
	}
	for (uint16_t i = 0; i < 3; i++) {
		const uint8_t *state = FIELD(m, 1, CTA_PROTOINFO, CTA_PROTOINFO_TCP + i, 1);

		if (state) {
			f.state = state;
			f.state_proto = protos[i];
		}
	}
	return f;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool element_matches(unsigned kind, const union element *e, const struct facts *f)
{
	bool same = true;

	switch (kind) {
	case NFCT_FILTER_L4PROTO:
		return e->l4 == f->l4[0];
	case NFCT_FILTER_L4PROTO_STATE:
		return e->proto.proto == f->state_proto && e->proto.state == f->state[0];
	case NFCT_FILTER_SRC_IPV4:
	case NFCT_FILTER_DST_IPV4:
		return ((be32(f->v4[kind - NFCT_FILTER_SRC_IPV4]) ^ e->v4.addr) & e->v4.mask) == 0;
	case NFCT_FILTER_SRC_IPV6:
	case NFCT_FILTER_DST_IPV6:
		for (unsigned i = 0; i < 4; i++) {
			uint32_t word = be32(f->v6[kind - NFCT_FILTER_SRC_IPV6] + 4 * i);

			same = same && ((word ^ e->v6.addr[i]) & e->v6.mask[i]) == 0;
		}
		return same;
	default:
		return (((f->mark ? be32(f->mark) : 0) ^ e->mark.val) & e->mark.mask) == 0;
	}
}

/* Whether the message has what elements of the kind are compared with. */
static bool has_field(unsigned kind, const struct model *m, const struct facts *f)
{
	switch (kind) {
	case NFCT_FILTER_L4PROTO:
		return f->l4 != NULL;
	case NFCT_FILTER_L4PROTO_STATE:
		/* A message without a state, or of a protocol that is not asked for, passes. */
		for (unsigned i = 0; f->state && i < m->count[kind]; i++) {
			if (m->elements[kind][i].proto.proto == f->state_proto)
				return true;
		}
		return false;
	case NFCT_FILTER_SRC_IPV4:
	case NFCT_FILTER_DST_IPV4:
		return f->v4[kind - NFCT_FILTER_SRC_IPV4] != NULL;
	case NFCT_FILTER_SRC_IPV6:
	case NFCT_FILTER_DST_IPV6:
		return f->v6[kind - NFCT_FILTER_SRC_IPV6] != NULL;
	default:
		return true; /* no mark counts as 0 */
	}
}

/* Whether the filter has to let the message pass. */
static bool model_accepts(const struct model *m, const struct facts *f)
{
	for (unsigned kind = 0; f->is_ct && kind < KINDS; kind++) {
		bool match = false;

		if (!m->count[kind] || !has_field(kind, m, f))
			continue;
		for (unsigned i = 0; i < m->count[kind]; i++)
			match = match || element_matches(kind, &m->elements[kind][i], f);
		if (match != (m->logic[kind] == NFCT_FILTER_LOGIC_POSITIVE))
			return false;
	}
	return true;
}

/* An element that some of the messages match. */
static void random_element(struct differ *d, unsigned kind, const struct facts *f, union element *e)
{
	static const uint32_t masks[] = {UINT32_MAX, UINT32_MAX, 0xffffff00, 0xff, 1, 0};

	random_bytes(d, e, sizeof(*e));
	if (kind == NFCT_FILTER_L4PROTO) {
		e->l4 = f->l4 && one_in(d, 2) ? f->l4[0] : below(d, 255);
	} else if (kind == NFCT_FILTER_L4PROTO_STATE) {
		e->proto.proto = one_in(d, 2)	? IPPROTO_TCP
				 : one_in(d, 2) ? IPPROTO_SCTP
						: IPPROTO_DCCP;
		e->proto.state = f->state && one_in(d, 2) ? f->state[0] & 15 : below(d, 16);
	} else if (kind == NFCT_FILTER_MARK) {
		e->mark.mask = masks[below(d, 6)];
		e->mark.val = f->mark && one_in(d, 2) ? be32(f->mark) : below(d, 3);
	} else if (kind <= NFCT_FILTER_DST_IPV4) {
		const uint8_t *addr = f->v4[kind - NFCT_FILTER_SRC_IPV4];

		e->v4.mask = masks[below(d, 6)];
		e->v4.addr = addr && one_in(d, 2) ? be32(addr) : e->v4.addr;
	} else {
		const uint8_t *addr = f->v6[kind - NFCT_FILTER_SRC_IPV6];

		for (unsigned i = 0; i < 4; i++) {
			e->v6.mask[i] = one_in(d, 3) ? masks[below(d, 6)] : UINT32_MAX;
			e->v6.addr[i] = addr && !one_in(d, 4) ? be32(addr + 4 * i) : e->v6.addr[i];
		}
	}
}

/* Fills a filter, and the model of what it has to do. */
static void fill(struct differ *d, struct nfct_filter *filter[SIDES], struct model *model,
	const struct facts *facts)
{
	memset(model, 0, sizeof(*model));
	for (unsigned kind = 0; kind < KINDS; kind++) {
		unsigned count = one_in(d, 2) ? 0 : 1 + below(d, ELEMENTS_MAX);

		if (kind <= NFCT_FILTER_DST_IPV4 && kind >= NFCT_FILTER_SRC_IPV4 && one_in(d, 40))
			count = MANY;
		for (unsigned i = 0; i < count; i++) {
			union element *e = &model->elements[kind][i];

			random_element(d, kind, &facts[below(d, MESSAGES)], e);
			BOTH (s) {
				if (kind == NFCT_FILTER_L4PROTO)
					api_of[s].nfct_filter_add_attr_u32(filter[s], kind, e->l4);
				else
					api_of[s].nfct_filter_add_attr(filter[s], kind, e);
			}
		}
		model->count[kind] = count;
	}
}

static void set_logic(struct differ *d, struct nfct_filter *filter[SIDES], struct model *model)
{
	for (unsigned n = below(d, 6); n > 0; n--) {
		unsigned kind = one_in(d, 10) ? 20 + below(d, 5) : below(d, KINDS);
		enum nfct_filter_logic logic = below(d, 2);
		long got[SIDES];

		differ_step(d, "logic of %u: %u", kind, logic);
		BOTH (s)
			got[s] = api_of[s].nfct_filter_set_logic(filter[s], kind, logic);
		same_failure(d, "nfct_filter_set_logic", got);
		if (got[OURS] == 0 && kind < KINDS)
			model->logic[kind] = logic;
	}
}

/* The verdict of the filter that is attached to the other end of fd[0]. */
static bool kernel_accepts(const int fd[2], struct message *m)
{
	char byte;

	if (send(fd[0], m->bytes, message_header(m)->nlmsg_len, 0) < 0)
		return false;
	return recv(fd[1], &byte, 1, MSG_DONTWAIT) >= 0;
}

static bool has_known_defect(const struct model *m)
{
	return m->count[NFCT_FILTER_SRC_IPV6] > 0 || m->count[NFCT_FILTER_DST_IPV6] > 0 ||
	       m->count[NFCT_FILTER_DST_IPV4] == MANY || m->count[NFCT_FILTER_SRC_IPV4] == MANY;
}

/* Whether the filter looks for something that the message does not have. */
static bool looks_in_vain(const struct model *m, const struct facts *f)
{
	for (unsigned kind = 0; kind < NFCT_FILTER_MARK; kind++) {
		if (m->count[kind] > 0 && !has_field(kind, m, f))
			return true;
	}
	for (unsigned i = 0; i < m->count[NFCT_FILTER_L4PROTO_STATE]; i++) {
		if (m->elements[NFCT_FILTER_L4PROTO_STATE][i].proto.proto != f->state_proto)
			return true;
	}
	return false;
}

static void same_verdicts(struct differ *d, int fd[SIDES][2], const struct model *model,
	struct message *messages, const struct facts *facts)
{
	for (unsigned i = 0; i < MESSAGES && !d->differed; i++) {
		long wanted = model_accepts(model, &facts[i]), got[SIDES];

		differ_step(d, "verdict on message %u", i);
		for (unsigned s = 0; s < SIDES; s++)
			got[s] = kernel_accepts(fd[s], &messages[i]);
		if (got[OURS] != got[THEIRS] && got[OURS] == wanted && has_known_defect(model))
			differ_except(d, EX_FILTER_LISTS);
		else if (got[OURS] != got[THEIRS] && got[OURS] == wanted &&
			 looks_in_vain(model, &facts[i]))
			differ_except(d, EX_FILTER_SEARCH);
		else if (same_int(d, "verdict of an event filter", got))
			same_int(d, "verdict of an event filter and its model",
				(const long[]){got[OURS], wanted});
	}
}

void episode_filter(struct differ *d)
{
	static struct message messages[MESSAGES];
	static struct model model;
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_UDP};
	struct facts facts[MESSAGES];
	struct nfct_filter *filter[SIDES];
	int fd[SIDES][2];
	long got[SIDES];

	for (unsigned i = 0; i < MESSAGES; i++) {
		message_random(d, &messages[i], one_in(d, 20) ? MESSAGE_EXP : MESSAGE_CT,
			protocols[below(d, 4)], false);
		facts[i] = facts_of(&messages[i]);
	}
	BOTH (s) {
		filter[s] = api_of[s].nfct_filter_create();
		if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fd[s]) < 0)
			differ_report(d, "socketpair", "errno %d", errno);
	}
	differ_step(d, "detach what is not attached");
	BOTH (s)
		got[s] = api_of[s].nfct_filter_detach(fd[s][1]);
	same_failure(d, "nfct_filter_detach", got);
	fill(d, filter, &model, facts);
	set_logic(d, filter, &model);
	differ_step(d, "attach");
	BOTH (s)
		got[s] = api_of[s].nfct_filter_attach(fd[s][1], filter[s]);
	if (same_failure(d, "nfct_filter_attach", got) && got[OURS] == 0)
		same_verdicts(d, fd, &model, messages, facts);
	BOTH (s) {
		got[s] = api_of[s].nfct_filter_detach(fd[s][1]);
		api_of[s].nfct_filter_destroy(filter[s]);
		close(fd[s][0]);
		close(fd[s][1]);
	}
	same_failure(d, "nfct_filter_detach", got);
}

static void dump_set(struct differ *d, struct nfct_filter_dump *filter[SIDES])
{
	struct nfct_filter_dump_mark mark = {
		(uint32_t)random_number(d), (uint32_t)random_number(d)};
	uint8_t l3 = (uint8_t)(one_in(d, 4) ? below(d, 256) : one_in(d, 2) ? AF_INET : AF_INET6);
	unsigned id = one_in(d, 10) ? 10 + below(d, 20) : below(d, 3);
	bool by_value = one_in(d, 2);

	differ_step(d, "set attribute %u", id);
	BOTH (s) {
		if (id == NFCT_FILTER_DUMP_L3NUM && by_value)
			api_of[s].nfct_filter_dump_set_attr_u8(filter[s], id, l3);
		else
			api_of[s].nfct_filter_dump_set_attr(filter[s], id,
				id == NFCT_FILTER_DUMP_L3NUM ? (void *)&l3 : (void *)&mark);
	}
}

void episode_filter_dump(struct differ *d)
{
	static struct message m[SIDES];
	static char handle[SIDES];
	struct nfct_filter_dump *filter[SIDES];
	unsigned query = NFCT_Q_DUMP_FILTER + below(d, 2);
	bool is_query = one_in(d, 3);
	long got[SIDES];

	BOTH (s)
		filter[s] = api_of[s].nfct_filter_dump_create();
	for (unsigned n = below(d, 6); n > 0; n--)
		dump_set(d, filter);
	differ_step(d, "build a dump's filter%s", is_query ? ", with its query" : "");
	BOTH (s) {
		struct nlmsghdr *nlh = message_header(&m[s]);

		memset(&m[s], PADDING, sizeof(m[s]));
		memset(nlh, 0, NLMSG_LENGTH(sizeof(struct nfgenmsg)));
		nlh->nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg));
		if (is_query)
			got[s] = api_of[s].nfct_build_query(
				(void *)&handle[s], query, filter[s], nlh, 4096);
		else
			got[s] = api_of[s].nfct_nlmsg_build_filter(nlh, filter[s]);
	}
	same_failure(d, is_query ? "nfct_build_query of a filter" : "nfct_nlmsg_build_filter", got);
	same_bytes(d, "bytes of a dump's filter",
		(const void *const[]){m[OURS].bytes, m[THEIRS].bytes},
		(const size_t[]){message_header(&m[OURS])->nlmsg_len,
			message_header(&m[THEIRS])->nlmsg_len});
	BOTH (s)
		api_of[s].nfct_filter_dump_destroy(filter[s]);
}
