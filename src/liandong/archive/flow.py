"""The steps of a destruction list, as a table; who is a second person is checked in the service."""

from liandong.kernel.flows import Flow, Step

DESTRUCTION_FLOW = Flow(
    start="proposed",
    final={"done", "refused", "withdrawn"},
    steps=[
        # name               from                                 to             who
        Step.of("approve", "proposed", "approved", "director", "opinion"),
        Step.of("refuse", "proposed", "refused", "director", "opinion"),
        Step.of("sign", "approved", "half_signed", "archivist director"),
        Step.of("countersign", "half_signed", "signed", "archivist director"),
        Step.of("withdraw", "proposed approved half_signed signed", "withdrawn",
                "archivist director", "opinion"),
        Step.of("start", "signed", "executing", "archivist director"),
        Step.of("finish", "executing", "done", "machine"),
    ],
)  # fmt: skip
