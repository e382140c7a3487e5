/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expectations: set, read, copied, compared, built, parsed, printed. */
#include "config.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/netfilter/nfnetlink.h>

#include "tests/interop/differ/pair.h"

enum { PAIRS = 3, STEPS_MAX = 60, PADDING = 0xa5, FUNCTION_BYTES = 24 };

struct episode {
	struct differ *d;
	struct exp_pair pairs[PAIRS];
	uint8_t l4;
};

static const uint8_t tuple_attrs[] = {
	ATTR_EXP_MASTER, ATTR_EXP_EXPECTED, ATTR_EXP_MASK, ATTR_EXP_NAT_TUPLE};
/* What programs may ask the tuple of an expectation for. */
static const uint8_t head_attrs[] = {ATTR_IPV4_SRC, ATTR_IPV4_DST, ATTR_IPV6_SRC, ATTR_IPV6_DST,
	ATTR_PORT_SRC, ATTR_PORT_DST, ATTR_ICMP_TYPE, ATTR_ICMP_CODE, ATTR_ICMP_ID, ATTR_L3PROTO,
	ATTR_L4PROTO};
static const uint8_t head_groups[] = {ATTR_GRP_ORIG_IPV4, ATTR_GRP_ORIG_IPV6, ATTR_GRP_ORIG_PORT,
	ATTR_GRP_ICMP, ATTR_GRP_ORIG_ADDR_SRC, ATTR_GRP_ORIG_ADDR_DST};

static bool is_tuple(unsigned id)
{
	return memchr(tuple_attrs, (int)id, sizeof(tuple_attrs)) != NULL;
}

static void exp_new(struct differ *d, struct exp_pair *p)
{
	bool in_callers_memory = one_in(d, 4);

	BOTH (s) {
		struct api *api = &api_of[s];

		p->of[s] = in_callers_memory ? calloc(1, api->nfexp_maxsize()) : api->nfexp_new();
	}
}

void exp_destroy(struct exp_pair *p)
{
	BOTH (s) {
		if (p->of[s])
			api_of[s].nfexp_destroy(p->of[s]);
		p->of[s] = NULL;
	}
}

static void observe_head(struct differ *d, const struct nf_conntrack *const head[SIDES])
{
	const void *value[SIDES];
	long got[SIDES];

	for (size_t i = 0; i < sizeof(head_attrs); i++) {
		enum nf_conntrack_attr id = head_attrs[i];
		size_t bytes = attr_infos[id].kind == KIND_NUMBER ? attr_infos[id].bytes : 16;

		BOTH (s)
			got[s] = api_of[s].nfct_attr_is_set(head[s], id);
		same_int(d, "nfct_attr_is_set of a tuple", got);
		BOTH (s)
			value[s] = api_of[s].nfct_get_attr(head[s], id);
		if (!value[OURS] || !value[THEIRS])
			same_int(d, "nfct_get_attr of a tuple",
				(const long[]){!value[OURS], !value[THEIRS]});
		else
			same_bytes(d, "nfct_get_attr of a tuple", value,
				(const size_t[]){bytes, bytes});
	}
	for (size_t i = 0; i < sizeof(head_groups); i++) {
		uint8_t data[SIDES][32] = {0};

		BOTH (s)
			got[s] = api_of[s].nfct_get_attr_grp(head[s], head_groups[i], data[s]);
		same_failure(d, "nfct_get_attr_grp of a tuple", got);
		same_bytes(d, "nfct_get_attr_grp of a tuple",
			(const void *const[]){data[OURS], data[THEIRS]}, (const size_t[]){32, 32});
	}
}

static void observe_value(struct differ *d, const struct exp_pair *p, enum nf_expect_attr id)
{
	const void *value[SIDES];
	long got[SIDES];
	char what[32];

	snprintf(what, sizeof(what), "expectation attribute %d", id);
	BOTH (s)
		got[s] = api_of[s].nfexp_attr_is_set(p->of[s], id);
	same_failure(d, what, got);
	BOTH (s) {
		value[s] = api_of[s].nfexp_get_attr(p->of[s], id);
		got[s] = value[s] ? 0 : -1;
	}
	if (!same_failure(d, what, got) || !value[OURS])
		return;
	if (is_tuple(id)) {
		observe_head(d, (const struct nf_conntrack *const[]){value[OURS], value[THEIRS]});
	} else if (id == ATTR_EXP_HELPER_NAME || id == ATTR_EXP_FN) {
		same_text(d, what, (const char *const[]){value[OURS], value[THEIRS]});
	} else {
		BOTH (s) {
			struct api *api = &api_of[s];

			got[s] = api->nfexp_get_attr_u8(p->of[s], id) +
				 ((long)api->nfexp_get_attr_u16(p->of[s], id) << 8);
			if (id != ATTR_EXP_ZONE)
				got[s] += (long)api->nfexp_get_attr_u32(p->of[s], id) << 24;
		}
		same_int(d, what, got);
	}
}

