/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "nfct/export.h"
#include "nfct/handle.h"
#include "nfct/message.h"

static int deliver_ct(struct nfct_handle *h, const struct nlmsghdr *nlh)
{
	uint32_t type = message_type(nlh);
	/* A copy: the callback may register another. */
	struct ct_callback cb = h->ct_callback.call ? h->ct_callback : h->ct_callback2;
	struct nf_conntrack *ct;
	int verdict, err;

	if (!(cb.types & type))
		return NFCT_CB_CONTINUE;
	ct = nfct_new();
	if (!ct)
		return NFCT_CB_FAILURE;
	(void)nfct_nlmsg_parse(nlh, ct); /* what is sound of it */
	verdict = cb.call ? cb.call((enum nf_conntrack_msg_type)type, ct, cb.data)
			  : cb.call2(nlh, (enum nf_conntrack_msg_type)type, ct, cb.data);
	if (verdict == NFCT_CB_STOLEN)
		return NFCT_CB_CONTINUE;
	err = errno;
	nfct_destroy(ct);
	errno = err;
	return verdict;
}

static int deliver_exp(struct nfct_handle *h, const struct nlmsghdr *nlh)
{
	uint32_t type = message_type(nlh);
	struct exp_callback cb = h->exp_callback.call ? h->exp_callback : h->exp_callback2;
	struct nf_expect *exp;
	int verdict, err;

	if (!(cb.types & type))
		return NFCT_CB_CONTINUE;
	exp = nfexp_new();
	if (!exp)
		return NFCT_CB_FAILURE;
	(void)nfexp_nlmsg_parse(nlh, exp);
	verdict = cb.call ? cb.call((enum nf_conntrack_msg_type)type, exp, cb.data)
			  : cb.call2(nlh, (enum nf_conntrack_msg_type)type, exp, cb.data);
	if (verdict == NFCT_CB_STOLEN)
		return NFCT_CB_CONTINUE;
	err = errno;
	nfexp_destroy(exp);
	errno = err;
	return verdict;
}

int handle_deliver(struct nfct_handle *h, const struct nlmsghdr *nlh)
{
	switch (NFNL_SUBSYS_ID(nlh->nlmsg_type)) {
	case NFNL_SUBSYS_CTNETLINK:
		return deliver_ct(h, nlh);
	case NFNL_SUBSYS_CTNETLINK_EXP:
		return deliver_exp(h, nlh);
	}
	return NFCT_CB_CONTINUE;
}

/* What nfnl_catch(), nfnl_process() and nfnl_handle_packet() call. */
static int deliver_for_nfnl(struct nlmsghdr *nlh, struct nfattr *attrs[], void *data)
{
	(void)attrs;
	return handle_deliver((struct nfct_handle *)data, nlh);
}

static int subsys_listen(
	struct nfct_handle *h, struct nfnl_subsys_handle *subsys, uint16_t attr_count)
{
	struct nfnl_callback cb = {deliver_for_nfnl, h, attr_count};

	if (nfnl_callback_register(subsys, IPCTNL_MSG_CT_NEW, &cb) < 0)
		return -1;
	return nfnl_callback_register(subsys, IPCTNL_MSG_CT_DELETE, &cb);
}

static void subsys_deafen(struct nfnl_subsys_handle *subsys)
{
	nfnl_callback_unregister(subsys, IPCTNL_MSG_CT_NEW);
	nfnl_callback_unregister(subsys, IPCTNL_MSG_CT_DELETE);
}

static int ct_register(struct nfct_handle *h, struct ct_callback *place, struct ct_callback cb)
{
	if (!h->ct_subsys || !(cb.call || cb.call2)) {
		errno = EINVAL;
		return -1;
	}
	if (subsys_listen(h, h->ct_subsys, CTA_MAX) < 0)
		return -1;
	*place = cb;
	return 0;
}

static void ct_unregister(struct nfct_handle *h, struct ct_callback *place)
{
	*place = (struct ct_callback){0};
	if (h->ct_subsys && !h->ct_callback.call && !h->ct_callback2.call2)
		subsys_deafen(h->ct_subsys);
}

static int exp_register(struct nfct_handle *h, struct exp_callback *place, struct exp_callback cb)
{
	if (!h->exp_subsys || !(cb.call || cb.call2)) {
		errno = EINVAL;
		return -1;
	}
	if (subsys_listen(h, h->exp_subsys, CTA_EXPECT_MAX) < 0)
		return -1;
	*place = cb;
	return 0;
}

static void exp_unregister(struct nfct_handle *h, struct exp_callback *place)
{
	*place = (struct exp_callback){0};
	if (h->exp_subsys && !h->exp_callback.call && !h->exp_callback2.call2)
		subsys_deafen(h->exp_subsys);
}

