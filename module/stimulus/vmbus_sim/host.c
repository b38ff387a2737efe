// SPDX-License-Identifier: GPL-2.0
/*
 * The host: its PCI virtual service provider, which answers the guest's
 * messages as Hyper-V does, or as the rules say.
 */
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "sim.h"

/* The types of messages; the guest's driver has them in its .c file. */
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

#define VERSION_1_3		0x10003	/* from here on relations are of type 2 */
#define VERSION_1_4		0x10004

#define STATUS_REVISION_MISMATCH	0xc0000059
#define STATUS_INVALID_DEVICE_STATE	0xc0000184
/* What Azure's hosts say when the config window covers the framebuffer. */
#define STATUS_WINDOW_OVERLAPS		0xc0370048

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

/* A message of the guest, and what it says behind its type. */
struct request {
	enum sim_message kind;
	u64 transaction;
	const u32 *words;
	u32 len;
};

/* Use up one of a rule's count. */
static bool take(u32 *count)
{
	u32 left = READ_ONCE(*count);

	if (left)
		WRITE_ONCE(*count, left - 1);
	return left;
}

static void tell(struct sim_bus *bus, enum sim_message kind, u16 type, u64 transaction,
		 const void *payload, u32 len)
{
	struct sim_rule *rule = &host_rules[kind];

	if (take(&rule->drop))
		return;
	channel_to_guest(bus, type, transaction, payload, len, rule->delay_ms);
	if (take(&rule->repeat))
		channel_to_guest(bus, type, transaction, payload, len, rule->delay_ms);
}

/* Each answer begins with its status. */
static void answer(struct sim_bus *bus, const struct request *request, u32 *status, u32 len)
{
	const struct sim_rule *rule = &host_rules[request->kind];

	if (rule->status)
		*status = rule->status;
	tell(bus, request->kind, VM_PKT_COMP, request->transaction, status, len);
}

static void answer_status(struct sim_bus *bus, const struct request *request, u32 status)
{
	u32 words[2] = { status };	/* no packet is shorter */

	answer(bus, request, words, sizeof(words));
}

static void negotiate(struct sim_bus *bus, const struct request *request)
{
	u32 version = request->words[1];
	bool knows = version <= host_version;

	if (knows)
		bus->version = version;
	answer_status(bus, request, knows ? 0 : STATUS_REVISION_MISMATCH);
}

/* A description of the second type ends with flags, NUMA node and padding. */
struct description2 {
	struct sim_description desc;
	u32 more[2];
} __packed;

struct relations {
	u32 type;
	u32 count;
	struct description2 functions[SIM_MAX_FUNCTIONS];
} __packed;

static u32 write_relations(const struct sim_bus *bus, struct relations *relations)
{
	bool second = bus->version >= VERSION_1_3;
	size_t size = second ? sizeof(struct description2) : sizeof(struct sim_description);
	void *place = relations->functions;
	unsigned long slot;

	relations->type = second ? BUS_RELATIONS2 : BUS_RELATIONS;
	for_each_set_bit(slot, &bus->present, SIM_MAX_FUNCTIONS) {
		memset(place, 0, size);
		memcpy(place, &bus->functions[slot].desc, sizeof(struct sim_description));
		place += size;
	}
	relations->count = hweight_long(bus->present);
	return place - (void *)relations;
}

static void tell_relations(struct sim_bus *bus)
{
	struct relations relations;
	u32 len = write_relations(bus, &relations);

	BUILD_BUG_ON(sizeof(struct vmpacket_descriptor) + sizeof(relations) >
		     sizeof(bus->queue[0].data));
	tell(bus, SIM_RELATIONS, VM_PKT_DATA_INBAND, 0, &relations, len);
}

static void enter_d0(struct sim_bus *bus, const struct request *request)
{
	u64 base = *(const u64 *)&request->words[2];

	if (bus->in_d0) {
		answer_status(bus, request, STATUS_INVALID_DEVICE_STATE);
		return;
	}
	if (windows_overlap_framebuffer(base, SIM_WINDOW_SIZE)) {
		answer_status(bus, request, STATUS_WINDOW_OVERLAPS);
		return;
	}
	if (!host_rules[SIM_D0_ENTRY].status) {
		bus->window = ioremap(base, SIM_WINDOW_SIZE);
		bus->in_d0 = true;
	}
	answer_status(bus, request, 0);
}

static void exit_d0(struct sim_bus *bus, const struct request *request)
{
	host_power_off(bus);
	answer_status(bus, request, 0);
}

