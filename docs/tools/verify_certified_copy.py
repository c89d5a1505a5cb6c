#!/usr/bin/env python3
"""Check a certified copy (档案证明) offline.  Needs only Python 3.8 or later, nothing else.

    python3 verify_certified_copy.py 文件.pdf [--key 指纹或公钥]

Says what was certified, by whom, when, and whether the file is unchanged.  Without --key the key
is taken from the file: compare the fingerprint that is printed with the one that the archive
publishes.  Exit 0: unchanged (and the key is the one named); 1: changed, torn, or another key;
2: wrong use.  Signature: SM2 with SM3 (GB/T 32918, GB/T 32905), DER, user id 1234567812345678.
"""

import base64
import hashlib
import json
import re
import sys

MARK = b"\n%liandong-certified-copy-1 "
P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)


class Refused(Exception):
    """The file is not what was certified; the text says why."""


def turn(word, by):
    by %= 32
    return ((word << by) | (word >> (32 - by))) & 0xFFFFFFFF


def sm3(content):
    """The SM3 digest (GB/T 32905-2016)."""
    state = [
        0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600,
        0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E,
    ]  # fmt: skip
    padded = content + b"\x80" + b"\0" * ((55 - len(content)) % 64)
    padded += (len(content) * 8).to_bytes(8, "big")
    for at in range(0, len(padded), 64):
        state = compress(state, padded[at : at + 64])
    return b"".join(word.to_bytes(4, "big") for word in state)


def compress(state, block):
    w = [int.from_bytes(block[at : at + 4], "big") for at in range(0, 64, 4)]
    for j in range(16, 68):
        x = w[j - 16] ^ w[j - 9] ^ turn(w[j - 3], 15)
        w.append(x ^ turn(x, 15) ^ turn(x, 23) ^ turn(w[j - 13], 7) ^ w[j - 6])
    a, b, c, d, e, f, g, h = state
    for j in range(64):
        t = 0x79CC4519 if j < 16 else 0x7A879D8A
        ss1 = turn((turn(a, 12) + e + turn(t, j)) & 0xFFFFFFFF, 7)
        ss2 = ss1 ^ turn(a, 12)
        ff = a ^ b ^ c if j < 16 else (a & b) | (a & c) | (b & c)
        gg = e ^ f ^ g if j < 16 else (e & f) | (~e & 0xFFFFFFFF & g)
        tt1 = (ff + d + ss2 + (w[j] ^ w[j + 4])) & 0xFFFFFFFF
        tt2 = (gg + h + ss1 + w[j]) & 0xFFFFFFFF
        d, c, b, a = c, turn(b, 9), a, tt1
        h, g, f, e = g, turn(f, 19), e, tt2 ^ turn(tt2, 9) ^ turn(tt2, 17)
    return [x ^ y for x, y in zip(state, (a, b, c, d, e, f, g, h))]


