/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "flow/status.h"
#include "nfct_value.h"
#include "unit.h"

/* Bit n: attribute n is present; those from 64 on are not asked for here. */
static uint64_t present(const struct nf_conntrack *ct)
{
	uint64_t bits = 0;

	for (unsigned a = 0; a < 64; a++)
		bits |= (uint64_t)(nfct_attr_is_set(ct, a) == 1) << a;
	return bits;
}

static unsigned count(const struct nf_conntrack *ct)
{
	unsigned n = 0;

	for (unsigned a = 0; a < ATTR_MAX; a++)
		n += nfct_attr_is_set(ct, a) == 1;
	return n;
}

static void check_absent(const struct nf_conntrack *ct, enum nf_conntrack_attr a)
{
	CU_ASSERT_EQUAL(nfct_attr_is_set(ct, a), 0);
	CU_ASSERT_EQUAL(nfct_attr_is_set_array(ct, &a, 1), 0);
	errno = 0;
	CU_ASSERT_PTR_NULL(nfct_get_attr(ct, a));
	CU_ASSERT_EQUAL(errno, ENODATA);
	errno = 0;
	CU_ASSERT_EQUAL(nfct_get_attr_u64(ct, a), 0);
	CU_ASSERT_EQUAL(errno, ENODATA);
}

/* What is given by nfct_set_attr_l() comes back byte by byte. */
static void check_value(struct nf_conntrack *ct, enum nf_conntrack_attr a)
{
	const struct nfct_fact *fact = &nfct_facts[a];
	struct nfct_bitmask *labels = nfct_bitmask_new(40);
	static const uint8_t bytes[] = "fifteen letters";
	static const uint8_t zeros[sizeof(bytes)];

	if (fact->kind == FACT_LABELS) {
		nfct_set_attr(ct, a, labels);
		CU_ASSERT_PTR_EQUAL(nfct_get_attr(ct, a), labels);
		labels = NULL;
	} else {
		nfct_set_attr_l(ct, a, bytes, sizeof(bytes));
	}
	switch ((enum nfct_fact_kind)fact->kind) {
	case FACT_INTEGER:
	case FACT_ADDRESS:
	case FACT_NAME:
		CU_ASSERT_EQUAL(memcmp(nfct_get_attr(ct, a), bytes,
					fact->size < sizeof(bytes) ? fact->size : sizeof(bytes)),
			0);
		break;
	case FACT_READ_ONLY:
		CU_ASSERT_EQUAL(memcmp(nfct_get_attr(ct, a), zeros, fact->size), 0);
		break;
	case FACT_BYTES:
		CU_ASSERT_EQUAL(memcmp(nfct_get_attr(ct, a), bytes, sizeof(bytes)), 0);
		break;
	case FACT_TEXT:
		CU_ASSERT_PTR_NULL(nfct_get_attr(ct, a));
		break;
	case FACT_KERNEL:
	case FACT_LABELS:
		break;
	}
	if (labels)
		nfct_bitmask_destroy(labels);
}

static void every_attribute_is_set_got_and_unset_alone(void)
{
	for (unsigned a = 0; a < ATTR_MAX; a++) {
		struct nf_conntrack *ct = nfct_new();
		enum nf_conntrack_attr attr = a;
		int set = nfct_facts[a].kind != FACT_KERNEL;

		check_absent(ct, a);
		check_value(ct, a);
		CU_ASSERT_EQUAL(nfct_attr_is_set(ct, a), set);
		CU_ASSERT_EQUAL(nfct_attr_is_set_array(ct, &attr, 1), set);
		CU_ASSERT_EQUAL(count(ct), (unsigned)set);
		CU_ASSERT_EQUAL(nfct_attr_unset(ct, a), 0);
		CU_ASSERT_EQUAL(count(ct), 0);
		check_absent(ct, a);
		nfct_value_give(ct, a, 3); /* from within, too */
		CU_ASSERT_EQUAL(nfct_attr_is_set(ct, a), 1);
		CU_ASSERT_EQUAL(count(ct), 1);
		if (nfct_fact_is_integer(&nfct_facts[a]))
			CU_ASSERT_EQUAL(nfct_get_attr_u64(ct, a), nfct_value_number(a, 3));
		nfct_destroy(ct);
	}
}

static void set_integer(
	struct nf_conntrack *ct, enum nf_conntrack_attr a, unsigned width, uint64_t value)
{
	if (width == 1)
		nfct_set_attr_u8(ct, a, (uint8_t)value);
	else if (width == 2)
		nfct_set_attr_u16(ct, a, (uint16_t)value);
	else if (width == 4)
		nfct_set_attr_u32(ct, a, (uint32_t)value);
	else
		nfct_set_attr_u64(ct, a, value);
}

