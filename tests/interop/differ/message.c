/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink messages: random ones by a description of ctnetlink's attributes, recorded and changed.
 */
#include "config.h"

#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "tests/interop/differ/pair.h"

enum {
	CAPTURES_BYTES_MAX = 1 << 20,
	CAPTURES_MAX = 2000,
	TEXT_MAX = 40,
	UNKNOWN_TYPE = 30,
	TIMESTAMP_EVENT = 27,
	PATH_MAX_TYPES = 4,
	BEYOND_STACK = 16000
};

/* A shape: bytes is the size of a value, 0 for a nest; TEXT and BLOB have a random size. */
enum { NEST = 0, TEXT = 100, BLOB = 101, ADDRESS = 16 };

struct shape {
	uint16_t type;
	uint8_t bytes;
	uint8_t one_in; /* how often it is there */
	uint8_t l4; /* only in messages of that protocol */
	const struct shape *nested; /* up to one of type 0 */
};

static const struct shape ip_v4[] = {{1, 4, 1}, {2, 4, 1}, {0}};
static const struct shape ip_v6[] = {{3, ADDRESS, 1}, {4, ADDRESS, 1}, {0}};
static const struct shape ip_odd[] = {{1, 4, 2}, {2, 4, 2}, {3, ADDRESS, 2}, {4, ADDRESS, 2}, {0}};
static const struct shape proto_ports[] = {{1, 1, 1}, {2, 2, 1}, {3, 2, 1}, {0}};
static const struct shape proto_odd[] = {{1, 1, 2}, {2, 2, 3}, {3, 2, 3}, {4, 2, 3}, {5, 1, 3},
	{6, 1, 3}, {7, 2, 3}, {8, 1, 3}, {9, 1, 3}, {0}};
static const struct shape proto_icmp[] = {{1, 1, 1}, {4, 2, 1}, {5, 1, 1}, {6, 1, 1}, {0}};
static const struct shape proto_icmp6[] = {{1, 1, 1}, {7, 2, 1}, {8, 1, 1}, {9, 1, 1}, {0}};
static const struct shape info_tcp[] = {{1, 1, 1}, {2, 1, 2}, {3, 1, 2}, {4, 2, 2}, {5, 2, 2}, {0}};
static const struct shape info_dccp[] = {{1, 1, 1}, {2, 1, 2}, {3, 8, 2}, {0}};
static const struct shape info_sctp[] = {{1, 1, 1}, {2, 4, 2}, {3, 4, 2}, {0}};
static const struct shape protoinfo[] = {{1, NEST, 1, IPPROTO_TCP, info_tcp},
	{2, NEST, 1, IPPROTO_DCCP, info_dccp}, {3, NEST, 1, IPPROTO_SCTP, info_sctp}, {0}};
