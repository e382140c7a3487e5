/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIBNETFILTER_CONNTRACK_H
#define LIBNETFILTER_CONNTRACK_H

/*
 * The user-space library for the kernel's connection tracking system. What each function takes,
 * returns and refuses is said at its definition, from where the reference is generated
 * (`make doc`); libnetfilter_conntrack(3) is the way in.
 *
 * No function keeps state outside the objects it is given: objects and handles may be used in
 * several threads, each of them by one at a time.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <libnfnetlink/linux_nfnetlink.h>

#include <libnfnetlink/libnfnetlink.h>

#include <libnetfilter_conntrack/linux_nf_conntrack_common.h>
#include <libnetfilter_conntrack/linux_nfnetlink_conntrack.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nf_conntrack; /* a connection */
struct nf_expect; /* an expectation: a connection that a helper foresees */
struct nfct_handle; /* a netlink socket to the kernel's table */
struct nfct_bitmask; /* labels of a connection */
struct nfct_labelmap; /* names of labels */
struct nfct_filter; /* which events the kernel shall deliver */
struct nfct_filter_dump; /* which entries it shall dump or flush */

/* Attributes of a connection */

enum nf_conntrack_attr {
	ATTR_ORIG_IPV4_SRC = 0, /* u32, network order */
	ATTR_IPV4_SRC = ATTR_ORIG_IPV4_SRC,
	ATTR_ORIG_IPV4_DST = 1, /* u32, network order */
	ATTR_IPV4_DST = ATTR_ORIG_IPV4_DST,
	ATTR_REPL_IPV4_SRC = 2, /* u32, network order */
	ATTR_REPL_IPV4_DST = 3, /* u32, network order */
	ATTR_ORIG_IPV6_SRC = 4, /* 16 bytes */
	ATTR_IPV6_SRC = ATTR_ORIG_IPV6_SRC,
	ATTR_ORIG_IPV6_DST = 5, /* 16 bytes */
	ATTR_IPV6_DST = ATTR_ORIG_IPV6_DST,
	ATTR_REPL_IPV6_SRC = 6, /* 16 bytes */
	ATTR_REPL_IPV6_DST = 7, /* 16 bytes */
	ATTR_ORIG_PORT_SRC = 8, /* u16, network order; GRE: the key */
	ATTR_PORT_SRC = ATTR_ORIG_PORT_SRC,
	ATTR_ORIG_PORT_DST = 9, /* u16, network order; GRE: the key */
	ATTR_PORT_DST = ATTR_ORIG_PORT_DST,
	ATTR_REPL_PORT_SRC = 10, /* u16, network order */
	ATTR_REPL_PORT_DST = 11, /* u16, network order */
	ATTR_ICMP_TYPE = 12, /* u8; the reply's follows, so set L3PROTO first */
	ATTR_ICMP_CODE = 13, /* u8 */
	ATTR_ICMP_ID = 14, /* u16, network order */
	ATTR_ORIG_L3PROTO = 15, /* u8, AF_INET or AF_INET6 */
	ATTR_L3PROTO = ATTR_ORIG_L3PROTO,
	ATTR_REPL_L3PROTO = 16, /* u8 */
	ATTR_ORIG_L4PROTO = 17, /* u8, IPPROTO_* */
	ATTR_L4PROTO = ATTR_ORIG_L4PROTO,
	ATTR_REPL_L4PROTO = 18, /* u8 */
	ATTR_TCP_STATE = 19, /* u8, enum tcp_state */
	ATTR_SNAT_IPV4 = 20, /* u32, network order; wanted, never reported */
	ATTR_DNAT_IPV4 = 21, /* u32, network order; wanted, never reported */
	ATTR_SNAT_PORT = 22, /* u16, network order; wanted, never reported */
	ATTR_DNAT_PORT = 23, /* u16, network order; wanted, never reported */
	ATTR_TIMEOUT = 24, /* u32 [s] */
	ATTR_MARK = 25, /* u32 */
	ATTR_ORIG_COUNTER_PACKETS = 26, /* u64, read-only */
	ATTR_REPL_COUNTER_PACKETS = 27, /* u64, read-only */
	ATTR_ORIG_COUNTER_BYTES = 28, /* u64, read-only */
	ATTR_REPL_COUNTER_BYTES = 29, /* u64, read-only */
	ATTR_USE = 30, /* u32, read-only */
	ATTR_ID = 31, /* u32 */
	ATTR_STATUS = 32, /* u32, IPS_* */
	ATTR_TCP_FLAGS_ORIG = 33, /* u8, IP_CT_TCP_FLAG_*; built only together with its mask */
	ATTR_TCP_FLAGS_REPL = 34, /* u8 */
	ATTR_TCP_MASK_ORIG = 35, /* u8 */
	ATTR_TCP_MASK_REPL = 36, /* u8 */
	ATTR_MASTER_IPV4_SRC = 37, /* u32, network order */
	ATTR_MASTER_IPV4_DST = 38, /* u32, network order */
	ATTR_MASTER_IPV6_SRC = 39, /* 16 bytes */
	ATTR_MASTER_IPV6_DST = 40, /* 16 bytes */
	ATTR_MASTER_PORT_SRC = 41, /* u16, network order */
	ATTR_MASTER_PORT_DST = 42, /* u16, network order */
	ATTR_MASTER_L3PROTO = 43, /* u8; without it the master is not built */
	ATTR_MASTER_L4PROTO = 44, /* u8 */
	ATTR_SECMARK = 45, /* u32 */
	ATTR_ORIG_NAT_SEQ_CORRECTION_POS = 46, /* u32; built only with the other two */
	ATTR_ORIG_NAT_SEQ_OFFSET_BEFORE = 47, /* u32 */
	ATTR_ORIG_NAT_SEQ_OFFSET_AFTER = 48, /* u32 */
	ATTR_REPL_NAT_SEQ_CORRECTION_POS = 49, /* u32 */
	ATTR_REPL_NAT_SEQ_OFFSET_BEFORE = 50, /* u32 */
	ATTR_REPL_NAT_SEQ_OFFSET_AFTER = 51, /* u32 */
	ATTR_SCTP_STATE = 52, /* u8, enum sctp_state */
	ATTR_SCTP_VTAG_ORIG = 53, /* u32 */
	ATTR_SCTP_VTAG_REPL = 54, /* u32 */
	ATTR_HELPER_NAME = 55, /* text, 15 characters at most */
	ATTR_DCCP_STATE = 56, /* u8, enum dccp_state */
	ATTR_DCCP_ROLE = 57, /* u8, enum dccp_roles */
	ATTR_DCCP_HANDSHAKE_SEQ = 58, /* u64 */
	ATTR_TCP_WSCALE_ORIG = 59, /* u8 */
	ATTR_TCP_WSCALE_REPL = 60, /* u8 */
	ATTR_ZONE = 61, /* u16 */
	ATTR_SECCTX = 62, /* text, read-only */
	ATTR_TIMESTAMP_START = 63, /* u64 [ns since the epoch], read-only */
	ATTR_TIMESTAMP_STOP = 64, /* u64 [ns since the epoch], read-only */
	ATTR_HELPER_INFO = 65, /* bytes, for nfct_set_attr_l(); built only with HELPER_NAME */
	ATTR_CONNLABELS = 66, /* struct nfct_bitmask *, which the object then owns */
	ATTR_CONNLABELS_MASK = 67, /* struct nfct_bitmask *, which the object then owns */
	ATTR_ORIG_ZONE = 68, /* u16: of the original direction alone */
	ATTR_REPL_ZONE = 69, /* u16: of the reply direction alone */
	ATTR_SNAT_IPV6 = 70, /* 16 bytes; wanted, never reported */
	ATTR_DNAT_IPV6 = 71, /* 16 bytes; wanted, never reported */
	ATTR_SYNPROXY_ISN = 72, /* u32; built only if all three are set */
	ATTR_SYNPROXY_ITS = 73, /* u32 */
	ATTR_SYNPROXY_TSOFF = 74, /* u32 */
	ATTR_TIMESTAMP_EVENT = 75, /* u64 [ns since the epoch]: when it happened; read-only */
	ATTR_MAX
};

