"""The functions of libbpf that are used, by ctypes; 1.1 and later. https://libbpf.readthedocs.io

Nothing on a package index offers ring buffer, constants and control groups together, and these few calls are all it takes.
"""

import ctypes as c
from collections.abc import Callable
from typing import Any

from leadline.errors import SourceError

LIBRARY = "libbpf.so.1"
RECORD_CALLBACK = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_void_p, c.c_size_t)
_PRINT = c.CFUNCTYPE(c.c_int, c.c_int, c.c_char_p, c.c_void_p)
_POINTER, _INT, _SIZE, _TEXT = c.c_void_p, c.c_int, c.c_size_t, c.c_char_p
_U32, _U64 = c.c_uint32, c.c_uint64
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "bpf_object__open_mem": (_POINTER, _TEXT, _SIZE, _POINTER),
    "bpf_object__load": (_INT, _POINTER),
    "bpf_object__close": (None, _POINTER),
    "bpf_object__next_program": (_POINTER, _POINTER, _POINTER),
    "bpf_object__find_map_by_name": (_POINTER, _POINTER, _TEXT),
    "bpf_object__next_map": (_POINTER, _POINTER, _POINTER),
    "bpf_program__name": (_TEXT, _POINTER),
    "bpf_program__set_autoload": (_INT, _POINTER, c.c_bool),
    "bpf_program__attach": (_POINTER, _POINTER),
    "bpf_program__attach_cgroup": (_POINTER, _POINTER, _INT),
    "bpf_program__attach_iter": (_POINTER, _POINTER, _POINTER),
    "bpf_program__fd": (_INT, _POINTER),
    "bpf_iter_create": (_INT, _INT),
    "bpf_link__fd": (_INT, _POINTER),
    "bpf_link__destroy": (_INT, _POINTER),
    "bpf_map__name": (_TEXT, _POINTER),
    "bpf_map__fd": (_INT, _POINTER),
    "bpf_map__set_max_entries": (_INT, _POINTER, _U32),
    "bpf_map__initial_value": (_POINTER, _POINTER, c.POINTER(_SIZE)),
    "bpf_map_lookup_elem": (_INT, _INT, _POINTER, _POINTER),
    "bpf_map_update_elem": (_INT, _INT, _POINTER, _POINTER, _U64),
    "bpf_map_delete_elem": (_INT, _INT, _POINTER),
    "bpf_map_get_next_key": (_INT, _INT, _POINTER, _POINTER),
    "ring_buffer__new": (_POINTER, _INT, RECORD_CALLBACK, _POINTER, _POINTER),
    "ring_buffer__consume": (_INT, _POINTER),
    "ring_buffer__epoll_fd": (_INT, _POINTER),
    "ring_buffer__free": (None, _POINTER),
    "libbpf_set_print": (_POINTER, _POINTER),
    "libbpf_num_possible_cpus": (_INT,),
    "btf__load_vmlinux_btf": (_POINTER,),
    "btf__find_by_name_kind": (_INT, _POINTER, _TEXT, _U32),
    "btf__free": (None, _POINTER),
}


class Libbpf:
    """Each function under its own name, with its signature."""

    def __init__(self) -> None:
        """Raises: ``SourceError`` where the library is not installed."""
        try:
            library = c.CDLL(LIBRARY, use_errno=True)
        except OSError as error:
            hint = "install it: apt-get install libbpf1, dnf install libbpf, apk add libbpf"
            raise SourceError(f"{LIBRARY} cannot be loaded", hint=hint) from error
        for name, (result, *arguments) in _SIGNATURES.items():
            try:
                function = getattr(library, name)
            except AttributeError as error:
                raise SourceError(f"{LIBRARY} has no {name}; 1.1 or later is needed") from error
            function.restype, function.argtypes = result, arguments
        self._library = library
        self._print: Any = None

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(self._library, name)
        return function

    def hear(self, said: Callable[[str], None]) -> None:
        """Passes on what the library has to say; the verifier's log among it."""
        libc = c.CDLL(None)
        libc.vsnprintf.argtypes = [_POINTER, _SIZE, _TEXT, _POINTER]
        space = c.create_string_buffer(1 << 16)

        def heard(level: int, form: bytes, arguments: int) -> int:
            if level == 0:
                libc.vsnprintf(space, len(space), form, arguments)
                said(space.value.decode("utf-8", "replace"))
            return 0

        # Kept: the library holds only its address.
        self._print = _PRINT(heard)
        self.libbpf_set_print(c.cast(self._print, _POINTER))