def add(one, other):
    if one is None or other is None:
        return one or other
    if one[0] == other[0]:
        if (one[1] + other[1]) % P == 0:
            return None
        slope = (3 * one[0] * one[0] + A) * pow(2 * one[1], P - 2, P)
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], P - 2, P)
    x = (slope * slope - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P


def times(factor, point):
    total = None
    while factor:
        if factor & 1:
            total = add(total, point)
        point = add(point, point)
        factor >>= 1
    return total


def read_point(key):
    """The point of a public key 04 ‖ x ‖ y."""
    if len(key) != 65 or key[0] != 4:
        raise Refused("公钥格式不对")
    x, y = int.from_bytes(key[1:33], "big"), int.from_bytes(key[33:], "big")
    if x >= P or y >= P or (y * y - x * x * x - A * x - B) % P:
        raise Refused("公钥不在曲线上")
    return x, y


def read_der(value):
    """(r, s) of SEQUENCE of two INTEGERs."""
    if len(value) < 8 or value[0] != 0x30 or value[1] != len(value) - 2:
        raise Refused("签名格式不对")
    numbers, rest = [], value[2:]
    while rest:
        if len(rest) < 3 or rest[0] != 2 or not 1 <= rest[1] <= 33:
            raise Refused("签名格式不对")
        numbers.append(int.from_bytes(rest[2 : 2 + rest[1]], "big"))
        rest = rest[2 + rest[1] :]
    if len(numbers) != 2:
        raise Refused("签名格式不对")
    return numbers


def signed_by(key, content, value):
    """Whether this SM2 signature of the content was made with the key."""
    point, (r, s) = read_point(key), read_der(value)
    t = (r + s) % N
    if not (1 <= r < N and 1 <= s < N) or t == 0:
        return False
    fixed = b"".join(number.to_bytes(32, "big") for number in (A, B, *G, *point))
    z = sm3((128).to_bytes(2, "big") + b"1234567812345678" + fixed)
    digest = int.from_bytes(sm3(z + content), "big")
    total = add(times(s, G), times(t, point))
    return total is not None and (digest + total[0]) % N == r


def plain(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def three(signature):
    return {name: signature[name] for name in ("algorithm", "public_key", "value")}


def open_seal(content):
    """The body of the file and the envelope behind it, every byte accounted for."""
    at = content.rfind(MARK)
    if at < 0:
        raise Refused("文件中没有档案馆的电子签名：不是本系统出具的证明，或者签名已被去掉")
    body, line = content[:at], content[at + len(MARK) :].split(b"\n", 1)[0]
    try:
        envelope = json.loads(base64.b64decode(line, validate=True))
        end = re.search(rb"startxref\s+(\d+)\s+%%EOF\s*\Z", body[-2048:])
        tail = b"\nstartxref\n" + end.group(1) + b"\n%%EOF\n"
        facts, stamp = envelope["facts"], envelope["time_stamp"]
        again = {"facts": facts, "signature": three(envelope["signature"]), "time_stamp": {
            "at": stamp["at"], "digest": stamp["digest"], "is_trusted": stamp["is_trusted"],
            "signature": three(stamp["signature"]),
        }}  # fmt: skip
        whole = body + MARK + base64.b64encode(plain(again).encode()) + tail
        known = (facts["body"]["bytes"], facts["body"]["sha256"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refused("签名部分已损坏") from None
    if whole != content:
        raise Refused("签名部分或文件末尾被改动过")
    if known != (len(body), hashlib.sha256(body).hexdigest()):
        raise Refused("文件内容被改动过：与签名时的摘要不一致")
    return facts, envelope


def check(content):
    """The facts, the time stamp and the fingerprint of the key; raises Refused."""
    facts, envelope = open_seal(content)
    try:
        mark, stamp = envelope["signature"], envelope["time_stamp"]
        key = bytes.fromhex(mark["public_key"])
        said = ("%s %d\n" % (facts["kind"], facts["version"]) + plain(facts)).encode()
        both = said + b"\n" + plain(stamp).encode()
        fine = mark["algorithm"] == "SM2-SM3" and signed_by(key, both, bytes.fromhex(mark["value"]))
        source = "trusted" if stamp["is_trusted"] else "local clock"
        text = "liandong time stamp 1\n%s\n%s\n%s\n" % (stamp["at"], stamp["digest"], source)
        by = bytes.fromhex(stamp["signature"]["public_key"])
        timely = stamp["digest"] == sm3(said).hex() and signed_by(
            by, text.encode(), bytes.fromhex(stamp["signature"]["value"])
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Refused("签名部分已损坏") from None
    if not fine:
        raise Refused("签名不成立：证明的内容被改动过，或者不是这把钥匙签的")
    if not timely:
        raise Refused("时间标记不成立")
    return facts, stamp, key, sm3(key).hex()[:32]


def tell(facts, stamp, fingerprint):
    pages = "、".join(str(number) for number in facts["pages"])
    yield "出具单位", facts["archive"]
    yield "证明编号", "%s    核验码 %s" % (facts["number"], facts["code"])
    yield "证明内容", "%s  %s" % (facts["record"], facts["title"])
    yield (
        "原件页码",
        "%s（原件共 %s 页）%s"
        % (pages, facts["of_pages"], "，个人信息已遮盖" if facts["masked"] else ""),
    )
    yield "申请人", "%s（%s）" % (facts["applicant"], facts["source"])
    yield "用途", facts["purpose"]
    yield "经办", "%s    %s" % (facts["issued_by"], facts["issued_at"])
    clock = "时间戳机构" if stamp["is_trusted"] is True else "档案馆本机时钟，非可信时间戳"
    yield "签名时间", "%s（%s）" % (stamp["at"], clock)
    yield "签名钥匙", fingerprint
    yield (
        "密码模块",
        "%s%s"
        % (facts["module"], "" if facts["is_certified"] is True else "（非商用密码认证产品）"),
    )


def main(arguments):
    if not arguments or len(arguments) not in (1, 3) or (arguments[1:] and arguments[1] != "--key"):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with open(arguments[0], "rb") as stream:
            content = stream.read()
    except OSError as error:
        print("打不开文件：%s" % error, file=sys.stderr)
        return 2
    try:
        facts, stamp, key, fingerprint = check(content)
    except Refused as refused:
        print("✗ 不能认可：%s" % refused)
        return 1
    print("✓ 文件未被改动，签名成立")
    for name, value in tell(facts, stamp, fingerprint):
        print("  %s：%s" % (name, re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", str(value))))
    if len(arguments) == 1:
        print("  请把“签名钥匙”与档案馆公布的指纹核对；是否已撤销，请在档案馆网站用核验码查询。")
        return 0
    wanted = arguments[2].strip().lower()
    if wanted in (fingerprint, key.hex()):
        print("  签名钥匙与给出的一致")
        return 0
    print("✗ 签名钥匙与给出的不一致：不是这个档案馆签的")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