void exp_observe(struct differ *d, const struct exp_pair *p)
{
	for (unsigned id = 0; id <= ATTR_EXP_MAX && !d->differed; id++)
		observe_value(d, p, id);
}

static void set_tuple(struct episode *e, struct exp_pair *p, enum nf_expect_attr id)
{
	struct differ *d = e->d;
	struct ct_pair ct;

	ct_new(d, &ct);
	ct_set_tuple(d, &ct, one_in(d, 3) ? AF_INET6 : AF_INET, e->l4);
	/* Only an original tuple: the presence of other attributes is copied without their values.
	 */
	if (one_in(d, 8)) {
		enum nf_conntrack_attr gone = head_attrs[below(d, sizeof(head_attrs))];

		BOTH (s)
			api_of[s].nfct_attr_unset(ct.of[s], gone);
	}
	differ_step(d, "set tuple %d", id);
	BOTH (s)
		api_of[s].nfexp_set_attr(p->of[s], id, ct.of[s]);
	ct_destroy(&ct);
}

static void step_set(struct episode *e, struct exp_pair *p)
{
	static const char *const texts[] = {"ftp", "", "nat-follow-master", "sip",
		"a-name-that-is-longer-than-any-that-there-is"};
	struct differ *d = e->d;
	enum nf_expect_attr id =
		one_in(d, 30) ? ATTR_EXP_MAX + below(d, 3) : below(d, ATTR_EXP_MAX);
	uint64_t value = random_number(d);
	const char *text = texts[below(d, 5)];

	if (is_tuple(id)) {
		set_tuple(e, p, id);
		return;
	}
	differ_step(d, "set attribute %d", id);
	BOTH (s) {
		struct api *api = &api_of[s];

		if (id == ATTR_EXP_HELPER_NAME || id == ATTR_EXP_FN)
			api->nfexp_set_attr(p->of[s], id, text);
		else if (value & 1)
			api->nfexp_set_attr(p->of[s], id, &value);
		else if (id == ATTR_EXP_ZONE)
			api->nfexp_set_attr_u16(p->of[s], id, (uint16_t)value);
		else
			api->nfexp_set_attr_u32(p->of[s], id, (uint32_t)value);
	}
}

static void step_unset(struct episode *e, struct exp_pair *p)
{
	/* A master or an expected tuple that is gone may still give a request its family. */
	enum nf_expect_attr id = below(e->d, one_in(e->d, 3) ? 2 : ATTR_EXP_MAX + 2);
	long got[SIDES];

	differ_step(e->d, "unset attribute %d", id);
	BOTH (s)
		got[s] = api_of[s].nfexp_attr_unset(p->of[s], id);
	same_failure(e->d, "nfexp_attr_unset", got);
}

/* A clone, or a copy of the memory as conntrackd makes it. */
static void step_clone(struct episode *e, struct exp_pair *p)
{
	struct exp_pair *to = &e->pairs[below(e->d, PAIRS)], made;
	bool bytes = one_in(e->d, 2);

	differ_step(e->d, bytes ? "copy the memory" : "clone");
	BOTH (s) {
		struct api *api = &api_of[s];

		made.of[s] = bytes ? api->nfexp_new() : api->nfexp_clone(p->of[s]);
		if (bytes)
			memcpy(made.of[s], p->of[s], api->nfexp_maxsize());
	}
	exp_destroy(to);
	*to = made;
}

static void step_cmp(struct episode *e, struct exp_pair *p)
{
	const struct exp_pair *to = &e->pairs[below(e->d, PAIRS)];
	unsigned flags = below(e->d, 128);
	long got[SIDES];

	if (!to->of[OURS])
		return;
	differ_step(e->d, "compare, flags 0x%x", flags);
	BOTH (s)
		got[s] = api_of[s].nfexp_cmp(p->of[s], to->of[s], flags);
	same_int(e->d, "nfexp_cmp", got);
}

