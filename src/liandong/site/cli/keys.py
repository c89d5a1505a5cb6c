"""`liandong key …`: master keys, and the copy of the key folder that is kept apart."""

from pathlib import Path
from typing import Annotated

import typer

from .embedded import clock, engines, fail, set_up, set_up_with_database
from .output import _, progress, put, put_json, say

app = typer.Typer(help=_("密钥：查看、新建、轮换、销毁、另存"), no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help=_("每行一个 JSON 对象"))]
Algorithm = Annotated[str, typer.Argument(help="aes | sm4")]
WordFiles = Annotated[
    list[Path] | None,
    typer.Option("--words-file", help=_("口令文件；两人各持一半时写两次；不写时询问")),
]


@app.command("list", help=_("列出主密钥和用到它们的档案数"))
def list_keys(as_json: AsJson = False) -> None:
    """Print every master key with its use."""
    set_up_with_database()
    from liandong.archive.services.keyring import master_keys

    for use in master_keys():
        key = use.key
        row = {"key": key.id, "algorithm": key.algorithm, "made_at": key.made_at,
               "state": key.state, "objects": use.objects}  # fmt: skip
        put_json(row) if as_json else put(
            f"{key.id:24} {_word(key.state):6} {use.objects:8}  {key.made_at}"
        )


def _word(state: str) -> str:
    words = {"current": _("在用"), "former": _("停用"), "destroyed": _("已销毁")}
    return words.get(state, state)


@app.command(help=_("新建主密钥，以后的档案用它"))
def create(algorithm: Algorithm) -> None:
    """Make a master key that wraps from now on."""
    _known(algorithm)
    set_up_with_database()
    from liandong.archive.services.keyring import create_master

    put(create_master(algorithm, by="cli", now=clock()).id)
    _remind()


Approval = Annotated[int, typer.Option(help=_("双人审批的编号，在“密钥”页申请"))]


@app.command(help=_("执行已批准的轮换：全部数据密钥改由新主密钥保护，不改写档案内容"))
def rotate(approval: Approval) -> None:
    """Make a master key and wrap every data key with it."""
    set_up_with_database()
    from liandong.archive.services.key_acts import rotate_approved
    from liandong.base.approvals import NotWaiting

    try:
        with progress(_("轮换")) as count:
            made, wrapped = rotate_approved(approval, by="cli", now=clock(), progress=count)
    except NotWaiting:
        fail(_("没有这个已批准而未执行的申请：{number}").format(number=approval))
    put(_("新主密钥 {key}，已改用 {count} 个数据密钥").format(key=made.id, count=wrapped))
    _remind()


@app.command(help=_("把还由停用主密钥保护的数据密钥改由在用的保护（轮换中断后）"))
def rewrap() -> None:
    """Go on with a rotation that was stopped."""
    set_up_with_database()
    from liandong.archive.services.keyring import rewrap as run

    with progress(_("轮换")) as count:
        put(_("已改用 {count} 个数据密钥").format(count=run(progress=count)))
    _remind()


@app.command(help=_("执行已批准的销毁：停用的主密钥和旧备份中的密钥随之作废"))
def destroy(approval: Approval) -> None:
    """Throw a master key away that nothing needs."""
    set_up_with_database()
    from liandong.archive.services.key_acts import destroy_approved
    from liandong.archive.services.keyring import StillUsed
    from liandong.base.approvals import NotWaiting
    from liandong.kernel.sealed import MasterLost

    try:
        key = destroy_approved(approval, by="cli", now=clock())
    except NotWaiting:
        fail(_("没有这个已批准而未执行的申请：{number}").format(number=approval))
    except StillUsed as error:
        fail(_("还有 {count} 个数据密钥用它，或它正在使用：先轮换").format(count=error.count))
    except MasterLost as error:
        fail(_("没有这个主密钥：{key}").format(key=error.where))
    put(_("已销毁主密钥 {key}").format(key=key))
    _remind()


