/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "ctl/print.h"

enum { PRINT_VALUE_AT = 32, PRINT_DEPTH_MAX = 8 };

static void print_indent(unsigned depth)
{
	printf("%*s", 2 * (int)depth, "");
}

/* A string, a number or a truth value, as it is in text. */
static void print_scalar(const json_t *value, void (*put_string)(const char *))
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		put_string(json_string_value(value));
		break;
	case JSON_INTEGER:
		printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		printf("%.9g", json_real_value(value));
		break;
	case JSON_TRUE:
		fputs("yes", stdout);
		break;
	case JSON_FALSE:
		fputs("no", stdout);
		break;
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	}
}

static void put_plain(const char *s)
{
	fputs(s, stdout);
}

static void put_xml(const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '<':
			fputs("&lt;", stdout);
			break;
		case '>':
			fputs("&gt;", stdout);
			break;
		case '&':
			fputs("&amp;", stdout);
			break;
		default:
			putchar((unsigned char)*s < ' ' ? '?' : *s);
			break;
		}
	}
}

static bool is_group(const json_t *value)
{
	return json_is_object(value) || json_is_array(value);
}

static void print_text(json_t *value, unsigned depth)
{
	const char *name;
	json_t *member;
	size_t i;

	if (depth >= PRINT_DEPTH_MAX)
		return;
	json_array_foreach(value, i, member)
	{
		print_indent(depth);
		printf("%zu:\n", i);
		print_text(member, depth + 1);
	}
	if (!json_is_object(value))
		return;
	json_object_foreach(value, name, member)
	{
		print_indent(depth);
		if (is_group(member)) {
			printf("%s:\n", name);
			print_text(member, depth + 1);
			continue;
		}
		printf("%-*s ", PRINT_VALUE_AT - 2 * (int)depth, name);
		print_scalar(member, put_plain);
		putchar('\n');
	}
}

static void print_xml(json_t *value, const char *name, unsigned depth)
{
	size_t len = strlen(name), i;
	const char *key;
	json_t *member;
	char one[40]; /* the name of an array's elements: without its plural's s */

	if (depth >= PRINT_DEPTH_MAX)
		return;
	print_indent(depth);
	printf("<%s>", name);
	if (is_group(value))
		putchar('\n');
	else
		print_scalar(value, put_xml);
	snprintf(one, sizeof(one), "%.*s", (int)(len - (name[len - 1] == 's')), name);
	json_array_foreach(value, i, member) print_xml(member, one, depth + 1);
	if (json_is_object(value)) {
		json_object_foreach(value, key, member) print_xml(member, key, depth + 1);
	}
	if (is_group(value))
		print_indent(depth);
	printf("</%s>\n", name);
}

void print_xml_begin(const char *root)
{
	printf("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<%s>\n", root);
}

void print_xml_end(const char *root)
{
	printf("</%s>\n", root);
}

void print_object(enum ctl_format format, const char *root, json_t *object)
{
	if (!object)
		return;
	switch (format) {
	case CTL_TEXT:
		print_text(object, 0);
		break;
	case CTL_JSON:
		json_dumpf(object, stdout,
			JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
		putchar('\n');
		break;
	case CTL_XML:
		puts("<?xml version=\"1.0\" encoding=\"utf-8\"?>");
		print_xml(object, root, 0);
		break;
	}
}
