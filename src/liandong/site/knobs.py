"""Every knob of an installation: one line each.  `docs/operate/settings.md` is made from this.

A knob `name` is set by the environment variable `LIANDONG_<NAME>`, or for a secret by
`LIANDONG_<NAME>_FILE` naming a file that holds it.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from liandong.kernel.audit import ALGORITHMS
from liandong.kernel.sealed import ALGORITHMS as CIPHERS

PREFIX = "LIANDONG_"


class BadKnob(Exception):
    """A variable is unknown or its value cannot be read; `str(error)` says which and why."""


@dataclass(frozen=True, slots=True)
class Knob:
    """One setting of an installation."""

    name: str
    read: Callable[[str], object]
    default: str
    help_zh: str
    secret: bool = False


def _yes(text: str) -> bool:
    try:
        return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[
            text.lower()
        ]
    except KeyError:
        raise ValueError("1/0, true/false, yes/no") from None


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _folder(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _tiles(text: str) -> str:
    if text and not (
        text.startswith("https://") and all(part in text for part in ("{z}", "{x}", "{y}"))
        and not set(text) & set(" ;,'\"") and "{" not in (urlsplit(text).hostname or "{")
    ):  # fmt: skip
        raise ValueError("https://…/{z}/{x}/{y}.png")
    return text


def _cipher(text: str) -> str:
    if text and text not in CIPHERS:
        raise ValueError(", ".join(CIPHERS))
    return text


def _ports(text: str) -> list[int]:
    ports = [int(word) for word in _words(text)]
    if not all(0 < port < 2**16 for port in ports):
        raise ValueError("1-65535")
    return ports


def _networks(text: str) -> list[IPv4Network | IPv6Network]:
    return [ip_network(word.strip()) for word in _words(text)]


def _folder_or_none(text: str) -> Path | None:
    return _folder(text) if text else None


def _digest(text: str) -> str:
    if text not in ALGORITHMS:
        raise ValueError(", ".join(ALGORITHMS))
    return text


def _least(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text)
        if number < least:
            raise ValueError(f">= {least}")
        return number

    return read


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(", ".join(word or '""' for word in words))
        return text

    return read


def _mail(text: str) -> str:
    part = urlsplit(text)
    if text and not (part.scheme in {"smtp", "smtps", "smtp+starttls"} and part.hostname):
        raise ValueError("smtp://…, smtps://…, smtp+starttls://…")
    return text


_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


def _search(text: str) -> str:
    """An address over TLS; without it only on this machine.  Several hosts are joined by commas."""
    part = urlsplit(text)
    hosts = [urlsplit(f"//{host}").hostname for host in part.netloc.rpartition("@")[2].split(",")]
    local = part.scheme == "http" and _HERE.issuperset(hosts)
    if text and not (all(hosts) and (part.scheme == "https" or local)):
        raise ValueError("https://user@host:9200/prefix")
    if text and find_spec("opensearchpy") is None:
        raise ValueError("pip install 'liandong[cluster]'")
    return text


def _gateway(text: str) -> str:
    part = urlsplit(text)
    if text and not (part.scheme in {"http", "https"} and part.hostname):
        raise ValueError("https://…")
    return text


def _bucket(text: str) -> str:
    part = urlsplit(text)
    if text and not (part.scheme == "s3" and part.netloc and not part.query):
        raise ValueError("s3://bucket/prefix")
    return text.rstrip("/")


def _three(text: str) -> list[str]:
    words = _words(text)
    if len(words) != 3:
        raise ValueError("to,text,id")
    return words


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise ValueError("0-1")
    return share


def _compute(text: str) -> str:
    kind, _, address = text.partition(":")
    host, _, port = address.rpartition(":")
    if text and not (kind == "ray" and (address in {"", "local"} or (host and port.isdigit()))):
        raise ValueError("ray, ray:host:port")
    return text


def _issuer(text: str) -> str:
    """An address over TLS; without it only on this machine."""
    part = urlsplit(text)
    local = part.scheme == "http" and part.hostname in _HERE
    if text and not (part.hostname and (part.scheme == "https" or local)):
        raise ValueError("https://…")
    return text.rstrip("/")


KNOBS = (
    Knob("HOME", _folder, "var", "数据目录：数据库、OCFL 存储、索引、暂存都在其中"),
    Knob("SECRET_KEY", str, "", "签名密钥；留空则首次启动时在数据目录生成", secret=True),
    Knob("DEBUG", _yes, "0", "调试模式，只用于开发"),
    Knob("HOSTS", _words, "localhost,127.0.0.1,[::1]", "允许的主机名，逗号分隔"),
    Knob("ORIGINS", _words, "", "反向代理后的站点来源，如 https://da.example.gov.cn，逗号分隔"),
    Knob("DATABASE", str, "", "PostgreSQL 连接串 postgresql://用户@主机/库；留空用内置 SQLite"),
    Knob("DATABASE_PASSWORD", str, "", "PostgreSQL 口令", secret=True),
    Knob("STORE", _bucket, "", "存储位置 s3://桶/前缀，其下为 store/ 与 evidence/；留空用数据目录"),
    Knob("S3_ENDPOINT", _gateway, "", "S3 服务地址 https://主机:端口；留空为亚马逊"),
    Knob("S3_REGION", str, "us-east-1", "S3 区域"),
    Knob("S3_KEY", str, "", "S3 访问标识；留空则取机器自身的身份", secret=True),
    Knob("S3_SECRET", str, "", "S3 访问密钥", secret=True),
    Knob("S3_CACHE_GB", _least(1), "10", "S3 文件在本机的缓存上限（GB），在数据目录 cache/blobs"),
    Knob(
        "SEARCH",
        _search,
        "",
        "OpenSearch 地址 https://用户@主机:9200/前缀，同一集群的多台主机用逗号分隔；留空用内置索引",
    ),
    Knob("SEARCH_PASSWORD", str, "", "OpenSearch 口令", secret=True),
    Knob("SEARCH_CA", _folder_or_none, "", "签发 OpenSearch 证书的 CA 文件；留空用系统所信任的"),
    Knob("SEARCH_SHARDS", _least(1), "1", "新建索引的分片数；重建索引后生效"),
    Knob("BIND", str, "127.0.0.1", "网页服务监听地址"),
    Knob("PORT", int, "8000", "网页服务端口"),
    Knob("WEB_WORKERS", int, "1", "网页进程数"),
    Knob("PROCESSES", int, "0", "识读进程数；0 表示等于处理器核数"),
    Knob(
        "COMPUTE",
        _compute,
        "",
        "识读在哪里算：留空为本机进程；ray 为本机上的 Ray；ray:主机:端口 为加入 Ray 集群",
    ),
    Knob("COMPUTE_GPUS", _share, "0", "Ray 上每个识读作业占用的显卡份额，如 0.25；0 不用显卡"),
    Knob("HTTPS", _yes, "0", "只经 HTTPS 访问：安全 Cookie 与 HSTS"),
    Knob("PROXIES", int, "0", "网页服务前有几层自己的反向代理；据此取来访地址"),
    Knob(
        "SECOND_FACTOR",
        _one_of("", "officers", "staff"),
        "officers",
        "谁必须用第二因素：officers 三员；staff 另加档案馆员与负责人；留空则自愿",
    ),
    Knob("PASSWORD_LENGTH", _least(8), "12", "密码最少字符数，不少于 8"),
    Knob("PASSWORD_HISTORY", _least(0), "5", "不得与最近几次密码相同"),
    Knob("PASSWORD_DAYS", _least(0), "90", "密码有效天数，到期须在登录时更换；0 表示不限"),
    Knob("LOCK_FAILURES", _least(1), "5", "连续登录失败几次后锁定该账号"),
    Knob("LOCK_MINUTES", _least(1), "30", "登录失败锁定的分钟数"),
    Knob("ADDRESS_FAILURES", _least(1), "60", "同一来源地址在锁定时长内允许的登录失败次数"),
    Knob("SESSION_IDLE_MINUTES", _least(1), "20", "无操作多少分钟后须重新登录"),
    Knob("SESSION_HOURS", _least(1), "12", "一次登录最长小时数"),
    Knob("SESSIONS", _least(0), "2", "一个账号可同时登录几处，超出则最早的一处退出；0 表示不限"),
    Knob("OIDC_ISSUER", _issuer, "", "单点登录服务地址（https）；留空则不用"),
    Knob("OIDC_NAME", str, "统一身份认证", "单点登录按钮上的名称"),
    Knob("OIDC_CLIENT_ID", str, "", "单点登录客户端标识"),
    Knob("OIDC_CLIENT_SECRET", str, "", "单点登录客户端密钥", secret=True),
    Knob("OIDC_CLAIM", str, "preferred_username", "令牌中与用户名对应的声明"),
    Knob(
        "OIDC_UNKNOWN",
        _one_of("", "account"),
        "",
        "单点登录遇到没有账号的人：留空则拒绝；account 开立无任何权限的账号",
    ),
    Knob("AUDIT_DIGEST", _digest, "sm3", "审计链的杂凑算法：sm3 或 sha256"),
    Knob(
        "AUDIT_PLACE",
        _folder_or_none,
        "",
        "审计封存的另一处存放目录，宜用只增不改的盘",
    ),
    Knob("CLAMD", str, "", "ClamAV 守护进程：套接字路径或 主机:端口；留空则病毒检测转人工"),
    Knob("OCR_THRESHOLD", float, "0.985", "识读复核阈值：低于此置信度的行，其疑字用较大模型重读"),
    Knob("UPLOAD_MAX_GB", int, "20", "单个上传文件上限（GB）"),
    Knob("ZIP_MAX_RATIO", int, "200", "压缩包膨胀倍数上限"),
    Knob("ZIP_MAX_ENTRIES", int, "100000", "压缩包文件数上限"),
    Knob("ZIP_MAX_GB", int, "50", "压缩包解开后的上限（GB）"),
    Knob("VERIFY_DAYS", int, "90", "固定性巡检周期（天）：每件档案至少每周期校验一次"),
    Knob("OPENING_OPINION_DAYS", int, "30", "开放审核征求形成或移交单位意见的期限（天）"),
    Knob("DEFERRAL_REVIEW_YEARS", int, "5", "延期开放的档案几年后重新审核"),
    Knob("RIGHTS_ANSWER_DAYS", int, "15", "答复个人信息权利请求的期限（天）"),
    Knob(
        "ENCRYPTION", _cipher, "", "新入库档案加密：aes（AES-256-GCM）、sm4（SM4-GCM）；留空不加密"
    ),
    Knob("API_PER_MINUTE", int, "600", "每把接口密钥每分钟的请求数；单把可另定"),
    Knob("JURISDICTION", str, "", "Open311 的辖区标识 jurisdiction_id；留空则请求不得带它"),
    Knob("OPEN311_EXTENSIONS", _yes, "0", "Open311 扩展：分页、按更新时间、multipart 照片"),
    Knob("WEBHOOK_PORTS", _ports, "443", "事件通知可用的端口，逗号分隔"),
    Knob("WEBHOOK_NETWORKS", _networks, "", "事件通知可达的内部网段，逗号分隔；留空只达互联网地址"),
    Knob("WEBHOOK_LOOPBACK", _yes, "0", "事件通知可用 http 发给本机，只供试用"),
    Knob("KEYS", _folder_or_none, "", "密钥目录，须另行备份；留空为数据目录下的 keys"),
    Knob("ARCHIVE_NAME", str, "本档案馆", "档案馆名称：印在证明件和回执上"),
    Knob("SHARE_DAYS", int, "10", "共享利用申请、查档申请的答复期限（工作日）"),
    Knob("OPINION_DAYS", int, "15", "形成单位答复意见的期限（工作日）；这段时间不计入答复期限"),
    Knob("SHARE_MAX_DAYS", int, "365", "一次授权最长几天"),
    Knob("CASE_FONDS", str, "", "事项归入的全宗号；留空归入待定全宗，由档案馆员再定"),
    Knob("CONTACT_DAYS", int, "180", "查档办结几天后删除查档人的姓名、证件和联系信息"),
    Knob("COPY_DAYS", int, "30", "证明件的文件保留几天；登记一直保留"),
    Knob("LOAN_DAYS", int, "30", "实体档案借阅期限（天）"),
    Knob("MAP_TILES", _tiles, "", "一张图的底图地址模板，含 {z} {x} {y}，WGS 84；空为不用底图"),
    Knob("REPORTS_PER_HOUR", _least(1), "30", "同一来源地址每小时可提交的上报数；照片为其六倍"),
    Knob(
        "MAIL",
        _mail,
        "",
        "邮件服务器 smtp://用户@主机:端口（smtps:// 全程加密，smtp+starttls:// 先连后加密）；"
        "留空则提醒只在站内显示",
    ),
    Knob("MAIL_PASSWORD", str, "", "邮件服务器口令", secret=True),
    Knob("MAIL_FROM", str, "", "发件地址"),
    Knob("SMS", _gateway, "", "短信网关地址；留空则短信只写入数据目录 messages/，号码隐去"),
    Knob("SMS_KEY", str, "", "短信网关密钥，作为 Bearer 令牌", secret=True),
    Knob("SMS_FIELDS", _three, "to,text,id", "短信网关的字段名：号码、内容、编号，逗号分隔"),
    Knob("CASE_CONTACT_DAYS", _least(0), "180", "事项办结几天后删除诉求人的联系方式"),
    Knob("LOG_LEVEL", str, "INFO", "日志级别：DEBUG、INFO、WARNING、ERROR"),
)


def read_knobs(environment: Mapping[str, str] = os.environ) -> dict[str, object]:
    """The value of every knob.

    Raises BadKnob for an unknown LIANDONG_ variable, an unreadable value or secret file.
    """
    known = {PREFIX + knob.name for knob in KNOBS}
    known |= {f"{PREFIX}{knob.name}_FILE" for knob in KNOBS if knob.secret}
    known |= {"LIANDONG_SKIP_FRONTEND", "LIANDONG_TEST_DATA"}  # of the build and of the tests
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise BadKnob(f"unknown setting: {', '.join(unknown)}")
    return {knob.name: _value(knob, environment) for knob in KNOBS}


def _value(knob: Knob, environment: Mapping[str, str]) -> object:
    name = PREFIX + knob.name
    text = environment.get(name, knob.default)
    if knob.secret and (file := environment.get(f"{name}_FILE")):
        try:
            text = Path(file).read_text("utf-8").strip()
        except OSError as error:
            raise BadKnob(f"{name}_FILE: {error}") from error
    try:
        return knob.read(text)
    except ValueError as error:
        raise BadKnob(f"{name}={text!r}: {error}") from error
