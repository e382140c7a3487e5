/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/reply_expect.h"

#include <string.h>

#include "daemon/reply_flow.h"
#include "flow/expect_print.h"

static void put_name(struct text *t, const char *name, const char *s, size_t cap)
{
	char word[32] = "";

	memcpy(word, s, strnlen(s, cap < sizeof(word) ? cap : sizeof(word) - 1));
	reply_json_word(t, name, word);
}

static void put_json(struct text *t, const struct engine_expect_view *view)
{
	const struct expect *x = &view->expect;

	text_puts(t, "{\"protocol\": \"");
	text_puts(t, flow_l4_name(x->expected.tuple.l4));
	text_putc(t, '"');
	reply_json_number(t, "protonum", x->expected.tuple.l4);
	reply_json_tuple(t, "expected", &x->expected.tuple);
	reply_json_tuple(t, "mask", &x->mask.tuple);
	reply_json_tuple(t, "master", &x->master.tuple);
	if (expect_has(x, EXPECT_NAT_TUPLE)) {
		reply_json_tuple(t, "nat", &x->nat.tuple);
		reply_json_number(t, "nat_dir", x->nat_dir);
	}
	if (expect_has(x, EXPECT_TIMEOUT))
		reply_json_number(t, "timeout", x->timeout);
	if (expect_has(x, EXPECT_ZONE))
		reply_json_number(t, "zone", x->zone);
	if (expect_has(x, EXPECT_FLAGS))
		reply_json_number(t, "flags", x->flags);
	if (expect_has(x, EXPECT_CLASS))
		reply_json_number(t, "class", x->class);
	if (expect_has(x, EXPECT_HELPER_NAME))
		put_name(t, "helper", x->helper_name, sizeof(x->helper_name));
	if (expect_has(x, EXPECT_FN))
		put_name(t, "function", x->fn, sizeof(x->fn));
	reply_json_number(t, "age_ms", (uint64_t)view->age_ms);
	reply_json_number(t, "peer", view->peer);
	text_putc(t, '}');
}

void reply_expect(struct text *t, const struct engine_expect_view *view, enum request_format format)
{
	static const struct flow_print_context nothing;
	struct expect dumped = view->expect;

	expect_mark_unset(&dumped, EXPECT_TIMEOUT);
	switch (format) {
	case REQUEST_TEXT:
		expect_print(t, &view->expect);
		break;
	case REQUEST_JSON:
		put_json(t, view);
		break;
	case REQUEST_XML:
		expect_print_xml(t, &view->expect, 0, 0, &nothing);
		break;
	case REQUEST_DUMP:
		expect_print(t, &dumped);
		reply_dump_ages(t, view->age_ms, view->expires_ms);
		break;
	case REQUEST_DUMP_XML:
		expect_print_xml(t, &dumped, 0, 0, &nothing);
		break;
	case REQUEST_FORMATS:
		break;
	}
}
