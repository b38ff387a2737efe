// SPDX-License-Identifier: GPL-2.0
// A VMBus as Hyper-V describes it, below a module device with the MMIO windows, which are the
// default windows of vmbus_sim.
DefinitionBlock ("", "SSDT", 2, "ERRPTH", "VMBUSSIM", 1)
{
	Device (\_SB.VMOD)
	{
		Name (_HID, "MSFT1000")
		Name (_UID, 0)
		Name (_CRS, ResourceTemplate ()
		{
			DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
				     0, 0x50000000, 0x53ffffff, 0, 0x04000000)
			QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
				     0, 0x120000000, 0x123ffffff, 0, 0x04000000)
		})
		Device (VMBS)
		{
			// Not 7 or 8 characters, as iasl wants a constant to have.
			Method (_HID) { Return (Concatenate ("VM", "BUS")) }
			Name (_UID, 0)
			Name (_CRS, ResourceTemplate () { VendorShort () { 0x48, 0x56 } })
		}
	}
}
