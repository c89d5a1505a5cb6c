// The reporter's page: shrinks photos (which drops their metadata), takes the place once, and keeps
// each report in the browser until the server has acknowledged its photos and its text.
// Stands alone: the page may weigh 20 kB.  Without it the page is a plain form.
type Photo = { uuid: string; bytes: ArrayBuffer; sent: boolean };
type Item = {
  uuid: string;
  fields: Record<string, string>;
  photos: Photo[];
  state: "waiting" | "done" | "refused";
  number: string;
  track: string;
  why: string;
  code: string;
};

const LONG_SIDE = 1600; // pixels
const MOST_BYTES = 1_000_000; // of one photo
const QUALITIES = [0.85, 0.7, 0.55, 0.4];
const DIGITS = 5; // decimals of a coordinate: one metre
const STEP = 0.00005; // degrees of latitude: about 5 m
const AGAIN_MS = 30_000;
const PLACE = { enableHighAccuracy: true, timeout: 15_000, maximumAge: 0 };

const words = JSON.parse(byId("words").textContent ?? "{}") as Record<string, string>;
const form = byId("form") as HTMLFormElement;
const most = Number((document.querySelector("script[data-most]") as HTMLElement).dataset["most"]);
let photos: { uuid: string; blob: Blob }[] = [];
let token = field("csrfmiddlewaretoken").value;
let busy = false;

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

/** `crypto.randomUUID` is there only over HTTPS. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] as number) & 15) | 64;
  bytes[8] = ((bytes[8] as number) & 63) | 128;
  const hex = [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

// Photos --------------------------------------------------------------------------------------

/** The picture drawn anew as JPEG: pixels only, at most 1600 by 1600 and 1 MB. */
async function shrunk(file: Blob): Promise<Blob> {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, LONG_SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  let made: Blob | null = null;
  for (const quality of QUALITIES) {
    made = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/jpeg", quality));
    if (made && made.size <= MOST_BYTES) break;
  }
  if (!made) throw new Error("canvas");
  return made;
}

function showShots(): void {
  const shots = byId("shots");
  shots.replaceChildren(
    ...photos.map((one, position) => {
      const box = document.createElement("div");
      const picture = document.createElement("img");
      picture.src = URL.createObjectURL(one.blob);
      picture.alt = `${position + 1}`;
      picture.onload = () => URL.revokeObjectURL(picture.src);
      box.append(picture, button("remove", () => {
        photos = photos.filter((other) => other !== one);
        showShots();
      }));
      return box;
    }),
  );
}

