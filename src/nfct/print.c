/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <time.h>

#include "flow/print_xml.h"
#include "nfct/bitmask.h"
#include "nfct/export.h"
#include "nfct/labelmap.h"
#include "nfct/object.h"
#include "nfct/print.h"

_Static_assert(FLOW_PRINT_L3 == (int)NFCT_OF_SHOW_LAYER3 && FLOW_PRINT_DATE == (int)NFCT_OF_TIME &&
		       FLOW_PRINT_ID == (int)NFCT_OF_ID &&
		       FLOW_PRINT_TIMESTAMP == (int)NFCT_OF_TIMESTAMP,
	"flags are handed on");
_Static_assert(FLOW_EVENT_NEW == (int)NFCT_T_NEW && FLOW_EVENT_UPDATE == (int)NFCT_T_UPDATE &&
		       FLOW_EVENT_DESTROY == (int)NFCT_T_DESTROY,
	"message types are handed on");

static struct flow_date local_date(uint64_t s)
{
	struct flow_date date = {.month = 1, .day = 1, .year = 1970};
	time_t clock = (time_t)s;
	struct tm tm;

	tzset(); /* a change of TZ counts, as with ctime(), which is not for threads */
	if (localtime_r(&clock, &tm))
		date = (struct flow_date){
			.year = (uint32_t)tm.tm_year + 1900,
			.month = (uint8_t)(tm.tm_mon + 1),
			.day = (uint8_t)tm.tm_mday,
			.hour = (uint8_t)tm.tm_hour,
			.min = (uint8_t)tm.tm_min,
			.sec = (uint8_t)tm.tm_sec,
			.weekday = (uint8_t)tm.tm_wday,
		};
	return date;
}

struct flow_print_context print_context(void)
{
	return (struct flow_print_context){.now_s = (uint64_t)time(NULL), .date_of = local_date};
}

bool print_can(const void *object, const char *buf, unsigned int size, unsigned int out_type)
{
	if (!object || (!buf && size > 0)) {
		errno = EINVAL;
		return false;
	}
	if (out_type >= NFCT_O_MAX) {
		errno = ENOENT;
		return false;
	}
	return true;
}

static const char *name_of_label(const void *names, unsigned int bit)
{
	return labelmap_name(names, bit);
}

static bool has_what_a_line_needs(const struct flow *f, unsigned int flags)
{
	return flow_has(f, FLOW_ORIG_L4PROTO) &&
	       (!(flags & FLOW_PRINT_L3) || flow_has(f, FLOW_ORIG_L3PROTO));
}

/**
 * Writes a connection as text, with the names of its labels. The text has no newline; it is cut if
 * it does not fit, and ends with a NUL unless size is 0.
 *
 * As plain text it is the line of `conntrack -L` or, if msg_type is one of an event, of
 * `conntrack -E`; as XML, the flow element of `conntrack -L -o xml`. Times are those of the
 * process's time zone.
 *
 * @param buf where to, size bytes; may be NULL if size is 0
 * @param size room at buf [bytes]
 * @param ct the connection; for plain text it must have ATTR_L4PROTO
 * @param msg_type NFCT_T_NEW, NFCT_T_UPDATE or NFCT_T_DESTROY, which the text tells; any other
 *	value for none
 * @param out_type NFCT_O_PLAIN or NFCT_O_XML
 * @param out_flags what is told besides: NFCT_OF_SHOW_LAYER3 (plain; ATTR_L3PROTO must be set),
 *	NFCT_OF_TIME (XML: time of the call), NFCT_OF_ID (plain; XML always has it),
 *	NFCT_OF_TIMESTAMP (start and end of the connection)
 * @param map names of labels, or NULL: labels are not told
 * @return length of the whole text without the NUL, even if it was cut; -1 on error, when the
 *	text is empty
 * @errors EINVAL: ct is NULL, or buf is and size is not 0; an attribute is missing. ENOENT: no
 *	such out_type
 * @source doc/MIGRATION.md (where the text differs from what it used to be)
 */
NFCT_EXPORT int nfct_snprintf_labels(char *buf, unsigned int size, const struct nf_conntrack *ct,
	const unsigned int msg_type, const unsigned int out_type, const unsigned int out_flags,
	struct nfct_labelmap *map)
{
	struct flow_print_context context;
	struct nf_conntrack room;
	struct text t;

	if (!print_can(ct, buf, size, out_type))
		return -1;
	ct = object_whole(ct, &room);
	context = print_context();
	context.label_name = name_of_label;
	context.label_names = map;
	if (ct->labels)
		context.labels = (struct flow_span){
			ct->labels->bits, ct->labels->words * (uint32_t)sizeof(uint32_t)};
	t = text_of(buf, size);
	if (out_type == NFCT_O_XML) {
		flow_print_xml(&t, &ct->flow, msg_type, out_flags, &context);
	} else if (has_what_a_line_needs(&ct->flow, out_flags)) {
		flow_print_event(&t, msg_type);
		flow_print_with(&t, &ct->flow, out_flags, &context);
	} else {
		errno = EINVAL;
		return -1;
	}
	return (int)t.len;
}

/**
 * Writes a connection as text: nfct_snprintf_labels() without labels.
 *
 * @param buf where to, size bytes; may be NULL if size is 0
 * @param size room at buf [bytes]
 * @param ct the connection; for plain text it must have ATTR_L4PROTO
 * @param msg_type NFCT_T_NEW, NFCT_T_UPDATE or NFCT_T_DESTROY, which the text tells; any other
 *	value for none
 * @param out_type NFCT_O_PLAIN or NFCT_O_XML
 * @param out_flags what is told besides: NFCT_OF_*
 * @return length of the whole text without the NUL, even if it was cut; -1 on error, when the
 *	text is empty
 * @errors EINVAL: ct is NULL, or buf is and size is not 0; an attribute is missing. ENOENT: no
 *	such out_type
 * @source doc/MIGRATION.md (where the text differs from what it used to be)
 */
NFCT_EXPORT int nfct_snprintf(char *buf, unsigned int size, const struct nf_conntrack *ct,
	const unsigned int msg_type, const unsigned int out_type, const unsigned int out_flags)
{
	return nfct_snprintf_labels(buf, size, ct, msg_type, out_type, out_flags, NULL);
}
