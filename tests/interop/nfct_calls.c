/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program as one is built against Debian's libnetfilter_conntrack: it calls every function that
 * its headers declare and prints what comes of it. test_nfct_abi.py runs it on either library, in a
 * network namespace of its own whose table is empty.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>

enum { MESSAGE_BYTES = 4096, TEXT_BYTES = 1024 };

static char text[TEXT_BYTES];
static union {
	struct nlmsghdr nlh;
	char bytes[MESSAGE_BYTES];
} message;

static void tell(const char *what, long result)
{
	printf("%-28s %ld", what, result);
	if (result == -1)
		printf(" %s", strerror(errno));
	putchar('\n');
}

#define TELL(call) tell(#call, (long)(call))

static void begin(uint16_t type)
{
	memset(&message, 0, sizeof(message));
	message.nlh.nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg));
	message.nlh.nlmsg_type = type;
	((struct nfgenmsg *)NLMSG_DATA(&message.nlh))->nfgen_family = AF_INET;
}

static void tell_message(void)
{
	const unsigned char *bytes = (const unsigned char *)&message;

	for (unsigned i = 0; i < message.nlh.nlmsg_len; i++)
		printf("%02x%s", bytes[i], i % 32 == 31 ? "\n" : "");
	putchar('\n');
}

static struct nf_conntrack *connection(void)
{
	struct nf_conntrack *ct = nfct_new();
	uint32_t dst = htonl(0x0a000002);

	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_TCP);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, htonl(0x0a000001));
	nfct_set_attr(ct, ATTR_IPV4_DST, &dst);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(1025));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(80));
	nfct_set_attr_u8(ct, ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, 100);
	nfct_set_attr_u32(ct, ATTR_MARK, 7);
	tell("nfct_setobjopt", nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY));
	return ct;
}

static void call_attributes(struct nf_conntrack *ct)
{
	static const enum nf_conntrack_attr ids[] = {ATTR_MARK, ATTR_TIMEOUT};
	struct nfct_attr_grp_port port = {0, 0};
	struct nf_conntrack *other = nfct_clone(ct);

	nfct_set_attr_u64(other, ATTR_DCCP_HANDSHAKE_SEQ, 1);
	nfct_set_attr_l(other, ATTR_HELPER_INFO, "info", 4);
	TELL(nfct_get_attr_u64(other, ATTR_DCCP_HANDSHAKE_SEQ));
	TELL(nfct_get_attr_u8(ct, ATTR_TCP_STATE));
	TELL(nfct_get_attr_u16(ct, ATTR_PORT_DST));
	TELL(nfct_get_attr_u32(ct, ATTR_MARK));
	TELL(nfct_get_attr(ct, ATTR_ZONE) == NULL);
	TELL(nfct_attr_is_set(ct, ATTR_MARK));
	TELL(nfct_attr_is_set_array(ct, ids, 2));
	TELL(nfct_attr_unset(other, ATTR_MARK));
	TELL(nfct_attr_is_set_array(other, ids, 2));
	TELL(nfct_get_attr_grp(ct, ATTR_GRP_REPL_PORT, &port));
	TELL(port.sport);
	port.sport = htons(8080);
	nfct_set_attr_grp(other, ATTR_GRP_REPL_PORT, &port);
	TELL(nfct_attr_grp_is_set(other, ATTR_GRP_REPL_PORT));
	TELL(nfct_getobjopt(other, NFCT_GOPT_IS_DPAT));
	TELL(nfct_cmp(ct, other, NFCT_CMP_ALL | NFCT_CMP_MASK));
	TELL(nfct_compare(ct, other));
	nfct_copy_attr(other, ct, ATTR_MARK);
	nfct_copy(other, ct, NFCT_CP_ORIG | NFCT_CP_REPL);
	TELL(nfct_cmp(ct, other, NFCT_CMP_ALL | NFCT_CMP_MASK));
	TELL(nfct_attr_grp_unset(other, ATTR_GRP_REPL_PORT));
	TELL(nfct_sizeof(ct) == nfct_maxsize());
	nfct_destroy(other);
}