/* Attributes that are set and read together, in the structures below. */
enum nf_conntrack_attr_grp {
	ATTR_GRP_ORIG_IPV4 = 0, /* struct nfct_attr_grp_ipv4; sets L3PROTO, too */
	ATTR_GRP_REPL_IPV4,
	ATTR_GRP_ORIG_IPV6, /* struct nfct_attr_grp_ipv6; sets L3PROTO, too */
	ATTR_GRP_REPL_IPV6,
	ATTR_GRP_ORIG_PORT, /* struct nfct_attr_grp_port */
	ATTR_GRP_REPL_PORT,
	ATTR_GRP_ICMP, /* struct nfct_attr_grp_icmp */
	ATTR_GRP_MASTER_IPV4,
	ATTR_GRP_MASTER_IPV6,
	ATTR_GRP_MASTER_PORT,
	ATTR_GRP_ORIG_COUNTERS, /* struct nfct_attr_grp_ctrs, read-only */
	ATTR_GRP_REPL_COUNTERS,
	ATTR_GRP_ORIG_ADDR_SRC, /* union nfct_attr_grp_addr, read-only */
	ATTR_GRP_ORIG_ADDR_DST,
	ATTR_GRP_REPL_ADDR_SRC,
	ATTR_GRP_REPL_ADDR_DST,
	ATTR_GRP_MAX
};

