// SPDX-License-Identifier: GPL-2.0
/*
 * The value of a failed function, from its type, which the kernel describes in its own BTF: NULL
 * for a pointer, an error for int and long, false for bool. A function that returns nothing, or a
 * structure, cannot fail this way.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "command.h"

enum kind { KIND_UNKNOWN, KIND_POINTER, KIND_ERRNO, KIND_BOOL, KIND_NUMBER, KIND_VOID, KIND_OTHER };

static const char * const kind_names[] = {
	[KIND_POINTER] = "a pointer",
	[KIND_ERRNO] = "int or long",
	[KIND_BOOL] = "bool",
	[KIND_NUMBER] = "a number that is not signed",
	[KIND_VOID] = "nothing",
	[KIND_OTHER] = "a structure",
};

static enum kind kind_of_int(const struct btf_type *type)
{
	__u8 encoding = btf_int_encoding(type);

	if (encoding & BTF_INT_BOOL)
		return KIND_BOOL;
	return encoding & BTF_INT_SIGNED && type->size >= sizeof(int) ? KIND_ERRNO : KIND_NUMBER;
}

static enum kind kind_of_type(const struct btf *btf, __u32 id)
{
	const struct btf_type *type;
	int resolved = btf__resolve_type(btf, id);

	if (!id)
		return KIND_VOID;
	type = btf__type_by_id(btf, resolved < 0 ? (int)id : resolved);
	if (!type)
		return KIND_UNKNOWN;
	switch (btf_kind(type)) {
	case BTF_KIND_UNKN:
		return KIND_VOID;
	case BTF_KIND_PTR:
		return KIND_POINTER;
	case BTF_KIND_INT:
		return kind_of_int(type);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return KIND_NUMBER;
	default:
		return KIND_OTHER;
	}
}

static enum kind kind_in(const struct btf *btf, const char *name)
{
	const struct btf_type *function, *prototype;
	int id = btf ? btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) : -ENOENT;

	if (id < 0)
		return KIND_UNKNOWN;
	function = btf__type_by_id(btf, id);
	prototype = btf__type_by_id(btf, function->type);
	if (!prototype || !btf_is_func_proto(prototype))
		return KIND_UNKNOWN;
	return kind_of_type(btf, prototype->type);
}

/* @module: NULL for the kernel's image. */
static enum kind kind_of_function(const char *module, const char *name)
{
	static struct btf *image;
	struct btf *btf = NULL;
	enum kind kind;

	libbpf_set_print(NULL);
	if (!image)
		image = btf__load_vmlinux_btf();
	if (!image)
		return KIND_UNKNOWN;
	if (!module)
		return kind_in(image, name);
	btf = btf__load_module_btf(module, image);
	kind = kind_in(btf, name);
	btf__free(btf);
	return kind;
}

static enum kind kind_lookup(const char *function)
{
	const char *colon = strchr(function, ':');
	char module[64];

	if (!colon)
		return kind_of_function(NULL, function);
	snprintf(module, sizeof(module), "%.*s", (int)(colon - function), function);
	return kind_of_function(module, colon + 1);
}

/* What a user can write. */
enum word { WORD_NULL, WORD_BOOL, WORD_NUMBER, WORD_ERRNO, WORD_ERR_PTR, WORD_WRONG };

static enum word word_of(const char *text)
{
	if (!strcmp(text, "NULL"))
		return WORD_NULL;
	if (!strcmp(text, "false") || !strcmp(text, "true"))
		return WORD_BOOL;
	if (!strcmp(text, "0") || !strcmp(text, "1"))
		return WORD_NUMBER;
	if (!strncmp(text, "ERR_PTR(-", 9) && text[strlen(text) - 1] == ')')
		return WORD_ERR_PTR;
	return *text == '-' ? WORD_ERRNO : WORD_WRONG;
}

static bool word_fits(enum word word, enum kind kind)
{
	switch (kind) {
	case KIND_UNKNOWN:
		return word != WORD_WRONG;
	case KIND_POINTER:
		return word == WORD_NULL || word == WORD_ERR_PTR;
	case KIND_ERRNO:
		return word == WORD_ERRNO || word == WORD_NUMBER;
	case KIND_BOOL:
		return word == WORD_BOOL || word == WORD_NUMBER;
	case KIND_NUMBER:
		return word == WORD_NUMBER;
	case KIND_VOID:
	case KIND_OTHER:
		return false;
	}
	return true;
}

static const char *words_for(enum kind kind)
{
	switch (kind) {
	case KIND_POINTER:
		return "NULL or ERR_PTR(-ENAME)";
	case KIND_ERRNO:
		return "-ENAME, 0 or 1";
	case KIND_BOOL:
		return "false or true";
	case KIND_NUMBER:
		return "0 or 1";
	default:
		return "NULL, ERR_PTR(-ENAME), -ENAME, false, true, 0 or 1";
	}
}

static int choose_default(const char *function, enum kind kind, char *value, size_t size)
{
	static const char * const defaults[] = {
		[KIND_POINTER] = "NULL",
		[KIND_ERRNO] = "-ENOMEM",
		[KIND_BOOL] = "false",
	};

	if (kind == KIND_UNKNOWN)
		return complain("the kernel's BTF has no type of %s(): write %s=RETURN with %s",
				function, function, words_for(kind));
	if (kind == KIND_NUMBER)
		return complain("%s() returns %s: write %s=0 or %s=1", function, kind_names[kind],
				function, function);
	snprintf(value, size, "%s", defaults[kind]);
	return 0;
}

int returns_choose(const char *function, const char *wanted, char *value, size_t size)
{
	enum kind kind = kind_lookup(function);
	enum word word;

	if (kind == KIND_VOID || kind == KIND_OTHER)
		return complain("%s() returns %s, so it cannot fail: name a function that calls it",
				function, kind_names[kind]);
	if (!wanted)
		return choose_default(function, kind, value, size);
	word = word_of(wanted);
	if (!word_fits(word, kind))
		return complain("%s() cannot return %s: it returns %s; write %s", function, wanted,
				kind == KIND_UNKNOWN ? "an unknown type" : kind_names[kind],
				words_for(kind));
	if (kind == KIND_UNKNOWN)
		say("the kernel's BTF has no type of %s(): %s is not checked", function, wanted);
	/* ERR_PTR(-ENAME) is the number -ENAME to the kernel. */
	if (word == WORD_ERR_PTR)
		snprintf(value, size, "%.*s", (int)strlen(wanted) - 9, wanted + 8);
	else
		snprintf(value, size, "%s", wanted);
	return 0;
}
