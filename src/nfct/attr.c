/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "nfct/attr_table.h"
#include "nfct/export.h"

_Static_assert(ATTR_MAX == (int)FLOW_ATTR_COUNT, "the public numbers are the flow's");

/*
 * The reply's ICMP cells follow; its attributes are not marked. An expectation's tuple has no
 * reply.
 */
static void icmp_to_reply(struct nf_conntrack *ct, enum flow_attr type)
{
	const struct flow_tuple *orig = &ct->flow.tuple[FLOW_ORIG];
	struct flow_tuple *repl = &ct->flow.tuple[FLOW_REPL];

	if (object_tag(ct) == OBJECT_TAG_HEAD)
		return;
	if (type == FLOW_ICMP_TYPE)
		repl->icmp_type = flow_icmp_reply_type(orig->l3, orig->icmp_type);
	else if (type == FLOW_ICMP_CODE)
		repl->icmp_code = orig->icmp_code;
	else
		repl->icmp_id_be = orig->icmp_id_be;
}

static void set_name(char *name, size_t size, const char *value)
{
	size_t len = strnlen(value, size - 1);

	memcpy(name, value, len);
	memset(name + len, 0, size - len);
}

/* The pointer is the object's from now on; the one it had is freed. */
static void set_bitmask(struct nfct_bitmask **place, const void *value)
{
	if (*place == value)
		return;
	if (*place)
		nfct_bitmask_destroy(*place);
	*place = (struct nfct_bitmask *)(uintptr_t)value;
}

void attr_set(struct nf_conntrack *ct, enum flow_attr type, const void *value, size_t len)
{
	const struct attr_place *a = &attr_table[type];

	if (!attr_has_room(ct, a)) {
		errno = EINVAL;
		return;
	}
	switch ((enum attr_kind)a->kind) {
	case ATTR_INTEGER:
	case ATTR_ADDRESS:
		memcpy(attr_at(ct, a), value, a->size);
		break;
	case ATTR_INTEGER_ICMP:
		memcpy(attr_at(ct, a), value, a->size);
		icmp_to_reply(ct, type);
		break;
	case ATTR_INTEGER_READ_ONLY:
	case ATTR_TEXT_READ_ONLY:
		break;
	case ATTR_INTEGER_FROM_KERNEL:
		return;
	case ATTR_NAME:
		set_name(attr_at(ct, a), a->size, value);
		break;
	case ATTR_BYTES:
		if (!object_set_helper_info(ct, value, len))
			return;
		break;
	case ATTR_BITMASK:
		set_bitmask(attr_at(ct, a), value);
		break;
	}
	flow_mark_set(&ct->flow, type);
}

/**
 * Sets an attribute to a value of a given length.
 *
 * Only ATTR_HELPER_INFO needs the length; all others know theirs. Setting marks this very attribute
 * as present and no other one: an address does not set the layer 3 protocol. Attributes that have
 * the same place overwrite each other: IPv4 and IPv6 addresses of a side, ports and
 * ICMP's id, type and code, the states of TCP, SCTP and DCCP. ICMP's also go into the reply tuple,
 * the type as the answer's to it; for that, set the layer 3 protocol first. Of the attributes that
 * are read-only only the presence is set, the value remains; ATTR_TIMESTAMP_EVENT is left alone.
 * Numbers beyond those known are ignored.
 *
 * @param ct the object
 * @param type which attribute
 * @param value its value, in the shape that enum nf_conntrack_attr says; copied, but for labels,
 *        which become the object's: the pointer to the bitmask itself, whose predecessor is freed
 * @param len [bytes] of the value of ATTR_HELPER_INFO
 * @errors EINVAL: ct or value is NULL, or ct is an expectation's tuple and the attribute does not
 *         belong to the original tuple. ENOMEM: no memory. Nothing is changed then
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT void nfct_set_attr_l(
	struct nf_conntrack *ct, const enum nf_conntrack_attr type, const void *value, size_t len)
{
	if (!ct || !value) {
		errno = EINVAL;
		return;
	}
	if (type < ATTR_MAX)
		attr_set(ct, (enum flow_attr)type, value, len);
}

/**
 * Sets an attribute; as nfct_set_attr_l() with a length of 0.
 *
 * @param ct the object
 * @param type which attribute
 * @param value its value, in the shape that enum nf_conntrack_attr says
 * @errors as those of nfct_set_attr_l()
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT void nfct_set_attr(
	struct nf_conntrack *ct, const enum nf_conntrack_attr type, const void *value)
{
	nfct_set_attr_l(ct, type, value, 0);
}

/* The value as an integer of the attribute's own size, whatever the caller thinks it is. */
static void set_integer(struct nf_conntrack *ct, enum nf_conntrack_attr type, uint64_t value)
{
	if (ct && type >= ATTR_MAX)
		return;
	if (!ct || !attr_is_integer(&attr_table[type])) {
		errno = EINVAL;
		return;
	}
	switch (attr_table[type].size) {
	case sizeof(uint8_t):
		attr_set(ct, (enum flow_attr)type, &(uint8_t){(uint8_t)value}, 0);
		break;
	case sizeof(uint16_t):
		attr_set(ct, (enum flow_attr)type, &(uint16_t){(uint16_t)value}, 0);
		break;
	case sizeof(uint32_t):
		attr_set(ct, (enum flow_attr)type, &(uint32_t){(uint32_t)value}, 0);
		break;
	case sizeof(uint64_t):
		attr_set(ct, (enum flow_attr)type, &value, 0);
		break;
	}
}

