// The reporter's page: takes photos, the place once, and puts each report into the outbox.
// Stands alone: the page may weigh 20 kB.  Without it the page is a plain form.
import { type Item, Outbox, packed, said, type Shot, shrunk, uuid } from "./outbox";

const DIGITS = 5; // decimals of a coordinate: one metre
const STEP = 0.00005; // degrees of latitude: about 5 m
const PLACE = { enableHighAccuracy: true, timeout: 15_000, maximumAge: 0 };

const words = JSON.parse(byId("words").textContent ?? "{}") as Record<string, string>;
const form = byId("form") as HTMLFormElement;
const most = Number((document.querySelector("script[data-most]") as HTMLElement).dataset["most"]);
let photos: Shot[] = [];

const box = new Outbox({
  database: "liandong-snap",
  page: "/snap/",
  token: field("csrfmiddlewaretoken").value,
  photo: (item, one) => `/snap/reports/${item.uuid}/photos/${one.uuid}/`,
  item: () => "/snap/reports/",
  keeps: ["text", "address"],
  show: showBox,
  busy: () => say(word("busy")),
});

function byId(id: string): HTMLElement {
  return document.getElementById(id) as HTMLElement;
}

function field(name: string): HTMLInputElement {
  return form.elements.namedItem(name) as HTMLInputElement;
}

function say(text: string): void {
  byId("said").textContent = text;
}

function word(name: string, facts: Record<string, string | number> = {}): string {
  return (words[name] ?? name).replace(/\{(\w+)\}/g, (_, key: string) => String(facts[key] ?? ""));
}

// Photos --------------------------------------------------------------------------------------

function showShots(): void {
  byId("shots").replaceChildren(
    ...photos.map((one, position) => {
      const shot = document.createElement("div");
      const picture = document.createElement("img");
      picture.src = URL.createObjectURL(one.blob);
      picture.alt = `${position + 1}`;
      picture.onload = () => URL.revokeObjectURL(picture.src);
      shot.append(picture, button("remove", () => {
        photos = photos.filter((other) => other !== one);
        showShots();
      }));
      return shot;
    }),
  );
}

async function addPhotos(input: HTMLInputElement): Promise<void> {
  for (const file of [...(input.files ?? [])]) {
    if (photos.length >= most) break;
    try {
      photos.push(await shrunk(file));
    } catch {
      say(word("badPhoto"));
    }
  }
  input.value = "";
  showShots();
}

// Place ---------------------------------------------------------------------------------------

function locate(): void {
  const where = byId("where");
  where.textContent = word("locating");
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      field("lat").value = coords.latitude.toFixed(DIGITS);
      field("lon").value = coords.longitude.toFixed(DIGITS);
      field("datum").value = "wgs84";
      (byId("point") as HTMLDetailsElement).open = true;
      where.textContent = word("located");
      void askNear();
    },
    () => {
      where.textContent = word("noPlace");
    },
    PLACE,
  );
}

function nudge(move: string): void {
  const lat = Number(field("lat").value);
  const [north = 0, east = 0] = move.split(" ").map(Number);
  if (!field("lat").value || !field("lon").value) return;
  const wide = STEP / Math.max(0.1, Math.cos((lat * Math.PI) / 180));
  field("lat").value = (lat + north * STEP).toFixed(DIGITS);
  field("lon").value = (Number(field("lon").value) + east * wide).toFixed(DIGITS);
}

/** What anybody may know of open reports nearby: "I saw it too" goes along with the report. */
async function askNear(): Promise<void> {
  const fields = said(form);
  if (!fields["lat"] || !fields["category"]) return byId("near").replaceChildren();
  const body = new FormData();
  for (const name of ["lat", "lon", "datum", "category", "text"]) body.append(name, fields[name] ?? "");
  try {
    const answer = await box.send("POST", "/snap/near/", body);
    const told = (await answer.json()) as { near: { number: string; words: string }[] };
    byId("near").replaceChildren(...told.near.map(nearRow));
  } catch {
    byId("near").replaceChildren(); // no network: the report is taken all the same
  }
}

function nearRow(one: { number: string; words: string }): HTMLElement {
  const made = document.createElement("p");
  const label = document.createElement("label");
  const tick = document.createElement("input");
  tick.type = "checkbox";
  tick.name = "same_as";
  tick.value = one.number;
  label.append(tick, ` ${word("metoo")}`);
  made.append(`${one.words} `, label);
  tick.addEventListener("change", () => {
    for (const other of byId("near").querySelectorAll("input")) if (other !== tick) other.checked = false;
    if (tick.checked) say(word("said"));
  });
  return made;
}

// Outbox --------------------------------------------------------------------------------------

function button(name: string, act: () => void): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = word(name);
  made.addEventListener("click", act);
  return made;
}

function row(item: Item): HTMLElement {
  const made = document.createElement("li");
  const title = document.createElement("p");
  title.textContent = item.fields["text"]?.slice(0, 30) || item.fields["address"] || "—";
  const stands = document.createElement("p");
  stands.className = item.state === "refused" ? "e" : "q";
  const sent = item.photos.filter((one) => one.sent).length;
  const parts = [word(item.state, { number: item.number, why: item.why })];
  if (item.photos.length) parts.push(word("photos", { sent, count: item.photos.length }));
  stands.textContent = parts.join(" · ");
  const acts = document.createElement("p");
  if (item.track) {
    const link = document.createElement("a");
    link.href = item.track;
    link.textContent = word("track");
    acts.append(link, " ");
  }
  if (item.state === "waiting") acts.append(button("again", () => void box.flush()), " ");
  if (item.code.startsWith("pseudonym")) {
    const plain = { ...item.fields, pseudonym: "", recovery: "" };
    const anew = { ...item, fields: plain, state: "waiting" as const, code: "" };
    acts.append(button("plain", () => void box.keep(anew).then(() => box.flush())), " ");
  }
  acts.append(button("remove", () => void box.forget(item.uuid)));
  made.append(title, stands, acts);
  return made;
}

function showBox(items: Item[]): void {
  byId("outbox").hidden = items.length === 0;
  byId("outbox").querySelector("ul")?.replaceChildren(...items.map(row));
}

async function submit(): Promise<void> {
  const fields = said(form);
  if (!photos.length && !fields["text"]?.trim()) return say(word("empty"));
  if (!fields["address"]?.trim() && !fields["lat"]?.trim()) return say(word("place"));
  await box.keep(await packed(fields["report"] ?? "", fields, photos));
  form.reset();
  photos = [];
  showShots();
  byId("where").textContent = "";
  byId("near").replaceChildren();
  anew();
  say(word("kept"));
  await box.flush();
}

/** Another id and another secret: some browsers put old values back when a page is loaded again. */
function anew(): void {
  field("report").value = uuid();
  field("token").value = uuid().replace(/-/g, "");
}

function start(): void {
  anew();
  const input = byId("photo") as HTMLInputElement;
  input.addEventListener("change", () => void addPhotos(input));
  if ("geolocation" in navigator) {
    const here = byId("here");
    here.hidden = false;
    here.addEventListener("click", locate);
  }
  byId("nudge").hidden = false;
  for (const one of byId("nudge").querySelectorAll<HTMLElement>("[data-move]")) {
    one.addEventListener("click", () => nudge(one.dataset["move"] ?? ""));
  }
  form.addEventListener("change", (event) => {
    const name = (event.target as HTMLInputElement).name;
    if (["category", "lat", "lon", "datum", "text"].includes(name)) void askNear();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void submit();
  });
  void box.start();
}

// A browser that keeps nothing posts the plain form.
void box.works().then((works) => works && start());
