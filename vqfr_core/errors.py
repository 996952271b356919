"""The errors a user can meet. Each message says what was wrong, where, and what to do next."""


class VqfrError(Exception):
    """Base of every error this package raises on purpose."""


class InputError(VqfrError, ValueError):
    """An argument, image or option has an unusable value."""


class WeightsError(VqfrError):
    """A weight file is missing, damaged, unsafe, or not of the expected kind."""


class DownloadError(WeightsError):
    """A weight file could not be fetched or did not pass verification."""


class OutOfMemoryError(VqfrError):
    """The device has too little memory for even the smallest piece of work."""


class RestorationError(VqfrError):
    """The network failed on a face; the message says which face and why."""


class Cancelled(VqfrError):
    """The caller's cancellation callback asked to stop."""