@app.command("export-recovery", help=_("把密钥目录另存为一个口令保护的文件"))
def export_recovery(
    file: Annotated[Path, typer.Argument(help=_("写到哪里；与备份分开保管"))],
    words_files: WordFiles = None,
) -> None:
    """Write the copy of the key folder."""
    if file.exists():
        fail(_("文件已存在：{path}").format(path=file))
    set_up_with_database()
    from liandong.archive.services.keyring import note_copy
    from liandong.site.recovery import FEWEST_LETTERS, BadRecovery, write_recovery

    words = _words(words_files, confirm=True)
    try:
        count = write_recovery(file, words, now=clock())
    except BadRecovery:
        fail(_("口令太短：合起来至少 {count} 个字").format(count=FEWEST_LETTERS))
    note_copy(count, by="cli", now=clock())
    put(_("已另存 {count} 个密钥文件").format(count=count))


@app.command("restore-recovery", help=_("由另存的文件补齐密钥目录"))
def restore_recovery(
    file: Annotated[Path, typer.Argument(help=_("另存的密钥文件"))], words_files: WordFiles = None
) -> None:
    """Put missing key files back."""
    if not file.is_file():
        fail(_("没有这个文件或文件夹：{path}").format(path=file))
    set_up()  # no database: keys come back before the backup does
    from liandong.site.recovery import BadRecovery, read_recovery

    reasons = {
        "format": _("不是密钥另存文件"),
        "words": _("口令不对，或文件已损坏"),
        "damaged": _("口令不对，或文件已损坏"),
        "exists": _("密钥目录中已有另一个"),
    }
    try:
        count = read_recovery(file, _words(words_files, confirm=False))
    except BadRecovery as error:
        fail(f"{reasons[error.reason]} {error.where}".strip())
    put(_("已补齐 {count} 个密钥文件").format(count=count))


def encrypt(
    code: Annotated[str, typer.Argument(help=_("档号"))] = "",
    everything: Annotated[bool, typer.Option("--all", help=_("全部未加密的档案"))] = False,
) -> None:
    """Encrypt records that are there, all versions; go on where it was stopped."""
    if bool(code) == everything:
        fail(_("请写档号，或用 --all"))
    set_up_with_database()
    from liandong.archive.services.encrypting import encrypt_records, plain_records
    from liandong.archive.services.keyring import algorithm_in_use

    algorithm = algorithm_in_use()
    if algorithm is None:
        fail(_("没有设置加密：请设 LIANDONG_ENCRYPTION 为 aes 或 sm4"))
    records = plain_records(code)
    if code and not records.exists():
        fail(_("没有这个未加密的档号：{code}").format(code=code))
    with engines(), progress(_("加密")) as count:
        done = encrypt_records(records, algorithm, by="cli", now=clock, progress=count)
    for code_, reason in done.refused:
        put(f"✗ {code_} {reason}")
    put(_("已加密 {done} 件，{refused} 件未能加密").format(
        done=done.done, refused=len(done.refused)
    ))  # fmt: skip
    _remind()
    raise typer.Exit(1 if done.refused else 0)


def _known(algorithm: str) -> None:
    if algorithm not in {"aes", "sm4"}:
        fail(_("不认识的算法 {name}，可用：aes sm4").format(name=algorithm))


def _remind() -> None:
    say(_("密钥目录已变：请运行 liandong key export-recovery 另存，并销毁旧的另存文件"))


def _words(files: list[Path] | None, *, confirm: bool) -> list[str]:
    """The words of the persons, one each."""
    if not files:
        first = typer.prompt(_("口令"), hide_input=True, confirmation_prompt=confirm)
        second = typer.prompt(_("另一人的口令，没有就留空"), default="", hide_input=True,
                              show_default=False, confirmation_prompt=confirm)  # fmt: skip
        return [words for words in (first, second) if words]
    found = []
    for file in files:
        try:
            found.append(file.read_text("utf-8").strip())
        except (OSError, ValueError) as error:
            fail(f"{file}: {error}")
    return found
