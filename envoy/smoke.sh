#!/usr/bin/env bash
# Walks a running Envoy with Antiphon behind it: success, streaming, the three kinds of error, a client that leaves.
#
#   envoy/smoke.sh [ORIGIN]          ORIGIN is http://127.0.0.1:10000 by default
#
#   MODEL=demo          a model that answers (the built-in one by default)
#   DOWN_MODEL=down     a model whose backend is dead. Configure one, before any "*":
#                         models: [{ match: down, backend: chat, url: "http://127.0.0.1:9/v1" }, ...]
#   SMOKE_SKIP_DOWN=1   leave that step out
#   SMOKE_WHOLE=1       Envoy runs a buffered mode: a streamed reply comes in one piece
#   API_KEY=...         sent as a bearer token, where Antiphon asks for one
#
# Needs bash, curl and node. Prints one line a step; the exit code is the number of steps that failed.
set -uo pipefail

origin=${1:-http://127.0.0.1:10000}
model=${MODEL:-demo}
down=${DOWN_MODEL:-down}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

for tool in curl node; do
  command -v "$tool" >/dev/null || { echo "smoke.sh needs $tool" >&2; exit 64; }
done

pass() { echo "ok    $1"; }
fail() { echo "FAIL  $1: $2"; failed=$((failed + 1)); }

# post BODY [CURL OPTION...]: prints the status; the reply is in $scratch/body (or in $output), its headers in $scratch/headers.
post() {
  local body=$1
  shift
  : >"$scratch/body"
  curl --silent --max-time 120 --output "${output:-$scratch/body}" --dump-header "$scratch/headers" --write-out '%{http_code}' \
    --header 'content-type: application/json' ${API_KEY:+--header "authorization: Bearer $API_KEY"} \
    --data-binary "$body" "$@" "$origin/v1/responses"
}

# json EXPRESSION: evaluates it with the reply as `it`, and prints what it gives as JSON.
json() {
  node -e 'const it = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
    console.log(JSON.stringify(new Function("it", `return ${process.argv[2]}`)(it)))' "$scratch/body" "$1" 2>/dev/null
}

reply() { head -c 300 "$scratch/body" | tr '\n' ' '; }

# expect_error STEP STATUS TYPE PARAM MESSAGE BODY: the error tiers carry the status as code; MESSAGE is a regular expression.
expect_error() {
  local step=$1 status=$2 type=$3 param=$4 message=$5 body=$6 got
  got=$(post "$body")
  if [[ $got != "$status" ]]; then fail "$step" "status $got, not $status: $(reply)"; return; fi
  if [[ $(json '[it.error.type, it.error.code, it.error.param]') != "[\"$type\",$status,$param]" ]]; then
    fail "$step" "not type $type, code $status, param $param: $(reply)"; return
  fi
  if ! [[ $(json it.error.message) =~ $message ]]; then fail "$step" "unexpected message: $(reply)"; return; fi
  pass "$step: $status $type $(json it.error.message)"
}

success() {
  local got text
  got=$(post "{\"model\":\"$model\",\"input\":\"Say hello.\"}")
  if [[ $got != 200 ]]; then fail success "status $got: $(reply)"; return; fi
  text=$(json 'it.output.flatMap((item) => item.content ?? []).map((part) => part.text ?? "").join("")')
  if [[ $(json '[it.object, it.status]') != '["response","completed"]' || ${#text} -le 2 ]]; then
    fail success "not a completed response with text: $(reply)"
  elif ! grep -qi '^x-request-id: .' "$scratch/headers"; then
    fail success 'no x-request-id in the reply'
  else
    pass "success: 200 completed ${text:0:60}"
  fi
}

# Long enough that its end is far from its beginning; the demo model says it all back.
counting="Count from 1 to 100, one number a line: $(seq -s ' ' 1 100)"

# Reads a stream from standard input and says how it ended and how it was spread over time.
cat >"$scratch/spread.cjs" <<'JS'
const arrivals = [], start = Date.now();
let text = '';
process.stdin.on('data', (chunk) => { arrivals.push(Date.now() - start); text += chunk; }).on('end', () => {
  const types = [...text.matchAll(/^event: (.+)$/gm)].map((match) => match[1]);
  const spread = arrivals.length ? arrivals.at(-1) - arrivals[0] : 0;
  const wrong =
    types[0] !== 'response.created' ? `it does not begin with response.created: ${text.slice(0, 200)}`
    : !/^response\.(completed|incomplete)$/.test(types.at(-1)) ? `it ends with ${types.at(-1)}`
    : !text.trimEnd().endsWith('data: [DONE]') ? 'no [DONE] at its end'
    : !process.argv[2] && (arrivals.length < 3 || spread < 100)
      ? `${types.length} events came in ${arrivals.length} pieces within ${spread} ms: something holds them back`
    : '';
  console.log(wrong || `${types.length} events in ${arrivals.length} pieces over ${spread} ms`);
  process.exit(wrong ? 1 : 0);
});
JS

streaming() {
  local verdict
  if ! verdict=$(output=- post "{\"model\":\"$model\",\"input\":\"$counting\",\"stream\":true}" --no-buffer --write-out '' |
    node "$scratch/spread.cjs" "${SMOKE_WHOLE:-}"); then
    fail streaming "$verdict"
  elif ! grep -qi '^content-type: text/event-stream' "$scratch/headers"; then
    fail streaming "not text/event-stream: $(grep -i '^content-type' "$scratch/headers")"
  else
    pass "streaming: $verdict"
  fi
}

backend_down() {
  if [[ ${SMOKE_SKIP_DOWN:-} == 1 ]]; then echo 'skip  backend down (SMOKE_SKIP_DOWN=1)'; return; fi
  local body="{\"model\":\"$down\",\"input\":\"hello\"}" got
  got=$(post "$body")
  if [[ $got == 404 || $got == 200 ]]; then
    fail 'backend down' "no model \"$down\" with a dead backend is configured (see DOWN_MODEL above in $0), or set SMOKE_SKIP_DOWN=1"
  else
    expect_error 'backend down' 500 server_error null 'model backend' "$body"
  fi
}

# Leaves in the middle of a stream, then asks again: the server must be as it was.
disconnect() {
  local client got
  post "{\"model\":\"$model\",\"input\":\"$counting\",\"stream\":true}" --no-buffer --write-out '' --limit-rate 500 --max-time 1
  client=$?
  if [[ $client != 28 || (! -s $scratch/body && -z ${SMOKE_WHOLE:-}) ]]; then
    fail disconnect "the stream could not be left half-way (curl ended with $client): $(reply)"; return
  fi
  if grep -q '^data: \[DONE\]' "$scratch/body"; then fail disconnect 'the stream was over before the client left'; return; fi
  got=$(post "{\"model\":\"$model\",\"input\":\"Say hello.\"}")
  if [[ $got == 200 ]]; then pass 'disconnect: left half-way, and the next request is 200'; else fail disconnect "next request: $got"; fi
}

success
streaming
expect_error 'malformed JSON' 400 invalid_request_error null 'parse' '{"model":'
expect_error 'missing model' 422 invalid_request_error '"model"' '^"model field is required"$' '{"input":"hello"}'
backend_down
disconnect

if [[ $failed == 0 ]]; then echo "all passed at $origin"; else echo "$failed failed at $origin"; fi
exit "$failed"