/* All in network byte order but the counters. */
struct nfct_attr_grp_ipv4 {
	uint32_t src, dst;
};

struct nfct_attr_grp_ipv6 {
	uint32_t src[4], dst[4];
};

struct nfct_attr_grp_port {
	uint16_t sport, dport;
};

struct nfct_attr_grp_icmp {
	uint16_t id;
	uint8_t code, type;
};

struct nfct_attr_grp_ctrs {
	uint64_t packets, bytes;
};

union nfct_attr_grp_addr {
	uint32_t ip;
	uint32_t ip6[4];
	uint32_t addr[4];
};

#define IP_CT_TCP_FLAG_WINDOW_SCALE 0x01
#define IP_CT_TCP_FLAG_SACK_PERM 0x02
#define IP_CT_TCP_FLAG_CLOSE_INIT 0x04
#define IP_CT_TCP_FLAG_BE_LIBERAL 0x08

#define NFCT_DIR_ORIGINAL 0
#define NFCT_DIR_REPLY 1
#define NFCT_DIR_MAX NFCT_DIR_REPLY + 1

#define NFCT_HELPER_NAME_MAX 16

/* Connections */

struct nf_conntrack *nfct_new(void);
void nfct_destroy(struct nf_conntrack *ct);
struct nf_conntrack *nfct_clone(const struct nf_conntrack *ct);
size_t nfct_sizeof(const struct nf_conntrack *ct) __attribute__((deprecated));
size_t nfct_maxsize(void) __attribute__((deprecated));

void nfct_set_attr(
	struct nf_conntrack *ct, const enum nf_conntrack_attr type, const void *value);
void nfct_set_attr_u8(struct nf_conntrack *ct, const enum nf_conntrack_attr type, uint8_t value);
void nfct_set_attr_u16(struct nf_conntrack *ct, const enum nf_conntrack_attr type, uint16_t value);
void nfct_set_attr_u32(struct nf_conntrack *ct, const enum nf_conntrack_attr type, uint32_t value);
void nfct_set_attr_u64(struct nf_conntrack *ct, const enum nf_conntrack_attr type, uint64_t value);
void nfct_set_attr_l(struct nf_conntrack *ct, const enum nf_conntrack_attr type, const void *value,
	size_t len);
