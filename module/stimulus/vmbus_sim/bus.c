// SPDX-License-Identifier: GPL-2.0
/* The bus type "vmbus", the buses that the host offers on it, and the guest's driver. */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "../../common/compat.h"
#include "sim.h"

static const struct hv_vmbus_device_id pci_type = { HV_PCIE_GUID };

static const struct hv_vmbus_device_id *bus_find_id(const struct hv_driver *driver,
						    const struct hv_device *hdev)
{
	const struct hv_vmbus_device_id *id;

	for (id = driver->id_table; id && !guid_is_null(&id->guid); id++)
		if (guid_equal(&id->guid, &hdev->dev_type))
			return id;
	return NULL;
}

static int bus_match(struct device *dev, compat_match_driver *drv)
{
	const struct hv_driver *driver = container_of(drv, struct hv_driver, driver);

	return !!bus_find_id(driver, device_to_hv_device(dev));
}

static int bus_probe(struct device *dev)
{
	struct hv_driver *driver = container_of(dev->driver, struct hv_driver, driver);
	struct hv_device *hdev = device_to_hv_device(dev);

	return driver->probe(hdev, bus_find_id(driver, hdev));
}

static void bus_remove(struct device *dev)
{
	struct hv_driver *driver = container_of(dev->driver, struct hv_driver, driver);

	driver->remove(device_to_hv_device(dev));
}

static compat_bus_type vmbus = {
	.name = "vmbus",
	.match = bus_match,
	.probe = bus_probe,
	.remove = bus_remove,
};

static struct sim_bus *buses[SIM_MAX_BUSES];
static DEFINE_MUTEX(buses_mutex);	/* protects buses; not held while a driver probes */

static void bus_free(struct device *dev)
{
	kfree(container_of(dev, struct sim_bus, hdev.device));
}

static struct sim_bus *bus_alloc(unsigned int number)
{
	struct sim_bus *bus = kzalloc(sizeof(*bus), GFP_KERNEL);
	struct hv_device *hdev;

	if (!bus)
		return NULL;
	hdev = &bus->hdev;
	hdev->dev_type = pci_type.guid;
	/* pci-hyperv takes the number of the PCI domain from bytes 4 and 5. */
	hdev->dev_instance = GUID_INIT(0x65727270, SIM_DOMAIN, 0x4400, 0x80, 0, 0x73, 0x69, 0x6d,
				       0x62, 0x75, 0x73);
	hdev->dev_instance.b[4] = SIM_DOMAIN + number;
	hdev->dev_instance.b[15] = number;
	hdev->device.bus = &vmbus;
	hdev->device.release = bus_free;
	hdev->dma_mask = DMA_BIT_MASK(64);
	hdev->device.dma_mask = &hdev->dma_mask;
	hdev->device.dma_parms = &hdev->dma_parms;
	bus->number = number;
	init_completion(&bus->added);
	channel_init(bus);
	host_power_on(bus);
	device_initialize(&hdev->device);
	return bus;
}

static bool bus_any_offered(void)
{
	unsigned int i;

	for (i = 0; i < SIM_MAX_BUSES; i++)
		if (buses[i])
			return true;
	return false;
}

/* Put @bus into the array. The first bus gets new windows, as no MMIO is allocated then. */
static int bus_claim(struct sim_bus *bus, unsigned int number)
{
	int err = 0;

	mutex_lock(&buses_mutex);
	if (buses[number])
		err = -EEXIST;
	else if (!bus_any_offered())
		err = windows_reopen();
	if (!err)
		buses[number] = bus;
	mutex_unlock(&buses_mutex);
	return err;
}

/*
 * Take bus @number out of the array; @bus: only if it is this one, or NULL. The task that
 * gets the bus owns it and must put its first reference. Returns NULL if the bus is not in the
 * array, because another task owns it.
 */
static struct sim_bus *bus_unclaim(unsigned int number, const struct sim_bus *bus)
{
	struct sim_bus *found;

	mutex_lock(&buses_mutex);
	found = buses[number];
	if (bus && found != bus)
		found = NULL;
	if (found)
		buses[number] = NULL;
	mutex_unlock(&buses_mutex);
	return found;
}

/**
 * bus_offer() - offer a bus to the guest
 * @number: number of the bus
 *
 * If no other bus is offered, the windows are set by the module parameters first. May sleep for
 * as long as the driver's probe takes. An error of the probe is not returned.
 *
 * Return: 0, -EINVAL, -EEXIST (the bus is offered already), or an error of windows_reopen() or
 * the driver core.
 */
