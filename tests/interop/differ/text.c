/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What connections and expectations look like in print. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/interop/differ/pair.h"

enum { PAD = 0x5a };

/* A request to print, and what came of it. */
struct print {
	unsigned size, type, format, flags;
	bool labels;
	long got[SIDES];
	char text[SIDES][TEXT_BYTES];
};

/* Names for every other label, the same in both libraries. */
static struct nfct_labelmap *label_names(struct differ *d, enum side s)
{
	static struct nfct_labelmap *maps[SIDES];

	if (!maps[s]) {
		char path[256];
		FILE *f;

		snprintf(path, sizeof(path), "%s/labels", d->tmp);
		f = fopen(path, "w");
		if (!f)
			return NULL;
		for (unsigned bit = 0; bit < 128; bit += 2)
			fprintf(f, "%u label-%u\n", bit, bit);
		fclose(f);
		maps[s] = api_of[s].nfct_labelmap_new(path);
		unlink(path);
	}
	return maps[s];
}

static void print_random(struct differ *d, struct print *p)
{
	static const unsigned types[] = {NFCT_T_UNKNOWN, NFCT_T_NEW, NFCT_T_UPDATE, NFCT_T_DESTROY,
		NFCT_T_ALL, NFCT_T_NEW | NFCT_T_UPDATE, NFCT_T_ERROR};

	p->size = TEXT_BYTES;
	p->type = types[below(d, 7)];
	p->format = one_in(d, 20) ? below(d, 5) : below(d, 2);
	p->flags = below(d, one_in(d, 10) ? 256 : 16);
	p->labels = one_in(d, 2);
	differ_step(d, "print: type %u, format %u, flags %u%s", p->type, p->format, p->flags,
		p->labels ? ", labels" : "");
}

/* Takes out what stands between two words, and the words; true if it was there. */
static bool take_out(char *text, const char *begin, const char *end)
{
	char *from = strstr(text, begin), *to = from ? strstr(from, end) : NULL;

	if (!to)
		return false;
	to += strlen(end);
	memmove(from, to, strlen(to) + 1);
	return true;
}

static bool replace(char *text, const char *what, const char *by)
{
	char *at = strstr(text, what);

	if (!at)
		return false;
	memcpy(at, by, strlen(by));
	memmove(at + strlen(by), at + strlen(what), strlen(at + strlen(what)) + 1);
	return true;
}

static bool has(const struct ct_pair *ct, enum nf_conntrack_attr id)
{
	return api_of[THEIRS].nfct_attr_is_set(ct->of[THEIRS], id) == 1;
}

static bool unescape(char *text)
{
	bool any = false;

	while (replace(text, "&lt;", "<") || replace(text, "&gt;", ">"))
		any = true;
	/* From left to right: what comes of one is not the beginning of another. */
	for (char *at = text; (at = strstr(at, "&amp;")); at++) {
		replace(at, "&amp;", "&");
		any = true;
	}
	return any;
}

/* Makes the texts the same where it is known that they differ. */
static void allow_xml(struct differ *d, const struct ct_pair *ct, struct print *p)
{
	bool orig = has(ct, ATTR_ORIG_COUNTER_PACKETS) && has(ct, ATTR_ORIG_COUNTER_BYTES);
	bool repl = has(ct, ATTR_REPL_COUNTER_PACKETS) && has(ct, ATTR_REPL_COUNTER_BYTES);
	char *ours = p->text[OURS], *theirs = p->text[THEIRS];

	if (has(ct, ATTR_SCTP_STATE) || has(ct, ATTR_DCCP_STATE)) {
		while (take_out(ours, "<state>", "</state>") &&
			take_out(theirs, "<state>", "</state>"))
			;
		differ_except(d, EX_XML_STATE);
	}
	while (take_out(ours, "<type>", "</id>"))
		differ_except(d, EX_XML_ICMP);
	if (orig != repl) {
		char *reply[SIDES] = {strstr(ours, "\"reply\""), strstr(theirs, "\"reply\"")};

		if (reply[OURS] && reply[THEIRS] &&
			take_out(reply[orig ? THEIRS : OURS], "<counters>", "</counters>"))
			differ_except(d, EX_XML_COUNTERS);
	}
	if (unescape(ours))
		differ_except(d, EX_XML_ESCAPE);
	if (!d->differed && strstr(theirs, "<secctx>(null)</secctx>") &&
		replace(theirs, "(null)", ""))
		differ_except(d, EX_NO_SECCTX);
}

static void allow_plain(struct differ *d, struct print *p)
{
	char *theirs = p->text[THEIRS], *labels = strstr(theirs, " labels");

	if (p->labels && labels && strcmp(labels, " labels") == 0) {
		*labels = '\0';
		differ_except(d, EX_NO_LABELS);
	}
	if (replace(theirs, "secctx=(null)", "secctx="))
		differ_except(d, EX_NO_SECCTX);
}

