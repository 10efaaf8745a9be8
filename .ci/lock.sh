#!/usr/bin/env bash
# Rewrites requirements.lock from pyproject.toml: every version with its hashes, no index address.
# --no-strip-extras: pip's hash mode refuses "gql[requests]" unless the lock names the extra. It also refuses "gql"
# alone, which another package may ask for first, once a release newer than the pinned one is out: so a package that
# is locked with an extra is locked without it too.
set -euo pipefail
cd "$(dirname "$0")/.."
uv pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-annotate --no-header \
    --no-emit-index-url --no-emit-find-links --extra dev pyproject.toml -o requirements.lock "$@"
awk '
    function flush() { printf "%s", block; if (block ~ /^[^ ]+\[/) { sub(/\[[^]]*\]/, "", block); printf "%s", block }; block = "" }
    /^[^ ]/ { flush() }
    { block = block $0 "\n" }
    END { flush() }
' requirements.lock | awk '/^[^ ]/ { keep = !seen[$0]++ } keep' > requirements.lock.new
mv requirements.lock.new requirements.lock
