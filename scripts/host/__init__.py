# SPDX-License-Identifier: GPL-2.0
"""Modules that the programs in scripts/ share: kernels, builds, guests, verdicts."""

import signal

# Until common.main() handles it, Ctrl-C ends a script without a traceback.
signal.signal(signal.SIGINT, signal.SIG_DFL)
