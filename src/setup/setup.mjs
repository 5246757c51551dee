// Set-up: brings what is missing to run this checkout, and nothing else. Plain JavaScript for any Node >= 20, because it
// runs before the pinned runtime and TypeScript are there. Called by every `pre…` script of package.json.
//
// Stages
//   1. runtime   Node older than RUNTIME_MINIMUM: fetch the pinned Node as an npm package into `.runtime`
//   2. packages  package-lock.json differs from what was installed last: `npm ci --ignore-scripts`
//   3. link      node_modules/.bin/node -> the pinned runtime, so that npm scripts find it first on their PATH
//   4. console   with `--console`: a source of the web pages is newer than dist/console, or that is not there: build it
//
// Invariants
//   S1. Where nothing is missing, nothing is spawned and nothing is written (stats and one small read).
//   S2. No package's install script ever runs: mediasoup's would try to download or build its worker and fail the install.
//   S3. Versions are pinned: packages by package-lock.json with their digests, the runtime by RUNTIME_VERSION.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const RUNTIME_MINIMUM = 24;
const RUNTIME_VERSION = '26.10.0';
const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const MODULES = join(ROOT, 'node_modules');
const RUNTIME = join(ROOT, '.runtime');
const STAMP = join(MODULES, '.callin-setup');
const CONSOLE_SOURCES = join(ROOT, 'src', 'console');
const CONSOLE_PAGE = join(ROOT, 'dist', 'console', 'index.html');
const VITE = join(MODULES, 'vite', 'bin', 'vite.js');

/** The platform package that npm's `node` package would itself fetch from its install script (see S2). */
const runtimePackage = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
const runtimeNode = join(
  RUNTIME,
  'node_modules',
  runtimePackage,
  'bin',
  process.platform === 'win32' ? 'node.exe' : 'node',
);
const linkedNode = join(MODULES, '.bin', process.platform === 'win32' ? 'node.exe' : 'node');

main();

function main() {
  const needsRuntime = machineNodeMajor() < RUNTIME_MINIMUM;
  if (needsRuntime && !existsSync(runtimeNode)) installRuntime();
  if (readStamp() !== lockDigest()) installPackages(needsRuntime);
  if (needsRuntime && !linksToRuntime()) linkRuntime();
  if (process.argv.includes('--console') && isConsoleOld()) buildConsole(needsRuntime ? runtimeNode : process.execPath);
}

/** Under an npm script `process` may already be the linked runtime; what counts is what the machine itself has. */
function machineNodeMajor() {
  const own = Number.parseInt(process.versions.node, 10);
  return existsSync(runtimeNode) && realpathSync(process.execPath) === realpathSync(runtimeNode) ? 0 : own;
}

function installRuntime() {
  say(
    `Node ${process.versions.node} is older than ${RUNTIME_MINIMUM}: fetching Node ${RUNTIME_VERSION} (once, about 70 MB)`,
  );
  mkdirSync(RUNTIME, { recursive: true });
  writeFileSync(join(RUNTIME, 'package.json'), '{"private":true}\n');
  npm(
    ['install', '--no-save', '--no-package-lock', '--ignore-scripts', `${runtimePackage}@${RUNTIME_VERSION}`],
    RUNTIME,
    process.env,
  );
  if (!existsSync(runtimeNode))
    fail(`npm has no Node ${RUNTIME_VERSION} for ${runtimePackage}; install Node >= ${RUNTIME_MINIMUM} yourself`);
}

/** Runs npm on the pinned runtime: on an older Node, npm leaves out the optional packages that need a newer one. */
function installPackages(needsRuntime) {
  say('installing packages from package-lock.json');
  const path = needsRuntime ? dirname(runtimeNode) + delimiter + process.env.PATH : process.env.PATH;
  npm(['ci', '--ignore-scripts'], ROOT, { ...process.env, PATH: path });
  writeFileSync(STAMP, lockDigest());
}

function linkRuntime() {
  mkdirSync(dirname(linkedNode), { recursive: true });
  rmSync(linkedNode, { force: true });
  symlinkSync(relative(dirname(linkedNode), runtimeNode), linkedNode);
}

function linksToRuntime() {
  return existsSync(linkedNode) && realpathSync(linkedNode) === realpathSync(runtimeNode);
}

function isConsoleOld() {
  if (!existsSync(CONSOLE_PAGE)) return true;
  const builtAt = statSync(CONSOLE_PAGE).mtimeMs;
  const sources = readdirSync(CONSOLE_SOURCES, { recursive: true }).map((file) => join(CONSOLE_SOURCES, String(file)));
  return [join(ROOT, 'package-lock.json'), ...sources].some((file) => statSync(file).mtimeMs > builtAt);
}

/** Without it the gateway serves everything but its pages: said, and no reason to stop. */
function buildConsole(node) {
  if (!existsSync(VITE))
    return say('the console is not built: vite is not installed (npm ci without --omit=dev brings it)');
  say('building the console');
  const args = [VITE, 'build', '--config', join(CONSOLE_SOURCES, 'vite.config.ts'), '--logLevel', 'error'];
  // Whatever runs the set-up (tests have an environment of their own): people get the quick pages.
  const env = { ...process.env, NODE_ENV: 'production' };
  const { status } = spawnSync(node, args, { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) say('the console could not be built; see above. The gateway runs without its pages');
}

function lockDigest() {
  return createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex');
}

function readStamp() {
  return existsSync(STAMP) ? readFileSync(STAMP, 'utf8') : '';
}

function npm(args, cwd, env) {
  const quiet = ['--loglevel=error', '--no-audit', '--no-fund'];
  const result = spawnSync('npm', [...args, ...quiet], {
    cwd,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (result.error) fail(`npm could not be started: ${result.error.message}`);
  if (result.status !== 0) fail(`npm ${args[0]} ended with status ${result.status}; see above`);
}

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
