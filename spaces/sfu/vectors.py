"""128-bit vectors in compiled code, and the processor's instructions for AES and for products without carries.

What `gcm` is written in. numba knows neither, so each is an intrinsic that becomes one instruction or a few. `SUPPORTED`
says whether this processor has them; without them nothing here may be compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

_VECTOR = ir.VectorType(ir.IntType(64), 2)
_BYTES = ir.VectorType(ir.IntType(8), 16)
_LANE, _BYTE = ir.IntType(32), ir.IntType(8)


def _supported() -> bool:
    features = llvmlite.binding.get_host_cpu_features()
    return all(features.get(name, False) for name in ("aes", "pclmul", "ssse3"))


SUPPORTED = _supported()


class _Vector(types.Type):
    """Two 64-bit lanes, the low one first, as they lie in memory."""

    def __init__(self) -> None:
        super().__init__(name="vector128")


vector128 = _Vector()


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, _VECTOR)  # type: ignore[no-untyped-call]


Codegen = Callable[..., Any]


def _operation(result: types.Type, arguments: tuple[types.Type, ...], emit: Callable[..., Any]) -> Any:
    """An intrinsic of these types whose code `emit(builder, *arguments)` writes."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        found = emit(builder, *values)
        return context.get_dummy_value() if found is None else found

    if len(arguments) == 1:
        return intrinsic(lambda typing, a: (result(*arguments), codegen))
    if len(arguments) == 2:
        return intrinsic(lambda typing, a, b: (result(*arguments), codegen))
    return intrinsic(lambda typing, a, b, c, d, e: (result(*arguments), codegen))


def _instruction(name: str, *kinds: ir.Type) -> Callable[..., Any]:
    """A call of the processor's instruction of that name in LLVM."""

    def emit(builder: Any, *values: Any) -> Any:
        kind = ir.FunctionType(_VECTOR, kinds)
        function = cgutils.get_or_insert_function(builder.module, kind, name)  # type: ignore[no-untyped-call]
        return builder.call(function, values)

    return emit


def _pointer(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, _VECTOR.as_pointer())


def _load(builder: Any, address: Any) -> Any:
    return builder.load(_pointer(builder, address), align=1)


def _store(builder: Any, address: Any, value: Any) -> None:
    builder.store(value, _pointer(builder, address), align=1)


def _make(builder: Any, low: Any, high: Any) -> Any:
    vector = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), low, _LANE(0))
    return builder.insert_element(vector, high, _LANE(1))


def _reverse(builder: Any, value: Any) -> Any:
    as_bytes = builder.bitcast(value, _BYTES)
    mask = ir.Constant(ir.VectorType(_LANE, 16), list(range(15, -1, -1)))
    return builder.bitcast(builder.shuffle_vector(as_bytes, as_bytes, mask), _VECTOR)


def _swap(builder: Any, value: Any) -> Any:
    return builder.shuffle_vector(value, value, ir.Constant(ir.VectorType(_LANE, 2), [1, 0]))


_enc = _instruction("llvm.x86.aesni.aesenc", _VECTOR, _VECTOR)
_enc_last = _instruction("llvm.x86.aesni.aesenclast", _VECTOR, _VECTOR)
_clmul = _instruction("llvm.x86.pclmulqdq", _VECTOR, _VECTOR, _BYTE)
_keygen = _instruction("llvm.x86.aesni.aeskeygenassist", _VECTOR, _BYTE)

ROUNDS = 10
"""Of AES-128."""
STREAMS = 8
"""Counter blocks that are encrypted side by side: an AES round takes four cycles, and two can begin in each."""
_ROUND_CONSTANTS = (0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1B, 0x36)


def _keystream(builder: Any, keys: Any, low: Any, high: Any, counter: Any, target: Any) -> None:
    """AES of STREAMS counter blocks: (low, high | counter << 56), and on from there."""
    word = ir.IntType(64)

    def key(number: int) -> Any:
        return _load(builder, builder.add(keys, keys.type(16 * number)))

    first, blocks = key(0), []
    for block in range(STREAMS):
        count = builder.shl(builder.add(counter, word(block)), word(56))
        blocks.append(builder.xor(_make(builder, low, builder.or_(high, count)), first))
    for number in range(1, ROUNDS + 1):
        step, round_key = _enc if number < ROUNDS else _enc_last, key(number)
        blocks = [step(builder, block, round_key) for block in blocks]
    for number, block in enumerate(blocks):
        _store(builder, builder.add(target, target.type(16 * number)), block)


def _expand_key(builder: Any, key: Any, target: Any) -> None:
    """The eleven round keys (FIPS 197 §5.2) to `target`."""
    words = ir.VectorType(_LANE, 4)
    zero = ir.Constant(_BYTES, [0] * 16)

    def up(value: Any, count: int) -> Any:
        """Shifted by that many bytes towards the high end."""
        mask = ir.Constant(ir.VectorType(_LANE, 16), [16 - count + i for i in range(16)])
        return builder.bitcast(builder.shuffle_vector(zero, builder.bitcast(value, _BYTES), mask), _VECTOR)

    value = _load(builder, key)
    _store(builder, target, value)
    for number, constant in enumerate(_ROUND_CONSTANTS, 1):
        assist = builder.bitcast(_keygen(builder, value, _BYTE(constant)), words)
        last = builder.shuffle_vector(assist, assist, ir.Constant(words, [3, 3, 3, 3]))
        value = builder.xor(value, up(value, 4))
        value = builder.xor(value, up(value, 8))
        value = builder.xor(value, builder.bitcast(last, _VECTOR))
        _store(builder, builder.add(target, target.type(16 * number)), value)


def _multiply(which: int) -> Callable[..., Any]:
    return lambda builder, a, b: _clmul(builder, a, b, _BYTE(which))


_U, _A, _V = types.uint64, types.uintp, vector128

load = _operation(_V, (_A,), _load)
store = _operation(types.void, (_A, _V), _store)
make = _operation(_V, (_U, _U), _make)
xor = _operation(_V, (_V, _V), lambda builder, a, b: builder.xor(a, b))
both = _operation(_V, (_V, _V), lambda builder, a, b: builder.and_(a, b))
reverse = _operation(_V, (_V,), _reverse)
"""The sixteen bytes in the other order."""
swap = _operation(_V, (_V,), _swap)
"""The two lanes exchanged."""
low_low = _operation(_V, (_V, _V), _multiply(0x00))
"""Product without carries of the low lanes of both; the others likewise, named lane of a, lane of b."""
high_low = _operation(_V, (_V, _V), _multiply(0x01))
low_high = _operation(_V, (_V, _V), _multiply(0x10))
high_high = _operation(_V, (_V, _V), _multiply(0x11))
low_lane = _operation(_U, (_V,), lambda builder, a: builder.extract_element(a, _LANE(0)))
high_lane = _operation(_U, (_V,), lambda builder, a: builder.extract_element(a, _LANE(1)))
byte_swapped = _operation(_U, (_U,), lambda builder, a: builder.bswap(a))
keystream = _operation(types.void, (_A, _U, _U, _U, _A), _keystream)
"""(round keys, low, high, counter, target): see _keystream."""
expand_key = _operation(types.void, (_A, _A), _expand_key)
"""(key, target): see _expand_key."""
