/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections: what is set, read, copied and compared. */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/interop/differ/pair.h"

enum {
	PAIRS = 4,
	STEPS_MAX = 80,
	IDS_MAX = 80,
	GROUP_BYTES = 32,
	INFO_BYTES_MAX = 24,
	CMP_TIMEOUT = NFCT_CMP_TIMEOUT_LE | NFCT_CMP_TIMEOUT_GT,
	BITS_TOO_MANY = 33023
};

static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP,
	IPPROTO_ICMPV6, IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_UDPLITE, IPPROTO_GRE, 50, 0};

#define NUMBER(n, l4)                                                                              \
	{                                                                                          \
		KIND_NUMBER, n, l4                                                                 \
	}
const struct attr_info attr_infos[ATTRS] = {
	[ATTR_ORIG_IPV4_SRC] = NUMBER(4, 0),
	[ATTR_ORIG_IPV4_DST] = NUMBER(4, 0),
	[ATTR_REPL_IPV4_SRC] = NUMBER(4, 0),
	[ATTR_REPL_IPV4_DST] = NUMBER(4, 0),
	[ATTR_ORIG_IPV6_SRC] = {KIND_ADDR},
	[ATTR_ORIG_IPV6_DST] = {KIND_ADDR},
	[ATTR_REPL_IPV6_SRC] = {KIND_ADDR},
	[ATTR_REPL_IPV6_DST] = {KIND_ADDR},
	[ATTR_ORIG_PORT_SRC] = NUMBER(2, 0),
	[ATTR_ORIG_PORT_DST] = NUMBER(2, 0),
	[ATTR_REPL_PORT_SRC] = NUMBER(2, 0),
	[ATTR_REPL_PORT_DST] = NUMBER(2, 0),
	[ATTR_ICMP_TYPE] = NUMBER(1, 0),
	[ATTR_ICMP_CODE] = NUMBER(1, 0),
	[ATTR_ICMP_ID] = NUMBER(2, 0),
	[ATTR_ORIG_L3PROTO] = NUMBER(1, 0),
	[ATTR_REPL_L3PROTO] = NUMBER(1, 0),
	[ATTR_ORIG_L4PROTO] = NUMBER(1, 0),
	[ATTR_REPL_L4PROTO] = NUMBER(1, 0),
	[ATTR_TCP_STATE] = NUMBER(1, IPPROTO_TCP),
	[ATTR_SNAT_IPV4] = NUMBER(4, 0),
	[ATTR_DNAT_IPV4] = NUMBER(4, 0),
	[ATTR_SNAT_PORT] = NUMBER(2, 0),
	[ATTR_DNAT_PORT] = NUMBER(2, 0),
	[ATTR_TIMEOUT] = NUMBER(4, 0),
	[ATTR_MARK] = NUMBER(4, 0),
	[ATTR_ORIG_COUNTER_PACKETS] = NUMBER(8, 0),
	[ATTR_REPL_COUNTER_PACKETS] = NUMBER(8, 0),
	[ATTR_ORIG_COUNTER_BYTES] = NUMBER(8, 0),
	[ATTR_REPL_COUNTER_BYTES] = NUMBER(8, 0),
	[ATTR_USE] = NUMBER(4, 0),
	[ATTR_ID] = NUMBER(4, 0),
	[ATTR_STATUS] = NUMBER(4, 0),
	[ATTR_TCP_FLAGS_ORIG] = NUMBER(1, IPPROTO_TCP),
	[ATTR_TCP_FLAGS_REPL] = NUMBER(1, IPPROTO_TCP),
	[ATTR_TCP_MASK_ORIG] = NUMBER(1, IPPROTO_TCP),
	[ATTR_TCP_MASK_REPL] = NUMBER(1, IPPROTO_TCP),
	[ATTR_MASTER_IPV4_SRC] = NUMBER(4, 0),
	[ATTR_MASTER_IPV4_DST] = NUMBER(4, 0),
	[ATTR_MASTER_IPV6_SRC] = {KIND_ADDR},
	[ATTR_MASTER_IPV6_DST] = {KIND_ADDR},
	[ATTR_MASTER_PORT_SRC] = NUMBER(2, 0),
	[ATTR_MASTER_PORT_DST] = NUMBER(2, 0),
	[ATTR_MASTER_L3PROTO] = NUMBER(1, 0),
	[ATTR_MASTER_L4PROTO] = NUMBER(1, 0),
	[ATTR_SECMARK] = NUMBER(4, 0),
	[ATTR_ORIG_NAT_SEQ_CORRECTION_POS] = NUMBER(4, 0),
	[ATTR_ORIG_NAT_SEQ_OFFSET_BEFORE] = NUMBER(4, 0),
	[ATTR_ORIG_NAT_SEQ_OFFSET_AFTER] = NUMBER(4, 0),
	[ATTR_REPL_NAT_SEQ_CORRECTION_POS] = NUMBER(4, 0),
	[ATTR_REPL_NAT_SEQ_OFFSET_BEFORE] = NUMBER(4, 0),
	[ATTR_REPL_NAT_SEQ_OFFSET_AFTER] = NUMBER(4, 0),
	[ATTR_SCTP_STATE] = NUMBER(1, IPPROTO_SCTP),
	[ATTR_SCTP_VTAG_ORIG] = NUMBER(4, IPPROTO_SCTP),
	[ATTR_SCTP_VTAG_REPL] = NUMBER(4, IPPROTO_SCTP),
	[ATTR_HELPER_NAME] = {KIND_NAME},
	[ATTR_DCCP_STATE] = NUMBER(1, IPPROTO_DCCP),
	[ATTR_DCCP_ROLE] = NUMBER(1, IPPROTO_DCCP),
	[ATTR_DCCP_HANDSHAKE_SEQ] = NUMBER(8, IPPROTO_DCCP),
	[ATTR_TCP_WSCALE_ORIG] = NUMBER(1, IPPROTO_TCP),
	[ATTR_TCP_WSCALE_REPL] = NUMBER(1, IPPROTO_TCP),
	[ATTR_ZONE] = NUMBER(2, 0),
	[ATTR_SECCTX] = {KIND_TEXT},
	[ATTR_TIMESTAMP_START] = NUMBER(8, 0),
	[ATTR_TIMESTAMP_STOP] = NUMBER(8, 0),
	[ATTR_HELPER_INFO] = {KIND_BLOB},
	[ATTR_CONNLABELS] = {KIND_BITMASK},
	[ATTR_CONNLABELS_MASK] = {KIND_BITMASK},
	[ATTR_ORIG_ZONE] = NUMBER(2, 0),
	[ATTR_REPL_ZONE] = NUMBER(2, 0),
	[ATTR_SNAT_IPV6] = {KIND_ADDR},
	[ATTR_DNAT_IPV6] = {KIND_ADDR},
	[ATTR_SYNPROXY_ISN] = NUMBER(4, 0),
	[ATTR_SYNPROXY_ITS] = NUMBER(4, 0),
	[ATTR_SYNPROXY_TSOFF] = NUMBER(4, 0),
};

