/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_HOST_H
#define LIB_HOST_H

#include <stddef.h>

/*
 * Asks the guest's host for something, over the virtio port errpath.host (see
 * scripts/host/hotadd.py for what it knows), and waits for the answer: 0 or
 * -errno, and in @said the host's words. -ENODEV: there is no such port.
 */
int host_ask(const char *request, char *said, size_t size);

#endif