static void call_messages(const struct nf_conntrack *ct)
{
	static char handle; /* is not looked at */
	struct nfnl_subsys_handle *ssh = (void *)&handle;
	struct nf_conntrack *parsed = nfct_new();
	struct nfct_filter_dump *filter = nfct_filter_dump_create();
	struct nfct_filter_dump_mark mark = {1, 3};

	begin(CONNTRACK << 8);
	TELL(nfct_nlmsg_build(&message.nlh, ct));
	tell_message();
	TELL(nfct_nlmsg_parse(&message.nlh, parsed));
	TELL(nfct_snprintf(text, sizeof(text), parsed, NFCT_T_NEW, NFCT_O_PLAIN, 0));
	puts(text);
	TELL(nfct_parse_conntrack(NFCT_T_ALL, &message.nlh, parsed));
	TELL(nfct_payload_parse((char *)&message + NLMSG_LENGTH(sizeof(struct nfgenmsg)),
		message.nlh.nlmsg_len - NLMSG_LENGTH(sizeof(struct nfgenmsg)), AF_INET, parsed));
	TELL(nfct_cmp(ct, parsed, NFCT_CMP_ALL | NFCT_CMP_MASK));
	TELL(nfct_build_conntrack(ssh, &message, sizeof(message), CONNTRACK << 8, NLM_F_ACK, ct));
	tell_message();
	TELL(nfct_build_query(ssh, NFCT_Q_GET, ct, &message, sizeof(message)));
	tell_message();
	nfct_filter_dump_set_attr(filter, NFCT_FILTER_DUMP_MARK, &mark);
	nfct_filter_dump_set_attr_u8(filter, NFCT_FILTER_DUMP_L3NUM, AF_INET6);
	begin(CONNTRACK << 8);
	TELL(nfct_nlmsg_build_filter(&message.nlh, filter));
	tell_message();
	nfct_filter_dump_destroy(filter);
	nfct_destroy(parsed);
}

static void call_labels(struct nf_conntrack *ct, const char *path)
{
	struct nfct_bitmask *bits = nfct_bitmask_new(63), *copy;
	struct nfct_labelmap *map;
	FILE *f = fopen(path, "w");

	if (!f || fputs("1 one\n5 five\n", f) < 0 || fclose(f) != 0)
		exit(1);
	map = nfct_labelmap_new(path);
	TELL(nfct_labelmap_get_bit(map, "five"));
	puts(nfct_labelmap_get_name(map, 1));
	puts(nfct_labels_get_path());
	nfct_bitmask_set_bit(bits, 5);
	nfct_bitmask_set_bit(bits, 9);
	nfct_bitmask_unset_bit(bits, 9);
	TELL(nfct_bitmask_maxbit(bits));
	TELL(nfct_bitmask_test_bit(bits, 5));
	copy = nfct_bitmask_clone(bits);
	TELL(nfct_bitmask_equal(bits, copy));
	nfct_bitmask_clear(copy);
	TELL(nfct_bitmask_equal(bits, copy));
	nfct_bitmask_destroy(copy);
	nfct_set_attr(ct, ATTR_CONNLABELS, bits);
	TELL(nfct_snprintf_labels(
		text, sizeof(text), ct, NFCT_T_UPDATE, NFCT_O_XML, NFCT_OF_ID, map));
	puts(text);
	nfct_labelmap_destroy(map);
}

static void call_filter(void)
{
	struct nfct_filter *filter = nfct_filter_create();
	struct nfct_filter_ipv4 local = {.addr = 0x7f000001, .mask = 0xffffffff};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	nfct_filter_add_attr_u32(filter, NFCT_FILTER_L4PROTO, IPPROTO_TCP);
	nfct_filter_add_attr(filter, NFCT_FILTER_SRC_IPV4, &local);
	TELL(nfct_filter_set_logic(filter, NFCT_FILTER_SRC_IPV4, NFCT_FILTER_LOGIC_NEGATIVE));
	TELL(nfct_filter_set_logic(filter, NFCT_FILTER_SRC_IPV4, NFCT_FILTER_LOGIC_NEGATIVE));
	TELL(nfct_filter_attach(fd, filter));
	TELL(nfct_filter_detach(fd));
	TELL(nfct_filter_detach(fd));
	nfct_filter_destroy(filter);
	close(fd);
}

static int on_connection(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *data)
{
	printf("callback %d, mark %u, %s\n", type, nfct_get_attr_u32(ct, ATTR_MARK), (char *)data);
	return NFCT_CB_CONTINUE;
}

static int on_connection2(const struct nlmsghdr *nlh, enum nf_conntrack_msg_type type,
	struct nf_conntrack *ct, void *data)
{
	printf("of type 0x%x: ", nlh->nlmsg_type);
	return on_connection(type, ct, data);
}

static void call_handle(struct nf_conntrack *ct)
{
	struct nfct_handle *h = nfct_open(CONNTRACK, 0);
	uint32_t family = AF_UNSPEC;

	TELL(nfct_fd(h) >= 0);
	TELL(nfct_nfnlh(h) != NULL);
	TELL(nfct_callback_register(h, NFCT_T_ALL, on_connection, "first"));
	TELL(nfct_query(h, NFCT_Q_GET, ct));
	TELL(nfct_query(h, NFCT_Q_CREATE, ct));
	TELL(nfct_query(h, NFCT_Q_CREATE, ct));
	TELL(nfct_query(h, NFCT_Q_GET, ct));
	nfct_callback_unregister(h);
	TELL(nfct_callback_register2(h, NFCT_T_ALL, on_connection2, "second"));
	TELL(nfct_query(h, NFCT_Q_DUMP, &family));
	nfct_callback_unregister2(h);
	TELL(nfct_send(h, NFCT_Q_DESTROY, ct));
	TELL(nfct_catch(h));
	TELL(nfct_query(h, NFCT_Q_DESTROY, ct));
	TELL(nfct_close(h));
	h = nfct_open_nfnl(nfnl_open(), CONNTRACK, 0);
	TELL(nfct_query(h, NFCT_Q_FLUSH, &family));
	TELL(nfct_close(h));
}