/* The episode's objects. Not all of them exist at all times. */
struct episode {
	struct differ *d;
	struct ct_pair pairs[PAIRS];
	uint8_t l4;
};

void ct_new(struct differ *d, struct ct_pair *p)
{
	bool in_callers_memory = one_in(d, 4);

	*p = (struct ct_pair){.in_callers_memory = in_callers_memory};
	BOTH (s) {
		struct api *api = &api_of[s];

		/* A zeroed buffer is as good as what nfct_new() gives. */
		p->of[s] = in_callers_memory ? calloc(1, api->nfct_maxsize()) : api->nfct_new();
	}
}

void ct_destroy(struct ct_pair *p)
{
	BOTH (s) {
		if (p->of[s])
			api_of[s].nfct_destroy(p->of[s]);
		p->of[s] = NULL;
	}
}

static void same_bitmask(struct differ *d, const char *what, const struct nfct_bitmask *const of[])
{
	long maxbit[SIDES], bit[SIDES];

	BOTH (s)
		maxbit[s] = of[s] ? (long)api_of[s].nfct_bitmask_maxbit(of[s]) : -1;
	if (!same_int(d, what, maxbit))
		return;
	for (long i = 0; i <= maxbit[OURS]; i++) {
		BOTH (s)
			bit[s] = api_of[s].nfct_bitmask_test_bit(of[s], (unsigned)i);
		if (!same_int(d, what, bit))
			return;
	}
}

