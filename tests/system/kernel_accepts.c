/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shows on the running kernel each fact that doc/KERNEL.md states about ctnetlink. Needs root; it
 * works in a network namespace of its own. One line per fact, PASS or FAIL, then a summary; exit
 * status 0 if none failed, 1 if some did, 77 without the right to make a namespace.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "tests/system/kernel_lab.h"

static void creation(void)
{
	struct flow f = tcp();

	expect("create", create(&f), 0);
	expect("create with EXCL over an existing entry", create(&f), EEXIST);
	expect("create without EXCL over an existing entry",
		request(&f, NLM_F_CREATE, PARTS_UPDATE), 0);
	f = tcp();
	expect("neither CREATE nor an entry", update(&f), ENOENT);
	flow_mark_unset(&f, FLOW_TIMEOUT);
	expect("create without a timeout", create(&f), EINVAL);
	f = tcp();
	flow_mark_unset(&f, FLOW_REPL_L4PROTO);
	expect("create without a reply tuple", create(&f), EINVAL);
	f = tcp();
	f.timeout = 0;
	expect("create with timeout 0", create(&f), 0);
	fact("an entry of timeout 0 is gone at once", !exists(&f));
	f = tcp_created();
	struct flow other = tcp();

	other.tuple[FLOW_REPL] = f.tuple[FLOW_REPL];
	expect("create with a reply tuple that is taken", create(&other), EEXIST);
}

static void status_at_creation(void)
{
	/* beside CONFIRMED: accepted, and kept or ignored */
	static const struct {
		uint32_t bit;
		int err;
		bool is_kept;
		const char *name;
	} bits[] = {
		{FLOW_STATUS_EXPECTED, EBUSY, false, "EXPECTED"},
		{FLOW_STATUS_SEEN_REPLY, 0, true, "SEEN_REPLY"},
		{FLOW_STATUS_ASSURED, 0, true, "ASSURED"},
		{FLOW_STATUS_SRC_NAT, 0, false, "SRC_NAT"},
		{FLOW_STATUS_DST_NAT, 0, false, "DST_NAT"},
		{FLOW_STATUS_SEQ_ADJUST, 0, false, "SEQ_ADJUST"},
		{FLOW_STATUS_SRC_NAT_DONE, 0, false, "SRC_NAT_DONE"},
		{FLOW_STATUS_DST_NAT_DONE, 0, false, "DST_NAT_DONE"},
		{FLOW_STATUS_DYING, EBUSY, false, "DYING"},
		{FLOW_STATUS_FIXED_TIMEOUT, 0, true, "FIXED_TIMEOUT"},
		{FLOW_STATUS_TEMPLATE, 0, false, "TEMPLATE"},
		{FLOW_STATUS_UNTRACKED, 0, false, "UNTRACKED"},
		{FLOW_STATUS_HELPER, 0, true, "HELPER"},
		{FLOW_STATUS_OFFLOAD, 0, false, "OFFLOAD"},
		{FLOW_STATUS_HW_OFFLOAD, 0, false, "HW_OFFLOAD"},
	};
	struct flow f = tcp();

	flow_mark_unset(&f, FLOW_STATUS);
	expect("create without a status", create(&f), 0);
	fact("an entry created without a status is CONFIRMED",
		get(&f).status == FLOW_STATUS_CONFIRMED);
	f = tcp();
	f.status = FLOW_STATUS_SEEN_REPLY | FLOW_STATUS_ASSURED;
	expect("create with a status that lacks CONFIRMED", create(&f), EBUSY);
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		char text[128];
		uint32_t kept;

		f = tcp();
		f.status = FLOW_STATUS_CONFIRMED | bits[i].bit;
		snprintf(text, sizeof(text), "create with status %s", bits[i].name);
		expect(text, create(&f), bits[i].err);
		kept = get(&f).status & bits[i].bit;
		snprintf(text, sizeof(text), "%s is %s", bits[i].name,
			bits[i].is_kept ? "kept" : "not set");
		if (bits[i].err == 0)
			fact(text, !kept == !bits[i].is_kept);
	}
}

