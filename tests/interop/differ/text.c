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

	p->size = one_in(d, 3) ? 1 + below(d, 400) : TEXT_BYTES;
	p->type = types[below(d, 7)];
	p->format = one_in(d, 20) ? below(d, 5) : below(d, 2);
	p->flags = below(d, one_in(d, 10) ? 256 : 16);
	p->labels = one_in(d, 2);
	memset(p->text, PAD, sizeof(p->text));
	differ_step(d, "print: size %u, type %u, format %u, flags %u%s", p->size, p->type,
		p->format, p->flags, p->labels ? ", labels" : "");
}

/* Ours and theirs, where what stands between two words is made the same. */
static void blank_between(char text[SIDES][TEXT_BYTES], const char *begin, const char *end)
{
	for (unsigned s = 0; s < SIDES; s++) {
		char *from = strstr(text[s], begin), *to;

		if (!from)
			continue;
		from += strlen(begin);
		to = strstr(from, end);
		if (to)
			memmove(from, to, strlen(to) + 1);
	}
}

/* Whether the texts are the same but for what is known to differ in them. */
static bool differs_as_known(struct differ *d, const struct ct_pair *ct, struct print *p)
{
	const struct api *api = &api_of[THEIRS];

	if (p->size < TEXT_BYTES)
		return true; /* the whole text is compared in other steps */
	if (p->format == NFCT_O_XML &&
		(api->nfct_attr_is_set(ct->of[THEIRS], ATTR_SCTP_STATE) == 1 ||
			api->nfct_attr_is_set(ct->of[THEIRS], ATTR_DCCP_STATE) == 1)) {
		blank_between(p->text, "<state>", "</state>");
		differ_except(d, EX_XML_STATE);
	}
	if (p->format == NFCT_O_PLAIN && p->labels && strstr(p->text[THEIRS], " labels") &&
		!strstr(p->text[THEIRS], " labels=")) {
		*strstr(p->text[THEIRS], " labels") = '\0';
		differ_except(d, EX_NO_LABELS);
	}
	return strcmp(p->text[OURS], p->text[THEIRS]) == 0;
}

static void print_ct(struct differ *d, const struct ct_pair *ct, struct print *p)
{
	time_t before;

	/* Some of it is the time that it is. */
	do {
		before = time(NULL);
		BOTH (s) {
			struct api *api = &api_of[s];
			struct nfct_labelmap *map = p->labels ? label_names(d, s) : NULL;

			p->got[s] = p->labels ? api->nfct_snprintf_labels(p->text[s], p->size,
							ct->of[s], p->type, p->format, p->flags, map)
					      : api->nfct_snprintf(p->text[s], p->size, ct->of[s],
							p->type, p->format, p->flags);
		}
	} while (time(NULL) != before);
}

/* The text with its NUL, if there is one, and nothing behind the buffer's end. */
static void same_prints(struct differ *d, const char *what, const struct print *p)
{
	char name[64];

	for (unsigned s = 0; s < SIDES; s++) {
		if (p->got[s] >= 0 && !memchr(p->text[s], '\0', p->size))
			differ_report(d, what, "side %u: no NUL in %u bytes", s, p->size);
		for (unsigned i = p->size; i < TEXT_BYTES; i++) {
			if (p->text[s][i] != PAD) {
				differ_report(d, what, "side %u wrote behind %u bytes", s, p->size);
				return;
			}
		}
	}
	same_failure(d, what, p->got);
	if (p->got[OURS] >= 0 && !d->differed) {
		snprintf(name, sizeof(name), "text of %s", what);
		same_text(d, name, (const char *const[]){p->text[OURS], p->text[THEIRS]});
	}
}

void ct_print(struct differ *d, struct ct_pair *ct)
{
	static struct print p;

	print_random(d, &p);
	print_ct(d, ct, &p);
	if (p.got[OURS] >= 0 && p.got[THEIRS] >= 0 && strcmp(p.text[OURS], p.text[THEIRS]) != 0 &&
		differs_as_known(d, ct, &p))
		return;
	same_prints(d, p.format == NFCT_O_XML ? "nfct_snprintf as XML" : "nfct_snprintf", &p);
}

void exp_print(struct differ *d, struct nf_expect *const exp[SIDES])
{
	static struct print p;
	time_t before;

	print_random(d, &p);
	do {
		before = time(NULL);
		BOTH (s)
			p.got[s] = api_of[s].nfexp_snprintf(p.text[s], p.size, exp[s], p.type,
				p.format, p.flags);
	} while (time(NULL) != before);
	same_prints(d, p.format == NFCT_O_XML ? "nfexp_snprintf as XML" : "nfexp_snprintf", &p);
}
