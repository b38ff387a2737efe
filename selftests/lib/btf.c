// SPDX-License-Identifier: GPL-2.0
/*
 * Reads BTF: a header, the types, and the strings. A type has a fixed part and a tail that
 * depends on its kind. Types are numbered from 1 in the order of the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "btf.h"

#define VMLINUX "/sys/kernel/btf/vmlinux"
#define SIZE_MAX_BTF (64UL << 20)

struct btf_data {
	char *data;
	size_t size;
	const char *types;
	const char *types_end;
	const char *strings;
	size_t strings_size;
};

static long btf_read_file(char *data, size_t size)
{
	int fd = open(VMLINUX, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		n = read(fd, data + len, size - len);
		if (n > 0)
			len += n;
	} while (n > 0 && len < size);
	if (n < 0)
		n = -errno;
	close(fd);
	return n < 0 ? n : (long)len;
}

static int btf_locate(struct btf_data *btf)
{
	const struct btf_header *header = (void *)btf->data;
	size_t room;

	if (btf->size < sizeof(*header) || header->magic != BTF_MAGIC ||
	    header->hdr_len > btf->size)
		return -EPROTO;
	room = btf->size - header->hdr_len;
	if ((size_t)header->type_off + header->type_len > room ||
	    (size_t)header->str_off + header->str_len > room)
		return -EPROTO;
	btf->types = btf->data + header->hdr_len + header->type_off;
	btf->types_end = btf->types + header->type_len;
	btf->strings = btf->data + header->hdr_len + header->str_off;
	btf->strings_size = header->str_len;
	return 0;
}

static int btf_open(struct btf_data *btf)
{
	long size;

	btf->data = malloc(SIZE_MAX_BTF);
	if (!btf->data)
		return -ENOMEM;
	size = btf_read_file(btf->data, SIZE_MAX_BTF);
	if (size < 0)
		return size;
	btf->size = size;
	return btf_locate(btf);
}

/* Returns the size of the tail of a type, or -EPROTO. */
static long btf_tail(const struct btf_type *type)
{
	unsigned int n = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	case BTF_KIND_INT:
		return sizeof(__u32);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return n * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return n * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return n * sizeof(struct btf_param);
	case BTF_KIND_VAR:
		return sizeof(struct btf_var);
	case BTF_KIND_DATASEC:
		return n * sizeof(struct btf_var_secinfo);
	case BTF_KIND_DECL_TAG:
		return sizeof(struct btf_decl_tag);
	default:
		return -EPROTO;
	}
}

/* Returns the type after @type, or NULL if the size of @type is unknown or exceeds the file. */
static const struct btf_type *btf_next(const struct btf_data *btf, const struct btf_type *type)
{
	long tail = btf_tail(type);
	const char *next = (const char *)(type + 1) + tail;

	return tail < 0 || next > btf->types_end ? NULL : (const void *)next;
}

static bool btf_is_end(const struct btf_data *btf, const struct btf_type *type)
{
	return (const char *)(type + 1) > btf->types_end;
}

static bool btf_has_name(const struct btf_data *btf, unsigned int name_off, const char *name)
{
	return name_off < btf->strings_size && !strcmp(btf->strings + name_off, name);
}

static bool btf_is(const struct btf_data *btf, const struct btf_type *type, unsigned int kind,
		   const char *name)
{
	return BTF_INFO_KIND(type->info) == kind && btf_has_name(btf, type->name_off, name);
}

static int btf_count_args(const struct btf_data *btf, unsigned int prototype, unsigned int *nr)
{
	const struct btf_type *type = (const void *)btf->types;

	for (unsigned int id = 1; type && !btf_is_end(btf, type); id++) {
		if (id == prototype) {
			*nr = BTF_INFO_VLEN(type->info);
			return BTF_INFO_KIND(type->info) == BTF_KIND_FUNC_PROTO ? 0 : -EPROTO;
		}
		type = btf_next(btf, type);
	}
	return -EPROTO;
}

static int btf_search(const struct btf_data *btf, const char *name, struct btf_function *function)
{
	const struct btf_type *type = (const void *)btf->types;

	for (unsigned int id = 1; type; id++) {
		if (btf_is_end(btf, type))
			return -ENOENT;
		if (btf_is(btf, type, BTF_KIND_FUNC, name)) {
			function->id = id;
			return btf_count_args(btf, type->type, &function->nr_args);
		}
		type = btf_next(btf, type);
	}
	return -EPROTO;
}

int btf_find_function(const char *name, struct btf_function *function)
{
	struct btf_data btf = {};
	int err = btf_open(&btf);

	if (!err)
		err = btf_search(&btf, name, function);
	free(btf.data);
	return err;
}

static int btf_search_member(const struct btf_data *btf, const struct btf_type *type,
			     const char *name, size_t *offset)
{
	const struct btf_member *member = (const void *)(type + 1);
	unsigned int bits;

	for (unsigned int i = 0; i < BTF_INFO_VLEN(type->info); i++) {
		if (!btf_has_name(btf, member[i].name_off, name))
			continue;
		bits = BTF_INFO_KFLAG(type->info) ? BTF_MEMBER_BIT_OFFSET(member[i].offset) :
		       member[i].offset;
		*offset = bits / 8;
		return 0;
	}
	return -ENOENT;
}

static int btf_search_struct(const struct btf_data *btf, const char *name,
			     const char *const *members, size_t *offsets, int nr)
{
	const struct btf_type *type = (const void *)btf->types, *next;
	int err = 0;

	for (; type; type = next) {
		if (btf_is_end(btf, type))
			return -ENOENT;
		next = btf_next(btf, type);
		if (next && btf_is(btf, type, BTF_KIND_STRUCT, name))
			break;
	}
	if (!type)
		return -EPROTO;
	for (int i = 0; i < nr && !err; i++)
		err = btf_search_member(btf, type, members[i], &offsets[i]);
	return err;
}

int btf_find_members(const char *name, const char *const *members, size_t *offsets, int nr)
{
	struct btf_data btf = {};
	int err = btf_open(&btf);

	if (!err)
		err = btf_search_struct(&btf, name, members, offsets, nr);
	free(btf.data);
	return err;
}