static void status_at_update(void)
{
	struct flow f = tcp_created(), g = f;

	g.status = SETTLED & ~FLOW_STATUS_SEEN_REPLY;
	expect("update clears SEEN_REPLY", update(&g), EBUSY);
	g.status = SETTLED & ~FLOW_STATUS_ASSURED;
	expect("update clears ASSURED", update(&g), EBUSY);
	g.status = SETTLED & ~FLOW_STATUS_CONFIRMED;
	expect("update with a status that lacks CONFIRMED", update(&g), EBUSY);
	g.status = SETTLED | FLOW_STATUS_EXPECTED;
	expect("update sets EXPECTED", update(&g), EBUSY);
	g.status = SETTLED | FLOW_STATUS_DYING;
	expect("update sets DYING", update(&g), EBUSY);
	g.status = SETTLED | NAT_BITS | NAT_DONE | FLOW_STATUS_SEQ_ADJUST;
	expect("update sets NAT bits", update(&g), 0);
	fact("NAT bits are ignored", get(&f).status == SETTLED);

	g = tcp();
	g.status = FLOW_STATUS_CONFIRMED;
	expect("create unreplied", create(&g), 0);
	g.status = FLOW_STATUS_CONFIRMED | FLOW_STATUS_SEEN_REPLY;
	expect("update sets SEEN_REPLY", update(&g), 0);
	g.status = SETTLED;
	expect("update sets ASSURED", update(&g), 0);
	fact("both are set", get(&g).status == SETTLED);
	flow_mark_unset(&g, FLOW_STATUS);
	expect("update without a status", update(&g), 0);

	g = tcp_created();
	g.status = SETTLED | FLOW_STATUS_TEMPLATE | FLOW_STATUS_UNTRACKED | FLOW_STATUS_OFFLOAD |
		   FLOW_STATUS_HW_OFFLOAD;
	expect("update sets TEMPLATE, UNTRACKED, OFFLOAD, HW_OFFLOAD", update(&g), 0);
	fact("these are ignored", get(&g).status == SETTLED);
	g.status = SETTLED | FLOW_STATUS_HELPER;
	expect("update sets HELPER", update(&g), 0);
	fact("HELPER is kept without a helper", get(&g).status == g.status);

	f.status = SETTLED | FLOW_STATUS_FIXED_TIMEOUT;
	expect("update sets FIXED_TIMEOUT", update(&f), 0);
	expect("update names a timeout where it is fixed", update(&f), EPERM);
	flow_mark_unset(&f, FLOW_TIMEOUT);
	expect("update without a timeout where it is fixed", update(&f), 0);
	f = tcp();
	f.status = SETTLED | FLOW_STATUS_FIXED_TIMEOUT;
	expect("create with FIXED_TIMEOUT and a timeout", create(&f), 0);
}

