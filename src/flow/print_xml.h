/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_FLOW_PRINT_XML_H
#define CTSYNC_FLOW_PRINT_XML_H

#include "flow/print.h"

/*
 * A flow as an XML element in one line, without a declaration: what `conntrack -L -o xml` and the
 * library's nfct_snprintf() print. event: enum flow_event; any other number is not told.
 * FLOW_PRINT_L3 and FLOW_PRINT_ID change nothing, both are always there.
 */
void flow_print_xml(struct text *, const struct flow *, unsigned event, unsigned flags,
	const struct flow_print_context *);

/* Parts that an expectation's element has, too. */
void flow_print_xml_begin(struct text *, unsigned event); /* <flow type="new"> */
void flow_print_xml_protocol(struct text *, const char *layer, uint8_t number, const char *name);
void flow_print_xml_addrs(struct text *, const struct flow_tuple *); /* <src>, <dst> */
void flow_print_xml_key(struct text *, const struct flow_tuple *); /* ports, keys, ICMP */
void flow_print_xml_number(struct text *, const char *element, uint64_t value);
void flow_print_xml_text(struct text *, const char *element, const char *s, size_t len);
void flow_print_xml_date(struct text *, const struct flow_print_context *); /* <when> */

#endif
