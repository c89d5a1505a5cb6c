// What all islands share: their props and words from the page, elements, requests to the server.

export type Words = Record<string, string>;

/** The JSON that Django's `json_script` put into the element with this id. */
export function readJson<T>(id: string): T {
  const text = document.getElementById(id)?.textContent;
  if (!text) throw new Error(`no JSON in #${id}`);
  return JSON.parse(text) as T;
}

/** The props of an island, named by its `data-props-id`. */
export function readProps<T>(host: HTMLElement): T {
  return readJson<T>(host.dataset["propsId"] ?? "");
}

/** `word(key, {n: 3})`: the words of an island with their {places} filled. */
export function wordsOf(name: string): (key: string, facts?: Record<string, string | number>) => string {
  const words = document.getElementById(`labels-${name}`) ? readJson<Words>(`labels-${name}`) : {};
  return (key, facts = {}) =>
    (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, place: string) => String(facts[place] ?? whole));
}

type Child = Node | string | false | null | undefined;

/** An element with attributes (true: bare, false: left out) and children; text is never HTML. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | number | boolean> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child): child is Node | string => Boolean(child) || child === ""));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** A drawing of the page's sprite, for the eye only. */
export function icon(name: string): SVGElement {
  const sprite = document.querySelector("svg.ld-icon use")?.getAttribute("href")?.split("#")[0];
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("class", "ld-icon");
  drawing.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${sprite ?? "/static/base/icons.svg"}#${name}`);
  drawing.append(use);
  return drawing;
}

/** A button with a drawing; `shown` puts the words beside it, else they are its name only. */
export function iconButton(drawing: string, words: string, act: () => void, shown = false): HTMLButtonElement {
  const button = make("button", { type: "button", class: "btn ld-icon-button", title: words });
  button.append(icon(drawing), shown ? words : make("span", { class: "visually-hidden" }, words));
  button.addEventListener("click", act);
  return button;
}

/** The token that a POST must carry. */
export function csrfToken(): string {
  const headers = document.body.getAttribute("hx-headers");
  const token = headers ? (JSON.parse(headers) as Words)["X-CSRFToken"] : "";
  return token ?? "";
}

/** An answer that is not 2xx; `message` is what the server said, fit to be shown. */
export class Refused extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** Sends JSON or bytes and returns the JSON of the answer; throws Refused, or TypeError when offline. */
export async function send<T>(
  method: "GET" | "POST" | "PUT",
  url: string,
  body?: object | Blob,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<T> {
  const isBytes = body instanceof Blob;
  const answer = await fetch(url, {
    method,
    credentials: "same-origin",
    headers: {
      Accept: "application/json",
      "X-CSRFToken": csrfToken(),
      ...(body ? { "Content-Type": isBytes ? "application/octet-stream" : "application/json" } : {}),
      ...headers,
    },
    ...(body ? { body: isBytes ? body : JSON.stringify(body) } : {}),
    ...(signal ? { signal } : {}),
  });
  if (!answer.ok) throw new Refused(answer.status, await reasonOf(answer));
  return (await answer.json()) as T;
}

async function reasonOf(answer: Response): Promise<string> {
  try {
    const said = (await answer.clone().json()) as Record<string, unknown>;
    for (const name of ["message", "detail", "title", "error"]) {
      if (typeof said[name] === "string") return said[name];
    }
  } catch {
    // not JSON: the number says enough
  }
  return `HTTP ${answer.status}`;
}

/** Tells screen readers what happened. */
export function say(text: string): void {
  let place = document.getElementById("ld-live");
  if (!place) {
    place = make("div", { id: "ld-live", class: "visually-hidden", role: "status", "aria-live": "polite" });
    document.body.append(place);
  }
  place.textContent = text;
}