static void tcp_state(void)
{
	struct flow f = tcp(), now;

	f.tcp.state = 10;
	expect("TCP state above SYN_SENT2", create(&f), ERANGE);
	flow_mark_unset(&f, FLOW_TCP_STATE);
	expect("TCP without a state", create(&f), 0);
	fact("a TCP entry made without a state is NONE", get(&f).tcp.state == FLOW_TCP_NONE);
	f = tcp_created();
	f.tcp.state = FLOW_TCP_SYN_SENT;
	expect("TCP state back to SYN_SENT", update(&f), 0);
	fact("the state is taken", get(&f).tcp.state == FLOW_TCP_SYN_SENT);

	f = tcp();
	f.tcp.wscale[FLOW_ORIG] = 7;
	f.tcp.wscale[FLOW_REPL] = 9;
	flow_mark_set(&f, FLOW_TCP_WSCALE_ORIG);
	flow_mark_set(&f, FLOW_TCP_WSCALE_REPL);
	expect("window scales without flags", create(&f), 0);
	now = get(&f);
	fact("window scales without flags are ignored",
		now.tcp.wscale[FLOW_ORIG] == 0 && now.tcp.wscale[FLOW_REPL] == 0);
	fact("flags are reported with a mask of 0",
		flow_has(&now, FLOW_TCP_MASK_ORIG) && now.tcp.flags_mask[FLOW_ORIG] == 0);
	for (unsigned dir = 0; dir < FLOW_DIRS; dir++)
		f.tcp.flags[dir] = FLOW_TCP_FLAG_WINDOW_SCALE | FLOW_TCP_FLAG_SACK_PERM |
				   FLOW_TCP_FLAG_BE_LIBERAL;
	flow_mark_set(&f, FLOW_TCP_FLAGS_ORIG);
	flow_mark_set(&f, FLOW_TCP_FLAGS_REPL);
	flow_mark_set(&f, FLOW_TCP_MASK_ORIG);
	flow_mark_set(&f, FLOW_TCP_MASK_REPL);
	expect("flags with a mask of 0", update(&f), 0);
	fact("flags with a mask of 0 are ignored", get(&f).tcp.flags[FLOW_ORIG] == 0);
	f.tcp.flags_mask[FLOW_ORIG] = f.tcp.flags_mask[FLOW_REPL] = 0xff;
	expect("flags with a mask", update(&f), 0);
	now = get(&f);
	fact("flags with a mask, and window scales with them, are taken",
		now.tcp.flags[FLOW_REPL] == 11 && now.tcp.wscale[FLOW_ORIG] == 7 &&
			now.tcp.wscale[FLOW_REPL] == 9);
	flow_mark_unset(&f, FLOW_TCP_STATE);
	f.tcp.flags[FLOW_ORIG] = FLOW_TCP_FLAG_BE_LIBERAL;
	f.tcp.flags_mask[FLOW_ORIG] = FLOW_TCP_FLAG_BE_LIBERAL;
	f.tcp.flags[FLOW_REPL] = f.tcp.flags_mask[FLOW_REPL] = 0;
	expect("flags without a state", update(&f), 0);
	fact("flags without a state are taken, and the state stays",
		get(&f).tcp.state == now.tcp.state && get(&f).tcp.flags[FLOW_ORIG] == 11);
	flow_mark_set(&f, FLOW_TCP_STATE);
	f.tcp.wscale[FLOW_ORIG] = 15;
	expect("window scale above 14", update(&f), ERANGE);
}

static void protocols(void)
{
	static const struct {
		uint8_t l3, l4;
		const char *name;
	} all[] = {
		{AF_INET, IPPROTO_UDP, "UDP"},
		{AF_INET6, IPPROTO_UDP, "UDP over IPv6"},
		{AF_INET, IPPROTO_UDPLITE, "UDPlite"},
		{AF_INET, IPPROTO_GRE, "GRE"},
		{AF_INET6, IPPROTO_GRE, "GRE over IPv6"},
		{AF_INET, IPPROTO_ICMP, "ICMP"},
		{AF_INET6, IPPROTO_ICMPV6, "ICMPv6"},
		{AF_INET, 103, "protocol 103"},
		{AF_INET6, 103, "protocol 103 over IPv6"},
	};
	struct flow f;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		char text[64];

		f = fresh(all[i].l3, all[i].l4);
		snprintf(text, sizeof(text), "create %s", all[i].name);
		expect(text, create(&f), 0);
		snprintf(text, sizeof(text), "update %s", all[i].name);
		expect(text, update(&f), 0);
	}
	f = fresh(AF_INET, IPPROTO_ICMP);
	f.tuple[FLOW_ORIG].icmp_type = 3;
	expect("ICMP of a type that has no answer", create(&f), EINVAL);

	f = fresh(AF_INET, IPPROTO_SCTP);
	expect("SCTP without protocol information", create(&f), 0);
	f = fresh(AF_INET, IPPROTO_SCTP);
	f.sctp.state = 4;
	flow_mark_set(&f, FLOW_SCTP_STATE);
	expect("SCTP state without tags", create(&f), EINVAL);
	flow_mark_set(&f, FLOW_SCTP_VTAG_ORIG);
	expect("SCTP state with one tag", create(&f), EINVAL);
	flow_mark_set(&f, FLOW_SCTP_VTAG_REPL);
	f.sctp.vtag[FLOW_REPL] = 7;
	expect("SCTP state with both tags", create(&f), 0);
	fact("SCTP state and tags are taken",
		get(&f).sctp.state == 4 && get(&f).sctp.vtag[FLOW_REPL] == 7);
	f.sctp.state = 10;
	expect("SCTP state out of range", update(&f), ERANGE);

	f = fresh(AF_INET, IPPROTO_DCCP);
	flow_mark_set(&f, FLOW_DCCP_STATE);
	flow_mark_set(&f, FLOW_DCCP_ROLE);
	expect("DCCP", create(&f), 0);
	fact("DCCP is tracked without ports and state since 6.16",
		get(&f).tuple[FLOW_ORIG].dport_be == 0);
}

