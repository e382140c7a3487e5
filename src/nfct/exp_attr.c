/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "nfct/exp_object.h"
#include "nfct/export.h"

enum value_kind { VALUE_HEAD, VALUE_U16, VALUE_U32, VALUE_TEXT };

struct value_place {
	uint16_t offset, size; /* in struct expect [bytes] */
	enum value_kind kind;
};

#define PLACE(member, kind)                                                                        \
	{                                                                                          \
		offsetof(struct expect, member), sizeof(((struct expect *)0)->member), kind        \
	}

/* Numbers of the public enum are those of enum expect_attr. */
static const struct value_place places[EXPECT_ATTR_COUNT] = {
	[EXPECT_MASTER] = PLACE(master, VALUE_HEAD),
	[EXPECT_EXPECTED] = PLACE(expected, VALUE_HEAD),
	[EXPECT_MASK] = PLACE(mask, VALUE_HEAD),
	[EXPECT_TIMEOUT] = PLACE(timeout, VALUE_U32),
	[EXPECT_ZONE] = PLACE(zone, VALUE_U16),
	[EXPECT_FLAGS] = PLACE(flags, VALUE_U32),
	[EXPECT_HELPER_NAME] = PLACE(helper_name, VALUE_TEXT),
	[EXPECT_CLASS] = PLACE(class, VALUE_U32),
	[EXPECT_NAT_TUPLE] = PLACE(nat, VALUE_HEAD),
	[EXPECT_NAT_DIR] = PLACE(nat_dir, VALUE_U32),
	[EXPECT_FN] = PLACE(fn, VALUE_TEXT),
};
_Static_assert(ARRAY_SIZE(places) == ATTR_EXP_MAX, "every attribute has its place");

static void *value_of(struct expect *e, const struct value_place *place)
{
	return (unsigned char *)e + place->offset;
}

static bool is_number(const struct value_place *place)
{
	return place->kind == VALUE_U16 || place->kind == VALUE_U32;
}

static void set_text(char *out, size_t size, const char *text)
{
	size_t len = strnlen(text, size - 1);

	memmove(out, text, len); /* it may be out itself */
	memset(out + len, 0, size - len);
}

/* The value is in host order, cut or filled up with zeros to the attribute's width. */
static void set_number(struct nf_expect *exp, unsigned type, uint32_t value)
{
	const uint16_t value16 = (uint16_t)value;

	if (!exp || type >= ARRAY_SIZE(places) || !is_number(&places[type])) {
		errno = EINVAL;
		return;
	}
	if (places[type].kind == VALUE_U16)
		memcpy(value_of(&exp->expect, &places[type]), &value16, sizeof(value16));
	else
		memcpy(value_of(&exp->expect, &places[type]), &value, sizeof(value));
	expect_mark_set(&exp->expect, (enum expect_attr)type);
}

/**
 * Sets an attribute and marks it as present.
 *
 * What value points to depends on the attribute:
 *  - ATTR_EXP_MASTER, _EXPECTED, _MASK, _NAT_TUPLE: a struct nf_conntrack, of which the original
 *    tuple and the presence of its attributes are copied and nothing else; that of an expectation,
 *    from nfexp_get_attr(), will do
 *  - ATTR_EXP_TIMEOUT [s], _FLAGS (NF_CT_EXPECT_*), _CLASS, _NAT_DIR (NFCT_DIR_*): a uint32_t in
 *    host order, of any alignment
 *  - ATTR_EXP_ZONE: a uint16_t in host order, of any alignment
 *  - ATTR_EXP_HELPER_NAME, _FN: text with its NUL; 15 or 23 characters are kept
 *
 * @param exp the expectation
 * @param type which attribute
 * @param value its value; it is copied
 * @errors EINVAL: exp or value is NULL, or there is no such attribute; nothing is changed
 * @source CTA_EXPECT_* of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT void nfexp_set_attr(
	struct nf_expect *exp, const enum nf_expect_attr type, const void *value)
{
	const struct value_place *place;

	if (!exp || !value || (unsigned)type >= ARRAY_SIZE(places)) {
		errno = EINVAL;
		return;
	}
	place = &places[type];
	switch (place->kind) {
	case VALUE_HEAD:
		flow_head_of(
			value_of(&exp->expect, place), &((const struct nf_conntrack *)value)->flow);
		break;
	case VALUE_U16:
	case VALUE_U32:
		memmove(value_of(&exp->expect, place), value, place->size);
		break;
	case VALUE_TEXT:
		set_text(value_of(&exp->expect, place), place->size, value);
		break;
	}
	expect_mark_set(&exp->expect, (enum expect_attr)type);
	exp_object_tag_heads(exp);
}

/**
 * Sets an attribute that is a number; a wider one is filled up with zeros.
 *
 * @param exp the expectation
 * @param type which attribute: ATTR_EXP_TIMEOUT, _ZONE, _FLAGS, _CLASS, _NAT_DIR
 * @param value its value in host order
 * @errors EINVAL: exp is NULL, or the attribute is no number; nothing is changed
 * @source CTA_EXPECT_* of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT void nfexp_set_attr_u8(
	struct nf_expect *exp, const enum nf_expect_attr type, uint8_t value)
{
	set_number(exp, type, value);
}

/**
 * Sets an attribute that is a number; a wider one is filled up with zeros.
 *
 * @param exp the expectation
 * @param type which attribute: ATTR_EXP_TIMEOUT, _ZONE, _FLAGS, _CLASS, _NAT_DIR
 * @param value its value in host order
 * @errors EINVAL: exp is NULL, or the attribute is no number; nothing is changed
 * @source CTA_EXPECT_* of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT void nfexp_set_attr_u16(
	struct nf_expect *exp, const enum nf_expect_attr type, uint16_t value)
{
	set_number(exp, type, value);
}

/**
 * Sets an attribute that is a number; of ATTR_EXP_ZONE the lower 16 bits are taken.
 *
 * @param exp the expectation
 * @param type which attribute: ATTR_EXP_TIMEOUT, _ZONE, _FLAGS, _CLASS, _NAT_DIR
 * @param value its value in host order
 * @errors EINVAL: exp is NULL, or the attribute is no number; nothing is changed
 * @source CTA_EXPECT_* of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT void nfexp_set_attr_u32(
	struct nf_expect *exp, const enum nf_expect_attr type, uint32_t value)
{
	set_number(exp, type, value);
}

/**
 * Finds the value of an attribute.
 *
 * What it points to is as for nfexp_set_attr(). A tuple is given as a const struct nf_conntrack
 * that has the attributes of the original direction alone (addresses, ports, ICMP, layer 3 and 4
 * protocol, zone); it may be read, copied, compared and printed, not changed or destroyed.
 *
 * @param exp the expectation
 * @param type which attribute
 * @return a pointer into exp, valid until that is changed or destroyed; NULL with errno
 * @errors EINVAL: exp is NULL, or there is no such attribute; ENODATA: it is not present
 * @source CTA_EXPECT_* of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT const void *nfexp_get_attr(const struct nf_expect *exp, const enum nf_expect_attr type)
{
	if (!exp || (unsigned)type >= ARRAY_SIZE(places)) {
		errno = EINVAL;
		return NULL;
	}
	if (!expect_has(&exp->expect, (enum expect_attr)type)) {
		errno = ENODATA;
		return NULL;
	}
	return (const unsigned char *)&exp->expect + places[type].offset;
}

/* 0 with errno if the attribute is not there or no number. */
static uint32_t get_number(const struct nf_expect *exp, enum nf_expect_attr type)
{
	const void *value = nfexp_get_attr(exp, type);
	uint16_t value16;
	uint32_t value32;

	if (!value)
		return 0;
	if (!is_number(&places[type])) {
		errno = EINVAL;
		return 0;
	}
	if (places[type].kind == VALUE_U16) {
		memcpy(&value16, value, sizeof(value16));
		return value16;
	}
	memcpy(&value32, value, sizeof(value32));
	return value32;
}

