/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_INTEROP_DIFFER_H
#define CTSYNC_TESTS_INTEROP_DIFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

/*
 * Two builds of the library in one process: ours and the distribution's. Each step of an episode
 * does the same to a pair of objects, one of each library, and compares what comes of it. An
 * episode is a function of its number and the run's seed alone.
 */
enum side { OURS, THEIRS, SIDES };

/* Every function of the public headers. */
#define API_FUNCTIONS(F)                                                                           \
	F(nfct_attr_grp_is_set)                                                                    \
	F(nfct_attr_grp_unset)                                                                     \
	F(nfct_attr_is_set)                                                                        \
	F(nfct_attr_is_set_array)                                                                  \
	F(nfct_attr_unset)                                                                         \
	F(nfct_bitmask_clear)                                                                      \
	F(nfct_bitmask_clone)                                                                      \
	F(nfct_bitmask_destroy)                                                                    \
	F(nfct_bitmask_equal)                                                                      \
	F(nfct_bitmask_maxbit)                                                                     \
	F(nfct_bitmask_new)                                                                        \
	F(nfct_bitmask_set_bit)                                                                    \
	F(nfct_bitmask_test_bit)                                                                   \
	F(nfct_bitmask_unset_bit)                                                                  \
	F(nfct_build_conntrack)                                                                    \
	F(nfct_build_query)                                                                        \
	F(nfct_callback_register)                                                                  \
	F(nfct_callback_register2)                                                                 \
	F(nfct_callback_unregister)                                                                \
	F(nfct_callback_unregister2)                                                               \
	F(nfct_catch)                                                                              \
	F(nfct_clone)                                                                              \
	F(nfct_close)                                                                              \
	F(nfct_cmp)                                                                                \
	F(nfct_compare)                                                                            \
	F(nfct_copy)                                                                               \
	F(nfct_copy_attr)                                                                          \
	F(nfct_destroy)                                                                            \
	F(nfct_fd)                                                                                 \
	F(nfct_filter_add_attr)                                                                    \
	F(nfct_filter_add_attr_u32)                                                                \
	F(nfct_filter_attach)                                                                      \
	F(nfct_filter_create)                                                                      \
	F(nfct_filter_destroy)                                                                     \
	F(nfct_filter_detach)                                                                      \
	F(nfct_filter_dump_create)                                                                 \
	F(nfct_filter_dump_destroy)                                                                \
	F(nfct_filter_dump_set_attr)                                                               \
	F(nfct_filter_dump_set_attr_u8)                                                            \
	F(nfct_filter_set_logic)                                                                   \
	F(nfct_get_attr)                                                                           \
	F(nfct_get_attr_grp)                                                                       \
	F(nfct_get_attr_u16)                                                                       \
	F(nfct_get_attr_u32)                                                                       \
	F(nfct_get_attr_u64)                                                                       \
	F(nfct_get_attr_u8)                                                                        \
	F(nfct_getobjopt)                                                                          \
	F(nfct_labelmap_destroy)                                                                   \
	F(nfct_labelmap_get_bit)                                                                   \
	F(nfct_labelmap_get_name)                                                                  \
	F(nfct_labelmap_new)                                                                       \
	F(nfct_labels_get_path)                                                                    \
	F(nfct_maxsize)                                                                            \
	F(nfct_new)                                                                                \
	F(nfct_nfnlh)                                                                              \
	F(nfct_nlmsg_build)                                                                        \
	F(nfct_nlmsg_build_filter)                                                                 \
	F(nfct_nlmsg_parse)                                                                        \
	F(nfct_open)                                                                               \
	F(nfct_open_nfnl)                                                                          \
	F(nfct_parse_conntrack)                                                                    \
	F(nfct_payload_parse)                                                                      \
	F(nfct_query)                                                                              \
	F(nfct_send)                                                                               \
	F(nfct_set_attr)                                                                           \
	F(nfct_set_attr_grp)                                                                       \
	F(nfct_set_attr_l)                                                                         \
	F(nfct_set_attr_u16)                                                                       \
	F(nfct_set_attr_u32)                                                                       \
	F(nfct_set_attr_u64)                                                                       \
	F(nfct_set_attr_u8)                                                                        \
	F(nfct_setobjopt)                                                                          \
	F(nfct_sizeof)                                                                             \
	F(nfct_snprintf)                                                                           \
	F(nfct_snprintf_labels)                                                                    \
	F(nfexp_attr_is_set)                                                                       \
	F(nfexp_attr_unset)                                                                        \
	F(nfexp_build_expect)                                                                      \
	F(nfexp_build_query)                                                                       \
	F(nfexp_callback_register)                                                                 \
	F(nfexp_callback_register2)                                                                \
	F(nfexp_callback_unregister)                                                               \
	F(nfexp_callback_unregister2)                                                              \
	F(nfexp_catch)                                                                             \
	F(nfexp_clone)                                                                             \
	F(nfexp_cmp)                                                                               \
	F(nfexp_destroy)                                                                           \
	F(nfexp_get_attr)                                                                          \
	F(nfexp_get_attr_u16)                                                                      \
	F(nfexp_get_attr_u32)                                                                      \
	F(nfexp_get_attr_u8)                                                                       \
	F(nfexp_maxsize)                                                                           \
	F(nfexp_new)                                                                               \
	F(nfexp_nlmsg_build)                                                                       \
	F(nfexp_nlmsg_parse)                                                                       \
	F(nfexp_parse_expect)                                                                      \
	F(nfexp_query)                                                                             \
	F(nfexp_send)                                                                              \
	F(nfexp_set_attr)                                                                          \
	F(nfexp_set_attr_u16)                                                                      \
	F(nfexp_set_attr_u32)                                                                      \
	F(nfexp_set_attr_u8)                                                                       \
	F(nfexp_sizeof)                                                                            \
	F(nfexp_snprintf)

