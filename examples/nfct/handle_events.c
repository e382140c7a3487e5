/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conntrack_events.c with the library's own handle instead of a libmnl socket.
 *
 *     ip netns exec NAME ./handle_events [COUNT]
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

/* Prints the event's connection; data: how many events are wanted, 0 for all. */
static int on_event(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *data)
{
	unsigned long *wanted = data;
	char text[1024];

	if (nfct_snprintf(text, sizeof(text), ct, type, NFCT_O_PLAIN, 0) >= 0)
		puts(text);
	return *wanted > 0 && --*wanted == 0 ? NFCT_CB_STOP : NFCT_CB_CONTINUE;
}

int main(int argc, char **argv)
{
	unsigned long wanted = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	struct nfct_handle *h = nfct_open(CONNTRACK, NFCT_ALL_CT_GROUPS);
	int done;

	if (!h)
		err(EXIT_FAILURE, "no socket");
	if (nfct_callback_register(h, NFCT_T_ALL, on_event, &wanted) < 0)
		err(EXIT_FAILURE, "no memory");
	setlinebuf(stdout);
	puts("listening");
	/* Returns when the callback wants to stop, or with an error. In an event loop, set
	 * O_NONBLOCK on nfct_fd(h): the error is EAGAIN then when all has been read. */
	do {
		done = nfct_catch(h);
		if (done < 0 && errno == ENOBUFS)
			warnx("events were lost");
	} while (done < 0 && errno == ENOBUFS);
	if (done < 0)
		err(EXIT_FAILURE, "cannot read events");
	nfct_close(h);
	return EXIT_SUCCESS;
}