/**
 * Gives the lowest 8 bits of an attribute that is a number.
 *
 * @param exp the expectation
 * @param type which attribute: ATTR_EXP_TIMEOUT, _ZONE, _FLAGS, _CLASS, _NAT_DIR
 * @return the value in host order; 0 with errno
 * @errors EINVAL: exp is NULL, or the attribute is no number; ENODATA: it is not present
 * @source CTA_EXPECT_* of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT uint8_t nfexp_get_attr_u8(const struct nf_expect *exp, const enum nf_expect_attr type)
{
	return (uint8_t)get_number(exp, type);
}

/**
 * Gives the lowest 16 bits of an attribute that is a number.
 *
 * @param exp the expectation
 * @param type which attribute: ATTR_EXP_TIMEOUT, _ZONE, _FLAGS, _CLASS, _NAT_DIR
 * @return the value in host order; 0 with errno
 * @errors EINVAL: exp is NULL, or the attribute is no number; ENODATA: it is not present
 * @source CTA_EXPECT_* of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT uint16_t nfexp_get_attr_u16(const struct nf_expect *exp, const enum nf_expect_attr type)
{
	return (uint16_t)get_number(exp, type);
}

/**
 * Gives an attribute that is a number.
 *
 * @param exp the expectation
 * @param type which attribute: ATTR_EXP_TIMEOUT, _ZONE, _FLAGS, _CLASS, _NAT_DIR
 * @return the value in host order; 0 with errno
 * @errors EINVAL: exp is NULL, or the attribute is no number; ENODATA: it is not present
 * @source CTA_EXPECT_* of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT uint32_t nfexp_get_attr_u32(const struct nf_expect *exp, const enum nf_expect_attr type)
{
	return get_number(exp, type);
}

/**
 * Tells whether an attribute is present.
 *
 * @param exp the expectation
 * @param type which attribute
 * @return 1 if it is, 0 if not; -1 with errno
 * @errors EINVAL: exp is NULL, or there is no such attribute
 * @source CTA_EXPECT_* of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfexp_attr_is_set(const struct nf_expect *exp, const enum nf_expect_attr type)
{
	if (!exp || (unsigned)type >= ARRAY_SIZE(places)) {
		errno = EINVAL;
		return -1;
	}
	return expect_has(&exp->expect, (enum expect_attr)type) ? 1 : 0;
}

/**
 * Makes an attribute absent.
 *
 * @param exp the expectation
 * @param type which attribute
 * @return 0; -1 with errno
 * @errors EINVAL: exp is NULL, or there is no such attribute
 * @source CTA_EXPECT_* of linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfexp_attr_unset(struct nf_expect *exp, const enum nf_expect_attr type)
{
	if (!exp || (unsigned)type >= ARRAY_SIZE(places)) {
		errno = EINVAL;
		return -1;
	}
	expect_mark_unset(&exp->expect, (enum expect_attr)type);
	return 0;
}
