/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "nlmsg/exp.h"
#include "nlmsg/parse.h"

/* Values are taken first and marked as present after, since the numbers are not a flow's. */
struct exp_parse {
	struct expect *out;
	struct parse p; /* set is the head's that is read */
};

static void take_be32(
	struct exp_parse *e, const struct attr *a, enum expect_attr id, uint32_t *value)
{
	uint32_t v;

	if (take(&e->p, a, &v, sizeof(v))) {
		*value = ntohl(v);
		expect_mark_set(e->out, id);
	}
}

static void take_be16(
	struct exp_parse *e, const struct attr *a, enum expect_attr id, uint16_t *value)
{
	uint16_t v;

	if (take(&e->p, a, &v, sizeof(v))) {
		*value = ntohs(v);
		expect_mark_set(e->out, id);
	}
}

static void parse_text(
	struct exp_parse *e, const struct attr *a, enum expect_attr id, char *text, size_t max)
{
	if (take_text(&e->p, a, text, max))
		expect_mark_set(e->out, id);
}

static void parse_head(
	struct exp_parse *e, const struct attr *nest, enum expect_attr id, struct flow_head *head)
{
	e->p.set = head->set;
	parse_tuple(&e->p, nest, FLOW_ORIG, &head->tuple);
	expect_mark_set(e->out, id);
}

static void parse_nat(struct exp_parse *e, const struct attr *nest)
{
	struct attr_walk w = attr_walk_nest(nest);
	struct attr tuple = {NULL, 0, 0}; /* the last one */
	struct attr a;

	while (attr_next(&w, &a)) {
		switch (a.type) {
		case CTA_EXPECT_NAT_DIR:
			take_be32(e, &a, EXPECT_NAT_DIR, &e->out->nat_dir);
			break;
		case CTA_EXPECT_NAT_TUPLE:
			tuple = a;
			break;
		default:
			break;
		}
	}
	parse_finish(&e->p, &w);
	if (tuple.data)
		parse_head(e, &tuple, EXPECT_NAT_TUPLE, &e->out->nat);
}

static void parse_attr(struct exp_parse *e, const struct attr *a)
{
	struct expect *out = e->out;

	switch (a->type) {
	case CTA_EXPECT_MASTER:
		parse_head(e, a, EXPECT_MASTER, &out->master);
		break;
	case CTA_EXPECT_TUPLE:
		parse_head(e, a, EXPECT_EXPECTED, &out->expected);
		break;
	case CTA_EXPECT_MASK:
		parse_head(e, a, EXPECT_MASK, &out->mask);
		break;
	case CTA_EXPECT_TIMEOUT:
		take_be32(e, a, EXPECT_TIMEOUT, &out->timeout);
		break;
	case CTA_EXPECT_HELP_NAME:
		parse_text(e, a, EXPECT_HELPER_NAME, out->helper_name, sizeof(out->helper_name));
		break;
	case CTA_EXPECT_ZONE:
		take_be16(e, a, EXPECT_ZONE, &out->zone);
		break;
	case CTA_EXPECT_FLAGS:
		take_be32(e, a, EXPECT_FLAGS, &out->flags);
		break;
	case CTA_EXPECT_CLASS:
		take_be32(e, a, EXPECT_CLASS, &out->class);
		break;
	case CTA_EXPECT_NAT:
		parse_nat(e, a);
		break;
	case CTA_EXPECT_FN:
		parse_text(e, a, EXPECT_FN, out->fn, sizeof(out->fn));
		break;
	default:
		break; /* the id, or newer than we are */
	}
}

enum nlmsg_result nlmsg_exp_parse_attrs(
	const void *attrs, size_t len, uint8_t l3, struct expect *out)
{
	struct exp_parse e = {.out = out, .p = {.l3 = l3, .is_lenient = true}};
	struct attr_table table;
	const struct attr *a;

	attr_table_read(&e.p, &table, attrs, len);
	while ((a = attr_table_next(&table)))
		parse_attr(&e, a);
	return e.p.bad ? NLMSG_BAD_ATTR : NLMSG_OK;
}

enum nlmsg_result nlmsg_exp_parse(const struct nlmsghdr *msg, size_t len, struct expect *out)
{
	const uint8_t *bytes = (const uint8_t *)msg;
	struct nlmsghdr head;
	struct nfgenmsg family;
	size_t heads_len = sizeof(head) + sizeof(family);

	memset(out, 0, sizeof(*out));
	if (len < sizeof(head))
		return NLMSG_TRUNCATED;
	memcpy(&head, bytes, sizeof(head));
	if (NFNL_SUBSYS_ID(head.nlmsg_type) != NFNL_SUBSYS_CTNETLINK_EXP ||
		NFNL_MSG_TYPE(head.nlmsg_type) > IPCTNL_MSG_EXP_DELETE)
		return NLMSG_NOT_CT;
	if (head.nlmsg_len > len || head.nlmsg_len < heads_len)
		return NLMSG_TRUNCATED;
	memcpy(&family, bytes + sizeof(head), sizeof(family));
	return nlmsg_exp_parse_attrs(
		bytes + heads_len, head.nlmsg_len - heads_len, family.nfgen_family, out);
}

enum nlmsg_event nlmsg_exp_event(const struct nlmsghdr *msg)
{
	if (NFNL_SUBSYS_ID(msg->nlmsg_type) != NFNL_SUBSYS_CTNETLINK_EXP)
		return NLMSG_EVENT_NONE;
	switch (NFNL_MSG_TYPE(msg->nlmsg_type)) {
	case IPCTNL_MSG_EXP_NEW:
		return msg->nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL) ? NLMSG_EVENT_NEW
								      : NLMSG_EVENT_UPDATE;
	case IPCTNL_MSG_EXP_DELETE:
		return NLMSG_EVENT_DESTROY;
	default:
		return NLMSG_EVENT_NONE;
	}
}
