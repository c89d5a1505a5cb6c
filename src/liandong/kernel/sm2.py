"""SM2 signatures: verification only, in plain Python, so that a stranger can check without us.

Signing needs constant time and belongs to an engine; what is verified here is public.  About 20 ms
a signature.  Source: GB/T 32918.2-2016, 7 (verification); GB/T 32918.5-2017 (curve);
GB/T 35276-2017 (a signature is the DER of SEQUENCE {r, s}).
"""

from .digests import new_sm3

DEFAULT_ID = b"1234567812345678"  # GB/T 35276: the user id where none is agreed
_SIZE = 32  # bytes of a coordinate
P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
Point = tuple[int, int] | None  # None: the point at infinity


def verify(
    public_key: bytes, content: bytes, signature: bytes, user_id: bytes = DEFAULT_ID
) -> bool:
    """Whether the signature (DER) of `content` was made with the key of this public key.

    Anything malformed is False, never an exception.
    """
    point, pair = read_public_key(public_key), _read_der(signature)
    if point is None or pair is None:
        return False
    r, s = pair
    t = (r + s) % N
    if not (1 <= r < N and 1 <= s < N) or t == 0:
        return False
    digest = int.from_bytes(_sm3(identity_digest(point, user_id) + content), "big")
    sum_ = _add(_times(s, G), _times(t, point))
    return sum_ is not None and (digest + sum_[0]) % N == r


def read_public_key(public_key: bytes) -> tuple[int, int] | None:
    """The point of 64 bytes x ‖ y, or 65 with 04 before them; None when it is not on the curve."""
    body = public_key[1:] if len(public_key) == 2 * _SIZE + 1 else public_key
    if len(body) != 2 * _SIZE or (len(public_key) != len(body) and public_key[0] != 4):
        return None
    x, y = (int.from_bytes(part, "big") for part in (body[:_SIZE], body[_SIZE:]))
    on_curve = x < P and y < P and (y * y - (x * x * x + A * x + B)) % P == 0
    return (x, y) if on_curve else None


def identity_digest(point: tuple[int, int], user_id: bytes) -> bytes:
    """Z of the signer: what binds its id, curve and key into every signature.  GB/T 32918.2, 5.5"""
    numbers = (A, B, *G, *point)
    fixed = b"".join(number.to_bytes(_SIZE, "big") for number in numbers)
    return _sm3((len(user_id) * 8).to_bytes(2, "big") + user_id + fixed)


def _sm3(content: bytes) -> bytes:
    digest = new_sm3()
    digest.update(content)
    return bytes.fromhex(digest.hexdigest())


def _add(one: Point, other: Point) -> Point:
    if one is None or other is None:
        return one or other
    if one[0] == other[0]:
        if (one[1] + other[1]) % P == 0:
            return None
        slope = (3 * one[0] * one[0] + A) * pow(2 * one[1], -1, P)
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, P)
    x = (slope * slope - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P


def _times(factor: int, point: Point) -> Point:
    total: Point = None
    while factor:
        if factor & 1:
            total = _add(total, point)
        point = _add(point, point)
        factor >>= 1
    return total


def _read_der(signature: bytes) -> tuple[int, int] | None:
    """(r, s) of a DER SEQUENCE of two INTEGERs in its one shortest form, else None."""
    if len(signature) < 2 or signature[0] != 0x30 or signature[1] != len(signature) - 2:
        return None
    numbers, rest = [], signature[2:]
    while rest:
        if len(rest) < 2 or rest[0] != 0x02 or not 1 <= rest[1] <= _SIZE + 1:
            return None
        body, rest = rest[2 : 2 + rest[1]], rest[2 + rest[1] :]
        if not body or body[0] & 0x80 or (body[0] == 0 and len(body) > 1 and not body[1] & 0x80):
            return None
        numbers.append(int.from_bytes(body, "big"))
    return (numbers[0], numbers[1]) if len(numbers) == 2 else None