/* Ours without the attributes that theirs leaves out; true if there were any. */
static bool drop_unbuilt(struct message *m)
{
	static const uint16_t types[] = {CTA_EXPECT_CLASS, CTA_EXPECT_NAT, CTA_EXPECT_FN};
	bool any = false;

	for (unsigned i = 0; i < 3; i++)
		any = message_shorten(m, (const uint16_t[]){types[i], 0}, GONE) || any;
	return any;
}

static void same_built(struct differ *d, const char *what, struct message m[SIDES])
{
	if (message_header(&m[OURS])->nlmsg_len > message_header(&m[THEIRS])->nlmsg_len &&
		drop_unbuilt(&m[OURS]))
		differ_except(d, EX_EXP_NAT_CLASS_FN);
	if (!d->same_library && message_zero_padding(&m[THEIRS]))
		differ_except(d, EX_PADDING);
	same_bytes(d, what, (const void *const[]){m[OURS].bytes, m[THEIRS].bytes},
		(const size_t[]){message_header(&m[OURS])->nlmsg_len,
			message_header(&m[THEIRS])->nlmsg_len});
}

static bool has_l3(const struct exp_pair *p, enum nf_expect_attr id)
{
	const struct api *api = &api_of[OURS];
	const struct nf_conntrack *tuple = api->nfexp_get_attr(p->of[OURS], id);

	return tuple && api->nfct_attr_is_set(tuple, ATTR_L3PROTO) == 1;
}

/* The family of a tuple that was unset, or that has none; true if there is nothing to compare. */
static bool allow_family(
	struct differ *d, const struct exp_pair *p, const long got[SIDES], struct message m[SIDES])
{
	uint8_t *ours = &m[OURS].bytes[NLMSG_HDRLEN], *theirs = &m[THEIRS].bytes[NLMSG_HDRLEN];

	if (got[THEIRS] < 0 || (got[OURS] >= 0 && *ours == *theirs) ||
		(*theirs != 0 && has_l3(p, ATTR_EXP_MASTER) && has_l3(p, ATTR_EXP_EXPECTED)))
		return false;
	differ_except(d, EX_EXP_FAMILY);
	*theirs = *ours;
	return got[OURS] < 0;
}

static void step_build(struct episode *e, struct exp_pair *p)
{
	static struct message m[SIDES];
	static char handle[SIDES];
	struct differ *d = e->d;
	unsigned how = below(d, 4), query = below(d, NFCT_Q_CREATE_UPDATE + 3);
	uint32_t family = below(d, 300);
	bool of_object = query < NFCT_Q_FLUSH || query == NFCT_Q_CREATE_UPDATE;
	uint16_t type = (uint16_t)(EXPECT << 8 | below(d, 4));
	const char *what = how == 0   ? "nfexp_build_query"
			   : how == 1 ? "nfexp_build_expect"
				      : "nfexp_nlmsg_build";
	long got[SIDES];
	char name[64];

	differ_step(d, how == 0 ? "%s %u" : "%s", what, query);
	BOTH (s) {
		struct api *api = &api_of[s];
		struct nlmsghdr *nlh = message_header(&m[s]);
		struct nfnl_subsys_handle *ssh = (void *)&handle[s];

		memset(&m[s], PADDING, sizeof(m[s]));
		memset(nlh, 0, NLMSG_LENGTH(sizeof(struct nfgenmsg)));
		nlh->nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg));
		if (how == 0)
			got[s] = api->nfexp_build_query(ssh, query,
				of_object ? (const void *)p->of[s] : &family, &m[s], 4096);
		else if (how == 1)
			got[s] = api->nfexp_build_expect(ssh, &m[s], 4096, type, 5, p->of[s]);
		else
			got[s] = api->nfexp_nlmsg_build(nlh, p->of[s]);
	}
	if (how == 0 && of_object && got[OURS] == -1 && got[THEIRS] >= 0 &&
		message_header(&m[THEIRS])->nlmsg_len == 0) {
		differ_except(d, EX_QUERY_EMPTY);
		return;
	}
	if ((how == 1 || (how == 0 && of_object)) && allow_family(d, p, got, m))
		return;
	snprintf(name, sizeof(name), "bytes of %s", what);
	if (same_failure(d, what, got) && got[OURS] >= 0)
		same_built(d, name, m);
}

