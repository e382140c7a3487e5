/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "nfct/bitmask.h"
#include "nfct/labelmap.h"
#include "unit.h"

static void a_bitmask_has_whole_words(void)
{
	static const struct {
		unsigned maxbit, has;
	} cases[] = {{0, 31}, {31, 31}, {32, 63}, {64, 95}, {127, 127}, {65535, 65535}};
	struct nfct_bitmask *b;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		b = nfct_bitmask_new(cases[i].maxbit);
		CU_ASSERT_PTR_NOT_NULL_FATAL(b);
		CU_ASSERT_EQUAL(nfct_bitmask_maxbit(b), cases[i].has);
		for (unsigned bit = 0; bit <= cases[i].has; bit++)
			CU_ASSERT_FALSE_FATAL(nfct_bitmask_test_bit(b, bit));
		nfct_bitmask_destroy(b);
	}
	errno = 0;
	CU_ASSERT_PTR_NULL(nfct_bitmask_new(65536));
	CU_ASSERT_EQUAL(errno, EINVAL);
	CU_ASSERT_PTR_NULL(nfct_bitmask_new(~0u));
}

static void bits_are_set_and_unset_one_by_one(void)
{
	struct nfct_bitmask *b = nfct_bitmask_new(95);

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	for (unsigned bit = 0; bit <= 95; bit++) {
		nfct_bitmask_set_bit(b, bit);
		for (unsigned other = 0; other <= 95; other++)
			CU_ASSERT_EQUAL(nfct_bitmask_test_bit(b, other), other <= bit);
	}
	for (unsigned bit = 0; bit <= 95; bit++) {
		nfct_bitmask_unset_bit(b, bit);
		for (unsigned other = 0; other <= 95; other++)
			CU_ASSERT_EQUAL(nfct_bitmask_test_bit(b, other), other > bit);
	}
	nfct_bitmask_set_bit(b, 3);
	nfct_bitmask_set_bit(b, 94);
	nfct_bitmask_clear(b);
	CU_ASSERT_FALSE(nfct_bitmask_test_bit(b, 3));
	CU_ASSERT_FALSE(nfct_bitmask_test_bit(b, 94));
	nfct_bitmask_destroy(b);
}

static void bits_without_room_are_ignored(void)
{
	static const unsigned beyond[] = {32, 63, 64, 65535, 65536, 1u << 31, ~0u};
	struct nfct_bitmask *b = nfct_bitmask_new(31);

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		nfct_bitmask_set_bit(b, beyond[i]);
		CU_ASSERT_EQUAL(nfct_bitmask_test_bit(b, beyond[i]), 0);
		nfct_bitmask_unset_bit(b, beyond[i]);
	}
	CU_ASSERT_EQUAL(b->bits[0], 0);
	nfct_bitmask_destroy(b);
}

static void a_clone_is_equal_until_one_changes(void)
{
	struct nfct_bitmask *b = nfct_bitmask_new(127), *copy;

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	nfct_bitmask_set_bit(b, 5);
	nfct_bitmask_set_bit(b, 127);
	copy = nfct_bitmask_clone(b);
	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	CU_ASSERT(nfct_bitmask_equal(b, copy) && nfct_bitmask_equal(copy, b));
	CU_ASSERT(nfct_bitmask_test_bit(copy, 127));
	nfct_bitmask_unset_bit(copy, 127);
	CU_ASSERT_FALSE(nfct_bitmask_equal(b, copy));
	CU_ASSERT(nfct_bitmask_test_bit(b, 127));
	nfct_bitmask_destroy(b);
	nfct_bitmask_destroy(copy);
}

