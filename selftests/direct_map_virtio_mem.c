// SPDX-License-Identifier: GPL-2.0
#define HOTADD hotadd_by_virtio_mem
#include "direct_map.h"