/**
 * Sets an integer attribute.
 *
 * The number is converted to the size that the attribute has. Otherwise as nfct_set_attr_l().
 *
 * @param ct the object
 * @param type which attribute, one of 1, 2, 4 or 8 bytes
 * @param value the number
 * @errors EINVAL: as those of nfct_set_attr_l(), or the attribute is no integer; nothing is changed
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT void nfct_set_attr_u8(
	struct nf_conntrack *ct, const enum nf_conntrack_attr type, uint8_t value)
{
	set_integer(ct, type, value);
}

/**
 * Sets an integer attribute; as nfct_set_attr_u8().
 *
 * @param ct the object
 * @param type which attribute, one of 1, 2, 4 or 8 bytes
 * @param value the number, in network byte order where enum nf_conntrack_attr says so
 * @errors as those of nfct_set_attr_u8()
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT void nfct_set_attr_u16(
	struct nf_conntrack *ct, const enum nf_conntrack_attr type, uint16_t value)
{
	set_integer(ct, type, value);
}

/**
 * Sets an integer attribute; as nfct_set_attr_u8().
 *
 * @param ct the object
 * @param type which attribute, one of 1, 2, 4 or 8 bytes
 * @param value the number, in network byte order where enum nf_conntrack_attr says so
 * @errors as those of nfct_set_attr_u8()
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT void nfct_set_attr_u32(
	struct nf_conntrack *ct, const enum nf_conntrack_attr type, uint32_t value)
{
	set_integer(ct, type, value);
}

/**
 * Sets an integer attribute; as nfct_set_attr_u8().
 *
 * @param ct the object
 * @param type which attribute, one of 1, 2, 4 or 8 bytes
 * @param value the number
 * @errors as those of nfct_set_attr_u8()
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT void nfct_set_attr_u64(
	struct nf_conntrack *ct, const enum nf_conntrack_attr type, uint64_t value)
{
	set_integer(ct, type, value);
}

/* NULL with errno, or the value with its length [bytes] in *len. */
static const void *get_value(
	const struct nf_conntrack *ct, enum nf_conntrack_attr type, size_t *len)
{
	const struct attr_place *a;
	const struct flow_span *span;

	if (!ct || type >= ATTR_MAX) {
		errno = EINVAL;
		return NULL;
	}
	if (!flow_has(&ct->flow, (enum flow_attr)type)) {
		errno = ENODATA;
		return NULL;
	}
	a = &attr_table[type];
	*len = a->size;
	if (a->kind <= ATTR_NAME)
		return attr_at_const(ct, a);
	if (a->kind == ATTR_BITMASK) {
		*len = 0;
		return *(struct nfct_bitmask *const *)attr_at_const(ct, a);
	}
	span = attr_at_const(ct, a);
	*len = span->len;
	return span->data;
}