const void *nfct_get_attr(const struct nf_conntrack *ct, const enum nf_conntrack_attr type);
uint8_t nfct_get_attr_u8(const struct nf_conntrack *ct, const enum nf_conntrack_attr type);
uint16_t nfct_get_attr_u16(const struct nf_conntrack *ct, const enum nf_conntrack_attr type);
uint32_t nfct_get_attr_u32(const struct nf_conntrack *ct, const enum nf_conntrack_attr type);
uint64_t nfct_get_attr_u64(const struct nf_conntrack *ct, const enum nf_conntrack_attr type);
int nfct_attr_is_set(const struct nf_conntrack *ct, const enum nf_conntrack_attr type);
int nfct_attr_is_set_array(
	const struct nf_conntrack *ct, const enum nf_conntrack_attr *type_array, int size);
int nfct_attr_unset(struct nf_conntrack *ct, const enum nf_conntrack_attr type);

void nfct_set_attr_grp(
	struct nf_conntrack *ct, const enum nf_conntrack_attr_grp type, const void *value);
int nfct_get_attr_grp(
	const struct nf_conntrack *ct, const enum nf_conntrack_attr_grp type, void *data);
int nfct_attr_grp_is_set(const struct nf_conntrack *ct, const enum nf_conntrack_attr_grp type);
int nfct_attr_grp_unset(struct nf_conntrack *ct, const enum nf_conntrack_attr_grp type);

/* Options of nfct_setobjopt(): tuples made from each other. */
enum {
	NFCT_SOPT_UNDO_SNAT,
	NFCT_SOPT_UNDO_DNAT,
	NFCT_SOPT_UNDO_SPAT,
	NFCT_SOPT_UNDO_DPAT,
	NFCT_SOPT_SETUP_ORIGINAL,
	NFCT_SOPT_SETUP_REPLY,
	__NFCT_SOPT_MAX,
};
#define NFCT_SOPT_MAX (__NFCT_SOPT_MAX - 1)

/* Options of nfct_getobjopt(): is it mapped? */
enum {
	NFCT_GOPT_IS_SNAT,
	NFCT_GOPT_IS_DNAT,
	NFCT_GOPT_IS_SPAT,
	NFCT_GOPT_IS_DPAT,
	__NFCT_GOPT_MAX,
};
#define NFCT_GOPT_MAX (__NFCT_GOPT_MAX - 1)

int nfct_setobjopt(struct nf_conntrack *ct, unsigned int option);
int nfct_getobjopt(const struct nf_conntrack *ct, unsigned int option);

enum {
	NFCT_CMP_ALL = 0,
	NFCT_CMP_ORIG = 1 << 0,
	NFCT_CMP_REPL = 1 << 1,
	NFCT_CMP_TIMEOUT_EQ = 1 << 2,
	NFCT_CMP_TIMEOUT_GT = 1 << 3,
	NFCT_CMP_TIMEOUT_GE = NFCT_CMP_TIMEOUT_EQ | NFCT_CMP_TIMEOUT_GT,
	NFCT_CMP_TIMEOUT_LT = 1 << 4,
	NFCT_CMP_TIMEOUT_LE = NFCT_CMP_TIMEOUT_EQ | NFCT_CMP_TIMEOUT_LT,
	NFCT_CMP_MASK = 1 << 5, /* what ct1 has, ct2 must have */
	NFCT_CMP_STRICT = 1 << 6, /* both must have the same */
};

int nfct_cmp(
	const struct nf_conntrack *ct1, const struct nf_conntrack *ct2, unsigned int flags);
int nfct_compare(const struct nf_conntrack *ct1, const struct nf_conntrack *ct2);

