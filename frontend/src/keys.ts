// Keys declared in HTML by `data-key`; the help of `?` lists those of this page.
//   data-key="a"  "g s"  "ctrl+Enter"  "/"     on a link, button or input
//   data-key-label="…"                         where its own text is not clear
// Single keys never fire in an input, while an input method composes, or with Ctrl, Alt or Meta.
import { make } from "./dom";
import { openDialog } from "./frame";

const PATIENCE_MS = 1200; // between the two letters of "g s"
let first = "";
let firstAt = 0;

export function isTyping(event: KeyboardEvent): boolean {
  const at = event.target;
  if (event.isComposing || event.keyCode === 229) return true;
  if (!(at instanceof HTMLElement)) return false;
  if (at.isContentEditable || at instanceof HTMLTextAreaElement || at instanceof HTMLSelectElement) return true;
  return at instanceof HTMLInputElement && !["checkbox", "radio", "button", "submit"].includes(at.type);
}

function isShown(element: HTMLElement): boolean {
  return element.getClientRects().length > 0 && !element.hasAttribute("disabled");
}

function keyed(name: string): HTMLElement | undefined {
  const all = document.querySelectorAll<HTMLElement>("[data-key]");
  return [...all].find((element) => element.dataset["key"] === name && isShown(element));
}

function fire(element: HTMLElement): void {
  if (element instanceof HTMLInputElement && !["button", "submit", "checkbox", "radio"].includes(element.type)) {
    element.focus();
    element.select();
  } else {
    element.click();
  }
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.altKey || event.metaKey) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.ctrlKey) {
    const element = keyed(`ctrl+${event.key}`);
    if (!element || event.isComposing) return;
    event.preventDefault();
    fire(element);
    return;
  }
  if (isTyping(event)) return;
  if (event.key === "?") {
    event.preventDefault();
    openDialog("ld-keys");
    return;
  }
  const isFresh = event.timeStamp - firstAt < PATIENCE_MS;
  const element = (isFresh && first && keyed(`${first} ${event.key}`)) || keyed(event.key);
  first = event.key;
  firstAt = event.timeStamp;
  if (!element) return;
  first = "";
  event.preventDefault();
  fire(element);
}

function labelOf(element: HTMLElement): string {
  return (
    element.dataset["keyLabel"] || element.getAttribute("aria-label") || element.title || element.textContent || ""
  ).trim();
}

function fillHelp(list: HTMLElement): void {
  const rows = new Map<string, string>();
  for (const element of document.querySelectorAll<HTMLElement>("[data-key]")) {
    const key = element.dataset["key"] ?? "";
    if (!rows.has(key) && isShown(element)) rows.set(key, labelOf(element));
  }
  // An island lists keys that have no element: data-keys='{"j": "…"}'.
  for (const host of document.querySelectorAll<HTMLElement>("[data-keys]")) {
    const own = JSON.parse(host.dataset["keys"] ?? "{}") as Record<string, string>;
    for (const [key, label] of Object.entries(own)) if (!rows.has(key)) rows.set(key, label);
  }
  rows.set("?", list.dataset["helpLabel"] ?? "");
  list.replaceChildren(
    ...[...rows].map(([key, label]) => {
      const caps = key.split(/[ +]/).map((part) => make("kbd", {}, part === "ctrl" ? "Ctrl" : part));
      const cell = make("td");
      caps.forEach((cap, n) => cell.append(n ? (key.includes("+") ? " + " : " ") : "", cap));
      return make("tr", {}, cell, make("td", {}, label));
    }),
  );
}

export function startKeys(): void {
  document.addEventListener("keydown", onKey);
  document.getElementById("ld-keys")?.addEventListener("ld:open", () => {
    const list = document.querySelector<HTMLElement>("[data-keys-list]");
    if (list) fillHelp(list);
  });
}
