// SPDX-License-Identifier: GPL-2.0
/* The bus type "vmbus", with what the host offers on it and the guest's driver for that. */
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

static const struct hv_vmbus_device_id *find_id(const struct hv_driver *driver,
						const struct hv_device *hdev)
{
	const struct hv_vmbus_device_id *id;

	for (id = driver->id_table; id && !guid_is_null(&id->guid); id++)
		if (guid_equal(&id->guid, &hdev->dev_type))
			return id;
	return NULL;
}

static int match(struct device *dev, compat_match_driver *drv)
{
	const struct hv_driver *driver = container_of(drv, struct hv_driver, driver);

	return !!find_id(driver, device_to_hv_device(dev));
}

static int probe(struct device *dev)
{
	struct hv_driver *driver = container_of(dev->driver, struct hv_driver, driver);
	struct hv_device *hdev = device_to_hv_device(dev);

	return driver->probe(hdev, find_id(driver, hdev));
}

static void remove(struct device *dev)
{
	struct hv_driver *driver = container_of(dev->driver, struct hv_driver, driver);

	driver->remove(device_to_hv_device(dev));
}

static compat_bus_type vmbus = {
	.name = "vmbus",
	.match = match,
	.probe = probe,
	.remove = remove,
};

static struct sim_bus *buses[SIM_MAX_BUSES];
static DEFINE_MUTEX(buses_mutex);	/* the array: a probe takes as long as it takes */

static void free_bus(struct device *dev)
{
	kfree(container_of(dev, struct sim_bus, hdev.device));
}

static struct sim_bus *alloc_bus(unsigned int number)
{
	struct sim_bus *bus = kzalloc(sizeof(*bus), GFP_KERNEL);
	struct hv_device *hdev;

	if (!bus)
		return NULL;
	hdev = &bus->hdev;
	hdev->dev_type = pci_type.guid;
	/* pci-hyperv takes the domain's number from bytes 4 and 5 */
	hdev->dev_instance = GUID_INIT(0x65727270, BUS_DOMAIN, 0x4400, 0x80, 0, 0x73, 0x69, 0x6d,
				       0x62, 0x75, 0x73);
	hdev->dev_instance.b[4] = BUS_DOMAIN + number;
	hdev->dev_instance.b[15] = number;
	hdev->device.bus = &vmbus;
	hdev->device.release = free_bus;
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

static bool any(void)
{
	unsigned int i;

	for (i = 0; i < SIM_MAX_BUSES; i++)
		if (buses[i])
			return true;
	return false;
}

/* Takes the place of @number in the array if that is free. */
static int claim(struct sim_bus *bus, unsigned int number, int (*if_first)(void))
{
	int err = 0;

	mutex_lock(&buses_mutex);
	if (buses[number])
		err = -EEXIST;
	else if (!any())
		err = if_first();
	if (!err)
		buses[number] = bus;
	mutex_unlock(&buses_mutex);
	return err;
}

/*
 * Whoever unclaims a bus owns it, and gives up its first reference. @bus: this
 * one, or NULL for any. Returns NULL if somebody else unclaimed it.
 */
static struct sim_bus *unclaim(unsigned int number, const struct sim_bus *bus)
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
 * bus_offer() - the host offers a bus
 * @number: which
 * @if_first: called before when no other is there
 *
 * May sleep, as long as the driver's probe takes. Whether that succeeds is not
 * the host's business.
 *
 * Return: 0, -EINVAL, -EEXIST (it is there), or an error of @if_first or the
 * driver core.
 */
int bus_offer(unsigned int number, int (*if_first)(void))
{
	struct sim_bus *bus;
	int err;

	if (number >= SIM_MAX_BUSES)
		return -EINVAL;
	bus = alloc_bus(number);
	if (!bus)
		return -ENOMEM;
	err = dev_set_name(&bus->hdev.device, "%pUl", &bus->hdev.dev_instance) ?:
	      claim(bus, number, if_first);
	if (err) {
		put_device(&bus->hdev.device);
		return err;
	}
	err = device_add(&bus->hdev.device);
	if (err && unclaim(number, bus)) {
		put_device(&bus->hdev.device);
		return err;
	}
	/* From here on the task that unclaims the bus owns it. */
	bus->add_error = err;
	complete_all(&bus->added);
	return err;
}

static int rescind_one(unsigned int number)
{
	struct sim_bus *bus = unclaim(number, NULL);

	if (!bus)
		return -ENODEV;
	/* ends every wait of the driver; a probe may be under way */
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
 * bus_rescind() - the host takes a bus away
 * @number: which; SIM_MAX_BUSES: all
 *
 * May sleep, as long as the driver takes.
 *
 * Return: 0, -EINVAL, or -ENODEV (it is not there).
 */
int bus_rescind(unsigned int number)
{
	if (number > SIM_MAX_BUSES)
		return -EINVAL;
	if (number < SIM_MAX_BUSES)
		return rescind_one(number);
	while (number--)
		rescind_one(number);
	return 0;
}

/**
 * bus_find() - without any lock
 * @number: which
 *
 * For a caller who knows that it stays. Any context.
 */
struct sim_bus *bus_find(unsigned int number)
{
	return number < SIM_MAX_BUSES ? READ_ONCE(buses[number]) : NULL;
}

/**
 * bus_with() - do something with a bus that is offered
 * @number: which
 * @action: what; must not sleep long, no bus comes or goes meanwhile
 * @arg: for it
 *
 * Return: what @action returns, -EINVAL or -ENODEV.
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

static enum probe_type drivers_own_probe_type;

/**
 * bus_add_driver() - in the place of __vmbus_driver_register()
 * @driver: the guest's driver
 * @owner: its module
 * @name: of its module
 *
 * A driver in a module keeps us from being unloaded. May sleep, as long as the
 * probes of what is offered take.
 *
 * Return: 0 or an error of driver_register().
 */
int bus_add_driver(struct hv_driver *driver, struct module *owner, const char *name)
{
	int err;

	driver->driver.name = driver->name;
	driver->driver.owner = owner;
	driver->driver.mod_name = name;
	driver->driver.bus = &vmbus;
	/* who offers a bus wants to know when the probe is over */
	drivers_own_probe_type = driver->driver.probe_type;
	driver->driver.probe_type = PROBE_FORCE_SYNCHRONOUS;
	spin_lock_init(&driver->dynids.lock);
	INIT_LIST_HEAD(&driver->dynids.list);
	err = driver_register(&driver->driver);
	if (!err && owner)
		__module_get(THIS_MODULE);
	return err;
}

/**
 * bus_remove_driver() - in the place of vmbus_driver_unregister()
 * @driver: the guest's driver
 *
 * May sleep.
 */
void bus_remove_driver(struct hv_driver *driver)
{
	struct module *owner = driver->driver.owner;

	driver_unregister(&driver->driver);
	driver->driver.probe_type = drivers_own_probe_type;
	if (owner)
		module_put(THIS_MODULE);
}

/**
 * bus_open() - register the bus type
 */
int bus_open(void)
{
	return bus_register(&vmbus);
}

/**
 * bus_close() - nothing is on it any more
 */
void bus_close(void)
{
	bus_unregister(&vmbus);
}