enum {
	NFCT_CP_ALL = 0,
	NFCT_CP_ORIG = 1 << 0,
	NFCT_CP_REPL = 1 << 1,
	NFCT_CP_META = 1 << 2,
	NFCT_CP_OVERRIDE = 1 << 3, /* what only dest has goes */
};

void nfct_copy(
	struct nf_conntrack *dest, const struct nf_conntrack *source, unsigned int flags);
void nfct_copy_attr(struct nf_conntrack *ct1, const struct nf_conntrack *ct2,
	const enum nf_conntrack_attr type);

/* Labels */

struct nfct_bitmask *nfct_bitmask_new(unsigned int maxbit);
struct nfct_bitmask *nfct_bitmask_clone(const struct nfct_bitmask *);
unsigned int nfct_bitmask_maxbit(const struct nfct_bitmask *);
void nfct_bitmask_set_bit(struct nfct_bitmask *, unsigned int bit);
int nfct_bitmask_test_bit(const struct nfct_bitmask *, unsigned int bit);
void nfct_bitmask_unset_bit(struct nfct_bitmask *, unsigned int bit);
void nfct_bitmask_destroy(struct nfct_bitmask *);
void nfct_bitmask_clear(struct nfct_bitmask *);
bool nfct_bitmask_equal(const struct nfct_bitmask *, const struct nfct_bitmask *);

const char *nfct_labels_get_path(void);
struct nfct_labelmap *nfct_labelmap_new(const char *mapfile);
void nfct_labelmap_destroy(struct nfct_labelmap *map);
const char *nfct_labelmap_get_name(struct nfct_labelmap *m, unsigned int bit);
int nfct_labelmap_get_bit(struct nfct_labelmap *m, const char *name);

/* Text */

enum {
	NFCT_O_PLAIN,
	NFCT_O_DEFAULT = NFCT_O_PLAIN,
	NFCT_O_XML,
	NFCT_O_MAX
};

enum {
	NFCT_OF_SHOW_LAYER3_BIT = 0,
	NFCT_OF_SHOW_LAYER3 = 1 << NFCT_OF_SHOW_LAYER3_BIT,
	NFCT_OF_TIME_BIT = 1,
	NFCT_OF_TIME = 1 << NFCT_OF_TIME_BIT,
	NFCT_OF_ID_BIT = 2,
	NFCT_OF_ID = 1 << NFCT_OF_ID_BIT,
	NFCT_OF_TIMESTAMP_BIT = 3,
	NFCT_OF_TIMESTAMP = 1 << NFCT_OF_TIMESTAMP_BIT,
};

int nfct_snprintf(char *buf, unsigned int size, const struct nf_conntrack *ct,
	const unsigned int msg_type, const unsigned int out_type, const unsigned int out_flags);
int nfct_snprintf_labels(char *buf, unsigned int size, const struct nf_conntrack *ct,
	const unsigned int msg_type, const unsigned int out_type, const unsigned int out_flags,
	struct nfct_labelmap *map);

/* Netlink messages, for programs that bring their own socket */

int nfct_nlmsg_build(struct nlmsghdr *nlh, const struct nf_conntrack *ct);
int nfct_nlmsg_build_filter(struct nlmsghdr *nlh, const struct nfct_filter_dump *filter_dump);
int nfct_nlmsg_parse(const struct nlmsghdr *nlh, struct nf_conntrack *ct);
int nfct_payload_parse(
	const void *payload, size_t payload_len, uint16_t l3num, struct nf_conntrack *ct);

/* Handles */

enum {
	CONNTRACK = NFNL_SUBSYS_CTNETLINK,
	EXPECT = NFNL_SUBSYS_CTNETLINK_EXP
};

#define NFCT_ALL_CT_GROUPS                                                                         \
	(NF_NETLINK_CONNTRACK_NEW | NF_NETLINK_CONNTRACK_UPDATE | NF_NETLINK_CONNTRACK_DESTROY)