static uint64_t cut(uint64_t value, unsigned bytes)
{
	return bytes < 8 ? value & ((UINT64_C(1) << bytes * 8) - 1) : value;
}

static void integers_are_converted_to_the_attributes_size(void)
{
	static const unsigned widths[] = {1, 2, 4, 8};

	for (unsigned a = 0; a < ATTR_MAX; a++) {
		for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
			struct nf_conntrack *ct = nfct_new();
			uint64_t value = UINT64_C(0xf1e2d3c4b5a69788);
			uint64_t expected = cut(cut(value, widths[i]), nfct_facts[a].size);

			if (nfct_facts[a].kind == FACT_INTEGER) {
				nfct_value_give(ct, a, 255);
				set_integer(ct, a, widths[i], value);
				CU_ASSERT_EQUAL(nfct_get_attr_u8(ct, a), cut(expected, 1));
				CU_ASSERT_EQUAL(nfct_get_attr_u16(ct, a), cut(expected, 2));
				CU_ASSERT_EQUAL(nfct_get_attr_u32(ct, a), cut(expected, 4));
				CU_ASSERT_EQUAL(nfct_get_attr_u64(ct, a), expected);
			}
			nfct_destroy(ct);
		}
	}
}

static void read_only_attributes_are_marked_but_keep_their_value(void)
{
	for (unsigned a = 0; a < ATTR_MAX; a++) {
		struct nf_conntrack *ct = nfct_new();

		if (nfct_facts[a].kind == FACT_READ_ONLY) {
			nfct_set_attr_u64(ct, a, 5);
			CU_ASSERT_EQUAL(nfct_attr_is_set(ct, a), 1);
			CU_ASSERT_EQUAL(nfct_get_attr_u64(ct, a), 0);
			nfct_value_give(ct, a, 7);
			nfct_set_attr_u64(ct, a, 5);
			CU_ASSERT_EQUAL(nfct_get_attr_u64(ct, a), nfct_value_number(a, 7));
		} else if (nfct_facts[a].kind == FACT_KERNEL) {
			nfct_set_attr_u64(ct, a, 5);
			CU_ASSERT_EQUAL(nfct_attr_is_set(ct, a), 0);
			nfct_value_give(ct, a, 7);
			nfct_set_attr_u64(ct, a, 5);
			CU_ASSERT_EQUAL(nfct_get_attr_u64(ct, a), nfct_value_number(a, 7));
		}
		nfct_destroy(ct);
	}
}

static void arrays_are_looked_at_up_to_the_first_that_is_not(void)
{
	enum nf_conntrack_attr attrs[] = {ATTR_MARK, ATTR_ZONE, ATTR_ID, 200};
	struct nf_conntrack *ct = nfct_new();

	nfct_set_attr_u32(ct, ATTR_MARK, 1);
	nfct_set_attr_u16(ct, ATTR_ZONE, 1);
	CU_ASSERT_EQUAL(nfct_attr_is_set_array(ct, attrs, 0), 1);
	CU_ASSERT_EQUAL(nfct_attr_is_set_array(ct, NULL, 0), 1);
	CU_ASSERT_EQUAL(nfct_attr_is_set_array(ct, attrs, 2), 1);
	CU_ASSERT_EQUAL(nfct_attr_is_set_array(ct, attrs, 4), 0); /* before the unknown */
	nfct_set_attr_u32(ct, ATTR_ID, 1);
	errno = 0;
	CU_ASSERT_EQUAL(nfct_attr_is_set_array(ct, attrs, 4), -1);
	CU_ASSERT_EQUAL(errno, EINVAL);
	nfct_destroy(ct);
}

