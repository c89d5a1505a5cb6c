"""A small client of the Liandong API: hand over, file, search, follow, and check event notices.

Standard library only, Python 3.9 or newer; copy it and change what you need.

    from liandong_client import Client

    client = Client("https://da.example.gov.cn", "ldk_...")
    transfer = client.hand_over("2026 Q2", {"catalogue.xlsx": open("catalogue.xlsx", "rb").read()})
    client.wait_for(transfer["id"])
    for item in client.items(transfer["id"]):
        print(item["state"], item["code"], [one["message"] for one in item["findings"]])

Every POST carries an Idempotency-Key, and a request that got no answer is sent again with the same
one: whatever the network does, nothing is done twice.
"""

import base64
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

PIECE = 4 * 1024 * 1024  # bytes of one piece of an upload
TRIES = 6
REPLAY_S = 300


class Refused(Exception):
    """The server refused; `problem` is its application/problem+json."""

    def __init__(self, status, problem):
        super().__init__(f"{status} {problem.get('title', '')} {problem.get('detail', '')}".strip())
        self.status = status
        self.problem = problem

    @property
    def code(self):
        """The stable code of the problem, such as not-as-declared."""
        return self.problem.get("type", "").partition("#")[2]


class Client:
    """Calls the API of one installation with one key."""

    def __init__(self, server, key, language="zh-CN", timeout_s=60):
        self.base = server.rstrip("/") + "/api/v1"
        self.key = key
        self.language = language
        self.timeout_s = timeout_s

    # Requests -------------------------------------------------------------------------------------

    def call(self, method, path, body=None, content=None, token=None, headers=None):
        """One request, sent again while the network or the limit is in the way.

        `body` goes as JSON, `content` as bytes.  Returns what the server answered, read from JSON.
        Raises Refused.
        """
        sent = {
            "Authorization": "Bearer " + self.key,
            "Accept-Language": self.language,
            **(headers or {}),
        }
        if method == "POST":
            sent["Idempotency-Key"] = token or uuid.uuid4().hex
        data = content
        if body is not None:
            data, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        elif content is not None:
            sent.setdefault("Content-Type", "application/octet-stream")
        for attempt in range(TRIES):
            try:
                return self._send(method, path, data, sent)
            except Refused as error:
                if error.status not in (429, 502, 503, 504) and error.code != "at-work":
                    raise
                last, wait_s = error, error.retry_after
            except (urllib.error.URLError, OSError) as error:
                last, wait_s = error, None
            time.sleep(wait_s if wait_s is not None else min(30, 0.5 * 2**attempt))
        raise last

    def _send(self, method, path, data, headers):
        address = self.base + path
        request = urllib.request.Request(address, data, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:  # noqa: S310
                text = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise _refused(error) from None
        return json.loads(text) if text else None

    def pages(self, path, rows="items", **query):
        """Every row of a list, page after page."""
        cursor = ""
        while True:
            given = {**query, "cursor": cursor}
            asked = urllib.parse.urlencode({name: one for name, one in given.items() if one})
            page = self.call("GET", path + ("?" + asked if asked else ""))
            yield from page[rows]
            cursor = page["next"]
            if not cursor:
                return

    # Hand-over ------------------------------------------------------------------------------------

    def hand_over(self, name, files, fonds="", token=None):
        """Hand over files ({path: bytes}) as one batch; the transfer.

        With the same `token` again it goes on where it was cut off.
        """
        token = token or uuid.uuid4().hex
        transfer = self.call("POST", "/transfers", {"name": name, "fonds": fonds}, token=token)
        transfer = self.transfer(transfer["id"])  # as it is now: the answer may be a kept one
        if transfer["state"] != "open":
            return transfer
        for path, content in files.items():
            self.upload(transfer["id"], path, content)
        listed = [
            {"path": path, "sha256": hashlib.sha256(content).hexdigest()}
            for path, content in files.items()
        ]
        place = "/transfers/" + transfer["id"] + "/submit"
        return self.call("POST", place, {"files": listed}, token=token[:48] + "-submit")

    def upload(self, transfer_id, path, content):
        """Upload one file in pieces, from where the server has it."""
        place = f"/transfers/{transfer_id}/files"
        file = self.call("POST", place, {"path": path, "size": len(content)})
        while file["offset"] < len(content):
            start = file["offset"]
            piece = content[start : start + PIECE]
            try:
                file = self.call(
                    "PUT", place + "/" + file["id"], content=piece,
                    headers={"Upload-Offset": str(start)},
                )  # fmt: skip
            except Refused as error:
                if error.code != "wrong-offset":
                    raise
                file = {**file, "offset": error.problem["offset"]}
        return file

    def hand_over_package(self, file_name, content, fonds="", token=None):
        """Hand over a whole package (zip, BagIt, DA/T 93, EEP) in one request; the transfer."""
        digest = hashlib.sha256(content).hexdigest()
        query = urllib.parse.urlencode({"file": file_name, "fonds": fonds, "sha256": digest})
        return self.call("POST", "/packages?" + query, content=content, token=token)

    def transfer(self, transfer_id):
        """Where a transfer stands."""
        return self.call("GET", "/transfers/" + transfer_id)

    def wait_for(self, transfer_id, patience_s=600):
        """The transfer once the machine has looked at every item.  Raises TimeoutError."""
        until = time.monotonic() + patience_s
        while time.monotonic() < until:
            found = self.transfer(transfer_id)
            if found["state"] not in ("received", "checking") and not found["to_do"]:
                return found
            time.sleep(1)
        raise TimeoutError(transfer_id)

    def items(self, transfer_id, state=""):
        """Every item with its state, code and findings."""
        return self.pages(f"/transfers/{transfer_id}/items", state=state)

    def receipt(self, transfer_id):
        """Every file as it was received, with its digests."""
        return self.pages(f"/transfers/{transfer_id}/receipt", rows="listed")

    # Filing ---------------------------------------------------------------------------------------

    def file(self, system, document_id, document, files, process=(), token=None):
        """File one finished document; the filing.

        `files` are (name, bytes) in reading order; the document id makes it safe to repeat.
        """
        body = {
            "system": system,
            "document_id": document_id,
            "document": document,
            "files": [
                {
                    "name": name,
                    "content": base64.b64encode(content).decode(),
                    "sha256": hashlib.sha256(content).hexdigest(),
                }
                for name, content in files
            ],
            "process": list(process),
        }
        return self.call("POST", "/filings", body, token=token)

    def filing(self, filing_id):
        """Where a filing stands."""
        return self.call("GET", "/filings/" + filing_id)

    # Query ----------------------------------------------------------------------------------------

    def search(self, text, **filters):
        """Every record found, best first; filters as on the page: year=2026, fonds="Z109"."""
        return self.pages("/search", rows="hits", q=text, **filters)

    def record(self, code):
        """The description of a record, as far as the key may see it."""
        return self.call("GET", "/records/" + urllib.parse.quote(code, safe=""))

    def text(self, code):
        """The text of a record, page by page."""
        return self.pages("/records/" + urllib.parse.quote(code, safe="") + "/pages")

    # Event notices --------------------------------------------------------------------------------

    def subscribe(self, url, events, algorithm="hmac-sha256"):
        """Subscribe to events; keep `secret` of the answer, it is shown once."""
        body = {"url": url, "events": list(events), "algorithm": algorithm}
        return self.call("POST", "/webhooks", body)


def _refused(error):
    try:
        problem = json.loads(error.read())
    except ValueError:
        problem = {"title": error.reason}
    refused = Refused(error.code, problem)
    given = error.headers.get("Retry-After", "")
    refused.retry_after = int(given) if given.isdigit() else None
    return refused


def is_genuine(secrets, headers, body, now=None):
    """Whether a notice was signed with one of your secrets, and not too long ago.

    `headers` by lower-case name, `body` the bytes as they came.  Also keep the webhook-id of every
    notice that you have taken, and pass over one that comes again.
    """
    at, notice = headers.get("webhook-timestamp", ""), headers.get("webhook-id", "")
    if not at.isdigit() or abs((time.time() if now is None else now) - int(at)) > REPLAY_S:
        return False
    signed = b".".join((notice.encode(), at.encode(), body))
    given = headers.get("webhook-signature", "").split()
    for secret in secrets:
        key = base64.b64decode(secret[len("whsec_") :])
        for version, digest in (("v1", "sha256"), ("v1sm3", "sm3")):
            try:
                code = hmac.new(key, signed, digest).digest()
            except ValueError:  # this Python has no SM3
                continue
            mine = version + "," + base64.b64encode(code).decode()
            if any(hmac.compare_digest(mine, one) for one in given):
                return True
    return False