struct nfct_handle *nfct_open(uint8_t subsys_id, unsigned int subscriptions);
struct nfct_handle *nfct_open_nfnl(
	struct nfnl_handle *nfnlh, uint8_t subsys_id, unsigned int subscriptions);
int nfct_close(struct nfct_handle *cth);
int nfct_fd(struct nfct_handle *cth);
const struct nfnl_handle *nfct_nfnlh(struct nfct_handle *cth);

enum nf_conntrack_msg_type {
	NFCT_T_UNKNOWN = 0,
	NFCT_T_NEW_BIT = 0,
	NFCT_T_NEW = 1 << NFCT_T_NEW_BIT,
	NFCT_T_UPDATE_BIT = 1,
	NFCT_T_UPDATE = 1 << NFCT_T_UPDATE_BIT, /* answers to dumps and gets, too */
	NFCT_T_DESTROY_BIT = 2,
	NFCT_T_DESTROY = 1 << NFCT_T_DESTROY_BIT,
	NFCT_T_ALL = NFCT_T_NEW | NFCT_T_UPDATE | NFCT_T_DESTROY,
	NFCT_T_ERROR_BIT = 31,
	NFCT_T_ERROR = (1 << NFCT_T_ERROR_BIT),
};

/* What a callback returns. */
enum {
	NFCT_CB_FAILURE = -1, /* the query or catch ends with -1 */
	NFCT_CB_STOP = 0, /* it ends with 0 */
	NFCT_CB_CONTINUE = 1,
	NFCT_CB_STOLEN = 2, /* continue; the object is the callback's now */
};

int nfct_callback_register(struct nfct_handle *h, enum nf_conntrack_msg_type type,
	int (*cb)(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *data),
	void *data);
void nfct_callback_unregister(struct nfct_handle *h);
int nfct_callback_register2(struct nfct_handle *h, enum nf_conntrack_msg_type type,
	int (*cb)(const struct nlmsghdr *nlh, enum nf_conntrack_msg_type type,
		struct nf_conntrack *ct, void *data),
	void *data);
void nfct_callback_unregister2(struct nfct_handle *h);

enum nf_conntrack_query {
	NFCT_Q_CREATE, /* struct nf_conntrack */
	NFCT_Q_UPDATE, /* struct nf_conntrack */
	NFCT_Q_DESTROY, /* struct nf_conntrack */
	NFCT_Q_GET, /* struct nf_conntrack */
	NFCT_Q_FLUSH, /* uint32_t: family */
	NFCT_Q_DUMP, /* uint32_t: family */
	NFCT_Q_DUMP_RESET, /* uint32_t: family */
	NFCT_Q_CREATE_UPDATE, /* struct nf_conntrack */
	NFCT_Q_DUMP_FILTER, /* struct nfct_filter_dump */
	NFCT_Q_DUMP_FILTER_RESET, /* struct nfct_filter_dump */
	NFCT_Q_FLUSH_FILTER, /* struct nfct_filter_dump or, as ever, uint32_t: family */
};

int nfct_query(struct nfct_handle *h, const enum nf_conntrack_query query, const void *data);
int nfct_send(struct nfct_handle *h, const enum nf_conntrack_query query, const void *data);
int nfct_catch(struct nfct_handle *h);

/* Filters of events */

struct nfct_filter_proto {
	uint16_t proto;
	uint16_t state;
};

/* Addresses and masks in host byte order. */
struct nfct_filter_ipv4 {
	uint32_t addr;
	uint32_t mask;
};

struct nfct_filter_ipv6 {
	uint32_t addr[4];
	uint32_t mask[4];
};

