// Hands a folder over: drag it in, it goes up piece by piece and goes on after any interruption.
//
// The page computes SHA-256 of what it reads and compares it with the server's receipt.  After a
// reload the browser has forgotten the files themselves; the same folder, chosen again, goes on
// where it stopped, because the uploads are remembered by path, size and date.
import { icon, make, readProps, Refused, say, send, wordsOf } from "../dom";
import { Sha256 } from "../sha256";

interface Props {
  uploadsUrl: string;
  batch?: string;
  chunk?: number;
  field?: string;
}
interface Receipt {
  id?: string;
  offset: number;
  batch?: string;
  sha256?: string;
}
interface Known {
  id: string;
  size: number;
  modified: number;
  done: boolean;
  digest?: string;
}
interface Memory {
  batch: string;
  submitted?: boolean;
  files: Record<string, Known>;
}
type State = "waiting" | "sending" | "done" | "failed" | "mismatch" | "reselect";
interface Item {
  path: string;
  file: File | null; // null: known from before a reload, the browser has forgotten the file
  size: number;
  sent: number;
  state: State;
  digest: string;
  reason: string;
  row?: HTMLTableRowElement;
}

const LANES = 2; // files on their way at the same time
const SHOWN = 300; // rows of the list; the rest is counted
const TRIES = 6; // of one piece when the server fails

function bytesText(count: number): string {
  let size = count;
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (size < 1000) return `${size >= 100 || unit === "B" ? Math.round(size) : size.toFixed(1)} ${unit}`;
    size /= 1000;
  }
  return `${size.toFixed(1)} TB`;
}

const pause = (ms: number): Promise<void> => new Promise((go) => setTimeout(go, ms));