static void icmp_types_of_the_reply_follow(void)
{
	static const struct {
		uint8_t l3, type, answer;
	} cases[] = {
		{AF_INET, 8, 0},
		{AF_INET, 0, 8},
		{AF_INET, 13, 14},
		{AF_INET, 14, 13},
		{AF_INET, 15, 16},
		{AF_INET, 16, 15},
		{AF_INET, 17, 18},
		{AF_INET, 18, 17},
		{AF_INET, 3, 255},
		{AF_INET, 128, 255},
		{AF_INET6, 128, 129},
		{AF_INET6, 129, 128},
		{AF_INET6, 139, 140},
		{AF_INET6, 140, 139},
		{AF_INET6, 8, 255},
		{0, 8, 255},
		{99, 128, 255},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct nf_conntrack *ct = nfct_new();
		const struct flow_tuple *repl = &ct->flow.tuple[FLOW_REPL];

		if (cases[i].l3 != 0)
			nfct_set_attr_u8(ct, ATTR_L3PROTO, cases[i].l3);
		nfct_set_attr_u8(ct, ATTR_ICMP_TYPE, cases[i].type);
		CU_ASSERT_EQUAL(repl->icmp_type, cases[i].answer);
		nfct_set_attr_u8(ct, ATTR_ICMP_CODE, 77);
		nfct_set_attr_u16(ct, ATTR_ICMP_ID, htons(4711));
		CU_ASSERT_EQUAL(repl->icmp_code, 77);
		CU_ASSERT_EQUAL(repl->icmp_id_be, htons(4711));
		CU_ASSERT_EQUAL(nfct_get_attr_u8(ct, ATTR_ICMP_TYPE), cases[i].type);
		CU_ASSERT_EQUAL(count(ct), cases[i].l3 ? 4 : 3); /* nothing of the reply's */
		nfct_destroy(ct);
	}
}

static void some_attributes_share_their_place(void)
{
	struct nf_conntrack *ct = nfct_new();
	uint8_t v6[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
	const uint8_t *address;

	nfct_set_attr(ct, ATTR_IPV6_SRC, v6);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, htonl(0x0a000001));
	address = nfct_get_attr(ct, ATTR_IPV6_SRC);
	CU_ASSERT_EQUAL(memcmp(address, "\x0a\0\0\1\5\6", 6), 0);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(0x1234));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(0x0807));
	nfct_set_attr_u8(ct, ATTR_ICMP_CODE, 9);
	CU_ASSERT_EQUAL(nfct_get_attr_u16(ct, ATTR_PORT_DST), htons(0x0809));
	CU_ASSERT_EQUAL(ct->flow.tuple[FLOW_ORIG].icmp_id_be, htons(0x1234));
	CU_ASSERT_EQUAL(ct->flow.tuple[FLOW_ORIG].icmp_type, 8);
	nfct_destroy(ct);
}

/* Programs set the flags of TCP on whatever they commit; SCTP bears that but for a byte. */
static void flags_of_tcp_spare_the_tags_of_sctp(void)
{
	static const enum nf_conntrack_attr flags[] = {
		ATTR_TCP_FLAGS_ORIG, ATTR_TCP_FLAGS_REPL, ATTR_TCP_MASK_ORIG, ATTR_TCP_MASK_REPL};
	struct nf_conntrack *ct = nfct_new();
	uint32_t orig;

	nfct_set_attr_u8(ct, ATTR_SCTP_STATE, 4);
	nfct_set_attr_u32(ct, ATTR_SCTP_VTAG_ORIG, 0x11223344);
	nfct_set_attr_u32(ct, ATTR_SCTP_VTAG_REPL, 0x55667788);
	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		nfct_set_attr_u8(ct, flags[i], 0xaa);
	orig = nfct_get_attr_u32(ct, ATTR_SCTP_VTAG_ORIG) ^ 0x11223344;
	CU_ASSERT_TRUE((orig & ~UINT32_C(0xff)) == 0 || (orig & ~UINT32_C(0xff000000)) == 0);
	CU_ASSERT_EQUAL(nfct_get_attr_u8(ct, ATTR_SCTP_STATE), 4);
	CU_ASSERT_EQUAL(nfct_get_attr_u32(ct, ATTR_SCTP_VTAG_REPL), 0x55667788);
	nfct_destroy(ct);
}

static unsigned protocol_of(enum nf_conntrack_attr a)
{
	if (a == ATTR_TCP_STATE || (a >= ATTR_TCP_FLAGS_ORIG && a <= ATTR_TCP_MASK_REPL) ||
		a == ATTR_TCP_WSCALE_ORIG || a == ATTR_TCP_WSCALE_REPL)
		return IPPROTO_TCP;
	if (a >= ATTR_SCTP_STATE && a <= ATTR_SCTP_VTAG_REPL)
		return IPPROTO_SCTP;
	return a >= ATTR_DCCP_STATE && a <= ATTR_DCCP_HANDSHAKE_SEQ ? IPPROTO_DCCP : 0;
}