static void observe_attr(struct differ *d, const struct ct_pair *p, enum nf_conntrack_attr id)
{
	const struct attr_info *info = &attr_infos[id];
	const void *value[SIDES];
	long is_set[SIDES], there[SIDES];
	char what[32];

	snprintf(what, sizeof(what), "attribute %d", id);
	BOTH (s)
		is_set[s] = api_of[s].nfct_attr_is_set(p->of[s], id);
	if (!same_int(d, what, is_set))
		return;
	BOTH (s) {
		value[s] = api_of[s].nfct_get_attr(p->of[s], id);
		there[s] = value[s] ? 0 : -1;
	}
	if (!same_failure(d, what, there) || !value[OURS])
		return;
	switch (info->kind) {
	case KIND_NUMBER:
		same_bytes(d, what, value, (const size_t[]){info->bytes, info->bytes});
		break;
	case KIND_ADDR:
		same_bytes(d, what, value, (const size_t[]){16, 16});
		break;
	case KIND_NAME:
	case KIND_TEXT:
		same_text(d, what, (const char *const[]){value[OURS], value[THEIRS]});
		break;
	case KIND_BITMASK:
		same_bitmask(
			d, what, (const struct nfct_bitmask *const[]){value[OURS], value[THEIRS]});
		break;
	case KIND_BLOB: /* of a length that no getter tells: ct_build() shows it */
		break;
	}
}

static void observe_widths(struct differ *d, const struct ct_pair *p)
{
	enum nf_conntrack_attr id = below(d, ATTRS);
	unsigned bytes = attr_infos[id].bytes;
	uint64_t value[SIDES][4] = {0};

	if (attr_infos[id].kind != KIND_NUMBER)
		return;
	/* Wider than the attribute, the other library reads what stands behind it. */
	BOTH (s) {
		struct api *api = &api_of[s];

		value[s][0] = api->nfct_get_attr_u8(p->of[s], id);
		if (bytes >= 2)
			value[s][1] = api->nfct_get_attr_u16(p->of[s], id);
		if (bytes >= 4)
			value[s][2] = api->nfct_get_attr_u32(p->of[s], id);
		if (bytes >= 8)
			value[s][3] = api->nfct_get_attr_u64(p->of[s], id);
	}
	same_bytes(d, "nfct_get_attr_u8/16/32/64",
		(const void *const[]){value[OURS], value[THEIRS]},
		(const size_t[]){sizeof(value[OURS]), sizeof(value[THEIRS])});
}

static void observe_groups(struct differ *d, const struct ct_pair *p)
{
	for (unsigned grp = 0; grp <= ATTR_GRP_MAX; grp++) {
		_Alignas(8) uint8_t data[SIDES][GROUP_BYTES];
		long is_set[SIDES], got[SIDES];

		BOTH (s)
			is_set[s] = api_of[s].nfct_attr_grp_is_set(p->of[s], grp);
		same_failure(d, "nfct_attr_grp_is_set", is_set);
		memset(data, 0xa5, sizeof(data));
		BOTH (s)
			got[s] = api_of[s].nfct_get_attr_grp(p->of[s], grp, data[s]);
		same_failure(d, "nfct_get_attr_grp", got);
		same_bytes(d, "a group's data", (const void *const[]){data[OURS], data[THEIRS]},
			(const size_t[]){GROUP_BYTES, GROUP_BYTES});
	}
}

