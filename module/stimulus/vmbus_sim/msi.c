// SPDX-License-Identifier: GPL-2.0
/* Uses the interrupt of a function, as the function's driver would. No interrupt ever arrives. */
#include <linux/errno.h>
#include <linux/interrupt.h>
#include <linux/pci.h>

#include "sim.h"

static irqreturn_t msi_handler(int irq, void *data)
{
	return IRQ_NONE;
}

static int msi_request_and_free(struct pci_dev *pdev)
{
	int err = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSI);

	if (err < 0)
		return err;
	err = request_irq(pci_irq_vector(pdev, 0), msi_handler, 0, KBUILD_MODNAME, pdev);
	if (!err)
		free_irq(pci_irq_vector(pdev, 0), pdev);
	pci_free_irq_vectors(pdev);
	return err;
}

/**
 * msi_use() - allocate, request and free the MSI of a function
 * @bus: number of the function's bus
 * @slot: slot of the function
 *
 * May sleep.
 *
 * Return: 0, -ENODEV (the PCI core has no such function), or an error of the PCI core.
 */
int msi_use(unsigned int bus, unsigned int slot)
{
	struct pci_dev *pdev = pci_get_domain_bus_and_slot(SIM_DOMAIN + bus, 0,
							   PCI_DEVFN(slot, 0));
	int err;

	if (!pdev)
		return -ENODEV;
	err = pci_enable_device_mem(pdev);
	if (!err) {
		err = msi_request_and_free(pdev);
		pci_disable_device(pdev);
	}
	pci_dev_put(pdev);
	return err;
}
