/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flow/expect_pack.h"
