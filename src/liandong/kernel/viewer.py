"""Who asks: everything about a person that access may depend on, and nothing else."""

from dataclasses import dataclass

OPEN, INTERNAL, RESTRICTED = 0, 1, 2  # levels: 公开, 内部, 限制
USES = ("look", "print", "copy", "data")  # kinds of use (利用方式): 查看, 打印, 复制, 数据


@dataclass(frozen=True, slots=True)
class Share:
    """One live grant of use (共享授权) that a person has."""

    code: str  # value of the record's fact `shares`
    whole: bool  # True: the full text; False: the masked view
    uses: frozenset[str]  # of USES


@dataclass(frozen=True, slots=True)
class Viewer:
    """The facts about a person that access depends on."""

    name: str = ""  # account name, "" for a stranger
    unit: str = ""  # code of the department, "" for the public
    clearance: int = OPEN
    roles: frozenset[str] = frozenset()  # base.models.Role
    officer: str = ""  # base.models.Officer: "" or one of the three; never with a role
    shares: tuple[Share, ...] = ()

    @property
    def is_signed_in(self) -> bool:
        """Whether this is a person that we know."""
        return bool(self.name)

    @property
    def is_clerk(self) -> bool:
        """兼职档案员: hands over the records of the own unit."""
        return "clerk" in self.roles

    @property
    def is_archivist(self) -> bool:
        """档案馆员: keeps all holdings, within the own clearance."""
        return "archivist" in self.roles

    @property
    def is_director(self) -> bool:
        """档案馆负责人: decides what needs a second person."""
        return "director" in self.roles