enum nfct_filter_attr {
	NFCT_FILTER_L4PROTO = 0, /* uint32_t */
	NFCT_FILTER_L4PROTO_STATE, /* struct nfct_filter_proto */
	NFCT_FILTER_SRC_IPV4, /* struct nfct_filter_ipv4 */
	NFCT_FILTER_DST_IPV4, /* struct nfct_filter_ipv4 */
	NFCT_FILTER_SRC_IPV6, /* struct nfct_filter_ipv6 */
	NFCT_FILTER_DST_IPV6, /* struct nfct_filter_ipv6 */
	NFCT_FILTER_MARK, /* struct nfct_filter_dump_mark */
	NFCT_FILTER_ZONE, /* uint16_t */
	NFCT_FILTER_MAX
};

enum nfct_filter_logic {
	NFCT_FILTER_LOGIC_POSITIVE, /* accept what matches */
	NFCT_FILTER_LOGIC_NEGATIVE, /* reject what matches */
	NFCT_FILTER_LOGIC_MAX
};

struct nfct_filter *nfct_filter_create(void);
void nfct_filter_destroy(struct nfct_filter *filter);
void nfct_filter_add_attr(
	struct nfct_filter *filter, const enum nfct_filter_attr attr, const void *value);
void nfct_filter_add_attr_u32(
	struct nfct_filter *filter, const enum nfct_filter_attr attr, const uint32_t value);
int nfct_filter_set_logic(struct nfct_filter *filter, const enum nfct_filter_attr attr,
	const enum nfct_filter_logic logic);
int nfct_filter_attach(int fd, struct nfct_filter *filter);
int nfct_filter_detach(int fd);

/* Filters of dumps and flushes */

struct nfct_filter_dump_mark {
	uint32_t val;
	uint32_t mask;
};

enum nfct_filter_dump_attr {
	NFCT_FILTER_DUMP_MARK = 0, /* struct nfct_filter_dump_mark */
	NFCT_FILTER_DUMP_L3NUM, /* uint8_t */
	NFCT_FILTER_DUMP_STATUS, /* struct nfct_filter_dump_mark */
	NFCT_FILTER_DUMP_ZONE, /* uint16_t */
	NFCT_FILTER_DUMP_TUPLE, /* struct nf_conntrack: entries whose tuples have what it has */
	NFCT_FILTER_DUMP_MAX
};

struct nfct_filter_dump *nfct_filter_dump_create(void);
void nfct_filter_dump_destroy(struct nfct_filter_dump *filter);
void nfct_filter_dump_set_attr(struct nfct_filter_dump *filter_dump,
	const enum nfct_filter_dump_attr type, const void *data);
void nfct_filter_dump_set_attr_u8(struct nfct_filter_dump *filter_dump,
	const enum nfct_filter_dump_attr type, uint8_t data);
void nfct_filter_dump_set_attr_u16(struct nfct_filter_dump *filter_dump,
	const enum nfct_filter_dump_attr type, uint16_t data);

/* Expectations */

enum nf_expect_attr {
	ATTR_EXP_MASTER = 0, /* struct nf_conntrack, of which the original tuple counts */
	ATTR_EXP_EXPECTED, /* struct nf_conntrack, likewise */
	ATTR_EXP_MASK, /* struct nf_conntrack, likewise */
	ATTR_EXP_TIMEOUT, /* u32 [s] */
	ATTR_EXP_ZONE, /* u16 */
	ATTR_EXP_FLAGS, /* u32, NF_CT_EXPECT_* */
	ATTR_EXP_HELPER_NAME, /* text, 15 characters at most */
	ATTR_EXP_CLASS, /* u32 */
	ATTR_EXP_NAT_TUPLE, /* struct nf_conntrack, of which the original tuple counts */
	ATTR_EXP_NAT_DIR, /* u32 */
	ATTR_EXP_FN, /* text, 23 characters at most */
	ATTR_EXP_MAX
};

struct nf_expect *nfexp_new(void);
void nfexp_destroy(struct nf_expect *exp);
struct nf_expect *nfexp_clone(const struct nf_expect *exp);
size_t nfexp_sizeof(const struct nf_expect *exp);
size_t nfexp_maxsize(void);