struct differ;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
struct api {
#define API_FIELD(name) __typeof__(name) *name;
	API_FUNCTIONS(API_FIELD)
#undef API_FIELD
};
#pragma GCC diagnostic pop

extern struct api api_of[SIDES];

/* Whose allocations may leak. */
extern bool may_leak[SIDES];

/*
 * Runs its body for each side, which must not leave the loop. What errno
 * was at its end is in errno_of.
 */
#define BOTH(s) for (enum side s = OURS; side_enter(s); s = side_leave(s))
bool side_enter(enum side);
enum side side_leave(enum side);
extern int errno_of[SIDES];

/*
 * Whether call(side, arg) came back: false if the library called exit(), or an assertion of its
 * failed. What it prints on standard error is dropped.
 */
bool side_survives(enum side, void (*call)(enum side, void *arg), void *arg);

/* When a sanitizer ends the process, the way to repeat it is printed. */
void side_on_death(const struct differ *);

/*
 * What is known to differ: defects of the other library that ours does not share. Each must be seen
 * in a whole run, so that a difference that has vanished is noticed.
 */
#define EXCEPTIONS(F)                                                                              \
	F(EX_EXIT_ON_KERNEL_DATA, "exit() on an attribute of an odd size")                         \
	F(EX_MALFORMED, "attributes that are cut, or of an odd size, are taken or passed over")    \
	F(EX_TUPLE_ORDER, "attributes of a tuple's protocol count by type, not by place")          \
	F(EX_EMPTY_AGAIN, "an empty attribute replaces an earlier one of its type")                \
	F(EX_NO_ERRNO, "a failure that leaves errno alone")                                        \
	F(EX_HELPER_INFO_LENGTH, "a helper's info that was set or copied has no length")           \
	F(EX_HELPER_INFO_UNSET, "a helper's info is built although it is not present")             \
	F(EX_NAT_PORTS, "NAT of ports of other protocols than TCP and UDP is built empty")         \
	F(EX_NAT_PORT_MAX, "the end of a range of NAT ports is not copied with its begin")         \
	F(EX_BUILD_BOUND, "more than 4 KiB of attributes are written behind the memory")           \
	F(EX_QUERY_EMPTY, "a query of an object that cannot be built is sent empty")               \
	F(EX_TIMEOUT_COMPARE, "NFCT_CMP_TIMEOUT_* compare nothing")                                \
	F(EX_PORTLESS_NAT, "ports of protocols without ports are taken for changed")               \
	F(EX_TIMESTAMP_EVENT, "CTA_TIMESTAMP_EVENT is not known")                                  \
	F(EX_XML_STATE, "XML: states of SCTP and DCCP by TCP's names")                             \
	F(EX_XML_ICMP, "XML: ICMP's type, code and id are not shown")                              \
	F(EX_XML_COUNTERS, "XML: the reply's counters are shown if the original's are present")    \
	F(EX_XML_ESCAPE, "XML: text is not escaped")                                               \
	F(EX_NO_LABELS, "labels without a name print as the bare word")                            \
	F(EX_NO_SECCTX, "a security context without a value prints as (null)")                     \
	F(EX_CUT_LENGTH, "the length of a text that was cut is not the whole text's")              \
	F(EX_EXP_NAT_CLASS_FN, "expectations are built without NAT, class and function")           \
	F(EX_EXP_L3, "a tuple of an expectation is of the layer 3 protocol of another")            \
	F(EX_PADDING, "padding behind what is built is not zeroed")                                \
	F(EX_EXP_FAMILY, "a request's family is that of a tuple that is not present")              \
	F(EX_EXP_FLAGS, "flags of an expectation that have no name print as a blank")              \
	F(EX_EXP_NAT_STACK, "an unknown attribute in an expectation's NAT overwrites the stack")   \
	F(EX_QUERY_SEQ, "queries are not numbered")                                                \
	F(EX_STALE_ANSWER, "what is left of a stopped query answers the next one")                 \
	F(EX_REST_OF_DATAGRAM, "messages behind one whose callback stops are lost")                \
	F(EX_ODD_TYPE, "a message of a type that is not known ends a catch")                       \
	F(EX_FOREIGN_SENDER, "another process's datagram ends a catch")                            \
	F(EX_FILTER_LISTS, "the kernel filter's lists of IPv6 addresses, and long ones of IPv4")   \
	F(EX_FILTER_SEARCH, "the kernel filter looks for an attribute behind the end of its nest")

