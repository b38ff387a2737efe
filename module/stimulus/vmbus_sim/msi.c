// SPDX-License-Identifier: GPL-2.0
/* What a function's driver would do first: allocate its interrupt. There is none that comes. */
#include <linux/errno.h>
#include <linux/interrupt.h>
#include <linux/pci.h>

#include "sim.h"

static irqreturn_t never(int irq, void *data)
{
	return IRQ_NONE;
}

static int use_one(struct pci_dev *pdev)
{
	int err = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSI);

	if (err < 0)
		return err;
	err = request_irq(pci_irq_vector(pdev, 0), never, 0, KBUILD_MODNAME, pdev);
	if (!err)
		free_irq(pci_irq_vector(pdev, 0), pdev);
	pci_free_irq_vectors(pdev);
	return err;
}

/**
 * msi_try() - allocate, request and free the MSI of a function
 * @bus: the bus it is on
 * @slot: where
 *
 * May sleep.
 *
 * Return: 0, -ENODEV (the guest has not found it), or an error of the PCI core.
 */
int msi_try(unsigned int bus, unsigned int slot)
{
	struct pci_dev *pdev = pci_get_domain_bus_and_slot(BUS_DOMAIN + bus, 0,
							   PCI_DEVFN(slot, 0));
	int err;

	if (!pdev)
		return -ENODEV;
	err = pci_enable_device_mem(pdev);
	if (!err) {
		err = use_one(pdev);
		pci_disable_device(pdev);
	}
	pci_dev_put(pdev);
	return err;
}