static void set_master(struct flow *f, const struct flow *master)
{
	static const enum flow_attr ids[] = {FLOW_MASTER_IPV4_SRC, FLOW_MASTER_IPV4_DST,
		FLOW_MASTER_PORT_SRC, FLOW_MASTER_PORT_DST, FLOW_MASTER_L3PROTO,
		FLOW_MASTER_L4PROTO};

	f->master = master->tuple[FLOW_ORIG];
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		flow_mark_set(f, ids[i]);
}

static void masters(void)
{
	const unsigned parts = PARTS_UPDATE | NLMSG_PART_MASTER;
	struct flow master = tcp_created(), absent = tcp(), f = tcp(), now;

	set_master(&f, &master);
	expect("create with an existing master", create(&f), 0);
	now = get(&f);
	fact("EXPECTED is set with the master", now.status == (SETTLED | FLOW_STATUS_EXPECTED) &&
							flow_has(&now, FLOW_MASTER_L3PROTO));
	expect("update names the same master", request(&f, 0, parts), EOPNOTSUPP);
	expect("update without EXPECTED of an expected entry", update(&f), EBUSY);
	f.status |= FLOW_STATUS_EXPECTED;
	expect("update with EXPECTED of an expected entry", update(&f), 0);
	fact("(the master is deleted)", destroy(&master, 0) == 0);
	now = get(&f);
	fact("an entry outlives its master and still names it",
		flow_has(&now, FLOW_MASTER_L3PROTO));

	f = tcp();
	set_master(&f, &absent);
	expect("create with a master that does not exist", create(&f), ENOENT);
	master = tcp_created();
	f = tcp();
	set_master(&f, &master);
	f.status |= FLOW_STATUS_EXPECTED;
	expect("create with a master and EXPECTED", create(&f), EBUSY);
	f = tcp_created();
	set_master(&f, &master);
	expect("update adds a master", request(&f, 0, parts), EOPNOTSUPP);
}

static void set_helper(struct flow *f, const char *name)
{
	snprintf(f->helper_name, sizeof(f->helper_name), "%s", name);
	flow_mark_set(f, FLOW_HELPER_NAME);
}