static const struct shape counters[] = {{1, 8, 2}, {2, 8, 2}, {3, 4, 4}, {4, 4, 4}, {0}};
static const struct shape help[] = {{1, TEXT, 1}, {2, BLOB, 3}, {0}};
static const struct shape three_words[] = {{1, 4, 1}, {2, 4, 1}, {3, 4, 1}, {0}};
static const struct shape secctx[] = {{1, TEXT, 1}, {0}};
static const struct shape times[] = {{1, 8, 1}, {2, 8, 2}, {0}};
static const struct shape nat[] = {{1, 4, 1}, {0}};
static const struct shape tuple[] = {{1, NEST, 1}, {2, NEST, 1}, {3, 2, 6}, {0}};
static const struct shape ct_shapes[] = {
	{CTA_TUPLE_ORIG, NEST, 1, 0, tuple},
	{CTA_TUPLE_REPLY, NEST, 1, 0, tuple},
	{CTA_STATUS, 4, 2},
	{CTA_PROTOINFO, NEST, 2, 0, protoinfo},
	{CTA_HELP, NEST, 3, 0, help},
	{CTA_NAT_SRC, NEST, 8, 0, nat},
	{CTA_TIMEOUT, 4, 2},
	{CTA_MARK, 4, 2},
	{CTA_COUNTERS_ORIG, NEST, 2, 0, counters},
	{CTA_COUNTERS_REPLY, NEST, 2, 0, counters},
	{CTA_USE, 4, 2},
	{CTA_ID, 4, 2},
	{CTA_NAT_DST, NEST, 8, 0, nat},
	{CTA_TUPLE_MASTER, NEST, 4, 0, tuple},
	{CTA_SEQ_ADJ_ORIG, NEST, 4, 0, three_words},
	{CTA_SEQ_ADJ_REPLY, NEST, 4, 0, three_words},
	{CTA_SECMARK, 4, 4},
	{CTA_ZONE, 2, 3},
	{CTA_SECCTX, NEST, 4, 0, secctx},
	{CTA_TIMESTAMP, NEST, 3, 0, times},
	{CTA_MARK_MASK, 4, 12},
	{CTA_LABELS, BLOB, 3},
	{CTA_LABELS_MASK, BLOB, 12},
	{CTA_SYNPROXY, NEST, 4, 0, three_words},
	{CTA_FILTER, NEST, 16, 0, nat},
	{CTA_STATUS_MASK, 4, 12},
	{TIMESTAMP_EVENT, 8, 12},
	{UNKNOWN_TYPE, BLOB, 8},
	{UNKNOWN_TYPE + 200, 4, 8},
	{0},
};
static const struct shape exp_nat[] = {
	{1, 4, 1}, {2, NEST, 1, 0, tuple}, {BEYOND_STACK, 4, 10}, {0}};
static const struct shape exp_shapes[] = {
	{CTA_EXPECT_MASTER, NEST, 1, 0, tuple},
	{CTA_EXPECT_TUPLE, NEST, 1, 0, tuple},
	{CTA_EXPECT_MASK, NEST, 1, 0, tuple},
	{CTA_EXPECT_TIMEOUT, 4, 2},
	{CTA_EXPECT_ID, 4, 2},
	{CTA_EXPECT_HELP_NAME, TEXT, 2},
	{CTA_EXPECT_ZONE, 2, 3},
	{CTA_EXPECT_FLAGS, 4, 2},
	{CTA_EXPECT_CLASS, 4, 2},
	{CTA_EXPECT_NAT, NEST, 2, 0, exp_nat},
	{CTA_EXPECT_FN, TEXT, 3},
	{UNKNOWN_TYPE, BLOB, 8},
	{0},
};

struct writer {
	struct differ *d;
	struct message *m;
	uint8_t l3, l4;
	bool rough;
};

static struct nlattr *put(struct writer *w, uint16_t type, const void *data, size_t len)
{
	struct nlmsghdr *nlh = message_header(w->m);
	struct nlattr *a = (struct nlattr *)(w->m->bytes + nlh->nlmsg_len);

	if (nlh->nlmsg_len + NLA_HDRLEN + NLA_ALIGN(len) > MESSAGE_BYTES)
		return NULL;
	a->nla_type = type;
	a->nla_len = (uint16_t)(NLA_HDRLEN + len);
	memset(a + 1, 0, NLA_ALIGN(len));
	if (len > 0)
		memcpy(a + 1, data, len);
	nlh->nlmsg_len += (uint32_t)(NLA_HDRLEN + NLA_ALIGN(len));
	return a;
}

static size_t random_value(struct writer *w, const struct shape *shape, uint8_t *value)
{
	struct differ *d = w->d;
	size_t len = shape->bytes;

	random_bytes(d, value, TEXT_MAX);
	if (one_in(d, 4))
		memset(value, 0, TEXT_MAX - 1);
	if (shape->bytes == TEXT) {
		len = 1 + below(d, one_in(d, 4) ? TEXT_MAX : 12);
		for (size_t i = 0; i < len; i++)
			value[i] = (uint8_t)('a' + value[i] % 26);
		value[len - 1] = '\0';
	} else if (shape->bytes == BLOB) {
		len = one_in(d, 2) ? 16 : below(d, TEXT_MAX);
	} else if (shape->bytes == 1 && one_in(d, 2)) {
		value[0] = w->l4;
	}
	/* The other library ends the process for each wrong size: few, to get past the first. */
	if (w->rough && one_in(d, 12))
		len = below(d, TEXT_MAX);
	return len;
}