struct parse {
	struct nlmsghdr *message[SIDES];
	struct nf_expect *exp[SIDES];
	unsigned wanted;
	bool older;
	long got[SIDES];
};

static void parse_one(enum side s, void *arg)
{
	struct parse *parse = arg;
	struct api *api = &api_of[s];

	if (parse->older)
		parse->got[s] =
			api->nfexp_parse_expect(parse->wanted, parse->message[s], parse->exp[s]);
	else
		parse->got[s] = api->nfexp_nlmsg_parse(parse->message[s], parse->exp[s]);
}

/* Whether a NAT nest holds a type that there is not: theirs writes it beyond its stack. */
static bool has_odd_nat(struct message *m)
{
	size_t left;
	const uint8_t *at = message_find(m, (const uint16_t[]){CTA_EXPECT_NAT, 0}, &left);

	while (at && left >= NLA_HDRLEN) {
		const struct nlattr *a = (const void *)at;
		size_t step = NLA_ALIGN(a->nla_len);

		if ((a->nla_type & NLA_TYPE_MASK) > CTA_EXPECT_NAT_MAX)
			return true;
		if (a->nla_len < NLA_HDRLEN || step >= left)
			return false;
		at += step;
		left -= step;
	}
	return false;
}

/* A message that theirs cannot take: what it does is seen in another process. */
static void parse_ours_alone(struct differ *d, struct exp_pair *p, struct parse *parse)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		close(STDERR_FILENO);
		parse_one(THEIRS, parse);
		_exit(0);
	}
	if (child > 0 && waitpid(child, &status, 0) == child &&
		!(WIFEXITED(status) && WEXITSTATUS(status) == 0))
		differ_except(d, EX_EXP_NAT_STACK);
	parse_one(OURS, parse);
	exp_destroy(p);
	exp_new(d, p);
}

/* Whether it has some of the tuples, but not all: then theirs changes those that it has not. */
static bool has_some_tuples(struct message *m)
{
	unsigned count = 0;
	size_t len;

	for (uint16_t type = CTA_EXPECT_MASTER; type <= CTA_EXPECT_MASK; type++)
		count += message_find(m, (const uint16_t[]){type, 0}, &len) != NULL;
	return count > 0 && count < 3;
}

bool exp_is_plain(struct message *m)
{
	size_t len;

	if (message_find(m, (const uint16_t[]){CTA_EXPECT_FN, 0}, &len) && len > FUNCTION_BYTES)
		return false;
	return message_find(m, (const uint16_t[]){CTA_EXPECT_MASTER, 0}, &len) &&
	       !has_some_tuples(m) && !message_find(m, (const uint16_t[]){CTA_EXPECT_NAT, 0}, &len);
}

/* Ours gives each tuple that it read the message's layer 3 protocol; theirs is made to agree. */
static void allow_l3(struct differ *d, struct exp_pair *p, struct message *m)
{
	static const uint16_t paths[][3] = {{CTA_EXPECT_MASTER, 0}, {CTA_EXPECT_TUPLE, 0},
		{CTA_EXPECT_MASK, 0}, {CTA_EXPECT_NAT, 0}};
	const struct nfgenmsg *nfg = NLMSG_DATA(message_header(m));
	size_t len;

	for (unsigned i = 0; i < 4; i++) {
		uint8_t l3[SIDES];
		union {
			const void *got;
			struct nf_conntrack *ct;
		} tuple[SIDES];

		for (unsigned s = 0; s < SIDES; s++) {
			tuple[s].got = api_of[s].nfexp_get_attr(p->of[s], tuple_attrs[i]);
			l3[s] = tuple[s].got ? api_of[s].nfct_get_attr_u8(tuple[s].ct, ATTR_L3PROTO)
					     : 0;
		}
		if (!tuple[OURS].got || !tuple[THEIRS].got || !message_find(m, paths[i], &len))
			continue;
		if (i < 3 && l3[OURS] != nfg->nfgen_family)
			differ_report(d, "layer 3 protocol of a tuple", "not the message's");
		if (l3[OURS] == l3[THEIRS] &&
			api_of[OURS].nfct_attr_is_set(tuple[OURS].ct, ATTR_L3PROTO) ==
				api_of[THEIRS].nfct_attr_is_set(tuple[THEIRS].ct, ATTR_L3PROTO))
			continue;
		differ_except(d, EX_EXP_L3);
		api_of[THEIRS].nfct_set_attr_u8(tuple[THEIRS].ct, ATTR_L3PROTO, l3[OURS]);
		if (api_of[OURS].nfct_attr_is_set(tuple[OURS].ct, ATTR_L3PROTO) == 0)
			api_of[THEIRS].nfct_attr_unset(tuple[THEIRS].ct, ATTR_L3PROTO);
	}
}

