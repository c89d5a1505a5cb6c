// One page image under deep zoom with its text on top, for the viewer and for correction.
import OpenSeadragon from "openseadragon";
import { make } from "./dom";

export type Box = [left: number, top: number, right: number, bottom: number];
export interface TextLine {
  text: string;
  box: Box;
  confidence: number;
  vertical?: boolean;
}
export interface PageImage {
  number: number;
  width: number;
  height: number;
  tiles?: string;
  image?: string;
}

const pen = document.createElement("canvas").getContext("2d");

/** Width of a text in a font of 100 px. */
function widthOf(text: string, family: string): number {
  if (!pen) return text.length * 100;
  pen.font = `100px ${family}`;
  return pen.measureText(text).width || 1;
}

/** How far the first `count` characters of a line reach, 0.0 to 1.0: wide characters count twice. */
export function shareOf(text: string, count: number): number {
  const weigh = (part: string): number =>
    [...part].reduce((sum, letter) => sum + (letter.codePointAt(0)! > 0x2e7f ? 2 : 1), 0);
  return weigh(text.slice(0, count)) / Math.max(1, weigh(text));
}

export class Stage {
  readonly viewer: OpenSeadragon.Viewer;
  private readonly layer = make("div", { class: "ld-text-layer" });
  private page: PageImage | null = null;
  private scale = 1; // of our pixels to those of the image that is shown
  private later: (() => void) | null = null;

  constructor(host: HTMLElement, onFailure: () => void) {
    this.viewer = OpenSeadragon({
      element: host,
      drawer: "canvas",
      prefixUrl: "",
      showNavigationControl: false,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
      animationTime: 0.35,
      springStiffness: 9,
      visibilityRatio: 0.5,
      minZoomImageRatio: 0.7,
      maxZoomPixelRatio: 4,
      immediateRender: true,
    });
    // Outside of OpenSeadragon's own canvas, so that text can be selected with the pointer.
    this.viewer.container.append(this.layer);
    this.viewer.addHandler("update-viewport", () => this.place());
    this.viewer.addHandler("open", () => this.opened());
    this.viewer.addHandler("open-failed", onFailure);
    this.viewer.addHandler("canvas-key", (event) => {
      const key = (event.originalEvent as KeyboardEvent).key;
      if (!key.startsWith("Arrow")) event.preventDefaultAction = true; // our own keys do the rest
    });
    this.layer.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
  }

  /** Shows a page; `then` runs when its image is there. */
  open(page: PageImage, then?: () => void): void {
    this.page = page;
    this.later = then ?? null;
    this.layer.replaceChildren();
    this.viewer.open({ tileSource: page.tiles ?? { type: "image", url: page.image ?? "" } });
  }

  private opened(): void {
    const item = this.viewer.world.getItemAt(0);
    if (!item || !this.page) return;
    this.scale = item.getContentSize().x / (this.page.width || item.getContentSize().x);
    this.place();
    this.later?.();
    this.later = null;
  }

  private place(): void {
    const item = this.viewer.world.getItemAt(0);
    if (!item) return;
    const corner = item.imageToViewerElementCoordinates(new OpenSeadragon.Point(0, 0));
    const along = item.imageToViewerElementCoordinates(new OpenSeadragon.Point(1000, 0));
    const zoom = (Math.hypot(along.x - corner.x, along.y - corner.y) / 1000) * this.scale;
    const turn = this.viewer.viewport.getRotation();
    this.layer.style.transform = `translate(${corner.x}px,${corner.y}px) rotate(${turn}deg) scale(${zoom})`;
    this.layer.style.setProperty("--ld-pixel", `${1 / zoom}px`); // outlines keep their width
  }

  private onWheel(event: WheelEvent): void {
    event.preventDefault();
    const frame = this.viewer.element.getBoundingClientRect();
    const at = new OpenSeadragon.Point(event.clientX - frame.left, event.clientY - frame.top);
    this.viewer.viewport.zoomBy(event.deltaY < 0 ? 1.2 : 1 / 1.2, this.viewer.viewport.pointFromPixel(at));
    this.viewer.viewport.applyConstraints();
  }

  /** Puts selectable text on the image. */
  showText(lines: readonly TextLine[]): void {
    const family = getComputedStyle(document.body).fontFamily;
    this.layer.replaceChildren(
      ...lines.map((line, n) => {
        const [left, top, right, bottom] = line.box;
        const wide = right - left;
        const high = bottom - top;
        const size = Math.max(1, line.vertical ? wide : high);
        const long = (widthOf(line.text, family) * size) / 100;
        const span = make("span", { "data-line": n }, line.text);
        const stretch = line.vertical ? `scaleY(${high / long})` : `scaleX(${wide / long})`;
        span.style.cssText = `left:${left}px;top:${top}px;font-size:${size}px;line-height:${size}px;transform:${stretch};`;
        if (line.vertical) span.style.writingMode = "vertical-rl";
        return span;
      }),
    );
  }

  /** Draws boxes over the image: `kind` is "hit", "here" (the current one) or "line". */
  mark(boxes: readonly { box: Box; kind: string }[]): void {
    this.layer.querySelectorAll(".ld-box").forEach((old) => old.remove());
    for (const { box, kind } of boxes) {
      const [left, top, right, bottom] = box;
      const place = make("div", { class: `ld-box ld-box-${kind}` });
      place.style.cssText = `left:${left}px;top:${top}px;width:${right - left}px;height:${bottom - top}px`;
      this.layer.prepend(place);
    }
  }

  /** Brings a box into view, with air around it and no nearer than people read. */
  flyTo(box: Box, share = 0.8): void {
    const item = this.viewer.world.getItemAt(0);
    if (!item || !this.page) return;
    const [left, top, right, bottom] = box.map((side) => side * this.scale) as Box;
    const width = Math.max((right - left) / share, item.getContentSize().x * 0.6);
    const frame = this.viewer.viewport.getContainerSize();
    const height = Math.max(bottom - top, (width * frame.y) / Math.max(1, frame.x));
    const size = item.getContentSize();
    // Never beyond the sheet, where only the table under it would be seen.
    const inside = (start: number, length: number, whole: number): number =>
      length >= whole ? (whole - length) / 2 : Math.min(Math.max(0, start), whole - length);
    const x = inside((left + right) / 2 - width / 2, width, size.x);
    const y = inside((top + bottom) / 2 - height / 2, height, size.y);
    this.viewer.viewport.fitBounds(item.imageToViewportRectangle(x, y, width, height));
  }

  zoomBy(factor: number): void {
    this.viewer.viewport.zoomBy(factor);
    this.viewer.viewport.applyConstraints();
  }

  fit(): void {
    this.viewer.viewport.goHome();
  }

  fitWidth(): void {
    this.viewer.viewport.fitHorizontally();
    const item = this.viewer.world.getItemAt(0);
    if (!item) return;
    const bounds = this.viewer.viewport.getBounds();
    bounds.y = item.getBounds().y;
    this.viewer.viewport.fitBounds(bounds);
  }

  rotate(): void {
    this.viewer.viewport.setRotation((this.viewer.viewport.getRotation() + 90) % 360);
  }
}