static const struct shape *nested_of(
	struct writer *w, const struct shape *parent, const struct shape *shape)
{
	struct differ *d = w->d;

	if (parent != tuple)
		return shape->nested;
	if (shape->type == CTA_TUPLE_IP)
		return one_in(d, 12) ? ip_odd : w->l3 == AF_INET ? ip_v4 : ip_v6;
	if (one_in(d, 12))
		return proto_odd;
	return w->l4 == IPPROTO_ICMP	 ? proto_icmp
	       : w->l4 == IPPROTO_ICMPV6 ? proto_icmp6
					 : proto_ports;
}

static void put_shapes(struct writer *w, const struct shape *shapes)
{
	uint8_t value[TEXT_MAX];

	for (const struct shape *shape = shapes; shape->type; shape++) {
		struct nlattr *nest;

		if ((shape->l4 && shape->l4 != w->l4) || !one_in(w->d, shape->one_in) ||
			one_in(w->d, 20))
			continue;
		if (shape->bytes != NEST || (w->rough && one_in(w->d, 40))) {
			put(w, shape->type, value, random_value(w, shape, value));
			continue;
		}
		nest = put(w, shape->type | NLA_F_NESTED, NULL, 0);
		if (!nest)
			return;
		put_shapes(w, nested_of(w, shapes, shape));
		nest->nla_len =
			(uint16_t)(w->m->bytes + message_header(w->m)->nlmsg_len - (uint8_t *)nest);
	}
}

void message_random(
	struct differ *d, struct message *m, enum message_kind kind, uint8_t l4, bool rough)
{
	static const uint16_t flags[] = {0, NLM_F_MULTI, NLM_F_CREATE | NLM_F_EXCL, NLM_F_CREATE};
	struct writer w = {.d = d, .m = m, .l4 = l4, .rough = rough};
	struct nlmsghdr *nlh = message_header(m);
	struct nfgenmsg *nfg = (struct nfgenmsg *)(nlh + 1);
	uint8_t type = (uint8_t)(one_in(d, 8) ? below(d, 6) : below(d, 2) * 2);

	memset(m, 0, sizeof(*m));
	w.l3 = one_in(d, 3) ? AF_INET6 : AF_INET;
	nlh->nlmsg_type = (uint16_t)((kind == MESSAGE_CT ? CONNTRACK : EXPECT) << 8 | type);
	nlh->nlmsg_flags = flags[below(d, 4)];
	nlh->nlmsg_len = NLMSG_LENGTH(sizeof(*nfg));
	nfg->nfgen_family = one_in(d, 30) ? (uint8_t)below(d, 256) : w.l3;
	put_shapes(&w, kind == MESSAGE_CT ? ct_shapes : exp_shapes);
	if (rough && one_in(d, 20)) /* CTA_EXPECT_MASTER, too */
		put(&w, CTA_TUPLE_ORIG | NLA_F_NESTED, NULL, 0);
}

/* The recorded messages, read once. */
static struct {
	_Alignas(8) uint8_t bytes[CAPTURES_BYTES_MAX];
	size_t len;
	size_t at[CAPTURES_MAX];
	unsigned count;
	bool read;
} captures;

static void read_capture(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t end;

	if (!f)
		return;
	end = captures.len +
	      fread(captures.bytes + captures.len, 1, sizeof(captures.bytes) - captures.len, f);
	fclose(f);
	while (captures.count < CAPTURES_MAX && captures.len + NLMSG_HDRLEN <= end) {
		const struct nlmsghdr *nlh = (void *)(captures.bytes + captures.len);

		if (nlh->nlmsg_len < NLMSG_HDRLEN || captures.len + nlh->nlmsg_len > end)
			break;
		captures.at[captures.count++] = captures.len;
		captures.len += NLMSG_ALIGN(nlh->nlmsg_len);
	}
}

