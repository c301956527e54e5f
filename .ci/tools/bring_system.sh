#!/usr/bin/env bash
# Bring what the tests need from outside Python: .ci/tools/bring_system.sh chromium postgresql java node opa shared
# On Debian as root it installs what is missing; opa it builds with Go, into .stamp/bin. Elsewhere it says what to install: tests that need it are then skipped with a
# message, and with CI=true, where nothing may be skipped, this fails. Without Node 20 the front end cannot be tested: always fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
opa_version=v1.22.4

have() {
  case $1 in
    chromium) command -v chromium || command -v chromium-browser || command -v google-chrome ;;
    postgresql) command -v initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' ;;
    java) command -v java ;;
    node) command -v node && node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' ;;
    opa) [ -x .stamp/bin/opa ] || command -v opa ;;
    shared) [ -d ../shared/data ] ;;
    *) echo "unknown: $1" >&2; exit 2 ;;
  esac >/dev/null 2>&1
}

debian_name() {
  case $1 in
    chromium | postgresql) echo "$1" ;;
    java) echo default-jre-headless ;;
  esac
}

in_words() {
  case $1 in
    chromium) echo 'Chromium, for the browser tests (Debian: apt-get install chromium)' ;;
    postgresql) echo 'the PostgreSQL server, for its engine tests (Debian: apt-get install postgresql)' ;;
    java) echo 'a Java runtime (Debian: apt-get install default-jre-headless)' ;;
    node) echo 'Node 20 or newer, for the front end (https://nodejs.org)' ;;
    opa) echo "OPA $opa_version, for the tests of policies in Rego: install Go and run this again, or put \`opa\` from openpolicyagent.org on PATH" ;;
    shared) echo 'the real bank data in ../shared/data' ;;
  esac
}

wanted=()
for name in "$@"; do
  package=$(debian_name "$name")
  if ! have "$name" && [ -n "$package" ]; then wanted+=("$package"); fi
done
if [ ${#wanted[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "== installing ${wanted[*]}"
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${wanted[@]}"; } >"$log" 2>&1 || tail -n 20 "$log" >&2
  rm -f "$log"
fi

for name in "$@"; do
  if [ "$name" = opa ] && ! have opa && command -v go >/dev/null; then
    echo "== building opa $opa_version with Go"
    log=$(mktemp)
    GOBIN="$PWD/.stamp/bin" go install "github.com/open-policy-agent/opa@$opa_version" >"$log" 2>&1 || tail -n 20 "$log" >&2
    rm -f "$log"
  fi
done

status=0
for name in "$@"; do
  have "$name" && continue
  echo "missing: $(in_words "$name")" >&2
  if [ "${CI:-}" = true ] || [ "$name" = node ]; then status=1; fi
done
exit $status
