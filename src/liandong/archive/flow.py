"""Steps of opening reviews, requests of persons and destruction lists; whose step each is."""

from liandong.kernel.flows import Flow, Step

OPENING_FLOW = Flow(
    start="planned",
    final={"deferred", "recalled", "dropped"},
    steps=[
        # name, from, to, who, needs
        Step.of("propose", "planned", "first_review", "system"),
        Step.of("first_ask", "first_review", "unit_opinion", "archivist", "verdict"),
        Step.of("first_alone", "first_review", "re_review", "archivist", "verdict"),
        Step.of("answer", "unit_opinion", "re_review", "unit", "verdict"),
        Step.of("lapse", "unit_opinion", "re_review", "system"),
        Step.of("second", "re_review", "final", "archivist director", "verdict"),
        Step.of("open", "final", "opened", "director", "verdict"),
        Step.of("open_masked", "final", "partly", "director", "verdict"),
        Step.of("delay", "final", "authority_consent", "director", "verdict ground reason"),
        Step.of("consent", "authority_consent", "deferred", "archivist director", "consent_number"),
        Step.of("refuse_consent", "authority_consent", "final", "archivist director", "reason"),
        Step.of("send_back", "re_review final", "first_review", "archivist director", "reason"),
        Step.of("drop", "planned first_review", "dropped", "archivist", "reason"),
        Step.of("withdraw", "opened partly", "withdrawn", "archivist director", "reason"),
        Step.of("confirm", "withdrawn", "recalled", "archivist director"),
        Step.of("restore_open", "withdrawn", "opened", "archivist director", "reason"),
        Step.of("restore_masked", "withdrawn", "partly", "archivist director", "reason"),
    ],
)
"""Opening review (开放审核).  Source: 档案法实施条例 (2024) arts. 30, 31; 国家档案局令第19号."""

RIGHTS_FLOW = Flow(
    start="received",
    final={"answered", "withdrawn"},
    steps=[
        Step.of("identify", "received", "identified", "archivist", "number"),
        Step.of("answer", "received identified", "answered", "archivist", "outcome answer basis"),
        Step.of("extend", "received", "received", "archivist", "reason"),
        Step.of("extend_identified", "identified", "identified", "archivist", "reason"),
        Step.of("withdraw", "received identified", "withdrawn", "person archivist"),
    ],
)
"""Requests of a person (个人信息权利).  Source: 个人信息保护法 (2021) arts. 44-50."""

DESTRUCTION_FLOW = Flow(  # who is a second person is checked in the service
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
