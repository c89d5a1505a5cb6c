"""Names of the built style sheet and script, and the words the islands show.

The build (`frontend/`) writes `static/dist/manifest.json`.  Where nothing was built, pages carry
neither: they are plain HTML and work.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from django.utils.translation import gettext as _

MANIFEST: Final = Path(__file__).parent / "static" / "dist" / "manifest.json"
ENTRY: Final = "src/main.ts"


@lru_cache(maxsize=4)
def _read_manifest(changed: float) -> dict[str, Any]:
    return dict(json.loads(MANIFEST.read_text("utf-8")))


def built_files() -> tuple[list[str], list[str]]:
    """Style sheets and modules of every page, as names below `static/`; empty when not built.

    The first module is the entry, those after it are what it imports.
    """
    try:
        manifest = _read_manifest(MANIFEST.stat().st_mtime)
        entry = manifest[ENTRY]
    except (OSError, KeyError, ValueError):
        return [], []
    chunks = [entry, *(manifest[name] for name in entry.get("imports", ()))]
    styles = [f"dist/{name}" for chunk in chunks for name in chunk.get("css", ())]
    return styles, [f"dist/{chunk['file']}" for chunk in chunks]


def module_of(source: str) -> str:
    """The built module of an entry that stands alone, as a name below `static/`; "" if unbuilt."""
    try:
        return f"dist/{_read_manifest(MANIFEST.stat().st_mtime)[source]['file']}"
    except (OSError, KeyError, ValueError):
        return ""


def island_words(name: str) -> dict[str, str]:
    """The words that the island `name` shows, in the language of the page; raises KeyError."""
    return {
        "upload": _upload_words,
        "viewer": _viewer_words,
        "correct": _correct_words,
        "review": _review_words,
        "passkey": _passkey_words,
    }[name]()


def _upload_words() -> dict[str, str]:
    return {
        "drop": _("把文件夹或文件拖到这里"),
        "chooseFolder": _("选择文件夹"),
        "chooseFiles": _("选择文件"),
        "total": _("共 {count} 个文件，{bytes}"),
        "sent": _("已传 {count} / {total} 个，{bytes}"),
        "left": _("约剩 {time}"),
        "seconds": _("{n} 秒"),
        "minutes": _("{n} 分钟"),
        "hours": _("{n} 小时"),
        "waiting": _("等待"),
        "reselect": _("请重新选择此文件"),
        "sending": _("正在传"),
        "done": _("已收到"),
        "mismatch": _("收到的内容与本机不同，请重传"),
        "failed": _("没有传成：{reason}"),
        "retry": _("重试没传成的"),
        "pause": _("暂停"),
        "resume": _("继续"),
        "remove": _("移除"),
        "clear": _("清空清单"),
        "interrupted": _("上次还有 {count} 个文件没有传完。请重新选择同一文件夹，会从断处接着传。"),
        "empty": _("空文件"),
        "file": _("文件"),
        "size": _("大小"),
        "state": _("状态"),
        "digest": _("SHA-256"),
        "more": _("另有 {count} 个文件未列出"),
        "ready": _("全部收到，可以提交"),
        "offline": _("网络断开，恢复后自动继续"),
    }


def _viewer_words() -> dict[str, str]:
    return {
        "pages": _("页面"),
        "page": _("第 {number} 页"),
        "of": _("共 {count} 页"),
        "goTo": _("跳到第几页"),
        "previousPage": _("上一页"),
        "nextPage": _("下一页"),
        "zoomIn": _("放大"),
        "zoomOut": _("缩小"),
        "fit": _("整页"),
        "fitWidth": _("适合宽度"),
        "rotate": _("旋转"),
        "fullScreen": _("全屏"),
        "search": _("在本件中查找"),
        "hits": _("第 {n} 处，共 {count} 处"),
        "hitCount": _("共 {count} 处"),
        "noHits": _("没有找到"),
        "previousHit": _("上一处"),
        "nextHit": _("下一处"),
        "text": _("文字"),
        "showText": _("显示文字"),
        "loading": _("正在载入第 {number} 页"),
        "noText": _("此页没有文字"),
        "failed": _("此页图像没有载入。请刷新重试。"),
    }


def _correct_words() -> dict[str, str]:
    return {
        "lines": _("文字行"),
        "line": _("第 {number} 行"),
        "untouched": _("未看"),
        "ocr": _("机器识别"),
        "corrected": _("已校对"),
        "confidence": _("置信度 {percent}%"),
        "low": _("低置信度"),
        "orderLow": _("先看低置信度"),
        "orderPage": _("按页面顺序"),
        "save": _("保存并到下一行"),
        "undo": _("撤销"),
        "saving": _("正在保存"),
        "saved": _("已保存"),
        "failed": _("没有保存：{reason}"),
        "conflict": _("此行已被他人修改，请刷新"),
        "progress": _("已校对 {count} / {total} 行"),
        "allDone": _("本页各行都已看过"),
        "nothingToUndo": _("没有可撤销的"),
    }


def _review_words() -> dict[str, str]:
    return {
        "accept": _("采纳"),
        "edit": _("修改"),
        "reject": _("不采纳"),
        "skip": _("跳过"),
        "left": _("还有 {count} 条"),
        "allDone": _("都处理完了"),
        "failed": _("没有保存：{reason}"),
    }


def _passkey_words() -> dict[str, str]:
    return {
        "failed": _("没有完成：已取消、超时，或者这里没有可用的通行密钥。"),
        "missing": _("这个浏览器或地址不能用通行密钥（须经 HTTPS）。"),
    }