void nfexp_set_attr(struct nf_expect *exp, const enum nf_expect_attr type, const void *value);
void nfexp_set_attr_u8(struct nf_expect *exp, const enum nf_expect_attr type, uint8_t value);
void nfexp_set_attr_u16(struct nf_expect *exp, const enum nf_expect_attr type, uint16_t value);
void nfexp_set_attr_u32(struct nf_expect *exp, const enum nf_expect_attr type, uint32_t value);
const void *nfexp_get_attr(const struct nf_expect *exp, const enum nf_expect_attr type);
uint8_t nfexp_get_attr_u8(const struct nf_expect *exp, const enum nf_expect_attr type);
uint16_t nfexp_get_attr_u16(const struct nf_expect *exp, const enum nf_expect_attr type);
uint32_t nfexp_get_attr_u32(const struct nf_expect *exp, const enum nf_expect_attr type);
int nfexp_attr_is_set(const struct nf_expect *exp, const enum nf_expect_attr type);
int nfexp_attr_unset(struct nf_expect *exp, const enum nf_expect_attr type);

int nfexp_cmp(const struct nf_expect *exp1, const struct nf_expect *exp2, unsigned int flags);
int nfexp_snprintf(char *buf, unsigned int size, const struct nf_expect *exp,
	const unsigned int msg_type, const unsigned int out_type, const unsigned int out_flags);

int nfexp_nlmsg_build(struct nlmsghdr *nlh, const struct nf_expect *exp);
int nfexp_nlmsg_parse(const struct nlmsghdr *nlh, struct nf_expect *exp);

int nfexp_callback_register(struct nfct_handle *h, enum nf_conntrack_msg_type type,
	int (*cb)(enum nf_conntrack_msg_type type, struct nf_expect *exp, void *data),
	void *data);
void nfexp_callback_unregister(struct nfct_handle *h);
int nfexp_callback_register2(struct nfct_handle *h, enum nf_conntrack_msg_type type,
	int (*cb)(const struct nlmsghdr *nlh, enum nf_conntrack_msg_type type,
		struct nf_expect *exp, void *data),
	void *data);
void nfexp_callback_unregister2(struct nfct_handle *h);

/* CREATE, CREATE_UPDATE, GET, DESTROY take a struct nf_expect; FLUSH, DUMP a uint32_t: family. */
int nfexp_query(struct nfct_handle *h, const enum nf_conntrack_query qt, const void *data);
int nfexp_send(struct nfct_handle *h, const enum nf_conntrack_query qt, const void *data);
int nfexp_catch(struct nfct_handle *h);

/* The older way to build and parse whole messages; new programs use nf*_nlmsg_*(). */

int nfct_build_conntrack(struct nfnl_subsys_handle *ssh, void *req, size_t size, uint16_t type,
	uint16_t flags, const struct nf_conntrack *ct) __attribute__((deprecated));
int nfct_parse_conntrack(enum nf_conntrack_msg_type msg, const struct nlmsghdr *nlh,
	struct nf_conntrack *ct) __attribute__((deprecated));
int nfct_build_query(struct nfnl_subsys_handle *ssh, const enum nf_conntrack_query query,
	const void *data, void *req, unsigned int size) __attribute__((deprecated));
int nfexp_build_expect(struct nfnl_subsys_handle *ssh, void *req, size_t size, uint16_t type,
	uint16_t flags, const struct nf_expect *exp) __attribute__((deprecated));
int nfexp_parse_expect(enum nf_conntrack_msg_type type, const struct nlmsghdr *nlh,
	struct nf_expect *exp) __attribute__((deprecated));
int nfexp_build_query(struct nfnl_subsys_handle *ssh, const enum nf_conntrack_query qt,
	const void *data, void *buffer, unsigned int size) __attribute__((deprecated));

#ifdef __cplusplus
}
#endif

#endif