/* Setting a may change the value of b. */
static bool may_change(enum nf_conntrack_attr a, enum nf_conntrack_attr b)
{
	static const uint8_t shared[][2] = {
		{ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC},
		{ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST},
		{ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV6_SRC},
		{ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_DST},
		{ATTR_MASTER_IPV4_SRC, ATTR_MASTER_IPV6_SRC},
		{ATTR_MASTER_IPV4_DST, ATTR_MASTER_IPV6_DST},
		{ATTR_SNAT_IPV4, ATTR_SNAT_IPV6},
		{ATTR_DNAT_IPV4, ATTR_DNAT_IPV6},
		{ATTR_ICMP_ID, ATTR_ORIG_PORT_SRC},
		{ATTR_ICMP_ID, ATTR_REPL_PORT_SRC},
		{ATTR_ICMP_TYPE, ATTR_ORIG_PORT_DST},
		{ATTR_ICMP_TYPE, ATTR_REPL_PORT_DST},
		{ATTR_ICMP_CODE, ATTR_ORIG_PORT_DST},
		{ATTR_ICMP_CODE, ATTR_REPL_PORT_DST},
	};

	for (size_t i = 0; i < ARRAY_SIZE(shared); i++)
		if ((shared[i][0] == a && shared[i][1] == b) ||
			(shared[i][0] == b && shared[i][1] == a))
			return true;
	return protocol_of(a) && protocol_of(b) && protocol_of(a) != protocol_of(b);
}

static void all_others_have_places_of_their_own(void)
{
	for (unsigned a = 0; a < ATTR_MAX; a++) {
		for (unsigned b = 0; b < ATTR_MAX; b++) {
			struct nf_conntrack *ct = nfct_new(), *alone = nfct_new();

			nfct_value_give(alone, a, 1);
			nfct_value_give(ct, a, 1);
			nfct_value_give(ct, b, 2);
			if (a != b && !may_change(a, b)) {
				if (!nfct_value_same(ct, alone, a))
					printf("attribute %u changes with %u\n", a, b);
				CU_ASSERT_TRUE(nfct_value_same(ct, alone, a));
			}
			nfct_destroy(ct);
			nfct_destroy(alone);
		}
	}
}

static void helper_names_are_cut_to_fit(void)
{
	struct nf_conntrack *ct = nfct_new();

	nfct_set_attr(ct, ATTR_HELPER_NAME, "exactly15chars!");
	CU_ASSERT_STRING_EQUAL(nfct_get_attr(ct, ATTR_HELPER_NAME), "exactly15chars!");
	nfct_set_attr(ct, ATTR_HELPER_NAME, "this name has more than fifteen");
	CU_ASSERT_STRING_EQUAL(nfct_get_attr(ct, ATTR_HELPER_NAME), "this name has m");
	nfct_set_attr(ct, ATTR_HELPER_NAME, "ftp");
	CU_ASSERT_EQUAL(memcmp(nfct_get_attr(ct, ATTR_HELPER_NAME), "ftp\0\0\0\0\0\0\0\0\0\0\0\0",
				NFCT_HELPER_NAME_MAX),
		0);
	nfct_set_attr(ct, ATTR_HELPER_NAME, "");
	CU_ASSERT_STRING_EQUAL(nfct_get_attr(ct, ATTR_HELPER_NAME), "");
	nfct_destroy(ct);
}

static void helper_information_has_its_length(void)
{
	struct nf_conntrack *ct = nfct_new();

	nfct_set_attr_l(ct, ATTR_HELPER_INFO, "\1\0\2", 3);
	CU_ASSERT_EQUAL(ct->flow.helper_info.len, 3);
	CU_ASSERT_EQUAL(memcmp(nfct_get_attr(ct, ATTR_HELPER_INFO), "\1\0\2", 3), 0);
	nfct_set_attr_l(ct, ATTR_HELPER_INFO, "longer than before", 18);
	CU_ASSERT_EQUAL(ct->flow.helper_info.len, 18);
	nfct_set_attr(ct, ATTR_HELPER_INFO, "no length, nothing taken");
	CU_ASSERT_EQUAL(ct->flow.helper_info.len, 0);
	CU_ASSERT_PTR_NOT_NULL(nfct_get_attr(ct, ATTR_HELPER_INFO));
	CU_ASSERT_EQUAL(nfct_attr_is_set(ct, ATTR_HELPER_INFO), 1);
	nfct_destroy(ct);
}

/* A leak or a use after free is the sanitizer's to find. */
static void labels_are_the_objects(void)
{
	struct nf_conntrack *ct = nfct_new();
	struct nfct_bitmask *first = nfct_bitmask_new(31), *second = nfct_bitmask_new(127);

	nfct_set_attr(ct, ATTR_CONNLABELS, first);
	nfct_set_attr(ct, ATTR_CONNLABELS, first);
	CU_ASSERT_EQUAL(nfct_bitmask_maxbit(nfct_get_attr(ct, ATTR_CONNLABELS)), 31);
	nfct_set_attr(ct, ATTR_CONNLABELS, second);
	CU_ASSERT_PTR_EQUAL(nfct_get_attr(ct, ATTR_CONNLABELS), second);
	nfct_bitmask_set_bit(second, 5);
	nfct_attr_unset(ct, ATTR_CONNLABELS);
	nfct_set_attr(ct, ATTR_CONNLABELS, nfct_bitmask_new(1));
	nfct_destroy(ct);
}

