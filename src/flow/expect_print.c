/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/check.h"
#include "flow/expect_print.h"
#include "flow/print_xml.h"

static const struct {
	uint32_t flag;
	const char *name, *element;
} flag_names[] = {
	{EXPECT_FLAG_PERMANENT, "PERMANENT", "<permanent/>"},
	{EXPECT_FLAG_INACTIVE, "INACTIVE", "<inactive/>"},
	{EXPECT_FLAG_USERSPACE, "USERSPACE", "<userspace/>"},
};

static void print_field(struct text *t, const char *name, uint32_t value)
{
	text_puts(t, name);
	text_u64(t, value);
	text_putc(t, ' ');
}

static void print_flags(struct text *t, uint32_t flags)
{
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++) {
		if (!(flags & flag_names[i].flag))
			continue;
		if (any)
			text_putc(t, ',');
		text_puts(t, flag_names[i].name);
		any = true;
	}
	if (any)
		text_putc(t, ' ');
}

/* Tuples and flags by their values, whatever is marked present. */
void expect_print(struct text *t, const struct expect *e)
{
	if (expect_has(e, EXPECT_TIMEOUT))
		print_field(t, "", e->timeout);
	print_field(t, "proto=", e->expected.tuple.l4);
	flow_print_tuple(t, "", &e->expected.tuple);
	flow_print_tuple(t, "mask-", &e->mask.tuple);
	flow_print_tuple(t, "master-", &e->master.tuple);
	if (expect_has(e, EXPECT_ZONE))
		print_field(t, "zone=", e->zone);
	print_flags(t, e->flags);
	if (expect_has(e, EXPECT_CLASS))
		print_field(t, "class=", e->class);
	if (expect_has(e, EXPECT_HELPER_NAME)) {
		text_puts(t, "helper=");
		text_put(t, e->helper_name, strnlen(e->helper_name, sizeof(e->helper_name)));
	} else {
		text_trim(t, 1); /* the last field's blank */
	}
}

static void xml_layer(struct text *t, const struct expect *e,
	void (*print)(struct text *, const struct flow_tuple *))
{
	text_puts(t, "<expected>");
	print(t, &e->expected.tuple);
	text_puts(t, "</expected><mask>");
	print(t, &e->mask.tuple);
	text_puts(t, "</mask><master>");
	print(t, &e->master.tuple);
	text_puts(t, "</master>");
}

void expect_print_xml(struct text *t, const struct expect *e, unsigned event, unsigned flags,
	const struct flow_print_context *c)
{
	uint8_t l3 = e->expected.tuple.l3, l4 = e->expected.tuple.l4;

	flow_print_xml_begin(t, event);
	flow_print_xml_protocol(t, "layer3", l3, flow_l3_name(l3));
	xml_layer(t, e, flow_print_xml_addrs);
	text_puts(t, "</layer3>");
	flow_print_xml_protocol(t, "layer4", l4, flow_l4_name(l4));
	xml_layer(t, e, flow_print_xml_key);
	text_puts(t, "</layer4><meta>");
	if (expect_has(e, EXPECT_HELPER_NAME))
		flow_print_xml_text(t, "helper-name", e->helper_name,
			strnlen(e->helper_name, sizeof(e->helper_name)));
	if (expect_has(e, EXPECT_TIMEOUT))
		flow_print_xml_number(t, "timeout", e->timeout);
	if (expect_has(e, EXPECT_CLASS))
		flow_print_xml_number(t, "class", e->class);
	if (expect_has(e, EXPECT_ZONE))
		flow_print_xml_number(t, "zone", e->zone);
	if (flags & FLOW_PRINT_DATE)
		flow_print_xml_date(t, c);
	for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++)
		if (e->flags & flag_names[i].flag)
			text_puts(t, flag_names[i].element);
	text_puts(t, "</meta></flow>");
}