static bool has_ports(const struct ct_pair *p)
{
	static const uint8_t with_ports[] = {
		IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_UDPLITE, IPPROTO_GRE};
	const struct api *api = &api_of[THEIRS];
	uint8_t l4 = api->nfct_get_attr_u8(p->of[THEIRS], ATTR_L4PROTO); /* 0 if not present */

	return l4 && memchr(with_ports, l4, sizeof(with_ports));
}

void ct_observe(struct differ *d, const struct ct_pair *p)
{
	long value[SIDES];

	for (unsigned id = 0; id < ATTRS && !d->differed; id++)
		observe_attr(d, p, id);
	if (!d->differed && one_in(d, 4))
		observe_groups(d, p);
	observe_widths(d, p);
	for (unsigned opt = 0; opt <= NFCT_GOPT_MAX + 1 && !d->differed; opt++) {
		BOTH (s)
			value[s] = api_of[s].nfct_getobjopt(p->of[s], opt);
		if (value[OURS] == 0 && value[THEIRS] == 1 && opt >= NFCT_GOPT_IS_SPAT &&
			opt <= NFCT_GOPT_MAX && !has_ports(p))
			differ_except(d, EX_PORTLESS_NAT);
		else
			same_failure(d, "nfct_getobjopt", value);
	}
}

static void set_bitmask(struct differ *d, struct ct_pair *p, enum nf_conntrack_attr id)
{
	static const unsigned maxbits[] = {127, 127, 127, 31, 0, 200};
	unsigned maxbit = maxbits[below(d, 6)], count = below(d, 5), bits[4];

	if (one_in(d, 50))
		maxbit = BITS_TOO_MANY;
	for (unsigned i = 0; i < count; i++)
		bits[i] = below(d, maxbit + 1);
	BOTH (s) {
		struct nfct_bitmask *b = api_of[s].nfct_bitmask_new(maxbit);

		for (unsigned i = 0; i < count; i++)
			api_of[s].nfct_bitmask_set_bit(b, bits[i]);
		api_of[s].nfct_set_attr(p->of[s], id, b);
	}
}

static void set_name(struct differ *d, struct ct_pair *p, enum nf_conntrack_attr id)
{
	static const char *const names[] = {"ftp", "", "sip-20000", "exactly15chars_", "a<b&c>d",
		"sixteen chars...", "a name that is much longer than any helper's"};
	const char *name = names[below(d, 7)];

	BOTH (s)
		api_of[s].nfct_set_attr(p->of[s], id, name);
}

static void set_info(struct differ *d, struct ct_pair *p)
{
	size_t len = p->their_info + 1 + below(d, INFO_BYTES_MAX);
	uint8_t info[1024];

	if (len > sizeof(info))
		return;
	random_bytes(d, info, len);
	BOTH (s)
		api_of[s].nfct_set_attr_l(p->of[s], ATTR_HELPER_INFO, info, len);
	p->info_lost = true;
}

/* What fits the attribute, so that the objects look like connections. */
static uint64_t number_for(struct differ *d, enum nf_conntrack_attr id, uint8_t l4)
{
	switch ((unsigned)id) {
	case ATTR_ORIG_L3PROTO:
	case ATTR_REPL_L3PROTO:
	case ATTR_MASTER_L3PROTO:
		return one_in(d, 16) ? below(d, 256) : one_in(d, 2) ? AF_INET : AF_INET6;
	case ATTR_ORIG_L4PROTO:
	case ATTR_REPL_L4PROTO:
	case ATTR_MASTER_L4PROTO:
		return one_in(d, 8) ? protocols[below(d, sizeof(protocols))] : l4;
	case ATTR_TCP_STATE:
	case ATTR_SCTP_STATE:
	case ATTR_DCCP_STATE:
		return below(d, 14);
	case ATTR_ICMP_TYPE:
		return one_in(d, 2) ? below(d, 20) : 125 + below(d, 20);
	default:
		return random_number(d);
	}
}