#define A(n) (UINT64_C(1) << ATTR_##n)

static const struct {
	uint64_t members;
	uint8_t size; /* [bytes] of the structure */
	bool any, read_only;
	enum nf_conntrack_attr proto; /* set to l3, or only marked */
	uint8_t l3;
} groups[ATTR_GRP_MAX] = {
	{A(ORIG_IPV4_SRC) | A(ORIG_IPV4_DST) | A(ORIG_L3PROTO), 8, false, false, ATTR_ORIG_L3PROTO,
		AF_INET},
	{A(REPL_IPV4_SRC) | A(REPL_IPV4_DST) | A(REPL_L3PROTO), 8, false, false, ATTR_REPL_L3PROTO,
		AF_INET},
	{A(ORIG_IPV6_SRC) | A(ORIG_IPV6_DST) | A(ORIG_L3PROTO), 32, false, false, ATTR_ORIG_L3PROTO,
		AF_INET6},
	{A(REPL_IPV6_SRC) | A(REPL_IPV6_DST) | A(REPL_L3PROTO), 32, false, false, ATTR_REPL_L3PROTO,
		AF_INET6},
	{A(ORIG_PORT_SRC) | A(ORIG_PORT_DST) | A(ORIG_L4PROTO), 4, false, false, ATTR_ORIG_L4PROTO,
		0},
	{A(REPL_PORT_SRC) | A(REPL_PORT_DST) | A(REPL_L4PROTO), 4, false, false, ATTR_REPL_L4PROTO,
		0},
	{A(ICMP_TYPE) | A(ICMP_CODE) | A(ICMP_ID), 4, false, false, 0, 0},
	{A(MASTER_IPV4_SRC) | A(MASTER_IPV4_DST) | A(MASTER_L3PROTO), 8, false, false,
		ATTR_MASTER_L3PROTO, AF_INET},
	{A(MASTER_IPV6_SRC) | A(MASTER_IPV6_DST) | A(MASTER_L3PROTO), 32, false, false,
		ATTR_MASTER_L3PROTO, AF_INET6},
	{A(MASTER_PORT_SRC) | A(MASTER_PORT_DST) | A(MASTER_L4PROTO), 4, false, false,
		ATTR_MASTER_L4PROTO, 0},
	{A(ORIG_COUNTER_PACKETS) | A(ORIG_COUNTER_BYTES), 16, false, true, 0, 0},
	{A(REPL_COUNTER_PACKETS) | A(REPL_COUNTER_BYTES), 16, false, true, 0, 0},
	{A(ORIG_IPV4_SRC) | A(ORIG_IPV6_SRC), 16, true, true, 0, 0},
	{A(ORIG_IPV4_DST) | A(ORIG_IPV6_DST), 16, true, true, 0, 0},
	{A(REPL_IPV4_SRC) | A(REPL_IPV6_SRC), 16, true, true, 0, 0},
	{A(REPL_IPV4_DST) | A(REPL_IPV6_DST), 16, true, true, 0, 0},
};

static void every_group_is_set_got_and_unset(void)
{
	for (unsigned g = 0; g < ATTR_GRP_MAX; g++) {
		struct nf_conntrack *ct = nfct_new();
		uint8_t value[40], data[40], zeros[40] = {0};
		size_t size = groups[g].size;

		memset(data, 0xee, sizeof(data));
		for (size_t i = 0; i < sizeof(value); i++)
			value[i] = (uint8_t)(i + 1);
		CU_ASSERT_EQUAL(nfct_attr_grp_is_set(ct, g), 0);
		errno = 0;
		CU_ASSERT_EQUAL(nfct_get_attr_grp(ct, g, data), -1);
		CU_ASSERT_EQUAL(errno, ENODATA);
		nfct_set_attr_grp(ct, g, value);
		CU_ASSERT_EQUAL(present(ct), groups[g].members);
		CU_ASSERT_EQUAL(nfct_attr_grp_is_set(ct, g), 1);
		CU_ASSERT_EQUAL(nfct_get_attr_grp(ct, g, data), 0);
		CU_ASSERT_EQUAL(memcmp(data, groups[g].read_only ? zeros : value, size), 0);
		CU_ASSERT_EQUAL(data[size], 0xee);
		if (groups[g].proto)
			CU_ASSERT_EQUAL(nfct_get_attr_u8(ct, groups[g].proto), groups[g].l3);
		CU_ASSERT_EQUAL(nfct_attr_grp_unset(ct, g), 0);
		CU_ASSERT_EQUAL(present(ct), 0);
		nfct_destroy(ct);
	}
}

