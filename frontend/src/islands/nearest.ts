// Sorts the stations by distance from here.  The position is taken once, by the button, used in
// this page and forgotten: nothing is sent.
const EARTH_M = 6_371_000;
const PLACE = { enableHighAccuracy: false, timeout: 15_000, maximumAge: 0 };

/** Metres between two points of WGS 84, good enough for a city. */
function metres(lat: number, lon: number, toLat: number, toLon: number): number {
  const rad = Math.PI / 180;
  const x = (toLon - lon) * rad * Math.cos(((lat + toLat) / 2) * rad);
  return EARTH_M * Math.hypot(x, (toLat - lat) * rad);
}

function inWords(distance: number): string {
  return distance < 1000 ? `${Math.round(distance / 10) * 10} m` : `${(distance / 1000).toFixed(1)} km`;
}

function sort(list: HTMLElement, lat: number, lon: number): void {
  const rows = [...list.querySelectorAll<HTMLElement>("li[data-lat]")].map((row) => ({
    row,
    away: metres(lat, lon, Number(row.dataset["lat"]), Number(row.dataset["lon"])),
  }));
  rows.sort((one, other) => one.away - other.away);
  for (const { row, away } of rows) {
    const told = row.querySelector("[data-distance]");
    if (told) told.textContent = inWords(away);
    list.append(row);
  }
}

export function mount(host: HTMLElement): void {
  const button = host.querySelector<HTMLButtonElement>("[data-nearest]");
  const list = host.querySelector<HTMLElement>("ul");
  const status = host.querySelector("[role=status]");
  if (!button || !list || !status || !navigator.geolocation) return;
  const say = (name: string): void => {
    status.textContent = button.dataset[name] ?? "";
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    say("wait");
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        sort(list, coords.latitude, coords.longitude);
        say("sorted");
      },
      () => say("failed"),
      PLACE,
    );
  });
}