/* The public test wants the same size, the one behind nfct_cmp() the same bits. */
static void size_matters_to_equal_alone(void)
{
	struct nfct_bitmask *small = nfct_bitmask_new(31), *large = nfct_bitmask_new(127);

	CU_ASSERT_PTR_NOT_NULL_FATAL(small);
	CU_ASSERT_PTR_NOT_NULL_FATAL(large);
	CU_ASSERT_FALSE(nfct_bitmask_equal(small, large));
	CU_ASSERT(bitmask_same_bits(small, large) && bitmask_same_bits(large, small));
	CU_ASSERT(bitmask_same_bits(NULL, large) && bitmask_same_bits(large, NULL));
	CU_ASSERT(bitmask_same_bits(NULL, NULL));
	nfct_bitmask_set_bit(small, 7);
	nfct_bitmask_set_bit(large, 7);
	CU_ASSERT(bitmask_same_bits(small, large) && bitmask_same_bits(large, small));
	CU_ASSERT_FALSE(bitmask_same_bits(NULL, small) || bitmask_same_bits(large, NULL));
	nfct_bitmask_set_bit(large, 96);
	CU_ASSERT_FALSE(bitmask_same_bits(small, large) || bitmask_same_bits(large, small));
	nfct_bitmask_destroy(small);
	nfct_bitmask_destroy(large);
}

static void a_payload_fills_whole_words(void)
{
	static const uint8_t payload[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

	for (size_t len = 0; len <= sizeof(payload); len++) {
		struct nfct_bitmask *b = bitmask_of_payload(len ? payload : NULL, len);
		uint8_t want[12] = {0};

		CU_ASSERT_PTR_NOT_NULL_FATAL(b);
		CU_ASSERT_EQUAL_FATAL(b->words, len > 8 ? 3 : len > 4 ? 2 : 1);
		memcpy(want, payload, len);
		CU_ASSERT_EQUAL(memcmp(b->bits, want, b->words * sizeof(uint32_t)), 0);
		nfct_bitmask_destroy(b);
	}
}

static void no_bitmask_is_an_error_and_no_crash(void)
{
	struct nfct_bitmask *b = nfct_bitmask_new(31);

	nfct_bitmask_destroy(NULL);
#define REFUSED(call)                                                                              \
	do {                                                                                       \
		errno = 0;                                                                         \
		CU_ASSERT_FALSE(call);                                                             \
		CU_ASSERT_EQUAL(errno, EINVAL);                                                    \
	} while (0)
	REFUSED(nfct_bitmask_clone(NULL));
	REFUSED(nfct_bitmask_maxbit(NULL));
	REFUSED(nfct_bitmask_test_bit(NULL, 0));
	REFUSED(nfct_bitmask_equal(NULL, NULL));
	REFUSED(nfct_bitmask_equal(b, NULL));
	REFUSED(nfct_bitmask_equal(NULL, b));
	REFUSED((nfct_bitmask_set_bit(NULL, 0), 0));
	REFUSED((nfct_bitmask_unset_bit(NULL, 0), 0));
	REFUSED((nfct_bitmask_clear(NULL), 0));
	nfct_bitmask_destroy(b);
}

/* The map of a file with these bytes; errno is left as nfct_labelmap_new() leaves it. */
static struct nfct_labelmap *map_of(const char *text, size_t len)
{
	char path[] = "/tmp/test_nfct_labels.XXXXXX";
	struct nfct_labelmap *map;
	int fd = mkstemp(path), error;

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, text, len), (ssize_t)len);
	close(fd);
	errno = EDOM;
	map = nfct_labelmap_new(path);
	error = errno;
	unlink(path);
	errno = error;
	return map;
}

