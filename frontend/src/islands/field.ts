// Field work: sorts what waits by distance, once, on the phone alone; a step with its photos goes into
// the outbox and is sent when there is a network.  Without it each step is a plain form.
import { type Item, Outbox, packed, said, shrunk, type Shot, uuid } from "../outbox";
import { make, wordsOf } from "../dom";

const EARTH = 6_371_009; // metres
const PLACE = { enableHighAccuracy: true, timeout: 15_000, maximumAge: 0 };

function metres(lat: number, lon: number, card: HTMLElement): number {
  const [north, east] = [Number(card.dataset["lat"]), Number(card.dataset["lon"])];
  if (!card.dataset["lat"]) return Infinity;
  const turn = Math.PI / 180;
  const along = (east - lon) * turn * Math.cos(((lat + north) / 2) * turn);
  return EARTH * Math.hypot((north - lat) * turn, along);
}

export async function mount(host: HTMLElement): Promise<void> {
  const byId = (id: string): HTMLElement => host.querySelector(`#${id}`) as HTMLElement;
  const word = wordsOf("field");
  const say = (text: string): void => {
    byId("field-said").textContent = text;
  };
  const list = byId("field-list");
  const token = host.querySelector<HTMLInputElement>("[name=csrfmiddlewaretoken]")?.value ?? "";
  const place = (item: Item): string => `/field/${item.fields["case"]}/${item.fields["action"]}/`;

  const box = new Outbox({
    database: "liandong-field",
    page: "/field/",
    token,
    photo: (item, one) => `${place(item)}photos/${one.uuid}/`,
    item: place,
    keeps: ["case", "action", "title"],
    show: showBox,
    busy: () => say(word("busy")),
  });
  if (!(await box.works())) return;

  function button(name: string, act: () => void): HTMLElement {
    const made = make("button", { type: "button", class: "btn" }, word(name));
    made.addEventListener("click", act);
    return made;
  }

  function row(item: Item): HTMLElement {
    const sent = item.photos.filter((one) => one.sent).length;
    const parts = [item.fields["title"] ?? "", word(item.state, { number: item.number, why: item.why })];
    if (item.photos.length) parts.push(word("photos", { sent, count: item.photos.length }));
    const made = make("li", {}, parts.join(" · "));
    if (item.track) made.append(make("a", { href: item.track }, word("track")));
    if (item.state === "waiting") made.append(button("again", () => void box.flush()));
    made.append(button("remove", () => void box.forget(item.uuid)));
    return made;
  }

  function showBox(items: Item[]): void {
    byId("field-outbox").hidden = items.length === 0;
    byId("field-outbox").querySelector("ul")?.replaceChildren(...items.map(row));
    const gone = new Set(items.filter((one) => one.state !== "refused").map((one) => one.fields["case"]));
    for (const card of list.querySelectorAll<HTMLElement>("[data-case]")) {
      card.hidden = gone.has(card.dataset["case"] ?? "");
    }
  }

  async function submit(form: HTMLFormElement): Promise<void> {
    const shots: Shot[] = [];
    const files = form.querySelector<HTMLInputElement>("input[type=file]")?.files ?? [];
    for (const file of [...files].slice(0, Number(host.dataset["most"]))) {
      try {
        shots.push(await shrunk(file));
      } catch {
        return say(word("badPhoto"));
      }
    }
    if (!shots.length) return say(word("noPhoto"));
    const { seen: _seen, next: _next, axis: _axis, ...fields } = said(form);
    const title = form.closest("article")?.querySelector("h2")?.textContent ?? "";
    await box.keep(await packed(uuid(), { ...fields, case: form.dataset["number"] ?? "", title }, shots));
    say(word("kept"));
    await box.flush();
  }

  list.addEventListener("submit", (event) => {
    event.preventDefault();
    void submit(event.target as HTMLFormElement);
  });

  function sortFrom({ coords }: GeolocationPosition): void {
    const cards = [...list.querySelectorAll<HTMLElement>("[data-case]")];
    const far = new Map(cards.map((card) => [card, metres(coords.latitude, coords.longitude, card)]));
    cards.sort((one, other) => (far.get(one) as number) - (far.get(other) as number));
    for (const card of cards) {
      const at = far.get(card) as number;
      const near = word("metres", { metres: Math.round(at / 10) * 10 });
      const told = at < 1000 ? near : word("far", { km: (at / 1000).toFixed(1) });
      (card.querySelector("[data-distance]") as HTMLElement).textContent = at < Infinity ? told : "";
    }
    list.append(...cards);
    say(word("sorted"));
  }

  const nearest = byId("by-distance");
  nearest.hidden = !("geolocation" in navigator);
  nearest.addEventListener("click", () => {
    say(word("locating"));
    navigator.geolocation.getCurrentPosition(sortFrom, () => say(word("noPlace")), PLACE);
  });
  await box.start();
}
