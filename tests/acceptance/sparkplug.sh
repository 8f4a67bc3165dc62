#!/bin/sh
# A virtual studio as a Sparkplug B edge node, read and written with Eclipse Tahu's own library. Exit 0: every payload
# decodes, seq has no gap, every alias is known, a rebirth is answered, and a DCMD that Tahu encoded moves a light.
set -eu
root=$(dirname "$(readlink -f "$0")")/../..
folder=$(mktemp -d)
PATH=$PATH:/usr/sbin
broker=18832
pids=
trap 'kill $pids 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-save --no-package-lock sparkplug-payload@1 mqtt@5 >npm.log 2>&1 || { cat npm.log; exit 69; }
mosquitto -p "$broker" >mosquitto.log 2>&1 &
pids="$!"
STUDIO_AGENT__SPARKPLUG__ENABLED=true STUDIO_AGENT__MQTT__HOST=127.0.0.1 STUDIO_AGENT__MQTT__PORT=$broker \
    STUDIO_AGENT__AGENT__STATE_DIR="$folder/state" \
    "$root/studio" run --virtual -c "$root/config/examples/demo.toml" >agent.log 2>&1 &
pids="$pids $!"
cat >judge.cjs <<'JS'
const mqtt = require('mqtt');
const tahu = require('sparkplug-payload').get('spBv1.0');
const client = mqtt.connect(`mqtt://127.0.0.1:${process.argv[2]}`, { protocolVersion: 4 });
const names = new Map(), alive = new Set(), faults = [], values = new Map();
let seq = null, births = 0, messages = 0, metrics = 0, moved = false, asked = 0;
const write = (topic, ...list) =>
  client.publish(topic, tahu.encodePayload({ timestamp: Date.now(), metrics: list }));
const finish = (why) => {
  console.log(why || `${messages} messages, ${metrics} metrics, ${births} births, ${alive.size} devices, a light moved`);
  for (const fault of faults.slice(0, 10)) console.log('fault:', fault);
  client.end(true, () => process.exit(why || faults.length ? 1 : 0));
};
setTimeout(() => finish('not all was seen within 60 s'), 60000);
client.on('connect', () => client.subscribe('spBv1.0/#', () => ask()));
const ask = () => {  // the births came before we listened: Sparkplug's answer to that is a rebirth
  if (births) return;
  asked += 1;
  write('spBv1.0/demo/NCMD/studio', { name: 'Node Control/Rebirth', type: 'Boolean', value: true });
  setTimeout(ask, 2000);
};
client.on('message', (topic, body, packet) => {
  const [, , kind, , device = ''] = topic.split('/');
  if (kind.endsWith('CMD')) return;
  if (!births && kind !== 'NBIRTH') return;
  const payload = tahu.decodePayload(body);
  messages += 1;
  if (packet.qos !== 0 || packet.retain) faults.push(`${topic}: QoS ${packet.qos}, retain ${packet.retain}`);
  const number = Number(payload.seq);
  if (kind === 'NBIRTH') { births += 1; alive.clear(); } else if (number !== (seq + 1) % 256) faults.push(`${topic}: seq ${number} after ${seq}`);
  seq = number;
  if (kind === 'DBIRTH') alive.add(device);
  if (kind === 'DDEATH') alive.delete(device);
  for (const metric of payload.metrics) {
    metrics += 1;
    if (kind.endsWith('BIRTH') && metric.alias !== undefined) names.set(Number(metric.alias), `${device}/${metric.name}`);
    const name = metric.alias === undefined ? `${device}/${metric.name}` : names.get(Number(metric.alias));
    if (!name) { faults.push(`${topic}: unknown alias ${metric.alias}`); continue; }
    if (!metric.type || metric.type === 'Unknown') faults.push(`${name}: no type`);
    if (metric.timestamp === undefined) faults.push(`${name}: no time`);
    values.set(name, metric.value);
  }
  if (births && alive.has('fixture-fill') && !moved) {
    moved = true;
    const alias = [...names].find(([, name]) => name === 'fixture-fill/Levels/intensity')[0];
    write('spBv1.0/demo/DCMD/studio/fixture-fill', { alias, type: 'Double', value: 0.37 });
  }
  if (values.get('fixture-fill/Last Command/Result') === 'succeeded' && values.get('fixture-fill/Levels/intensity') === 0.37
      && messages > 100) finish();
});
JS
node judge.cjs "$broker" || { tail -n 5 agent.log mosquitto.log; exit 1; }