static void set_number(struct differ *d, struct ct_pair *p, enum nf_conntrack_attr id, uint8_t l4)
{
	uint64_t value = number_for(d, id, l4);
	unsigned bytes = attr_infos[id].bytes, how = below(d, 3);
	long got[SIDES];

	if (how == 2 && bytes > 1 && bytes <= 4) {
		/* One byte's worth, whatever stands beside it. */
		BOTH (s) {
			api_of[s].nfct_set_attr_u8(p->of[s], id, (uint8_t)value);
			got[s] = (long)(bytes == 2 ? api_of[s].nfct_get_attr_u16(p->of[s], id)
						   : api_of[s].nfct_get_attr_u32(p->of[s], id));
		}
		same_int(d, "nfct_set_attr_u8 of a wider attribute", got);
		how = 0;
	}
	BOTH (s) {
		struct api *api = &api_of[s];

		if (how == 0)
			api->nfct_set_attr(p->of[s], id, &value);
		else if (bytes == 1)
			api->nfct_set_attr_u8(p->of[s], id, (uint8_t)value);
		else if (bytes == 2)
			api->nfct_set_attr_u16(p->of[s], id, (uint16_t)value);
		else if (bytes == 4)
			api->nfct_set_attr_u32(p->of[s], id, (uint32_t)value);
		else
			api->nfct_set_attr_u64(p->of[s], id, value);
	}
}

void ct_set_random(struct differ *d, struct ct_pair *p, uint8_t l4)
{
	enum nf_conntrack_attr id = one_in(d, 30)   ? ATTR_HELPER_NAME
				    : one_in(d, 30) ? ATTR_HELPER_INFO
						    : below(d, ATTRS);
	const struct attr_info *info = &attr_infos[id];
	uint8_t addr[16];

	if (info->l4 && info->l4 != l4)
		return;
	differ_step(d, "set attribute %d", id);
	switch (info->kind) {
	case KIND_NUMBER:
		set_number(d, p, id, l4);
		break;
	case KIND_ADDR:
	case KIND_TEXT: /* is not taken, whatever it is */
		random_bytes(d, addr, sizeof(addr));
		BOTH (s)
			api_of[s].nfct_set_attr(p->of[s], id, addr);
		break;
	case KIND_NAME:
		set_name(d, p, id);
		break;
	case KIND_BLOB:
		set_info(d, p);
		break;
	case KIND_BITMASK:
		set_bitmask(d, p, id);
		break;
	}
}

void ct_set_tuple(struct differ *d, struct ct_pair *p, uint8_t l3, uint8_t l4)
{
	uint32_t addr[2][4];
	uint16_t port[2];

	random_bytes(d, addr, sizeof(addr));
	random_bytes(d, port, sizeof(port));
	differ_step(d, "set an original tuple, l3 %u l4 %u", l3, l4);
	BOTH (s) {
		struct api *api = &api_of[s];
		struct nf_conntrack *ct = p->of[s];

		api->nfct_set_attr_u8(ct, ATTR_L3PROTO, l3);
		api->nfct_set_attr_u8(ct, ATTR_L4PROTO, l4);
		api->nfct_set_attr(ct, l3 == AF_INET ? ATTR_IPV4_SRC : ATTR_IPV6_SRC, addr[0]);
		api->nfct_set_attr(ct, l3 == AF_INET ? ATTR_IPV4_DST : ATTR_IPV6_DST, addr[1]);
		if (l4 == IPPROTO_ICMP || l4 == IPPROTO_ICMPV6) {
			api->nfct_set_attr_u8(ct, ATTR_ICMP_TYPE, (uint8_t)port[0]);
			api->nfct_set_attr_u8(ct, ATTR_ICMP_CODE, 0);
			api->nfct_set_attr_u16(ct, ATTR_ICMP_ID, port[1]);
		} else {
			api->nfct_set_attr_u16(ct, ATTR_PORT_SRC, port[0]);
			api->nfct_set_attr_u16(ct, ATTR_PORT_DST, port[1]);
		}
	}
}

