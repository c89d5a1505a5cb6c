// Keys over a list of proposals: j k move; a e r s press the row's own buttons; x ticks its box.
import { say, wordsOf } from "../dom";
import { isTyping } from "../keys";

const ACTS = ["a", "e", "r", "s"];

export function mount(host: HTMLElement): void {
  const word = wordsOf("review");
  let at = 0;
  host.dataset["keys"] = JSON.stringify({
    "j": "↓", "k": "↑", a: word("accept"), e: word("edit"), r: word("reject"), s: word("skip"),
  });

  const rows = (): HTMLElement[] => [...host.querySelectorAll<HTMLElement>("[data-proposal]")];

  function stand(n: number, focus = true): void {
    const all = rows();
    at = Math.max(0, Math.min(n, all.length - 1));
    all.forEach((row, k) => row.toggleAttribute("data-here", k === at));
    const row = all[at];
    if (!row) {
      say(word("allDone"));
      return;
    }
    row.tabIndex = -1;
    if (focus) row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  function press(key: string): boolean {
    const text = rows()[at]?.querySelector<HTMLInputElement>('input[name="value"]:not([type="hidden"])');
    if (key === "e" && text) {
      text.focus();
      text.select();
      return true;
    }
    const button = rows()[at]?.querySelector<HTMLElement>(`[data-act="${key}"]`);
    if (button) button.click();
    else if (key === "s") stand(at + 1);
    else return false;
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || isTyping(event)) return;
    if (document.querySelector("dialog[open]")) return;
    let done = true;
    if (event.key === "j") stand(at + 1);
    else if (event.key === "k") stand(at - 1);
    else if (event.key === "x") rows()[at]?.querySelector<HTMLInputElement>("input[type=checkbox]")?.click();
    else done = ACTS.includes(event.key) && press(event.key);
    if (done) event.preventDefault();
  }, { capture: true });
  // Enter in the value means the value as it now stands, not the first button of the form.
  host.addEventListener("keydown", (event) => {
    const input = event.target;
    if (event.key !== "Enter" || event.isComposing || !(input instanceof HTMLInputElement) || input.name !== "value") return;
    const button = input.form?.querySelector<HTMLElement>('[data-act="e"]');
    if (!button) return;
    event.preventDefault();
    button.click();
  });
  // Words chosen in the text of a page go into the field that marks them.
  document.addEventListener("selectionchange", () => {
    const chosen = document.getSelection();
    const place = chosen?.anchorNode?.parentElement?.closest<HTMLElement>("[data-selects]");
    const field = place && document.getElementById(place.dataset["selects"] ?? "");
    const text = chosen?.toString().trim() ?? "";
    if (!place || !(field instanceof HTMLInputElement)) return;
    if (text && place.contains(chosen?.focusNode ?? null)) field.value = text;
  });
  // htmx took a row away or changed it: the cursor stays at its place in the list.
  new MutationObserver((changes) => {
    if (!changes.some((change) => change.removedNodes.length || change.addedNodes.length)) return;
    stand(at);
    say(word("left", { count: rows().length }));
  }).observe(host, { childList: true, subtree: true });
  host.addEventListener("htmx:responseError", () => say(word("failed", { reason: "" })));
  host.addEventListener("focusin", (event) => {
    const n = rows().findIndex((row) => row.contains(event.target as Node));
    if (n >= 0 && n !== at) stand(n, false);
  });
  stand(0, false);
}