static void groups_need_all_their_members_or_any(void)
{
	for (unsigned g = 0; g < ATTR_GRP_MAX; g++) {
		for (unsigned a = 0; a < 64; a++) {
			struct nf_conntrack *ct = nfct_new();
			uint8_t data[40] = {0};

			if (groups[g].members >> a & 1) {
				nfct_set_attr_grp(ct, g, data);
				nfct_attr_unset(ct, a);
				CU_ASSERT_EQUAL(nfct_attr_grp_is_set(ct, g), groups[g].any);
				CU_ASSERT_EQUAL(
					nfct_get_attr_grp(ct, g, data), groups[g].any ? 0 : -1);
			}
			nfct_destroy(ct);
		}
	}
}

static void groups_have_their_members_in_their_order(void)
{
	struct nf_conntrack *ct = nfct_new();
	struct nfct_attr_grp_icmp icmp = {.id = htons(7), .code = 3, .type = 8};
	struct nfct_attr_grp_port port = {.sport = htons(1), .dport = htons(2)};
	struct nfct_attr_grp_ctrs counters;
	union nfct_attr_grp_addr address;

	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_grp(ct, ATTR_GRP_ICMP, &icmp);
	CU_ASSERT_EQUAL(nfct_get_attr_u16(ct, ATTR_ICMP_ID), htons(7));
	CU_ASSERT_EQUAL(nfct_get_attr_u8(ct, ATTR_ICMP_CODE), 3);
	CU_ASSERT_EQUAL(nfct_get_attr_u8(ct, ATTR_ICMP_TYPE), 8);
	CU_ASSERT_EQUAL(ct->flow.tuple[FLOW_REPL].icmp_type, 0);
	CU_ASSERT_EQUAL(ct->flow.tuple[FLOW_REPL].icmp_code, 3);
	CU_ASSERT_EQUAL(ct->flow.tuple[FLOW_REPL].icmp_id_be, htons(7));
	nfct_set_attr_u8(ct, ATTR_REPL_L4PROTO, IPPROTO_UDP);
	nfct_set_attr_grp(ct, ATTR_GRP_REPL_PORT, &port);
	CU_ASSERT_EQUAL(nfct_get_attr_u16(ct, ATTR_REPL_PORT_SRC), htons(1));
	CU_ASSERT_EQUAL(nfct_get_attr_u8(ct, ATTR_REPL_L4PROTO), IPPROTO_UDP);
	nfct_value_give(ct, ATTR_ORIG_COUNTER_PACKETS, 1);
	nfct_value_give(ct, ATTR_ORIG_COUNTER_BYTES, 2);
	CU_ASSERT_EQUAL(nfct_get_attr_grp(ct, ATTR_GRP_ORIG_COUNTERS, &counters), 0);
	CU_ASSERT_EQUAL(counters.packets, nfct_value_number(ATTR_ORIG_COUNTER_PACKETS, 1));
	CU_ASSERT_EQUAL(counters.bytes, nfct_value_number(ATTR_ORIG_COUNTER_BYTES, 2));
	nfct_set_attr_u32(ct, ATTR_IPV4_DST, htonl(0x0a010203));
	CU_ASSERT_EQUAL(nfct_get_attr_grp(ct, ATTR_GRP_ORIG_ADDR_DST, &address), 0);
	CU_ASSERT_EQUAL(address.ip, htonl(0x0a010203));
	CU_ASSERT_EQUAL(address.ip6[3], 0);
	nfct_destroy(ct);
}

/* Every cell has a value of its own. */
static struct nf_conntrack *distinct(uint8_t l3, uint8_t l4)
{
	struct nf_conntrack *ct = nfct_new();

	for (unsigned a = ATTR_ORIG_IPV6_SRC; a <= ATTR_REPL_PORT_DST; a++)
		nfct_value_give(ct, a, 0x20 + a * 0x11);
	nfct_set_attr_u8(ct, ATTR_L3PROTO, l3);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, l4);
	nfct_set_attr_u8(ct, ATTR_REPL_L3PROTO, l3);
	nfct_set_attr_u8(ct, ATTR_REPL_L4PROTO, l4);
	return ct;
}