static void step_beyond(struct episode *e, struct ct_pair *p)
{
	static const unsigned ids[] = {ATTRS + 1, 100, 255, 4096, UINT32_MAX};
	struct differ *d = e->d;
	enum nf_conntrack_attr id = ids[below(d, 5)];
	uint64_t value[2] = {1, 2};
	long got[SIDES], sum[SIDES];

	differ_step(d, "attribute %u, which there is not", (unsigned)id);
	BOTH (s)
		got[s] = api_of[s].nfct_attr_is_set(p->of[s], id);
	same_failure(d, "nfct_attr_is_set beyond", got);
	BOTH (s)
		got[s] = api_of[s].nfct_attr_unset(p->of[s], id);
	same_failure(d, "nfct_attr_unset beyond", got);
	BOTH (s)
		got[s] = api_of[s].nfct_get_attr(p->of[s], id) ? 0 : -1;
	same_failure(d, "nfct_get_attr beyond", got);
	BOTH (s) {
		struct api *api = &api_of[s];

		api->nfct_set_attr(p->of[s], id, value);
		api->nfct_set_attr_u8(p->of[s], id, 1);
		api->nfct_set_attr_u16(p->of[s], id, 1);
		api->nfct_set_attr_u32(p->of[s], id, 1);
		api->nfct_set_attr_u64(p->of[s], id, 1);
		api->nfct_set_attr_l(p->of[s], id, value, sizeof(value));
		sum[s] = (long)(api->nfct_get_attr_u8(p->of[s], id) +
				api->nfct_get_attr_u16(p->of[s], id) +
				api->nfct_get_attr_u32(p->of[s], id) +
				api->nfct_get_attr_u64(p->of[s], id));
	}
	same_int(d, "getters beyond", sum);
}

static void step_unset(struct episode *e, struct ct_pair *p)
{
	enum nf_conntrack_attr id = one_in(e->d, 4) ? ATTR_HELPER_INFO : below(e->d, ATTRS);
	long got[SIDES];

	differ_step(e->d, "unset attribute %d", id);
	BOTH (s)
		got[s] = api_of[s].nfct_attr_unset(p->of[s], id);
	same_failure(e->d, "nfct_attr_unset", got);
}

static void step_is_set_array(struct episode *e, struct ct_pair *p)
{
	enum nf_conntrack_attr ids[IDS_MAX];
	int count = (int)below(e->d, one_in(e->d, 4) ? IDS_MAX : 4);
	long got[SIDES];

	for (int i = 0; i < count; i++)
		ids[i] = one_in(e->d, 40) ? ATTRS + 1 : below(e->d, ATTRS);
	differ_step(e->d, "is set array of %d", count);
	BOTH (s)
		got[s] = api_of[s].nfct_attr_is_set_array(p->of[s], ids, count);
	same_failure(e->d, "nfct_attr_is_set_array", got);
}

static void step_group(struct episode *e, struct ct_pair *p)
{
	enum nf_conntrack_attr_grp grp = below(e->d, ATTR_GRP_MAX + 1);
	_Alignas(8) uint8_t data[GROUP_BYTES];
	bool unset = one_in(e->d, 4);
	long got[SIDES] = {0};

	random_bytes(e->d, data, sizeof(data));
	differ_step(e->d, "%s group %d", unset ? "unset" : "set", grp);
	BOTH (s) {
		if (unset)
			got[s] = api_of[s].nfct_attr_grp_unset(p->of[s], grp);
		else
			api_of[s].nfct_set_attr_grp(p->of[s], grp, data);
	}
	same_failure(e->d, "nfct_attr_grp_unset", got);
}