int bus_offer(unsigned int number)
{
	struct sim_bus *bus;
	int err;

	if (number >= SIM_MAX_BUSES)
		return -EINVAL;
	bus = bus_alloc(number);
	if (!bus)
		return -ENOMEM;
	err = dev_set_name(&bus->hdev.device, "%pUl", &bus->hdev.dev_instance) ?:
	      bus_claim(bus, number);
	if (err) {
		put_device(&bus->hdev.device);
		return err;
	}
	err = device_add(&bus->hdev.device);
	if (err && bus_unclaim(number, bus)) {
		put_device(&bus->hdev.device);
		return err;
	}
	/* From here on the task that unclaims the bus owns it. */
	bus->add_error = err;
	complete_all(&bus->added);
	return err;
}

static int bus_rescind_one(unsigned int number)
{
	struct sim_bus *bus = bus_unclaim(number, NULL);

	if (!bus)
		return -ENODEV;
	/* A probe may be running: this ends the driver's waits. */
	WRITE_ONCE(bus->channel.rescind, true);
	wait_for_completion(&bus->added);
	if (bus->add_error) {
		put_device(&bus->hdev.device);
		return -ENODEV;
	}
	device_del(&bus->hdev.device);
	channel_exit(bus);
	host_power_off(bus);
	windows_release_left(dev_name(&bus->hdev.device));
	put_device(&bus->hdev.device);
	return 0;
}

/**
 * bus_rescind() - take a bus away from the guest
 * @number: number of the bus; SIM_MAX_BUSES: all buses
 *
 * May sleep for as long as the driver's remove takes.
 *
 * Return: 0, -EINVAL, or -ENODEV (the bus is not offered).
 */
int bus_rescind(unsigned int number)
{
	if (number > SIM_MAX_BUSES)
		return -EINVAL;
	if (number < SIM_MAX_BUSES)
		return bus_rescind_one(number);
	while (number--)
		bus_rescind_one(number);
	return 0;
}

/**
 * bus_find() - look up a bus without a lock
 * @number: number of the bus
 *
 * The caller must know that the bus is not rescinded meanwhile. Any context.
 *
 * Return: the bus, or NULL if it is not offered.
 */
struct sim_bus *bus_find(unsigned int number)
{
	return number < SIM_MAX_BUSES ? READ_ONCE(buses[number]) : NULL;
}

/**
 * bus_with() - call a function for a bus that is offered
 * @number: number of the bus
 * @action: function to call; must not sleep long, as no bus can be offered or rescinded
 *	    meanwhile
 * @arg: argument of @action
 *
 * Return: the value that @action returns, or -EINVAL or -ENODEV.
 */
int bus_with(unsigned int number, int (*action)(struct sim_bus *bus, unsigned long arg),
	     unsigned long arg)
{
	int err;

	if (number >= SIM_MAX_BUSES)
		return -EINVAL;
	mutex_lock(&buses_mutex);
	err = buses[number] ? action(buses[number], arg) : -ENODEV;
	mutex_unlock(&buses_mutex);
	return err;
}

static enum probe_type saved_probe_type;

/**
 * bus_driver_add() - register the guest's driver, as __vmbus_driver_register() does
 * @driver: the guest's driver
 * @owner: module of the driver, or NULL
 * @name: name of that module
 *
 * A driver in a module holds a reference to vmbus_sim. May sleep for as long as the probes of
 * all offered buses take.
 *
 * Return: 0 or an error of driver_register().
 */
int bus_driver_add(struct hv_driver *driver, struct module *owner, const char *name)
{
	int err;

	driver->driver.name = driver->name;
	driver->driver.owner = owner;
	driver->driver.mod_name = name;
	driver->driver.bus = &vmbus;
	/* bus_offer() must not return before the probe has ended. */
	saved_probe_type = driver->driver.probe_type;
	driver->driver.probe_type = PROBE_FORCE_SYNCHRONOUS;
	spin_lock_init(&driver->dynids.lock);
	INIT_LIST_HEAD(&driver->dynids.list);
	err = driver_register(&driver->driver);
	if (!err && owner)
		__module_get(THIS_MODULE);
	return err;
}

/**
 * bus_driver_remove() - unregister the guest's driver, as vmbus_driver_unregister() does
 * @driver: the guest's driver
 *
 * May sleep.
 */
void bus_driver_remove(struct hv_driver *driver)
{
	struct module *owner = driver->driver.owner;

	driver_unregister(&driver->driver);
	driver->driver.probe_type = saved_probe_type;
	if (owner)
		module_put(THIS_MODULE);
}

/**
 * bus_open() - register the bus type
 *
 * Return: 0 or an error of bus_register().
 */
int bus_open(void)
{
	return bus_register(&vmbus);
}

/**
 * bus_close() - unregister the bus type, after all buses were rescinded
 */
void bus_close(void)
{
	bus_unregister(&vmbus);
}
