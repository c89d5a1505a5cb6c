// Reads a record page by page: deep zoom, selectable text, search inside, thumbnails, keys.
import { icon, iconButton, make, readProps, say, send, wordsOf } from "../dom";
import { isTyping } from "../keys";
import { type Box, type PageImage, type TextLine, Stage, shareOf } from "../stage";

interface PageText {
  lines: TextLine[];
}
interface ViewerPage extends PageImage {
  thumb?: string;
  textUrl?: string;
  text?: PageText;
}
interface Props {
  pages: ViewerPage[];
  start?: { page?: number; line?: number };
  query?: string;
}
interface Hit {
  page: number; // index
  line: number; // index
  box: Box;
}

const AT_ONCE = 4; // texts asked for at the same time while searching

function foldText(text: string): string {
  return text.normalize("NFC").toLowerCase();
}

/** Boxes of a word in a line, by the share of the line that stands before it. */
function findIn(line: TextLine, word: string): Box[] {
  const text = foldText(line.text);
  const [left, top, right, bottom] = line.box;
  const found: Box[] = [];
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
    const from = shareOf(text, at);
    const to = shareOf(text, at + word.length);
    const wide = right - left;
    const high = bottom - top;
    found.push(
      line.vertical
        ? [left, top + high * from, right, top + high * to]
        : [left + wide * from, top, left + wide * to, bottom],
    );
  }
  return found;
}

class Viewer {
  private readonly word = wordsOf("viewer");
  private readonly texts = new Map<number, Promise<PageText>>();
  private readonly stage: Stage;
  private readonly thumbs = make("div", { class: "ld-viewer-thumbs", role: "group" });
  private readonly status = make("span", { class: "ld-viewer-status", role: "status" });
  private readonly number: HTMLInputElement;
  private readonly box: HTMLInputElement;
  private readonly aside = make("div", { class: "ld-viewer-text", tabindex: 0, hidden: true });
  private at = -1;
  private hits: Hit[] = [];
  private hit = -1;
  private searching = 0;

