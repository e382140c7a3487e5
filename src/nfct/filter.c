/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "nfct/export.h"
#include "nfct/filter.h"

/**
 * Makes an event filter that lets every event pass.
 *
 * @return the filter, for nfct_filter_destroy(); NULL with errno
 * @errors ENOMEM: no memory
 * @source linux/filter.h: classic BPF with the extensions SKF_AD_NLATTR and SKF_AD_NLATTR_NEST
 */
NFCT_EXPORT struct nfct_filter *nfct_filter_create(void)
{
	return calloc(1, sizeof(struct nfct_filter));
}

/**
 * Frees an event filter. Sockets that it was attached to keep their program.
 *
 * @param filter from nfct_filter_create(); NULL is allowed
 * @errors none
 * @source linux/filter.h
 */
NFCT_EXPORT void nfct_filter_destroy(struct nfct_filter *filter)
{
	free(filter);
}

/* The adding functions return 0 or the errno that says why nothing was added. */

static int add_word(struct filter_words *words, uint32_t value, uint32_t mask)
{
	unsigned at = 0;

	value &= mask;
	while (at < words->count && words->list[at].mask <= mask) {
		if (words->list[at].mask == mask && words->list[at].value == value)
			return 0;
		at++;
	}
	if (words->count == ARRAY_SIZE(words->list))
		return ENOSPC;
	memmove(&words->list[at + 1], &words->list[at],
		(words->count - at) * sizeof(words->list[0]));
	words->list[at] = (struct filter_word){mask, value};
	words->count++;
	return 0;
}

static int add_ipv4(struct filter_words *addrs, const void *value)
{
	struct nfct_filter_ipv4 v;

	memcpy(&v, value, sizeof(v));
	return add_word(addrs, v.addr, v.mask);
}

static int add_ipv6(struct filter_ipv6s *addrs, const void *value)
{
	struct nfct_filter_ipv6 v;
	struct filter_ipv6 addr;

	memcpy(&v, value, sizeof(v));
	for (size_t i = 0; i < ARRAY_SIZE(addr.words); i++)
		addr.words[i] = (struct filter_word){v.mask[i], v.addr[i] & v.mask[i]};
	for (unsigned i = 0; i < addrs->count; i++)
		if (memcmp(&addrs->list[i], &addr, sizeof(addr)) == 0)
			return 0;
	if (addrs->count == ARRAY_SIZE(addrs->list))
		return ENOSPC;
	addrs->list[addrs->count++] = addr;
	return 0;
}

static int add_mark(struct filter_words *marks, const void *value)
{
	struct nfct_filter_dump_mark v;

	memcpy(&v, value, sizeof(v));
	return add_word(marks, v.val, v.mask);
}

static int add_protocol(struct nfct_filter *f, uint32_t protocol)
{
	if (protocol >= FILTER_PROTOCOLS)
		return EINVAL;
	f->protocols[protocol / 32] |= UINT32_C(1) << protocol % 32;
	return 0;
}

static int add_state(struct nfct_filter *f, const void *value)
{
	struct nfct_filter_proto v;
	enum filter_stateful which;

	memcpy(&v, value, sizeof(v));
	if (v.state >= FILTER_STATES)
		return EINVAL;
	if (v.proto == IPPROTO_TCP)
		which = FILTER_TCP;
	else if (v.proto == IPPROTO_DCCP)
		which = FILTER_DCCP;
	else if (v.proto == IPPROTO_SCTP)
		which = FILTER_SCTP;
	else
		return EINVAL;
	f->states[which] |= UINT32_C(1) << v.state;
	return 0;
}

static int add_value(struct nfct_filter *f, enum nfct_filter_attr attr, const void *value)
{
	uint32_t v32;
	uint16_t v16;

	switch (attr) {
	case NFCT_FILTER_L4PROTO:
		memcpy(&v32, value, sizeof(v32));
		return add_protocol(f, v32);
	case NFCT_FILTER_L4PROTO_STATE:
		return add_state(f, value);
	case NFCT_FILTER_SRC_IPV4:
		return add_ipv4(&f->ipv4[FILTER_SRC], value);
	case NFCT_FILTER_DST_IPV4:
		return add_ipv4(&f->ipv4[FILTER_DST], value);
	case NFCT_FILTER_SRC_IPV6:
		return add_ipv6(&f->ipv6[FILTER_SRC], value);
	case NFCT_FILTER_DST_IPV6:
		return add_ipv6(&f->ipv6[FILTER_DST], value);
	case NFCT_FILTER_MARK:
		return add_mark(&f->marks, value);
	case NFCT_FILTER_ZONE:
		memcpy(&v16, value, sizeof(v16));
		return add_word(&f->zones, v16, UINT32_MAX);
	case NFCT_FILTER_MAX:
		break;
	}
	return EINVAL;
}