static void setup_makes_a_tuple_the_answer_to_the_other(void)
{
	static const uint8_t l4s[] = {6, 17, 33, 47, 132, 136, 1, 58, 50, 0};

	for (size_t i = 0; i < 2 * ARRAY_SIZE(l4s); i++) {
		uint8_t l4 = l4s[i / 2];
		struct nf_conntrack *ct = distinct(AF_INET6, l4), *was = nfct_clone(ct);
		enum flow_dir to = i % 2, from = 1 - to;
		struct flow_tuple *t = &ct->flow.tuple[to], *other = &was->flow.tuple[from];

		CU_ASSERT_EQUAL(nfct_setobjopt(ct, to == FLOW_ORIG ? NFCT_SOPT_SETUP_ORIGINAL
								   : NFCT_SOPT_SETUP_REPLY),
			0);
		CU_ASSERT_EQUAL(present(ct), 0x7ffff);
		CU_ASSERT_EQUAL(memcmp(&t->src, &other->dst, 16), 0);
		CU_ASSERT_EQUAL(memcmp(&t->dst, &other->src, 16), 0);
		CU_ASSERT_EQUAL(t->l3, AF_INET6);
		CU_ASSERT_EQUAL(t->l4, l4);
		if (i / 2 < 6) {
			CU_ASSERT_EQUAL(t->sport_be, other->dport_be);
			CU_ASSERT_EQUAL(t->dport_be, other->sport_be);
		} else { /* the cells are no ports, or there are none */
			CU_ASSERT_EQUAL(t->sport_be, was->flow.tuple[to].sport_be);
			CU_ASSERT_EQUAL(t->dport_be, was->flow.tuple[to].dport_be);
		}
		CU_ASSERT_EQUAL(memcmp(&ct->flow.tuple[from], other, sizeof(*other)), 0);
		nfct_destroy(ct);
		nfct_destroy(was);
	}
}

static void undo_takes_the_mapping_out_of_the_reply(void)
{
	static const struct {
		unsigned option;
		enum nf_conntrack_attr v4, v6, repl_v4, repl_v6, orig_v4, orig_v6;
	} cases[] = {
		{NFCT_SOPT_UNDO_SNAT, ATTR_SNAT_IPV4, ATTR_SNAT_IPV6, ATTR_REPL_IPV4_DST,
			ATTR_REPL_IPV6_DST, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC},
		{NFCT_SOPT_UNDO_DNAT, ATTR_DNAT_IPV4, ATTR_DNAT_IPV6, ATTR_REPL_IPV4_SRC,
			ATTR_REPL_IPV6_SRC, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST},
		{NFCT_SOPT_UNDO_SPAT, ATTR_SNAT_PORT, ATTR_SNAT_PORT, ATTR_REPL_PORT_DST,
			ATTR_REPL_PORT_DST, ATTR_ORIG_PORT_SRC, ATTR_ORIG_PORT_SRC},
		{NFCT_SOPT_UNDO_DPAT, ATTR_DNAT_PORT, ATTR_DNAT_PORT, ATTR_REPL_PORT_SRC,
			ATTR_REPL_PORT_SRC, ATTR_ORIG_PORT_DST, ATTR_ORIG_PORT_DST},
	};

	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		bool v4 = i % 2;
		struct nf_conntrack *ct = distinct(v4 ? AF_INET : AF_INET6, 6);
		enum nf_conntrack_attr wanted = v4 ? cases[i / 2].v4 : cases[i / 2].v6;
		enum nf_conntrack_attr repl = v4 ? cases[i / 2].repl_v4 : cases[i / 2].repl_v6;
		enum nf_conntrack_attr orig = v4 ? cases[i / 2].orig_v4 : cases[i / 2].orig_v6;
		size_t size = nfct_facts[wanted].size;
		struct nf_conntrack *was = nfct_clone(ct);
		unsigned had = count(ct);

		CU_ASSERT_EQUAL(nfct_setobjopt(ct, cases[i / 2].option), 0);
		CU_ASSERT_EQUAL(count(ct), had + 1);
		nfct_set_attr_grp(was, ATTR_GRP_REPL_ADDR_SRC, "marks the IPv4 address, too");
		nfct_set_attr_grp(was, ATTR_GRP_REPL_ADDR_DST, "marks the IPv4 address, too");
		nfct_set_attr_grp(was, ATTR_GRP_ORIG_ADDR_SRC, "marks the IPv4 address, too");
		nfct_set_attr_grp(was, ATTR_GRP_ORIG_ADDR_DST, "marks the IPv4 address, too");
		nfct_copy_attr(was, ct, wanted);
		CU_ASSERT_EQUAL(
			memcmp(nfct_get_attr(ct, wanted), nfct_get_attr(was, repl), size), 0);
		nfct_set_attr_grp(ct, ATTR_GRP_REPL_ADDR_SRC, "likewise");
		nfct_set_attr_grp(ct, ATTR_GRP_REPL_ADDR_DST, "likewise");
		CU_ASSERT_EQUAL(memcmp(nfct_get_attr(ct, repl), nfct_get_attr(was, orig), size), 0);
		nfct_destroy(ct);
		nfct_destroy(was);
	}
}

