"""Files on their way up: the three verbs of a resumable upload.  See components/README.md."""

import json
import logging
from http import HTTPStatus
from uuid import UUID, uuid4

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from liandong.archive.viewers import viewer_of
from liandong.base.gates import open_to
from liandong.intake.models import Upload
from liandong.intake.policies import UPLOAD
from liandong.intake.services.upload import TooLarge, WrongOffset, begin, take_piece
from liandong.kernel.names import BadPath

log = logging.getLogger(__name__)


def _refuse(message: str, status: HTTPStatus) -> JsonResponse:
    return JsonResponse({"message": message}, status=status)


@require_http_methods(["POST"])
@open_to(UPLOAD)
def begin_upload(request: HttpRequest) -> JsonResponse:
    """Start or find the upload of one file: `{name, size, path, batch}` → `{id, offset, batch}`."""
    try:
        asked = json.loads(request.body)
        session = UUID(asked["batch"]) if asked.get("batch") else uuid4()
        path, size = str(asked.get("path") or asked["name"]), int(asked["size"])
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return _refuse(_("上传请求无法理解"), HTTPStatus.BAD_REQUEST)
    try:
        upload = begin(session, path, size, by=viewer_of(request).name, now=timezone.now())
    except BadPath:
        return _refuse(_("文件路径不合规：{path}").format(path=path), HTTPStatus.BAD_REQUEST)
    except TooLarge as error:
        message = _("单个文件不能超过 {gb} GB").format(gb=error.limit // 1024**3)
        return _refuse(message, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    except Upload.DoesNotExist:
        return _refuse(_("没有这个上传，请重新选择文件"), HTTPStatus.NOT_FOUND)
    return JsonResponse({"id": str(upload.uuid), "batch": str(session), **_state(upload)})


def _state(upload: Upload) -> dict[str, object]:
    return {"offset": upload.offset} | ({"sha256": upload.sha256} if upload.sha256 else {})


@require_http_methods(["GET", "PUT"])
@open_to(UPLOAD)
def go_on_upload(request: HttpRequest, upload_id: UUID) -> JsonResponse:
    """Where an upload stands (GET), or one more piece of it (PUT with `Upload-Offset`)."""
    by = viewer_of(request).name
    try:
        if request.method == "GET":
            return JsonResponse(_state(Upload.objects.get(uuid=upload_id, created_by=by)))
        offset = int(request.headers.get("Upload-Offset", ""))
        return JsonResponse(_state(take_piece(upload_id, offset, request.body, by=by)))
    except Upload.DoesNotExist:
        return _refuse(_("没有这个上传，请重新选择文件"), HTTPStatus.NOT_FOUND)
    except WrongOffset as error:
        return JsonResponse(
            {"message": _("位置不符"), "offset": error.offset}, status=HTTPStatus.CONFLICT
        )
    except TooLarge:
        return _refuse(_("收到的内容比申报的大"), HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    except OSError:  # the disk is full: what came so far stays, the piece is sent again
        log.exception("upload refused id=%s", upload_id)
        return _refuse(_("服务器存储空间不足，请稍后继续上传"), HTTPStatus.INSUFFICIENT_STORAGE)
    except ValueError:
        return _refuse(_("上传请求无法理解"), HTTPStatus.BAD_REQUEST)