/**
 * Gives an attribute.
 *
 * @param ct the object
 * @param type which attribute
 * @return its value, in the shape that enum nf_conntrack_attr says: a pointer into the object,
 *         valid until that is changed or destroyed; NULL if the attribute is not present, or if
 *         ATTR_SECCTX was marked as present and has no value
 * @errors EINVAL: ct is NULL or the attribute is not known. ENODATA: it is not present
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT const void *nfct_get_attr(
	const struct nf_conntrack *ct, const enum nf_conntrack_attr type)
{
	size_t len;

	return get_value(ct, type, &len);
}

/* Of what is no integer the first bytes, as long as there are any. */
static uint64_t get_integer(
	const struct nf_conntrack *ct, enum nf_conntrack_attr type, size_t width)
{
	size_t len = 0;
	const void *value = get_value(ct, type, &len);
	uint64_t first = 0;

	if (!value)
		return 0;
	if (attr_is_integer(&attr_table[type])) {
		switch (len) {
		case sizeof(uint8_t):
			return *(const uint8_t *)value;
		case sizeof(uint16_t):
			return *(const uint16_t *)value;
		case sizeof(uint32_t):
			return *(const uint32_t *)value;
		case sizeof(uint64_t):
			return *(const uint64_t *)value;
		}
	}
	len = len < width ? len : width;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	memcpy((uint8_t *)&first + sizeof(first) - width, value, len);
#else
	memcpy(&first, value, len);
#endif
	return first;
}

/**
 * Gives an integer attribute.
 *
 * @param ct the object
 * @param type which attribute
 * @return the number, cut to 8 bits; 0 if the attribute is not present
 * @errors as those of nfct_get_attr()
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT uint8_t nfct_get_attr_u8(
	const struct nf_conntrack *ct, const enum nf_conntrack_attr type)
{
	return (uint8_t)get_integer(ct, type, sizeof(uint8_t));
}

/**
 * Gives an integer attribute.
 *
 * @param ct the object
 * @param type which attribute
 * @return the number, cut to 16 bits, in network byte order where enum nf_conntrack_attr says so;
 *         0 if the attribute is not present
 * @errors as those of nfct_get_attr()
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT uint16_t nfct_get_attr_u16(
	const struct nf_conntrack *ct, const enum nf_conntrack_attr type)
{
	return (uint16_t)get_integer(ct, type, sizeof(uint16_t));
}

/**
 * Gives an integer attribute.
 *
 * @param ct the object
 * @param type which attribute
 * @return the number, cut to 32 bits, in network byte order where enum nf_conntrack_attr says so;
 *         0 if the attribute is not present
 * @errors as those of nfct_get_attr()
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT uint32_t nfct_get_attr_u32(
	const struct nf_conntrack *ct, const enum nf_conntrack_attr type)
{
	return (uint32_t)get_integer(ct, type, sizeof(uint32_t));
}

/**
 * Gives an integer attribute.
 *
 * @param ct the object
 * @param type which attribute
 * @return the number; 0 if the attribute is not present
 * @errors as those of nfct_get_attr()
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT uint64_t nfct_get_attr_u64(
	const struct nf_conntrack *ct, const enum nf_conntrack_attr type)
{
	return get_integer(ct, type, sizeof(uint64_t));
}

/**
 * Is an attribute present?
 *
 * @param ct the object
 * @param type which attribute
 * @return 1: yes, 0: no, -1: error
 * @errors EINVAL: ct is NULL or the attribute is not known
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfct_attr_is_set(const struct nf_conntrack *ct, const enum nf_conntrack_attr type)
{
	if (!ct || type >= ATTR_MAX) {
		errno = EINVAL;
		return -1;
	}
	return flow_has(&ct->flow, (enum flow_attr)type);
}

/**
 * Are all of some attributes present?
 *
 * They are looked at in their order, up to the first that is not present or not known.
 *
 * @param ct the object
 * @param type_array which attributes
 * @param size how many
 * @return 1: yes, also if there are none to look at; 0: no, -1: error
 * @errors EINVAL: ct is NULL, type_array is NULL and size is not, or an attribute is not known
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfct_attr_is_set_array(
	const struct nf_conntrack *ct, const enum nf_conntrack_attr *type_array, int size)
{
	if (!ct || (!type_array && size > 0)) {
		errno = EINVAL;
		return -1;
	}
	for (int i = 0; i < size; i++) {
		int set = nfct_attr_is_set(ct, type_array[i]);

		if (set != 1)
			return set;
	}
	return 1;
}

/**
 * Makes an attribute absent.
 *
 * What it had remains in the object, unseen, until it is set again or the object destroyed.
 *
 * @param ct the object
 * @param type which attribute
 * @return 0, or -1
 * @errors EINVAL: ct is NULL or the attribute is not known
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfct_attr_unset(struct nf_conntrack *ct, const enum nf_conntrack_attr type)
{
	if (!ct || type >= ATTR_MAX) {
		errno = EINVAL;
		return -1;
	}
	flow_mark_unset(&ct->flow, (enum flow_attr)type);
	return 0;
}
