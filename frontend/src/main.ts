// Every page loads this: the style sheet, htmx, the keys, and the islands that the page holds.
import "./styles/main.css";
import htmx from "htmx.org";
import { startKeys } from "./keys";
import { startFrame } from "./frame";

type Mount = (host: HTMLElement) => void | Promise<void>;

const ISLANDS: Record<string, () => Promise<{ mount: Mount }>> = {
  upload: () => import("./islands/upload"),
  viewer: () => import("./islands/viewer"),
  correct: () => import("./islands/correct"),
  review: () => import("./islands/review"),
  passkey: () => import("./islands/passkey"),
  nearest: () => import("./islands/nearest"),
  compare: () => import("./islands/compare"),
  field: () => import("./islands/field"),
  map: () => import("./islands/map"),
};

async function wake(host: HTMLElement): Promise<void> {
  const load = ISLANDS[host.dataset["island"] ?? ""];
  if (!load || host.dataset["awake"]) return;
  host.dataset["awake"] = "yes";
  try {
    await (await load()).mount(host);
  } catch (error) {
    // The plain HTML inside the island stays and works.
    console.error("island", host.dataset["island"], error);
  }
}

function wakeAll(root: ParentNode): void {
  for (const host of root.querySelectorAll<HTMLElement>("[data-island]")) void wake(host);
}

startFrame();
startKeys();
htmx.onLoad((element) => {
  if (element instanceof HTMLElement) wakeAll(element.parentElement ?? element);
});
wakeAll(document);
