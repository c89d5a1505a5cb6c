// Two photos on each other, uncovered by a slider; without it they stand side by side, as in print.
export function mount(host: HTMLElement): void {
  const bar = host.querySelector<HTMLElement>(".ld-compare-bar");
  const slider = bar?.querySelector<HTMLInputElement>("input");
  const apart = bar?.querySelector<HTMLButtonElement>("button");
  if (!bar || !slider || !apart) return;
  const move = (): void => host.style.setProperty("--ld-cut", `${slider.value}%`);
  slider.addEventListener("input", move);
  apart.addEventListener("click", () => {
    const beside = host.classList.toggle("ld-over") === false;
    apart.setAttribute("aria-pressed", String(beside));
    slider.disabled = beside;
  });
  move();
  host.classList.add("ld-over");
  bar.hidden = false;
}
