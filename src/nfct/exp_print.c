/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flow/expect_print.h"
#include "nfct/exp_object.h"
#include "nfct/export.h"
#include "nfct/print.h"

/**
 * Writes an expectation as text. The text has no newline; it is cut if it does not fit, and ends
 * with a NUL unless size is 0.
 *
 * As plain text it is the line of `conntrack -L expect` or, if msg_type is one of an event, of
 * `conntrack -E expect`; as XML, the flow element of `conntrack -L expect -o xml`. Its NAT tuple
 * and its function are not told.
 *
 * @param buf where to, size bytes; may be NULL if size is 0
 * @param size room at buf [bytes]
 * @param exp the expectation
 * @param msg_type NFCT_T_NEW, NFCT_T_UPDATE or NFCT_T_DESTROY, which the text tells; any other
 *	value for none
 * @param out_type NFCT_O_PLAIN or NFCT_O_XML
 * @param out_flags NFCT_OF_TIME (XML: time of the call); the others change nothing
 * @return length of the whole text without the NUL, even if it was cut; -1 on error
 * @errors EINVAL: exp is NULL, or buf is and size is not 0. ENOENT: no such out_type
 * @source doc/MIGRATION.md (where the text differs from what it used to be)
 */
NFCT_EXPORT int nfexp_snprintf(char *buf, unsigned int size, const struct nf_expect *exp,
	const unsigned int msg_type, const unsigned int out_type, const unsigned int out_flags)
{
	struct text t;

	if (!print_can(exp, buf, size, out_type))
		return -1;
	t = text_of(buf, size);
	if (out_type == NFCT_O_XML) {
		struct flow_print_context context = print_context();

		expect_print_xml(&t, &exp->expect, msg_type, out_flags, &context);
	} else {
		flow_print_event(&t, msg_type);
		expect_print(&t, &exp->expect);
	}
	return (int)t.len;
}
