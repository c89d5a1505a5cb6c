// Corrects recognised text line by line: the image flies to the line one works on.
import { icon, make, readProps, Refused, say, send, wordsOf } from "../dom";
import { isTyping } from "../keys";
import { type PageImage, type TextLine, Stage } from "../stage";

type State = "untouched" | "ocr" | "corrected";
interface Line extends TextLine {
  id: number | string;
  state: State;
  version?: number;
}
interface Props {
  page: PageImage;
  lines: Line[];
  saveUrl: string;
  low?: number; // confidence below this asks for a look
}
interface Saved {
  text: string;
  state: State;
  version?: number;
}
interface Row {
  line: Line;
  input: HTMLInputElement;
  badge: HTMLElement;
  host: HTMLElement;
}

const TONES: Record<State, string> = { untouched: "idle", ocr: "note", corrected: "done" };

class Correction {
  private readonly word = wordsOf("correct");
  private readonly low: number;
  private readonly stage: Stage;
  private readonly list = make("ol", { class: "ld-lines" });
  private readonly status = make("span", { class: "ld-correct-status", role: "status" });
  private readonly order = make("select", { class: "form-select ld-order" });
  private readonly rows: Row[];
  private readonly done: { row: Row; text: string; state: State }[] = [];
  private current: Row | null = null;

  constructor(
    host: HTMLElement,
    private readonly props: Props,
  ) {
    const { word } = this;
    this.low = props.low ?? 0.9;
    this.rows = props.lines.map((line, n) => this.row(line, n));
    this.order.setAttribute("aria-label", word("lines"));
    this.order.append(make("option", { value: "low" }, word("orderLow")), make("option", { value: "page" }, word("orderPage")));
    this.order.addEventListener("change", () => this.arrange());
    const save = make("button", { type: "button", class: "btn btn-primary", "data-key": "ctrl+Enter" }, word("save"));
    save.addEventListener("click", () => void this.save());
    const undo = make("button", { type: "button", class: "btn", "data-key": "z" }, icon("undo"), word("undo"));
    undo.addEventListener("click", () => void this.undo());
    const frame = make("div", { class: "ld-correct-stage" });
    host.replaceChildren(
      frame,
      make(
        "div",
        { class: "ld-correct-side" },
        make("div", { class: "ld-correct-bar" }, this.order, save, undo, this.status),
        this.list,
      ),
    );
    host.classList.add("ld-correct");
    host.dataset["keys"] = JSON.stringify({ j: "↓", k: "↑" });
    this.stage = new Stage(frame, () => undefined);
    this.stage.open(props.page, () => {
      this.stage.mark(props.lines.filter((line) => this.isLow(line)).map(({ box }) => ({ box, kind: "hit" })));
      if (this.current) this.look(this.current);
    });
    this.arrange();
    // Before the keys of the page: where both know a key, the island means it.
    document.addEventListener("keydown", (event) => this.onKey(event), { capture: true });
    const wanted = Number(new URLSearchParams(location.hash.slice(1)).get("l"));
    (this.rows[wanted - 1] ?? this.inOrder()[0])?.input.focus({ preventScroll: true });
    this.count();
  }

  private isLow(line: Line): boolean {
    return line.state !== "corrected" && line.confidence < this.low;
  }

  private row(line: Line, n: number): Row {
    const input = make("input", {
      value: line.text, "aria-label": this.word("line", { number: n + 1 }), spellcheck: "false", autocomplete: "off",
    });
    const badge = make("span", { class: "ld-line-badge" });
    const host = make("li", { class: "ld-line" }, make("span", { class: "ld-line-number", "aria-hidden": "true" }, String(n + 1)), input, badge);
    const row: Row = { line, input, badge, host };
    input.addEventListener("focus", () => {
      this.current = row;
      this.look(row);
    });
    this.dress(row);
    return row;
  }