bool message_captured(struct differ *d, struct message *m)
{
	const struct nlmsghdr *nlh;

	if (!captures.read) {
		struct dirent **names;
		int count = scandir(CAPTURES_DIR, &names, NULL, alphasort);

		for (int i = 0; i < count; i++) {
			char path[1024];

			snprintf(path, sizeof(path), "%s/%s", CAPTURES_DIR, names[i]->d_name);
			if (strstr(names[i]->d_name, ".bin"))
				read_capture(path);
			free(names[i]);
		}
		if (count >= 0)
			free(names);
		captures.read = true;
	}
	if (!captures.count)
		return false;
	nlh = (void *)(captures.bytes + captures.at[below(d, captures.count)]);
	if (nlh->nlmsg_len > MESSAGE_BYTES)
		return false;
	memset(m, 0, sizeof(*m));
	memcpy(m->bytes, nlh, nlh->nlmsg_len);
	return true;
}

void message_mutate(struct differ *d, struct message *m, bool rough)
{
	struct nlmsghdr *nlh = message_header(m);
	uint32_t first = NLMSG_LENGTH(sizeof(struct nfgenmsg));
	unsigned count = 1 + below(d, 4);

	if (nlh->nlmsg_len <= first)
		return;
	if (one_in(d, 6)) {
		nlh->nlmsg_len = first + below(d, nlh->nlmsg_len - first);
		memset(m->bytes + nlh->nlmsg_len, 0, sizeof(m->bytes) - nlh->nlmsg_len);
	}
	while (count-- > 0 && nlh->nlmsg_len > first) {
		uint32_t at = first + below(d, nlh->nlmsg_len - first);

		/* Attributes' lengths and types stand in the first two of four bytes. */
		if (!rough)
			at |= 2;
		if (at < nlh->nlmsg_len)
			m->bytes[at] ^= (uint8_t)(1u << below(d, 8));
	}
}

uint8_t *message_find(struct message *m, const uint16_t *path, size_t *len)
{
	uint8_t *at = m->bytes + NLMSG_LENGTH(sizeof(struct nfgenmsg));
	size_t left = message_header(m)->nlmsg_len, skip = NLMSG_LENGTH(sizeof(struct nfgenmsg));

	left = left > skip ? left - skip : 0;
	for (; *path; path++) {
		const struct nlattr *a = (const void *)at;
		const uint8_t *found = NULL;
		size_t found_len = 0;

		while (left >= NLA_HDRLEN && a->nla_len >= NLA_HDRLEN && a->nla_len <= left) {
			size_t step = NLA_ALIGN(a->nla_len);

			if ((a->nla_type & NLA_TYPE_MASK) == *path) {
				found = (const uint8_t *)a + NLA_HDRLEN;
				found_len = a->nla_len - NLA_HDRLEN;
			}
			left = step < left ? left - step : 0;
			a = (const void *)((const uint8_t *)a + step);
		}
		if (!found)
			return NULL;
		at = m->bytes + (found - m->bytes);
		left = found_len;
	}
	*len = left;
	return at;
}

bool message_shorten(struct message *m, const uint16_t *path, int to)
{
	struct nlmsghdr *nlh = message_header(m);
	uint16_t part[PATH_MAX_TYPES + 1] = {0};
	struct nlattr *above[PATH_MAX_TYPES];
	size_t len, left, cut;
	uint8_t *value = message_find(m, path, &len), *end;

	if (!value || (to != GONE && len <= (size_t)to))
		return false;
	left = to == GONE ? 0 : NLA_HDRLEN + NLA_ALIGN((size_t)to);
	cut = NLA_HDRLEN + NLA_ALIGN(len) - left;
	end = value + NLA_ALIGN(len);
	for (unsigned i = 0; path[i]; i++) {
		size_t its_len;

		part[i] = path[i];
		above[i] = (struct nlattr *)(message_find(m, part, &its_len) - NLA_HDRLEN);
	}
	for (unsigned i = 0; path[i]; i++) {
		if (path[i + 1])
			above[i]->nla_len = (uint16_t)(above[i]->nla_len - cut);
		else if (to != GONE)
			above[i]->nla_len = (uint16_t)(NLA_HDRLEN + to);
	}
	if (to != GONE)
		memset(value + to, 0, NLA_ALIGN(len) - (size_t)to);
	memmove(end - cut, end, (size_t)(m->bytes + nlh->nlmsg_len - end));
	nlh->nlmsg_len -= (uint32_t)cut;
	return true;
}

