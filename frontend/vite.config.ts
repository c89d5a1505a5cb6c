// Builds the pages' one script, one style sheet and the islands into the static files of `base`.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { defineConfig } from "vite";
import type { Plugin, Rule } from "postcss";

const DARK = /\[data-bs-theme=["']?dark["']?\]/g;

/** Copies every rule for dark to `auto` under the system's own choice: no script, no flash. */
function followSystem(): Plugin {
  return {
    postcssPlugin: "follow-system",
    OnceExit(root, { AtRule }) {
      const found: Rule[] = [];
      root.walkRules((rule) => {
        if (rule.selectors.some((selector) => selector.match(DARK))) found.push(rule);
      });
      for (const rule of found) {
        const copy = rule.clone();
        copy.selectors = rule.selectors
          .filter((selector) => selector.match(DARK))
          .map((selector) => selector.replace(DARK, "[data-bs-theme=auto]"));
        const media = new AtRule({
          name: "media",
          params: "screen and (prefers-color-scheme: dark)",
        });
        media.append(copy);
        rule.after(media);
      }
    },
  };
}

/** Writes .br and .gz beside each file, so that the web server compresses nothing while people wait. */
function compressed(folder: string) {
  return {
    name: "compressed",
    closeBundle(): void {
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.(css|js|svg)$/.test(entry.name)) continue;
        const file = join(entry.parentPath, entry.name);
        const bytes = readFileSync(file);
        writeFileSync(`${file}.br`, brotliCompressSync(bytes));
        writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
      }
    },
  };
}

const OUT = "../src/liandong/base/static/dist";

export default defineConfig({
  base: "/static/dist/",
  plugins: [compressed(OUT)],
  css: { postcss: { plugins: [followSystem()] } },
  build: {
    outDir: OUT,
    emptyOutDir: true,
    manifest: "manifest.json",
    target: "es2020",
    cssTarget: "chrome111", // "es2020" would down-level the style sheet to half again its size
    assetsInlineLimit: 0,
    rollupOptions: { input: ["src/main.ts", "src/snap.ts"], checks: { eval: false } }, // htmx could eval; our pages forbid it
  },
});