/** All files below what was dropped, folders and all. */
async function filesOf(transfer: DataTransfer): Promise<[string, File][]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const found: [string, File][] = [];
  const walk = async (entry: FileSystemEntry): Promise<void> => {
    if (entry.isFile) {
      const file = await new Promise<File>((good, bad) => (entry as FileSystemFileEntry).file(good, bad));
      found.push([entry.fullPath.replace(/^\//, ""), file]);
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    for (;;) {
      const some = await new Promise<FileSystemEntry[]>((good, bad) => reader.readEntries(good, bad));
      if (!some.length) return; // readEntries answers at most 100 at a time
      for (const child of some) await walk(child);
    }
  };
  for (const entry of entries) await walk(entry);
  return found;
}

class Upload {
  private readonly word = wordsOf("upload");
  private readonly items = new Map<string, Item>();
  private readonly memory: Memory;
  private readonly place: string;
  private readonly field: HTMLInputElement;
  private readonly head = make("p", { class: "ld-upload-head", role: "status" });
  private readonly bar = make("progress", { max: 1, value: 0, hidden: true });
  private readonly body = make("tbody");
  private readonly more = make("p", { class: "ld-hint" });
  private readonly notice = make("p", { class: "ld-message ld-warn", hidden: true });
  private readonly table: HTMLTableElement;
  private readonly tools: HTMLElement;
  private readonly hold: HTMLButtonElement;
  private held = false;
  private lanes = 0;
  private first: Promise<void> | null = null; // the first answer names the batch
  private painting = false;
  private began = 0;
  private moved = 0;

  constructor(
    private readonly host: HTMLElement,
    private readonly props: Props,
  ) {
    this.place = `ld-upload:${location.pathname}`;
    this.memory = this.remember();
    this.field = make("input", { type: "hidden", name: props.field ?? "upload_batch", value: this.memory.batch });
    const { word } = this;
    const head = ["file", "size", "state"].map((name) => make("th", { scope: "col" }, word(name)));
    this.table = make("table", { class: "table ld-table ld-upload-list", hidden: true }, make("thead", {}, make("tr", {}, ...head)), this.body);
    this.hold = make("button", { type: "button", class: "btn" }, word("pause"));
    this.hold.addEventListener("click", () => this.toggle());
    const retry = make("button", { type: "button", class: "btn" }, word("retry"));
    retry.addEventListener("click", () => this.retry());
    const clear = make("button", { type: "button", class: "btn" }, word("clear"));
    clear.addEventListener("click", () => this.clear());
    this.tools = make("div", { class: "ld-toolbar", hidden: true }, this.hold, retry, clear);
    host.classList.add("ld-upload");
    host.replaceChildren(this.notice, this.field, this.target(), this.head, this.bar, this.tools, make("div", { class: "ld-scroll" }, this.table), this.more);
    for (const [path, known] of Object.entries(this.memory.files)) this.recall(path, known);
    const left = [...this.items.values()].filter((item) => item.state === "reselect").length;
    if (left) {
      this.notice.hidden = false;
      this.notice.append(icon("warn"), make("span", {}, word("interrupted", { count: left })));
    }
    this.paint();
    window.addEventListener("online", () => this.pump());
    window.addEventListener("beforeunload", (event) => {
      if (this.lanes) event.preventDefault();
    });
    host.closest("form")?.addEventListener("submit", () => {
      this.memory.submitted = true; // forgotten next time, unless the form comes back for mending
      this.keep();
    });
  }

  private remember(): Memory {
    const fresh: Memory = { batch: this.props.batch ?? "", files: {} };
    try {
      const old = JSON.parse(localStorage.getItem(this.place) ?? "null") as Memory | null;
      if (!old?.batch || !old.files) return fresh;
      if (old.submitted && old.batch !== this.props.batch) return fresh;
      return { batch: old.batch, files: old.files };
    } catch {
      return fresh;
    }
  }

  private recall(path: string, { size, done, digest }: Known): void {
    const state = done ? "done" : "reselect";
    this.items.set(path, { path, file: null, size, sent: done ? size : 0, state, digest: digest ?? "", reason: "" });
  }

  private keep(): void {
    try {
      localStorage.setItem(this.place, JSON.stringify(this.memory));
    } catch {
      // full or forbidden: the upload goes on, only a reload would begin anew
    }
  }

  private target(): HTMLElement {
    const { word } = this;
    const pick = (label: string, folder: boolean): HTMLElement => {
      const input = make("input", { type: "file", multiple: true, webkitdirectory: folder });
      input.addEventListener("change", () => {
        this.add([...(input.files ?? [])].map((file) => [file.webkitRelativePath || file.name, file]));
        input.value = "";
      });
      return make("label", { class: "btn ld-pick" }, icon(folder ? "folder" : "file"), label, input);
    };
    const zone = make(
      "div",
      { class: "ld-drop" },
      make("span", { class: "ld-drop-drawing" }, icon("upload")),
      make("p", { class: "ld-drop-title" }, word("drop")),
      make("div", { class: "ld-toolbar" }, pick(word("chooseFolder"), true), pick(word("chooseFiles"), false)),
    );
    zone.addEventListener("dragover", (event) => {
      event.preventDefault();
      zone.classList.add("ld-over");
    });
    zone.addEventListener("dragleave", () => zone.classList.remove("ld-over"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("ld-over");
      if (event.dataTransfer) void filesOf(event.dataTransfer).then((files) => this.add(files));
    });
    return zone;
  }

  private add(files: [string, File][]): void {
    this.notice.hidden = true;
    for (const [path, file] of files) {
      if (this.items.get(path)?.state === "sending") continue;
      const item: Item = { path, file, size: file.size, sent: 0, state: "waiting", digest: "", reason: "" };
      const known = this.memory.files[path];
      if (known?.done && known.size === file.size && known.modified === file.lastModified) {
        Object.assign(item, { sent: file.size, state: "done", digest: known.digest ?? "" });
      }
      this.items.get(path)?.row?.remove();
      this.items.set(path, item);
    }
    this.pump();
    this.paint();
  }

  private pump(): void {
    if (this.held) return;
    for (const item of this.items.values()) {
      if (this.lanes >= LANES) break;
      const { file } = item;
      if (item.state !== "waiting" || !file) continue;
      this.lanes += 1;
      item.state = "sending";
      if (!this.began) this.began = performance.now();
      void this.sendFile(item, file).finally(() => {
        this.lanes -= 1;
        this.pump();
        this.paint();
        if (!this.lanes && this.isReady()) say(this.word("ready"));
      });
    }
  }

  private async sendFile(item: Item, file: File): Promise<void> {
    try {
      const { id, offset, sha256 } = await this.begin(item.path, file);
      const mine = await this.sendPieces(item, file, id, offset, sha256);
      item.digest = mine.digest;
      item.state = mine.theirs && mine.theirs !== mine.digest ? "mismatch" : "done";
      const known = this.memory.files[item.path];
      if (item.state === "mismatch") delete this.memory.files[item.path];
      else if (known) Object.assign(known, { done: true, digest: item.digest });
    } catch (error) {
      if (this.held && item.sent < item.size) item.state = "waiting";
      else {
        item.state = "failed";
        item.reason = error instanceof Error ? error.message : String(error);
      }
    }
    this.keep();
  }

  private async begin(path: string, file: File): Promise<{ id: string; offset: number; sha256?: string }> {
    const known = this.memory.files[path];
    if (known && known.size === file.size && known.modified === file.lastModified) {
      const receipt = await this.trying(() => send<Receipt>("GET", this.address(known.id))).catch((error: unknown) => {
        if (error instanceof Refused) return null; // the server has forgotten it
        throw error;
      });
      if (receipt) return { ...receipt, id: known.id };
    }
    const ask = async (): Promise<Receipt> => {
      const body = { name: file.name, size: file.size, path, batch: this.memory.batch };
      const receipt = await this.trying(() => send<Receipt>("POST", this.props.uploadsUrl, body));
      if (receipt.batch) this.memory.batch = receipt.batch;
      this.field.value = this.memory.batch;
      return receipt;
    };
    if (!this.memory.batch && this.first) await this.first;
    const asked = ask();
    if (!this.memory.batch) this.first = asked.then(() => undefined, () => undefined);
    const receipt = await asked;
    if (!receipt.id) throw new Error("no id");
    this.memory.files[path] = { id: receipt.id, size: file.size, modified: file.lastModified, done: false };
    this.keep();
    return { ...receipt, id: receipt.id };
  }

  private address(id: string): string {
    return `${this.props.uploadsUrl}${encodeURIComponent(id)}/`;
  }

  /** Reads the file once from its start: what the server has is only digested, the rest is sent. */
  private async sendPieces(
    item: Item,
    file: File,
    id: string,
    from: number,
    receipt?: string,
  ): Promise<{ digest: string; theirs: string }> {
    const digest = new Sha256();
    const size = this.props.chunk ?? 4 * 1024 * 1024;
    let offset = from;
    let theirs = receipt ?? "";
    let at = 0;
    do {
      if (this.held) throw new Error("held");
      const piece = file.slice(at, Math.min(at + size, file.size));
      digest.update(new Uint8Array(await piece.arrayBuffer()));
      const end = at + piece.size;
      // Also once for an empty file, so that the server sees its end.
      while (offset < end || (file.size === 0 && !theirs)) {
        const answer = await this.putPiece(id, file.slice(Math.max(at, offset), end), Math.max(at, offset));
        if (answer.offset < at) throw new Error(`offset ${answer.offset}`);
        offset = answer.offset;
        theirs = answer.sha256 ?? theirs;
        if (file.size === 0) break;
        this.moved += piece.size;
      }
      at = end;
      item.sent = at;
      this.paint();
    } while (at < file.size);
    return { digest: digest.hex(), theirs };
  }

  private async putPiece(id: string, piece: Blob, offset: number): Promise<Receipt> {
    return this.trying(async () => {
      try {
        return await send<Receipt>("PUT", this.address(id), piece, { "Upload-Offset": String(offset) });
      } catch (error) {
        if (!(error instanceof Refused) || error.status !== 409) throw error;
        return send<Receipt>("GET", this.address(id)); // an answer was lost: ask where it stands
      }
    });
  }

  /** Goes on trying while the net is away or the server fails; a refusal (4xx) is final. */
  private async trying<T>(act: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await act();
      } catch (error) {
        if (error instanceof Refused && (error.status < 500 || tries >= TRIES)) throw error;
        if (this.held) throw error;
        if (!(error instanceof Refused)) this.head.textContent = this.word("offline");
        await pause(Math.min(30_000, 500 * 2 ** tries));
      }
    }
  }

  private toggle(): void {
    this.held = !this.held;
    this.hold.textContent = this.word(this.held ? "resume" : "pause");
    this.began = 0;
    this.moved = 0;
    this.pump();
    this.paint();
  }

  private retry(): void {
    for (const item of this.items.values()) {
      if (["failed", "mismatch"].includes(item.state)) Object.assign(item, { state: "waiting", sent: 0, reason: "" });
    }
    this.pump();
    this.paint();
  }

  private clear(): void {
    if (this.lanes) return;
    this.items.clear();
    this.body.replaceChildren();
    this.memory.files = {};
    this.memory.batch = this.props.batch ?? "";
    this.field.value = this.memory.batch;
    localStorage.removeItem(this.place);
    this.paint();
  }

  private isReady(): boolean {
    return this.items.size > 0 && [...this.items.values()].every((item) => item.state === "done");
  }

  private paint(): void {
    if (this.painting) return;
    this.painting = true;
    requestAnimationFrame(() => {
      this.painting = false;
      this.draw();
    });
  }

  private draw(): void {
    const all = [...this.items.values()];
    const total = all.reduce((sum, item) => sum + item.size, 0);
    const sent = all.reduce((sum, item) => sum + item.sent, 0);
    const done = all.filter((item) => item.state === "done").length;
    const ready = this.isReady();
    this.tools.hidden = this.table.hidden = this.bar.hidden = !all.length;
    this.bar.value = total ? sent / total : ready ? 1 : 0;
    this.bar.setAttribute("aria-label", this.word("sending"));
    const parts = all.length ? [this.word("total", { count: all.length, bytes: bytesText(total) })] : [];
    if (ready) parts.push(this.word("ready"));
    else if (all.length) parts.push(this.word("sent", { count: done, total: all.length, bytes: bytesText(sent) }), this.timeLeft(total - sent));
    this.head.textContent = parts.filter(Boolean).join(" · ");
    all.slice(0, SHOWN).forEach((item) => this.drawRow(item));
    this.more.textContent = all.length > SHOWN ? this.word("more", { count: all.length - SHOWN }) : "";
    for (const button of this.host.closest("form")?.querySelectorAll<HTMLButtonElement>("[data-needs-files]") ?? []) button.disabled = !ready;
  }

  private timeLeft(bytes: number): string {
    const seconds = (performance.now() - this.began) / 1000;
    if (!this.moved || seconds < 2 || this.held) return "";
    const left = Math.max(1, Math.round((bytes * seconds) / this.moved));
    const time = left < 90 ? this.word("seconds", { n: left }) : left < 5400 ? this.word("minutes", { n: Math.round(left / 60) }) : this.word("hours", { n: Math.round(left / 3600) });
    return this.word("left", { time });
  }

  private drawRow(item: Item): void {
    if (!item.row) {
      item.row = make("tr", {}, make("td", {}, item.path), make("td", { class: "ld-number" }, bytesText(item.size)), make("td"));
      this.body.append(item.row);
    }
    const key = `${item.state}:${item.sent}`;
    if (item.row.dataset["key"] === key) return;
    item.row.dataset["key"] = key;
    const tone = { waiting: "idle", sending: "running", done: "done", failed: "failed", mismatch: "failed", reselect: "warn" }[item.state];
    const percent = item.size ? Math.floor((100 * item.sent) / item.size) : 0;
    const text = item.state === "failed" ? this.word("failed", { reason: item.reason }) : this.word(item.state);
    const badge = make("span", { class: `ld-status ld-${tone}` }, icon(tone), item.state === "sending" ? `${text} ${percent}%` : text);
    const cell = item.row.cells[2]!;
    cell.replaceChildren(badge);
    if (item.digest) cell.append(" ", make("code", { title: `SHA-256 ${item.digest}` }, `${item.digest.slice(0, 12)}…`));
  }
}

export function mount(host: HTMLElement): void {
  new Upload(host, readProps<Props>(host));
}
