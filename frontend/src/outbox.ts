// The outbox of pages that are used on the street: shrinks photos (which drops their metadata), keeps
// each item in the browser until the server has acknowledged its photos and its text, each for itself.
// Used by snap.ts and field.ts; what differs is where an item is sent.
export type Photo = { uuid: string; bytes: ArrayBuffer; sent: boolean };
export type Item = {
  uuid: string;
  fields: Record<string, string>;
  photos: Photo[];
  state: "waiting" | "done" | "refused";
  number: string;
  track: string;
  why: string;
  code: string;
};
export type Shot = { uuid: string; blob: Blob };
export type Way = {
  database: string;
  page: string; // where a fresh form token is found
  token: string;
  photo: (item: Item, photo: Photo) => string; // PUT
  item: (item: Item) => string; // POST
  keeps: string[]; // fields that stay once all is sent
  show: (items: Item[]) => void;
  busy: () => void; // the server asks for patience
};

const LONG_SIDE = 1600; // pixels
const MOST_BYTES = 1_000_000; // of one photo
const QUALITIES = [0.85, 0.7, 0.55, 0.4];
const AGAIN_MS = 30_000;

/** `crypto.randomUUID` is there only over HTTPS. */
export function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] as number) & 15) | 64;
  bytes[8] = ((bytes[8] as number) & 63) | 128;
  const hex = [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** The picture drawn anew as JPEG: pixels only, at most 1600 by 1600 and 1 MB. */
export async function shrunk(file: Blob): Promise<Shot> {
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
  return { uuid: uuid(), blob: made };
}

/** What a form says, its files and its token aside. */
export function said(form: HTMLFormElement): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && name !== "csrfmiddlewaretoken") fields[name] = value;
  }
  return fields;
}

export async function packed(id: string, fields: Record<string, string>, shots: Shot[]): Promise<Item> {
  const kept = shots.map(async (one) => ({ uuid: one.uuid, bytes: await one.blob.arrayBuffer(), sent: false }));
  const photos = await Promise.all(kept);
  return { uuid: id, fields, photos, state: "waiting", number: "", track: "", why: "", code: "" };
}

export class Outbox {
  private sending = false;

  constructor(private way: Way) {}

  private opened(): Promise<IDBDatabase> {
    return new Promise((done, fail) => {
      const asked = indexedDB.open(this.way.database, 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("reports", { keyPath: "uuid" });
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => fail(asked.error);
    });
  }

  private async store<T>(mode: IDBTransactionMode, act: (rows: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const base = await this.opened();
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

  /** Whether this browser keeps anything at all: some do not in private mode. */
  async works(): Promise<boolean> {
    return this.opened().then((base) => (base.close(), true), () => false);
  }

  all(): Promise<Item[]> {
    return this.store("readonly", (rows) => rows.getAll() as IDBRequest<Item[]>);
  }

  async show(): Promise<void> {
    this.way.show(await this.all());
  }

  async keep(item: Item): Promise<void> {
    await this.store("readwrite", (rows) => rows.put(item));
    await this.show();
  }

  async forget(id: string): Promise<void> {
    await this.store("readwrite", (rows) => rows.delete(id));
    await this.show();
  }

  /** Shows what is kept, sends it, and does so again whenever there is a network. */
  async start(): Promise<void> {
    window.addEventListener("online", () => void this.flush());
    await this.show();
    await this.flush();
  }

  /** A token of a page that is fresh: the one at hand may have ended while there was no network. */
  private async renewToken(): Promise<void> {
    const page = await (await fetch(this.way.page, { cache: "no-store" })).text();
    this.way.token = /name="csrfmiddlewaretoken" value="([^"]+)"/.exec(page)?.[1] ?? this.way.token;
  }

  async send(method: string, path: string, body: BodyInit): Promise<Response> {
    const ask = (): Promise<Response> =>
      fetch(path, { method, body, headers: { "X-CSRFToken": this.way.token, Accept: "application/json" } });
    const answer = await ask();
    if (answer.status !== 403) return answer;
    await this.renewToken();
    return ask();
  }

  /** Send what is not acknowledged yet; throws when it should be tried again later. */
  private async sendItem(item: Item): Promise<void> {
    for (const one of item.photos) {
      if (one.sent) continue;
      const answer = await this.send("PUT", this.way.photo(item, one), one.bytes);
      // Misplaced: the item is there already, and the answer to it got lost.
      if (answer.status === 422) return this.refuse(item, answer);
      if (!answer.ok && answer.status !== 409) throw new Error(`${answer.status}`);
      one.sent = true;
      await this.keep(item);
    }
    const body = new FormData();
    for (const [name, value] of Object.entries(item.fields)) body.append(name, value);
    for (const one of item.photos) body.append("ahead", one.uuid);
    const answer = await this.send("POST", this.way.item(item), body);
    if (answer.status === 409) {
      for (const one of item.photos) one.sent = false;
      await this.keep(item);
      throw new Error("photos");
    }
    if (answer.status === 422) return this.refuse(item, answer);
    if (!answer.ok) throw new Error(`${answer.status}`);
    const told = (await answer.json()) as { number: string; track?: string };
    item.photos.forEach((one) => (one.bytes = new ArrayBuffer(0))); // the server has them
    item.fields = Object.fromEntries(this.way.keeps.map((name) => [name, item.fields[name] ?? ""]));
    await this.keep({ ...item, state: "done", number: told.number, track: told.track ?? item.track });
  }

  private async refuse(item: Item, answer: Response): Promise<void> {
    const told = (await answer.json()) as { why: string; code: string };
    await this.keep({ ...item, state: "refused", why: told.why, code: told.code });
  }

  async flush(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    try {
      for (const item of await this.all()) if (item.state === "waiting") await this.sendItem(item);
    } catch (error) {
      if ((error as Error).message === "429") this.way.busy();
      window.setTimeout(() => void this.flush(), AGAIN_MS);
    } finally {
      this.sending = false;
    }
  }
}
