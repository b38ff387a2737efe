// SPDX-License-Identifier: GPL-2.0
/*
 * Parse an order: the words that user space writes to a debugfs file of a stimulus. A number
 * that does not fit, a surplus word and text after a NUL are errors. Nothing here allocates
 * memory.
 */
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "order.h"

/**
 * order_copy() - copy an order from user space
 * @text: receives the order and a terminating NUL
 * @size: size of @text
 * @buf: the text that user space writes
 * @len: length of the text
 *
 * Return: 0, -EFAULT, or -EINVAL if the order is too long or contains a NUL.
 */
int order_copy(char *text, size_t size, const char __user *buf, size_t len)
{
	if (len >= size)
		return -EINVAL;
	if (copy_from_user(text, buf, len))
		return -EFAULT;
	text[len] = '\0';
	return strlen(text) == len ? 0 : -EINVAL;
}

/**
 * order_word() - cut the next word off an order
 * @text: the rest of the order; advanced past the word
 *
 * Return: the word, or NULL if no word is left.
 */
char *order_word(char **text)
{
	char *word = skip_spaces(*text), *end = word;

	while (*end && !isspace(*end))
		end++;
	*text = end;
	if (*end) {
		*end = '\0';
		*text = end + 1;
	}
	return *word ? word : NULL;
}

/**
 * order_end() - check that no word is left
 * @text: the rest of the order
 *
 * Return: 0 or -EINVAL.
 */
int order_end(char *text)
{
	return *skip_spaces(text) ? -EINVAL : 0;
}

static bool is_hex(const char *word)
{
	return word[0] == '0' && tolower(word[1]) == 'x';
}

/**
 * order_number() - parse a number, decimal or 0xHEX, without a sign
 * @word: a word of the order, may be NULL
 * @max: the greatest number that is valid
 * @number: receives the number
 *
 * Return: 0 or -EINVAL.
 */
int order_number(const char *word, u64 max, u64 *number)
{
	u64 value;

	if (!word || !isdigit(*word) || kstrtou64(word, is_hex(word) ? 16 : 10, &value) ||
	    value > max)
		return -EINVAL;
	*number = value;
	return 0;
}

/**
 * order_bytes() - parse a number of bytes: "0x140000000", "128M"
 * @word: a word of the order, may be NULL; modified
 * @bytes: receives the number
 *
 * The suffixes are K, M, G, T, P and E; E is a digit in a hexadecimal number.
 *
 * Return: 0 or -EINVAL.
 */
int order_bytes(char *word, u64 *bytes)
{
	static const char suffixes[] = "KMGTPE";
	const char *suffix = NULL;
	unsigned int shift = 0;
	size_t len;
	int err;

	if (!word || !*word)
		return -EINVAL;
	len = strlen(word);
	if (!is_hex(word) || tolower(word[len - 1]) != 'e')
		suffix = strchr(suffixes, toupper(word[len - 1]));
	if (suffix) {
		shift = 10 * (suffix - suffixes + 1);
		word[len - 1] = '\0';
	}
	err = order_number(word, U64_MAX >> shift, bytes);
	if (!err)
		*bytes <<= shift;
	return err;
}

/**
 * order_choice() - look up a word
 * @choices: the valid words
 * @nr: number of @choices
 * @word: a word of the order, may be NULL
 *
 * Return: the word's index in @choices, or -EINVAL.
 */
int order_choice(const char * const *choices, size_t nr, const char *word)
{
	return word ? match_string(choices, nr, word) : -EINVAL;
}
