// The map: the cells that the server counted, as circles with a number.  Moving it asks the page
// itself for the new view and takes over its table and its marks.  No outside server unless the
// installation names one for tiles; without it the ground is a grid of degrees.
import "leaflet/dist/leaflet.css";
import { divIcon, type LatLngBounds, map as newMap, marker, polyline, layerGroup, tileLayer } from "leaflet";

type Mark = { lat: number; lon: number; count: number; late: number; box: string; words: string };

const LINES = 8; // of the grid, along the longer side

function boundsOf(box: string): [[number, number], [number, number]] {
  const [south = 0, north = 0, west = 0, east = 0] = box.split(",").map(Number);
  return [[south, west], [north, east]];
}

function boxOf(at: LatLngBounds): string {
  return [at.getSouth(), at.getNorth(), at.getWest(), at.getEast()].map((one) => one.toFixed(6)).join(",");
}

/** The step of a grid as people count: 1, 2 or 5 times a power of ten. */
function stepOf(width: number): number {
  const rough = width / LINES;
  const ten = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5].find((one) => one * ten >= rough) ?? 10) * ten;
}

export function mount(host: HTMLElement): void {
  const canvas = host.querySelector<HTMLElement>(".ld-map-canvas");
  const start = host.dataset["box"];
  if (!canvas || !start) return;
  canvas.hidden = false;
  const view = newMap(canvas, { zoomSnap: 0.5, attributionControl: false, maxZoom: 19 });
  const marks = layerGroup().addTo(view);
  const ground = layerGroup().addTo(view);
  const tiles = host.dataset["tiles"];
  if (tiles) tileLayer(tiles, { maxZoom: 19 }).addTo(view);

  function drawGrid(): void {
    ground.clearLayers();
    if (tiles) return;
    const at = view.getBounds().pad(0.2);
    const step = stepOf(Math.max(at.getNorth() - at.getSouth(), at.getEast() - at.getWest()));
    const style = { color: "currentColor", weight: 1, opacity: 0.25, interactive: false, className: "ld-map-line" };
    for (let lat = Math.ceil(at.getSouth() / step) * step; lat <= at.getNorth(); lat += step) {
      polyline([[lat, at.getWest()], [lat, at.getEast()]], style).addTo(ground);
    }
    for (let lon = Math.ceil(at.getWest() / step) * step; lon <= at.getEast(); lon += step) {
      polyline([[at.getSouth(), lon], [at.getNorth(), lon]], style).addTo(ground);
    }
  }

  function drawMarks(): void {
    marks.clearLayers();
    const found = JSON.parse(document.getElementById("map-marks")?.textContent ?? "[]") as Mark[];
    for (const one of found) {
      const size = Math.round(32 + 14 * Math.log10(one.count));
      const icon = divIcon({
        html: String(one.count), iconSize: [size, size],
        className: one.late ? "ld-map-mark ld-map-late" : "ld-map-mark",
      });
      marker([one.lat, one.lon], { icon, title: one.words, alt: one.words })
        .on("click", () => view.fitBounds(boundsOf(one.box)))
        .addTo(marks);
    }
  }

  let asked = 0;
  async function moved(): Promise<void> {
    drawGrid();
    const mine = ++asked;
    const address = new URL(location.href);
    address.searchParams.set("box", boxOf(view.getBounds()));
    const answer = await fetch(address, { headers: { "X-Requested-With": "fetch" } });
    if (!answer.ok || mine !== asked) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("map-found");
    if (!fresh) return;
    document.getElementById("map-found")?.replaceWith(fresh);
    history.replaceState(null, "", address);
    drawMarks();
  }

  view.fitBounds(boundsOf(start));
  drawGrid();
  drawMarks();
  view.on("moveend", () => void moved());
}