static void step_setobjopt(struct episode *e, struct ct_pair *p)
{
	unsigned opt = below(e->d, NFCT_SOPT_MAX + 3);
	long got[SIDES];

	differ_step(e->d, "setobjopt %u", opt);
	BOTH (s)
		got[s] = api_of[s].nfct_setobjopt(p->of[s], opt);
	same_failure(e->d, "nfct_setobjopt", got);
}

static bool has_info(const struct ct_pair *p)
{
	return api_of[THEIRS].nfct_attr_is_set(p->of[THEIRS], ATTR_HELPER_INFO) == 1;
}

static void step_clone(struct episode *e, struct ct_pair *p)
{
	struct ct_pair *to = &e->pairs[below(e->d, PAIRS)];
	struct ct_pair made = *p;

	differ_step(e->d, "clone %d to %d", (int)(p - e->pairs), (int)(to - e->pairs));
	BOTH (s)
		made.of[s] = api_of[s].nfct_clone(p->of[s]);
	ct_destroy(to);
	*to = made;
}

static void step_copy(struct episode *e, struct ct_pair *p)
{
	struct ct_pair *to = &e->pairs[below(e->d, PAIRS)];
	unsigned flags = below(e->d, 16);
	enum nf_conntrack_attr id = below(e->d, ATTRS);
	bool one = one_in(e->d, 3), whole = !one && flags & NFCT_CP_OVERRIDE;

	if (!to->of[OURS] || to == p)
		return;
	/* Theirs would write an info of the old length out of memory of the new one. */
	if (!whole && has_info(p) && to->their_info > 0)
		return;
	/* What was in memory that the library did not allocate may leak, since it may be anything.
	 */
	if (whole && to->in_callers_memory) {
		ct_destroy(to);
		ct_new(e->d, to);
	}
	differ_step(e->d, one ? "copy %d to %d, attribute %d" : "copy %d to %d, flags %d",
		(int)(p - e->pairs), (int)(to - e->pairs), one ? (int)id : (int)flags);
	BOTH (s) {
		if (one)
			api_of[s].nfct_copy_attr(to->of[s], p->of[s], id);
		else
			api_of[s].nfct_copy(to->of[s], p->of[s], flags);
	}
	if (whole) {
		to->their_info = p->their_info;
		to->info_lost = p->info_lost;
	} else if (has_info(p)) {
		to->info_lost = true;
	}
	ct_observe(e->d, to);
}

/* What the flags ask of the two timeouts, in words of the header. */
static bool presence_as_asked(const struct ct_pair *a, const struct ct_pair *b, unsigned flags)
{
	bool in_a = api_of[OURS].nfct_attr_is_set(a->of[OURS], ATTR_TIMEOUT) == 1;
	bool in_b = api_of[OURS].nfct_attr_is_set(b->of[OURS], ATTR_TIMEOUT) == 1;

	return in_a == in_b ||
	       (in_a ? !(flags & (NFCT_CMP_MASK | NFCT_CMP_STRICT)) : !(flags & NFCT_CMP_STRICT));
}

static bool timeouts_as_asked(const struct ct_pair *a, const struct ct_pair *b, unsigned flags)
{
	const struct api *api = &api_of[OURS];
	uint32_t first = api->nfct_get_attr_u32(a->of[OURS], ATTR_TIMEOUT);
	uint32_t second = api->nfct_get_attr_u32(b->of[OURS], ATTR_TIMEOUT);

	return (flags & NFCT_CMP_TIMEOUT_EQ && first == second) ||
	       (flags & NFCT_CMP_TIMEOUT_GT && first > second) ||
	       (flags & NFCT_CMP_TIMEOUT_LT && first < second);
}