/**
 * Says what to call for each connection that the kernel tells of: events and answers.
 *
 * The callback gets an object that is freed when it returns, unless it returns NFCT_CB_STOLEN. Of
 * events, what is wanted is said by their kind; answers to dumps and gets are NFCT_T_UPDATE. A
 * former registration is replaced. Of both kinds of callback, where both are registered, this one
 * is called.
 *
 * @param h handle with the subsystem CONNTRACK
 * @param type NFCT_T_* or-ed; other messages are skipped
 * @param cb returns NFCT_CB_CONTINUE; NFCT_CB_STOP or NFCT_CB_FAILURE to end the query or catch
 * with 0 or -1; NFCT_CB_STOLEN to keep the object, for nfct_destroy(), and continue
 * @param data given to each call
 * @return 0 or -1
 * @errors EINVAL: h or cb is NULL, the handle is without the subsystem
 * @source IPCTNL_MSG_CT_NEW and _DELETE of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfct_callback_register(struct nfct_handle *h, enum nf_conntrack_msg_type type,
	int (*cb)(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *data), void *data)
{
	if (!h) {
		errno = EINVAL;
		return -1;
	}
	return ct_register(h, &h->ct_callback,
		(struct ct_callback){.call = cb, .data = data, .types = (unsigned)type});
}

/**
 * Takes a callback of nfct_callback_register() back; harmless if there is none.
 *
 * One of nfct_callback_register2() is called again from then on.
 *
 * @param h handle
 * @errors EINVAL: h is NULL
 * @source libnfnetlink/libnfnetlink.h
 */
NFCT_EXPORT void nfct_callback_unregister(struct nfct_handle *h)
{
	if (!h) {
		errno = EINVAL;
		return;
	}
	ct_unregister(h, &h->ct_callback);
}

/**
 * As nfct_callback_register(), for a callback that is given the netlink message, too.
 *
 * @param h handle with the subsystem CONNTRACK
 * @param type NFCT_T_* or-ed; other messages are skipped
 * @param cb as there; the message is valid until it returns
 * @param data given to each call
 * @return 0 or -1
 * @errors EINVAL: h or cb is NULL, the handle is without the subsystem
 * @source IPCTNL_MSG_CT_NEW and _DELETE of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfct_callback_register2(struct nfct_handle *h, enum nf_conntrack_msg_type type,
	int (*cb)(const struct nlmsghdr *nlh, enum nf_conntrack_msg_type type,
		struct nf_conntrack *ct, void *data),
	void *data)
{
	if (!h) {
		errno = EINVAL;
		return -1;
	}
	return ct_register(h, &h->ct_callback2,
		(struct ct_callback){.call2 = cb, .data = data, .types = (unsigned)type});
}

/**
 * Takes a callback of nfct_callback_register2() back; harmless if there is none.
 *
 * @param h handle
 * @errors EINVAL: h is NULL
 * @source libnfnetlink/libnfnetlink.h
 */
NFCT_EXPORT void nfct_callback_unregister2(struct nfct_handle *h)
{
	if (!h) {
		errno = EINVAL;
		return;
	}
	ct_unregister(h, &h->ct_callback2);
}

/**
 * Says what to call for each expectation that the kernel tells of: events and answers.
 *
 * As nfct_callback_register(), with objects for nfexp_destroy().
 *
 * @param h handle with the subsystem EXPECT
 * @param type NFCT_T_* or-ed; other messages are skipped
 * @param cb returns NFCT_CB_*
 * @param data given to each call
 * @return 0 or -1
 * @errors EINVAL: h or cb is NULL, the handle is without the subsystem
 * @source IPCTNL_MSG_EXP_NEW and _DELETE of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfexp_callback_register(struct nfct_handle *h, enum nf_conntrack_msg_type type,
	int (*cb)(enum nf_conntrack_msg_type type, struct nf_expect *exp, void *data), void *data)
{
	if (!h) {
		errno = EINVAL;
		return -1;
	}
	return exp_register(h, &h->exp_callback,
		(struct exp_callback){.call = cb, .data = data, .types = (unsigned)type});
}

/**
 * Takes a callback of nfexp_callback_register() back; harmless if there is none.
 *
 * One of nfexp_callback_register2() is called again from then on.
 *
 * @param h handle
 * @errors EINVAL: h is NULL
 * @source libnfnetlink/libnfnetlink.h
 */
NFCT_EXPORT void nfexp_callback_unregister(struct nfct_handle *h)
{
	if (!h) {
		errno = EINVAL;
		return;
	}
	exp_unregister(h, &h->exp_callback);
}

/**
 * As nfexp_callback_register(), for a callback that is given the netlink message, too.
 *
 * @param h handle with the subsystem EXPECT
 * @param type NFCT_T_* or-ed; other messages are skipped
 * @param cb returns NFCT_CB_*; the message is valid until it returns
 * @param data given to each call
 * @return 0 or -1
 * @errors EINVAL: h or cb is NULL, the handle is without the subsystem
 * @source IPCTNL_MSG_EXP_NEW and _DELETE of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfexp_callback_register2(struct nfct_handle *h, enum nf_conntrack_msg_type type,
	int (*cb)(const struct nlmsghdr *nlh, enum nf_conntrack_msg_type type,
		struct nf_expect *exp, void *data),
	void *data)
{
	if (!h) {
		errno = EINVAL;
		return -1;
	}
	return exp_register(h, &h->exp_callback2,
		(struct exp_callback){.call2 = cb, .data = data, .types = (unsigned)type});
}

/**
 * Takes a callback of nfexp_callback_register2() back; harmless if there is none.
 *
 * @param h handle
 * @errors EINVAL: h is NULL
 * @source libnfnetlink/libnfnetlink.h
 */
NFCT_EXPORT void nfexp_callback_unregister2(struct nfct_handle *h)
{
	if (!h) {
		errno = EINVAL;
		return;
	}
	exp_unregister(h, &h->exp_callback2);
}
