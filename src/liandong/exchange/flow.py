"""The steps of a request of use, of a visit to the reading room, and of a loan, as tables.

Roles here are standings towards one request (`policies.standings`), not posts: whoever asked is
its `asker` and never its `holder`.
"""

from typing import Final

from liandong.kernel.flows import Flow, Step

SHARE_FLOW: Final = Flow(
    start="draft",
    final={"cancelled", "refused", "withdrawn"},
    steps=[
        # name            from                   to                 who            needs
        Step.of("submit", "draft", "submitted", "asker", "purpose basis subject uses until"),
        Step.of("cancel", "draft submitted proposed", "cancelled", "asker"),
        Step.of("gather", "submitted", "submitted", "holder"),
        Step.of("ask_opinion", "submitted", "submitted", "holder", "units"),
        Step.of("give_opinion", "submitted", "submitted", "unit", "opinion text"),
        Step.of("grant", "submitted", "granted", "holder", "records until uses"),
        Step.of("propose", "submitted", "proposed", "holder", "records until uses reason"),
        Step.of("confirm", "proposed", "granted", "director"),
        Step.of("send_back", "proposed", "submitted", "director", "reason"),
        Step.of("refuse", "submitted proposed", "refused", "holder director", "ground reason"),
        Step.of("ask_extension", "granted", "extending", "asker", "until reason"),
        Step.of("extend", "extending", "granted", "holder"),
        Step.of("propose_extension", "extending", "extension_proposed", "holder", "reason"),
        Step.of("confirm_extension", "extension_proposed", "granted", "director"),
        Step.of(
            "refuse_extension", "extending extension_proposed", "granted", "holder director",
            "reason",
        ),
        Step.of(
            "withdraw", "granted extending extension_proposed", "withdrawn", "holder director",
            "reason",
        ),
        Step.of("give_up", "granted extending extension_proposed", "withdrawn", "asker"),
    ],
)  # fmt: skip

VISIT_FLOW: Final = Flow(
    start="received",
    final={"closed", "refused", "cancelled"},
    steps=[
        # name           from                            to            who                 needs
        Step.of("identify", "received", "identified", "desk", "shown"),
        Step.of("approve", "identified", "approved", "desk", "records"),
        Step.of("propose", "identified", "proposed", "desk", "records reason"),
        Step.of("confirm", "proposed", "approved", "director"),
        Step.of("send_back", "proposed", "identified", "director", "reason"),
        Step.of("open_session", "approved", "approved", "desk", "terminal"),
        Step.of("end_session", "approved", "approved", "desk"),
        Step.of("deliver", "approved", "approved", "desk", "delivery"),
        Step.of("close", "approved", "closed", "desk"),
        Step.of(
            "refuse", "received identified proposed", "refused", "desk director", "ground reason"
        ),
        Step.of("forward", "received identified", "forwarded", "desk", "archive"),
        Step.of("note_forwarding", "forwarded", "forwarded", "desk", "standing"),
        Step.of("end_forwarding", "forwarded", "closed", "desk", "standing"),
        Step.of("cancel", "received identified", "cancelled", "applicant desk"),
    ],
)  # fmt: skip

LOAN_FLOW: Final = Flow(
    start="asked",
    final={"refused", "returned", "lost", "cancelled"},
    steps=[
        # name       from      to           who         needs
        Step.of("approve", "asked", "approved", "approver"),
        Step.of("refuse", "asked", "refused", "approver", "reason"),
        Step.of("cancel", "asked approved", "cancelled", "asker keeper"),
        Step.of("hand_out", "approved", "lent", "keeper"),
        Step.of("renew", "lent", "lent", "approver", "until reason"),
        Step.of("take_back", "lent", "returned", "keeper", "condition"),
        Step.of("report_lost", "lent", "lost", "keeper", "reason"),
    ],
)

HAS_GRANT: Final = ("granted", "extending", "extension_proposed", "withdrawn")
"""States of a request in which a grant exists, be it over."""