static void step_cmp(struct episode *e, struct ct_pair *p)
{
	const struct ct_pair *to = &e->pairs[below(e->d, PAIRS)];
	unsigned flags = below(e->d, 128);
	long got[SIDES];

	if (!to->of[OURS])
		return;
	differ_step(e->d, "compare %d with %d, flags 0x%x", (int)(p - e->pairs),
		(int)(to - e->pairs), flags);
	BOTH (s)
		got[s] = api_of[s].nfct_cmp(p->of[s], to->of[s], flags);
	if (got[THEIRS] == 1 && got[OURS] == 0 &&
		flags & (NFCT_CMP_TIMEOUT_LE | NFCT_CMP_TIMEOUT_GT) &&
		(!timeouts_as_asked(p, to, flags) || !presence_as_asked(p, to, flags) ||
			api_of[THEIRS].nfct_cmp(p->of[THEIRS], to->of[THEIRS],
				flags & ~(unsigned)CMP_TIMEOUT) == 0))
		differ_except(e->d, EX_TIMEOUT_COMPARE);
	else
		same_int(e->d, "nfct_cmp", got);
	BOTH (s)
		got[s] = api_of[s].nfct_compare(p->of[s], to->of[s]);
	same_int(e->d, "nfct_compare", got);
}

static void step_set(struct episode *e, struct ct_pair *p)
{
	for (unsigned n = one_in(e->d, 8) ? 40 : 4; n > 0; n--)
		ct_set_random(e->d, p, e->l4);
}

static void step_tuple(struct episode *e, struct ct_pair *p)
{
	ct_set_tuple(e->d, p, one_in(e->d, 3) ? AF_INET6 : AF_INET, e->l4);
}

/* Labels in place, as conntrack(8) changes them. */
static void step_label(struct episode *e, struct ct_pair *p)
{
	unsigned bit = below(e->d, 140);
	bool set = one_in(e->d, 2);

	differ_step(e->d, "%s label %u in place", set ? "set" : "unset", bit);
	BOTH (s) {
		struct api *api = &api_of[s];
		union {
			const void *got;
			struct nfct_bitmask *mask;
		} labels = {api->nfct_get_attr(p->of[s], ATTR_CONNLABELS)};

		if (labels.got && set)
			api->nfct_bitmask_set_bit(labels.mask, bit);
		else if (labels.got)
			api->nfct_bitmask_unset_bit(labels.mask, bit);
	}
}

static void step_new(struct episode *e, struct ct_pair *p)
{
	differ_step(e->d, "new %d", (int)(p - e->pairs));
	ct_destroy(p);
	ct_new(e->d, p);
}

static void step_build(struct episode *e, struct ct_pair *p)
{
	ct_build(e->d, p);
}

static void step_parse(struct episode *e, struct ct_pair *p)
{
	ct_parse(e->d, p, e->l4);
}

static void step_print(struct episode *e, struct ct_pair *p)
{
	ct_print(e->d, p);
}

static const struct {
	unsigned weight;
	void (*run)(struct episode *, struct ct_pair *);
} steps[] = {
	{20, step_set},
	{6, step_tuple},
	{2, step_beyond},
	{4, step_unset},
	{3, step_is_set_array},
	{6, step_group},
	{8, step_setobjopt},
	{4, step_clone},
	{10, step_copy},
	{14, step_cmp},
	{3, step_label},
	{2, step_new},
	{10, step_build},
	{10, step_parse},
	{10, step_print},
};

void episode_ct(struct differ *d)
{
	struct episode e = {.d = d, .l4 = protocols[below(d, sizeof(protocols))]};
	unsigned count = 1 + below(d, STEPS_MAX), total = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		total += steps[i].weight;
	for (unsigned i = 0; i < count && !d->differed; i++) {
		struct ct_pair *p = &e.pairs[below(d, PAIRS)];
		unsigned pick = below(d, total), k = 0;

		if (!p->of[OURS])
			ct_new(d, p);
		while (pick >= steps[k].weight)
			pick -= steps[k++].weight;
		steps[k].run(&e, p);
		if (!d->differed)
			ct_observe(d, p);
	}
	for (unsigned i = 0; i < PAIRS; i++)
		ct_destroy(&e.pairs[i]);
}