/**
 * Adds an element to an attribute's list.
 *
 * What value points to depends on the attribute; all numbers, addresses and masks are in host
 * order, and nothing needs an alignment:
 *  - NFCT_FILTER_L4PROTO: uint32_t, a protocol number below 256
 *  - NFCT_FILTER_L4PROTO_STATE: struct nfct_filter_proto, of IPPROTO_TCP, _SCTP or _DCCP and a
 *    state below 16. Each protocol's states are a list by themselves
 *  - NFCT_FILTER_SRC_IPV4, _DST_IPV4: struct nfct_filter_ipv4; up to 127 elements each
 *  - NFCT_FILTER_SRC_IPV6, _DST_IPV6: struct nfct_filter_ipv6; up to 20 elements each
 *  - NFCT_FILTER_MARK: struct nfct_filter_dump_mark; up to 127 elements
 *  - NFCT_FILTER_ZONE: uint16_t; up to 127 elements
 *
 * An event passes if every attribute with a list lets it pass. Addresses and protocol are those of
 * the original direction. An event that does not have the attribute passes (so IPv4 addresses say
 * nothing about IPv6 events); its mark or zone is 0, however. Where one element matches, all bits
 * under its mask being the same, the attribute's list does. Adding an element twice adds it once.
 *
 * @param filter the filter; sockets that it is attached to already are not affected
 * @param attr which attribute
 * @param value the element; it is copied
 * @errors EINVAL: filter or value is NULL, there is no such attribute, protocol or state; ENOSPC:
 *   the list is full. Nothing is added then
 * @source CTA_TUPLE_ORIG, CTA_PROTOINFO, CTA_MARK, CTA_ZONE of
 *   linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT void nfct_filter_add_attr(
	struct nfct_filter *filter, const enum nfct_filter_attr attr, const void *value)
{
	int err = filter && value ? add_value(filter, attr, value) : EINVAL;

	if (err)
		errno = err;
}

/**
 * Adds an element that is a number to an attribute's list.
 *
 * @param filter the filter; sockets that it is attached to already are not affected
 * @param attr which attribute: NFCT_FILTER_L4PROTO or NFCT_FILTER_ZONE
 * @param value the element in host order, as for nfct_filter_add_attr()
 * @errors EINVAL: filter is NULL, the attribute is no number, there is no such protocol or zone;
 *   ENOSPC: the list is full. Nothing is added then
 * @source CTA_PROTO_NUM, CTA_ZONE of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT void nfct_filter_add_attr_u32(
	struct nfct_filter *filter, const enum nfct_filter_attr attr, const uint32_t value)
{
	int err = EINVAL;

	if (filter && attr == NFCT_FILTER_L4PROTO)
		err = add_protocol(filter, value);
	else if (filter && attr == NFCT_FILTER_ZONE && value <= UINT16_MAX)
		err = add_word(&filter->zones, value, UINT32_MAX);
	if (err)
		errno = err;
}

/**
 * Says whether an attribute's list names the events to deliver (positive, as it is at first) or
 * those to hold back (negative).
 *
 * @param filter the filter
 * @param attr which attribute
 * @param logic NFCT_FILTER_LOGIC_POSITIVE or _NEGATIVE
 * @return 0; -1 with errno, and nothing is changed
 * @errors EINVAL: filter is NULL, or there is no such logic; ENOTSUP: there is no such attribute;
 *   EBUSY: the attribute is negative already, which stays so
 * @source CTA_* of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfct_filter_set_logic(struct nfct_filter *filter, const enum nfct_filter_attr attr,
	const enum nfct_filter_logic logic)
{
	int err = 0;

	if (!filter)
		err = EINVAL;
	else if ((unsigned)attr >= NFCT_FILTER_MAX)
		err = ENOTSUP;
	else if (filter->is_negative[attr])
		err = EBUSY;
	else if ((unsigned)logic >= NFCT_FILTER_LOGIC_MAX)
		err = EINVAL;
	if (err) {
		errno = err;
		return -1;
	}
	filter->is_negative[attr] = logic == NFCT_FILTER_LOGIC_NEGATIVE;
	return 0;
}

/**
 * Puts a filter on a socket: the kernel keeps events from its queue that do not pass. It replaces
 * the filter that the socket had; what is queued already stays.
 *
 * Messages that are not about connections (expectations, answers to requests) pass.
 *
 * @param fd a netlink socket, as of nfct_fd()
 * @param filter the filter; it may be destroyed or changed afterwards, without effect on the socket
 * @return 0; -1 with errno
 * @errors EINVAL: filter is NULL; EBADF, ENOTSOCK: of fd; ENOMEM: no memory, or the program is
 *   larger than the kernel allows a socket (net.core.optmem_max)
 * @source socket(7), SO_ATTACH_FILTER; linux/filter.h
 */
NFCT_EXPORT int nfct_filter_attach(int fd, struct nfct_filter *filter)
{
	struct sock_fprog prog;
	int len, ret, err;

	if (!filter) {
		errno = EINVAL;
		return -1;
	}
	prog.filter = calloc(BPF_MAXINSNS, sizeof(*prog.filter));
	if (!prog.filter)
		return -1;
	len = filter_bpf_build(prog.filter, BPF_MAXINSNS, filter);
	CHECK(len > 0);
	prog.len = (unsigned short)len;
	ret = setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
	err = errno;
	free(prog.filter);
	errno = err;
	return ret;
}

/**
 * Takes the filter off a socket, so that all events are delivered again.
 *
 * @param fd the socket
 * @return 0; -1 with errno
 * @errors ENOENT: it has none; EBADF, ENOTSOCK: of fd
 * @source socket(7), SO_DETACH_FILTER
 */
NFCT_EXPORT int nfct_filter_detach(int fd)
{
	int unused = 0;

	return setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused));
}
