#!/usr/bin/env bash
# Rewrites requirements.lock from pyproject.toml: every version with its hashes, no index address.
# --no-strip-extras: pip's hash mode refuses "gql[requests]" unless the lock names the extra.
set -euo pipefail
cd "$(dirname "$0")/.."
uv pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-annotate --no-header \
    --no-emit-index-url --no-emit-find-links --extra dev pyproject.toml -o requirements.lock "$@"
