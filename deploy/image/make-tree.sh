#!/bin/sh
# In a copy of this repository whose packages are installed: compiles it, and takes away what only making it needed.
# What stays is /opt/muster of the image.
set -eu
node_modules/.bin/tsc -b
node packages/cli/build.mjs
npm prune --omit=dev --ignore-scripts --loglevel=error
find packages -mindepth 2 -maxdepth 2 \( -name src -o -name 'tsconfig*' \) -exec rm -r {} +
find packages node_modules -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -delete
find packages -type f \( -name '*.test.js' -o -name '*.fixture.js' -o -name '*.tsbuildinfo' \) -delete
rm -f package-lock.json .npmrc tsconfig.json tsconfig.base.json