static bool zero_padding(uint8_t *at, size_t left)
{
	bool any = false;

	while (left >= NLA_HDRLEN) {
		const struct nlattr *a = (const void *)at;
		size_t len = a->nla_len, step = NLA_ALIGN(len);

		if (len < NLA_HDRLEN || step > left)
			break;
		if (a->nla_type & NLA_F_NESTED)
			any = zero_padding(at + NLA_HDRLEN, len - NLA_HDRLEN) || any;
		for (; len < step; len++) {
			any = any || at[len];
			at[len] = 0;
		}
		at += step;
		left -= step;
	}
	return any;
}

bool message_zero_padding(struct message *m)
{
	size_t skip = NLMSG_LENGTH(sizeof(struct nfgenmsg)), len = message_header(m)->nlmsg_len;

	return len > skip && zero_padding(m->bytes + skip, len - skip);
}

static bool is_proto(const struct shape *shapes)
{
	return shapes == proto_ports || shapes == proto_odd;
}

static void look_at(const uint8_t *at, size_t left, const struct shape *shapes, struct oddities *o)
{
	bool top = shapes == ct_shapes || shapes == exp_shapes;
	unsigned last = 0, seen = 0;

	while (left >= NLA_HDRLEN) {
		const struct nlattr *a = (const void *)at;
		unsigned type = a->nla_type & NLA_TYPE_MASK;
		size_t len = a->nla_len, step = NLA_ALIGN(len);
		const struct shape *shape = shapes;

		if (len < NLA_HDRLEN || len > left)
			break;
		o->tuple_order = o->tuple_order || (is_proto(shapes) && type <= last);
		o->empty_again = o->empty_again ||
				 (top && type < 32 && len == NLA_HDRLEN && seen & 1u << type);
		seen |= type < 32 ? 1u << type : 0;
		last = type;
		while (shape->type && shape->type != type)
			shape++;
		if (shapes == tuple && type <= CTA_TUPLE_PROTO)
			look_at(at + NLA_HDRLEN, len - NLA_HDRLEN,
				type == CTA_TUPLE_IP ? ip_odd : proto_odd, o);
		else if (shape->type && shape->bytes == NEST && shape->nested)
			look_at(at + NLA_HDRLEN, len - NLA_HDRLEN, shape->nested, o);
		else if (shape->type && shape->bytes == TEXT)
			o->malformed =
				o->malformed || !memchr(at + NLA_HDRLEN, '\0', len - NLA_HDRLEN);
		else if (shape->type && shape->bytes != NEST && shape->bytes != BLOB)
			o->malformed = o->malformed || len != NLA_HDRLEN + (size_t)shape->bytes;
		at += step;
		left -= step < left ? step : left;
	}
	o->malformed = o->malformed || left > 0;
}

struct oddities message_oddities(struct message *m, enum message_kind kind)
{
	size_t skip = NLMSG_LENGTH(sizeof(struct nfgenmsg)), len = message_header(m)->nlmsg_len;
	struct oddities o = {.malformed = len < skip};

	if (!o.malformed)
		look_at(m->bytes + skip, len - skip, kind == MESSAGE_CT ? ct_shapes : exp_shapes,
			&o);
	return o;
}

void message_copies(const struct differ *d, const struct message *m, struct nlmsghdr *copy[SIDES])
{
	uint32_t len = ((const struct nlmsghdr *)m->bytes)->nlmsg_len;

	for (uint32_t i = 0; d->verbose && i < len; i++)
		printf("%s%02x%s", i % 32 ? "" : "    ", m->bytes[i],
			i % 32 == 31 || i + 1 == len ? "\n"
			: i % 4 == 3		     ? " "
						     : "");
	BOTH (s) {
		/* Theirs looks for the end of texts behind the message. */
		copy[s] = calloc(1, s == OURS && !d->same_library ? len : len + TEXT_BYTES);
		memcpy(copy[s], m->bytes, len);
	}
}