/* What ours is known to refuse or to take otherwise: the objects are not compared. */
static bool known_parse(struct differ *d, const struct parse *parse, const struct oddities *odd)
{
	if (odd->malformed && (parse->got[OURS] == -1 || !d->same_library)) {
		if (parse->got[THEIRS] >= 0 && parse->got[OURS] == -1)
			differ_except(d, EX_MALFORMED);
		return true;
	}
	if (odd->empty_again && parse->got[OURS] == parse->got[THEIRS] && !d->same_library) {
		differ_except(d, EX_EMPTY_AGAIN);
		return true;
	}
	if (odd->tuple_order && parse->got[OURS] == parse->got[THEIRS] && !d->same_library) {
		differ_except(d, EX_TUPLE_ORDER);
		return true;
	}
	return false;
}

static void parse_both(struct differ *d, struct exp_pair *p, struct parse *parse, struct message *m)
{
	struct oddities odd = message_oddities(m, MESSAGE_EXP);
	bool survived[SIDES];

	BOTH (s)
		survived[s] = side_survives(s, parse_one, parse);
	if (!survived[OURS] && !d->same_library) {
		differ_report(d, "parse", "ours ended the process");
	} else if (!survived[THEIRS]) {
		differ_except(d, EX_EXIT_ON_KERNEL_DATA);
		exp_destroy(p);
		exp_new(d, p);
	} else if (known_parse(d, parse, &odd)) {
		exp_destroy(p);
		exp_new(d, p);
	} else if (!d->same_library && has_some_tuples(m) &&
		   parse->got[OURS] == parse->got[THEIRS]) {
		differ_except(d, EX_EXP_L3);
		exp_destroy(p);
		exp_new(d, p);
	} else if (same_int(d, parse->older ? "nfexp_parse_expect" : "nfexp_nlmsg_parse",
			   parse->got) &&
		   parse->got[OURS] >= parse->older && !d->same_library) {
		allow_l3(d, p, m);
	}
}

static void step_parse(struct episode *e, struct exp_pair *p)
{
	static struct message m;
	struct differ *d = e->d;
	struct parse parse = {.older = one_in(d, 4), .wanted = below(d, 8)};
	bool rough = one_in(d, 3);

	message_random(d, &m, MESSAGE_EXP, e->l4, rough);
	if (one_in(d, 3))
		message_mutate(d, &m, rough);
	message_copies(d, &m, parse.message);
	differ_step(d, "parse a message of %u bytes", message_header(&m)->nlmsg_len);
	for (unsigned s = 0; s < SIDES; s++)
		parse.exp[s] = p->of[s];
	if (!has_odd_nat(&m))
		parse_both(d, p, &parse, &m);
	else if (!d->same_library)
		parse_ours_alone(d, p, &parse);
	for (unsigned s = 0; s < SIDES; s++)
		free(parse.message[s]);
}

static void step_print(struct episode *e, struct exp_pair *p)
{
	exp_print(e->d, p->of);
}

static void step_new(struct episode *e, struct exp_pair *p)
{
	differ_step(e->d, "new");
	exp_destroy(p);
	exp_new(e->d, p);
}

static void (*const steps[])(struct episode *, struct exp_pair *) = {step_set, step_set, step_set,
	step_set, step_set, step_unset, step_clone, step_cmp, step_cmp, step_build, step_build,
	step_parse, step_parse, step_print, step_print, step_new};

void episode_exp(struct differ *d)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6};
	struct episode e = {.d = d, .l4 = protocols[below(d, sizeof(protocols))]};
	unsigned count = 1 + below(d, STEPS_MAX);

	for (unsigned i = 0; i < count && !d->differed; i++) {
		struct exp_pair *p = &e.pairs[below(d, PAIRS)];

		if (!p->of[OURS])
			exp_new(d, p);
		steps[below(d, sizeof(steps) / sizeof(steps[0]))](&e, p);
		if (!d->differed)
			exp_observe(d, p);
	}
	for (unsigned i = 0; i < PAIRS; i++)
		exp_destroy(&e.pairs[i]);
}