static struct sim_function *find_function(struct sim_bus *bus, u32 slot)
{
	return slot < SIM_MAX_FUNCTIONS && test_bit(slot, &bus->present) ?
	       &bus->functions[slot] : NULL;
}

static void tell_requirements(struct sim_bus *bus, const struct request *request)
{
	const struct sim_function *function = find_function(bus, request->words[1]);
	struct { u32 status; u32 bars[PCI_STD_NUM_BARS]; } reply = {};

	if (function)
		config_requirements(function, reply.bars);
	answer(bus, request, &reply.status, sizeof(reply));
}

/* Where a device would write to raise the interrupt: nobody ever does. */
static void create_interrupt(struct sim_bus *bus, const struct request *request)
{
	struct {
		u32 status;
		u32 reserved;
		u16 reserved2;
		u16 vectors;
		u32 data;
		u64 address;
	} __packed reply = { .vectors = 1, .data = 0x41, .address = 0xfee00000 };

	answer(bus, request, &reply.status, sizeof(reply));
}

static void ejected(struct sim_bus *bus, const struct request *request)
{
	if (find_function(bus, request->words[1]))
		clear_bit(request->words[1], &bus->present);
}

static enum sim_message kind_of(u32 type)
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

/* The fewest words with which a message makes sense. */
static const u32 least_words[SIM_NR_MESSAGES] = {
	[SIM_VERSION] = 2,
	[SIM_D0_ENTRY] = 4,
	[SIM_REQUIREMENTS] = 2,
	[SIM_EJECTED] = 2,
};

static void handle(struct sim_bus *bus, const struct request *request)
{
	switch (request->kind) {
	case SIM_VERSION:
		return negotiate(bus, request);
	case SIM_RELATIONS:
		return tell_relations(bus);
	case SIM_D0_ENTRY:
		return enter_d0(bus, request);
	case SIM_D0_EXIT:
		return exit_d0(bus, request);
	case SIM_REQUIREMENTS:
		return tell_requirements(bus, request);
	case SIM_CREATE_INTERRUPT:
		return create_interrupt(bus, request);
	case SIM_EJECTED:
		return ejected(bus, request);
	case SIM_RELEASED:
	case SIM_DELETE_INTERRUPT:
		return;		/* these are not answered */
	default:
		return answer_status(bus, request, 0);
	}
}

/**
 * host_receive() - the guest sent a message
 * @bus: on this bus
 * @message: which begins with its type
 * @len: bytes
 * @transaction: for the answer
 *
 * D0 entry and exit may sleep; the others come in any context.
 */
void host_receive(struct sim_bus *bus, const void *message, u32 len, u64 transaction)
{
	struct request request = { .transaction = transaction, .words = message, .len = len };

	request.kind = len < sizeof(u32) ? SIM_OTHER : kind_of(request.words[0]);
	host_rules[request.kind].seen++;
	if (len < least_words[request.kind] * sizeof(u32)) {
		pr_err("%s of %u bytes is too short\n", host_message_names[request.kind], len);
		return;
	}
	handle(bus, &request);
}

/**
 * host_tell_relations() - tell again what is on a bus, as after a hot-plug
 * @bus: the bus
 * @count: so many functions, the first ones
 *
 * Return: 0, or -EINVAL.
 */
int host_tell_relations(struct sim_bus *bus, unsigned long count)
{
	if (count > SIM_MAX_FUNCTIONS)
		return -EINVAL;
	bus->present = BIT(count) - 1;
	if (READ_ONCE(bus->channel.onchannel_callback))
		tell_relations(bus);
	return 0;
}

/**
 * host_eject() - ask the guest to give up a function
 * @bus: the bus
 * @slot: where it is
 *
 * Return: 0, or -ENODEV.
 */
int host_eject(struct sim_bus *bus, unsigned long slot)
{
	u32 words[2] = { EJECT, slot };

	if (!find_function(bus, slot))
		return -ENODEV;
	channel_to_guest(bus, VM_PKT_DATA_INBAND, 0, words, sizeof(words), 0);
	return 0;
}

/**
 * host_reset() - every rule and the version as at load
 */
void host_reset(void)
{
	memset(host_rules, 0, sizeof(host_rules));
	host_version = VERSION_1_4;
}

/**
 * host_power_on() - make the functions of a new bus
 * @bus: zeroed
 */
void host_power_on(struct sim_bus *bus)
{
	unsigned int slot;

	for (slot = 0; slot < SIM_MAX_FUNCTIONS; slot++)
		config_reset(&bus->functions[slot], bus->number, slot);
	bus->present = BIT(sim_devices) - 1;
}

/**
 * host_power_off() - out of D0, if the guest has not seen to that
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