static void each_line_is_a_number_and_a_name(void)
{
	static const struct {
		const char *line;
		unsigned bit;
		const char *name;
	} cases[] = {
		{"1 a\n", 1, "a"},
		{"1 a", 1, "a"},
		{" 1 a\n", 1, "a"},
		{"\t1\ta\t\n", 1, "a"},
		{"\v1\va\v\f\r\n", 1, "a"},
		{"1 a\r\n", 1, "a"},
		{"0x10 a\n", 16, "a"},
		{"0X1f a\n", 31, "a"},
		{"010 a\n", 8, "a"},
		{"08 a\n", 0, "8 a"},
		{"+3 a\n", 3, "a"},
		{"-0 a\n", 0, "a"},
		{"1023 a\n", 1023, "a"},
		{"1foo\n", 1, "foo"},
		{"0xfoo\n", 15, "oo"},
		{"0x\n", 0, "x"},
		{"0xg\n", 0, "xg"},
		{"1  foo  bar  \n", 1, "foo  bar"},
		{"1 foo-bar\n", 1, "foo-bar"},
		{"1 -\n", 1, "-"},
		{"1-a\n", 1, "-a"},
		{"1 1\n", 1, "1"},
		{"12 3 4\n", 12, "3 4"},
		{"0x1 0x2\n", 1, "0x2"},
		{"\n\r\n#7 x\n1 Zz09\n", 1, "Zz09"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nfct_labelmap *map = map_of(cases[i].line, strlen(cases[i].line));

		CU_ASSERT_PTR_NOT_NULL_FATAL(map);
		CU_ASSERT_PTR_NOT_NULL_FATAL(nfct_labelmap_get_name(map, cases[i].bit));
		CU_ASSERT_STRING_EQUAL(nfct_labelmap_get_name(map, cases[i].bit), cases[i].name);
		CU_ASSERT_EQUAL(nfct_labelmap_get_bit(map, cases[i].name), (int)cases[i].bit);
		CU_ASSERT_PTR_NULL(nfct_labelmap_get_name(map, cases[i].bit + 1));
		nfct_labelmap_destroy(map);
	}
}

static void lines_that_look_otherwise_define_nothing(void)
{
	static const char *const lines[] = {"", "\n", "#1 a\n", " # a\n", "-1 a\n", "1024 a\n",
		"4294967297 a\n", "18446744073709551616 a\n", "99999999999999999999 a\n", "1\n",
		"1 \n", "foo 1\n", "1 a_b\n", "1 a.b\n", "1 a # comment\n", "1 a\tb\n",
		"1 \xc3\xa4\n", "1_0 a\n", "\xef\xbb\xbf\x31 a\n", "1,a\n", "1 a\r2 b\n"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		CU_ASSERT_PTR_NULL(map_of(lines[i], strlen(lines[i])));
		CU_ASSERT_EQUAL(errno, 0);
	}
}

static void the_first_definition_wins(void)
{
	static const char text[] = "1 a\n1 b\n2 a\n3 c\n4 b\n5 d\0e\n6 A\n";
	static const char *const names[] = {"", "a", "", "c", "b", "d", "A"};
	struct nfct_labelmap *map = map_of(text, sizeof(text) - 1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(map);
	for (unsigned bit = 0; bit < 7; bit++) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(nfct_labelmap_get_name(map, bit));
		CU_ASSERT_STRING_EQUAL(nfct_labelmap_get_name(map, bit), names[bit]);
		CU_ASSERT_EQUAL(
			nfct_labelmap_get_bit(map, names[bit]), *names[bit] ? (int)bit : -1);
	}
	CU_ASSERT_PTR_NULL(nfct_labelmap_get_name(map, 7));
	CU_ASSERT_PTR_NULL(nfct_labelmap_get_name(map, ~0u));
	CU_ASSERT_EQUAL(nfct_labelmap_get_bit(map, "aa"), -1);
	CU_ASSERT_EQUAL(nfct_labelmap_get_bit(map, "e"), -1);
	nfct_labelmap_destroy(map);
}

/* 1023 characters are a line, the next 1023 another, whatever they say. */
static void long_lines_are_read_in_pieces(void)
{
	static char text[4096];

	for (size_t len = 1000; len < 3200; len++) {
		static const char tail[] = "8 tail\n9 next\n";
		size_t first = len + 6 < 1023 ? len + 6 : 1023;
		struct nfct_labelmap *map;

		memset(text, 'a', len);
		memcpy(text, "7 ", 2);
		memcpy(text + len, tail, sizeof(tail) - 1);
		map = map_of(text, len + sizeof(tail) - 1);
		CU_ASSERT_PTR_NOT_NULL_FATAL(map);
		while (text[first - 1] == ' ')
			first--;
		CU_ASSERT_EQUAL(strlen(nfct_labelmap_get_name(map, 7)), first - 2);
		CU_ASSERT_EQUAL(nfct_labelmap_get_bit(map, "tail"), len % 1023 ? -1 : 8);
		CU_ASSERT_EQUAL(nfct_labelmap_get_bit(map, "next"), 9);
		nfct_labelmap_destroy(map);
	}
}

static void all_labels_can_have_names(void)
{
	static char text[1024 * 16];
	struct nfct_labelmap *map;
	size_t len = 0;
	char name[16];

	for (unsigned bit = 1024; bit-- > 0;)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%u n%u\n", bit, bit);
	map = map_of(text, len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(map);
	for (unsigned bit = 0; bit < 1024; bit++) {
		snprintf(name, sizeof(name), "n%u", bit);
		CU_ASSERT_EQUAL(nfct_labelmap_get_bit(map, name), (int)bit);
		CU_ASSERT_STRING_EQUAL(nfct_labelmap_get_name(map, bit), name);
	}
	CU_ASSERT_PTR_NULL(nfct_labelmap_get_name(map, 1024));
	nfct_labelmap_destroy(map);
}

static void a_file_that_cannot_be_read_has_its_errno(void)
{
	errno = 0;
	CU_ASSERT_PTR_NULL(nfct_labelmap_new("/nonexistent/connlabel.conf"));
	CU_ASSERT_EQUAL(errno, ENOENT);
	CU_ASSERT_PTR_NULL(nfct_labelmap_new("/"));
	CU_ASSERT_EQUAL(errno, EISDIR);
	CU_ASSERT_STRING_EQUAL(nfct_labels_get_path(), "/etc/xtables/connlabel.conf");
	if (access(nfct_labels_get_path(), F_OK) != 0) {
		CU_ASSERT_PTR_NULL(nfct_labelmap_new(NULL));
		CU_ASSERT_EQUAL(errno, ENOENT);
	}
}

static void no_map_is_an_error_and_no_crash(void)
{
	struct nfct_labelmap *map = map_of("1 a\n", 4);

	nfct_labelmap_destroy(NULL);
	REFUSED(nfct_labelmap_get_name(NULL, 1));
	REFUSED(nfct_labelmap_get_bit(NULL, "a") + 1);
	REFUSED(nfct_labelmap_get_bit(map, NULL) + 1);
	nfct_labelmap_destroy(map);
}

static const struct unit_test tests[] = {
	{"a bitmask has whole words", a_bitmask_has_whole_words},
	{"bits are set and unset one by one", bits_are_set_and_unset_one_by_one},
	{"bits without room are ignored", bits_without_room_are_ignored},
	{"a clone is equal until one changes", a_clone_is_equal_until_one_changes},
	{"size matters to equal alone", size_matters_to_equal_alone},
	{"a payload fills whole words", a_payload_fills_whole_words},
	{"no bitmask is an error and no crash", no_bitmask_is_an_error_and_no_crash},
	{"each line is a number and a name", each_line_is_a_number_and_a_name},
	{"lines that look otherwise define nothing", lines_that_look_otherwise_define_nothing},
	{"the first definition wins", the_first_definition_wins},
	{"long lines are read in pieces", long_lines_are_read_in_pieces},
	{"all labels can have names", all_labels_can_have_names},
	{"a file that cannot be read has its errno", a_file_that_cannot_be_read_has_its_errno},
	{"no map is an error and no crash", no_map_is_an_error_and_no_crash},
};

UNIT_MAIN("nfct labels", tests)
