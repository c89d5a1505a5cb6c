"""The REST interface `/api/v1/`: hand-over, filing, reading, event notices.

`operations()` lists every operation with its declared policy; the matrix of who may do what is
made from it, and an operation without a policy fails the build.
"""

from .contract import Operation, make_api, operations_of
from .filings import router as _filings
from .gate import answer_exception
from .parsing import StrictParser
from .records import router as _records
from .shares import router as _shares
from .transfers import router as _transfers
from .webhooks import router as _webhooks

api = make_api(answer_exception)
api.parser = StrictParser()
for _router in (_records, _transfers, _filings, _shares, _webhooks):
    api.add_router("", _router)


def operations() -> list[Operation]:
    """Every operation of the API, in the order of the contract."""
    return operations_of(api)
