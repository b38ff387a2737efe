// SPDX-License-Identifier: GPL-2.0
/*
 * The host: its PCI virtual service provider, which answers the messages of the guest as Hyper-V
 * does, or as the rules in debugfs say.
 */
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "sim.h"

/* Types of messages. No kernel header has them: they are private to pci-hyperv.c. */
#define MESSAGE(n)	(0x42490000 + (n))

enum {
	BUS_RELATIONS = MESSAGE(0x00),
	QUERY_BUS_RELATIONS = MESSAGE(0x01),
	QUERY_REQUIREMENTS = MESSAGE(0x05),
	D0_ENTRY = MESSAGE(0x07),
	D0_EXIT = MESSAGE(0x08),
	EJECT = MESSAGE(0x0b),
	EJECTION_COMPLETE = MESSAGE(0x0f),
	RESOURCES_ASSIGNED = MESSAGE(0x10),
	RESOURCES_RELEASED = MESSAGE(0x11),
	QUERY_VERSION = MESSAGE(0x13),
	CREATE_INTERRUPT = MESSAGE(0x14),
	DELETE_INTERRUPT = MESSAGE(0x15),
	RESOURCES_ASSIGNED2 = MESSAGE(0x16),
	CREATE_INTERRUPT2 = MESSAGE(0x17),
	BUS_RELATIONS2 = MESSAGE(0x19),
	RESOURCES_ASSIGNED3 = MESSAGE(0x1a),
	CREATE_INTERRUPT3 = MESSAGE(0x1b),
};

#define VERSION_1_3		0x10003	/* from this version on relations are of type 2 */
#define VERSION_1_4		0x10004

#define STATUS_REVISION_MISMATCH	0xc0000059
#define STATUS_INVALID_DEVICE_STATE	0xc0000184
/* Status of Azure's hosts for a config window that covers the framebuffer. */
#define STATUS_WINDOW_OVERLAPS		0xc0370048

#define DEFAULT_DEVICES	1

static unsigned int devices = DEFAULT_DEVICES;

static int devices_set(const char *value, const struct kernel_param *param)
{
	return param_set_uint_minmax(value, param, 0, SIM_MAX_FUNCTIONS);
}

static const struct kernel_param_ops devices_ops = {
	.set = devices_set,
	.get = param_get_uint,
};

module_param_cb(devices, &devices_ops, &devices, 0644);
MODULE_PARM_DESC(devices, "number of PCI functions on each bus offered from now on, 0 to 8");

struct sim_rule host_rules[SIM_NR_MESSAGES];
u32 host_version = VERSION_1_4;

const char * const host_message_names[SIM_NR_MESSAGES] = {
	[SIM_VERSION] = "version",
	[SIM_RELATIONS] = "relations",
	[SIM_D0_ENTRY] = "d0_entry",
	[SIM_REQUIREMENTS] = "requirements",
	[SIM_ASSIGNED] = "assigned",
	[SIM_CREATE_INTERRUPT] = "create_interrupt",
	[SIM_DELETE_INTERRUPT] = "delete_interrupt",
	[SIM_EJECTED] = "ejected",
	[SIM_RELEASED] = "released",
	[SIM_D0_EXIT] = "d0_exit",
	[SIM_OTHER] = "other",
};

/* A message of the guest; @words: its contents, beginning with its type. */
struct request {
	enum sim_message kind;
	u64 transaction;
	const u32 *words;
	u32 len;
};

/* Decrement a count of a rule. Returns false if it was 0. */
static bool rule_consume(u32 *count)
{
	u32 left = READ_ONCE(*count);

	if (left)
		WRITE_ONCE(*count, left - 1);
	return left;
}

static void host_send(struct sim_bus *bus, enum sim_message kind, u16 type, u64 transaction,
		      const void *payload, u32 len)
{
	struct sim_rule *rule = &host_rules[kind];

	if (rule_consume(&rule->drop))
		return;
	channel_send(bus, type, transaction, payload, len, rule->delay_ms);
	if (rule_consume(&rule->repeat))
		channel_send(bus, type, transaction, payload, len, rule->delay_ms);
}

/* Send an answer, which begins with its status, or refuse the request if its rule says so. */
static void host_answer(struct sim_bus *bus, const struct request *request, u32 *status, u32 len)
{
	const struct sim_rule *rule = &host_rules[request->kind];

	if (rule->status)
		*status = rule->status;
	host_send(bus, request->kind, VM_PKT_COMP, request->transaction, status, len);
}

