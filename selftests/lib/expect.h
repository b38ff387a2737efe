/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_EXPECT_H
#define LIB_EXPECT_H

#include "knobs.h"

/* Checks how many calls passed the filters of the point, and how many of them failed. */
#define EXPECT_STATS(_point, _matched, _injected) do { \
	struct stats __s; \
	ASSERT_EQ(0, stats_read(_point, &__s)); \
	EXPECT_EQ(_matched, __s.matched); \
	EXPECT_EQ(_injected, __s.injected); \
} while (0)

#endif
