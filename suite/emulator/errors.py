"""What the emulator refuses, one small class per reason.

In the life of a graph: `NestedCapture` (opening) - `HostSyncRefused`, `HostCopyRefused`, `MixedDevices`,
`UnsafeCall`, `NotEmulated` (inside) - `CaptureSpoiled` (closing) - `DeadMemoryRead`, `ReplayFailed`,
`GraphDestroyed` (replay). Every message names the operation and the line of model code: the innermost
stack frame that is neither torch's nor the emulator's.
"""


class EmulatorError(RuntimeError):
    """Anything that the emulator refuses. A RuntimeError, because CUDA's own refusals are."""


class CaptureRefused(EmulatorError):
    """An operation that is not allowed in a capture. It spoils the capture, even where it is swallowed."""


class HostSyncRefused(CaptureRefused):
    """The host asked for a value on the device during a capture (rule R7).

    Compute the value before the capture, or keep it on the device.
    """


class HostCopyRefused(CaptureRefused):
    """A copy between pageable host memory and the device during a capture (rule R7).

    Allocate a static buffer outside and copy into it before each replay.
    """


class MixedDevices(CaptureRefused):
    """One operation was given tensors on the host and on the device. Move the named tensor to the device.

    Refused outside captures as well, where it spoils nothing.
    """


class UnsafeCall(CaptureRefused):
    """A call on the device that no open capture survives, from any thread (rule R10).

    Finish the capture first, or hold a lock around captures.
    """


class NotEmulated(CaptureRefused):
    """The operation exists in CUDA graphs but this emulator cannot follow it; its README lists them."""


class NestedCapture(EmulatorError):
    """A capture, or a replay, was begun while a capture is open (rule R10). Finish the open one first."""


class CaptureSpoiled(EmulatorError):
    """The capture contained a refused operation whose error was swallowed. Remove the operation it names."""


class DeadMemoryRead(EmulatorError):
    """A replay would touch memory that died or moved since the capture (rules R2 and R5).

    Keep the named tensor alive as long as the graph, and write into it instead of replacing it.
    """


class ReplayFailed(EmulatorError):
    """An operation raised during a replay: most often an index read from unwritten memory (rule R8)."""


class GraphDestroyed(EmulatorError):
    """The graph was reset, or was never captured. Capture it again before a replay."""


class UnregisteredGenerator(CaptureRefused):
    """Random numbers were drawn from a generator that the graph does not know (rule R9).

    Register it before the capture: `register_generator_state`, or `capture(..., generators=[...])`.
    """