static void helpers(void)
{
	const unsigned parts = PARTS_UPDATE | NLMSG_PART_HELPER;
	struct flow f = tcp();

	set_helper(&f, "ftp");
	expect("create with helper ftp", create(&f), 0);
	fact("HELPER is set with the helper", get(&f).status == (SETTLED | FLOW_STATUS_HELPER));
	expect("update names the same helper", request(&f, 0, parts), 0);
	set_helper(&f, "irc");
	expect("update names another helper", request(&f, 0, parts), EBUSY);
	set_helper(&f, "");
	expect("update with an empty helper name", request(&f, 0, parts), 0);
	f = get(&f);
	fact("an empty name takes the helper away", !flow_has(&f, FLOW_HELPER_NAME));
	set_helper(&f, "ftp");
	expect("a helper once taken away cannot be given again", request(&f, 0, parts), EBUSY);
	f = tcp();
	set_helper(&f, "nosuch");
	expect("create with an unknown helper", create(&f), EOPNOTSUPP);
	set_helper(&f, "tftp");
	expect("create with a helper of another protocol", create(&f), EOPNOTSUPP);
	f = fresh(AF_INET6, IPPROTO_TCP);
	set_helper(&f, "ftp");
	expect("create with a helper over IPv6", create(&f), 0);
	f = tcp();
	set_helper(&f, "ftp");
	f.helper_info = (struct flow_span){"data", 4};
	flow_mark_set(&f, FLOW_HELPER_INFO);
	expect("create with data of a helper that has none", create(&f), 0);
	f = tcp_created();
	set_helper(&f, "ftp");
	expect("update adds a helper", request(&f, 0, parts), EOPNOTSUPP);
	f = tcp();
	set_helper(&f, "ftp");
	add_snat(&f, "192.0.2.9");
	expect("create with a helper and NAT", create(&f), 0);
}

static void set_zone(struct flow *f, enum flow_attr which)
{
	uint16_t *zone = which == FLOW_ZONE	   ? &f->zone
			 : which == FLOW_ORIG_ZONE ? &f->tuple[FLOW_ORIG].zone
						   : &f->tuple[FLOW_REPL].zone;

	*zone = 5;
	flow_mark_set(f, which);
}

static void zones(void)
{
	static const enum flow_attr one[] = {FLOW_ZONE, FLOW_ORIG_ZONE, FLOW_REPL_ZONE};
	static const char *const names[] = {"common", "original", "reply"};
	struct flow f, g;

	for (size_t i = 0; i < ARRAY_SIZE(one); i++) {
		char text[96];

		f = tcp();
		set_zone(&f, one[i]);
		snprintf(text, sizeof(text), "create with a zone (%s)", names[i]);
		expect(text, create(&f), 0);
		expect("update in its zone", update(&f), 0);
		g = get(&f);
		fact("it is reported with its zone", flow_has(&g, one[i]));
		g = f;
		flow_mark_unset(&g, one[i]);
		expect("delete without naming the zone", destroy(&g, 0),
			one[i] == FLOW_REPL_ZONE ? 0 : ENOENT);
		expect("delete in its zone", destroy(&f, 0), one[i] == FLOW_REPL_ZONE ? ENOENT : 0);
	}
	f = tcp();
	set_zone(&f, FLOW_ORIG_ZONE);
	set_zone(&f, FLOW_REPL_ZONE);
	expect("create with a zone per direction", create(&f), EINVAL);
	f = tcp();
	set_zone(&f, FLOW_ORIG_ZONE);
	set_zone(&f, FLOW_ZONE);
	expect("create with a common zone and one per direction", create(&f), EINVAL);
}

static void set_labels(struct flow *f, uint8_t first, uint8_t len)
{
	memset(f->labels, 0, sizeof(f->labels));
	f->labels[0] = first;
	f->labels_len = len;
	flow_mark_set(f, FLOW_LABELS);
}

static void labels(void)
{
	struct flow old = tcp_created(), f = tcp(), now;

	set_labels(&f, 4, 16);
	expect("create with labels while no rule uses labels", create(&f), 0);
	now = get(&f);
	fact("labels are lost while no rule uses labels", !flow_has(&now, FLOW_LABELS));
	set_labels(&old, 4, 16);
	expect("update with labels of an entry without room for them", update(&old), ENOSPC);
	if (system("printf 'table inet t {\\nchain c {\\ntype filter hook input priority 0;\\n"
		   "ct label set 3\\n}\\n}\\n' | nft -f -") != 0) {
		fact("(nft makes a rule with labels)", false);
		return;
	}
	expect("the same once a rule uses labels", update(&old), ENOSPC);
	f = tcp();
	set_labels(&f, 4, 16);
	expect("create with labels", create(&f), 0);
	now = get(&f);
	fact("labels are set", flow_has(&now, FLOW_LABELS) && now.labels[0] == 4);
	set_labels(&f, 8, 4);
	expect("update with 32 bits of labels", update(&f), 0);
	fact("labels are replaced", get(&f).labels[0] == 8);
	set_labels(&f, 0, 16);
	expect("update with no label set", update(&f), 0);
	now = get(&f);
	fact("an entry without a set label reports none", !flow_has(&now, FLOW_LABELS));
	f = tcp_created();
	set_labels(&f, 4, 16);
	expect("update adds labels to an entry created under such a rule", update(&f), 0);
}

