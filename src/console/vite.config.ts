// How the console's pages are built: to dist/console, which the gateway serves under /console/.
//
// Invariant V1. Nothing is inlined into the page, so that a policy without 'unsafe-inline' lets everything of ours through and nothing else.

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const here = new URL('.', import.meta.url).pathname;

export default defineConfig({
  root: here,
  base: '/console/',
  publicDir: `${here}public`,
  plugins: [react()],
  build: {
    outDir: new URL('../../dist/console', import.meta.url).pathname,
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
});