  constructor(
    private readonly host: HTMLElement,
    private readonly props: Props,
  ) {
    const { word } = this;
    this.number = make("input", {
      type: "number", min: 1, max: props.pages.length, "aria-label": word("goTo"), class: "ld-viewer-number",
    });
    this.box = make("input", {
      type: "search", placeholder: word("search"), "aria-label": word("search"), value: props.query ?? "",
      class: "ld-viewer-search",
    });
    const frame = make("div", { class: "ld-viewer-stage", "aria-label": word("pages") });
    const body = make("div", { class: "ld-viewer-body" }, this.thumbs, frame, this.aside);
    host.replaceChildren(this.bar(), body);
    host.classList.add("ld-viewer");
    host.dataset["keys"] = JSON.stringify({
      "[": word("previousPage"), "]": word("nextPage"), "+": word("zoomIn"), "-": word("zoomOut"), "0": word("fit"),
      t: word("showText"), n: word("nextHit"), N: word("previousHit"),
    });
    this.stage = new Stage(frame, () => this.tell(word("failed")));
    this.fillThumbs();
    this.number.addEventListener("change", () => this.show(this.number.valueAsNumber - 1));
    this.box.addEventListener("change", () => void this.search(this.box.value));
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing && this.hits.length) this.step(event.shiftKey ? -1 : 1);
    });
    // Before the keys of the page: where both know a key, the island means it.
    document.addEventListener("keydown", (event) => this.onKey(event), { capture: true });
    window.addEventListener("hashchange", () => this.followAddress());
  }

  start(): void {
    this.followAddress();
    if (this.box.value) void this.search(this.box.value, !this.hasPlace());
  }

  private bar(): HTMLElement {
    const { word } = this;
    const group = (...parts: Node[]): HTMLElement => make("div", { class: "ld-viewer-group" }, ...parts);
    const full = iconButton("fit", word("fullScreen"), () => {
      if (document.fullscreenElement) void document.exitFullscreen();
      else void this.host.requestFullscreen();
    });
    const text = iconButton("text", word("showText"), () => this.toggleText());
    text.setAttribute("aria-pressed", "false");
    text.dataset["text"] = "";
    return make(
      "div",
      { class: "ld-viewer-bar", role: "toolbar", "aria-label": word("pages") },
      group(
        iconButton("previous", word("previousPage"), () => this.show(this.at - 1)),
        this.number,
        make("span", { class: "ld-viewer-of" }, word("of", { count: this.props.pages.length })),
        iconButton("next", word("nextPage"), () => this.show(this.at + 1)),
      ),
      group(
        iconButton("minus", word("zoomOut"), () => this.stage.zoomBy(1 / 1.4)),
        iconButton("plus", word("zoomIn"), () => this.stage.zoomBy(1.4)),
        iconButton("file", word("fit"), () => this.stage.fit()),
        iconButton("rotate", word("rotate"), () => this.stage.rotate()),
        text,
        full,
      ),
      group(
        this.box,
        iconButton("previous", word("previousHit"), () => this.step(-1)),
        iconButton("next", word("nextHit"), () => this.step(1)),
        this.status,
      ),
    );
  }

  private fillThumbs(): void {
    this.thumbs.setAttribute("aria-label", this.word("pages"));
    this.thumbs.append(
      ...this.props.pages.map((page, n) => {
        const name = this.word("page", { number: page.number });
        const button = make("button", { type: "button", class: "ld-viewer-thumb", title: name, "data-n": n });
        if (page.thumb) button.append(make("img", { src: page.thumb, alt: name, loading: "lazy", decoding: "async" }));
        else button.append(icon("file"));
        button.append(make("span", { "aria-hidden": "true" }, String(page.number)));
        button.addEventListener("click", () => this.show(n));
        return button;
      }),
    );
  }

  private textOf(n: number): Promise<PageText> {
    const page = this.props.pages[n];
    let text = this.texts.get(n);
    if (!text) {
      text = page?.text
        ? Promise.resolve(page.text)
        : page?.textUrl
          ? send<PageText>("GET", page.textUrl).catch(() => ({ lines: [] }))
          : Promise.resolve({ lines: [] });
      this.texts.set(n, text);
    }
    return text;
  }

  private show(n: number, line = -1): void {
    const page = this.props.pages[n];
    if (!page) {
      this.number.value = String(this.at + 1);
      return;
    }
    if (n === this.at) {
      void this.light(line);
      return;
    }
    this.at = n;
    this.number.value = String(n + 1);
    say(this.word("page", { number: page.number }));
    for (const old of this.thumbs.querySelectorAll("[aria-current]")) old.removeAttribute("aria-current");
    const thumb = this.thumbs.children[n] as HTMLElement | undefined;
    thumb?.setAttribute("aria-current", "true");
    if (thumb) this.thumbs.scrollTo({ top: thumb.offsetTop - this.thumbs.clientHeight / 2 + 60, left: thumb.offsetLeft - 60 });
    history.replaceState(null, "", `#p=${n + 1}${line >= 0 ? `&l=${line + 1}` : ""}`);
    this.stage.open(page, () => {
      if (line < 0 && page.height > page.width * 1.1) this.stage.fit();
      void this.light(line);
    });
  }

  /** Text and marks of the page that is shown; flies to a line or to the current hit. */
  private async light(line: number): Promise<void> {
    const n = this.at;
    const { lines } = await this.textOf(n);
    if (n !== this.at) return;
    this.stage.showText(lines);
    const boxes = this.hits
      .map((hit, index) => ({ hit, kind: index === this.hit ? "here" : "hit" }))
      .filter(({ hit }) => hit.page === n)
      .map(({ hit, kind }) => ({ box: hit.box, kind }));
    const target = lines[line];
    if (target) boxes.push({ box: target.box, kind: "line" });
    this.stage.mark(boxes);
    const current = this.hits[this.hit];
    if (target) this.stage.flyTo(target.box);
    else if (current?.page === n) this.stage.flyTo(current.box, 0.25);
    this.fillText(lines);
  }

  private fillText(lines: readonly TextLine[]): void {
    if (this.aside.hidden) return;
    this.aside.setAttribute("aria-label", this.word("text"));
    this.aside.replaceChildren(
      ...(lines.length ? lines.map((line) => make("p", {}, line.text)) : [make("p", {}, this.word("noText"))]),
    );
  }

  private toggleText(): void {
    this.aside.hidden = !this.aside.hidden;
    this.host.querySelector("[data-text]")?.setAttribute("aria-pressed", String(!this.aside.hidden));
    void this.textOf(this.at).then(({ lines }) => this.fillText(lines));
  }

  private async search(query: string, go = true): Promise<void> {
    const turn = ++this.searching;
    const words = foldText(query).replace(/["“”]/g, " ").split(/\s+/).filter(Boolean);
    this.hits = [];
    this.hit = -1;
    if (!words.length) {
      this.tell("");
      await this.light(-1);
      return;
    }
    const last = this.props.pages.length;
    for (let from = 0; from < last; from += AT_ONCE) {
      const pages = Array.from({ length: Math.min(AT_ONCE, last - from) }, (_, k) => from + k);
      const texts = await Promise.all(pages.map((n) => this.textOf(n)));
      if (turn !== this.searching) return;
      texts.forEach(({ lines }, k) => {
        lines.forEach((line, n) => {
          for (const word of words) {
            for (const box of findIn(line, word)) this.hits.push({ page: from + k, line: n, box });
          }
        });
      });
      this.tellHits();
    }
    for (const thumb of this.thumbs.children) {
      const n = Number((thumb as HTMLElement).dataset["n"]);
      thumb.classList.toggle("ld-has-hit", this.hits.some((hit) => hit.page === n));
    }
    if (this.hits.length && go) this.step(1);
    else await this.light(-1);
  }

  private step(by: number): void {
    if (!this.hits.length) return;
    const near = this.hits.findIndex((hit) => hit.page >= this.at);
    this.hit = this.hit < 0 ? Math.max(0, near) : (this.hit + by + this.hits.length) % this.hits.length;
    this.tellHits();
    const target = this.hits[this.hit];
    if (!target) return;
    this.show(target.page);
  }

  private tellHits(): void {
    const count = this.hits.length;
    if (!count) this.tell(this.word("noHits"));
    else this.tell(this.hit < 0 ? this.word("hitCount", { count }) : this.word("hits", { n: this.hit + 1, count }));
  }

  private tell(text: string): void {
    this.status.textContent = text;
  }

  private place(): URLSearchParams {
    const hash = new URLSearchParams(location.hash.slice(1));
    return hash.has("p") ? hash : new URLSearchParams(location.search);
  }

  private hasPlace(): boolean {
    return this.place().has("l") || (this.props.start?.line ?? 0) > 0;
  }

  private followAddress(): void {
    const place = this.place();
    const page = Number(place.get("p") ?? this.props.start?.page ?? 1);
    const line = Number(place.get("l") ?? (place.has("p") ? 0 : this.props.start?.line) ?? 0);
    const last = this.props.pages.length;
    this.show(Math.min(Math.max(1, page || 1), last) - 1, (line || 0) - 1);
  }

  private onKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || isTyping(event)) return;
    if (document.querySelector("dialog[open]")) return;
    const acts: Record<string, () => void> = {
      "[": () => this.show(this.at - 1),
      "]": () => this.show(this.at + 1),
      "+": () => this.stage.zoomBy(1.4),
      "=": () => this.stage.zoomBy(1.4),
      "-": () => this.stage.zoomBy(1 / 1.4),
      "0": () => this.stage.fit(),
      t: () => this.toggleText(),
      n: () => this.step(1),
      N: () => this.step(-1),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}

export function mount(host: HTMLElement): void {
  const props = readProps<Props>(host);
  if (props.pages.length) new Viewer(host, props).start();
}
