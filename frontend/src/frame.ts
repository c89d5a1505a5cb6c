// Small conduct of the frame: menus that close, dialogs that open, questions before a grave act.

export function startFrame(): void {
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    for (const menu of document.querySelectorAll<HTMLDetailsElement>("details[data-menu][open]")) {
      if (!menu.contains(target)) menu.open = false;
    }
    const opener = target.closest<HTMLElement>("[data-dialog]");
    if (opener) openDialog(opener.dataset["dialog"] ?? "");
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector<HTMLDetailsElement>("details[data-menu][open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });
  document.addEventListener("submit", (event) => {
    const question = (event.target as HTMLElement).dataset["confirm"];
    if (question && !window.confirm(question)) event.preventDefault();
  });
  for (const all of document.querySelectorAll<HTMLInputElement>("[data-check-all]")) {
    all.hidden = false;
    all.addEventListener("change", () => {
      const boxes = document.querySelectorAll<HTMLInputElement>(`input[name="${all.dataset["checkAll"]}"]:not(:disabled)`);
      for (const box of boxes) box.checked = all.checked;
    });
  }
  for (const button of document.querySelectorAll<HTMLElement>("[data-dialog][hidden]")) button.hidden = false;
  document.querySelector<HTMLElement>("[data-focus]")?.focus();
}

export function openDialog(id: string): void {
  const dialog = document.getElementById(id);
  if (!(dialog instanceof HTMLDialogElement) || dialog.open) return;
  dialog.dispatchEvent(new CustomEvent("ld:open"));
  dialog.showModal();
}