enum exception {
#define EXCEPTION_ID(id, text) id,
	EXCEPTIONS(EXCEPTION_ID)
#undef EXCEPTION_ID
		EXCEPTION_COUNT
};

/* An episode: its generator, and what is being done, for the report of a difference. */
struct differ {
	struct rng rng;
	uint64_t episode;
	char step[64]; /* what was done last */
	bool differed; /* of this episode's operations, some result differed: its objects may, too
			*/
	bool verbose;
	bool same_library; /* both sides are one: nothing may differ */
	const char *tmp; /* a folder of the run's own */
};

/* Names the operation that comes next; printed when the run is verbose. */
void differ_step(struct differ *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Reports a difference in *what*; the first of a name is kept with its details. */
void differ_report(struct differ *, const char *what, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* An expected difference was seen. */
void differ_except(struct differ *, enum exception);

/*
 * Prints what differed and which exceptions were seen; true if all is as it should be. whole: every
 * exception should have been seen.
 */
bool differ_summary(bool whole);

/* Each compares what both sides gave and reports a difference under that name: false. */
bool same_int(struct differ *, const char *what, const long value[SIDES]);
/* Also errno, where both are -1. */
bool same_failure(struct differ *, const char *what, const long value[SIDES]);
bool same_text(struct differ *, const char *what, const char *const text[SIDES]);
bool same_bytes(
	struct differ *, const char *what, const void *const data[SIDES], const size_t len[SIDES]);

/* Randomness */

static inline uint32_t below(struct differ *d, uint32_t bound)
{
	return rng_below(&d->rng, bound);
}

static inline bool one_in(struct differ *d, uint32_t n)
{
	return rng_chance(&d->rng, 1, n);
}

/* Numbers that are small, have few bits, or are anything. */
uint64_t random_number(struct differ *);
void random_bytes(struct differ *, void *buf, size_t len);

/* The kinds of episodes. */
void episode_ct(struct differ *);
void episode_exp(struct differ *);
void episode_bitmask(struct differ *);
void episode_labelmap(struct differ *);
void episode_filter(struct differ *);
void episode_filter_dump(struct differ *);
void episode_handle(struct differ *);

#endif
