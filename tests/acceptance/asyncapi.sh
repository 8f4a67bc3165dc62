#!/bin/sh
# The AsyncAPI initiative's own parser on `studio-agent schema --asyncapi`. Exit 0: no error, no warning.
set -eu
root=$(dirname "$(readlink -f "$0")")/../..
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$root/studio" schema --asyncapi >"$folder/agent.json"
sed 's/"action": "send"/"action": "shout"/' "$folder/agent.json" >"$folder/broken.json"
cd "$folder"
npm install --silent --no-save --no-package-lock @asyncapi/parser >npm.log 2>&1 || { cat npm.log; exit 69; }
cat >judge.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';
const judge = async (file) => {
  const { document, diagnostics } = await new Parser().parse(readFileSync(file, 'utf8'));
  const bad = diagnostics.filter((each) => each.severity <= 1);
  return [document, bad];
};
const [document, faults] = await judge('agent.json');
const [, seeded] = await judge('broken.json');
if (faults.length || !document) {
  for (const each of faults) console.log(each.path.join('/'), each.message);
  process.exit(1);
}
if (!seeded.length) { console.log('a broken document was taken: this check checks nothing'); process.exit(2); }
console.log(`AsyncAPI ${document.version()}: ${document.channels().all().length} channels,`,
  `${document.operations().all().length} operations, 0 errors, 0 warnings`);
JS
node judge.mjs