static int on_expectation(enum nf_conntrack_msg_type type, struct nf_expect *exp, void *data)
{
	(void)exp;
	printf("callback %d, %s\n", type, (char *)data);
	return NFCT_CB_CONTINUE;
}

static int on_expectation2(const struct nlmsghdr *nlh, enum nf_conntrack_msg_type type,
	struct nf_expect *exp, void *data)
{
	(void)nlh;
	return on_expectation(type, exp, data);
}

static struct nf_expect *expectation(const struct nf_conntrack *ct)
{
	struct nf_expect *exp = nfexp_new();
	uint32_t timeout = 30;

	nfexp_set_attr(exp, ATTR_EXP_MASTER, ct);
	nfexp_set_attr(exp, ATTR_EXP_EXPECTED, ct);
	nfexp_set_attr(exp, ATTR_EXP_MASK, ct);
	nfexp_set_attr(exp, ATTR_EXP_TIMEOUT, &timeout);
	nfexp_set_attr_u8(exp, ATTR_EXP_MAX, 1); /* which there is not */
	nfexp_set_attr_u16(exp, ATTR_EXP_ZONE, 3);
	nfexp_set_attr_u32(exp, ATTR_EXP_FLAGS, NF_CT_EXPECT_PERMANENT);
	return exp;
}

static void call_expectation(struct nf_expect *exp)
{
	static char handle;
	struct nfnl_subsys_handle *ssh = (void *)&handle;
	struct nf_expect *other = nfexp_clone(exp);

	TELL(nfexp_attr_is_set(exp, ATTR_EXP_ZONE));
	TELL(nfexp_get_attr_u8(exp, ATTR_EXP_ZONE));
	TELL(nfexp_get_attr_u16(exp, ATTR_EXP_ZONE));
	TELL(nfexp_get_attr_u32(exp, ATTR_EXP_TIMEOUT));
	TELL(nfct_get_attr_u16(nfexp_get_attr(exp, ATTR_EXP_MASTER), ATTR_PORT_DST));
	TELL(nfexp_attr_unset(other, ATTR_EXP_ZONE));
	TELL(nfexp_cmp(exp, other, NFCT_CMP_STRICT));
	TELL(nfexp_sizeof(exp) == nfexp_maxsize());
	TELL(nfexp_snprintf(text, sizeof(text), exp, NFCT_T_NEW, NFCT_O_PLAIN, 0));
	puts(text);
	begin(EXPECT << 8);
	TELL(nfexp_nlmsg_build(&message.nlh, exp));
	tell_message();
	TELL(nfexp_nlmsg_parse(&message.nlh, other));
	TELL(nfexp_parse_expect(NFCT_T_ALL, &message.nlh, other));
	TELL(nfexp_cmp(exp, other, NFCT_CMP_STRICT));
	TELL(nfexp_build_expect(ssh, &message, sizeof(message), EXPECT << 8, NLM_F_ACK, exp));
	tell_message();
	TELL(nfexp_build_query(ssh, NFCT_Q_GET, exp, &message, sizeof(message)));
	tell_message();
	nfexp_destroy(other);
}

static void call_expectation_handle(struct nf_expect *exp)
{
	struct nfct_handle *h = nfct_open(EXPECT, 0);
	uint32_t family = AF_INET;

	TELL(nfexp_callback_register(h, NFCT_T_ALL, on_expectation, "first"));
	TELL(nfexp_query(h, NFCT_Q_GET, exp));
	nfexp_callback_unregister(h);
	TELL(nfexp_callback_register2(h, NFCT_T_ALL, on_expectation2, "second"));
	TELL(nfexp_query(h, NFCT_Q_DUMP, &family));
	nfexp_callback_unregister2(h);
	TELL(nfexp_send(h, NFCT_Q_FLUSH, &family));
	TELL(nfexp_catch(h));
	TELL(nfct_close(h));
}

int main(int argc, char **argv)
{
	struct nf_conntrack *ct = connection();
	struct nf_expect *exp = expectation(ct);

	if (argc != 2)
		return 2;
	call_attributes(ct);
	call_messages(ct);
	call_filter();
	call_handle(ct);
	call_expectation(exp);
	call_expectation_handle(exp);
	call_labels(ct, argv[1]);
	nfexp_destroy(exp);
	nfct_destroy(ct);
	return 0;
}