static void set_seqadj(struct flow *f, uint32_t after)
{
	f->seqadj[FLOW_ORIG] = (struct flow_seqadj){100, 1, after};
	flow_mark_set(f, FLOW_ORIG_SEQADJ_CORRECTION_POS);
	flow_mark_set(f, FLOW_ORIG_SEQADJ_OFFSET_BEFORE);
	flow_mark_set(f, FLOW_ORIG_SEQADJ_OFFSET_AFTER);
}

static void extensions(void)
{
	struct flow f = tcp();

	set_seqadj(&f, 3);
	expect("create with sequence adjustment, without NAT", create(&f), 0);
	fact("SEQ_ADJUST is set with it", get(&f).status == (SETTLED | FLOW_STATUS_SEQ_ADJUST));
	f = tcp();
	set_seqadj(&f, 3);
	add_snat(&f, "192.0.2.9");
	expect("create with sequence adjustment and NAT", create(&f), 0);
	fact("it is kept", get(&f).seqadj[FLOW_ORIG].offset_after == 3);
	set_seqadj(&f, 9);
	expect("update of sequence adjustment", update(&f), 0);
	fact("it is replaced", get(&f).seqadj[FLOW_ORIG].offset_after == 9);
	f = tcp_created();
	set_seqadj(&f, 3);
	expect("update adds sequence adjustment", update(&f), 0);

	f = tcp();
	f.synproxy_isn = 7;
	flow_mark_set(&f, FLOW_SYNPROXY_ISN);
	flow_mark_set(&f, FLOW_SYNPROXY_ITS);
	flow_mark_set(&f, FLOW_SYNPROXY_TSOFF);
	expect("create with SYN proxy data", create(&f), 0);
	f.synproxy_isn = 8;
	expect("update of SYN proxy data", update(&f), 0);
	fact("it is replaced", get(&f).synproxy_isn == 8);
	f = tcp();
	f.mark = 42;
	flow_mark_set(&f, FLOW_MARK);
	expect("create with a mark", create(&f), 0);
	f.mark = 43;
	expect("update of the mark", update(&f), 0);
	fact("the mark is taken", get(&f).mark == 43);
	f = get(&f);
	fact("every entry made here reports a SYN proxy, of zeros",
		flow_has(&f, FLOW_SYNPROXY_ISN) && f.synproxy_isn == 0);
}

static void identities(void)
{
	struct flow f = tcp_created(), g = f;

	g.id = get(&f).id + 1;
	flow_mark_set(&g, FLOW_ID);
	expect("update with another id", request(&g, 0, PARTS_UPDATE | NLMSG_PART_ID), 0);
	expect("delete with another id", destroy(&g, NLMSG_PART_ID), ENOENT);
	g.id = get(&f).id;
	expect("delete with the entry's id", destroy(&g, NLMSG_PART_ID), 0);
	expect("delete of what is gone", destroy(&g, NLMSG_PART_ID), ENOENT);
}

int main(void)
{
	if (lab_open() != 0) {
		perror("kernel_accepts: no network namespace");
		return 77;
	}
	creation();
	status_at_creation();
	status_at_update();
	tcp_state();
	protocols();
	nat();
	masters();
	helpers();
	zones();
	labels();
	extensions();
	identities();
	return lab_close("kernel_accepts");
}