static void host_answer_status(struct sim_bus *bus, const struct request *request, u32 status)
{
	u32 words[2] = { status };	/* the shortest packet has two words */

	host_answer(bus, request, words, sizeof(words));
}

static void host_negotiate_version(struct sim_bus *bus, const struct request *request)
{
	u32 version = request->words[1];
	bool supported = version <= host_version;

	if (supported)
		bus->version = version;
	host_answer_status(bus, request, supported ? 0 : STATUS_REVISION_MISMATCH);
}

/* A description of type 2 ends with flags, NUMA node and padding. */
struct description2 {
	struct sim_description desc;
	u32 more[2];
} __packed;

struct relations {
	u32 type;
	u32 count;
	struct description2 functions[SIM_MAX_FUNCTIONS];
} __packed;

static u32 relations_write(const struct sim_bus *bus, struct relations *relations)
{
	bool is_type_2 = bus->version >= VERSION_1_3;
	size_t size = is_type_2 ? sizeof(struct description2) : sizeof(struct sim_description);
	void *place = relations->functions;
	unsigned long slot;

	relations->type = is_type_2 ? BUS_RELATIONS2 : BUS_RELATIONS;
	for_each_set_bit(slot, &bus->present, SIM_MAX_FUNCTIONS) {
		memset(place, 0, size);
		memcpy(place, &bus->functions[slot].desc, sizeof(struct sim_description));
		place += size;
	}
	relations->count = hweight_long(bus->present);
	return place - (void *)relations;
}

static void host_send_relations(struct sim_bus *bus)
{
	struct relations relations;
	u32 len = relations_write(bus, &relations);

	BUILD_BUG_ON(sizeof(struct vmpacket_descriptor) + sizeof(relations) >
		     sizeof(bus->queue[0].data));
	host_send(bus, SIM_RELATIONS, VM_PKT_DATA_INBAND, 0, &relations, len);
}

static void host_enter_d0(struct sim_bus *bus, const struct request *request)
{
	u64 base = *(const u64 *)&request->words[2];

	if (bus->in_d0) {
		host_answer_status(bus, request, STATUS_INVALID_DEVICE_STATE);
		return;
	}
	if (windows_overlap_framebuffer(base, SIM_WINDOW_SIZE)) {
		host_answer_status(bus, request, STATUS_WINDOW_OVERLAPS);
		return;
	}
	if (!host_rules[SIM_D0_ENTRY].status) {
		bus->window = ioremap(base, SIM_WINDOW_SIZE);
		bus->in_d0 = true;
	}
	host_answer_status(bus, request, 0);
}

static void host_exit_d0(struct sim_bus *bus, const struct request *request)
{
	host_power_off(bus);
	host_answer_status(bus, request, 0);
}

static struct sim_function *host_find_function(struct sim_bus *bus, u32 slot)
{
	return slot < SIM_MAX_FUNCTIONS && test_bit(slot, &bus->present) ?
	       &bus->functions[slot] : NULL;
}

static void host_answer_requirements(struct sim_bus *bus, const struct request *request)
{
	const struct sim_function *function = host_find_function(bus, request->words[1]);
	struct { u32 status; u32 bars[PCI_STD_NUM_BARS]; } reply = {};

	if (function)
		config_requirements(function, reply.bars);
	host_answer(bus, request, &reply.status, sizeof(reply));
}

/* Answer with the address and data of an MSI, which no device ever writes. */
static void host_create_interrupt(struct sim_bus *bus, const struct request *request)
{
	struct {
		u32 status;
		u32 reserved;
		u16 reserved2;
		u16 vectors;
		u32 data;
		u64 address;
	} __packed reply = { .vectors = 1, .data = 0x41, .address = 0xfee00000 };

	host_answer(bus, request, &reply.status, sizeof(reply));
}

static void host_complete_ejection(struct sim_bus *bus, const struct request *request)
{
	if (host_find_function(bus, request->words[1]))
		clear_bit(request->words[1], &bus->present);
}

