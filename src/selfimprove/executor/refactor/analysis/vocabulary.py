"""Vocabulary: names of the standard library and of known frameworks whose meaning decides what may move."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Callables that use up a generator, or call a lambda, before they return; nothing holds on to it afterwards.
AT_ONCE = _words(
    "all any dict frozenset list max min next set sorted sum tuple len bytes bytearray Counter deque OrderedDict"
    " defaultdict reduce"
)

AT_ONCE_METHODS = _words("join extend update union writelines sort sub subn reduce")

NEVER_NONE = _words(
    "str int float complex bool bytes bytearray len list dict tuple set frozenset sorted repr abs range enumerate"
    " zip map filter isinstance issubclass callable hasattr any all hash id ord chr hex oct bin format type"
    " reversed ascii divmod round object memoryview"
)

NEVER_NONE_METHODS = _words(
    "join format strip lstrip rstrip split rsplit splitlines replace lower upper title encode decode startswith"
    " endswith count find index partition rpartition zfill ljust rjust center format_map"
)

SEE_FRAMES = _words(
    "_getframe currentframe getframeinfo getouterframes getinnerframes stack trace extract_stack format_stack"
    " print_stack walk_stack getrefcount settrace setprofile _current_frames"
)

FRAME_ATTRIBUTES = _words("f_back f_locals f_lineno f_code gi_frame cr_frame tb_next tb_frame")

COMPILED = _words(
    "jit njit vectorize guvectorize cfunc stencil jit_module pjit vmap pmap autotune kernel script"
    " script_method jit_script compile ccall cfunction pyx_capi func_graph"
)

COMPILED_FULL = _words(
    "tf.function tensorflow.function torch.jit.script torch.jit.export torch.jit.ignore torch.jit.unused torch.compile"
    " cython.compile cython.cfunc cython.inline ti.kernel ti.func taichi.kernel taichi.func triton.jit"
    " triton.heuristics script jax.jit jax.vmap jax.grad jax.pmap numba.jit numba.njit wp.kernel wp.func"
    " cuda.jit qjit pythran.export transonic.boost boost"
)

KEPT_ALIVE = _words(
    "NamedTemporaryFile TemporaryDirectory TemporaryFile SpooledTemporaryFile ref proxy finalize WeakMethod"
)

# Last parts of names of calls, from the standard library: their __exit__ returns nothing true.
LETS_PASS = _words(
    "open closing aclosing nullcontext redirect_stdout redirect_stderr chdir Lock RLock Condition Semaphore"
    " BoundedSemaphore NamedTemporaryFile TemporaryDirectory TemporaryFile SpooledTemporaryFile ZipFile TarFile"
    " GzipFile BZ2File LZMAFile socket create_connection Popen ThreadPoolExecutor ProcessPoolExecutor Pool Manager"
    " scandir localcontext catch_warnings urlopen StringIO BytesIO memoryview mmap fdopen makefile SharedMemory"
    " FileLock"
)

# Bases whose subclasses are made by a metaclass that looks at what is in the body.
SPECIAL = _words(
    "Enum IntEnum StrEnum Flag IntFlag ReprEnum NamedTuple TypedDict Protocol Structure Union"
    " BigEndianStructure LittleEndianStructure"
)

# Decorators under which the first parameter is not an instance (or not always).
ODD = _words(
    "staticmethod hybrid_property hybrid_method declared_attr expression comparator validator root_validator"
    " field_validator model_validator singledispatchmethod classproperty"
)