static void undo_needs_a_family_for_addresses(void)
{
	struct nf_conntrack *ct = nfct_new();

	CU_ASSERT_EQUAL(nfct_setobjopt(ct, NFCT_SOPT_UNDO_SNAT), 0);
	CU_ASSERT_EQUAL(nfct_setobjopt(ct, NFCT_SOPT_UNDO_DNAT), 0);
	CU_ASSERT_EQUAL(count(ct), 0);
	nfct_destroy(ct);
}

/* The answers to all four questions, as decimal digits in their order. */
static unsigned mapped(const struct nf_conntrack *ct)
{
	unsigned answers = 0;

	for (unsigned option = 0; option <= NFCT_GOPT_MAX; option++)
		answers = answers * 10 + (unsigned)nfct_getobjopt(ct, option);
	return answers;
}

static void options_tell_what_is_mapped(void)
{
	struct nf_conntrack *ct = nfct_new();

	CU_ASSERT_EQUAL(mapped(ct), 0);
	nfct_destroy(ct);
	ct = distinct(AF_INET, IPPROTO_TCP);
	CU_ASSERT_EQUAL(mapped(ct), 1111);
	nfct_set_attr_u32(ct, ATTR_STATUS, FLOW_STATUS_SRC_NAT_DONE);
	CU_ASSERT_EQUAL(mapped(ct), 1010);
	nfct_set_attr_u32(ct, ATTR_STATUS, FLOW_STATUS_DST_NAT_DONE);
	CU_ASSERT_EQUAL(mapped(ct), 101);
	nfct_set_attr_u32(ct, ATTR_STATUS, 0);
	CU_ASSERT_EQUAL(mapped(ct), 0);
	nfct_attr_unset(ct, ATTR_STATUS);
	nfct_set_attr_u8(ct, ATTR_L3PROTO, 0);
	CU_ASSERT_EQUAL(mapped(ct), 11);
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	CU_ASSERT_EQUAL(mapped(ct), 0);
	nfct_destroy(ct);
}

static void icmp_has_no_mapped_ports(void)
{
	static const uint8_t l4s[] = {IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_GRE, IPPROTO_UDP};

	for (size_t i = 0; i < ARRAY_SIZE(l4s); i++) {
		struct nf_conntrack *ct = distinct(AF_INET6, l4s[i]);

		CU_ASSERT_EQUAL(mapped(ct), i < 2 ? 1100 : 1111);
		nfct_destroy(ct);
	}
}

static const struct unit_test tests[] = {
	{"every_attribute_is_set_got_and_unset_alone", every_attribute_is_set_got_and_unset_alone},
	{"integers_are_converted_to_the_attributes_size",
		integers_are_converted_to_the_attributes_size},
	{"read_only_attributes_are_marked_but_keep_their_value",
		read_only_attributes_are_marked_but_keep_their_value},
	{"arrays_are_looked_at_up_to_the_first_that_is_not",
		arrays_are_looked_at_up_to_the_first_that_is_not},
	{"icmp_types_of_the_reply_follow", icmp_types_of_the_reply_follow},
	{"some_attributes_share_their_place", some_attributes_share_their_place},
	{"flags_of_tcp_spare_the_tags_of_sctp", flags_of_tcp_spare_the_tags_of_sctp},
	{"all_others_have_places_of_their_own", all_others_have_places_of_their_own},
	{"helper_names_are_cut_to_fit", helper_names_are_cut_to_fit},
	{"helper_information_has_its_length", helper_information_has_its_length},
	{"labels_are_the_objects", labels_are_the_objects},
	{"every_group_is_set_got_and_unset", every_group_is_set_got_and_unset},
	{"groups_need_all_their_members_or_any", groups_need_all_their_members_or_any},
	{"groups_have_their_members_in_their_order", groups_have_their_members_in_their_order},
	{"setup_makes_a_tuple_the_answer_to_the_other",
		setup_makes_a_tuple_the_answer_to_the_other},
	{"undo_takes_the_mapping_out_of_the_reply", undo_takes_the_mapping_out_of_the_reply},
	{"undo_needs_a_family_for_addresses", undo_needs_a_family_for_addresses},
	{"options_tell_what_is_mapped", options_tell_what_is_mapped},
	{"icmp_has_no_mapped_ports", icmp_has_no_mapped_ports},
};

UNIT_MAIN("nfct_attr", tests)