static void allow_expectation(struct differ *d, struct print *p)
{
	char *ours = p->text[OURS], *theirs = p->text[THEIRS];
	size_t len = strlen(theirs);

	/* By their value, even when they are not present. */
	if (p->format == NFCT_O_PLAIN && len == strlen(ours) + 1) {
		if (!replace(theirs + strspn(theirs, " "), "  ", " ") && theirs[len - 1] == ' ')
			theirs[len - 1] = '\0';
		differ_except(d, EX_EXP_FLAGS);
	}
	while (p->format == NFCT_O_XML && take_out(ours, "<type>", "</id>"))
		differ_except(d, EX_XML_ICMP);
	if (p->format == NFCT_O_XML && unescape(ours))
		differ_except(d, EX_XML_ESCAPE);
}

/* What is printed: a connection or, without one, an expectation. */
struct subject {
	const struct ct_pair *ct;
	struct nf_expect *const *exp;
};

static void print_both(struct differ *d, const struct subject *of, struct print *p)
{
	time_t before;

	memset(p->text, PAD, sizeof(p->text));
	/* Some of it is the time that it is. */
	do {
		before = time(NULL);
		BOTH (s) {
			struct api *api = &api_of[s];
			struct nfct_labelmap *map = p->labels ? label_names(d, s) : NULL;

			if (!of->ct)
				p->got[s] = api->nfexp_snprintf(p->text[s], p->size, of->exp[s],
					p->type, p->format, p->flags);
			else if (p->labels)
				p->got[s] = api->nfct_snprintf_labels(p->text[s], p->size,
					of->ct->of[s], p->type, p->format, p->flags, map);
			else
				p->got[s] = api->nfct_snprintf(p->text[s], p->size, of->ct->of[s],
					p->type, p->format, p->flags);
		}
	} while (time(NULL) != before);
}

/* A NUL in the buffer, and nothing behind the buffer's end. */
static bool is_within(struct differ *d, const char *what, const struct print *p)
{
	for (unsigned s = 0; s < SIDES; s++) {
		if (p->got[s] >= 0 && !memchr(p->text[s], '\0', p->size))
			differ_report(d, what, "side %u: no NUL in %u bytes", s, p->size);
		for (unsigned i = p->size; i < TEXT_BYTES && !d->differed; i++) {
			if (p->text[s][i] != PAD)
				differ_report(d, what, "side %u wrote behind %u bytes", s, p->size);
		}
	}
	return !d->differed;
}

/* The same again in less memory; the whole texts are the same if is_same. */
static void print_cut(struct differ *d, const struct subject *of, const struct print *whole,
	const char *what, bool is_same)
{
	static struct print cut;
	static char head[TEXT_BYTES];

	cut = *whole;
	cut.size = 1 + below(d, (uint32_t)whole->got[OURS] + 3);
	if (cut.size > TEXT_BYTES)
		return;
	differ_step(d, "print in %u bytes: type %u, format %u, flags %u%s", cut.size, cut.type,
		cut.format, cut.flags, cut.labels ? ", labels" : "");
	print_both(d, of, &cut);
	if (!is_within(d, what, &cut))
		return;
	/* Times in it may have moved on, so each text is compared with the other of its time. */
	if (cut.got[THEIRS] != cut.got[OURS] && cut.got[OURS] == whole->got[OURS] && is_same) {
		differ_except(d, EX_CUT_LENGTH);
		return;
	}
	if (is_same)
		same_int(d, what, cut.got);
	snprintf(head, cut.size, "%s", cut.text[THEIRS]);
	if (is_same && !d->differed)
		same_text(d, what, (const char *const[]){cut.text[OURS], head});
}

static void print_subject(struct differ *d, const struct subject *of, const char *what)
{
	static struct print p;
	char name[64];
	bool is_same;

	print_random(d, &p);
	print_both(d, of, &p);
	if (!same_failure(d, what,
		    (const long[]){p.got[OURS] < 0 ? -1 : 0, p.got[THEIRS] < 0 ? -1 : 0}) ||
		p.got[OURS] < 0 || !is_within(d, what, &p))
		return;
	is_same = strcmp(p.text[OURS], p.text[THEIRS]) == 0;
	if (is_same)
		same_int(d, what, p.got);
	else if (of->ct && p.format == NFCT_O_XML)
		allow_xml(d, of->ct, &p);
	else if (of->ct)
		allow_plain(d, &p);
	else
		allow_expectation(d, &p);
	snprintf(name, sizeof(name), "text of %s, %s", what, p.format ? "XML" : "plain");
	if (same_text(d, name, (const char *const[]){p.text[OURS], p.text[THEIRS]}))
		print_cut(d, of, &p, what, is_same);
}

void ct_print(struct differ *d, struct ct_pair *ct)
{
	print_subject(d, &(struct subject){.ct = ct}, "nfct_snprintf");
}

void exp_print(struct differ *d, struct nf_expect *const exp[SIDES])
{
	print_subject(d, &(struct subject){.exp = exp}, "nfexp_snprintf");
}
