/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_UNIT_H
#define CTSYNC_TESTS_UNIT_H

#include <stdio.h>
#include <stdlib.h>

#include <CUnit/Basic.h>

/*
 * A unit test binary is one module: a table of named functions and UNIT_MAIN. It prints CUnit's
 * summary and, as its last line, "N passed, N failed" counted in tests; exit status 0 only when
 * none failed and at least one ran.
 */
struct unit_test {
	const char *name;
	void (*run)(void);
};

static inline int unit_run(const char *module, const struct unit_test *tests, size_t count)
{
	CU_pSuite suite;
	unsigned run, failed;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	suite = CU_add_suite(module, NULL, NULL);
	for (size_t i = 0; suite && i < count; i++)
		if (!CU_add_test(suite, tests[i].name, tests[i].run))
			return 2;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	CU_basic_show_failures(CU_get_failure_list());
	run = CU_get_number_of_tests_run();
	failed = CU_get_number_of_tests_failed();
	CU_cleanup_registry();
	printf("\n%s: %u passed, %u failed\n", module, run - failed, failed);
	return run == count && run > 0 && failed == 0 ? 0 : 1;
}

#define UNIT_MAIN(module, tests)                                                                   \
	int main(void)                                                                             \
	{                                                                                          \
		return unit_run(module, tests, sizeof(tests) / sizeof((tests)[0]));                \
	}

#endif
