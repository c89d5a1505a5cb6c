"""The steps of the pipeline and the states of an item, as tables."""

from liandong.kernel.flows import Flow, Step

STEPS = ("identify", "check", "read", "extract", "describe", "package", "admit", "index")
BEFORE_DECISION = STEPS[:5]  # the machine looks; then a person decides
AFTER_DECISION = STEPS[5:]

ITEM_FLOW = Flow(
    start="received",
    final={"admitted", "returned", "duplicate"},
    steps=[
        # name          from                          to             who
        Step.of("hold", "received accepted", "held", "machine"),
        Step.of("quarantine", "received", "quarantined", "machine"),
        Step.of("recognise", "received held accepted", "duplicate", "machine"),
        Step.of("wait", "received", "waiting", "machine"),
        Step.of("accept", "waiting", "accepted", "archivist machine"),
        Step.of("admit", "accepted", "admitted", "machine"),
        Step.of("return", "waiting held quarantined", "returned", "archivist", "reason"),
        Step.of("again", "held waiting", "received", "archivist clerk"),
    ],
)
