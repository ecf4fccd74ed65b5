/// <reference types="vitest/config" />
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** Below this many bytes a compressed copy saves nothing. */
const WORTH_COMPRESSING = 1024;
const COMPRESSIBLE = /\.(js|css|svg)$/;

/** The gateway sends `name.gz` to browsers that take it: compressed once, here, with the best level. */
function precompressed(): Plugin {
  return {
    name: "kam-precompressed",
    apply: "build",
    async writeBundle({ dir }) {
      const names = await readdir(dir as string, { recursive: true });
      await Promise.all(
        names
          .filter(name => COMPRESSIBLE.test(name))
          .map(async name => {
            const path = join(dir as string, name);
            const content = await readFile(path);
            if (content.length >= WORTH_COMPRESSING) {
              await writeFile(`${path}.gz`, await promisify(gzip)(content, { level: 9 }));
            }
          }),
      );
    },
  };
}

export default defineConfig({
  plugins: [react(), precompressed()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  // The gateway puts a nonce of its own into every copy of the page that it sends (gateway/web.py).
  html: { cspNonce: "__KAM_NONCE__" },
  build: {
    target: "es2022",
    outDir: process.env.KAM_WEB_OUT ?? "dist",
    emptyOutDir: true,
    manifest: true,
    // Nothing is put into the page as data: the content security policy allows files of our own only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1200,
  },
  server: {
    proxy: { "/v1": process.env.KAM_GATEWAY ?? "http://127.0.0.1:23000" },
  },
  test: {
    environment: "jsdom",
    setupFiles: ["src/test/setup.ts"],
    include: ["src/**/*.test.{ts,tsx}"],
    testTimeout: 30_000, // a machine that builds something else beside
    restoreMocks: true,
    unstubGlobals: true,
  },
});