  /** State and confidence as word, mark and tint. */
  private dress({ line, badge, host }: Row): void {
    const tone = this.isLow(line) ? "warn" : TONES[line.state];
    const percent = this.word("confidence", { percent: Math.round(line.confidence * 100) });
    const text = this.isLow(line) ? this.word("low") : this.word(line.state);
    badge.replaceChildren(make("span", { class: `ld-status ld-${tone}`, title: percent }, icon(tone), text));
    if (line.state !== "corrected") badge.append(make("span", { class: "ld-line-confidence" }, `${Math.round(line.confidence * 100)}%`));
    host.dataset["state"] = this.isLow(line) ? "low" : line.state;
  }

  private look({ line, host }: Row): void {
    for (const row of this.rows) row.host.toggleAttribute("data-here", row.host === host);
    const boxes = this.rows.filter((row) => this.isLow(row.line) && row.line !== line).map((row) => ({ box: row.line.box, kind: "hit" }));
    this.stage.mark([...boxes, { box: line.box, kind: "line" }]);
    this.stage.flyTo(line.box, 0.92);
    host.scrollIntoView({ block: "nearest" });
  }

  private inOrder(): Row[] {
    if (this.order.value === "page") return this.rows;
    const last = (row: Row): number => (row.line.state === "corrected" ? 2 : row.line.confidence);
    return [...this.rows].sort((a, b) => last(a) - last(b));
  }

  private arrange(): void {
    this.list.replaceChildren(...this.inOrder().map((row) => row.host));
  }

  private next(after: Row): void {
    // The order stays as it is drawn while one works, so that nothing jumps away.
    const drawn = [...this.list.children];
    const from = drawn.indexOf(after.host);
    const ahead = [...drawn.slice(from + 1), ...drawn.slice(0, from)];
    const host = ahead.find((place) => this.rows.some((row) => row.host === place && row.line.state !== "corrected"));
    if (host) host.querySelector("input")?.focus({ preventScroll: true });
    else this.tell(this.word("allDone"));
  }

  private async save(): Promise<void> {
    const row = this.current;
    if (!row) return;
    const before = { row, text: row.line.text, state: row.line.state };
    this.tell(this.word("saving"));
    if (await this.send(row, row.input.value, "corrected")) {
      this.done.push(before);
      this.tell(this.word("saved"));
      this.next(row);
    }
  }

  private async undo(): Promise<void> {
    const last = this.done.pop();
    if (!last) {
      this.tell(this.word("nothingToUndo"));
      return;
    }
    if (await this.send(last.row, last.text, last.state)) {
      last.row.input.focus({ preventScroll: true });
      this.tell(this.word("undo"));
    } else {
      this.done.push(last);
    }
  }

  private async send(row: Row, text: string, state: State): Promise<boolean> {
    const { line } = row;
    const body = { id: line.id, text, state, ...(line.version === undefined ? {} : { version: line.version }) };
    try {
      const saved = await send<Saved>("POST", this.props.saveUrl, body);
      Object.assign(line, saved);
      row.input.value = saved.text ?? text;
      this.dress(row);
      this.count();
      return true;
    } catch (error) {
      const conflict = error instanceof Refused && error.status === 409;
      const reason = error instanceof Error ? error.message : String(error);
      this.tell(conflict ? this.word("conflict") : this.word("failed", { reason }));
      return false;
    }
  }

  private count(): void {
    const count = this.rows.filter((row) => row.line.state === "corrected").length;
    this.status.title = this.word("progress", { count, total: this.rows.length });
    this.status.textContent = this.status.title;
  }

  private tell(text: string): void {
    this.status.textContent = `${text} · ${this.status.title}`;
    say(text);
  }

  private onKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Escape" && event.target instanceof HTMLInputElement) {
      event.target.blur(); // from here single keys work: j, k, z
      return;
    }
    if (isTyping(event) || !["j", "k"].includes(event.key)) return;
    const drawn = [...this.list.children];
    const at = this.current ? drawn.indexOf(this.current.host) : -1;
    const place = drawn[at + (event.key === "j" ? 1 : -1)];
    if (!place) return;
    event.preventDefault();
    const row = this.rows.find(({ host }) => host === place);
    if (!row) return;
    this.current = row;
    this.look(row);
  }
}

export function mount(host: HTMLElement): void {
  const props = readProps<Props>(host);
  if (props.lines.length) new Correction(host, props);
}