async function addPhotos(input: HTMLInputElement): Promise<void> {
  for (const file of [...(input.files ?? [])]) {
    if (photos.length >= most) break;
    try {
      photos.push({ uuid: uuid(), blob: await shrunk(file) });
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

// Outbox --------------------------------------------------------------------------------------

function opened(): Promise<IDBDatabase> {
  return new Promise((done, fail) => {
    const asked = indexedDB.open("liandong-snap", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("reports", { keyPath: "uuid" });
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => fail(asked.error);
  });
}

async function store<T>(mode: IDBTransactionMode, act: (rows: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const base = await opened();
  try {
    return await new Promise<T>((done, fail) => {
      const turn = base.transaction("reports", mode);
      const asked = act(turn.objectStore("reports"));
      turn.oncomplete = () => done(asked.result);
      turn.onerror = turn.onabort = () => fail(turn.error);
    });
  } finally {
    base.close();
  }
}

const all = (): Promise<Item[]> => store("readonly", (rows) => rows.getAll() as IDBRequest<Item[]>);
const forget = (id: string): Promise<unknown> => store("readwrite", (rows) => rows.delete(id));

async function keep(item: Item): Promise<void> {
  await store("readwrite", (rows) => rows.put(item));
  await showBox();
}

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
  if (item.state === "waiting") acts.append(button("again", () => void flush()), " ");
  if (item.code.startsWith("pseudonym")) {
    const plain = { ...item.fields, pseudonym: "", recovery: "" };
    acts.append(button("plain", () => void keep({ ...item, fields: plain, state: "waiting", code: "" }).then(flush)), " ");
  }
  acts.append(button("remove", () => void forget(item.uuid).then(showBox)));
  made.append(title, stands, acts);
  return made;
}

async function showBox(): Promise<void> {
  const items = await all();
  byId("outbox").hidden = items.length === 0;
  byId("outbox").querySelector("ul")?.replaceChildren(...items.map(row));
}

// Sending -------------------------------------------------------------------------------------

/** A token of a page that is fresh: the one at hand may have ended while there was no network. */
async function renewToken(): Promise<void> {
  const page = await (await fetch("/snap/", { cache: "no-store" })).text();
  token = /name="csrfmiddlewaretoken" value="([^"]+)"/.exec(page)?.[1] ?? token;
}

async function send(method: string, path: string, body: BodyInit): Promise<Response> {
  const ask = (): Promise<Response> =>
    fetch(path, { method, body, headers: { "X-CSRFToken": token, Accept: "application/json" } });
  const answer = await ask();
  if (answer.status !== 403) return answer;
  await renewToken();
  return ask();
}

/** Send what is not acknowledged yet; throws when it should be tried again later. */
async function sendItem(item: Item): Promise<void> {
  for (const one of item.photos) {
    if (one.sent) continue;
    const answer = await send("PUT", `/snap/reports/${item.uuid}/photos/${one.uuid}/`, one.bytes);
    // Misplaced: the report is there already, and the answer to it got lost.
    if (answer.status === 422) return refuse(item, answer);
    if (!answer.ok && answer.status !== 409) throw new Error(`${answer.status}`);
    one.sent = true;
    await keep(item);
  }
  const body = new FormData();
  for (const [name, value] of Object.entries(item.fields)) body.append(name, value);
  for (const one of item.photos) body.append("ahead", one.uuid);
  const answer = await send("POST", "/snap/reports/", body);
  if (answer.status === 409) {
    for (const one of item.photos) one.sent = false;
    await keep(item);
    throw new Error("photos");
  }
  if (answer.status === 422) return refuse(item, answer);
  if (!answer.ok) throw new Error(`${answer.status}`);
  const told = (await answer.json()) as { number: string; track?: string };
  item.photos.forEach((one) => (one.bytes = new ArrayBuffer(0))); // the server has them
  item.fields = { text: item.fields["text"] ?? "", address: item.fields["address"] ?? "" };
  await keep({ ...item, state: "done", number: told.number, track: told.track ?? item.track });
}

async function refuse(item: Item, answer: Response): Promise<void> {
  const told = (await answer.json()) as { why: string; code: string };
  await keep({ ...item, state: "refused", why: told.why, code: told.code });
}

async function flush(): Promise<void> {
  if (busy) return;
  busy = true;
  try {
    for (const item of await all()) if (item.state === "waiting") await sendItem(item);
  } catch (error) {
    if ((error as Error).message === "429") say(word("busy"));
    window.setTimeout(() => void flush(), AGAIN_MS);
  } finally {
    busy = false;
  }
}

async function submit(): Promise<void> {
  const sent = new FormData(form);
  const fields: Record<string, string> = {};
  for (const [name, value] of sent) {
    if (typeof value === "string" && name !== "csrfmiddlewaretoken") fields[name] = value;
  }
  if (!photos.length && !fields["text"]?.trim()) return say(word("empty"));
  if (!fields["address"]?.trim() && !fields["lat"]?.trim()) return say(word("place"));
  const kept = photos.map(async (one) => ({ uuid: one.uuid, bytes: await one.blob.arrayBuffer(), sent: false }));
  const item: Item = {
    uuid: fields["report"] ?? "", fields, photos: await Promise.all(kept), state: "waiting",
    number: "", track: "", why: "", code: "",
  };
  await keep(item);
  form.reset();
  photos = [];
  showShots();
  byId("where").textContent = "";
  anew();
  say(word("kept"));
  await flush();
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
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void submit();
  });
  window.addEventListener("online", () => void flush());
  void showBox().then(flush);
}

// A browser that keeps nothing (private mode of some) posts the plain form.
opened().then((base) => {
  base.close();
  start();
}, () => undefined);
