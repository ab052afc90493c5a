"""What all charts and kustomizations of one scan may cost together; each alone has limits of its own."""

import threading
import time

_MIB = 1 << 20


class Budget:
    """Time and rendered bytes, spent by several threads."""

    def __init__(self, seconds: float, size_bytes: int) -> None:
        self._seconds = seconds
        self._size_bytes = size_bytes
        self._deadline = time.monotonic() + seconds
        self._left_bytes = size_bytes
        self._lock = threading.Lock()

    def left_s(self, most: float) -> float:
        """The seconds that are left, ``most`` at most."""
        return max(0.0, min(most, self._deadline - time.monotonic()))

    def spend(self, size_bytes: int) -> None:
        with self._lock:
            self._left_bytes -= size_bytes

    def why_spent(self) -> str:
        """Why nothing more is rendered; empty while something is left."""
        if self._left_bytes <= 0:
            return f"all that was rendered before comes to more than {self._size_bytes // _MIB} MiB"
        if time.monotonic() >= self._deadline:
            return f"the time for all charts and kustomizations, {self._seconds:g} s, is over"
        return ""