static enum sim_message message_kind(u32 type)
{
	switch (type) {
	case QUERY_VERSION: return SIM_VERSION;
	case QUERY_BUS_RELATIONS: return SIM_RELATIONS;
	case QUERY_REQUIREMENTS: return SIM_REQUIREMENTS;
	case D0_ENTRY: return SIM_D0_ENTRY;
	case D0_EXIT: return SIM_D0_EXIT;
	case RESOURCES_ASSIGNED:
	case RESOURCES_ASSIGNED2:
	case RESOURCES_ASSIGNED3: return SIM_ASSIGNED;
	case RESOURCES_RELEASED: return SIM_RELEASED;
	case CREATE_INTERRUPT:
	case CREATE_INTERRUPT2:
	case CREATE_INTERRUPT3: return SIM_CREATE_INTERRUPT;
	case DELETE_INTERRUPT: return SIM_DELETE_INTERRUPT;
	case EJECTION_COMPLETE: return SIM_EJECTED;
	default: return SIM_OTHER;
	}
}

/* Number of words that a message must have at least. */
static const u32 min_words[SIM_NR_MESSAGES] = {
	[SIM_VERSION] = 2,
	[SIM_D0_ENTRY] = 4,
	[SIM_REQUIREMENTS] = 2,
	[SIM_EJECTED] = 2,
};

static void host_handle(struct sim_bus *bus, const struct request *request)
{
	switch (request->kind) {
	case SIM_VERSION:
		return host_negotiate_version(bus, request);
	case SIM_RELATIONS:
		return host_send_relations(bus);
	case SIM_D0_ENTRY:
		return host_enter_d0(bus, request);
	case SIM_D0_EXIT:
		return host_exit_d0(bus, request);
	case SIM_REQUIREMENTS:
		return host_answer_requirements(bus, request);
	case SIM_CREATE_INTERRUPT:
		return host_create_interrupt(bus, request);
	case SIM_EJECTED:
		return host_complete_ejection(bus, request);
	case SIM_RELEASED:
	case SIM_DELETE_INTERRUPT:
		return;		/* the protocol has no answer to these */
	default:
		return host_answer_status(bus, request, 0);
	}
}

/**
 * host_receive() - handle a message of the guest
 * @bus: bus whose driver sent the message
 * @message: the message, which begins with its type
 * @len: size of the message in bytes
 * @transaction: id for the answer
 *
 * May sleep for D0 entry and exit. Any context for the other messages.
 */
void host_receive(struct sim_bus *bus, const void *message, u32 len, u64 transaction)
{
	struct request request = { .transaction = transaction, .words = message, .len = len };

	request.kind = len < sizeof(u32) ? SIM_OTHER : message_kind(request.words[0]);
	host_rules[request.kind].seen++;
	if (len < min_words[request.kind] * sizeof(u32)) {
		pr_err("the message %s of %u bytes is too short: ignored\n",
		       host_message_names[request.kind], len);
		return;
	}
	host_handle(bus, &request);
}

/**
 * host_report_relations() - change the number of functions and report it, as for a hot-plug
 * @bus: the bus
 * @count: number of functions, in the first slots
 *
 * Return: 0, or -EINVAL.
 */
int host_report_relations(struct sim_bus *bus, unsigned long count)
{
	if (count > SIM_MAX_FUNCTIONS)
		return -EINVAL;
	bus->present = BIT(count) - 1;
	if (READ_ONCE(bus->channel.onchannel_callback))
		host_send_relations(bus);
	return 0;
}

/**
 * host_eject() - ask the guest to give up a function
 * @bus: the bus
 * @slot: slot of the function
 *
 * Return: 0, or -ENODEV if the slot is empty.
 */
int host_eject(struct sim_bus *bus, unsigned long slot)
{
	u32 words[2] = { EJECT, slot };

	if (!host_find_function(bus, slot))
		return -ENODEV;
	channel_send(bus, VM_PKT_DATA_INBAND, 0, words, sizeof(words), 0);
	return 0;
}

/**
 * host_defaults() - set the rules, the version and the parameter "devices" to their defaults
 */
void host_defaults(void)
{
	devices = DEFAULT_DEVICES;
	memset(host_rules, 0, sizeof(host_rules));
	host_version = VERSION_1_4;
}

/**
 * host_power_on() - create the functions of a new bus
 * @bus: the bus, zeroed
 */
void host_power_on(struct sim_bus *bus)
{
	unsigned int slot;

	for (slot = 0; slot < SIM_MAX_FUNCTIONS; slot++)
		config_reset(&bus->functions[slot], bus->number, slot);
	bus->present = BIT(devices) - 1;
}

/**
 * host_power_off() - leave D0, unless the guest has left it already
 * @bus: the bus
 *
 * May sleep.
 */
void host_power_off(struct sim_bus *bus)
{
	if (bus->window)
		iounmap(bus->window);
	bus->window = NULL;
	bus->in_d0 = false;
}
