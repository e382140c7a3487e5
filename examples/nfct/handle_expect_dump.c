/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * expect_dump.c with the library's own handle instead of a libmnl socket.
 *
 *     ip netns exec NAME ./handle_expect_dump
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

/* Prints an expectation, which the library frees afterwards. */
static int on_expectation(enum nf_conntrack_msg_type type, struct nf_expect *exp, void *data)
{
	char text[1024];

	(void)type; /* an answer is NFCT_T_UPDATE */
	(void)data;
	if (nfexp_snprintf(text, sizeof(text), exp, NFCT_T_UNKNOWN, NFCT_O_PLAIN, 0) >= 0)
		puts(text);
	return NFCT_CB_CONTINUE;
}

int main(void)
{
	uint32_t family = AF_UNSPEC; /* or AF_INET, AF_INET6 */
	struct nfct_handle *h = nfct_open(EXPECT, 0);

	if (!h)
		err(EXIT_FAILURE, "no socket");
	if (nfexp_callback_register(h, NFCT_T_ALL, on_expectation, NULL) < 0)
		err(EXIT_FAILURE, "no memory");
	if (nfexp_query(h, NFCT_Q_DUMP, &family) < 0)
		err(EXIT_FAILURE, "cannot dump the expectations");
	nfct_close(h);
	return EXIT_SUCCESS;
}
