/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIB_HOST_H
#define LIB_HOST_H

#include <stddef.h>

/*
 * Sends a request to the host of the guest, over the virtio port errpath.host, and waits for
 * the answer. scripts/host/hotadd.py defines the requests. Returns 0 or -errno (-ENODEV: no such
 * port), and in @said the text of the answer.
 */
int host_ask(const char *request, char *said, size_t size);

#endif
