/* SPDX-License-Identifier: GPL-2.0 */
#ifndef STIMULUS_ORDER_H
#define STIMULUS_ORDER_H

#include <linux/types.h>

int order_copy(char *text, size_t size, const char __user *buf, size_t len);
char *order_word(char **text);
int order_end(char *text);
int order_number(const char *word, u64 max, u64 *number);
int order_bytes(char *word, u64 *bytes);
int order_choice(const char * const *choices, size_t nr, const char *word);

#endif /* STIMULUS_ORDER_H */
